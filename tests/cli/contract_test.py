"""What scripts may rely on."""

import json

import pytest

np = pytest.importorskip("numpy", reason="NumPy is not installed")


def model_of(mudra, tmp_path, name, *options):
    result = mudra("train", "synth:200", "--recipe", "report", "--epochs", 3, "--quiet", "--no-report", "--out", name, *options)
    assert result.returncode == 0, result.stderr
    return (tmp_path / name / "model.safetensors").read_bytes()


def test_the_model_does_not_depend_on_threads(mudra, tmp_path):
    one = model_of(mudra, tmp_path, "one", "--threads", 1)
    assert model_of(mudra, tmp_path, "two", "--threads", 2) == one
    assert model_of(mudra, tmp_path, "four", "--threads", 4) == one


def test_another_seed_is_another_model(mudra, tmp_path):
    assert model_of(mudra, tmp_path, "a", "--seed", 1) != model_of(mudra, tmp_path, "b", "--seed", 2)


def test_options_toml_repeats_the_run_to_the_byte(mudra, tmp_path):
    first = model_of(mudra, tmp_path, "first", "--seed", 2**63 - 1, "--classes", "3,8", "--learning-rate", "0.0173")
    result = mudra("train", "--options", "first/options.toml", "--quiet", "--no-report", "--out", "again")
    assert result.returncode == 0, result.stderr
    for file in ("model.safetensors", "options.toml", "metrics.jsonl", "split.json"):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "first" / file).read_bytes(), file
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == first


def test_a_run_leaves_its_records(mudra, tmp_path):
    model_of(mudra, tmp_path, "run")
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert all(line["loss"]["train"] > 0 and 0 <= line["accuracy"]["held_out"] <= 1 for line in lines)
    fold = json.loads((tmp_path / "run/split.json").read_text())["folds"][0]
    assert sorted(fold["train"] + fold["test"]) == list(range(40))


def test_without_data_it_renders_hands_and_holds_people_apart(mudra, tmp_path):
    result = mudra("train", "--classes", "3,8", "--epochs", 1, "--json", "--no-report", "--out", "run", timeout=300)
    assert result.returncode == 0, result.stderr
    assert "data      synth:50000: 50,000 images 28x28, ten classes; kept 3 and 8: 10,000\n" in result.stderr
    assert "chosen    for pictures: --split group\n" in result.stderr
    assert json.loads(result.stdout)["test"]["labels"] == ["3", "8"]
    fold = json.loads((tmp_path / "run/split.json").read_text())["folds"][0]
    people = {part: {row // 4 for row in fold[part]} for part in ("train", "test")}  # of 20 images of a person two show a 3, two an 8
    assert len(people["train"]) == 2000 and len(people["test"]) == 500 and not people["train"] & people["test"]


def test_what_was_said_of_the_split_of_rendered_hands_is_kept(mudra, tmp_path):
    for name, options in (("said", ["--split", "0.7"]), ("recipe", ["--recipe", "report"])):
        result = mudra("train", "synth:200", "--epochs", 1, "--no-report", "--out", name, *options)
        assert result.returncode == 0 and "random" in result.stderr and "chosen" not in result.stderr
    result = mudra("train", "synth:20", "--epochs", 1, "--no-report", "--out", "alone")  # one person
    assert "group" not in result.stderr and "the held-out part has no image of class '0'" in result.stderr  # 4 of 20 are held out


def test_rendered_hands_of_some_classes_are_those_of_the_whole_set(mudra, tmp_path):
    assert mudra("synth", "--count", 100, "--out", "all.npz").returncode == 0
    assert mudra("data", "convert", "synth:100", "--classes", "5,0", "--out", "some.npz").returncode == 0
    every, some = np.load(tmp_path / "all.npz"), np.load(tmp_path / "some.npz")
    kept = np.isin(every["labels"], ["0", "5"])
    assert np.array_equal(some["labels"], every["labels"][kept]) and kept.sum() == 20
    assert np.array_equal(some["dataset"], every["dataset"][kept])


def test_evaluate_repeats_the_numbers_of_training(mudra, tmp_path):
    """The report's text equals scikit-learn's on the same predictions."""
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 300)
    x = np.clip(rng.normal(100, 60, (300, 49)) + 25 * labels[:, None], 0, 255).astype("u1")
    np.savez(tmp_path / "d.npz", dataset=x, labels=labels.astype(str))
    assert mudra("train", "d.npz", "--epochs", 2, "--quiet", "--no-report", "--out", "run").returncode == 0
    found = json.loads(mudra("evaluate", "d.npz", "--model", "run/model.safetensors", "--json").stdout)
    assert set(found) >= {"n", "accuracy", "interval", "labels", "confusion", "per_class", "text"}
    predicted = []
    for i in range(300):
        np.save(tmp_path / f"{i}.npy", x[i].reshape(7, 7))
    answers = json.loads(mudra("predict", *[f"{i}.npy" for i in range(300)], "--model", "run/model.safetensors", "--json").stdout)
    for answer in answers:
        assert set(answer) == {"file", "image", "label", "confidence", "none", "probabilities", "logits"}
        assert abs(sum(answer["probabilities"].values()) - 1) < 1e-5
        assert answer["confidence"] == max(answer["probabilities"].values())
        predicted.append(answer["label"])
    truth = [str(label) for label in labels]
    assert found["confusion"] == metrics.confusion_matrix(truth, predicted).tolist()
    assert found["text"] == metrics.classification_report(truth, predicted, zero_division=0)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, predicted), abs=1e-12)


def test_a_pipe_that_closes_early_is_no_crash(mudra, tmp_path):
    import subprocess

    from conftest import COMMAND

    model_of(mudra, tmp_path, "run")
    result = subprocess.run(f"'{COMMAND}' evaluate synth:200 --classes 0,5 --model run/model.safetensors | true; echo ${{PIPESTATUS[0]}}",
                            shell=True, executable="/bin/bash", cwd=tmp_path, capture_output=True, text=True)
    assert int(result.stdout.strip()) in (0, 1)
