#!/usr/bin/python3
"""Writes the NumPy files that tests/data/read_arrays_test.cpp reads: tests/fixtures/arrays/.

    /usr/bin/python3 tests/reference/make_array_fixtures.py

Made with the NumPy version in tests/fixtures/arrays/VERSION. Pixel (n, h, w, c) of five images is
(37 n + 11 h + 5 w + 3 c) mod 256, so the test needs no copy of the values.
"""

import io
import pathlib
import zipfile

import numpy as np
from numpy.lib import format as npy

out = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "arrays"
out.mkdir(parents=True, exist_ok=True)
for old in out.iterdir():
    old.unlink()
(out / "VERSION").write_text(f"NumPy {np.__version__}\n")


def pixels(n, h, w, c):
    i = np.indices((n, h, w, c))
    return (37 * i[0] + 11 * i[1] + 5 * i[2] + 3 * i[3]) % 256


def bytes_of(array, version=None):
    stream = io.BytesIO()
    npy.write_array(stream, array, version=version, allow_pickle=True)
    return stream.getvalue()


def save_zip(name, members, method):
    with zipfile.ZipFile(out / name, "w", method) as archive:
        for member, content in members.items():
            info = zipfile.ZipInfo(member)  # a fixed date: the same bytes each time
            info.compress_type = method
            archive.writestr(info, content)


labels = np.array(["5", "0", "10", "9", "5"])
(out / "labels.npy").write_bytes(bytes_of(labels))
images = pixels(5, 4, 4, 1)

for kind in ["u1", "u2", "u4", "u8", "i2", "i4", "i8", "f2", "f4", "f8"]:
    for order in "<>":
        (out / f"{'big' if order == '>' else 'little'}_{kind}.npy").write_bytes(
            bytes_of(images[..., 0].astype(order + kind)))
(out / "i1.npy").write_bytes(bytes_of((images[..., 0] % 128).astype("i1")))
(out / "bool.npy").write_bytes(bytes_of(images[..., 0] % 2 == 1))
for version in [1, 2, 3]:
    (out / f"version_{version}.npy").write_bytes(bytes_of(images[..., 0].astype("<f8"), (version, 0)))

unit = (images[..., 0] / 255).astype("<f4")
(out / "unit_f4.npy").write_bytes(bytes_of(unit))
(out / "unit_f8_fortran.npy").write_bytes(bytes_of(np.asfortranarray(images[..., 0] / 255)))
(out / "half_steps_f4.npy").write_bytes(bytes_of((images[..., 0] / 2).astype("<f4")))  # 0..127.5: not whole
(out / "sixteen_bits.npy").write_bytes(bytes_of((images[..., 0] * 257).astype("<u2")))

shapes = {
    "flat": pixels(5, 4, 4, 1).reshape(5, 16),
    "rows_3x5": pixels(5, 3, 5, 1).reshape(5, 15),
    "nhw": pixels(5, 3, 7, 1)[..., 0],
    "nhw1": pixels(5, 3, 7, 1),
    "nhw3": pixels(5, 3, 7, 3),
    "nchw": pixels(5, 6, 7, 3).transpose(0, 3, 1, 2),
}
for name, array in shapes.items():
    (out / f"shape_{name}_c.npy").write_bytes(bytes_of(np.ascontiguousarray(array).astype("u1")))
    (out / f"shape_{name}_fortran.npy").write_bytes(bytes_of(np.asfortranarray(array).astype("<f4")))

one_hot = np.zeros((5, 3))
one_hot[np.arange(5), [2, 0, 1, 1, 2]] = 1
bad_hot = one_hot.copy()
bad_hot[3] = [0, 1, 1]
label_forms = {
    "u": np.array(["5", "0", "10", "9", "5"], "<U2"),
    "big_u": np.array(["5", "0", "10", "9", "5"], ">U2"),
    "s": np.array([b"5", b"0", b"10", b"9", b"5"]),
    "i8": np.array([5, 0, 10, 9, 5]),
    "big_i2": np.array([5, 0, 10, 9, 5], ">i2"),
    "f4": np.array([5, 0, 10, 9, 5], "<f4"),
    "f2": np.array([5, 0, 10, 9, 5], "<f2"),
    "column": np.array([[5], [0], [10], [9], [5]]),
    "one_hot": one_hot,
    "one_hot_fortran": np.asfortranarray(one_hot.astype("u1")),
    "unicode": np.array(["ağ", "é", "手", "🤟", "ağ"]),
    "bad_fraction": np.array([5, 0, 10, 9.5, 5]),
    "bad_hot": bad_hot,
    "bad_length": np.array(["5", "0", "10", "9"]),
    "bad_empty": np.array(["5", "0", "", "9", "5"]),
    "bad_object": np.array(["5", "0", "10", "9", "5"], dtype=object),
}
for name, array in label_forms.items():
    (out / f"labels_{name}.npy").write_bytes(bytes_of(array))

