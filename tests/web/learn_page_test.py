"""The tab "Learn" of the studio, used in a real browser: Chromium, driven by Playwright. Its numbers are compared with NumPy's, its weights with those of `mudra train`."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from conftest import COMMAND, ROOT, read_safetensors

np = pytest.importorskip("numpy", reason="NumPy is not installed")

sys.path.insert(0, str(ROOT / "tests" / "reference"))
from browser import HOSTILE, drive  # noqa: E402
from learned_step import numbers  # noqa: E402

STEPS = ["picture", "sum", "sigmoid", "loss", "chain", "step", "epoch", "hand"]
CHECKS = ["trained to the end, all is drawn", "it goes back to the same numbers", "the equations' numbers are kept for NumPy", "a symbol shows where its number comes from",
          "a weight changed by hand moves the loss by its derivative", "a rate that is too large ends, and says why", "one example after the other makes the batch's step",
          "weights travel only when they are looked at", "the canvas shows the weights", "each question takes the right answer and no other", "a link opens the same numbers",
          "the keyboard alone does it all", "it can be read without seeing it", "without motion a run is drawn when it ends", "two signs of your own",
          "ten digits by a network of convolutions", "options that cannot be are said, and nothing is lost", "a server that forgot the training loses nothing",
          "every page can be looked at", *(f"axe finds nothing in {page}, {scheme}" for scheme in ("light", "dark") for page in ("the lab", *STEPS)),
          "a phone needs no sideways scrolling"]


def make_signs(folder):
    """Two signs as the studio records them: a folder of pictures each."""
    hands = folder / "hands"
    subprocess.run([COMMAND, "synth", "--count", "200", "--size", "96", "--seed", "5", "--out", hands], check=True, capture_output=True, timeout=300)
    for name, label in (("fist", "0"), (HOSTILE, "5")):
        (folder / "signs" / name).mkdir(parents=True)
        for at, file in enumerate(sorted((hands / label).glob("*.png"))):
            shutil.copy(file, folder / "signs" / name / f"r{at % 4}-{at:04}.png")


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learn")
    make_signs(folder)
    return drive("learn.mjs", os.path.abspath(COMMAND), folder, timeout=600, packages=("playwright-core", "axe-core")), folder


@pytest.mark.parametrize("check", CHECKS)
def test_in_a_browser(used, check):
    assert used[0][check] is None


def test_every_check_is_listed(used):
    assert sorted(used[0]) == sorted(CHECKS)


def test_it_trains_to_the_weights_and_the_accuracy_of_the_command_it_names(used):
    folder = used[1]
    trained = json.loads((folder / "trained.json").read_text())
    words = shlex.split(trained["command"])
    assert words[:2] == ["mudra", "train"]
    done = subprocess.run([COMMAND, *words[1:], "--out", folder / "run", "--json"], check=True, capture_output=True, text=True, timeout=120)
    tensors = read_safetensors(folder / "run" / "model.safetensors")[1]
    page = (folder / "trained.f32").read_bytes()
    assert b"".join(tensors[weight["name"]].tobytes() for weight in trained["weights"]) == page
    accuracy = json.loads(done.stdout)["test"]["accuracy"]
    a, b, c, d = trained["table"]
    assert abs((a + d) / (a + b + c + d) - accuracy) < 1e-9
    assert trained["score"] == f"{100 * accuracy:.1f}% right"


@pytest.mark.parametrize("case", range(5))
def test_the_equations_show_the_numbers_of_numpy(used, case):
    """The page shows four digits of numbers that are computed in 32 bits."""
    folder = used[1]
    shown = json.loads((folder / "shown.json").read_text())[case]
    images = np.fromfile(folder / f"{shown['name']}.u8", np.uint8).reshape(-1, 784)
    flat, n = np.fromfile(folder / f"{shown['name']}.f32", "<f4").astype(np.float64), shown["hidden"]
    w1, b1, w2, b2 = np.split(flat, [784 * n, 784 * n + n, 784 * n + 2 * n])
    truth = numbers(images, np.array(shown["labels"]), (w1.reshape(n, 784), b1, w2.reshape(1, n), b2), shown["row"], shown["unit"], shown["pixel"],
                    shown["batch"], shown["rate"], shown["activation"])
    assert len(shown["numbers"]) >= 24
    for key, each in shown["numbers"].items():
        # A sum of n terms is rounded by what its largest terms are rounded by, not by what remains of them.
        scale = max(abs(truth[key]), {"z1": 1.0, "sum1": 1.0, "minus-z1": 1.0, "z": 1.0, "sum2": 1.0, "minus-z": 1.0}.get(key, 0))
        assert abs(each["value"] - truth[key]) <= 2e-4 * scale + 1e-9, f"{key}: {each['value']} is shown, NumPy has {truth[key]}"
