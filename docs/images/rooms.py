"""Makes rooms.jpg, the sheet of rendered rooms in docs/synth.md: as a camera sees them, and hands cut out. usage: rooms.py [MUDRA]"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
COMMAND = sys.argv[1] if len(sys.argv) > 1 else HERE.parent.parent / "build/release/mudra"
SIDE, ACROSS = 112, 8


def people(domain, down, seed):
    """The first image of each of some rendered people, who are twenty images apart."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "rooms.npz"
        options = ["--count", 20 * ACROSS * down, "--size", SIDE, "--domain", domain, "--seed", seed, "--none", 0.1]
        subprocess.run([str(word) for word in [COMMAND, "synth", "--colour", *options, "--out", path]], check=True, capture_output=True)
        images = np.load(path)["dataset"][::20]
    framed = [np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=255) for image in images]
    return np.concatenate([np.concatenate(framed[row * ACROSS : (row + 1) * ACROSS], 1) for row in range(down)])


sheet = np.concatenate([people("room", 4, 5), people("room-cut", 2, 6)])
Image.fromarray(sheet).save(HERE / "rooms.jpg", quality=85)
