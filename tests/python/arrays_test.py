"""Arrays of every kind: read where they are if they can be, understood or refused, never misread."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import mudra  # noqa: E402

SMALL = {"network": "dense 8, relu", "epochs": 2}


@pytest.fixture(scope="module")
def learned(two):
    return mudra.SignClassifier(**SMALL).fit(*two)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(-1, 784), (-1, 28, 28), (-1, 28, 28, 1)])
def test_arrays_that_fit_are_read_where_they_are(dtype, shape, two, learned):
    images = two[0].astype(dtype).reshape(shape)
    read = learned._read(images, reset=False)
    assert np.shares_memory(read, images)
    assert mudra._core.address_read(read) == images.ctypes.data


# What the process takes at most beside the array, while it learns from it or answers: kB.
PEAK = """
import resource, numpy as np, mudra
small = np.random.default_rng(0).integers(0, 256, (400, 784)).astype(np.{dtype})
y = np.arange(400) % 2
learned = mudra.SignClassifier(network="dense 4", epochs=1).fit(small, y)
learned.predict_proba(small)
large = np.tile(small, ({times}, 1))
large_y = np.tile(y, {times})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{work}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, large.nbytes // 1024)
"""


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("work", ["learned.predict_proba(large)", "mudra.SignClassifier(network='dense 4', epochs=1).fit(large, large_y)"])
def test_no_copy_shows_in_peak_memory(dtype, work):
    times = 240 if dtype == "uint8" else 60  # 75 MB
    script = PEAK.format(dtype=dtype, times=times, work=work)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    more, array = map(int, result.stdout.split())
    assert array > 70_000
    # float32 is checked for NaN by scikit-learn without a copy, and answers take 8 bytes an image.
    assert more < 15_000, result.stderr


def test_other_arrays_get_the_right_answers(two, learned):
    images, labels = two
    rows = images.reshape(len(images), -1)
    expected = learned.predict_proba(rows)
    wide = np.zeros((len(rows), 2 * 784), np.float32)
    wide[:, ::2] = rows
    forms = {
        "Fortran order": np.asfortranarray(rows), "float64": rows.astype(np.float64), "int64": rows.astype(np.int64),
        "strided": wide[:, ::2], "reversed": rows[::-1][::-1], "lists": rows.tolist(), "float16": rows.astype(np.float16),
        "big endian": rows.astype(">f4"), "read-only": np.frombuffer(rows.tobytes(), np.uint8).reshape(rows.shape),
        "Fortran images": np.asfortranarray(images[..., 0]), "strided images": np.repeat(images, 2, axis=1)[:, ::2]}
    for name, form in forms.items():
        assert np.array_equal(learned.predict_proba(form), expected), name
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    assert np.array_equal(learned.predict_proba(pandas.DataFrame(rows)), expected)
    named = mudra.SignClassifier(**SMALL).fit(pandas.DataFrame(rows, columns=[f"p{i}" for i in range(784)]), labels)
    assert named.model_.bytes() == learned.model_.bytes() and len(named.feature_names_in_) == 784


def test_a_memory_map_is_read(two, learned, tmp_path):
    np.save(tmp_path / "images.npy", two[0])
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert np.array_equal(learned.predict_proba(mapped), learned.predict_proba(two[0]))
    assert mudra.SignClassifier(**SMALL).fit(mapped, two[1]).model_.bytes() == learned.model_.bytes()


def test_what_pixels_mean_is_kept_from_training(two):
    images, labels = two
    unit = images.astype(np.float32) / 255
    learned = mudra.SignClassifier(**SMALL).fit(unit, labels)
    dark = unit * 0.5
    assert np.array_equal(learned.predict_proba(dark[:1])[0], learned.predict_proba(dark)[0])
    signed = mudra.SignClassifier(**SMALL, range="-1,1").fit(unit * 2 - 1, labels)
    np.testing.assert_allclose(signed.predict_proba(unit * 2 - 1), learned.predict_proba(unit), atol=1e-4)
    sixteen = mudra.SignClassifier(**SMALL, range="0,16").fit(unit * 16, labels)
    np.testing.assert_allclose(sixteen.predict_proba(unit * 16), learned.predict_proba(unit), atol=1e-4)


@pytest.mark.parametrize("wrong, words", [
    (lambda x: np.ma.masked_array(x, mask=x > 250), "Masked"),
    (lambda x: x[:, :700], "features"),
    (lambda x: x.reshape(-1, 14, 56), "28"),
    (lambda x: x.reshape(-1, 28, 7, 4), "shape"),
    (lambda x: x[0], "Reshape your data"),
    (lambda x: x.astype(np.complex64), "Complex"),
    (lambda x: np.where(x > 200, np.nan, x), "NaN"),
    (lambda x: np.where(x > 200, np.inf, x).astype(np.float32), "infinity"),
    (lambda x: np.where(x > 200, np.nan, x).reshape(-1, 28, 28), "NaN"),
    (lambda x: x[:0], "minimum of 1"),
    (lambda x: x.reshape(-1, 28, 28)[:0], "minimum of 1"),
])
def test_what_cannot_be_read_is_refused(wrong, words, two, learned):
    rows = two[0].reshape(len(two[0]), -1)
    with pytest.raises(ValueError, match=words):
        learned.predict(wrong(rows))


def test_features_are_rows(two):
    points = mudra.SignClassifier(**SMALL).fit(np.random.default_rng(0).normal(size=(40, 784)), np.arange(40) % 2)
    with pytest.raises(ValueError, match="rows"):
        points.predict(two[0])
    with pytest.raises(ValueError, match="3 axes"):
        mudra.SignClassifier(input="features").fit(two[0][..., 0], two[1])


def test_sparse_matrices_are_refused(two, learned):
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    with pytest.raises(TypeError, match="sparse"):
        learned.predict(sparse.csr_matrix(two[0].reshape(len(two[0]), -1)))


def test_what_is_an_image_is_told_from_features():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    kinds = {"rows of bytes": (rng.integers(0, 256, (40, 64), dtype=np.uint8), "images"),
             "square rows to 255": (rng.integers(0, 256, (40, 64)), "images"),
             "square rows to 1": (rng.random((40, 64)), "images"),
             "the digits of scikit-learn": (rng.integers(0, 17, (40, 64)).astype(float), "features"),
             "negative": (rng.normal(size=(40, 64)), "features"), "no square": (rng.random((40, 65)), "features"),
             "iris": (rng.random((40, 4)), "features"), "three axes": (rng.random((40, 5, 7)), "images")}
    for name, (X, kind) in kinds.items():
        assert mudra.SignClassifier(**SMALL).fit(X, y).input_ == kind, name
    assert mudra.SignClassifier(**SMALL, input="images", range="0,16").fit(kinds["iris"][0], y).input_ == "images"
    assert mudra.SignClassifier(**SMALL, size="5x13").fit(kinds["no square"][0], y).model_.input == (5, 13, 1)
    with pytest.raises(ValueError, match="not auto, images or features"):
        mudra.SignClassifier(input="pictures").fit(kinds["iris"][0], y)


def test_files_are_pictures(two, tmp_path, mudra):
    import mudra as package

    assert mudra("synth", "--count", 40, "--out", "pictures").returncode == 0
    files = sorted((tmp_path / "pictures").rglob("*.png"))
    labels = [int(file.parent.name) for file in files]
    learned = package.SignClassifier(**SMALL).fit(files, labels)
    read = package.read_images(tmp_path / "pictures")
    assert learned.model_.bytes() == package.SignClassifier(**SMALL).fit(read.images, read.labels).model_.bytes()
    assert np.array_equal(learned.predict(files), learned.predict(read.images))
    with pytest.raises(package.Error, match="missing.png"):
        learned.predict([tmp_path / "missing.png"])
