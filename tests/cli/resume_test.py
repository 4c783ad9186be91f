"""A run that was stopped, killed or had no disk left goes on to the same bytes."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time

import pytest
from conftest import COMMAND

OPTIONS = ["--epochs", "12", "--validation", "0.2", "--ema", "0.9", "--network", "dense 24, batch-norm, relu, dropout 0.2",
           "--augment", "rotate 10", "--no-report"]


def checkpoint(run):
    return run / "checkpoint.safetensors"


@pytest.fixture
def whole(mudra, tmp_path):
    """A run that nothing disturbed."""
    result = mudra("train", "synth:200", *OPTIONS, "--quiet", "--out", "whole")
    assert result.returncode == 0, result.stderr
    assert not checkpoint(tmp_path / "whole").exists(), "a run that is over needs none"
    return tmp_path / "whole"


def start(tmp_path, *options, **more):
    return subprocess.Popen([COMMAND, "train", "synth:200", *OPTIONS, "--out", "cut", "--checkpoint", "0", *options],
                            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def wait_for(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("waited 30 s for nothing")


def expect_same_after_resuming(mudra, whole, cut, *options):
    result = mudra("train", "--resume", "cut", "--no-report", "--json", *options)
    assert result.returncode == 0, result.stderr
    document, metrics = json.loads(result.stdout), (whole / "metrics.jsonl").read_bytes()
    assert document["epochs"] == 12 and document["run"] == "cut"
    for file in ("model.safetensors", "split.json"):
        assert (cut / file).read_bytes() == (whole / file).read_bytes(), file
    assert (cut / "metrics.jsonl").read_bytes() == metrics
    assert sorted(path.name for path in cut.iterdir()) == sorted(path.name for path in whole.iterdir())


def test_after_kill_9_the_model_has_the_same_bytes(mudra, tmp_path, whole):
    cut = tmp_path / "cut"
    process = start(tmp_path)
    wait_for(lambda: checkpoint(cut).exists())
    process.kill()
    process.communicate()
    assert not (cut / "model.safetensors").exists(), "killed too late to show anything"
    again = subprocess.Popen([COMMAND, "train", "--resume", "cut", "--checkpoint", "0"], cwd=tmp_path,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = checkpoint(cut).read_bytes()
    wait_for(lambda: checkpoint(cut).read_bytes() != before)
    again.kill()  # twice is no different
    again.wait()
    assert not (cut / "model.safetensors").exists()
    expect_same_after_resuming(mudra, whole, cut, "--threads", 2)


def test_killed_before_the_first_checkpoint_it_starts_over(mudra, tmp_path, whole):
    cut = tmp_path / "cut"
    process = start(tmp_path, "--checkpoint", "1000")
    wait_for(lambda: (cut / "split.json").exists())
    process.kill()
    process.communicate()
    if (cut / "model.safetensors").exists():
        pytest.skip("the run was over before it could be killed")
    expect_same_after_resuming(mudra, whole, cut)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint_and_says_how_to_go_on(mudra, tmp_path, whole, kind):
    process = start(tmp_path)
    wait_for(lambda: checkpoint(tmp_path / "cut").exists())
    process.send_signal(kind)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "mudra train --resume cut" in errors.splitlines()[-1]
    expect_same_after_resuming(mudra, whole, tmp_path / "cut")


def test_after_a_full_disk_the_last_checkpoint_serves(mudra, tmp_path, whole):
    def limit():  # as a full disk: the start of a checkpoint goes out, then an error
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))

    _, errors = start(tmp_path, preexec_fn=limit).communicate(timeout=60)
    assert "mudra train --resume cut" in errors.splitlines()[-1] and "cannot write" in errors
    assert not list((tmp_path / "cut").glob("checkpoint*")), "no half-written file stays"
    expect_same_after_resuming(mudra, whole, tmp_path / "cut")


def test_folds_go_on_where_they_were(mudra, tmp_path):
    options = ["train", "synth:120", "--split", "kfold:3", "--epochs", "6", "--no-report", "--quiet"]
    assert mudra(*options, "--out", "whole").returncode == 0
    process = subprocess.Popen([COMMAND, *options, "--out", "cut", "--checkpoint", "0"], cwd=tmp_path,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def in_second_fold():
        return checkpoint(tmp_path / "cut").exists() and b'"folds":"1"' in checkpoint(tmp_path / "cut").read_bytes()[:9000]

    wait_for(in_second_fold)
    process.kill()
    process.wait()
    result = mudra("train", "--resume", "cut", "--no-report", "--quiet")
    assert result.returncode == 0, result.stderr
    for file in ("model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file


def test_what_cannot_go_on_is_refused(mudra, tmp_path, whole):
    for arguments, status, mention in [
        (["--resume", "nowhere"], 2, "nowhere"),
        (["--resume", "whole"], 2, "over"),
        (["--resume", "whole", "--out", "there"], 2, "--resume"),
    ]:
        result = mudra("train", *arguments)
        assert result.returncode == status and mention in result.stderr, result.stderr
    start(tmp_path).send_signal(signal.SIGTERM)
    process = start(tmp_path)
    wait_for(lambda: checkpoint(tmp_path / "cut").exists())
    process.terminate()
    process.communicate()
    assert "--epochs" in mudra("train", "--resume", "cut", "--epochs", 3).stderr
    taken = mudra("train", "synth:200", "--out", "cut")
    assert taken.returncode == 1 and "--resume cut" in taken.stderr
    options = tmp_path / "cut" / "options.toml"
    text = options.read_text()
    options.write_text(text.replace("'rotate 10'", "'rotate 20'"))
    other = mudra("train", "--resume", "cut")
    assert other.returncode == 1 and "other data or options" in other.stderr
    options.write_text(text)
    whole_file = checkpoint(tmp_path / "cut").read_bytes()
    checkpoint(tmp_path / "cut").write_bytes(whole_file[:-1])
    assert mudra("train", "--resume", "cut").returncode == 1
    checkpoint(tmp_path / "cut").write_bytes(whole_file)
    assert mudra("train", "--resume", "cut", "--quiet", "--no-report").returncode == 0


def test_lines_of_a_run_that_was_killed_early_do_not_stay(mudra, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/metrics.jsonl").write_text('{"epoch":1}\n')  # it had no checkpoint yet
    result = mudra("train", "synth:120", "--epochs", 2, "--quiet", "--no-report", "--out", "run")
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2] and "loss" in lines[0]


def test_a_disk_that_is_full_in_the_end_leaves_a_run_to_go_on_with(mudra, tmp_path, whole):
    cut = tmp_path / "cut"
    (cut / "predictions.csv").mkdir(parents=True)  # nothing can take this name
    _, errors = start(tmp_path).communicate(timeout=60)
    assert "mudra train --resume cut" in errors.splitlines()[-1]
    assert not (cut / "model.safetensors").exists()
    (cut / "predictions.csv").rmdir()
    expect_same_after_resuming(mudra, whole, cut)


def test_two_runs_do_not_share_a_folder(mudra, tmp_path):
    long = [COMMAND, "train", "synth:400", "--epochs", "100000", "--quiet", "--no-report", "--out", "run"]
    first = subprocess.Popen(long, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: (tmp_path / "run/split.json").exists())
    options = (tmp_path / "run/options.toml").read_bytes()
    for command in (["train", "synth:200", "--epochs", 1, "--out", "run"], ["train", "--resume", "run"],
                    ["evaluate", "synth:50", "--model", "m", "--report", "run"]):
        if command[0] == "evaluate":
            assert mudra("train", "synth:200", "--epochs", 1, "--quiet", "--no-report", "--out", "m").returncode == 0
        second = mudra(*command)
        assert second.returncode == 1 and f"of process {first.pid}" in second.stderr, second.stderr
        assert "Wait for it or stop it" in second.stderr
    assert (tmp_path / "run/options.toml").read_bytes() == options and first.poll() is None
    first.kill()  # the lock is gone with the process
    first.wait()
    assert mudra("train", "synth:200", "--epochs", 1, "--quiet", "--no-report", "--out", "run").returncode == 0
    assert not (tmp_path / "run/mudra.lock").exists(), "no clutter"


@pytest.mark.parametrize("checkpoints", ["0", "1000"])
def test_killed_between_model_and_report_the_report_comes_by_resuming(mudra, tmp_path, whole, checkpoints):
    (tmp_path / "bin").mkdir()
    gnuplot = tmp_path / "bin/gnuplot"
    gnuplot.write_text("#!/bin/sh\nexec sleep 60\n")
    gnuplot.chmod(0o755)
    options = [option for option in OPTIONS if option != "--no-report"]
    process = subprocess.Popen([COMMAND, "train", "synth:200", *options, "--out", "cut", "--checkpoint", checkpoints],
                               cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                               env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})
    cut = tmp_path / "cut"
    wait_for(lambda: (cut / "model.safetensors").exists())
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(cut.glob("figures/*.png")), "killed before the report was whole"
    model = (cut / "model.safetensors").read_bytes()
    taken = mudra("train", "synth:200", "--out", "cut")
    assert taken.returncode == 1 and "--resume cut" in taken.stderr
    result = mudra("train", "--resume", "cut")
    assert result.returncode == 0, result.stderr
    assert (cut / "report.html").stat().st_size > 10000
    if shutil.which("gnuplot"):
        assert len(list(cut.glob("figures/*.png"))) >= 3
    for file in ("model.safetensors", "metrics.jsonl", "predictions.csv"):
        assert (cut / file).read_bytes() == (whole / file).read_bytes(), file
    assert model == (whole / "model.safetensors").read_bytes()
    assert not checkpoint(cut).exists() and not (cut / "mudra.lock").exists()
    assert "over" in mudra("train", "--resume", "cut").stderr


@pytest.mark.parametrize("changed", ["data.npz", "more.npz"])
def test_changed_data_are_noticed(mudra, tmp_path, changed):
    np = pytest.importorskip("numpy", reason="NumPy is not installed")
    pixels = np.random.default_rng(2).integers(0, 256, (700, 6, 6)).astype("u1")
    labels = np.array([str(i % 3) for i in range(700)])
    for name in ["data.npz", "more.npz"]:
        np.savez(tmp_path / name, dataset=pixels if name == "data.npz" else 255 - pixels, labels=labels)
    process = subprocess.Popen([COMMAND, "train", "data.npz", "--extra", "more.npz", "--epochs", "100000", "--out", "cut", "--checkpoint", "0"],
                               cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: checkpoint(tmp_path / "cut").exists())
    process.kill()
    process.wait()
    pixels[501, 3, 2] ^= 1
    np.savez(tmp_path / changed, dataset=pixels if changed == "data.npz" else 255 - pixels, labels=labels)
    result = mudra("train", "--resume", "cut")
    assert result.returncode == 1 and "belongs to other data" in result.stderr, result.stderr


def test_a_report_of_a_test_leaves_no_lock(mudra, tmp_path, whole):
    (tmp_path / "report").mkdir()
    (tmp_path / "report/mudra.lock").write_text("7")  # of one that was killed
    result = mudra("evaluate", "synth:50", "--model", "whole", "--report", "report")
    assert result.returncode == 0 and (tmp_path / "report/report.html").exists(), result.stderr
    assert not (tmp_path / "report/mudra.lock").exists()