data = bytes_of(images[..., 0].reshape(5, 16).astype("<f8"))
groups = bytes_of(np.array(["hand2", "hand1", "hand2", "hand3", "hand1"]))
for name, method in [("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)]:
    save_zip(f"{name}.npz", {"dataset.npy": data, "labels.npy": bytes_of(labels), "groups.npy": groups}, method)

# Targets [5, 2, 3, 4]: at (n, h, w, t) stands n + h / 2 + w / 4 + t / 8.
index = np.indices((5, 2, 3, 4))
targets = index[0] + index[1] / 2 + index[2] / 4 + index[3] / 8
labelled = {"dataset.npy": data, "labels.npy": bytes_of(labels)}
for name, array in [("f4", targets.astype("<f4")), ("f8_fortran", np.asfortranarray(targets)), ("u1", np.ceil(targets).astype("u1")),
                    ("bad_length", targets[:4]), ("flat", targets.reshape(5, 24))]:
    save_zip(f"targets_{name}.npz", {**labelled, "targets.npy": bytes_of(array)}, zipfile.ZIP_DEFLATED)

# Files that must be refused.
nan = (images[..., 0] / 255).astype("<f4")
nan[3, 1, 2] = np.nan
bad = {
    "bad_nan": bytes_of(nan),
    "bad_range": bytes_of((images[..., 0] - 128).astype("<f4")),
    "bad_object": bytes_of(np.array([[1, 2, 3, "x"]], dtype=object)),
    "bad_structured": bytes_of(np.zeros(3, [("a", "<i4")])),
    "bad_complex": bytes_of(np.zeros((3, 16), "<c8")),
    "bad_truncated": data[:-9],
    "bad_rows": bytes_of(np.zeros((5, 16), "u1")).replace(b"(5, 16), }" + b" " * 10, b"(99999999999, 16), }"),
    "bad_overflow": bytes_of(np.zeros((5, 16), "u1")).replace(b"(5, 16), }" + b" " * 35,
                                                              b"(9223372036854775807, 9223372036854775807), }"),
    "bad_magic": b"\x93NUMPX" + data[6:],
    "bad_version": data[:6] + b"\x09" + data[7:],
    "bad_header": data.replace(b"'descr'", b"'dexcr'"),
    "bad_no_square": bytes_of(np.zeros((5, 15), "u1")),
    "bad_no_images": bytes_of(np.zeros((0, 16), "u1")),
    "bad_rank": bytes_of(np.zeros((5, 2, 4, 4, 1), "u1")),
}
for name, content in bad.items():
    (out / f"{name}.npy").write_bytes(content)
for name in ["bad_rows", "bad_overflow"]:
    assert b"99999" in bad[name] or b"922337" in bad[name], name
save_zip("bad_no_dataset.npz", {"images.npy": data, "labels.npy": bytes_of(labels)}, zipfile.ZIP_STORED)
save_zip("bad_no_labels.npz", {"dataset.npy": data}, zipfile.ZIP_STORED)
save_zip("bad_truncated_member.npz", {"dataset.npy": data[:-9], "labels.npy": bytes_of(labels)}, zipfile.ZIP_DEFLATED)
(out / "bad_cut_off.npz").write_bytes((out / "stored.npz").read_bytes()[:400])
flipped = bytearray((out / "stored.npz").read_bytes())
flipped[300] ^= 1  # a pixel: the archive's checksum tells
(out / "bad_checksum.npz").write_bytes(flipped)
(out / "bad_not_a_zip.npz").write_text("This is not a zip archive.\n")
(out / "empty.npz").write_bytes(b"")
