import json
import tomllib

import numpy as np
import pytest
from PIL import Image


def test_an_unknown_command_suggests_one(mudra):
    result = mudra("trian")
    assert result.returncode == 2
    assert "Did you mean 'train'?" in result.stderr


def test_an_unknown_option_suggests_one(mudra):
    result = mudra("train", "--epochz", 3)
    assert result.returncode == 2
    assert "Did you mean '--epochs'?" in result.stderr


def test_version_prints_one_line(mudra):
    result = mudra("--version")
    assert result.returncode == 0 and result.stdout.count("\n") == 1


def test_json_is_one_document_and_nothing_else(mudra, shared):
    result = mudra("train", shared / "sign-digits/dataset_labels.npz", "--recipe", "report", "--epochs", 2, "--json", "--no-report")
    document = json.loads(result.stdout)
    assert document["epochs"] == 2
    assert document["test"]["n"] == 200
    assert set(document) == {"run", "model", "predictions", "trained_on", "fold", "epochs", "kept_epoch", "label_suspects", "ended", "loss", "test", "seconds", "extra", "calibration", "warnings"}


@pytest.fixture
def photographs(tmp_path):
    """72 colour pictures of 64x60: a bright square on noise, left or right."""
    rng = np.random.default_rng(12)
    for i in range(72):
        picture = rng.integers(0, 160, (64, 60, 3), "u1")
        column = rng.integers(0, 14) + (0 if i % 2 else 30)
        row = rng.integers(0, 48)
        picture[row : row + 16, column : column + 16] = 255
        folder = tmp_path / "signs" / ("left" if i % 2 else "right")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{i}.jpg")
    return "signs"


def options_of(run):
    return tomllib.loads((run / "options.toml").read_text())


def test_what_nobody_chose_for_photographs_is_chosen_and_said(mudra, tmp_path, photographs):
    result = mudra("train", photographs, "--from", "none", "--batch-size", 8, "--out", "run", "--no-report")
    assert result.returncode == 0, result.stderr
    options = options_of(tmp_path / "run")
    assert options["size"] == "32x32" and options["network"] == "cnn" and options["split"] == "stratified:0.8"
    assert options["epochs"] == 58  # 56 of 72 pictures train: seven steps an epoch, 406 in all
    assert len((tmp_path / "run/metrics.jsonl").read_text().splitlines()) == 58
    (chosen,) = [line for line in result.stderr.splitlines() if line.startswith("chosen ")]
    assert chosen.split(":", 1)[1].strip() == (
        f'--size 32x32 --split stratified:0.8 --network cnn --augment "{options["augment"]}" --epochs 58')
    assert options["augment"] != ""
    again = mudra("train", "--options", "run/options.toml", "--out", "again", "--no-report")
    assert again.returncode == 0 and "chosen" not in again.stderr
    assert (tmp_path / "again/model.safetensors").read_bytes() == (tmp_path / "run/model.safetensors").read_bytes()


def test_what_was_chosen_for_photographs_is_kept(mudra, tmp_path, photographs):
    result = mudra("train", photographs, "--network", "dense 4, relu", "--epochs", 1, "--out", "run", "--no-report")
    options = options_of(tmp_path / "run")
    assert "chosen    for pictures: --split stratified:0.8\n" in result.stderr
    assert options["size"] == "" and options["augment"] == "" and options["epochs"] == 1
    result = mudra("train", photographs, "--size", "20x24", "--augment", "", "--epochs", 2, "--split", "0.7",
                   "--out", "own", "--no-report")
    assert "chosen    for pictures: --network cnn\n" in result.stderr
    options = options_of(tmp_path / "own")
    assert (options["size"], options["augment"], options["epochs"], options["split"]) == ("20x24", "", 2, "0.7")


def test_arrays_keep_the_defaults_unless_they_are_large(mudra, tmp_path):
    rng = np.random.default_rng(13)
    for side, chosen in ((48, False), (49, True)):
        np.savez(tmp_path / "a.npz", dataset=rng.integers(0, 256, (20, side, side), "u1"), labels=np.arange(20) % 2)
        result = mudra("train", "a.npz", "--epochs", 1, "--out", f"run{side}", "--no-report")
        assert ("chosen " in result.stderr) == chosen, result.stderr
        options = options_of(tmp_path / f"run{side}")
        assert (options["size"], options["network"], options["split"]) == (
            ("32x32", "cnn", "0.8") if chosen else ("", "dense 128, relu", "0.8"))


def test_a_class_of_one_picture_is_told_to_get_more(mudra, tmp_path, photographs):
    (tmp_path / photographs / "up").mkdir()
    Image.new("L", (64, 60)).save(tmp_path / photographs / "up/1.png")
    result = mudra("train", photographs)
    assert result.returncode == 2 and "class 'up'. It has only one image: add some" in result.stderr


def test_a_training_from_a_model_has_its_layers_and_can_be_repeated(mudra, tmp_path):
    quiet = ("--quiet", "--no-report")
    assert mudra("train", "synth:300", "--size", 20, "--network", "conv 4 3x3, relu, pool 2, dense 16, relu", "--epochs", 3,
                 "--classes", "0,1,2,3", "--out", "first", *quiet).returncode == 0
    begun = ("train", "synth:200", "--seed", 4, "--classes", "5,7,9", "--from", "first", "--freeze", 5, "--epochs", 3, *quiet)
    result = mudra(*begun, "--out", "second")
    assert result.returncode == 0, result.stderr
    options = (tmp_path / "second" / "options.toml").read_text()
    assert "network = 'conv 4 3x3, relu, pool 2, flatten, dense 16, relu'" in options and "size = '20x20'" in options
    assert mudra("train", "--options", "second/options.toml", "--out", "third", *quiet).returncode == 0
    assert (tmp_path / "second" / "model.safetensors").read_bytes() == (tmp_path / "third" / "model.safetensors").read_bytes()
    wrong = mudra(*begun, "--network", "dense 5", "--freeze", 0, "--out", "fourth")
    assert wrong.returncode == 2 and "Leave out --network" in wrong.stderr
