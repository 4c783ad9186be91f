"""The program that makes the model in the box: the same bytes for any number of threads, in half precision, and a model that answers."""

import json
import pathlib
import re
import subprocess

import pytest
from conftest import COMMAND

np = pytest.importorskip("numpy", reason="NumPy is not installed")
pytest.importorskip("PIL", reason="Pillow is not installed")
MAKE_BOX = COMMAND.parent / "make_box"
SMALL = ["--reader-images", "600", "--finder-images", "300", "--judged-images", "400", "--epochs", "1"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two small models, made with one thread and with two."""
    if not MAKE_BOX.is_file():
        pytest.skip("make_box was not built beside the command")
    folder = tmp_path_factory.mktemp("box")
    for threads in (1, 2):
        done = subprocess.run([MAKE_BOX, folder / f"{threads}.safetensors", *SMALL, "--threads", str(threads)], text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
    return folder


def header_of(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def test_it_has_the_same_bytes_for_any_number_of_threads(made):
    assert (made / "1.safetensors").read_bytes() == (made / "2.safetensors").read_bytes()


def test_its_weights_are_halves_as_numpy_reads_them(made):
    header, values = header_of(made / "1.safetensors")
    tensors = {name: each for name, each in header.items() if name != "__metadata__"}
    assert {each["dtype"] for each in tensors.values()} == {"F16"}
    assert any(name.startswith("finder/") for name in tensors)
    for each in tensors.values():
        first, last = each["data_offsets"]
        read = np.frombuffer(values[first:last], "<f2")
        assert read.size == np.prod(each["shape"]) and np.isfinite(read).all()


def test_its_reader_may_never_have_seen_some_digits(made, mudra, tmp_path):
    done = subprocess.run([MAKE_BOX, tmp_path / "some.safetensors", *SMALL, "--without", "3,6,8"], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    model = json.loads(mudra("models", "some.safetensors", "--json").stdout)
    assert model["classes"] == [*"0124579", "none"] and model["none_class"] == "none"
    seen = int(re.findall(r"weights, (\d+) images", done.stderr)[-1])  # by the reader: 600 drawn, and two looks at each of 100 rooms where a hand was found
    assert 0.72 * 600 < seen < 0.78 * 600 + 2 * 100, "18 in a hundred drawn and 60 in a hundred rooms show none, the others each digit as often"
    shown = ["predict", "--json", "--model", "some.safetensors"]
    assert mudra("synth", "--count", 6, "--domain", "room", "--size", 128, "--colour", "--out", "rooms").returncode == 0
    answers = json.loads(mudra(*shown, *sorted((tmp_path / "rooms").glob("*/*.png"))).stdout)
    assert all(set(answer["probabilities"]) == {*"0124579", "none"} for answer in answers)
    wrong = subprocess.run([MAKE_BOX, tmp_path / "some.safetensors", "--without", "3,12"], text=True, capture_output=True)
    assert wrong.returncode != 0 and "--without" in wrong.stderr + wrong.stdout


@pytest.fixture(scope="module")
def walls(tmp_path_factory):
    """A folder like one of photographs of signers before a wall."""
    folder = tmp_path_factory.mktemp("walls") / "signers"
    made = [COMMAND, "synth", "--count", "120", "--domain", "ankara", "--size", "100", "--colour", "--out", folder]
    assert subprocess.run(made, capture_output=True).returncode == 0
    return folder


def test_photographed_hands_train_its_reader_but_not_those_of_the_signers_to_measure_by(walls, tmp_path):
    def made(name, *options):
        finder = pathlib.Path(__file__).parents[2] / "mudra/box/models/hands.safetensors"  # a small one finds nothing
        options = [*SMALL, "--finder", finder, "--photographed-images", "300", *options]
        done = subprocess.run([MAKE_BOX, tmp_path / name, *options], text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return (tmp_path / name).read_bytes(), int(re.findall(r"weights, (\d+) images", done.stderr)[-1])

    alone, drawn = made("alone.safetensors")
    first, with_photographs = made("first.safetensors", "--photographs", walls)
    assert with_photographs > drawn + 150 and first != alone
    assert made("second.safetensors", "--photographs", walls, "--threads", "1") == (first, with_photographs)
    assert "300 pictures" in json.dumps(header_of(tmp_path / "first.safetensors")[0])
    # Two of the six people are there to measure by: without them, everything is the same.
    groups = (walls / "groups.csv").read_text().splitlines()
    measured = [line for line in groups if "person2" in line or "person5" in line]
    assert 20 <= len(measured) <= 40
    for line in measured:
        (walls / line.split(",")[0]).unlink()
    (walls / "groups.csv").write_text("\n".join(line for line in groups if line not in measured) + "\n")
    assert made("third.safetensors", "--photographs", walls) == (first, with_photographs)


def test_it_says_that_photographs_show_no_hand(tmp_path):
    from PIL import Image

    (tmp_path / "walls/0").mkdir(parents=True)
    Image.new("RGB", (100, 100), (220, 215, 210)).save(tmp_path / "walls/0/wall.png")
    (tmp_path / "walls/groups.csv").write_text("file,group\n0/wall.png,s1\n")
    done = subprocess.run([MAKE_BOX, tmp_path / "x.safetensors", *SMALL, "--photographs", tmp_path / "walls"], text=True, capture_output=True)
    assert done.returncode == 1 and "shows no hand before a plain wall" in done.stderr
    assert not (tmp_path / "x.safetensors").exists()


def test_it_reads_a_photograph_and_says_where_it_looked(made, mudra, tmp_path):
    from PIL import Image

    assert mudra("synth", "--count", 4, "--domain", "room", "--size", 256, "--colour", "--out", "rooms").returncode == 0
    pictures = sorted((tmp_path / "rooms").glob("*/*.png"))
    answers = json.loads(mudra("predict", "--json", "--model", made / "1.safetensors", *pictures).stdout)
    assert len(answers) == 4
    for answer in answers:
        assert set(answer["probabilities"]) == {*"0123456789", "none"}
        assert answer["none"] == answer["probabilities"]["none"]
        if "box" in answer:
            assert 0 <= answer["box"]["left"] <= answer["box"]["right"] <= 1
            assert 0 <= answer["box"]["top"] <= answer["box"]["bottom"] <= 1
    drawn = mudra("predict", "--model", made / "1.safetensors", "--draw", "drawn.png", pictures[0])
    assert drawn.returncode == 0 and Image.open(tmp_path / "drawn.png").width >= 256


def test_a_training_may_begin_with_it_and_finds_hands_as_it_does(made, mudra, tmp_path):
    """Signs of somebody's own: what is trained carries the finder, and was shown the hands it finds."""
    box = made / "1.safetensors"
    assert mudra("synth", "--count", 60, "--domain", "room", "--size", 128, "--colour", "--out", "rooms").returncode == 0
    done = mudra("train", "rooms", "--split", "stratified:0.5", "--from", box, "--epochs", 1, "--out", "run", "--no-report", "--quiet")
    assert done.returncode == 0, done.stderr
    model = tmp_path / "run/model.safetensors"
    parts = [json.loads(header_of(path)[0]["__metadata__"]["parts"]) for path in (box, model)]
    assert parts[0] == parts[1] and list(parts[0]) == ["finder"]
    pictures = sorted((tmp_path / "rooms").glob("*/*.png"))[:8]
    boxes = [[a.get("box") for a in json.loads(mudra("predict", "--json", "--model", m, *pictures).stdout)] for m in (box, model)]
    assert boxes[0] == boxes[1]
