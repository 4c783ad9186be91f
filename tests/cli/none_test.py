"""Pictures that show none of the signs: by a class for them, or by a threshold below which a model refuses."""

import csv
import json
import subprocess

import pytest
from conftest import COMMAND

np = pytest.importorskip("numpy", reason="NumPy is not installed")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with images of digits and none, and two models that refuse: by_class knows `none`, by_threshold does not."""
    folder = tmp_path_factory.mktemp("none")

    def mudra(*arguments):
        done = subprocess.run([COMMAND, *map(str, arguments)], cwd=folder, text=True, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr

    options = ["--network", "conv 8 3x3, relu, pool 2, dense 32, relu", "--validation", 0.2, "--epochs", 6, "--refuse", 0.2,
               "--no-report", "--quiet"]
    mudra("synth", "--count", 1200, "--none", 0.2, "--out", "learn.npz")
    mudra("synth", "--count", 300, "--none", 0.2, "--seed", 2, "--out", "test.npz")
    mudra("train", "learn.npz", *options, "--out", "by_class")
    mudra("train", "synth:1000", *options, "--out", "by_threshold")
    for model in ("by_class", "by_threshold"):
        mudra("evaluate", "test.npz", "--model", model, "--predictions", f"{model}.csv")
    data = np.load(folder / "test.npz")
    np.save(folder / "test.npy", data["dataset"].reshape(-1, 28, 28))
    return folder


def facts_of(mudra, model):
    return json.loads(mudra("models", model, "--json").stdout)


def answers_by_numpy(path, digits, threshold):
    """label, answer and whether it is none of these, for each line, from the probabilities alone."""
    lines = list(csv.DictReader(open(path)))
    columns = [name for name in lines[0] if name.startswith("p_")]
    p = np.array([[float(line[name]) for name in columns] for line in lines], dtype="f4")
    names = np.array([name[2:] for name in columns])
    labels = np.array([line["label"] for line in lines])
    refused = p.max(1).astype("f8") < threshold
    answer = np.where(refused, "none", names[p.argmax(1)])
    assert set(answer) - set(digits) == {"none"}
    return labels, answer, lines


@pytest.mark.parametrize("model", ["by_class", "by_threshold"])
def test_a_test_counts_none_as_numpy_does(mudra, models, model):
    facts = facts_of(mudra, models / model)
    digits = [str(digit) for digit in range(10)]
    labels, answer, lines = answers_by_numpy(models / f"{model}.csv", digits, facts["rejection_threshold"])
    assert [line["answer"] for line in lines] == answer.tolist()
    found = json.loads(mudra("evaluate", models / "test.npz", "--model", models / model, "--json").stdout)
    is_none = answer == "none"
    assert 0 < (is_none & (labels == "none")).sum() and 0 < (is_none & (labels != "none")).sum()
    assert found["n"] == 300
    assert found["accuracy"] == pytest.approx(np.mean(labels == answer), abs=1e-12)
    assert found["refused"] == pytest.approx(np.mean(is_none), abs=1e-12)
    assert found["refused_images"] == is_none.sum() == 300 - found["answered"]["n"]
    assert found["accuracy_answered"] == pytest.approx(np.mean((labels == answer)[~is_none]), abs=1e-12)
    assert found["labels"] == [*digits, "none"]
    expected = [[int(((labels == a) & (answer == b)).sum()) for b in found["labels"]] for a in found["labels"]]
    assert found["confusion"] == expected
    text = mudra("evaluate", models / "test.npz", "--model", models / model).stdout
    assert f"refused   {is_none.sum()} of 300 images" in text
    right = ((labels == answer) & ~is_none).sum()
    assert f"{right} of the {(~is_none).sum()} answered are right" in text


@pytest.mark.parametrize("model", ["by_class", "by_threshold"])
def test_predict_names_no_sign_where_there_is_none(mudra, models, model):
    facts = facts_of(mudra, models / model)
    answers = json.loads(mudra("predict", models / "test.npy", "--model", models / model, "--json").stdout)
    text = mudra("predict", models / "test.npy", "--model", models / model).stdout.splitlines()
    nones = 0
    for answer, line in zip(answers, text):
        p = answer["probabilities"]
        best = max(p, key=p.get)
        assert answer["confidence"] == p[best]
        assert answer["none"] == (p["none"] if model == "by_class" else None)
        if best == "none" or p[best] < facts["rejection_threshold"]:
            nones += 1
            assert answer["label"] is None
            signs = {name: share for name, share in p.items() if name != "none"}
            assert f"none of these; nearest to   {max(signs, key=signs.get)} {100 * max(signs.values()):.1f}%" in line
        else:
            assert answer["label"] == best and "none of these" not in line
    assert 0 < nones < len(answers)


def test_the_threshold_refuses_its_share_of_the_signs_not_of_the_rest(mudra, models):
    """Of the validation part's signs, which the card counts: 20% of them, no more."""
    assert facts_of(mudra, models / "by_class")["card"]["refusal"].startswith("refuses 20.0% of its own signs")


def test_a_model_that_refuses_nothing_does_not_know_none(mudra, models):
    assert mudra("train", "synth:300", "--epochs", 1, "--quiet", "--no-report", "--out", "sure").returncode == 0
    done = mudra("evaluate", models / "test.npz", "--model", "sure")
    assert done.returncode == 1 and "has class 'none', which the model does not know" in done.stderr


def test_pictures_without_any_sign_are_a_test_too(mudra, models):
    data = np.load(models / "test.npz")
    rows = data["labels"].astype(str) == "none"
    np.savez(models / "nothing.npz", dataset=data["dataset"][rows], labels=data["labels"][rows])
    for model in ("by_class", "by_threshold"):
        done = mudra("evaluate", models / "nothing.npz", "--model", models / model, "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        labels, answer, _ = answers_by_numpy(models / f"{model}.csv", [str(digit) for digit in range(10)],
                                             facts_of(mudra, models / model)["rejection_threshold"])
        assert found["refused"] == found["accuracy"] == pytest.approx(np.mean(answer[labels == "none"] == "none"), abs=1e-12)
        assert found["accuracy_answered"] in (0, None)
