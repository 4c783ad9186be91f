import json
import subprocess
import zipfile

import numpy as np
import pytest
from PIL import Image

SOURCES = "tests/fixtures/sources"


@pytest.fixture
def sources(pytestconfig):
    return pytestconfig.rootpath / SOURCES


def test_inspect_counts_classes_and_groups(mudra, sources):
    result = mudra("data", "inspect", sources / "groups.csv", "--json")
    found = json.loads(result.stdout)
    assert result.returncode == 0 and found["images"] == 5 and (found["height"], found["width"]) == (4, 4)
    assert found["classes"] == [{"name": n, "images": i} for n, i in [("0", 1), ("5", 2), ("9", 1), ("10", 1)]]
    assert found["groups"][0] == {"name": "hand1", "images": [1, 1, 0, 0]}


def test_inspect_names_bad_files_and_writes_a_sheet(mudra, sources, tmp_path):
    result = mudra("data", "inspect", sources / "damaged", "--out", tmp_path / "sheet.png")
    assert result.returncode == 0
    assert "3 of 6 images skipped" in result.stderr and "1/cut.png: is a damaged or cut off PNG" in result.stderr
    assert Image.open(tmp_path / "sheet.png").size[1] == 4 + 3 * 60


def test_inspect_shows_an_augmentation(mudra, tmp_path):
    def sheet(text):
        result = mudra("data", "inspect", "synth:20", "--augment", text, "--out", tmp_path / "sheet.png")
        assert result.returncode == 0, result.stderr
        return np.asarray(Image.open(tmp_path / "sheet.png")).astype(int)

    flipped, turned = sheet("flip 1"), sheet("rotate 90")
    assert flipped.shape == turned.shape == (4 + 8 * 60, flipped.shape[1])
    margin = flipped.shape[1] - 16 * 60
    first, second, third = (flipped[4 + 60 * row : 60 + 60 * row, margin : margin + 56] for row in range(3))
    assert abs(first[:, ::-1] - second).max() <= 1 and (second == third).all()
    assert (flipped[:60, margin:] == turned[:60, margin:]).all() and (flipped[60:] != turned[60:]).any()


def test_inspect_refuses_an_augmentation_it_cannot_show(mudra, tmp_path):
    assert mudra("data", "inspect", "synth:20", "--augment", "rotate 5").returncode == 2
    result = mudra("data", "inspect", "synth:20", "--augment", "rotat 5", "--out", tmp_path / "sheet.png")
    assert result.returncode == 2 and "Did you mean 'rotate'?" in result.stderr


def test_strict_makes_a_bad_file_fatal(mudra, sources, tmp_path):
    result = mudra("data", "convert", sources / "damaged", "--out", tmp_path / "x.npz", "--strict")
    assert result.returncode == 1 and "is" in result.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", ["x.npz", "x.csv", "x.csv.gz", "x-images-idx3-ubyte.gz", "folder"])
def test_convert_keeps_every_image(mudra, sources, tmp_path, form):
    assert mudra("data", "convert", sources / "mnist.csv", "--out", tmp_path / form).returncode == 0
    assert mudra("data", "convert", tmp_path / form, "--out", tmp_path / "back.npz").returncode == 0
    back = np.load(tmp_path / "back.npz")
    i = np.indices((5, 4, 4))
    expected = ((37 * i[0] + 11 * i[1] + 5 * i[2]) % 256).astype("u1")
    labels = np.array(["5", "0", "10", "9", "5"])
    if form == "folder":  # in the order of the classes
        order = [1, 0, 4, 3, 2]
        expected, labels = expected[order], labels[order]
    assert back["dataset"].dtype == "u1" and (back["dataset"] == expected).all()
    assert (back["labels"] == labels).all()


def test_convert_changes_size_and_colour(mudra, sources, tmp_path):
    result = mudra("data", "convert", sources / "mixed", "--out", tmp_path / "x.npz", "--size", "6x5", "--channels", 3)
    assert result.returncode == 0 and np.load(tmp_path / "x.npz")["dataset"].shape == (4, 6, 5, 3)


