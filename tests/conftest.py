"""What every test of the command needs."""

import json
import os
import pathlib
import struct
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = pathlib.Path(os.environ.get("MUDRA_COMMAND", ROOT / "build" / "release" / "mudra"))
SHARED = pathlib.Path(os.environ.get("MUDRA_PHOTOGRAPHS", ROOT.parent / "shared" / "data"))
# The package for Python as it was built, also for processes that tests begin.
PACKAGE = os.environ.get("MUDRA_PYTHON", str(ROOT / "build" / "release" / "python"))
sys.path.insert(0, PACKAGE)
os.environ["PYTHONPATH"] = os.pathsep.join([PACKAGE, *filter(None, [os.environ.get("PYTHONPATH")])])


def read_safetensors(file):
    """Header and tensors (float32) of a safetensors file, read as the format's specification has it."""
    np = pytest.importorskip("numpy", reason="NumPy is not installed")
    data = pathlib.Path(file).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, data = json.loads(data[8:8 + length]), data[8 + length:]
    said, kinds = header.pop("__metadata__", {}), {"F16": "<f2", "F32": "<f4"}
    return said, {name: np.frombuffer(data[slice(*each["data_offsets"])], kinds[each["dtype"]]).reshape(each["shape"]).astype("<f4") for name, each in header.items()}


@pytest.fixture
def mudra(tmp_path):
    """Runs the command in an empty folder: mudra("train", ...) -> CompletedProcess with text output."""

    def run(*arguments, timeout=120, **options):
        return subprocess.run([COMMAND, *map(str, arguments)], cwd=tmp_path, text=True, capture_output=True,
                              timeout=timeout, **options)

    return run


@pytest.fixture
def shared():
    """The folder of photographs beside the checkout; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip("no photographs beside the checkout (../shared/data)")
    return SHARED


@pytest.fixture(scope="session")
def hands():
    """400 rendered hands of 20 people, as the package for Python gives them."""
    package = pytest.importorskip("mudra", reason="no package for Python in build/release")
    return package.render_hands(400)


@pytest.fixture(scope="session")
def two(hands):
    """Those of them that show 0 or 5: bytes [80, 28, 28, 1] and labels."""
    chosen = (hands.labels == 0) | (hands.labels == 5)
    return hands.images[chosen], hands.labels[chosen]
