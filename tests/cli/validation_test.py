"""Validation, early stopping and a training that fails, from the command line."""

import json


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_patience_stops_and_the_best_epoch_is_kept(mudra, tmp_path):
    result = mudra("train", "synth:150", "--split", 0.8, "--epochs", 200, "--validation", 0.3, "--patience", 4, "--learning-rate", 0.01,
                   "--out", "run", "--json", "--no-report", "--quiet")
    assert result.returncode == 0, result.stderr
    document, history = json.loads(result.stdout), lines(tmp_path / "run/metrics.jsonl")
    losses = [line["loss"]["validation"] for line in history]
    best = losses.index(min(losses)) + 1
    assert document["ended"] == "patience" and document["kept_epoch"] == best
    assert document["epochs"] == len(history) == best + 4
    assert document["loss"] == history[best - 1]["loss"]
    fold = json.loads((tmp_path / "run/split.json").read_text())["folds"][0]
    parts = [set(fold[part]) for part in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 150 and len(parts[1]) == 36
    # The model tests as the epoch kept did.
    assert document["test"]["accuracy"] == history[best - 1]["accuracy"]["held_out"]


def test_patience_needs_a_validation_part(mudra, tmp_path):
    result = mudra("train", "synth:150", "--patience", 3, "--out", "run")
    assert result.returncode == 2 and "--validation 0.1" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_validation_part_by_group_is_cut_from_a_split_by_group(mudra, tmp_path):
    result = mudra("train", "synth:300", "--split", "group", "--validation", 0.25, "--epochs", 1, "--out", "run", "--no-report",
                   "--quiet")
    assert result.returncode == 0, result.stderr
    assert lines(tmp_path / "run/metrics.jsonl")[0]["loss"]["validation"] > 0


def test_a_loss_that_is_no_number_keeps_the_last_good_epoch(mudra, tmp_path):
    # The rate grows past all bounds: the first epoch is good.
    options = ["train", "synth:200", "--optimizer", "momentum", "--learning-rate", 1000, "--warm-up", 100, "--epochs", 100,
               "--network", "dense 16, leaky-relu, dense 16, leaky-relu", "--no-report", "--quiet"]
    result = mudra(*options, "--out", "run", "--json")
    assert result.returncode == 1
    document = json.loads(result.stdout)
    assert document["ended"] == "diverged" and 1 <= document["kept_epoch"] == document["epochs"]
    assert "no longer a number" in result.stderr and f"epoch {document['kept_epoch']}" in result.stderr
    assert (tmp_path / "run/model.safetensors").exists()
    result = mudra("evaluate", "synth:200", "--model", "run/model.safetensors", "--json")
    assert json.loads(result.stdout)["n"] == 200
