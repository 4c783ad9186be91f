"""What is around the classifier: data read, rendered, divided; answers judged, compared, explained; models exported."""

import json
import subprocess

import numpy as np
import pytest
from conftest import ROOT

package = pytest.importorskip("mudra", reason="no package for Python in build/release")

SMALL = {"network": "dense 16, relu", "epochs": 3}


@pytest.fixture(scope="module")
def learned(hands):
    return package.SignClassifier(**SMALL).fit(hands.images, hands.labels)


def test_rendered_hands_are_those_of_the_command(mudra, tmp_path):
    assert mudra("synth", "--count", 40, "--seed", 3, "--size", 24, "--out", "hands.npz").returncode == 0
    read = package.read_images(tmp_path / "hands.npz")
    rendered = package.render_hands(40, seed=3, size=24)
    assert np.array_equal(read.images, rendered.images) and np.array_equal(read.labels, rendered.labels)
    assert list(read.groups) == list(rendered.groups) and rendered.labels.dtype.kind == "i"
    assert repr(rendered) == "40 images 24x24 grey, 10 classes, 2 groups" and "<table>" in rendered._repr_html_()
    assert package.render_hands(3, colour=True).images.shape == (3, 28, 28, 3)
    assert "none" in package.render_hands(100, none_fraction=0.5).labels


def test_data_are_read_with_the_options_of_the_command(hands, tmp_path):
    np.savez(tmp_path / "data.npz", dataset=hands.images, labels=hands.labels, groups=hands.groups)
    read = package.read_images(tmp_path / "data.npz", classes=[5, 0], size="14x14")
    assert read.classes == ["5", "0"] and read.images.shape[1:] == (14, 14, 1)
    assert list(np.unique(read.labels)) == [0, 5] and set(read.groups) <= set(hands.groups)
    with pytest.raises(package.Error, match="no option is called"):
        package.read_images(tmp_path / "data.npz", clases=[5, 0])


def test_a_split_by_group_is_that_of_the_command(hands, mudra, tmp_path):
    train, test = package.split_by_group(hands.labels, hands.groups, seed=4)
    assert not set(hands.groups[train]) & set(hands.groups[test])
    assert sorted([*train, *test]) == list(range(len(hands)))
    np.savez(tmp_path / "data.npz", dataset=hands.images, labels=hands.labels, groups=hands.groups)
    result = mudra("data", "split", "data.npz", "--split", "group:0.8", "--seed", 4, "--out", "split.json")
    assert result.returncode == 0, result.stderr
    fold = json.loads((tmp_path / "split.json").read_text())["folds"][0]
    assert fold["train"] == list(train) and fold["test"] == list(test)


def test_near_copies_are_found_where_they_are(hands):
    turned = np.rot90(hands.images[:3], axes=(1, 2))
    found = package.find_near_copies(hands.images[5:30], np.concatenate([hands.images[7:9], hands.images[100:103]]))
    assert list(zip(found["test"], found["train"])) == [(0, 2), (1, 3)] and (found["similarity"] > 0.96).all()
    assert len(package.find_near_copies(hands.images[5:30], turned)) == 0


def test_augmented_images_differ_by_epoch_and_not_by_company(hands):
    first = package.augment(hands.images[:4], "rotate 15, shift 2")
    assert first.shape == (4, 28, 28, 1) and first.dtype == np.float32 and 0 <= first.min() <= first.max() <= 1
    assert np.array_equal(first[:2], package.augment(hands.images[:2], "rotate 15, shift 2"))
    assert not np.array_equal(first, package.augment(hands.images[:4], "rotate 15, shift 2", epoch=2))
    np.testing.assert_allclose(package.augment(hands.images[:4], ""), hands.images[:4] / 255, atol=1e-6)
    with pytest.raises(package.Error, match="rotat"):
        package.augment(hands.images[:4], "rotat 15")


def test_an_evaluation_is_scikit_learns_and_has_its_doubt(hands, learned):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    others = package.render_hands(300, seed=8)
    answers = learned.predict(others.images)
    found = package.evaluate(others.labels, answers, groups=others.groups)
    assert found.report == metrics.classification_report(others.labels, answers, zero_division=0)
    assert np.array_equal(found.confusion, metrics.confusion_matrix(others.labels, answers))
    assert found.interval[0] < found.accuracy == metrics.accuracy_score(others.labels, answers) < found.interval[1]
    assert found["new_group"]["groups"] == 15 and "a new hand" in repr(found)
    html = package.evaluate(["<b>", "&", "<b>"], ["<b>", "<b>", "&"])._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;" in html
    sure = package.evaluate(others.labels, learned.predict_proba(others.images), classes=learned.classes_)
    assert sure.accuracy == found.accuracy and sure["scores"] != found["scores"]


