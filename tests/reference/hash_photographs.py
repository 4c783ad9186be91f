#!/usr/bin/python3
"""Prints, for every photograph under a folder: path, height, width, CRC-32 of its RGB bytes and of the grey bytes
the JPEG decoder gives, as Pillow decodes them."""

import pathlib
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

for path in sorted(pathlib.Path(sys.argv[1]).rglob("*")):
    if path.suffix.lower() not in (".jpg", ".jpeg"):
        continue
    colour = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    grey = Image.open(path)
    grey.draft("L", grey.size)
    grey = np.asarray(ImageOps.exif_transpose(grey).convert("L"))
    print(path, *colour.shape[:2], f"{zlib.crc32(colour.tobytes()):x}", f"{zlib.crc32(grey.tobytes()):x}", sep="\t")
