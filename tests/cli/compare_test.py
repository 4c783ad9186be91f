"""mudra compare: on files of predictions written here, whose numbers are counted here, and on runs."""

import csv
import json
import re

import pytest

np = pytest.importorskip("numpy", reason="NumPy is not installed")
stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")

FIRST = ["row", "file", "group", "photograph", "fold", "label", "answer", "confidence"]
PAIR = {"a", "b", "difference", "interval", "p_value", "only_a_right", "only_b_right"}


def write(path, labels, answers, classes=("0", "5"), rows=None, groups=None, photographs=None, files=None):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(FIRST + [f"p_{name}" for name in classes])
        for i, (label, answer) in enumerate(zip(labels, answers)):
            p = [0.75 if name == answer else 0.25 / (len(classes) - 1) for name in classes]
            writer.writerow([i if rows is None else rows[i], "" if files is None else files[i], "" if groups is None else groups[i],
                             "" if photographs is None else photographs[i], "", label, answer, 0.75, *p])


def compare(mudra, *arguments):
    result = mudra("compare", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)  # exactly one document


def refused(mudra, *arguments):
    result = mudra("compare", *arguments)
    assert result.stdout == "" and re.fullmatch(r"mudra: [^\n]*\n", result.stderr), result.stderr
    return result.returncode, result.stderr


@pytest.fixture
def two(tmp_path):
    """300 images; A and B right where a, b say so. b is better."""
    rng = np.random.default_rng(1)
    labels = rng.choice(["0", "5"], 300)
    other = np.where(labels == "0", "5", "0")
    right = {"a": rng.random(300) < 0.8, "b": rng.random(300) < 0.95}
    for name in right:
        write(tmp_path / f"{name}.csv", labels, np.where(right[name], labels, other))
    return labels, right["a"], right["b"]


def test_counts_and_mcnemars_test_are_scipys(mudra, two):
    labels, a, b = two
    found = compare(mudra, "a.csv", "b.csv")
    assert found["n"] == 300
    assert [run["run"] for run in found["runs"]] == ["a.csv", "b.csv"]
    for run, right in zip(found["runs"], (a, b)):
        assert run["accuracy"] == pytest.approx(right.mean(), abs=1e-12)
        wilson = stats.binomtest(int(right.sum()), 300).proportion_ci(method="wilson")
        assert run["interval"] == pytest.approx([wilson.low, wilson.high], abs=1e-12)
    pair, = found["pairs"]
    assert PAIR <= set(pair) and (pair["a"], pair["b"]) == ("a.csv", "b.csv")
    assert pair["difference"] == pytest.approx(b.mean() - a.mean(), abs=1e-12)
    assert (pair["only_a_right"], pair["only_b_right"]) == ((a & ~b).sum(), (b & ~a).sum())
    p = stats.binomtest(int((a & ~b).sum()), int((a != b).sum())).pvalue
    assert pair["p_value"] == pair["units_p_value"] == pytest.approx(p, abs=1e-12)
    assert pair["interval"][0] < pair["difference"] < pair["interval"][1]
    for score in pair["per_class"]:
        of = labels == score["name"]
        assert score["n"] == of.sum()
        assert (score["only_a_right"], score["only_b_right"]) == ((a & ~b & of).sum(), (b & ~a & of).sum())
        assert score["difference"] == pytest.approx(b[of].mean() - a[of].mean(), abs=1e-12)
    assert pair["groups"] == []


def test_the_verdict_says_it_in_words(mudra, two):
    shown = mudra("compare", "a.csv", "b.csv").stdout
    assert "verdict   b.csv is better than a.csv: right on" in shown and "p < 0.0001" in shown
    assert "b.csv is better than a.csv" in mudra("compare", "b.csv", "a.csv").stdout


def test_equal_runs_are_not_told_apart_and_their_interval_has_a_width(mudra, tmp_path, two):
    (tmp_path / "same.csv").write_bytes((tmp_path / "a.csv").read_bytes())
    found = compare(mudra, "a.csv", "same.csv")["pairs"][0]
    assert (found["difference"], found["p_value"]) == (0, 1)
    z2 = stats.norm.ppf(0.975) ** 2
    assert found["interval"] == pytest.approx([-z2 / (300 + z2), z2 / (300 + z2)], abs=1e-9)
    assert "cannot tell a.csv and same.csv apart" in found["verdict"]


