"""docs/report-revisited.md says what its command prints."""

import re
import subprocess
import sys

import pytest
from conftest import COMMAND, ROOT

pytest.importorskip("numpy", reason="NumPy is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
SCRIPT = ROOT / "benchmarks" / "report_revisited.py"
DOCUMENT = ROOT / "docs" / "report-revisited.md"
sys.path.insert(0, str(SCRIPT.parent))


def run(*words):
    return subprocess.run(["/usr/bin/python3", SCRIPT, *map(str, words), "--command", COMMAND], capture_output=True, text=True,
                          timeout=1200)


def test_the_document_says_what_its_command_makes(tmp_path, shared):
    folder = shared / "sign-digits"
    copy = tmp_path / "copy.md"
    copy.write_text(re.sub(r"(<!-- table: \w+ -->\n).*?(<!-- end -->)", r"\1\2", DOCUMENT.read_text(), flags=re.S))
    result = run(folder / "dataset_labels.npz", "--groups", folder / "groups.npz", "--write", copy)
    assert result.returncode == 0, result.stderr
    assert copy.read_text() == DOCUMENT.read_text()


def test_the_command_runs_on_rendered_hands():
    result = run("synth:400", "--seeds", 1)
    assert result.returncode == 0, result.stderr
    names = re.findall(r"(?m)^\*\*(\w+)\*\*$", result.stdout)
    assert sorted(names) == sorted(re.findall(r"<!-- table: (\w+) -->", DOCUMENT.read_text()))


def test_data_that_do_not_name_hands_are_refused(tmp_path):
    import numpy as np

    rng = np.random.default_rng(1)
    np.savez(tmp_path / "d.npz", dataset=rng.integers(0, 256, (60, 36)).astype("u1"), labels=np.array(["0", "5"] * 30))
    result = run(tmp_path / "d.npz")
    assert result.returncode == 1 and "--groups" in result.stderr


def test_the_published_table_has_one_true_matrix():
    """Found again by scikit-learn: its report with exchanged arguments is the published one."""
    from report_revisited import NAMES, PUBLISHED, matrices_behind
    from sklearn.metrics import classification_report

    [[[a, b], [c, d]]] = matrices_behind(PUBLISHED, 200)
    truth, predicted = [0] * (a + b) + [1] * (c + d), [0] * a + [1] * b + [0] * c + [1] * d
    lines = [line.split() for line in classification_report(predicted, truth, target_names=NAMES).splitlines() if line]
    assert lines[1:] == [["0", "digit", "sign", "0.97", "1.00", "0.99", "101"], ["5", "digit", "sign", "1.00", "0.97", "0.98", "99"],
                         ["accuracy", "0.98", "200"], ["macro", "avg", "0.99", "0.98", "0.98", "200"],
                         ["weighted", "avg", "0.99", "0.98", "0.98", "200"]]
