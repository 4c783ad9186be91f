"""The notebooks of examples/: executed from top to bottom, with the outputs they are committed with."""

import json
import shutil
import subprocess

import pytest
from conftest import ROOT

pytest.importorskip("mudra", reason="no package for Python in build/release")
for needed in ("nbconvert", "ipykernel", "matplotlib"):
    pytest.importorskip(needed, reason=f"python3-{needed} is not installed")

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def texts(notebook):
    """What the cells printed or showed as text, a list for each."""
    shown = []
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        outputs = []
        for output in cell["outputs"]:
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            outputs.append("".join(text))
        shown.append(outputs)
    return shown


def test_there_are_two():
    assert [notebook.name for notebook in NOTEBOOKS] == ["backpropagation.ipynb", "report.ipynb"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_it_runs_and_says_what_it_was_committed_with(notebook, tmp_path):
    committed = json.loads(notebook.read_text())
    assert notebook.stat().st_size < 200_000
    assert any("output_type" in output for cell in committed["cells"] for output in cell.get("outputs", []))
    shutil.copy(notebook, tmp_path)
    result = subprocess.run(["/usr/bin/python3", "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace",
                             "--ExecutePreprocessor.record_timing=False", notebook.name], cwd=tmp_path,
                            capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    assert texts(json.loads((tmp_path / notebook.name).read_text())) == texts(committed)
