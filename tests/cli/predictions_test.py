"""What training and evaluation write down of every image and every epoch, read by Python's csv and json modules."""

import collections
import csv
import json
import subprocess
import time

import pytest
from conftest import COMMAND

np = pytest.importorskip("numpy", reason="NumPy is not installed")

FIRST = ["row", "file", "group", "photograph", "fold", "label", "answer", "confidence"]


def read(path):
    """Header and lines, each a dictionary."""
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, strict=True)
        lines = list(reader)
    assert all(None not in line and None not in line.values() for line in lines)  # as many cells as columns
    return reader.fieldnames, lines


def train(mudra, *arguments):
    """Its --json."""
    result = mudra("train", *arguments, "--quiet", "--no-report", "--out", "run", "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def accuracy(lines):
    return sum(line["label"] == line["answer"] for line in lines) / len(lines)


def check_numbers(header, lines):
    names = [column for column in header if column.startswith("p_")]
    assert header == FIRST + names
    for line in lines:
        p = [float(line[name]) for name in names]
        assert float(line["confidence"]) == max(p)
        assert sum(p) == pytest.approx(1, abs=1e-5)
        assert line["answer"] == names[p.index(max(p))].removeprefix("p_")


def check_groups(found, lines):
    """found: --json's list of groups."""
    of_group = collections.defaultdict(list)
    for line in lines:
        of_group[line["group"]].append(line)
    assert {group["group"]: (group["n"], group["right"]) for group in found} == {
        name: (len(some), sum(line["label"] == line["answer"] for line in some)) for name, some in of_group.items()}
    assert len(found) == len(of_group)
    for group in found:
        assert group["accuracy"] == pytest.approx(accuracy(of_group[group["group"]]), abs=1e-12)
    shares = [group["accuracy"] for group in found]
    assert shares == sorted(shares)


@pytest.fixture
def npz(tmp_path):
    """240 images of the classes 0, 3, 5 and of six hands that differ in how well they are seen; its arrays."""
    rng = np.random.default_rng(4)
    labels = rng.choice([0, 3, 5], 240)
    hands = rng.integers(0, 6, 240)
    bright = np.array([0, 3, 5]).repeat(12) == labels[:, None]  # a stripe of its own for each class
    x = 90 + 60 * bright + rng.normal(0, 1, (240, 36)) * (20 + 30 * hands[:, None])
    arrays = {"dataset": np.clip(x, 0, 255).astype("u1"), "labels": labels.astype(str),
              "hand": np.char.add("hand ", hands.astype(str)), "photograph": np.arange(240) // 4 + 1000}
    np.savez(tmp_path / "d.npz", **arrays)
    return arrays


def test_every_image_held_out_has_a_line_in_the_order_of_the_source(mudra, tmp_path, npz):
    found = train(mudra, "d.npz", "--epochs", 10)
    header, lines = read(tmp_path / "run/predictions.csv")
    assert header == FIRST + ["p_0", "p_3", "p_5"]
    check_numbers(header, lines)
    fold = json.loads((tmp_path / "run/split.json").read_text())["folds"][0]
    assert [int(line["row"]) for line in lines] == sorted(fold["test"])
    assert len(lines) == found["test"]["n"] == 48  # a fifth
    assert {line["fold"] for line in lines} == {""}  # there is only one, without a name
    for line in lines:
        assert line["label"] == npz["labels"][int(line["row"])]
        assert line["group"] == npz["hand"][int(line["row"])]
        assert line["file"] == ""  # images of one array have none
    assert accuracy(lines) == pytest.approx(found["test"]["accuracy"], abs=1e-12)
    assert 0.4 < accuracy(lines) < 1  # else it tells nothing
    check_groups(found["test"]["groups"], lines)
    assert found["test"]["groups"][0]["accuracy"] < found["test"]["groups"][-1]["accuracy"]


def test_with_kfold_every_image_is_there_once_with_its_folds_name(mudra, tmp_path, npz):
    found = train(mudra, "d.npz", "--split", "kfold:3", "--epochs", 10)
    header, lines = read(tmp_path / "run/predictions.csv")
    check_numbers(header, lines)
    assert [int(line["row"]) for line in lines] == list(range(240))
    folds = json.loads((tmp_path / "run/split.json").read_text())["folds"]
    name_of = {row: fold["name"] for fold in folds for row in fold["test"]}
    assert [line["fold"] for line in lines] == [name_of[row] for row in range(240)]
    assert len(set(name_of.values())) == 3 and "" not in name_of.values()
    assert [line["label"] for line in lines] == npz["labels"].tolist()
    assert accuracy(lines) == pytest.approx(found["test"]["accuracy"], abs=1e-12)
    check_groups(found["test"]["groups"], lines)


def test_photographs_are_told_apart_as_the_source_does(mudra, tmp_path, npz):
    train(mudra, "d.npz", "--split", "kfold:3", "--epochs", 1)
    _, lines = read(tmp_path / "run/predictions.csv")
    assert "" not in {line["photograph"] for line in lines}
    pairs = set(zip([line["photograph"] for line in lines], npz["photograph"].tolist()))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) == 60  # one to one


@pytest.mark.parametrize("kept", ["0,5", "5,0"])
def test_a_row_counts_in_the_source_also_when_classes_are_left_out(mudra, tmp_path, npz, kept):
    train(mudra, "d.npz", "--classes", kept, "--split", "kfold:2", "--epochs", 1)
    header, lines = read(tmp_path / "run/predictions.csv")
    assert header == FIRST + [f"p_{name}" for name in kept.split(",")]
    check_numbers(header, lines)
    assert [int(line["row"]) for line in lines] == np.flatnonzero(npz["labels"] != "3").tolist()
    for line in lines:
        assert line["label"] == npz["labels"][int(line["row"])]
        assert line["group"] == npz["hand"][int(line["row"])]
    assert mudra("evaluate", "d.npz", "--classes", kept, "--model", "run", "--predictions", "all.csv").returncode == 0
    again, evaluated = read(tmp_path / "all.csv")
    assert again == header
    assert [line["row"] for line in evaluated] == [line["row"] for line in lines]


def test_evaluate_writes_a_line_for_every_image(mudra, tmp_path, npz):
    train(mudra, "d.npz", "--epochs", 3)
    result = mudra("evaluate", "d.npz", "--model", "run", "--predictions", "all.csv", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    header, lines = read(tmp_path / "all.csv")
    check_numbers(header, lines)
    assert [int(line["row"]) for line in lines] == list(range(240))
    assert [line["label"] for line in lines] == npz["labels"].tolist()
    assert {line["fold"] for line in lines} == {""}
    assert accuracy(lines) == pytest.approx(found["accuracy"], abs=1e-12)
    check_groups(found["groups"], lines)
    # The images held out get the same answers from the model in its file.
    _, held_out = read(tmp_path / "run/predictions.csv")
    for line in held_out:
        assert lines[int(line["row"])] == line


def test_the_terminal_shows_the_groups_worst_first(mudra, tmp_path, npz):
    result = mudra("train", "d.npz", "--split", "kfold:3", "--epochs", 10, "--quiet", "--no-report", "--out", "run")
    assert result.returncode == 0, result.stderr
    _, lines = read(tmp_path / "run/predictions.csv")
    expected = []
    for name in sorted(set(npz["hand"].tolist())):  # six are shown, all of them
        own = [line for line in lines if line["group"] == name]
        right = sum(line["label"] == line["answer"] for line in own)
        expected.append((right / len(own), f"{name}   right on {right} of {len(own)}: {100 * right / len(own):.1f}%"))
    expected = [text for _, text in sorted(expected, key=lambda pair: pair[0])]
    shown = result.stdout.splitlines()
    first = next(i for i, line in enumerate(shown) if line.startswith("by group"))
    assert [line[10:] for line in shown[first:first + 6]] == expected
    assert mudra("evaluate", "d.npz", "--model", "run").stdout.count("by group  hand ") == 1


@pytest.fixture
def folder(tmp_path):
    """Pictures of the classes a and =1+1 with a groups.csv in the folder signs; their groups by file."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    rng = np.random.default_rng(2)
    groups = {}
    for label in ("=1+1", "a"):
        (tmp_path / "signs" / label).mkdir(parents=True)
        for i in range(12):
            picture = rng.normal(160 if label == "a" else 60, 40, (8, 8))
            name = f"{label}/{i:02}.png"
            image.fromarray(np.clip(picture, 0, 255).astype("u1")).save(tmp_path / "signs" / name)
            groups[name] = ["-anna", "bert, the elder", 'c "c"'][i % 3]
    with open(tmp_path / "signs" / "groups.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "group"])
        writer.writerows([name, name.split("/")[0], group] for name, group in groups.items())
    return groups


def in_cell(text):
    """What a spreadsheet would take for a formula is marked as text."""
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text


def test_files_and_groups_of_a_folder_are_there_and_no_cell_is_a_formula(mudra, tmp_path, folder):
    found = train(mudra, "signs", "--split", "kfold:2", "--epochs", 2)
    assert found["test"]["labels"] == ["=1+1", "a"]  # JSON says it as it is
    header, lines = read(tmp_path / "run/predictions.csv")
    assert header == FIRST + ["p_=1+1", "p_a"]
    assert len(lines) == 24
    assert {line["label"] for line in lines} == {"'=1+1", "a"}
    assert {line["answer"] for line in lines} <= {"'=1+1", "a"}
    for line, (name, group) in zip(lines, sorted(folder.items())):
        assert (line["file"], line["label"], line["group"]) == (in_cell(name), in_cell(name.split("/")[0]), in_cell(group))
    with open(tmp_path / "run/predictions.csv", newline="", encoding="utf-8") as file:
        for cell in (cell for line in csv.reader(file) for cell in line):
            assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r"), cell
    assert accuracy(lines) == pytest.approx(found["test"]["accuracy"], abs=1e-12)
    assert {in_cell(group["group"]) for group in found["test"]["groups"]} == {line["group"] for line in lines}


def metrics(path):
    """Whole lines only: the last may be on its way."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


def test_every_line_of_the_metrics_names_its_fold(mudra, tmp_path, npz):
    train(mudra, "d.npz", "--split", "kfold:3", "--epochs", 2)
    folds = [fold["name"] for fold in json.loads((tmp_path / "run/split.json").read_text())["folds"]]
    lines = metrics(tmp_path / "run/metrics.jsonl")
    assert [(line["fold"], line["epoch"]) for line in lines] == [
        (name, epoch) for name in [*folds, "all images"] for epoch in (1, 2)]
    for line in lines:
        assert (line["loss"]["held_out"] is None) == (line["fold"] == "all images")  # which holds nothing out


def test_the_metrics_grow_while_training_runs(tmp_path, npz):
    running = subprocess.Popen([COMMAND, "train", "d.npz", "--epochs", "1000000", "--quiet", "--no-report", "--out", "run"],
                               cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        seen, until = [0], time.monotonic() + 60
        while len(seen) < 4 and time.monotonic() < until:
            lines = metrics(tmp_path / "run/metrics.jsonl")
            assert [line["epoch"] for line in lines] == list(range(1, len(lines) + 1))
            if len(lines) > seen[-1]:
                seen.append(len(lines))
            time.sleep(0.02)
        assert running.poll() is None  # not only once it was over
        assert len(seen) == 4, seen
    finally:
        running.kill()
        running.wait()
