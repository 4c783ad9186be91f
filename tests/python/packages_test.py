"""What the package is installed by: pip without a network, and a Debian package."""

import os
import re
import shutil
import subprocess
import sysconfig
import zipfile

import pytest
from conftest import ROOT

pytest.importorskip("mudra", reason="no package for Python in build/release")

PYTHON = "/usr/bin/python3"
BUILD = ROOT / "build" / "release"
# Answers by the model in the box, and says where the package is.
ASK = "import mudra; hands = mudra.load(); print(mudra.__file__); print(hands.classes_[0], mudra.render_hands(3))"


def run(*arguments, **options):
    result = subprocess.run([str(a) for a in arguments], text=True, capture_output=True, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def without_package(**more):
    """This environment without the package as it was built."""
    return {**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **more}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(PYTHON, "-m", "pip", "wheel", ROOT, "--no-index", "--no-deps", "--wheel-dir", folder,
        env=without_package(MUDRA_BUILD=str(BUILD)))
    return next(folder.glob("*.whl"))


def test_pip_installs_it_without_a_network(wheel, tmp_path):
    run(PYTHON, "-m", "venv", "--without-pip", "--system-site-packages", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    run(PYTHON, "-m", "pip", "--python", python, "install", "--no-index", wheel)
    lines = run(python, "-c", ASK, cwd=tmp_path, env=without_package()).splitlines()
    assert str(tmp_path / "venv") in lines[0] and lines[1] == "0 3 images 28x28 grey, 10 classes, 1 group"


def test_the_wheel_holds_the_package_and_what_types_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert {f"mudra/_core{suffix}", f"mudra/_onnx{suffix}", "mudra/py.typed", "mudra/_core.pyi"} <= set(names)
    text = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert re.findall(r"(?m)^Requires-Dist: (\w[\w-]*)", text) == ["numpy", "scikit-learn"]


def test_onnx_is_needed_by_export_alone():
    import mudra

    core = mudra._core.__file__
    libraries = run("ldd", core)
    assert "libonnx" not in libraries and "libprotobuf" not in libraries
    assert "libonnx" in run("ldd", core.replace("_core", "_onnx"))
    assert run(PYTHON, "-c", "import sys, mudra; print('mudra._onnx' in sys.modules)") == "False\n"


def test_cmake_takes_the_system_python_though_another_is_first(tmp_path):
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "python3").write_text("#!/bin/sh\nexit 1\n")
    (fake / "python3").chmod(0o755)
    run("cmake", "-S", ROOT, "-B", tmp_path / "build", "-DMUDRA_PYTHON=ON", "-DMUDRA_TESTS=OFF", "-G", "Ninja",
        env={**os.environ, "PATH": f"{fake}:{os.environ['PATH']}"})
    assert re.search(r"(?m)^_?Python_EXECUTABLE:\w+=/usr/bin/python3$", (tmp_path / "build/CMakeCache.txt").read_text())


def test_a_debian_package_holds_it(tmp_path):
    if not shutil.which("dpkg-shlibdeps"):
        pytest.skip("dpkg-dev is not installed")
    run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", tmp_path)
    package = next(tmp_path.glob("python3-mudra_*.deb"))
    fields = run("dpkg-deb", "--field", package)
    assert "Package: python3-mudra" in fields
    assert all(name in fields for name in ("python3-numpy", "python3-sklearn", "libzip4", "libjpeg"))
    run("dpkg-deb", "--extract", package, tmp_path / "root")
    place = tmp_path / "root/usr/lib/python3/dist-packages"
    lines = run(PYTHON, "-c", ASK, cwd=tmp_path, env=without_package(PYTHONPATH=str(place))).splitlines()
    assert str(place) in lines[0] and lines[1].startswith("0 3 images")
