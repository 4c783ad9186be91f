"""The bytes of models and renderings, written down: a change of any constant, order or rounding is seen here.

Two builds of one source agree with each other whatever changed between two versions; these SHA-256 sums do not.
They were made by `python3 tests/cli/same_bytes_test.py` (MUDRA_COMMAND names the executable), which prints the
table below anew: do that only for a change that is meant to change models, and name it in CHANGELOG.md.
"""
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MUDRA = os.environ.get("MUDRA_COMMAND", str(ROOT / "build/release/mudra"))
RANDOM = ["--split", "0.8"]
SMALL = ["--epochs", "2", "--seed", "3"]
# name: (arguments of `mudra train`, SHA-256 of its model.safetensors)
RUNS = {
    "report": (["synth:600", "--recipe", "report", "--epochs", "20"],
        "175118206e49c3348ae4ae38ced5fcade670285a95df46f55715b9ab34248233"),
    "mlp": (["synth:600", *RANDOM, "--network", "mlp", *SMALL],
        "7ce948c2f522b1ec631f627417682d94b721ec807395c54131707b6cb8643185"),
    "lenet": (["synth:300", *RANDOM, "--network", "lenet", *SMALL],
        "85704ba45090cf03836fc4e5458dfe204d30aa8c05b46b09bef2210d05c8aa0f"),
    "cnn-tiny": (["synth:600", *RANDOM, "--network", "cnn-tiny", *SMALL],
        "f715e1a041cf00e1ea7714ae68f6fb62db126bafa5f2196abb714d9b7bfc7693"),
    "cnn": (["synth:600", *RANDOM, "--network", "cnn", *SMALL],
        "4b6581d21c4b899ecd97ed2da808d0f72ef821785cbb77ef427da1c7e6c7e1db"),
    "resnet-mini": (["synth:250", *RANDOM, "--network", "resnet-mini", *SMALL],
        "8184a46f811f17f5a85d3c909aab2003d0ed4fe1fe257029b166706a82f50b15"),
    "augmentation": (["synth:400", *RANDOM, "--augment", "rotate 15, shift 2, elastic 1, noise 0.02, jpeg 50", *SMALL,
                      "--schedule", "one-cycle", "--optimizer", "adamw", "--weight-decay", "0.01"],
        "2bb718470f9b73d30fedd1b15af4cc435ae3461b23ae84346de39be5f004d006"),
    "averaged": (["synth:300", *RANDOM, "--network", "conv 8 3x3, batch-norm, relu, pool 2, dropout 0.2", "--ema", "0.99",
                  "--label-smoothing", "0.1", "--validation", "0.2", "--epochs", "4", "--clip", "1"],
        "eb4e33fe1816113183c903df7649740c6c748310b69f52e5a9094516104b23fd"),
    "folds": (["synth:300", "--split", "kfold:3", "--class-weights", "balanced", *SMALL],
        "721fccd91cd535822c4936c24fca98e02e768d7b788111e28468040cf8aa2ede"),
    "nested-residuals": (["synth:250", *RANDOM, "--network", "conv 8 3x3, residual(residual(conv 8 3x3, relu), conv 8 3x3 | "
                          "conv 8 1x1), relu, pool 2", *SMALL, "--optimizer", "nesterov"],
        "61a5ff44d0d59fe87fd6067733553a0ba136ec4577e38e7a4cb39dc8b22d78d5"),
}
RESUMED = "averaged"  # also stopped and gone on with
RENDERED = (["--count", "40", "--domain", "mixed", "--size", "40", "--seed", "5"],
            "66b2ae3a6e56b9b95ed274b7a1ac8932f1a516b2342079b8039f59e2d09f3750")


def train(arguments, out):
    subprocess.run([MUDRA, "train", *arguments, "--quiet", "--no-report", "--json", "--out", str(out)], check=True,
                   stdout=subprocess.DEVNULL)


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def model_hash(name, folder):
    train(RUNS[name][0], folder)
    return sha256(folder / "model.safetensors")


def rendering_hash(folder):
    """Of the pixels: the archive around them holds lengths that belong to the zip library."""
    out = folder / "hands.npy"
    subprocess.run([MUDRA, "synth", *RENDERED[0], "--out", str(out)], check=True, capture_output=True)
    return sha256(out)


@pytest.mark.parametrize("name", RUNS)
def test_a_model_has_the_bytes_it_always_had(name, tmp_path):
    assert model_hash(name, tmp_path / "run") == RUNS[name][1]


def test_a_rendering_has_the_bytes_it_always_had(tmp_path):
    assert rendering_hash(tmp_path) == RENDERED[1]


def test_a_run_that_was_stopped_ends_with_the_bytes_it_always_had(tmp_path):
    run = tmp_path / "run"
    process = subprocess.Popen([MUDRA, "train", *RUNS[RESUMED][0], "--quiet", "--no-report", "--checkpoint", "0",
                                "--out", str(run)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (run / "checkpoint.safetensors").exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    process.wait()
    if process.returncode != 0:  # else it was done before the signal came
        subprocess.run([MUDRA, "train", "--resume", str(run), "--quiet", "--no-report"], check=True,
                       stdout=subprocess.DEVNULL)
    assert sha256(run / "model.safetensors") == RUNS[RESUMED][1]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for each in RUNS:
            print(f'    "{each}": "{model_hash(each, Path(scratch) / each)}",')
        print(f'RENDERED "{rendering_hash(Path(scratch))}"')
    sys.exit(0)
