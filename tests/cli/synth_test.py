"""mudra synth: the files it writes, what decides their bytes, and what it refuses."""

import json

import numpy as np
import pytest
from PIL import Image


def test_an_npz_holds_images_labels_and_people(mudra, tmp_path):
    out = tmp_path / "hands.npz"
    result = mudra("synth", "--count", 60, "--size", 20, "--out", out, "--json")
    told = json.loads(result.stdout)
    assert result.returncode == 0 and told["count"] == 60 and told["groups"] == 3
    data = np.load(out)
    assert data["dataset"].dtype == "u1" and data["dataset"].shape[:3] == (60, 20, 20)
    assert sorted(data["labels"]) == sorted(list("0123456789") * 6)
    assert len(set(data["groups"])) == 3 and len(data["groups"]) == 60


def test_threads_do_not_change_a_byte_and_the_seed_does(mudra, tmp_path):
    for name, seed, threads in [("a", 7, 1), ("b", 7, 3), ("c", 8, 1)]:
        mudra("synth", "--count", 45, "--seed", seed, "--threads", threads, "--domain", "mixed",
              "--out", tmp_path / f"{name}.npz")
    a, b, c = ((tmp_path / f"{name}.npz").read_bytes() for name in "abc")
    assert a == b and a != c


def test_a_folder_has_one_sub_folder_a_class(mudra, tmp_path):
    out = tmp_path / "hands"
    result = mudra("synth", "--count", 40, "--none", 0.25, "--colour", "--domain", "webcam", "--out", out)
    assert result.returncode == 0 and "rendered  40 hands of 2 people" in result.stdout
    assert sorted(p.name for p in out.iterdir() if p.is_dir()) == [str(i) for i in range(10)] + ["none"]
    pictures = sorted(out.glob("*/*.png"))
    assert len(pictures) == 40 and Image.open(pictures[0]).mode == "RGB"


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--count", 0], "0 images"),
        (["--count", -3], "-3 images"),
        (["--size", 5], "16 to 512"),
        (["--size", 513], "16 to 512"),
        (["--none", 1.5], "between 0 and 1"),
        (["--domain", "moon"], "no domain 'moon'"),
        (["--threads", -1], "--threads"),
        (["--count", 10**12], "more than 16 GB"),
    ],
)
def test_options_out_of_range_are_wrong_usage(mudra, tmp_path, arguments, says):
    result = mudra("synth", *arguments, "--out", tmp_path / "x.npz")
    assert result.returncode == 2 and says in result.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize("domain", ["room", "room-cut"])
def test_rooms_are_rendered_in_colour_with_a_share_of_none(mudra, tmp_path, domain):
    for name, threads in [("one", 1), ("three", 3)]:
        result = mudra("synth", "--domain", domain, "--count", 45, "--size", 40, "--colour", "--none", 0.2,
                       "--threads", threads, "--out", tmp_path / f"{name}.npz", "--json")
        told = json.loads(result.stdout)
        assert result.returncode == 0 and told["count"] == 45 and told["classes"] == [*"0123456789", "none"]
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "three.npz").read_bytes()
    data = np.load(tmp_path / "one.npz")
    assert data["dataset"].shape == (45, 40, 40, 3) and data["dataset"].dtype == "u1"
    assert list(data["labels"]).count("none") == 9
    pixels = data["dataset"].astype(int)
    coloured = (pixels.max(-1) - pixels.min(-1)).max((1, 2)) > 8
    assert 0.6 < coloured.mean() < 1  # some cameras see no colours
    black = (pixels.max((2, 3)) == 0)[:, [0, -1]].all(1) | (pixels.max((1, 3)) == 0)[:, [0, -1]].all(1)
    assert black.mean() > 0.5 if domain == "room" else black.mean() < 0.1  # a camera's picture is not square


@pytest.mark.parametrize("share, count", [("0.2", 12), ("0", 0), ("1", 60), ("0.25", 15)])
def test_a_source_names_its_share_of_none(mudra, tmp_path, share, count):
    mudra("synth", "--count", 60, "--seed", 4, "--domain", "room", "--none", share, "--out", tmp_path / "direct.npz")
    result = mudra("data", "convert", f"synth:60:room:{share}", "--seed", 4, "--out", tmp_path / "source.npz")
    assert result.returncode == 0, result.stderr
    direct, source = np.load(tmp_path / "direct.npz"), np.load(tmp_path / "source.npz")
    assert list(source["labels"]).count("none") == count
    assert list(source["labels"]) == list(direct["labels"])
    assert np.array_equal(direct["dataset"], source["dataset"])


def test_nowhere_to_write_is_wrong_usage(mudra):
    result = mudra("synth", "--count", 10)
    assert result.returncode == 2 and "--out" in result.stderr


def test_a_folder_that_is_not_there_fails_with_its_name(mudra, tmp_path):
    result = mudra("synth", "--count", 10, "--out", tmp_path / "absent" / "x.npz")
    assert result.returncode == 1 and "absent" in result.stderr and not list(tmp_path.iterdir())


def test_a_file_where_a_folder_should_be_fails_with_its_name(mudra, tmp_path):
    (tmp_path / "file").write_text("here first")
    result = mudra("synth", "--count", 10, "--out", tmp_path / "file" / "x.npz")
    assert result.returncode == 1 and "file" in result.stderr
    assert (tmp_path / "file").read_text() == "here first"


def test_a_source_names_its_domain(mudra, tmp_path):
    for domain in ["massey", "ankara", "mixed", "room", "room-cut"]:
        mudra("synth", "--count", 40, "--seed", 3, "--domain", domain, "--out", tmp_path / "direct.npz")
        result = mudra("data", "convert", f"synth:40:{domain}", "--out", tmp_path / "source.npz", "--seed", 3)
        assert result.returncode == 0, result.stderr
        direct, source = np.load(tmp_path / "direct.npz"), np.load(tmp_path / "source.npz")
        assert np.array_equal(direct["dataset"], source["dataset"])
        (tmp_path / "source.npz").unlink()
    mudra("synth", "--count", 40, "--seed", 3, "--out", tmp_path / "direct.npz")
    mudra("data", "convert", "synth:40", "--out", tmp_path / "source.npz", "--seed", 3)
    assert np.array_equal(np.load(tmp_path / "direct.npz")["dataset"], np.load(tmp_path / "source.npz")["dataset"])


@pytest.mark.parametrize("source, says", [("synth:40:moon", "no domain 'moon'"), ("synth:40:", "no domain ''"),
                                          ("synth::ankara", "no number of images"), ("synth:", "synth:2000"),
                                          ("synth:40:room:", "no share of images without a digit"),
                                          ("synth:40:room:some", "Write it as synth:2000:room:0.2"),
                                          ("synth:40:room:0.2x", "no share of images"),
                                          ("synth:40:room:0.2:0.3", "no share of images"),
                                          ("synth:40:room:1.5", "between 0 and 1"),
                                          ("synth:40:room:-0.1", "between 0 and 1"),
                                          ("synth:40:room:nan", "share of"),
                                          ("synth:40:moon:0.2", "no domain 'moon'")])
def test_a_source_that_cannot_be_rendered_is_wrong_usage(mudra, source, says):
    result = mudra("train", source, "--epochs", 1)
    assert result.returncode == 2 and says in result.stderr
