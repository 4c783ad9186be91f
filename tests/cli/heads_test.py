"""Networks with heads, trained by the command on an .npz with targets."""

import json

import numpy as np
import pytest

AUXILIARY = "dense 24, relu, heads(classes 3, distance 2 weight 0.1)"


@pytest.fixture
def squares(tmp_path):
    """Writes squares.npz: 150 grey images of 12x12 with a bright square left, in the middle or right; targets: which, and where."""
    rng = np.random.default_rng(3)
    images, labels = rng.integers(0, 100, (150, 12, 12), "u1"), np.arange(150) % 3
    rows = rng.integers(0, 9, 150)
    targets = np.ones((150, 1, 1, 5), "f4")
    for image, label, row, target in zip(images, labels, rows, targets[:, 0, 0]):
        image[row : row + 3, 4 * label : 4 * label + 3] = 255
        target[1], target[3:] = label, (row / 9, label / 3)
    return lambda **changed: np.savez(tmp_path / "squares.npz", **{"dataset": images, "labels": labels, "targets": targets} | changed)


def train(mudra, network, *options):
    return mudra("train", "squares.npz", "--network", network, "--epochs", 20, "--learning-rate", 0.01, "--quiet", "--no-report", "--json",
                 "--out", "run", *options)


def refusal(result):
    assert result.returncode in (1, 2) and result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("mudra: ") and sum(line.startswith("mudra: ") for line in lines) == 1
    return lines[0]


def test_a_classifier_with_an_auxiliary_head_is_trained_tested_and_asked(mudra, squares):
    squares()
    result = train(mudra, AUXILIARY)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["test"]["accuracy"] > 0.9
    again = mudra("evaluate", "--model", "run", "squares.npz", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["accuracy"] > 0.9


def test_the_model_does_not_depend_on_threads(mudra, squares, tmp_path):
    squares()
    models = []
    for threads in (1, 3):
        assert train(mudra, AUXILIARY, "--threads", threads).returncode == 0
        models.append((tmp_path / "run/model.safetensors").read_bytes())
        (tmp_path / "run").rename(tmp_path / f"run-{threads}")
    assert models[0] == models[1]


def test_what_cannot_be_trained_is_said_in_one_message(mudra, squares, tmp_path):
    squares()
    finder = refusal(train(mudra, "conv 4 3x3, relu, pool 2, heads(presence 1, distance 2)"))
    assert "at 36 places does not tell 3 classes of images apart" in finder
    assert "heads(classes 3, ...)" in finder
    assert "`heads(classes 3, distance 3)` needs [1, 1, 6]" in refusal(train(mudra, "dense 9, heads(classes 3, distance 3)"))
    assert "augment item 'rotate'" in refusal(train(mudra, AUXILIARY, "--augment", "rotate 9"))
    assert "does not tell 3 classes" in refusal(train(mudra, "dense 9, heads(classes 4, distance 2)"))
    squares(targets=np.zeros((150, 3)))
    assert "squares.npz: has no targets for" in refusal(train(mudra, AUXILIARY))
    squares(targets=np.full((150, 1, 1, 5), 9.0))
    assert "has a target 9 of `heads(classes 3)` that is no number of a class" in refusal(train(mudra, AUXILIARY))
    squares(targets=np.ones((149, 1, 1, 5)))
    assert "has the shape [149, 1, 1, 5] for 150 images" in refusal(train(mudra, AUXILIARY))


def test_describe_shows_heads_as_the_last_layer(mudra, squares):
    squares()
    result = mudra("train", "squares.npz", "--network", AUXILIARY, "--describe", "--json")
    assert result.returncode == 0, result.stderr
    last = json.loads(result.stdout)["layers"][-1]
    assert last["item"] == "heads(classes 3, distance 2 weight 0.1)" and last["output"] == [5]