def test_the_same_data_give_the_same_bytes(mudra, sources, tmp_path):
    for name in ["a.npz", "b.npz"]:
        mudra("data", "convert", sources / "mnist.csv", "--out", tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        for member in archive.infolist():
            assert member.date_time == (1980, 1, 1, 0, 0, 0)  # no clock in the file
            start = archive.read(member)
            assert (10 + int.from_bytes(start[8:10], "little")) % 64 == 0  # as numpy.save aligns values


def test_split_writes_a_file_that_split_reads(mudra, sources, tmp_path):
    split = tmp_path / "split.json"
    first = mudra("data", "split", sources / "mnist.csv", "--split", "0.6", "--classes", "5", "--out", split, "--json")
    assert first.returncode == 0, first.stderr
    again = mudra("data", "split", sources / "mnist.csv", "--split", split, "--classes", "5", "--json")
    assert json.loads(first.stdout)["folds"] == json.loads(again.stdout)["folds"]


def test_a_command_left_out_is_named(mudra):
    result = mudra("data")
    assert result.returncode == 2 and "inspect, convert, split" in result.stderr


def test_photographs_make_an_interval_by_photograph(mudra, tmp_path):
    """Seven turns of one photograph are one observation."""
    rng = np.random.default_rng(5)
    labels, photographs = np.arange(140) % 2, np.arange(140) // 7
    images = rng.integers(0, 120, (140, 8, 8)) + 100 * (labels[:, None, None] ^ (rng.random((140, 1, 1)) < 0.2))
    hands = np.array([f"hand{p % 3}" for p in photographs])
    files = {"data": {"dataset": images.astype("u1"), "labels": labels}}
    files["all"] = files["data"] | {"hand": hands, "photo": photographs}
    files["groups"] = {"hand": hands, "photo": np.array([f"photo{p}.jpeg" for p in photographs])}
    for name, arrays in files.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)

    def tested(data, *options):
        run = mudra("train", data, "--epochs", 1, "--split", "kfold:2", "--json", "--no-report", *options)
        assert run.returncode == 0, run.stderr
        test = json.loads(run.stdout)["test"]
        model = json.loads(run.stdout)["model"]
        again = json.loads(mudra("evaluate", data, "--model", model, "--json", *options).stdout)
        assert (again["interval_unit"], again["interval_units"]) == (test["interval_unit"], test["interval_units"])
        return test["interval_unit"], test["interval_units"]

    assert tested("data.npz") == ("image", 140)
    assert tested("all.npz") == ("photograph", 20)
    assert tested("data.npz", "--groups", "groups.npz") == ("photograph", 20)
    assert mudra("data", "convert", "all.npz", "--out", "kept.npz").returncode == 0
    assert tested("kept.npz") == ("photograph", 20)
    del files["all"]["photo"]
    np.savez(tmp_path / "hands.npz", **files["all"])
    assert tested("hands.npz") == ("image", 140)


def test_options_are_chosen_within_a_fold_of_a_nested_split(mudra, tmp_path):
    """The folds within hand 1's fold, and the model trained on all of them, never see hand 1."""
    rng = np.random.default_rng(3)
    labels, hands = np.arange(120) % 2, np.array([f"hand{i // 2 % 4 + 1}" for i in range(120)])
    np.savez(tmp_path / "data.npz", dataset=rng.integers(0, 256, (120, 6, 6)).astype("u1"), labels=labels, groups=hands)
    by_hand = ["--split", "leave-one-group-out", "--inner", "leave-one-group-out"]
    made = mudra("data", "split", "data.npz", *by_hand, "--out", "nested.json")
    assert made.returncode == 0 and "3 inner folds" in made.stdout, made.stderr
    outer = json.loads((tmp_path / "nested.json").read_text())["folds"]
    assert [fold["name"] for fold in outer] == ["hand1", "hand2", "hand3", "hand4"]

    def tested(split):
        run = mudra("train", "data.npz", "--epochs", 1, "--json", "--no-report", "--split", split, "--out", "run")
        assert run.returncode == 0, run.stderr
        split_file = json.loads((tmp_path / "run" / "split.json").read_text())
        model = (tmp_path / "run" / "model.safetensors").read_bytes()
        subprocess.run(["rm", "-r", tmp_path / "run"], check=True)
        return json.loads(run.stdout)["test"]["n"], split_file["folds"], model

    count, folds, model = tested("nested.json:hand1")
    assert count == 90 and [fold["name"] for fold in folds] == ["hand2", "hand3", "hand4"]
    assert not {row for fold in folds for row in fold["train"] + fold["test"]} & set(outer[0]["test"])
    assert tested("nested.json")[0] == 120

    pictures = np.load(tmp_path / "data.npz")["dataset"]
    pictures[hands == "hand1"] = 7  # what the model may not have seen
    np.savez(tmp_path / "data.npz", dataset=pictures, labels=labels, groups=hands)
    assert tested("nested.json:hand1")[2] == model
    assert tested("nested.json:hand2")[2] != model

    wrong = mudra("train", "data.npz", "--split", "nested.json:hand5")
    assert wrong.returncode == 2 and "hand" in wrong.stderr
    for rule in "group:2", "nested.json", "kfold:1000":
        wrong = mudra("data", "split", "data.npz", "--split", "group", "--inner", rule)
        assert wrong.returncode == 2 and wrong.stderr.startswith("mudra: --inner: "), wrong.stderr


