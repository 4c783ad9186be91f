"""What the documents promise beyond their links (check_links_test.py)."""

import re
import subprocess

import pytest
from conftest import ROOT

BACKPROPAGATION = (ROOT / "docs/backpropagation.md").read_text()


def without_proof(document):
    """Titles of the sections that hold a formula but no link to code, or none to a test."""
    for section in re.split(r"(?m)^#{2,3} ", document)[1:]:
        if "$$" not in section:
            continue
        names = re.findall(r"\[`([^`]+)`\]\([^)]+\.(?:cpp|h)\)", section)
        proven = any("." in name for name in names)  # Suite.Test
        sourced = any("." not in name for name in names)
        if not (proven and sourced):
            yield section.splitlines()[0]


def test_every_equation_links_to_its_code_and_its_proof():
    assert BACKPROPAGATION.count("$$") >= 40
    assert list(without_proof(BACKPROPAGATION)) == []


def test_an_equation_without_proof_is_named():
    document = "## Good\n$$x$$\n[`f`](../mudra/f.cpp) [`F.Is`](../tests/f_test.cpp)\n## Words\nnone\n## Bad\n$$y$$\n[`f`](../mudra/f.cpp)\n"
    assert list(without_proof(document)) == ["Bad"]


def test_the_program_of_backpropagation_prints_what_the_document_says():
    pytest.importorskip("numpy", reason="NumPy is not installed")
    result = subprocess.run(["/usr/bin/python3", ROOT / "examples/backpropagation.py"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert f"```\n{result.stdout}```" in BACKPROPAGATION