def test_answers_in_another_order_of_classes_count_the_same(hands, learned):
    probabilities = learned.predict_proba(hands.images)
    expected = package.evaluate(hands.labels, probabilities, classes=learned.classes_)
    backwards = package.evaluate(hands.labels, probabilities[:, ::-1], classes=learned.classes_[::-1])
    assert expected.accuracy == backwards.accuracy and np.array_equal(expected.confusion, backwards.confusion[::-1, ::-1])
    with pytest.raises(ValueError, match="say the classes"):
        package.evaluate(hands.labels, probabilities)
    with pytest.raises(ValueError, match="not among"):
        package.evaluate(hands.labels, probabilities[:, :2], classes=[0, 1])


def test_a_comparison_is_that_of_the_command(hands, mudra, tmp_path):
    np.savez(tmp_path / "data.npz", dataset=hands.images, labels=hands.labels)
    answers = {}
    for name, network in (("a", "dense 4"), ("b", "dense 64, relu")):
        one = package.SignClassifier(network, epochs=4).fit(hands.images[:200], hands.labels[:200])
        package.save(one, tmp_path / f"{name}.safetensors")
        answers[name] = one.predict_proba(hands.images)
        result = mudra("evaluate", "data.npz", "--model", f"{name}.safetensors", "--predictions", f"{name}.csv")
        assert result.returncode == 0, result.stderr
    expected = json.loads(mudra("compare", "a.csv", "b.csv", "--json").stdout)["pairs"][0]
    found = package.compare(hands.labels, answers, classes=range(10))
    for name in ("difference", "interval", "p_value", "only_a_right", "only_b_right"):
        assert found["pairs"][0][name] == expected[name], name
    assert "is better than" in found.verdicts[0] and "<table>" in found._repr_html_()


def test_a_search_finds_options_that_train(hands):
    found = package.tune(hands.images[:200], hands.labels[:200], groups=hands.groups[:200], trials=2, refit=True,
                         network="dense 12, relu", epochs=3)
    other = package.tune(hands.images[:200], hands.labels[:200], groups=hands.groups[:200], trials=1, seed=2,
                         network="dense 12, relu", epochs=3)
    assert other.trials[0]["options"] != found.trials[0]["options"]
    assert len(found.trials) == 2 and found.parameters["network"] == "dense 12, relu"
    assert found.best_score == max(trial["score"] for trial in found.trials)
    assert found.test["n"] == 40 and found.test.classes == [str(c) for c in range(10)]
    learned = package.SignClassifier(**found.parameters).fit(hands.images[:200], hands.labels[:200])
    assert learned.options_["epochs"] == "3"


def test_a_search_goes_on_in_its_file_and_stops_at_ctrl_c(tmp_path):
    script = """
import os, signal, sys, mudra
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began the tests may ignore it
hands = mudra.render_hands(2000)
if sys.argv[1] == "stop":
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 2)
try:
    found = mudra.tune(hands.images[:300], hands.labels[:300], trials=1000 if sys.argv[1] == "stop" else 1, file="trials.sqlite",
                       network="dense 8, relu", epochs=4)
    print(len(found.trials))
except KeyboardInterrupt:
    print("stopped")
"""
    for how, expected in (("stop", "stopped"), ("go on", None)):
        result = subprocess.run(["/usr/bin/python3", "-c", script, how], cwd=tmp_path, capture_output=True, text=True, timeout=100)
        assert result.returncode == 0, result.stderr
        assert result.stdout.strip() == expected or (expected is None and int(result.stdout) >= 1)


def test_a_saved_model_answers_the_same_everywhere(hands, learned, mudra, tmp_path):
    package.save(learned, tmp_path / "model.safetensors")
    again = package.load(tmp_path / "model.safetensors")
    assert np.array_equal(again.predict_proba(hands.images), learned.predict_proba(hands.images))
    assert again.classes_.dtype.kind == "i" and again.card_["hash"] == learned.card_["hash"]
    facts = json.loads(mudra("models", "model.safetensors", "--json").stdout)
    assert facts["hash"] == learned.card_["hash"] and "<table>" in learned.card_._repr_html_()
    assert learned.network_["parameters"] == sum(weight.size for weight in learned.weights_.values())
    with pytest.raises(package.Error, match="nowhere"):
        package.load("nowhere")
    with pytest.raises(package.Error, match="no/such/folder"):
        package.save(learned, "no/such/folder/model.safetensors")


