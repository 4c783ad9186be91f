"""Mudra installed, and programs built outside its tree against what is installed."""

import json
import re
import subprocess

import pytest
from conftest import ROOT

BUILD = ROOT / "build" / "release"


def run(*arguments):
    result = subprocess.run([str(a) for a in arguments], text=True, capture_output=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    if not (BUILD / "libmudra_onnx.a").is_file():
        pytest.skip("no finished build in build/release")
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def examples(prefix, tmp_path_factory):
    """The programs of examples/, built."""
    build = tmp_path_factory.mktemp("examples")
    run("cmake", "-S", ROOT / "examples", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build, "-j2")
    return build


def configure(folder, prefix, *lines, sources={}):
    project = ["cmake_minimum_required(VERSION 3.22)", "project(outside LANGUAGES CXX)", *lines]
    (folder / "CMakeLists.txt").write_text("\n".join(project) + "\n")
    for name, text in sources.items():
        (folder / name).write_text(text)
    return subprocess.run(["cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}"],
                          text=True, capture_output=True)


def test_the_installed_command_runs(prefix):
    version = re.search(r"VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text().split("project(mudra", 1)[1])[1]
    assert version in run(prefix / "bin" / "mudra", "--version")


def test_an_example_answers_as_the_command_does(examples, mudra, tmp_path):
    assert mudra("train", "synth:400", "--recipe", "report", "--epochs", 3, "--quiet", "--no-report", "--out",
                 "run").returncode == 0
    assert mudra("synth", "--count", 20, "--seed", 9, "--out", "pictures").returncode == 0
    model = tmp_path / "run" / "model.safetensors"
    picture = sorted((tmp_path / "pictures").rglob("*.png"))[0]
    lines = run(examples / "predict", model, picture).splitlines()
    expected = json.loads(mudra("predict", picture, "--model", model, "--json").stdout)[0]
    assert lines[0] == expected["label"]
    found = {name: float(value) for name, value in (line.split() for line in lines[1:])}
    assert found == pytest.approx(expected["probabilities"], abs=1e-6)


def test_what_only_answers_carries_no_more_than_it_uses(examples):
    libraries = run("ldd", examples / "predict")
    assert "libjpeg" in libraries  # it is listed as it should be
    assert not re.search(r"onnx|protobuf|sqlite|tomlplusplus", libraries)


def test_a_program_cross_validates_in_memory(examples, tmp_path):
    done = subprocess.run([examples / "cross_validate"], cwd=tmp_path, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    trained = re.findall(r"^(.+?) +[0-9]+ epochs, the best is epoch [0-9]+: validation loss [0-9.]+$", done.stdout, re.M)
    assert sorted(trained) == ["all images", "fold 1", "fold 2", "fold 3"]  # in any order: two train at once
    assert "right on " in done.stdout and "of 1200 hands of people never seen" in done.stdout  # each was tested once
    assert list(tmp_path.iterdir()) == []
    libraries = run("ldd", examples / "cross_validate")
    assert "libhwy" in libraries  # it is listed as it should be
    assert not re.search(r"sqlite|protobuf|onnx", libraries)


def test_the_header_of_all_and_onnx_when_asked_for(prefix, tmp_path):
    source = '#include <mudra/mudra.h>\nint main(int, char** a) { return mudra::onnx_bytes(mudra::load_model(a[1])).empty(); }\n'
    done = configure(tmp_path, prefix, "find_package(mudra REQUIRED COMPONENTS onnx mudra)", "add_executable(every every.cpp)",
                     "target_link_libraries(every PRIVATE mudra::onnx mudra::mudra)", sources={"every.cpp": source})
    assert done.returncode == 0, done.stderr
    run("cmake", "--build", tmp_path / "build")
    assert "onnx" in run("ldd", tmp_path / "build" / "every")


@pytest.mark.parametrize("line, targets", [
    ("find_package(mudra REQUIRED COMPONENTS numeric)", "mudra::core mudra::numeric"),
    ("find_package(mudra REQUIRED COMPONENTS data)", "mudra::core mudra::data"),
    ("find_package(mudra REQUIRED COMPONENTS inference)", "mudra::core mudra::numeric mudra::data mudra::inference"),
    ("find_package(mudra REQUIRED)", "mudra::core mudra::numeric mudra::data mudra::inference mudra::mudra"),
])
def test_a_component_brings_what_it_needs_and_no_more(prefix, tmp_path, line, targets):
    every = "mudra::core mudra::numeric mudra::data mudra::inference mudra::onnx mudra::mudra"
    done = configure(tmp_path, prefix, line, f"foreach(t {every})", "if(TARGET ${t})", "message(NOTICE there:${t})", "endif()",
                     "endforeach()")
    assert done.returncode == 0, done.stderr
    assert re.findall("there:(.*)", done.stderr) == targets.split()


def test_what_is_not_there_is_said(prefix, tmp_path):
    done = configure(tmp_path, prefix, "find_package(mudra REQUIRED COMPONENTS gpu)")
    assert done.returncode != 0
    assert "mudra has no component gpu" in done.stderr
    done = configure(tmp_path, prefix, "find_package(mudra 9.0 REQUIRED)")
    assert done.returncode != 0