def test_copies_of_photographs_are_no_proof(mudra, tmp_path):
    """B is right on two photographs more, of which there are eight copies each."""
    labels = np.repeat(["0", "5"], 160)
    photographs = np.arange(320) // 8
    wrong = np.isin(photographs, (3, 30))
    write(tmp_path / "a.csv", labels, np.where(wrong, np.where(labels == "0", "5", "0"), labels), photographs=photographs)
    write(tmp_path / "b.csv", labels, labels, photographs=photographs)
    pair, = compare(mudra, "a.csv", "b.csv")["pairs"]
    assert pair["p_value"] < 1e-4 and pair["units_p_value"] == 0.5  # of four choices of signs, two are as extreme
    assert (pair["interval_unit"], pair["interval_units"]) == ("photograph", 40) and pair["interval"][0] < 0
    shown = mudra("compare", "a.csv", "b.csv").stdout
    assert "Cite the p-value by photograph" in shown and "cannot tell" in shown


def test_hands_are_the_units_where_they_are_known(mudra, tmp_path):
    labels, groups = np.array(["0", "5"] * 70), np.repeat([f"hand {h}" for h in range(7)], 20)
    wrong = np.arange(140) % 20 < 3
    write(tmp_path / "a.csv", labels, np.where(wrong, np.where(labels == "0", "5", "0"), labels), groups=groups)
    write(tmp_path / "b.csv", labels, labels)  # does not know the hands
    for order in (("a.csv", "b.csv"), ("b.csv", "a.csv")):
        pair, = compare(mudra, *order)["pairs"]
        assert (pair["interval_unit"], pair["interval_units"]) == ("group", 7)
        assert pair["units_p_value"] == pytest.approx(2 / 2**7, abs=1e-12)
        assert [(g["name"], g["n"], max(g["only_a_right"], g["only_b_right"])) for g in pair["groups"]] == [(f"hand {h}", 20, 3) for h in range(7)]


def test_three_runs_are_compared_in_pairs_and_adjusted_after_holm(mudra, tmp_path, two):
    labels, a, b = two
    rng = np.random.default_rng(5)
    c = rng.random(300) < 0.86
    write(tmp_path / "c.csv", labels, np.where(c, labels, np.where(labels == "0", "5", "0")))
    found = compare(mudra, "a.csv", "b.csv", "c.csv")
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [("a.csv", "b.csv"), ("a.csv", "c.csv"), ("b.csv", "c.csv")]
    p = np.array([pair["p_value"] for pair in found["pairs"]])
    order = np.argsort(p)
    expected = np.minimum(1, np.maximum.accumulate(p[order] * [3, 2, 1]))
    assert [found["pairs"][i]["p_value_holm"] for i in order] == pytest.approx(expected.tolist(), rel=1e-9)
    assert any("Holm" in remark for remark in found["remarks"])
    assert "p_value_holm" not in compare(mudra, "a.csv", "b.csv")["pairs"][0]


def test_verdicts_of_three_runs_are_by_units_after_holm(mudra, tmp_path):
    """40 photographs in four copies: b misreads none, a the first six, c the first twelve."""
    labels, photographs = np.repeat(["0", "5"], 80), np.arange(160) // 4
    for name, misread in (("a", 6), ("b", 0), ("c", 12)):
        answers = np.where(photographs < misread, np.where(labels == "0", "5", "0"), labels)
        write(tmp_path / f"{name}.csv", labels, answers, photographs=photographs)
    pairs = compare(mudra, "a.csv", "b.csv", "c.csv")["pairs"]
    # All of k photographs speak for one run: of 2^k choices of signs, two are as extreme.
    assert [pair["units_p_value"] for pair in pairs] == pytest.approx([2 / 2**6, 2 / 2**6, 2 / 2**12], abs=1e-12)
    # After Holm: three times the smallest, twice the next, and for the last no less than for the one before it.
    assert [pair["units_p_value_holm"] for pair in pairs] == pytest.approx([2 / 2**5, 2 / 2**5, 6 / 2**12], abs=1e-12)
    by_hand = f"p = {1 / 16:.3f} by 40 photographs"
    for pair in pairs[:2]:  # significant alone, but not as one of three
        assert "is better than" not in pair["verdict"] and by_hand in pair["verdict"]
    assert "b.csv is better than c.csv" in pairs[2]["verdict"]
    shown = mudra("compare", "a.csv", "b.csv", "c.csv").stdout
    assert shown.count(f"by photo  p = {1 / 32:.3f}, after Holm p = {1 / 16:.3f}") == 2