def test_the_model_in_the_box_reads_rooms(mudra, tmp_path):
    box = package.load()
    assert mudra("synth", "--count", 6, "--size", 160, "--domain", "webcam", "--colour", "--seed", 77, "--out", "rooms").returncode == 0
    files = sorted((tmp_path / "rooms").rglob("*.png"))
    expected = json.loads(mudra("predict", *files, "--json").stdout)
    answers = box.predict(files)
    assert [each["label"] for each in expected] == [None if answer == "none" else answer for answer in answers]
    probabilities = box.predict_proba(files)
    for each, row in zip(expected, probabilities):
        np.testing.assert_allclose([each["probabilities"][name] for name in box.classes_], row, atol=1e-6)
    rooms = package.read_images(tmp_path / "rooms", size="160x160", channels=3)
    assert np.array_equal(box.predict(rooms.images), answers)


def test_an_exported_model_is_the_commands(learned, mudra, tmp_path):
    pytest.importorskip("onnx", reason="python3-onnx is not installed")
    package.save(learned, tmp_path / "model.safetensors")
    package.export(learned, tmp_path / "model.onnx")
    assert mudra("export", "model.safetensors", "--to", "onnx", "--out", "other.onnx").returncode == 0
    assert (tmp_path / "model.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()
    with pytest.raises(ValueError, match="there is onnx"):
        package.export(learned, tmp_path / "model.tflite", format="tflite")


def test_saliency_points_at_what_an_answer_hangs_on():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 40, (400, 24, 24), dtype=np.uint8)  # two classes: a bright square above or below
    y = np.arange(400) % 2
    X[y == 0, 3:9, 9:15] = 250
    X[y == 1, 15:21, 9:15] = 250
    learned = package.SignClassifier("dense 32, relu", epochs=20).fit(X, y)
    found = package.saliency(learned, X[0])
    side = len(found.falls)
    row, column = np.unravel_index(found.falls.argmax(), found.falls.shape)
    assert found.answer == 0 and row < side / 2 and abs(column - side / 2) < side / 4 and found.falls.max() == 1


@pytest.mark.parametrize("features", [False, True])
def test_gradients_are_the_slopes_of_the_loss(features):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5)) if features else rng.integers(0, 256, (40, 6, 6), dtype=np.uint8)
    y = np.arange(40) % 3
    learned = package.SignClassifier("dense 7, tanh", epochs=2).fit(X, y)
    loss, gradients = package.gradients(learned, X, y)
    assert len(gradients) == 4

    weights = {name: weight.astype(float) for name, weight in learned.weights_.items()}
    if features:
        mean, variance = weights["1.running_mean"], weights["1.running_var"]
        x = (X - mean) / np.sqrt(variance + 1e-5) * weights["1.weight"] + weights["1.bias"]
    else:
        x = X.reshape(40, -1) / 255
    first, last = sorted({name.split(".")[0] for name in gradients}, key=int)

    def loss_of(w):
        z = np.tanh(x @ w[f"{first}.weight"].T + w[f"{first}.bias"]) @ w[f"{last}.weight"].T + w[f"{last}.bias"]
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(40), y])

    assert abs(loss - loss_of(weights)) < 1e-5
    for name, gradient in gradients.items():
        for at in list(np.ndindex(gradient.shape))[::5]:
            kept, h = weights[name][at], 1e-5
            weights[name][at] = kept + h
            high = loss_of(weights)
            weights[name][at] = kept - h
            slope = (high - loss_of(weights)) / (2 * h)
            weights[name][at] = kept
            assert abs(slope - gradient[at]) < 2e-6, (name, at)


def test_every_function_says_what_it_does():
    for name in package.__all__:
        assert getattr(package, name).__doc__, name
    stub = (ROOT / "python/mudra/_core.pyi").read_text()
    for name in dir(package._core):
        assert name.startswith("_") or f"class {name}:" in stub or f"def {name}(" in stub, name
    for name in dir(package._core.Model):
        assert name.startswith("_") or f" {name}: " in stub or f"def {name}(" in stub, name
