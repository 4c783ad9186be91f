"""mudra runs: what is in the folders, whatever state it is in."""

import json
import os
import shutil
import subprocess
import time

import pytest
from conftest import COMMAND

np = pytest.importorskip("numpy", reason="NumPy is not installed")


def listed(mudra, *arguments):
    result = mudra("runs", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)["runs"]


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(4)
    labels = np.array(["0", "5"] * 60)
    x = rng.integers(0, 120, (120, 36)) + 100 * (labels == "5")[:, None]
    np.savez(tmp_path / "d.npz", dataset=x.astype("u1"), labels=labels, hand=np.repeat(["a", "b", "c", "d"], 30))
    return tmp_path


def train(mudra, out, *options):
    result = mudra("train", "d.npz", "--no-report", "--quiet", "--out", out, *options, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_run_tells_what_training_told(mudra, data):
    first = train(mudra, "runs/first", "--epochs", 2)
    time.sleep(0.02)
    second = train(mudra, "runs/deep/second", "--epochs", 5, "--split", "leave-one-group-out", "--network", "dense 8, relu")
    found = listed(mudra)
    assert [run["run"] for run in found] == ["runs/deep/second", "runs/first"]  # the newest first
    for run, told in zip(found, (second, first)):
        assert (run["state"], run["problem"], run["data"]) == ("over", None, "d.npz")
        assert [run[key] for key in ("n", "accuracy", "interval")] == [told["test"][key] for key in ("n", "accuracy", "interval")]
        assert (run["kept_epoch"], run["seconds"]) == (told["kept_epoch"], told["seconds"]["total"])
    assert found[0]["new_group"] == {key: second["test"]["new_group"][key] for key in ("accuracy", "interval")}
    assert found[1]["new_group"] is None
    assert found[0]["changed"] == {"data": "d.npz", "epochs": "5", "split": "leave-one-group-out", "network": "dense 8, relu"}
    shown = mudra("runs").stdout.splitlines()
    assert shown[0].split() == ["run", "when", "data", "split", "network", "images", "right", "95%", "interval", "new", "hands", "epoch", "seconds"]
    assert shown[1].startswith("runs/deep/second") and f"{100 * second['test']['accuracy']:.1f}%" in shown[1]
    assert len(shown) == 3
    assert [run["run"] for run in listed(mudra, "runs/first")] == ["runs/first"]  # a run itself
    assert len(listed(mudra, "runs", "runs/first")) == 2  # named twice, listed once


def test_the_newest_is_first_or_the_best(mudra, data):
    train(mudra, "one", "--epochs", 1)
    told = json.loads((data / "one/result.json").read_text())
    for age, (name, accuracy) in enumerate([("good", 0.7), ("damaged", None), ("best", 0.9), ("worst", 0.5)]):
        shutil.copytree(data / "one", data / "runs" / name)
        told["test"]["accuracy"] = accuracy
        (data / "runs" / name / "result.json").write_text("[1, 2]" if accuracy is None else json.dumps(told))
        os.utime(data / "runs" / name / "model.safetensors", times=(1e9 - 60 * age, 1e9 - 60 * age))
    newest = ["runs/good", "runs/damaged", "runs/best", "runs/worst"]
    best = ["runs/best", "runs/good", "runs/worst", "runs/damaged"]  # a run without a result is the last
    for sort, expected in ([], newest), (["--sort", "when"], newest), (["--sort", "accuracy"], best):
        assert [run["run"] for run in listed(mudra, *sort)] == expected
        assert [line.split()[0] for line in mudra("runs", *sort).stdout.splitlines()[1:]] == expected


def test_result_json_is_what_train_prints(mudra, data):
    told = train(mudra, "runs/a", "--epochs", 2)
    del told["warnings"]
    assert json.loads((data / "runs/a/result.json").read_text()) == told


def test_a_run_of_an_earlier_version_is_counted_from_its_predictions(mudra, data):
    told = train(mudra, "runs/a", "--epochs", 2)
    (data / "runs/a/result.json").unlink()
    run, = listed(mudra)
    assert (run["state"], run["kept_epoch"], run["seconds"]) == ("over", None, None)
    assert (run["accuracy"], run["interval"]) == (told["test"]["accuracy"], told["test"]["interval"])


DAMAGE = {
    "options": (lambda run: (run / "options.toml").write_text("epochs = [1"), "options.toml"),
    "unknown option": (lambda run: (run / "options.toml").write_text("epochz = 1"), "epochz"),
    "result": (lambda run: (run / "result.json").write_text('{"test": {"n": 3'), "result.json"),
    "result of another form": (lambda run: (run / "result.json").write_text("[1, 2]"), "result.json"),
    "no result": (lambda run: [(run / name).unlink() for name in ("result.json", "predictions.csv")], "predictions.csv"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_run_is_listed_with_what_is_wrong_and_spoils_nothing(mudra, data, kind):
    train(mudra, "runs/good", "--epochs", 1)
    shutil.copytree(data / "runs/good", data / "runs/bad")
    damage, says = DAMAGE[kind]
    damage(data / "runs/bad")
    found = {run["run"]: run for run in listed(mudra)}
    assert (found["runs/good"]["state"], found["runs/bad"]["state"]) == ("over", "damaged")
    assert says in found["runs/bad"]["problem"] and found["runs/bad"]["accuracy"] is None
    shown = mudra("runs").stdout
    assert "damaged: " in shown and says in shown


def test_runs_that_are_not_over_are_told_apart(mudra, data):
    running = subprocess.Popen([COMMAND, "train", "d.npz", "--epochs", "1000000", "--quiet", "--no-report", "--out", "runs/x", "--checkpoint", "0"],
                               cwd=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not (data / "runs/x/checkpoint.safetensors").exists() and time.monotonic() < until:
            time.sleep(0.01)
        run, = listed(mudra)
        assert (run["state"], run["accuracy"], run["changed"]["epochs"]) == ("going on", None, "1000000")
        assert "going on" in mudra("runs").stdout
    finally:
        running.kill()
        running.wait()
    run, = listed(mudra)
    assert run["state"] == "stopped"
    assert "stopped: go on with `mudra train --resume runs/x`" in mudra("runs").stdout
    assert (data / "runs/x/mudra.lock").exists()  # looking changes nothing


def test_folders_without_runs_and_wrong_words(mudra, data):
    result = mudra("runs")
    assert (result.returncode, result.stdout) == (0, "") and "no run is here" in result.stderr
    assert listed(mudra) == []
    (data / "empty").mkdir()
    assert listed(mudra, "empty") == []
    result = mudra("runs", "missing")
    assert (result.returncode, result.stdout) == (1, "") and "missing: is no folder" in result.stderr
    assert mudra("runs", "--sort", "colour").returncode == 2


def test_names_command_no_terminal(mudra, data):
    name = "runs/\x1b[2J\nx"
    train(mudra, name, "--epochs", 1)
    assert listed(mudra)[0]["run"] == name
    shown = mudra("runs").stdout
    assert "\x1b" not in shown and shown.count("\n") == 2 and r"\x1b[2J\nx" in shown


def test_a_folder_that_may_not_be_read_is_passed_by(mudra, data):
    train(mudra, "runs/a", "--epochs", 1)
    (data / "runs/locked").mkdir(mode=0)
    os.symlink("a", data / "runs/best")  # nor is a link another run
    os.symlink("..", data / "runs/up")
    assert [run["run"] for run in listed(mudra)] == ["runs/a"]
