"""Builds the package for Python by CMake. What it is called and needs stands in pyproject.toml.

MUDRA_BUILD names a folder that CMake has configured already, with MUDRA_PYTHON on, to build in.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = pathlib.Path(__file__).resolve().parent
VERSION = re.search(r"project\(mudra VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]


class BuildByCMake(build_ext):
    def run(self):
        build = pathlib.Path(os.environ.get("MUDRA_BUILD", ROOT / "build" / "wheel")).absolute()
        if "MUDRA_BUILD" not in os.environ:
            python = os.path.realpath(sys.executable)  # of a virtual environment: whose headers it has
            subprocess.run(["cmake", "-S", ROOT, "-B", build, "-DMUDRA_PYTHON=ON", "-DMUDRA_TESTS=OFF",
                            "-DCMAKE_BUILD_TYPE=Release", f"-DPython_EXECUTABLE={python}"], check=True)
        subprocess.run(["cmake", "--build", build, "--target", "mudra_python", "--parallel", str(os.cpu_count() or 1)],
                       check=True)
        for extension in self.extensions:
            to = pathlib.Path(self.get_ext_fullpath(extension.name))
            to.parent.mkdir(parents=True, exist_ok=True)
            name = extension.name.rpartition(".")[2]
            shutil.copy(next((build / "python" / "mudra").glob(f"{name}.*.so")), to)


(ROOT / "build").mkdir(exist_ok=True)
setup(
    version=VERSION,
    options={"egg_info": {"egg_base": "build"}},
    package_dir={"": "python"},
    packages=["mudra"],
    package_data={"mudra": ["*.pyi", "py.typed"]},
    ext_modules=[Extension("mudra._core", []), Extension("mudra._onnx", [])],
    cmdclass={"build_ext": BuildByCMake},
)
