#!/usr/bin/python3
"""Writes the pictures that tests/data/image_file_test.cpp and tests/data/image_test.cpp read:
tests/fixtures/images/.

    /usr/bin/python3 tests/reference/make_image_fixtures.py

NAME.npy holds what Pillow and NumPy make of NAME.png or NAME.jpeg; versions in VERSION. Sizes are brought
to others by plain NumPy, exactly, and checked against Pillow where Pillow does the same thing.
"""

import io
import pathlib
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps

out = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "images"
out.mkdir(parents=True, exist_ok=True)
for old in out.iterdir():
    old.unlink()
(out / "VERSION").write_text(f"Pillow {PIL.__version__}, NumPy {np.__version__}\n")

rng = np.random.default_rng(1)
height, width = 9, 13
y, x = np.mgrid[:height, :width]
smooth = np.stack([20 * y + 5 * x, 250 - 18 * x, 9 * y + 11 * x], -1).clip(0, 255).astype("u1")
noise = rng.integers(0, 256, (height, width, 3), "u1")
alpha = rng.integers(0, 256, (height, width), "u1")
alpha[0, :4] = [0, 255, 1, 254]


def on_black(colour, a):
    return ((colour.astype(int) * a[..., None] * 2 + 255) // 510).astype("u1")  # rounded half up


def save(name, image, expected, kind="png", **options):
    image.save(out / f"{name}.{kind}", **options)
    np.save(out / f"{name}.npy", expected if expected.ndim == 3 else expected[..., None])


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def raw_png(array, bits, colour, w=None, h=None, interlace=0, extra=b""):
    """PNG of any depth, without filters; rows are given as bytes."""
    rows = b"".join(b"\0" + row for row in array)
    header = struct.pack(">IIBBBBB", w or width, h or height, bits, colour, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b""))


# PNG
save("grey", Image.fromarray(noise[..., 0]), noise[..., 0])
save("colour", Image.fromarray(noise), noise)
save("one_bit", Image.fromarray(noise[..., 0] > 127), (noise[..., 0] > 127) * np.uint8(255))
palette = Image.fromarray(noise).quantize(17)
save("palette", palette, np.asarray(palette.convert("RGB")))
see_through = np.asarray(palette.convert("RGB")) * (np.asarray(palette) != 3)[..., None]
save("palette_transparent", palette, see_through, transparency=3)
save("grey_alpha", Image.merge("LA", [Image.fromarray(noise[..., 0]), Image.fromarray(alpha)]),
     on_black(noise[..., :1], alpha))