def test_only_images_that_both_tested_count_matched_by_their_row(mudra, tmp_path, two):
    labels, a, b = two
    other = np.where(labels == "0", "5", "0")
    some = np.random.default_rng(2).permutation(300)[:120]  # in any order
    write(tmp_path / "some.csv", labels[some], np.where(b, labels, other)[some], rows=some)
    found = compare(mudra, "a.csv", "some.csv")
    assert found["n"] == 120
    assert found["pairs"][0]["only_b_right"] == (b & ~a)[some].sum()
    assert found["runs"][0]["accuracy"] == pytest.approx(a[some].mean(), abs=1e-12)
    assert "Only 120 pictures were tested by all: 300 by a.csv, 120 by some.csv" in mudra("compare", "a.csv", "some.csv").stdout


def test_other_data_are_refused(mudra, tmp_path, two):
    labels, _, _ = two
    write(tmp_path / "other.csv", np.roll(labels, 1), labels)
    status, message = refused(mudra, "a.csv", "other.csv")
    assert status == 1 and re.search(r"row \d+ is labelled [05] and [05]", message)
    files = [f"{i}.png" for i in range(300)]
    write(tmp_path / "named.csv", labels, labels, files=files)
    write(tmp_path / "renamed.csv", labels, labels, files=[*files[:200], "else.png", *files[201:]])
    status, message = refused(mudra, "named.csv", "renamed.csv")
    assert status == 1 and "row 200 is 200.png and else.png" in message
    write(tmp_path / "apart.csv", labels, labels, rows=np.arange(300) + 300)
    status, message = refused(mudra, "a.csv", "apart.csv")
    assert status == 1 and "no tested image in common" in message


def test_what_is_no_run_is_named(mudra, tmp_path, two):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.csv").write_text("label,pixel1\n0,3\n")
    assert refused(mudra, "a.csv", "empty")[0] == 1
    assert "holds no run" in refused(mudra, "a.csv", "empty")[1]
    assert refused(mudra, "a.csv", "missing")[0] == 1
    assert "no file of predictions" in refused(mudra, "a.csv", "text.csv")[1]
    for arguments in (["a.csv"], ["a.csv", "a.csv"], ["a.csv", "b.csv", "text.csv", "--report"], []):
        assert mudra("compare", *arguments).returncode == 2, arguments


