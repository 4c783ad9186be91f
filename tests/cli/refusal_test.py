"""Answers that a model refuses to give: told everywhere, and lost nowhere."""

import csv
import json
import re
import subprocess

import pytest

from conftest import COMMAND

np = pytest.importorskip("numpy", reason="NumPy is not installed")


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    """A folder with a model that refuses, its JSON, and images: all.npz, and those it refuses, unsure.npz."""
    folder = tmp_path_factory.mktemp("refusing")

    def mudra(*arguments):
        return subprocess.run([COMMAND, *map(str, arguments)], text=True, capture_output=True, timeout=120)

    done = mudra("train", "synth:300", "--split", "group-kfold:3", "--epochs", 4, "--refuse", 0.3, "--out", folder / "run",
                 "--no-report", "--quiet", "--json")
    assert done.returncode == 0, done.stderr
    mudra("synth", "--count", 200, "--out", folder / "all.npz")
    mudra("evaluate", folder / "all.npz", "--model", folder / "run", "--predictions", folder / "all.csv")
    answers = list(csv.DictReader(open(folder / "all.csv")))
    rows = [int(row["row"]) for row in answers if row["answer"] == ""]
    assert 0 < len(rows) < 200
    data = np.load(folder / "all.npz")
    np.savez(folder / "unsure.npz", dataset=data["dataset"][rows], labels=data["labels"][rows])
    return folder, json.loads(done.stdout), answers


def test_the_share_refused_and_the_answers_given_are_told(mudra, refusing):
    folder, _, answers = refusing
    given = [row for row in answers if row["answer"]]
    right = sum(row["answer"] == row["label"] for row in given)
    found = json.loads(mudra("evaluate", folder / "all.npz", "--model", folder / "run", "--json").stdout)
    assert found["refused_images"] == 200 - len(given)
    assert found["refused"] == pytest.approx(1 - len(given) / 200, abs=1e-12)
    assert found["accuracy_answered"] == pytest.approx(right / len(given), abs=1e-12)
    assert found["answered"]["n"] == len(given)
    assert found["answered"]["accuracy"] == pytest.approx(right / len(given), abs=1e-12)
    for share, (low, high) in ((found["refused"], found["refused_interval"]),
                               (right / len(given), found["answered"]["interval"])):
        assert low < share < high
    assert sum(row["support"] for row in found["per_class"]) == 200
    text = mudra("evaluate", folder / "all.npz", "--model", folder / "run").stdout
    assert f"refused   {200 - len(given)} of 200 images (" in text
    assert f"{right} of the {len(given)} answered are right: {100 * right / len(given):.1f}% (95% interval" in text
    matrix = [line.split() for line in text.splitlines()[2:12]]
    assert sum(int(row[-1]) for row in matrix) == found["refused_images"]


def test_what_the_threshold_means_is_kept_in_the_model(mudra, refusing):
    folder, trained, _ = refusing
    kept = trained["calibration"]["refusal"]
    # Wilson's interval of 90 in 300, by SciPy.
    assert kept.startswith("refuses 30.0% of its own signs (95% interval 25.1% to 35.4%)") and "less than" in kept
    found = json.loads(mudra("evaluate", folder / "all.npz", "--model", folder / "run", "--json").stdout)
    assert found["calibration"]["refusal"] == kept
    assert f"the model {kept}" in mudra("evaluate", folder / "all.npz", "--model", folder / "run").stdout


def test_copies_of_a_photograph_count_once_in_the_interval_of_the_threshold(mudra, tmp_path):
    """60 photographs in five copies each, which are refused together."""
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
    assert mudra("synth", "--count", 60, "--out", "hands.npz").returncode == 0
    data, copies = np.load(tmp_path / "hands.npz"), np.arange(60).repeat(5)
    np.savez(tmp_path / "copies.npz", dataset=data["dataset"][copies], labels=data["labels"][copies],
             groups=copies % 6, photograph=copies)
    done = mudra("train", "copies.npz", "--split", "group-kfold:3", "--epochs", 4, "--refuse", 0.3, "--no-report",
                 "--quiet", "--json")
    assert done.returncode == 0, done.stderr
    text = json.loads(done.stdout)["calibration"]["refusal"]
    numbers = re.match(r"refuses (.+)% of its own signs \(95% interval (.+)% to (.+)%\)", text).groups()
    share, low, high = (float(number) / 100 for number in numbers)
    assert share == 0.3
    # Samples of 60 photographs hold a binomial number of refused ones.
    assert [low, high] == pytest.approx((stats.binom.ppf([0.025, 0.975], 60, share) / 60).tolist(), abs=0.02)


def test_a_test_of_which_everything_is_refused_is_reported(mudra, refusing):
    folder, _, _ = refusing
    done = mudra("evaluate", folder / "unsure.npz", "--model", folder / "run", "--report", folder / "nothing")
    assert done.returncode == 0, done.stderr
    assert "none of them was answered" in done.stdout and "The model refused every picture." in done.stdout
    assert "always answering" not in done.stdout
    assert (folder / "nothing/tables.md").read_text().count("| refused |") == 2  # a score, and a column
    found = json.loads(mudra("evaluate", folder / "unsure.npz", "--model", folder / "run", "--json").stdout)
    assert found["refused"] == 1 and found["accuracy"] == 0 and found["accuracy_answered"] is None
    assert found["answered"] == {"n": 0, "accuracy": None, "interval": None}


def test_predict_says_that_it_gives_no_answer(mudra, refusing):
    folder, trained, _ = refusing
    images = np.load(folder / "unsure.npz")["dataset"][:2].reshape(2, 28, 28)
    np.save(folder / "two.npy", images.astype("u1"))
    text = mudra("predict", folder / "two.npy", "--model", folder / "run").stdout
    threshold = trained["calibration"]["rejection_threshold"]
    assert text.count("  none of these; nearest to   ") == 2
    for answer in json.loads(mudra("predict", folder / "two.npy", "--model", folder / "run", "--json").stdout):
        assert answer["label"] is None and answer["none"] is None and 0 < answer["confidence"] < threshold


def test_a_share_that_nothing_can_tell_is_warned_of(mudra, tmp_path):
    done = mudra("train", "synth:200", "--epochs", 1, "--refuse", 0.1, "--out", tmp_path / "run", "--no-report", "--quiet", "--json")
    assert any(text.startswith("The model refuses nothing") for text in json.loads(done.stdout)["warnings"])
    assert json.loads(done.stdout)["test"]["refused_interval"] is None
