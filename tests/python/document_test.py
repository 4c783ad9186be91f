"""docs/python.md: its programs, one after the other, print what it says."""

import re
import subprocess

import pytest
from conftest import ROOT

pytest.importorskip("mudra", reason="no package for Python in build/release")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

DOCUMENT = (ROOT / "docs/python.md").read_text()


def programs(text):
    """Each program with the output that stands behind it."""
    return re.findall(r"(?ms)^```python\n(.*?)^```\n+```\n(.*?)^```", text)


def test_every_program_prints_what_the_document_says(tmp_path):
    pairs = programs(DOCUMENT)
    assert len(pairs) == DOCUMENT.count("```python") == 4
    marks = [f"\nprint('-- end of program {i}')\n" for i in range(len(pairs))]
    script = "".join(program + mark for (program, _), mark in zip(pairs, marks))
    result = subprocess.run(["/usr/bin/python3", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert result.returncode == 0, result.stderr
    printed = re.split(r"-- end of program \d+\n", result.stdout)
    for (_, expected), found in zip(pairs, printed):
        assert found == expected
    assert (tmp_path / "signs.safetensors").stat().st_size > 100_000


def test_the_first_program_is_ten_lines():
    lines = [line for line in programs(DOCUMENT)[0][0].splitlines() if line.strip()]
    assert len(lines) <= 10


def test_the_table_of_functions_is_whole():
    import mudra

    named = set(re.findall(r"`([a-z_]+)`", DOCUMENT.split("## Functions")[1].split("```")[0]))
    functions = {name for name in mudra.__all__ if callable(getattr(mudra, name)) and name[0].islower()}
    assert functions <= named
