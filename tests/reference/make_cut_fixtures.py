#!/usr/bin/python3
"""Writes the picture that tests/hands/hand_view_test.cpp cuts hands out of, and what Pillow makes of the same cuts:
tests/fixtures/hands/.

    /usr/bin/python3 tests/reference/make_cut_fixtures.py

Pillow places eight times as many pixels each way, and then takes the mean of eight by eight.
"""

import math
import pathlib

import numpy as np
import PIL
from PIL import Image

out = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "hands"
out.mkdir(parents=True, exist_ok=True)
(out / "VERSION").write_text(f"Pillow {PIL.__version__}, NumPy {np.__version__}\n")

height, width = 96, 128
y, x = np.mgrid[:height, :width]
picture = np.stack([120 + 90 * np.sin(x / 7) * np.cos(y / 9), 20 + 1.6 * x, 110 + 80 * np.sin(np.hypot(x - 40, y - 30) / 5)], -1)
picture = picture.round().astype("u1")
Image.fromarray(picture).save(out / "picture.png", optimize=True)

# The edge goes on so far that no cut sees the end of it.
margin = 200
wide = Image.fromarray(np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge"))

# Middle, size, turn clockwise in degrees, and side of the cut.
cuts = [(60, 50, 40, 0, 48), (70.25, 41.5, 33, 35, 32), (20, 66, 50, -120, 40), (64, 48, 110, 10, 24)]
for number, (middle_x, middle_y, size, degrees, side) in enumerate(cuts):
    finer = 8
    step = size / 0.72 / (side * finer)
    c, s = step * math.cos(math.radians(degrees)), step * math.sin(math.radians(degrees))
    half = side * finer / 2
    place = (c, -s, margin + middle_x - c * half + s * half, s, c, margin + middle_y - s * half - c * half)
    fine = wide.transform((side * finer, side * finer), Image.Transform.AFFINE, place, Image.Resampling.BILINEAR)
    fine.reduce(finer).save(out / f"cut_{number}.png", optimize=True)
