"""Images that only train, labels that are true, and recipes: `train --extra --repeat --true-labels --recipe`."""

import csv
import json
import tomllib

import numpy as np
import pytest

TRAIN = ["train", "signs.npz", "--network", "dense 4, relu", "--epochs", 2, "--no-report", "--quiet"]


@pytest.fixture
def signs(tmp_path):
    """60 images of three signs by four people; the first three of sign b truly show c."""
    rng = np.random.default_rng(3)
    labels = np.array(list("abc") * 20)
    images = rng.integers(0, 90, (60, 12, 12), "u1")
    for i, label in enumerate(labels):
        images[i, 3 * "abc".index(label):][:3] += 120
    truth = labels.copy()
    truth[[1, 4, 7]] = "c"
    groups = np.array([f"person{i // 15}" for i in range(60)])
    np.savez(tmp_path / "signs.npz", dataset=images, labels=labels)
    np.savez(tmp_path / "groups.npz", group=groups, true_label=truth)
    np.savez(tmp_path / "more.npz", dataset=images[::-1] // 2, labels=labels[::-1], group=groups[::-1])
    np.save(tmp_path / "truth.npy", truth)
    with open(tmp_path / "truth.csv", "w") as file:
        csv.writer(file).writerows([["true_label"], *([text] for text in truth)])
    return labels, truth, groups


def document(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def rows_of(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def test_extra_images_are_counted_where_they_train(mudra, tmp_path, signs):
    told = document(mudra(*TRAIN, "--groups", "groups.npz", "--split", "leave-one-group-out", "--extra", "more.npz:x3",
                          "--extra", "more.npz:0.25", "--repeat", 2, "--json", "--out", "run"))
    assert told["extra"] == [
        {"source": "more.npz:x3", "images": 60, "other_classes": 0, "of_held_out_groups": 60, "near_copies": 0},
        {"source": "more.npz:0.25", "images": 15, "other_classes": 0, "of_held_out_groups": 15, "near_copies": 0}]
    assert told["trained_on"]["images"] == 60 + 60 + 15  # all images, however often: nothing is held out
    assert told["test"]["n"] == 60  # no extra image is tested
    assert len(rows_of(tmp_path / "run/predictions.csv")) == 60
    options = tomllib.loads((tmp_path / "run/options.toml").read_text())
    assert options["extra"] == ["more.npz:x3", "more.npz:0.25"] and options["repeat"] == 2
    again = document(mudra("train", "--options", "run/options.toml", "--out", "again", "--no-report", "--quiet", "--json"))
    assert again["extra"] == told["extra"]
    assert (tmp_path / "run/model.safetensors").read_bytes() == (tmp_path / "again/model.safetensors").read_bytes()


def test_the_terminal_tells_of_extra_images(mudra, signs):
    loud = [word for word in TRAIN if word != "--quiet"]
    result = mudra(*loud, "--groups", "groups.npz", "--split", "group:0.75", "--extra", "more.npz:0.5")
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("extra ")]
    assert "more.npz:0.5: 30 images, " in line and "left out where their hand is held out" in line


@pytest.mark.parametrize("truth", ["groups.npz", "truth.npy", "truth.csv"])
def test_results_are_told_against_both_labels(mudra, tmp_path, signs, truth):
    labels, true, _ = signs
    told = document(mudra(*TRAIN, "--true-labels", truth, "--split", "kfold:3", "--epochs", 30, "--json", "--out", "run"))
    rows = rows_of(tmp_path / "run/predictions.csv")
    answers = np.array([row["answer"] for row in rows])
    order = np.array([int(row["row"]) for row in rows])
    assert [row["label"] for row in rows] == list(labels[order])  # the labels it trained with
    assert told["test"]["accuracy"] == pytest.approx(np.mean(answers == labels[order]))
    assert told["true_labels"]["accuracy"] == pytest.approx(np.mean(answers == true[order]))
    assert told["test"]["accuracy"] != told["true_labels"]["accuracy"]
    evaluated = document(mudra("evaluate", "signs.npz", "--model", "run", "--true-labels", truth, "--json"))
    assert evaluated["true_labels"]["n"] == 60 and evaluated["accuracy"] != evaluated["true_labels"]["accuracy"]
    assert "by their true labels" in mudra("evaluate", "signs.npz", "--model", "run", "--true-labels", truth).stdout


def test_true_labels_stand_beside_groups(mudra, signs):
    told = document(mudra(*TRAIN, "--groups", "groups.npz", "--json"))
    assert told["true_labels"]["n"] == told["test"]["n"]
    assert told["true_labels"]["groups"] != []
    assert "true_labels" not in document(mudra(*TRAIN, "--json"))


def test_an_image_of_no_class_kept_has_no_true_answer(mudra, signs):
    told = document(mudra(*TRAIN, "--true-labels", "truth.npy", "--classes", "a,b", "--split", "kfold:2", "--json"))
    assert told["test"]["n"] == 40 and told["true_labels"]["n"] == 37  # three of them truly show c


@pytest.mark.parametrize("options, says", [
    (["--extra", "missing/"], "missing/"),
    (["--extra", "more.npz:1.5"], "no share above 0"),
    (["--extra", "more.npz:x0"], "no number of times"),
    (["--extra", "synth:none"], "--extra"),
    (["--extra", "synth:4000000000"], "more than 50,000,000 images"),
    (["--extra", "synth:40"], "none of the classes a, b and c"),
    (["--repeat", 0], "--repeat"),
    (["--true-labels", "more.npz"], "true_label"),
    (["--true-labels", "missing.csv"], "missing.csv"),
    (["--recipe", "missing.toml"], "there is no recipe 'missing.toml'"),
    (["--recipe", "quik"], "Did you mean 'quick'?"),
    (["--recipe", "signs.npz"], "signs.npz:"),
])
def test_what_cannot_be_says_why(mudra, signs, options, says):
    result = mudra(*TRAIN, *options)
    assert result.returncode in (1, 2) and says in result.stderr and result.stderr.count("\n") == 1, result.stderr


def test_true_labels_of_other_classes_are_refused(mudra, tmp_path, signs):
    np.save(tmp_path / "other.npy", np.array(["x", "y"] * 30))
    result = mudra(*TRAIN, "--true-labels", "other.npy")
    assert result.returncode == 1 and "none of its true labels (x and y) is a class" in result.stderr


def test_a_recipe_may_be_anybodys_file(mudra, tmp_path, signs):
    (tmp_path / "mine.toml").write_text('network = "dense 3, relu"\nepochs = 5\n')
    arguments = ["train", "signs.npz", "--recipe", "mine.toml", "--no-report", "--quiet"]
    assert document(mudra(*arguments, "--json"))["run"] == "runs/mine-1"
    assert mudra(*arguments, "--epochs", 2, "--out", "two").returncode == 0
    (tmp_path / "mine.toml").unlink()  # a run's options say everything
    for run, epochs in [("runs/mine-1", 5), ("two", 2)]:
        options = tomllib.loads((tmp_path / run / "options.toml").read_text())
        assert (options["network"], options["epochs"], options["recipe"]) == ("dense 3, relu", epochs, "mine.toml")
        again = document(mudra("train", "--options", f"{run}/options.toml", "--json", "--no-report", "--quiet"))
        assert again["epochs"] == epochs
    (tmp_path / "mine.toml").write_text('epoch = 5\n')
    refused = mudra(*arguments)
    assert refused.returncode == 2 and "Did you mean 'epochs'?" in refused.stderr


@pytest.mark.parametrize("recipe", ["report", "quick", "best"])
def test_recipes_are_the_files_in_the_source(mudra, tmp_path, signs, recipe):
    from conftest import ROOT
    text = (ROOT / f"mudra/experiment/recipes/{recipe}.toml").read_text()
    assert text.startswith("#")  # says what it is for
    (tmp_path / "copy.toml").write_text(text)
    results = []
    for name in [recipe, "copy.toml"]:
        result = mudra("train", "synth:200", "--recipe", name, "--epochs", 1, "--out", f"run-{name}", "--no-report", "--quiet")
        assert result.returncode == 0, result.stderr
        results.append((tmp_path / f"run-{name}/model.safetensors").read_bytes())
    assert results[0] == results[1]
