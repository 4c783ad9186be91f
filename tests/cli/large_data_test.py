"""Data larger than memory: what a command keeps for each image, and what an interrupt leaves behind.

Files are sparse: they take no room on the disk. Memory is counted in bytes, never in time."""

import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from conftest import COMMAND

np = pytest.importorskip("numpy", reason="NumPy is not installed")

SIDE = 12  # 1,000,000 images are more values than are read at once


def sparse(folder, images, side=SIDE):
    """An .npy of black images and its labels, ten classes."""
    path = folder / f"{images}.npy"
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({images}, {side}, {side}), }}".encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header)
        file.truncate(10 + len(header) + images * side * side)
    labels = folder / f"{images}-labels.npy"
    np.save(labels, (np.arange(images) * 7 // 3 % 10).astype(np.uint8))
    return path, labels


# A child begins with the peak of the process it was forked from: this one is small whatever the tests hold.
MEASURE = """
import os, sys
child = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, ended, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(ended), usage.ru_maxrss * 1024, file=open("peak", "w"))
"""


def peak_bytes(folder, *arguments, status=0):
    """The most memory the command had at once."""
    subprocess.run([sys.executable, "-S", "-c", MEASURE, COMMAND, *map(str, arguments)], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ended, peak = map(int, (folder / "peak").read_text().split())
    assert ended == status
    return peak


def bytes_an_image(tmp_path, *command, few=1_000_000, many=2_500_000):
    peaks = []
    for images in (few, many):
        path, labels = sparse(tmp_path, images)
        given = [a.format(path=path, labels=labels) for a in command]
        peaks.append(peak_bytes(tmp_path, *given))
    assert peaks[1] < 150e6
    return (peaks[1] - peaks[0]) / (many - few)


counts_memory = pytest.mark.skipif(b"__asan_init" in COMMAND.read_bytes() if COMMAND.exists() else False,
                                   reason="a sanitizer's own memory would be counted")


# 20 GB of 28x28 images are 25.5 million: at 18 bytes each they take 460 MB. Training keeps the ten probabilities of
# every held-out image for predictions.csv as well: 40 bytes for one in five.
@counts_memory
@pytest.mark.parametrize("command, most", [
    (["train", "{path}", "--labels", "{labels}", "--network", "dense 2", "--epochs", "1", "--batch-size", "1024"], 18 + 40 / 5),
    (["data", "split", "{path}", "--labels", "{labels}", "--out", "split.json"], 18),
    (["data", "inspect", "{path}", "--labels", "{labels}", "--json"], 18),
    (["data", "convert", "{path}", "--out", "copy.npz", "--labels", "{labels}"], 18),
])
def test_memory_for_an_image_that_stays_on_the_disk_is_bounded(tmp_path, command, most):
    assert bytes_an_image(tmp_path, *command) < most


@counts_memory
def test_too_many_images_for_near_copies_are_refused_before_memory_is_taken(mudra, tmp_path):
    path, labels = sparse(tmp_path, 1_000_000)
    result = mudra("data", "leaks", path, "--labels", labels)
    assert result.returncode == 1 and "near copies" in result.stderr and "--classes" in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 2
    assert peak_bytes(tmp_path, "data", "leaks", path, "--labels", labels, status=1) < 100e6


def test_inspect_counts_all_and_lists_the_first(mudra, tmp_path):
    path, labels = sparse(tmp_path, 1_000_000)
    found = json.loads(mudra("data", "inspect", path, "--labels", labels, "--json").stdout)
    assert found["counts"] == {"constant": 1_000_000, "copies": 999_999, "conflicting": 1_000_000, "inverted": 0}
    assert found["constant"] == found["conflicting"] == found["duplicates"][0] == list(range(100_000))
    assert "1000000 images are of one brightness all over: rows 0, 1, 2, 3, 4 and 999995 more" in found["warnings"]


@pytest.mark.parametrize("out", ["x.npz", "x.npy", "x.csv", "x.csv.gz", "x.idx", "pictures"])
def test_an_interrupted_convert_leaves_nothing(tmp_path, out):
    path, labels = sparse(tmp_path, 4_000_000)
    folder = tmp_path / "out"
    folder.mkdir()
    process = subprocess.Popen([COMMAND, "data", "convert", path, "--out", out, "--labels", labels], cwd=folder,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(folder.iterdir()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1 and stdout == ""
    assert stderr.splitlines() == [f"mudra: writing {out}: stopped. Nothing is left half done."]
    assert list(folder.iterdir()) == []


def test_a_terminal_shows_how_far_it_is(tmp_path):
    path, labels = sparse(tmp_path, 1_000_000)
    here, there = pty.openpty()
    process = subprocess.Popen([COMMAND, "data", "inspect", path, "--labels", labels, "--json"], cwd=tmp_path,
                               stdout=subprocess.DEVNULL, stderr=there)
    os.close(there)
    shown = b""
    try:
        while part := os.read(here, 4096):
            shown += part
    except OSError:  # the other side is closed
        pass
    os.close(here)
    assert process.wait() == 0
    lines = shown.split(b"\r\x1b[K")
    assert b"reading 0%" in lines and b"inspecting 0%" in lines
    assert lines[-1] == b"" and b"\n" not in shown  # the line is gone when it is over
