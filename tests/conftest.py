"""What every test of the command needs."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = pathlib.Path(os.environ.get("MUDRA_COMMAND", ROOT / "build" / "release" / "mudra"))
SHARED = pathlib.Path(os.environ.get("MUDRA_PHOTOGRAPHS", ROOT.parent / "shared" / "data"))


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
