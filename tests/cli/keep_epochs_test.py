"""`mudra train --keep-epochs N`: what a network was after some of its epochs, and what it answered then."""

import csv
import json
import resource
import signal
import subprocess
import time

import pytest
from conftest import COMMAND, read_safetensors

OPTIONS = ["synth:200", "--split", "group", "--ema", "0.9", "--network", "dense 24, batch-norm, relu, dropout 0.2",
           "--augment", "rotate 10", "--no-report"]
EXTENSIONS = (".csv", ".json", ".safetensors")


def train(mudra, *arguments):
    result = mudra("train", *arguments, "--quiet")
    assert result.returncode == 0, result.stderr


def content(run):
    return {path.name: path.read_bytes() for path in (run / "epochs").iterdir()}


def kept(run):
    return sorted(int(path.stem.removeprefix("epoch-")) for path in (run / "epochs").glob("*.json"))


def facts(run, epoch):
    return json.loads((run / f"epochs/epoch-{epoch}.json").read_text())


def answers(file):
    return list(csv.DictReader(file.open(newline="")))


def tensors(file):
    return {name: each.astype("f8") for name, each in read_safetensors(file)[1].items()}


@pytest.fixture
def whole(mudra, tmp_path):
    train(mudra, *OPTIONS, "--epochs", 24, "--keep-epochs", 3, "--out", "whole")
    return tmp_path / "whole"


