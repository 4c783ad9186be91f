"""Signs of somebody's own, from few pictures: a training on photographs begins with the model in the box, and only its last layer learns."""

import json
import re
import subprocess
import tomllib

import pytest
from conftest import COMMAND

QUIET = ("--quiet", "--no-report")


@pytest.fixture(scope="module")
def signs(tmp_path_factory):
    """A folder of three rendered signs in rooms, twelve pictures each."""
    folder = tmp_path_factory.mktemp("own")
    done = subprocess.run([COMMAND, "synth", "--count", "150", "--domain", "room", "--size", "128", "--colour", "--none", "0", "--out", "all"],
                          cwd=folder, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    for sign in "125":
        (folder / "signs" / f"sign {sign}").mkdir(parents=True)
        for picture in sorted((folder / "all" / sign).glob("*.png"))[:12]:
            picture.rename(folder / "signs" / f"sign {sign}" / picture.name)
    return folder / "signs"


def options_of(run):
    return tomllib.loads((run / "options.toml").read_text())


def line_of(text, name):
    (line,) = [line for line in text.splitlines() if line.startswith(name)]
    return line[len(name) :].strip()


def held_out_of(text):
    """How many pictures were held out."""
    return int(re.search(r"of (\d+) held-out images", text)[1])


def test_it_begins_with_the_model_in_the_box_and_says_so(mudra, tmp_path, signs):
    done = mudra("train", signs, "--out", "run", "--no-report")
    assert done.returncode == 0, done.stderr
    assert line_of(done.stderr, "from ") == (
        "the model in the box, hands, which finds the hand in each picture; only the last layer learns (--from none: begin with nothing)")
    chosen = line_of(done.stderr, "chosen ")
    layers = chosen.split('--network "')[1].split('"')[0].split(", ")  # those of the model in the box, but the last
    for option in ("--from hands", "--size 48x48", "--channels 3", "--split stratified:0.8", f"--freeze {len(layers)}", "--repeat 8"):
        assert option in chosen, chosen
    assert f"learned from {36 - held_out_of(done.stdout)} pictures" in done.stdout
    facts = json.loads(mudra("models", "run", "--json").stdout)
    assert facts["classes"] == ["sign 1", "sign 2", "sign 5"]
    again = mudra("train", "--options", "run/options.toml", "--out", "again", "--threads", 2, "--no-report")
    assert again.returncode == 0 and "chosen" not in again.stderr
    assert "--from none" not in line_of(again.stderr, "from "), "somebody wanted it"
    spoken = re.findall(r'--([a-z-]+) ("[^"]*"|\S+)', chosen.split(":", 1)[1])
    by_hand = mudra("train", signs, *[word for name, text in spoken for word in (f"--{name}", text.strip('"'))], "--out", "by-hand", *QUIET)
    assert by_hand.returncode == 0, by_hand.stderr
    for other in ("again", "by-hand"):
        assert (tmp_path / other / "model.safetensors").read_bytes() == (tmp_path / "run/model.safetensors").read_bytes()


@pytest.mark.parametrize("said", [("--from", "none"), ("--network", "dense 4, relu"), ("--size", "20"), ("--channels", "1"),
                                  ("--fit", "keep-aspect"), ("--recipe", "quick"), ("--extra", "synth:20")], ids=lambda said: said[0])
def test_it_does_not_where_somebody_said_what_to_train(mudra, tmp_path, signs, said):
    done = mudra("train", signs, *said, "--epochs", 1, "--out", "run", "--no-report", "--classes", "sign 1,sign 2", "--split", "0.5") \
        if said[0] != "--extra" else mudra("train", signs, "--extra", signs, "--epochs", 1, "--out", "run", "--no-report")
    assert done.returncode == 0, done.stderr
    options = options_of(tmp_path / "run")
    assert options["from"] == "" and options["freeze"] == 0 and "\nfrom " not in done.stderr


def test_small_pictures_and_pictures_without_hands_are_trained_on_as_they_are(mudra, tmp_path, signs):
    from PIL import Image

    for name, change in (("small", lambda picture: picture.resize((48, 48))), ("noise", lambda picture: picture.resize((2, 2)).resize((90, 90)))):
        for picture in signs.glob("*/*.png"):
            to = tmp_path / name / picture.parent.name / picture.name
            to.parent.mkdir(parents=True, exist_ok=True)
            change(Image.open(picture)).save(to)
        done = mudra("train", name, "--epochs", 1, "--out", f"{name}-run", "--no-report")
        assert done.returncode == 0, done.stderr
        assert options_of(tmp_path / f"{name}-run")["from"] == ""


def test_pictures_without_a_hand_are_counted(mudra, tmp_path, signs):
    from PIL import Image

    for picture in signs.glob("*/*.png"):
        to = tmp_path / "some" / picture.parent.name / picture.name
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(picture.read_bytes())
    before = mudra("train", "some", "--epochs", 1, "--out", "before", "--no-report").stderr
    found = re.search(r"no hand was found in (\d+) of 36 pictures", before)
    Image.new("RGB", (128, 128), (90, 90, 90)).save(tmp_path / "some/sign 1/grey.png")
    after = mudra("train", "some", "--epochs", 1, "--out", "after", "--no-report").stderr
    assert f"no hand was found in {int(found[1]) + 1 if found else 1} of 37 pictures" in after


def test_stopped_it_goes_on_to_the_same_bytes(mudra, tmp_path, signs):
    options = ["--epochs", "200", "--checkpoint", "0", "--no-report"]
    assert mudra("train", signs, *options, "--quiet", "--out", "whole").returncode == 0
    process = subprocess.Popen([COMMAND, "train", signs, *options, "--out", "cut"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (tmp_path / "cut/checkpoint.safetensors").exists():
        pass
    process.kill()
    process.wait()
    assert not (tmp_path / "cut/model.safetensors").exists(), "killed too late to show anything"
    done = mudra("train", "--resume", "cut", *QUIET)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cut/model.safetensors").read_bytes() == (tmp_path / "whole/model.safetensors").read_bytes()


def test_every_fold_may_have_its_last_layer(mudra, tmp_path, signs):
    done = mudra("train", signs, "--split", "stratified-kfold:3", "--out", "run", "--json", *QUIET)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["test"]["n"] == 36
    assert json.loads(done.stdout)["test"]["accuracy"] > 0.5


def test_freezing_what_nobody_trained_is_refused(mudra, signs):
    for data in ("synth:200", signs):
        done = mudra("train", data, "--from", "none", "--freeze", 1)
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert "--freeze: would keep weights that nobody has trained. Name the model whose layers it keeps, such as --from hands" in done.stderr


def test_a_run_whose_frozen_layers_became_others_does_not_go_on(mudra, tmp_path):
    for seed, name in ((1, "begun"), (2, "other")):
        assert mudra("train", "synth:200", "--split", "stratified:0.8", "--size", 20, "--network", "dense 16, relu", "--epochs", 1, "--seed", seed, "--out", name, *QUIET).returncode == 0
    (tmp_path / "begun/model.safetensors").rename(tmp_path / "model.safetensors")
    process = subprocess.Popen([COMMAND, "train", "synth:200", "--split", "stratified:0.8", "--from", "model.safetensors", "--freeze", "3", "--epochs", "1000000", "--checkpoint", "0",
                                "--out", "cut"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (tmp_path / "cut/checkpoint.safetensors").exists():
        pass
    process.kill()
    process.wait()
    (tmp_path / "other/model.safetensors").rename(tmp_path / "model.safetensors")
    done = mudra("train", "--resume", "cut", *QUIET, timeout=60)
    assert done.returncode == 1 and "other data or options" in done.stderr