def test_predict_understands_an_array_as_train_does(mudra, tmp_path):
    """Bytes of 0 and 1 alone are black and white, in a data set and in one image of it; predict says so."""
    rng = np.random.default_rng(8)
    labels = np.arange(80) % 2
    bits = (rng.random((80, 7, 7)) < np.where(labels, 0.7, 0.3)[:, None, None]).astype("u1")
    np.savez(tmp_path / "data.npz", dataset=bits, labels=labels)
    assert mudra("train", "data.npz", "--epochs", 5, "--no-report", "--out", "run").returncode == 0
    Image.fromarray(bits[3] * 255).save(tmp_path / "hand.png")
    np.save(tmp_path / "bits.npy", bits[3])
    np.save(tmp_path / "bytes.npy", bits[3] * 255)
    np.save(tmp_path / "bool.npy", bits[3].astype(bool))
    np.save(tmp_path / "float.npy", bits[3].astype("f4"))
    files = ["hand.png", "bits.npy", "bytes.npy", "bool.npy", "float.npy"]
    result = mudra("predict", *files, "--model", "run", "--json")
    logits = [answer["logits"] for answer in json.loads(result.stdout)]
    assert all(each == logits[0] for each in logits)
    assert "bits.npy: pixel values 0..1 (uint8), each black or white\n" in result.stderr
    assert "hand.png" not in result.stderr


@pytest.fixture
def stripes(mudra, tmp_path):
    """A model for pictures of 8x6 in grey, and pictures of both its classes in 0..1."""
    rng = np.random.default_rng(9)
    labels = np.arange(120) % 2
    pictures = rng.random((120, 8, 6)) * 0.4
    pictures[labels == 1, ::2] += 0.5
    np.savez(tmp_path / "data.npz", dataset=pictures, labels=labels)
    assert mudra("train", "data.npz", "--epochs", 5, "--no-report", "--out", "run").returncode == 0
    return pictures


