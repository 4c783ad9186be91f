"""`mudra data check` and `--corrections`: what is found, what is written, what does not fit."""

import csv
import json

import pytest

np = pytest.importorskip("numpy", reason="NumPy is not installed")

WRONG = [5, 17, 60, 101, 154]
QUICK = ["--network", "dense 24, relu", "--epochs", 20, "--learning-rate", 0.01, "--label-smoothing", 0]


@pytest.fixture
def hands(tmp_path):
    """Three classes told apart by where it is bright, shown by four hands; five labels are wrong."""
    rng = np.random.default_rng(4)
    truth = np.arange(180) % 3
    bright = np.arange(64) % 3 == truth[:, None]
    pixels = rng.integers(0, np.where(bright, 256, 130)).astype("u1").reshape(180, 8, 8)
    labels = truth.copy()
    labels[WRONG] = (truth[WRONG] + 1) % 3
    names = np.array(["fist", "=five", "palm"])
    np.savez(tmp_path / "hands.npz", dataset=pixels, labels=names[labels], groups=np.arange(180) // 3 % 4)
    return names, truth, labels


def check(mudra, *arguments):
    result = mudra("data", "check", "hands.npz", *QUICK, "--json", *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_wrong_labels_are_found_and_told(mudra, hands):
    names, truth, labels = hands
    found = check(mudra, "--quiet")
    assert found["images"] == 180 and found["warnings"] == []
    assert sorted(suspect["row"] for suspect in found["suspects"]) == WRONG
    confidences = [suspect["confidence"] for suspect in found["suspects"]]
    assert confidences == sorted(confidences, reverse=True) and all(0.5 < c <= 1 for c in confidences)
    for suspect in found["suspects"]:
        row = suspect["row"]
        assert set(suspect) == {"row", "file", "group", "label", "suggestion", "confidence"}
        assert (suspect["label"], suspect["suggestion"]) == (names[labels[row]], names[truth[row]])
        assert suspect["group"] == str(row // 3 % 4) and suspect["file"] is None
    assert found == check(mudra, "--quiet", "--threads", 2)
    text = mudra("data", "check", "hands.npz", *QUICK)
    assert text.returncode == 0 and "suspects  5" in text.stdout and "held out" in text.stderr
    assert text.stdout.index(f"\n{found['suspects'][0]['row']} ") < text.stdout.index(f"\n{found['suspects'][4]['row']} ")


def test_without_groups_it_says_what_may_stay_hidden(mudra, hands, tmp_path):
    data = dict(np.load(tmp_path / "hands.npz"))
    del data["groups"]
    np.savez(tmp_path / "hands.npz", **data)
    result = mudra("data", "check", "hands.npz", *QUICK)
    assert result.returncode == 0 and "warning   Whose hands" in result.stdout and "--groups FILE" in result.stdout
    assert check(mudra)["split"].startswith("5 folds within each class")


def test_corrections_are_written_edited_and_applied(mudra, hands, tmp_path):
    names, truth, labels = hands
    found = check(mudra, "--out", "found")
    lines = (tmp_path / "found" / "corrections.csv").read_text().splitlines()
    assert lines[0] == "row,file,label,suggestion,confidence" and len(lines) == 6
    written = [line["row"] for line in csv.DictReader(lines)]
    assert written == [str(suspect["row"]) for suspect in found["suspects"]]
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    assert Image.open(tmp_path / "found" / "suspects.png").width > 5 * 84
    kept = [lines[0], *lines[2:]]  # a line is deleted
    (tmp_path / "edited.csv").write_text("\n".join(kept) + "\n")
    result = mudra("data", "convert", "hands.npz", "--corrections", "edited.csv", "--out", "right.npz")
    assert result.returncode == 0 and "4 labels changed by edited.csv" in result.stderr
    right = np.load(tmp_path / "right.npz")["labels"]
    expected = labels.copy()
    for line in csv.DictReader(kept):
        expected[int(line["row"])] = truth[int(line["row"])]
    assert (right == names[expected]).all() and (right != names[labels]).sum() == 4
    rest = json.loads(mudra("data", "check", "right.npz", *QUICK, "--json").stdout)["suspects"]
    assert [suspect["row"] for suspect in rest] == [int(written[0])]


def test_classes_are_chosen_after_corrections(mudra, hands, tmp_path):
    """An image of a class left out is kept when its label is corrected to one of those kept."""
    (tmp_path / "c.csv").write_text("row,label,suggestion\n60,=five,fist\n")
    result = mudra("train", "hands.npz", "--corrections", "c.csv", "--classes", "palm,fist", "--epochs", 1,
                   "--no-report", "--out", "run")
    names, truth, labels = hands
    assert labels[60] == 1 and truth[60] == 0 and result.returncode == 0, result.stderr
    assert f"kept palm and fist: {(labels != 1).sum() + 1}" in result.stderr
    assert "1 label changed by c.csv" in result.stderr
    assert 'corrections = "c.csv"' in (tmp_path / "run" / "options.toml").read_text().replace("'", '"')


@pytest.mark.parametrize("text, message", [
    ("row,label,suggestion\n17,fist,palm\n180,fist,palm\n", "line 3: '180' is no row of the 180 images"),
    ("row,label,suggestion\n17,palm,fist\n", "line 2: image 17 is labelled 'fist', not 'palm'"),
    ("row,label,suggestion\n17,fist,thumb\n", "line 2: there is no class 'thumb'"),
    ("row,label\n", "has no column `suggestion`"),
    ("", "c.csv"),
])
@pytest.mark.parametrize("command", [("train",), ("data", "convert"), ("data", "inspect")])
def test_corrections_that_do_not_fit_are_refused(mudra, hands, tmp_path, text, message, command):
    (tmp_path / "c.csv").write_text(text)
    out = [] if "inspect" in command else ["--out", "out"]
    result = mudra(*command, "hands.npz", "--corrections", "c.csv", *out)
    assert result.returncode == 1 and message in result.stderr and result.stderr.count("mudra:") == 1
    assert not (tmp_path / "out").exists()


def test_wrong_usage_is_refused(mudra, hands, tmp_path):
    assert mudra("data", "check", "none.npz").returncode == 1
    assert mudra("data", "check", "hands.npz", "--checkpoint", 1).returncode == 2
    assert mudra("data", "check", "hands.npz", "--split", "kfold:999").returncode == 2
    assert mudra("data", "check").returncode == 2
    (tmp_path / "file").write_text("")
    result = mudra("data", "check", "hands.npz", *QUICK, "--out", "file")
    assert result.returncode == 1 and "--out" in result.stderr and (tmp_path / "file").read_text() == ""


def test_a_training_by_folds_tells_of_its_labels(mudra, hands, tmp_path):
    def train(split, out):
        result = mudra("train", "hands.npz", *QUICK, "--split", split, "--quiet", "--json", "--no-report", "--out", out)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)["label_suspects"]

    suspects = train("leave-one-group-out", "folds")
    assert suspects["count"] == 5 and sorted(row["row"] for row in suspects["rows"]) == WRONG
    with open(tmp_path / "folds" / "predictions.csv") as file:
        answers = {int(answer["row"]): answer for answer in csv.DictReader(file)}
    for suspect in suspects["rows"]:  # how much likelier the other class is, brought from -1 to 1 into 0 to 1
        likely, given = (float(answers[suspect["row"]]["p_" + suspect[key]]) for key in ("suggestion", "label"))
        assert suspect["confidence"] == pytest.approx((1 + likely - given) / 2, abs=1e-6)
    assert train("0.8", "one") is None


def test_training_warns_in_words(mudra, hands):
    result = mudra("train", "hands.npz", "--optimizer", "sgd", "--learning-rate", 1e-7, "--epochs", 5, "--no-report", "--json", "--out", "run")
    assert "warning   epoch 3: the training loss" in result.stderr and "Raise --learning-rate" in result.stderr
    assert any("Raise --learning-rate" in warning for warning in json.loads(result.stdout)["warnings"])


@pytest.mark.parametrize("arguments", [["--recipe", "report"], ["--network", "cnn", "--epochs", 8]])
def test_an_ordinary_training_warns_of_nothing(mudra, arguments):
    result = mudra("train", "synth:2000", *arguments, "--no-report", "--json", "--out", "run", "--quiet")
    assert result.returncode == 0 and json.loads(result.stdout)["warnings"] == []
