"""Scores with intervals, and the accuracy by columns of the groups: terminal, JSON, page and tables."""

import csv
import json

import pytest

np = pytest.importorskip("numpy", reason="NumPy is not installed")
metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")


def make(folder, images=300):
    """Three classes by five people, with noise: arrays, and the same groups as .npz and as CSV."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, images)
    pixels = (rng.integers(0, 160, (images, 36)) + 60 * (np.arange(36) % 3 == labels[:, None])).astype("u1")
    hand = np.array([f"h{i % 5}" for i in range(images)])
    light = np.array([["dim", "bright", ""][i // 7 % 3] for i in range(images)])
    np.savez(folder / "data.npz", dataset=pixels, labels=labels)
    np.savez(folder / "groups.npz", hand=hand, light=light, device=np.arange(images) % 2)
    with open(folder / "groups.csv", "w") as file:
        file.write("group,light,device\n" + "".join(f"{h},{l},{i % 2}\n" for i, (h, l) in enumerate(zip(hand, light))))
    return labels, np.where(light == "", "unknown", light)


TRAIN = ("train", "data.npz", "--split", "leave-one-group-out", "--network", "dense 8, relu", "--epochs", 5, "--quiet")


def answers(file):
    with open(file, newline="") as lines:
        rows = list(csv.DictReader(lines))
    p = np.array([[float(row[f"p_{c}"]) for c in range(3)] for row in rows], "f4")
    return np.array([int(row["label"]) for row in rows]), np.array([int(row["answer"]) for row in rows]), p


@pytest.mark.parametrize("groups", ["groups.npz", "groups.csv"])
def test_scores_and_columns_are_those_of_the_answers(mudra, tmp_path, groups):
    _, light = make(tmp_path)
    result = mudra(*TRAIN, "--groups", groups, "--by", "light,device", "--out", "run", "--json")
    assert result.returncode == 0, result.stderr
    test = json.loads(result.stdout)["test"]
    truth, said, p = answers(tmp_path / "run/predictions.csv")
    expected = {"balanced_accuracy": metrics.balanced_accuracy_score(truth, said), "cohen_kappa": metrics.cohen_kappa_score(truth, said),
                "matthews": metrics.matthews_corrcoef(truth, said), "top_2_accuracy": metrics.top_k_accuracy_score(truth, p, k=2),
                "roc_auc": np.mean([metrics.roc_auc_score(truth == c, p[:, c]) for c in range(3)]),
                "average_precision": metrics.average_precision_score(np.eye(3)[truth], p)}
    for name, value in expected.items():
        found = test["scores"][name]
        assert found["value"] == pytest.approx(value, abs=1e-9), name
        assert found["interval"][0] < value < found["interval"][1], name
    assert test["scores"]["interval_unit"] == "group" and test["scores"]["interval_units"] == 5
    assert list(test["by"]) == ["device", "light"]
    for value in test["by"]["light"]:
        of_value = light == value["value"]
        assert value["n"] == of_value.sum() and value["right"] == (truth == said)[of_value].sum()
        assert value["accuracy"] == value["right"] / value["n"]
        assert value["interval"][0] < value["accuracy"] < value["interval"][1]
    assert {value["value"] for value in test["by"]["light"]} == {"dim", "bright", "unknown"}
    accuracies = [value["accuracy"] for value in test["by"]["light"]]
    assert accuracies == sorted(accuracies)
    for each in test["per_class"]:
        curve = each["curve"]
        assert curve["threshold"][0] is None and curve["threshold"][1:] == sorted(curve["threshold"][1:], reverse=True)
        assert (curve["recall"][0], curve["recall"][-1], curve["false_positive_rate"][-1]) == (0, 1, 1)
        # Between the points it is straight, and so is its area.
        area = np.trapz(curve["recall"], curve["false_positive_rate"])
        assert area == pytest.approx(each["roc_auc"]["value"], abs=0.002)


def test_columns_are_in_terminal_page_and_tables(mudra, tmp_path):
    make(tmp_path)
    result = mudra(*TRAIN, "--groups", "groups.csv", "--by", "light", "--by", "device", "--out", "run")
    assert result.returncode == 0, result.stderr
    assert "by light, with 95% intervals\n" in result.stdout and "by device, with 95% intervals\n" in result.stdout
    assert 'by = [ "light", "device" ]' in (tmp_path / "run/options.toml").read_text().replace("'", '"')
    page = (tmp_path / "run/report.html").read_text()
    record = json.loads(page[page.index('id="record">') + 12:page.index("</script>", page.index('id="record">'))])
    assert [column["column"] for column in record["measures"]["by"]] == ["light", "device"]
    for file in ("tables.md", "tables.tex"):
        assert "unknown" in (tmp_path / "run" / file).read_text()
    result = mudra("evaluate", "data.npz", "--model", "run", "--groups", "groups.npz", "--by", "light", "--report", "page")
    assert result.returncode == 0 and "by light, with" in result.stdout
    assert (tmp_path / "page/tables.tex").exists() and (tmp_path / "page/tables.md").exists()


@pytest.mark.parametrize("groups", ["groups.npz", "groups.csv"])
def test_a_column_that_is_not_there_is_told_with_those_that_are(mudra, tmp_path, groups):
    make(tmp_path)
    result = mudra(*TRAIN, "--groups", groups, "--by", "lihgt")
    assert result.returncode == 2 and "no column `lihgt`" in result.stderr and "Did you mean 'light'?" in result.stderr
    result = mudra(*TRAIN, "--groups", groups, "--by", "weather forecast")
    assert result.returncode == 2 and "light, device" in result.stderr
    result = mudra("train", "data.npz", "--by", "light")
    assert result.returncode == 2 and ("--groups" in result.stderr or "There is: " in result.stderr)


def test_a_column_of_pictures_is_found_by_file(mudra, tmp_path):
    assert mudra("synth", "--count", 60, "--out", "hands").returncode == 0
    files = sorted(str(path.relative_to(tmp_path / "hands")) for path in (tmp_path / "hands").rglob("*.png"))
    assert len(files) == 60
    lines = [f"{file},g{i % 4},{'dark' if i % 3 else ''}" for i, file in enumerate(files)]
    (tmp_path / "more.csv").write_text("file,group,light\n" + "\n".join(reversed(lines)) + "\n")
    result = mudra("train", "hands", "--groups", "more.csv", "--by", "light", "--epochs", 1, "--split", "kfold:2", "--json", "--out", "run")
    assert result.returncode == 0, result.stderr
    by = {value["value"]: value["n"] for value in json.loads(result.stdout)["test"]["by"]["light"]}
    assert by == {"dark": 40, "unknown": 20}
