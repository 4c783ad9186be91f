"""The model in the box: it answers when nobody names another, and goes by its name wherever a model is asked for."""

import base64
import io
import csv
import json
import re

import pytest
from conftest import ROOT, read_safetensors

np = pytest.importorskip("numpy", reason="NumPy is not installed")
FILE = ROOT / "mudra/box/models/hands.safetensors"


@pytest.fixture
def hands(mudra, tmp_path):
    assert mudra("synth", "--count", 40, "--domain", "webcam", "--size", 48, "--out", "hands.npz").returncode == 0
    images = np.load(tmp_path / "hands.npz")["dataset"].reshape(40, 48, 48)
    np.save(tmp_path / "three.npy", images[:3])
    return tmp_path


def test_the_bytes_in_the_program_are_those_of_the_file(mudra):
    facts = json.loads(mudra("models", "hands", "--json").stdout)
    said, tensors = read_safetensors(FILE)
    assert facts["name"] == "hands" and facts["bytes"] == FILE.stat().st_size < 1_000_000
    assert facts["hash"] == said["checksum"]
    assert facts["classes"] == json.loads(said["classes"])
    assert facts["weights"] == sum(each.size for each in tensors.values())
    assert facts["none_class"] == "none" == json.loads(said["answer"])["none_class"]
    assert facts["rejection_threshold"] == json.loads(said["answer"])["rejection_threshold"]
    assert facts["card"] == json.loads(said["card"])
    assert facts["input"] == json.loads(said["preprocessing"])


def test_models_lists_the_box(mudra):
    listed = json.loads(mudra("models", "--json").stdout)
    assert [each["name"] for each in listed] == sorted(file.stem for file in FILE.parent.glob("*.safetensors"))
    assert json.loads(mudra("models", "hands", "--json").stdout) in listed
    text = mudra("models").stdout
    for each in listed:
        assert each["name"] in text and each["hash"] in text and f"{each['weights']:,}" in text


def test_models_tells_of_a_file_and_of_a_run(mudra, tmp_path):
    assert mudra("train", "synth:300", "--epochs", 1, "--quiet", "--no-report", "--out", "run").returncode == 0
    facts = json.loads(mudra("models", "run", "--json").stdout)
    assert facts["hash"] == read_safetensors(tmp_path / "run/model.safetensors")[0]["checksum"]
    assert json.loads(mudra("models", "run/model.safetensors", "--json").stdout)["hash"] == facts["hash"]
    assert facts["none_class"] is None and facts["rejection_threshold"] == 0


def test_a_model_nobody_knows_is_one_message(mudra):
    for command in (["models", "hnads"], ["predict", "x.png", "--model", "hnads"]):
        done = mudra(*command)
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr == "mudra: hnads: is no file, and no model in the box. Did you mean 'hands'?\n"
    assert mudra("models", "hands", "more").returncode == 2


@pytest.mark.parametrize("command", [["predict", "three.npy"], ["evaluate", "hands.npz"]])
def test_it_answers_when_no_model_is_named(mudra, hands, command):
    by_file = mudra(*command, "--model", FILE)
    by_name = mudra(*command, "--model", "hands")
    alone = mudra(*command)
    assert by_file.returncode == 0 and by_file.stdout == by_name.stdout == alone.stdout
    assert by_name.stderr == by_file.stderr
    assert alone.stderr.count("model     hands, in the box\n") == 1
    quiet = mudra(*command, "--json")
    assert "in the box" not in quiet.stderr
    assert json.loads(quiet.stdout) == json.loads(mudra(*command, "--model", FILE, "--json").stdout)


def test_a_file_of_that_name_has_precedence(mudra, hands):
    assert mudra("train", "synth:300", "--epochs", 1, "--quiet", "--no-report", "--out", "hands").returncode == 0
    expected = mudra("predict", "three.npy", "--model", "hands/model.safetensors").stdout
    assert mudra("predict", "three.npy", "--model", "hands").stdout == expected != mudra("predict", "three.npy").stdout


def test_training_begins_with_its_weights(mudra, tmp_path):
    """Frozen layers are those of the file; only the last is new."""
    items = json.loads(read_safetensors(FILE)[0]["architecture"])["layers"]
    done = mudra("train", "synth:300:webcam", "--from", "hands", "--freeze", len(items) - 1, "--epochs", 1, "--quiet",
                 "--no-report", "--out", "run")
    assert done.returncode == 0, done.stderr

    old, new = ({name: each.tobytes() for name, each in read_safetensors(file)[1].items()} for file in (FILE, tmp_path / "run/model.safetensors"))
    last = str(len(items) - 1)
    shared = [name for name in new if name.split(".")[0] != last]
    assert len(shared) >= 4 and all(new[name] == old[name] for name in shared)


def test_a_page_shows_pictures_whole(mudra, tmp_path):
    """And not the hand cut out of them, or an even grey where no hand was found: as Pillow makes them smaller."""
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    assert mudra("synth", "--domain", "room", "--count", 22, "--none", 0.2, "--size", 256, "--colour", "--out", "rooms/").returncode == 0
    for name, data in (("rendered", "synth:22:room:0.2"), ("folder", "rooms")):
        assert mudra("evaluate", data, "--report", name).returncode == 0
        page = (tmp_path / name / "report.html").read_text()
        record = json.loads(re.search(r'(?s)<script[^>]*id="record"[^>]*>(.*?)</script>', page).group(1))
        shown = [Image.open(io.BytesIO(base64.b64decode(each["png"]))) for each in record["pictures"]]
        rooms = [Image.open(file).resize((96, 96), Image.BOX) for file in sorted((tmp_path / "rooms").rglob("*.png"))]
        assert len(shown) == len(rooms) == 22
        for picture in shown:
            assert picture.size == (96, 96)
            assert min(np.abs(np.subtract(picture, room, dtype=float)).mean() for room in rooms) < 5


def test_it_can_be_exported(mudra, tmp_path):
    done = mudra("export", "hands", "--to", "onnx", "--out", "hands.onnx")
    assert done.returncode == 0 and (tmp_path / "hands.onnx").stat().st_size > 100_000, done.stderr


def test_evaluate_says_of_every_picture_what_predict_says(mudra, tmp_path):
    assert mudra("synth", "--count", 40, "--domain", "room", "--size", 160, "--colour", "--none", "0.3", "--out", "rooms").returncode == 0
    predicted = {answer["file"]: answer for answer in json.loads(mudra("predict", "rooms", "--json").stdout)}
    done = mudra("evaluate", "rooms", "--json", "--predictions", "answers.csv")
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "answers.csv") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == len(predicted) == 40
    none, right = 0, 0
    for row in rows:
        answer = predicted["rooms/" + row["file"]]
        assert (row["answer"] if row["answer"] != "none" else None) == answer["label"]
        if answer["label"] is not None:
            assert float(row["confidence"]) == pytest.approx(answer["confidence"], abs=1e-6)
        assert answer["none"] == pytest.approx(1 - sum(p for name, p in answer["probabilities"].items() if name != "none"), abs=1e-5)
        assert "box" in answer or answer["none"] == 1
        none += answer["label"] is None
        right += (answer["label"] or "none") == row["label"]
    result = json.loads(done.stdout)
    assert 0 < none < 40 and result["refused_images"] == none
    assert result["accuracy"] == pytest.approx(right / 40)