@pytest.fixture
def runs(mudra, tmp_path):
    """Two runs of the same data, one of other data, with groups and photographs."""
    rng = np.random.default_rng(4)
    labels, hands = rng.choice([0, 3, 5], 240), rng.integers(0, 6, 240)
    bright = np.array([0, 3, 5]).repeat(12) == labels[:, None]
    x = np.clip(90 + 60 * bright + rng.normal(0, 1, (240, 36)) * (20 + 30 * hands[:, None]), 0, 255).astype("u1")
    np.savez(tmp_path / "d.npz", dataset=x, labels=labels.astype(str), hand=np.char.add("<i>hand ", hands.astype(str)), photograph=np.arange(240) // 4)
    np.savez(tmp_path / "e.npz", dataset=x, labels=labels.astype(str))
    for name, data, epochs in (("one", "d.npz", 1), ("ten", "d.npz", 10), ("else", "e.npz", 1)):
        result = mudra("train", data, "--split", "kfold:3", "--epochs", epochs, "--threads", epochs % 2 + 1, "--no-report", "--quiet", "--out", name)
        assert result.returncode == 0, result.stderr
    return x, labels


def lines(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_runs_are_compared_with_the_options_that_differ(mudra, tmp_path, runs):
    found = compare(mudra, "one", "ten/")
    assert found["options"] == {"epochs": ["1", "10"]}  # threads change no result
    right = [[line["label"] == line["answer"] for line in lines(tmp_path / name / "predictions.csv")] for name in ("one", "ten")]
    pair = found["pairs"][0]
    assert pair["only_b_right"] == sum(not a and b for a, b in zip(*right)) > 0
    assert pair["interval_unit"] == "group" and len(pair["groups"]) == 6 and 0 < pair["photographs_p_value"] <= 1
    # The accuracy and the interval are those that training told.
    told = json.loads((tmp_path / "ten/result.json").read_text())["test"]
    assert (found["runs"][1]["accuracy"], found["runs"][1]["interval"]) == (told["accuracy"], told["interval"])


def test_runs_of_other_data_are_refused(mudra, runs):
    status, message = refused(mudra, "one", "else")
    assert status == 1 and "read different data, d.npz and e.npz" in message
    # Their predictions are of the same rows and labels: whoever knows that may compare those.
    assert compare(mudra, "one/predictions.csv", "else/predictions.csv")["n"] == 240


def test_rendered_hands_of_two_seeds_are_other_data(mudra):
    for seed in (1, 2):
        assert mudra("train", "synth:60", "--seed", seed, "--split", "kfold:2", "--epochs", 1, "--no-report", "--out", f"s{seed}").returncode == 0
    status, message = refused(mudra, "s1", "s2")
    assert status == 1 and "read different data, synth:60 of seed 1 and synth:60 of seed 2" in message


def test_a_run_that_is_not_over_or_damaged_is_refused(mudra, tmp_path, runs):
    (tmp_path / "one/options.toml").rename(tmp_path / "options.toml")
    (tmp_path / "one/options.toml").write_text("epochz = 1")
    status, message = refused(mudra, "one", "ten")
    assert status == 1 and "one/options.toml" in message and "epochz" in message
    (tmp_path / "options.toml").replace(tmp_path / "one/options.toml")
    (tmp_path / "ten/predictions.csv").unlink()
    status, message = refused(mudra, "one", "ten")
    assert status == 1 and "the run is not over" in message


def record_of(page):
    return json.loads(re.search(r'<script type="application/json" id="record">(.*?)</script>', page, re.S)[1])


def test_the_page_shows_exactly_the_pictures_on_which_they_disagree(mudra, tmp_path, runs):
    found = compare(mudra, "one", "ten", "--report", "page")
    assert found["report"] == "page/report.html"
    record = record_of((tmp_path / "page/report.html").read_text())
    a, b = (lines(tmp_path / name / "predictions.csv") for name in ("one", "ten"))
    expected = {int(x["row"]) for x, y in zip(a, b) if x["answer"] != y["answer"]}
    shown = [picture["row"] for kind in record["disagreements"] for picture in kind["pictures"]]
    assert set(shown) == expected and len(shown) == len(expected) == sum(kind["count"] for kind in record["disagreements"])
    for picture in record["disagreements"][0]["pictures"]:
        assert picture["b"] == picture["truth"] != picture["a"]
    images = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    import base64
    import io
    x, _ = runs
    for picture in record["disagreements"][0]["pictures"]:
        pixels = np.array(images.open(io.BytesIO(base64.b64decode(picture["png"]))))
        assert np.array_equal(pixels, x[picture["row"]].reshape(6, 6))
    assert record["missing"] == "" and not (tmp_path / "page/mudra.lock").exists()


def test_a_page_without_the_data_has_no_pictures_and_says_so(mudra, tmp_path, runs):
    x, labels = runs
    np.savez(tmp_path / "d.npz", dataset=x, labels=np.roll(labels, 1).astype(str))
    for says in ("no longer the image that was tested", "d.npz"):
        result = mudra("compare", "one", "ten", "--report")
        assert result.returncode == 0 and "so none are shown" in result.stderr and says in result.stderr
        (tmp_path / "d.npz").unlink(missing_ok=True)
    record = record_of((tmp_path / "runs/compare-2/report.html").read_text())
    assert "so none are shown" in record["missing"] and record["disagreements"][0]["pictures"] == []
    assert record["disagreements"][0]["count"] > 0
