#!/usr/bin/python3
"""Writes the CSV, IDX and folder sources that tests/data/read_files_test.cpp reads: tests/fixtures/sources/.

    /usr/bin/python3 tests/reference/make_source_fixtures.py

Each has five images whose pixel (n, h, w) is (37 n + 11 h + 5 w) mod 256 and whose labels are 5 0 10 9 5; versions in
VERSION.
"""

import gzip
import pathlib
import shutil
import struct

import numpy as np
import PIL
from PIL import Image

out = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "sources"
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
(out / "VERSION").write_text(f"NumPy {np.__version__}, Pillow {PIL.__version__}\n")

labels = np.array([5, 0, 10, 9, 5])
groups = ["hand2", "hand1", "hand2", "hand3", "hand1"]


def pixels(h, w):
    i = np.indices((5, h, w))
    return ((37 * i[0] + 11 * i[1] + 5 * i[2]) % 256).astype("u1")


def write(name, content):
    if name.endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    (out / name).write_bytes(content)


# IDX, the format page of MNIST: big-endian sizes and values
def idx(array, code):
    header = struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


for end in ["", ".gz"]:
    write("five-images-idx3-ubyte" + end, idx(pixels(4, 4), 8))
    write("five-labels-idx1-ubyte" + end, idx(labels.astype("u1"), 8))
for name, kind, code in [("i16", "i2", 11), ("i32", "i4", 12), ("f32", "f4", 13), ("f64", "f8", 14)]:
    write(f"{name}.idx", idx(pixels(4, 4).astype(kind), code))
write("bad_cut.idx.gz", idx(pixels(4, 4), 8)[:-1])
write("bad_huge.idx.gz", struct.pack(">BBBB3I", 0, 0, 8, 3, 4000000, 28, 28))
write("bad_largest.idx", struct.pack(">BBBB2I", 0, 0, 11, 2, 0xFFFFFFFF, 0xFFFFFFFF) + bytes(50))
write("bad_type.idx", struct.pack(">BBBBI", 0, 0, 7, 1, 1) + b"\0")
(out / "bad_gzip.idx.gz").write_bytes((out / "five-images-idx3-ubyte.gz").read_bytes()[:-10])

# CSV
flat = pixels(4, 4).reshape(5, 16)
names = [f"pixel{i + 1}" for i in range(16)]


def rows(fields):
    return "".join(",".join(map(str, f)) + "\n" for f in fields)


plain = [[label, *image] for label, image in zip(labels, flat)]
write("mnist.csv", rows([["label", *names], *plain]).encode())
write("mnist.csv.gz", rows([["label", *names], *plain]).encode())
write("windows.csv", ("\ufeff" + rows([["label", *names], *plain]).replace("\n", "\r\n") + "\r\n").encode())
write("no_header.csv", rows(plain).rstrip("\n").encode())
write("groups.csv", rows([["group", *names, "Label"], *([g, *i, l] for g, i, l in zip(groups, flat, labels))]).encode())
write("unit.csv", rows([["label", *names], *([l, *(i / 255)] for l, i in zip(labels, flat))]).encode())
quoted = [[f'"class ""{label}"", say"', *image] for label, image in zip(labels, flat)]
write("quoted.csv", rows([["label", *names], *quoted]).encode())
bad = [list(row) for row in plain]
bad.insert(1, [3, 1, 2])
bad.insert(3, [3, *flat[0][:15], "x"])
bad.insert(5, ["", *flat[0]])
bad.append([3, *flat[0][:15], "nan"])
write("bad_rows.csv", rows([["label", *names], *bad]).encode())
write("bad_no_label.csv", rows([["digit", *names], *plain]).encode())
write("bad_no_square.csv", rows([["label", *names[:15]], *(row[:16] for row in plain)]).encode())
write("bad_empty.csv", b"\n\n")
write("bad_only_header.csv", rows([["label", *names]]).encode())

# Folders of pictures
def picture(name, n, h=4, w=4, **options):
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(h, w)[n]).save(path, **options)


for folder, h, w in [("folder", 4, 4)]:
    for n, place in enumerate(["5/b.png", "0/é ü.png", "10/deeper/手.PNG", "9/1.png", "5/a.png"]):
        picture(f"{folder}/{place}", n, h, w)
    (out / folder / "5" / "notes.txt").write_text("not a picture\n")
    (out / folder / "readme.txt").write_text("not a class\n")
picture("mixed/0/a.png", 0, 4, 4)
picture("mixed/0/b.png", 1, 8, 8)
picture("mixed/1/c.png", 2, 4, 4)
picture("mixed/1/d.png", 3, 2, 6)
for n in range(3):
    picture(f"damaged/{n}/good.png", n)
(out / "damaged/1/cut.png").write_bytes((out / "damaged/1/good.png").read_bytes()[:-30])
(out / "damaged/1/text.jpg").write_text("This is no picture.\n")
(out / "damaged/2/empty.jpeg").write_bytes(b"")
(out / "all_bad/0").mkdir(parents=True)
(out / "all_bad/0/text.png").write_text("This is no picture.\n")
picture("no_classes/a.png", 0)

# Groups
files = ["5/b.png", "0/é ü.png", "10/deeper/手.PNG", "9/1.png", "5/a.png"]
write("groups_by_file.csv", rows([["file", "label", "group", "light"],
                                  *([f, l, g, "dim"] for f, l, g in zip(files, labels, groups))]).encode())
write("groups_by_name.csv", rows([["group", "file"],
                                  *([g, pathlib.Path(f).name] for f, g in zip(files, groups))]).encode())
write("groups_missing.csv", rows([["file", "label", "group"],
                                  *([f, l, g] for f, l, g in list(zip(files, labels, groups))[:3])]).encode())
write("groups_in_order.csv", rows([["group"], *([g] for g in groups)]).encode())
write("groups_short.csv", rows([["group"], *([g] for g in groups[:4])]).encode())
write("groups_no_column.csv", rows([["file", "hand"], *zip(files, groups)]).encode())
np.savez(out / "groups.npz", hand=np.array(groups))
np.savez(out / "groups_none.npz", person=np.array(groups))