def test_an_epoch_kept_is_what_a_training_that_ends_there_leaves(mudra, tmp_path, whole):
    assert kept(whole) == [0, 1, 12, 24]
    assert sorted(content(whole)) == sorted(f"epoch-{epoch}{end}" for epoch in kept(whole) for end in EXTENSIONS)
    for epoch in kept(whole)[1:]:
        run = tmp_path / f"of {epoch}"
        train(mudra, *OPTIONS, "--epochs", epoch, "--out", run)
        assert (whole / f"epochs/epoch-{epoch}.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()
        assert (whole / f"epochs/epoch-{epoch}.csv").read_bytes() == (run / "predictions.csv").read_bytes()
        test = json.loads((run / "result.json").read_text())["test"]
        told = facts(whole, epoch)
        assert told["confusion"] == test["confusion"] and told["labels"] == test["labels"]
        assert told["n"] == test["n"] and told["right"] == round(test["accuracy"] * test["n"]) and told["epoch"] == epoch
    lines = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    for epoch in kept(whole)[1:]:
        assert facts(whole, epoch)["right"] / facts(whole, epoch)["n"] == lines[epoch - 1]["accuracy"]["held_out"]


def test_answers_are_those_of_the_weights_kept_by_numpy(mudra, tmp_path):
    """Of the network before training, too, whose weights a step of almost no length does not move."""
    np = pytest.importorskip("numpy", reason="NumPy is not installed")
    rng = np.random.default_rng(4)
    images, labels = rng.integers(0, 256, (120, 5, 4)).astype("u1"), rng.integers(0, 3, 120)
    np.savez(tmp_path / "data.npz", dataset=images, labels=labels)
    options = ["data.npz", "--network", "dense 7, sigmoid", "--optimizer", "sgd", "--no-report"]
    train(mudra, *options, "--epochs", 5, "--learning-rate", 0.5, "--keep-epochs", 2, "--out", "run")
    train(mudra, *options, "--epochs", 1, "--learning-rate", 1e-12, "--out", "still")
    run = tmp_path / "run"
    begun, still = tensors(run / "epochs/epoch-0.safetensors"), tensors(tmp_path / "still/model.safetensors")
    assert all(np.allclose(begun[name], still[name], atol=1e-9) for name in begun)
    for epoch in (0, 1, 5):
        (w, b), (v, c) = [[array for name, array in tensors(run / f"epochs/epoch-{epoch}.safetensors").items() if name.startswith(layer)] for layer in ("1.", "3.")]
        rows = answers(run / f"epochs/epoch-{epoch}.csv")
        x = images[[int(row["row"]) for row in rows]].reshape(-1, 20) / 255
        logits = 1 / (1 + np.exp(-x @ w.T - b)) @ v.T + c
        expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        found = np.array([[float(row[f"p_{name}"]) for name in range(3)] for row in rows])
        assert np.abs(found - expected).max() < 1e-5
        confusion = np.zeros((3, 3), int)
        np.add.at(confusion, (labels[[int(row["row"]) for row in rows]], expected.argmax(1)), 1)
        assert facts(run, epoch)["confusion"] == confusion.tolist()
    assert facts(run, 0)["confusion"] != facts(run, 5)["confusion"]


@pytest.mark.parametrize("keep, epochs", [(1, [0, 12]), (2, [0, 1, 12]), (5, [0, 1, 3, 6, 9, 12]), (12, list(range(13))), (1000, list(range(13)))])
def test_epochs_are_spread_evenly(mudra, tmp_path, keep, epochs):
    train(mudra, "synth:60", "--network", "dense 3, relu", "--epochs", 12, "--no-report", "--keep-epochs", keep, "--out", "run")
    assert kept(tmp_path / "run") == epochs


def test_the_result_does_not_depend_on_it(mudra, tmp_path, whole):
    train(mudra, *OPTIONS, "--epochs", 24, "--out", "plain")
    plain = tmp_path / "plain"
    assert not (plain / "epochs").exists()
    for name in ("model.safetensors", "metrics.jsonl", "predictions.csv", "split.json"):
        assert (plain / name).read_bytes() == (whole / name).read_bytes(), name
    train(mudra, *OPTIONS, "--epochs", 24, "--keep-epochs", 3, "--threads", 2, "--out", "two")
    assert content(tmp_path / "two") == content(whole)


def test_a_training_without_patience_left_ends_with_an_epoch_kept(mudra, tmp_path):
    train(mudra, *OPTIONS, "--epochs", 400, "--validation", 0.2, "--patience", 3, "--keep-epochs", 2, "--out", "run")
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    assert kept(tmp_path / "run") == [0, 1, len(lines)] and len(lines) < 400


@pytest.mark.parametrize("value", ["-1", "1001", "2.5", "some", ""])
def test_wrong_numbers_are_refused(mudra, tmp_path, value):
    result = mudra("train", *OPTIONS, "--keep-epochs", value, "--out", "run")
    assert result.returncode == 2 and "--keep-epochs" in result.stderr and result.stderr.count("\n") == 1
    (tmp_path / "options.toml").write_text(f"keep-epochs = '{value}'\n")
    result = mudra("train", *OPTIONS, "--options", "options.toml", "--out", "run")
    assert result.returncode == 2 and "keep-epochs" in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_only_a_run_that_begins_says_what_it_keeps(mudra, tmp_path, whole):
    (tmp_path / "options.toml").write_text("keep-epochs = 2\n")
    train(mudra, *OPTIONS, "--options", "options.toml", "--epochs", 4, "--out", "run")
    assert kept(tmp_path / "run") == [0, 1, 4]
    assert "keep-epochs = 2" in (tmp_path / "run/options.toml").read_text()
    (whole / "mudra.lock").write_text("1")  # as if it had been killed
    refused = mudra("train", "--resume", "whole", "--keep-epochs", 2)
    assert refused.returncode == 2 and "--keep-epochs: a run goes on with the options it began with" in refused.stderr
    for command in (["tune", "synth:60"], ["data", "check", "synth:60"]):
        assert mudra(*command, "--keep-epochs", 2).returncode == 2


def test_of_several_folds_the_one_with_the_curves_is_kept(mudra, tmp_path):
    train(mudra, "synth:150", "--split", "kfold:3", "--network", "dense 9, relu", "--epochs", 6, "--no-report", "--keep-epochs", 2, "--out", "run")
    run = tmp_path / "run"
    shown = json.loads((run / "result.json").read_text())["fold"]
    told = [row for row in answers(run / "predictions.csv") if row["fold"] == shown]
    last = answers(run / "epochs/epoch-6.csv")
    assert facts(run, 6)["fold"] == shown and facts(run, 6)["n"] == len(told) == 50
    # Probabilities of folds are calibrated, which moves no answer.
    assert [(row["row"], row["fold"], row["answer"]) for row in last] == [(row["row"], row["fold"], row["answer"]) for row in told]


def test_of_a_last_layer_that_learns_alone_the_whole_network_is_kept(mudra, tmp_path):
    train(mudra, "synth:200", "--network", "dense 16, relu, dense 9, relu", "--epochs", 2, "--no-report", "--out", "base")
    for epochs in (4, 1):
        train(mudra, "synth:200", "--from", "base", "--freeze", 5, "--seed", 2, "--epochs", epochs, "--no-report", "--keep-epochs", 2, "--out", epochs)
    for epoch in (1, 4):
        assert (tmp_path / f"4/epochs/epoch-{epoch}.safetensors").read_bytes() == (tmp_path / f"{epoch}/model.safetensors").read_bytes()


def test_other_commands_take_the_files(mudra, tmp_path, whole):
    result = mudra("models", "whole/epochs/epoch-12.safetensors", "--json")
    assert result.returncode == 0 and json.loads(result.stdout)["classes"] == facts(whole, 12)["labels"]
    result = mudra("compare", "whole/epochs/epoch-1.csv", "whole/epochs/epoch-24.csv", "--json")
    assert result.returncode == 0, result.stderr
    result = mudra("runs", "whole", "--json")
    assert [run["run"] for run in json.loads(result.stdout)["runs"]] == ["whole"]


def start(tmp_path, *options, **more):
    return subprocess.Popen([COMMAND, "train", *OPTIONS, "--epochs", "24", "--keep-epochs", "3", "--out", "cut", "--checkpoint", "0", *options],
                            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **more)


def wait_for(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "waited for nothing"


@pytest.mark.parametrize("epoch", [0, 1, 12])
def test_killed_behind_an_epoch_it_goes_on_to_the_same_files(mudra, tmp_path, whole, epoch):
    process = start(tmp_path)
    wait_for((tmp_path / f"cut/epochs/epoch-{epoch}.safetensors").exists)
    process.kill()
    process.communicate()
    assert not (tmp_path / "cut/model.safetensors").exists(), "killed too late to show anything"
    (tmp_path / "cut/epochs").mkdir(exist_ok=True)
    (tmp_path / "cut/epochs/epoch-24.csv.mudra-a1b2c3").write_text("left by one that was killed")
    resumed = mudra("train", "--resume", "cut", "--no-report", "--quiet")
    assert resumed.returncode == 0, resumed.stderr
    assert content(tmp_path / "cut") == content(whole)


def test_killed_before_the_first_checkpoint_it_starts_over(mudra, tmp_path, whole):
    process = start(tmp_path, "--checkpoint", "1000")
    wait_for((tmp_path / "cut/epochs/epoch-1.json").exists)
    process.kill()
    process.communicate()
    assert not (tmp_path / "cut/model.safetensors").exists(), "killed too late to show anything"
    for name in ("epoch-2.csv", "epoch-2.json", "epoch-2.safetensors"):  # of a run before it, that kept others
        (tmp_path / "cut/epochs" / name).write_text("{}")
    resumed = mudra("train", "--resume", "cut", "--no-report", "--quiet")
    assert resumed.returncode == 0, resumed.stderr
    assert content(tmp_path / "cut") == content(whole)


def test_epochs_of_a_run_that_was_killed_early_do_not_stay(mudra, tmp_path):
    epochs = tmp_path / "run/epochs"
    epochs.mkdir(parents=True)
    for name in ("epoch-2.csv", "epoch-2.json", "epoch-2.safetensors", "epoch-02.csv", "epoch-2.txt", "notes"):
        (epochs / name).write_text("before")
    train(mudra, "synth:60", "--epochs", 3, "--no-report", "--keep-epochs", 1, "--out", "run")
    theirs = {"epoch-02.csv", "epoch-2.txt", "notes"}
    assert set(content(tmp_path / "run")) == {f"epoch-{epoch}{end}" for epoch in (0, 3) for end in EXTENSIONS} | theirs
    assert all((epochs / name).read_text() == "before" for name in theirs)


def test_a_full_disk_stops_the_run_which_goes_on(mudra, tmp_path, whole):
    def limit():  # below a model's size: its start goes out, then an error
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))

    process = start(tmp_path, preexec_fn=limit)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and "cannot write" in errors and "mudra train --resume cut" in errors.splitlines()[-1]
    assert not list((tmp_path / "cut/epochs").iterdir()), "no half-written file stays"
    resumed = mudra("train", "--resume", "cut", "--no-report", "--quiet")
    assert resumed.returncode == 0, resumed.stderr
    assert content(tmp_path / "cut") == content(whole)


def test_what_stands_in_the_way_is_said(mudra, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/epochs").write_text("not a folder")
    result = mudra("train", "synth:60", "--epochs", 2, "--keep-epochs", 1, "--out", "run", "--quiet")
    assert result.returncode == 1 and "run/epochs" in result.stderr and "--resume run" in result.stderr
    assert (tmp_path / "run/epochs").read_text() == "not a folder"
    (tmp_path / "run/epochs").unlink()
    assert mudra("train", "--resume", "run", "--quiet", "--no-report").returncode == 0
    assert kept(tmp_path / "run") == [0, 2]