def predicted(mudra, *arguments):
    result = mudra("predict", *arguments, "--model", "run", "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("form", ["[3, 8, 6]", "[3, 48]", "[3, 8, 6, 1]", "[3, 1, 8, 6]", "[1, 48]", "[48]", "[8, 6]"])
def test_predict_answers_every_image_of_an_array(mudra, tmp_path, stripes, form):
    """The shape the model was trained on decides what an array holds."""
    shape = json.loads(form)
    count = 3 if shape[0] == 3 else 1
    for i in range(count):
        np.save(tmp_path / f"{i}.npy", stripes[i])
    alone = predicted(mudra, *[f"{i}.npy" for i in range(count)])
    np.save(tmp_path / "all.npy", stripes[:count].reshape(shape))
    together = predicted(mudra, "all.npy")
    assert [(a["file"], a["image"]) for a in together] == [("all.npy", i) for i in range(count)]
    assert [a["logits"] for a in together] == [a["logits"] for a in alone]
    lines = mudra("predict", "all.npy", "--model", "run").stdout.splitlines()
    assert [line.startswith("all.npy, image " if count > 1 else "all.npy  ") for line in lines] == [True] * count


def test_three_grey_images_are_no_colours_to_a_grey_model(mudra, tmp_path, stripes):
    large = np.kron(stripes[:3], np.ones((2, 2)))  # [3, 16, 12]: not the model's size
    np.save(tmp_path / "large.npy", large)
    assert len(predicted(mudra, "large.npy")) == 3
    np.save(tmp_path / "colours.npy", np.moveaxis(large, 0, 2))  # [16, 12, 3]
    assert len(predicted(mudra, "colours.npy")) == 1


def test_predict_reads_a_folder(mudra, tmp_path, stripes):
    (tmp_path / "hands/deep").mkdir(parents=True)
    for name in ("hands/b.png", "hands/deep/a.webp"):
        Image.fromarray((stripes[1] * 255).astype("u1")).save(tmp_path / name)
    (tmp_path / "hands/.hidden.png").write_bytes(b"no picture")
    (tmp_path / "hands/notes.txt").write_text("no picture")
    result = mudra("predict", "hands", "--model", "run", "--json")
    assert [a["file"] for a in json.loads(result.stdout)] == ["hands/b.png", "hands/deep/a.webp"]
    assert "1 file that is no picture left out" in result.stderr


def values_of(mudra, tmp_path, array, *options):
    """The images as they are understood, or the message."""
    np.savez(tmp_path / "given.npz", dataset=array, labels=np.arange(len(array)) % 2)
    result = mudra("data", "convert", "given.npz", "--out", "read.npz", *options)
    if result.returncode != 0:
        return result.stderr
    read = np.load(tmp_path / "read.npz")["dataset"]
    return (read / 255 if read.dtype == np.uint8 else read).reshape(array.shape), result.stderr


@pytest.mark.parametrize("low, high, options, note", [
    (0, 1, (), "pixel values 0..1 (float64)"),
    (-1, 1, (), "pixel values -1..1 (float64)"),
    (0, 255, (), "pixel values 0..255 (float64)"),
    (0, 16, ("--range", "0,16"), "pixel values 0..16 (float64), as --range says"),
    (-3, 5, ("--range=-3,5",), "pixel values -3..5 (float64), as --range says"),
    (255, 0, ("--range", "255,0"), "pixel values 255..0 (float64), as --range says"),
])
def test_the_range_of_pixels_is_recognised_or_given(mudra, tmp_path, low, high, options, note):
    truth = np.random.default_rng(10).random((10, 6, 6))
    truth[0, 0, :2] = 0, 1
    values, notes = values_of(mudra, tmp_path, low + (high - low) * truth, *options)
    assert np.abs(values - truth).max() < 1e-6 and note in notes


def test_a_range_that_is_not_plain_is_refused(mudra, tmp_path):
    truth = np.random.default_rng(11).random((10, 6, 6))
    standardised = (truth - truth.mean()) / truth.std()
    by_pixel = np.where(np.arange(36).reshape(6, 6) == 7, standardised * 60, standardised)  # reaches beyond 64
    one_off = truth.copy()
    one_off[4, 2, 2] = -1
    for array in (standardised, by_pixel, one_off, 16 * truth, (truth > 0.5) - 2 * (one_off < 0)):
        message = values_of(mudra, tmp_path, array)
        assert isinstance(message, str) and message.startswith("mudra: given.npz, array `dataset`: pixel values run from"), message
        assert "--range" in message
    assert "(in image 4, counted from 0)" in values_of(mudra, tmp_path, one_off)
    overshot = 255 * truth - 1  # what resizing with splines does
    assert np.abs(values_of(mudra, tmp_path, np.maximum(overshot, -1))[0] - overshot / 255).max() < 1e-6
    _, notes = values_of(mudra, tmp_path, np.round(16 * truth))
    assert "no pixel value is above 16: if that means white, say --range 0,16" in notes


@pytest.mark.parametrize("text", ["1", "1,1", "a,b", "0,inf", "1,2,3", ","])
def test_a_range_that_is_none_is_refused(mudra, text):
    result = mudra("data", "inspect", "synth:20", "--range", text)
    assert result.returncode == 2 and f"--range: '{text}' is not a range" in result.stderr