save("colour_alpha", Image.fromarray(np.dstack([noise, alpha])), on_black(noise, alpha))
wide = rng.integers(0, 65536, (height, width), "u2")
wide[0, :5] = [0, 65535, 128, 129, 65407]
eight = ((wide.astype(np.int64) * 255 * 2 + 65535) // 131070).astype("u1")  # rounded half up
(out / "grey_16.png").write_bytes(raw_png([row.astype(">u2").tobytes() for row in wide], 16, 0))
np.save(out / "grey_16.npy", eight[..., None])
wide3 = np.stack([wide, 65535 - wide, wide // 3], -1)
(out / "colour_16.png").write_bytes(raw_png([row.astype(">u2").tobytes() for row in wide3], 16, 2))
np.save(out / "colour_16.npy", ((wide3.astype(np.int64) * 510 + 65535) // 131070).astype("u1"))
passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
rows = [row.tobytes() for y0, x0, dy, dx in passes for row in noise[y0::dy, x0::dx] if row.size]
(out / "interlaced.png").write_bytes(raw_png(rows, 8, 2, interlace=1))
np.save(out / "interlaced.npy", np.asarray(Image.open(out / "interlaced.png")))
assert (np.load(out / "interlaced.npy") == noise).all()

# JPEG
def save_jpeg(name, image, **options):
    image.save(out / f"{name}.jpeg", **options)
    read = ImageOps.exif_transpose(Image.open(out / f"{name}.jpeg"))
    read = read.convert("RGB") if read.mode == "CMYK" else read
    array = np.asarray(read)
    np.save(out / f"{name}.npy", array if array.ndim == 3 else array[..., None])


save_jpeg("smooth", Image.fromarray(smooth), quality=90)
save_jpeg("full_chroma", Image.fromarray(smooth), quality=95, subsampling=0)
save_jpeg("progressive", Image.fromarray(smooth), quality=80, progressive=True)
save_jpeg("grey_jpeg", Image.fromarray(smooth[..., 0]))
save_jpeg("cmyk", Image.fromarray(smooth).convert("CMYK"), quality=95)
for turn in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = turn
    save_jpeg(f"turn_{turn}", Image.fromarray(smooth), quality=95, exif=exif)
own_grey = Image.open(out / "smooth.jpeg")
own_grey.draft("L", own_grey.size)  # the decoder's own grey
np.save(out / "own_grey.npy", np.asarray(own_grey)[..., None])
np.save(out / "rec601_grey.npy", np.asarray(Image.fromarray(noise).convert("L"))[..., None])  # of colour.png

# What must be refused.
good = (out / "smooth.jpeg").read_bytes()
(out / "bad_cut_off.jpeg").write_bytes(good[:-40])
(out / "bad_cut_off.png").write_bytes((out / "colour.png").read_bytes()[:-60])
(out / "bad_header.jpeg").write_bytes(good[:30])
(out / "bad_text.png").write_text("This is no picture.\n")
(out / "bad_20000.png").write_bytes(raw_png([b"\0"], 8, 2, 20000, 20000))
big = bytearray(good)
frame = good.index(b"\xff\xc0")
big[frame + 5:frame + 9] = struct.pack(">HH", 20000, 20000)
(out / "bad_20000.jpeg").write_bytes(big)
big[frame + 5:frame + 9] = struct.pack(">HH", 8000, 8000)
(out / "bad_bomb.jpeg").write_bytes(big)
scans = (out / "progressive.jpeg").read_bytes()
last = scans.rindex(b"\xff\xda")
(out / "bad_scans.jpeg").write_bytes(scans[:last] + scans[last:-2] * 600 + b"\xff\xd9")
(out / "bad_no_pixels.png").write_bytes(raw_png([b"\0"], 8, 2, 4, 4).replace(b"\0\0\0\4\0\0\0\4", b"\0" * 8, 1))
(out / "bad_bomb.png").write_bytes(raw_png([bytes(4)] * 4, 8, 0, 8000, 8000))  # declares 64 MB, holds 16 bytes
text_bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(40_000_000), 9))
(out / "text_bomb.png").write_bytes(raw_png([row.tobytes() for row in noise], 8, 2, extra=text_bomb))
np.save(out / "text_bomb.npy", noise)
Image.fromarray(noise[:1, :1]).save(out / "one_pixel.png")
np.save(out / "one_pixel.npy", noise[:1, :1])

# WebP: lossy, lossless, see-through, turned, moving, damaged.
def save_webp(name, image, **options):
    image.save(out / f"{name}.webp", **options)
    read = ImageOps.exif_transpose(Image.open(out / f"{name}.webp"))
    array = np.asarray(read)
    np.save(out / f"{name}.npy", on_black(array[..., :3], array[..., 3]) if array.shape[2] == 4 else array)


save_webp("webp_lossy", Image.fromarray(smooth), quality=80)
save_webp("webp_lossless", Image.fromarray(noise), lossless=True)
save_webp("webp_alpha", Image.fromarray(np.dstack([noise, alpha])), lossless=True, exact=True)
for turn in (6, 8):
    exif = Image.Exif()
    exif[0x0112] = turn
    save_webp(f"webp_turn_{turn}", Image.fromarray(noise), lossless=True, exif=exif)
(out / "bad_cut_off.webp").write_bytes((out / "webp_lossless.webp").read_bytes()[:-40])
Image.fromarray(noise).save(out / "bad_moving.webp", save_all=True, append_images=[Image.fromarray(255 - noise)])

# Kinds that are named and not read. Pillow writes no HEIC and no AVIF: the first box of such a file is enough.
for kind in ("gif", "bmp", "tiff"):
    Image.fromarray(noise[..., 0]).save(out / f"bad_kind.{kind}")
for kind, brand in (("heic", b"heic"), ("avif", b"avif")):
    (out / f"bad_kind.{kind}").write_bytes(struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + b"mif1" + brand)


# Sizes.
def area(a, m):
    """The first axis to m <= n values: repeat every value m times, then average runs of n."""
    n = a.shape[0]
    return np.repeat(a, m, 0).reshape(m, n, *a.shape[1:]).sum(1) / n


def bilinear(a, m):
    n = a.shape[0]
    place = ((np.arange(m) + 0.5) * n / m - 0.5).clip(0, n - 1)
    before = np.minimum(place.astype(int), n - 1)
    after = np.minimum(before + 1, n - 1)
    part = (place - before).reshape(-1, *[1] * (a.ndim - 1))
    return a[before] * (1 - part) + a[after] * part


def axis(a, m):
    return area(a, m) if m <= a.shape[0] else bilinear(a, m)


def exact(a, h, w):
    return axis(axis(a.astype(float), h).swapaxes(0, 1), w).swapaxes(0, 1)


def whole(a):
    return np.floor(a + 0.5 + 1e-9).astype("u1")  # half up in spite of rounding in the division


for h, w in [(28, 28), (5, 4), (4, 20), (20, 5), (1, 1), (9, 13), (10, 14), (3, 13)]:
    np.save(out / f"colour_to_{h}x{w}.npy", whole(exact(noise, h, w)))
np.save(out / "colour_to_7x6_float.npy", (exact(noise, 7, 6) / 255).astype("f4"))
fitted = np.zeros((12, 12, 3), "u1")
fitted[2:10] = whole(exact(noise, 8, 12))  # 9x13 into 12x12: 12 * 9 / 13 = 8.3 rows
np.save(out / "colour_kept_12x12.npy", fitted)
tall = np.zeros((6, 20, 3), "u1")
tall[:, 5:14] = whole(exact(noise, 6, 9))  # 6 * 13 / 9 = 8.7 columns
np.save(out / "colour_kept_6x20.npy", tall)
grey = np.asarray(Image.fromarray(noise).convert("L"))
np.save(out / "colour_to_5x4_grey.npy", whole(exact(grey[..., None], 5, 4)))

# Pillow agrees where it does the same: bilinear enlarging, and averages over whole pixels.
up = np.asarray(Image.fromarray(noise).resize((28, 28), Image.Resampling.BILINEAR)).astype(int)
assert abs(up - whole(exact(noise, 28, 28))).max() <= 1
block = noise[:, :12]
down = np.asarray(Image.fromarray(block).resize((4, 3), Image.Resampling.BOX)).astype(int)
assert abs(down - whole(exact(block, 3, 4))).max() <= 1

# A large photograph, and what Pillow makes of it when it decodes an eighth of its size (Image.draft).
height, width = 1411, 1603
y, x = np.mgrid[:height, :width]
rings = 110 + 90 * np.sin(np.hypot(y - 400, x - 500) / 60)
large = np.stack([rings, 60 + 0.1 * y, 220 - 0.12 * x], -1).clip(0, 255).astype("u1")
large[900:1200, 1100:1500] = [200, 40, 30]
Image.fromarray(large).save(out / "large.jpeg", quality=30, optimize=True)
for name, mode in (("large_8", "RGB"), ("large_8_grey", "L")):
    small = Image.open(out / "large.jpeg")
    small.draft(mode, (width // 8, height // 8))
    assert small.size == (201, 177) and small.mode == mode
    small.save(out / f"{name}.png", optimize=True)
