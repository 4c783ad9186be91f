"""Names of people and files come through every table as they are, and reach a terminal as text only."""

import csv
import re

import pytest

np = pytest.importorskip("numpy", reason="NumPy is not installed")

NAMES = ["a\nb", "a\rb", "a b", "=1+1", "-5", "'x", "@x", "'=y", "\x1b[2Jz", "\u202ew", "\x9b1m"]
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture
def odd(tmp_path):
    labels = np.array([NAMES[i % len(NAMES)] for i in range(220)])
    groups = np.array([f"\x1b[3{i // 11 % 4}m\n=g" for i in range(220)])
    pixels = np.random.default_rng(1).integers(0, 256, (220, 6, 6)).astype("u1")
    np.savez(tmp_path / "odd\x1b[1m\n.npz", dataset=pixels, labels=labels, groups=groups)
    return "odd\x1b[1m\n.npz"


def exact(cell):
    """The name that a cell means: an apostrophe before = + - @, a tab, a carriage return or another is taken off."""
    return cell[1:] if re.match("'['=+@\\t\\r-]", cell) else cell


def cells_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def is_formula(cell):
    try:
        float(cell)
        return False
    except ValueError:
        return cell[:1] in list("=+-@\t\r")


@pytest.mark.parametrize("form", ["x.csv", "x.csv.gz", "folder"])
def test_names_survive_csv(mudra, tmp_path, odd, form):
    assert mudra("data", "convert", odd, "--out", form).returncode == 0
    assert mudra("data", "convert", form, "--out", "again.npz").returncode == 0
    before, after = np.load(tmp_path / odd), np.load(tmp_path / "again.npz")
    def examples(data):
        each = [(str(label), str(group), pixels.tobytes()) for label, group, pixels in
                zip(data["labels"], data["groups"], data["dataset"])]
        return sorted(each) if form == "folder" else each  # a folder is in the order of its classes

    assert examples(before) == examples(after)
    if form == "x.csv":
        rows = cells_of(tmp_path / form)[1:]
        assert [exact(row[0]) for row in rows] == list(before["labels"])
        assert not any(is_formula(cell) for row in rows for cell in row)


def test_names_survive_in_predictions(mudra, tmp_path, odd):
    result = mudra("train", odd, "--epochs", 1, "--split", "stratified:0.5", "--no-report", "--out", "run")
    assert result.returncode == 0, result.stderr
    header, *rows = cells_of(tmp_path / "run/predictions.csv")
    labels = np.load(tmp_path / odd)["labels"]
    assert len(rows) == 110 and {exact(name[2:]) for name in header[8:]} <= set(NAMES) | {"=y"}
    for row in rows:
        assert exact(row[5]) == labels[int(row[0])] and exact(row[6]) in NAMES
        assert not any(is_formula(cell) for cell in row)


def test_no_name_commands_the_terminal(mudra, tmp_path, odd):
    assert mudra("train", odd, "--epochs", 1, "--no-report", "--quiet", "--out", "m\x1b[1m").returncode == 0
    model = "m\x1b[1m"
    np.save(tmp_path / "q\x1b[1m\n.npy", np.load(tmp_path / odd)["dataset"][:3])
    for arguments in (["data", "inspect", odd, "--out", "a\x1b[1m.png"], ["data", "convert", odd, "--out", "b\n\x1b[1m.npz"],
                      ["data", "split", odd, "--split", "group-kfold:2"], ["data", "leaks", odd, "--cache", ""],
                      ["data", "convert", odd, "--out", "f"], ["train", odd, "--epochs", 1, "--out", "r\x1b[1m"],
                      ["evaluate", odd, "--model", model, "--predictions", "p\x1b[1m.csv"],
                      ["export", model, "--to", "onnx", "--out", "o\x1b[1m.onnx"],
                      ["train", odd, "--classes", "x\x1b[1m"], ["train", odd, "--x\x1b[1m"], ["train", odd, "--lr\n"],
                      ["train", odd, "--network", "dense \x1b[1m3\x9b"], ["train", odd, "--epochs", "\x1b[1m"],
                      ["train", odd, "--split", "\x1b[1m.json"], ["train", "no\x1b[1m\nsuch"], ["synth", "--count", "\x1b[1m"],
                      ["predict", "q\x1b[1m\n.npy", "nowhere\x1b[1m", "--model", model],
                      ["\x1b[1m"], ["synth", "--count", 20, "--out", "s\x1b[1m.npz"], ["evaluate", "n\x1b[1m", "--model", model]):
        result = mudra(*arguments)
        assert not UNSAFE.search(result.stdout + result.stderr), (arguments, UNSAFE.findall(result.stdout + result.stderr))
        if result.returncode:
            assert len(result.stderr.splitlines()) <= 3, result.stderr
    rows = [line.split() for line in mudra("data", "inspect", odd).stdout.splitlines()]
    assert ["a\\nb", "20"] == [row for row in rows if row and row[0] == "a\\nb"][0][:2], "one line a class"


def test_json_has_the_exact_names(mudra, odd):
    import json

    found = json.loads(mudra("data", "inspect", odd, "--json").stdout)
    assert {each["name"] for each in found["classes"]} == set(NAMES)
