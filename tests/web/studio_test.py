"""The studio (`mudra serve`), used in a real browser: Chromium before a camera that shows rendered hands, driven by Playwright."""

import csv
import json
import os
import shutil
import subprocess

import pytest

from conftest import COMMAND

np = pytest.importorskip("numpy", reason="NumPy is not installed")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

from browser import drive  # noqa: E402
from camera_video import write_video  # noqa: E402

SIGNS = ["1", "2", "5"]
TAUGHT, TRIED = [0, 1, 2, 3, 4], [5, 6, 7]  # people
CHECKS = ["without anything the page says what to do", "three signs are taught by the camera", "another person's signs are told",
          "what it looks at is drawn", "a cell of the matrix shows its pictures", "the model can be taken away", "the keyboard alone records",
          "pictures are deleted, and come back", "a picture gets another sign, and its own again", "signs are renamed and deleted", "names stay text",
          "an array's pictures become signs", "another page's changes are seen", "ten thousand pictures are a few in the document",
          "the curves of two runs stand side by side", "a full disk is said, and nothing is thrown away", "pictures on their way when the line breaks come later", "a server that is gone loses nothing", "every tab can be looked at",
          *(f"axe finds nothing in {tab}, {scheme}" for scheme in ("light", "dark") for tab in ("Teach", "Try", "Runs")),
          "a phone needs no sideways scrolling", "without a camera files still work", "over plain http it says why there is no camera"]


def make_films(folder):
    """Of every person the two pictures of a sign: people who teach have a film a sign, the others share one."""
    hands = folder / "hands"
    subprocess.run([COMMAND, "synth", "--count", "160", "--size", "240", "--domain", "ankara", "--colour", "--seed", "21", "--out", hands], check=True,
                   capture_output=True, timeout=300)
    shown = {}
    with open(hands / "groups.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            shown.setdefault((row["label"], int(row["group"].removeprefix("person"))), []).append(hands / row["file"])
    for sign in SIGNS:
        for person in TAUGHT:
            write_video(folder / f"teach-{sign}-{person}.y4m", shown[sign, person])
        write_video(folder / f"try-{sign}.y4m", [picture for person in TRIED for picture in shown[sign, person]])
    shutil.copy(shown["1", TRIED[0]][0], folder / "hand.png")
    rng = np.random.default_rng(4)
    np.savez_compressed(folder / "three.npz", images=rng.integers(0, 256, (5, 20, 30, 3)).astype("u1"),
                        labels=np.array(["letter a", "letter b", "letter a", "letter a", "letter b"]))
    for name, epochs in (("short", 3), ("long", 6)):
        subprocess.run([COMMAND, "train", "synth:200", "--epochs", str(epochs), "--out", folder / "runs" / name, "--quiet"], check=True,
                       capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    make_films(folder)
    return drive("studio.mjs", os.path.abspath(COMMAND), folder, timeout=400, packages=("playwright-core", "axe-core")), folder


@pytest.mark.parametrize("check", CHECKS)
def test_in_a_browser(used, check):
    assert used[0][check] is None


def test_every_check_is_listed(used):
    assert sorted(used[0]) == sorted(CHECKS)


def test_pictures_are_kept_as_the_camera_sees_them(used):
    """The page mirrors what a person sees of herself, by looks alone: each picture is most like an unmirrored frame of one of the films."""
    def tiny(image):
        grey = np.asarray(image.convert("L").resize((40, 30), Image.Resampling.BOX), np.float32)
        return (grey - grey.mean()) / grey.std()

    frames = []
    for film in [*used[1].glob("teach-1-*.y4m"), *used[1].glob("try-*.y4m")]:
        size = len(b"FRAME\n") + 640 * 480 * 3 // 2
        video = film.read_bytes()
        for at in range(video.index(b"FRAME\n"), len(video), 3 * size):
            luma = np.frombuffer(video, np.uint8, 640 * 480, at + len(b"FRAME\n"))
            frames.append(tiny(Image.fromarray(luma.reshape(480, 640))))
    kept = [tiny(Image.open(file)) for file in sorted((used[1] / "signs" / "one").glob("*.png"))]
    likeness = [[max(float((picture * np.flip(frame, 1) if flipped else picture * frame).mean()) for frame in frames) for flipped in (False, True)]
                for picture in kept]
    assert len(kept) > 20 and sum(plain > mirrored for plain, mirrored in likeness) > 0.9 * len(kept), likeness
