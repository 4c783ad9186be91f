"""Progress on a terminal: it stays on its line, however narrow, and is gone before a message."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import pytest
from conftest import COMMAND


def on_a_terminal(folder, columns, arguments, stop_at=None):
    """Runs the command with standard error on a terminal; returns its status and all that came there. Ctrl-C is
    pressed when `stop_at` has appeared."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    process = subprocess.Popen([COMMAND, *map(str, arguments)], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=slave)
    os.close(slave)
    text = b""
    while True:
        try:
            piece = os.read(master, 1 << 16)
        except OSError:  # how Linux says that the other end was closed
            break
        if not piece:
            break
        text += piece
        if stop_at and re.search(stop_at, text):
            process.send_signal(signal.SIGINT)
            stop_at = None
    os.close(master)
    return process.wait(timeout=60), text.decode()


def screen(text, columns):
    """The lines a terminal shows: what is longer than a line goes on in the next, and only the last one can be erased."""
    lines, row, at = [""], 0, 0
    for token in re.findall("\r\n|\r|\033\\[K|.", text, re.DOTALL):
        if token == "\r\n":
            lines.append("")
            row, at = row + 1, 0
        elif token == "\r":
            at = 0
        elif token == "\033[K":
            lines[row] = lines[row][:at]
        else:
            assert token.isprintable(), repr(token)
            if at == columns:
                lines.append("")
                row, at = row + 1, 0
            lines[row] = lines[row][:at] + token + lines[row][at + 1:]
            at += 1
    return lines


TRAIN = ["train", "synth:100", "--network", "dense 4, relu", "--no-report", "--split", "stratified:0.5"]


@pytest.mark.parametrize("columns", [20, 60, 200])
def test_progress_stays_on_its_line(tmp_path, columns):
    status, text = on_a_terminal(tmp_path, columns, [*TRAIN, "--epochs", 10000, "--split", "kfold:2"])
    assert status == 0
    shown = [line for line in re.split("\r\033\\[K|\r\n", text) if line.startswith("fold")]
    assert len(shown) > 3 and max(map(len, shown)) < columns
    assert [line for line in screen(text, columns) if line.startswith("fold")] == [
        line for line in shown if line.startswith("fold 1")][-1:] + [line for line in shown if line.startswith("fold 2")][-1:]
    # The time left goes first, then the time it took and how many were right.
    fields = {20: "fold 1", 60: r"fold 1   epoch \d+ of 10000   loss [0-9.]+   held out [0-9.]+", 200: r"fold 1   .*%   .* s   \d+ s left"}
    assert any(re.fullmatch(fields[columns], line) for line in shown)


@pytest.mark.parametrize("columns", [20, 60, 200])
@pytest.mark.parametrize("arguments, stop_at", [([*TRAIN, "--epochs", 1000000, "--out", "run"], rb"epoch \d\d+ of"),
                                                (["synth", "--count", 200000, "--out", "hands.npz"], rb"rendering \d+%")])
def test_an_interrupt_leaves_only_its_message(tmp_path, columns, arguments, stop_at):
    status, text = on_a_terminal(tmp_path, columns, arguments, stop_at)
    assert status == 1
    shown = "".join(screen(text, columns)).partition("mudra: ")
    assert "stopped" in shown[2] and not re.search("epoch|rendering|loss", shown[0])
