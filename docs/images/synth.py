"""Makes synth.png, the sheet of rendered hands in docs/synth.md. usage: synth.py [MUDRA]"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
COMMAND = sys.argv[1] if len(sys.argv) > 1 else HERE.parent.parent / "build/release/mudra"
SIDE, PEOPLE = 64, 5


def render(folder, domain, *options):
    path = folder / f"{domain}.npz"
    arguments = [COMMAND, "synth", "--size", SIDE, "--colour", "--domain", domain, "--out", path, *options]
    subprocess.run(list(map(str, arguments)), check=True, capture_output=True)
    return np.load(path)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    domains = [render(folder, domain, "--count", 20 * PEOPLE, "--seed", 5) for domain in ["massey", "ankara", "webcam"]]
    none = render(folder, "mixed", "--count", 300, "--seed", 6, "--none", 0.9)
rows = []
for digit in "0123456789":
    row = []
    for data in domains:
        of_digit = np.flatnonzero(data["labels"].astype(str) == digit)
        groups = data["groups"].astype(str)[of_digit]
        row += [data["dataset"][of_digit[groups == f"person{person}"][0]] for person in range(PEOPLE)]
    rows.append(row)
no_digit = np.flatnonzero(none["labels"].astype(str) == "none")
rows.append(list(none["dataset"][no_digit[::18][: 3 * PEOPLE]]))
sheet = np.concatenate([np.concatenate([np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=255) for image in row], 1)
                        for row in rows])
Image.fromarray(sheet).quantize(64, dither=0).save(HERE / "synth.png", optimize=True)
