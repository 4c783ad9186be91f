"""The report and the figures a run leaves. tests/web opens the report in a browser."""

import json
import os
import shutil
import subprocess

import pytest

from conftest import COMMAND

FIGURES = {f"{name}.{kind}" for name in ("loss", "confusion", "examples", "weights") for kind in ("png", "svg")}
TRAIN = ("train", "synth:200", "--recipe", "report", "--epochs", 3, "--quiet", "--out")


def record(page):
    """What the page holds about its run."""
    text = page.read_text()
    begin = text.index('id="record">') + len('id="record">')
    return json.loads(text[begin:text.index("</script>", begin)])


def gnuplot_or_skip():
    if shutil.which("gnuplot") is None:
        pytest.skip("gnuplot is not installed")


def test_the_last_line_names_the_page(mudra, tmp_path):
    result = mudra(*TRAIN, "run")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "report    run/report.html"
    assert (tmp_path / "run/report.html").stat().st_size > 10_000


def test_no_report_leaves_none(mudra, tmp_path):
    result = mudra(*TRAIN, "run", "--no-report")
    assert result.returncode == 0 and "report.html" not in result.stdout
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"metrics.jsonl", "model.safetensors", "options.toml", "predictions.csv",
                                                               "split.json"}


def test_the_same_options_draw_the_same_figures(mudra, tmp_path):
    gnuplot_or_skip()
    assert mudra(*TRAIN, "first").returncode == 0
    assert mudra("train", "--options", "first/options.toml", "--quiet", "--out", "again").returncode == 0
    assert {path.name for path in (tmp_path / "first/figures").iterdir()} == FIGURES
    for name in [f"figures/{name}" for name in FIGURES] + ["model.safetensors"]:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    first, again = record(tmp_path / "first/report.html"), record(tmp_path / "again/report.html")
    for part in ("words", "history", "confusions", "scores", "pictures", "weights", "options", "options_toml"):
        assert first[part] == again[part], part


def test_the_page_repeats_the_numbers_and_names_the_machine(mudra, tmp_path):
    result = mudra("train", "synth:200", "--recipe", "report", "--epochs", 3, "--out", "run", "--json")
    document = json.loads(result.stdout)
    page = record(tmp_path / "run/report.html")
    assert page["words"]["accuracy"] == pytest.approx(document["test"]["accuracy"], rel=1e-4)
    assert [page["words"]["low"], page["words"]["high"]] == pytest.approx(document["test"]["interval"], rel=1e-4)
    assert sum(cell[2] for cell in page["confusions"]["cells"]) == document["test"]["n"] == len(page["pictures"])
    assert len(page["history"]) == 3 and page["history"][-1][1] == pytest.approx(document["loss"]["train"], rel=1e-4)
    assert dict(page["facts"])["Data"] == "synth:200: 200 images 28x28, ten classes; kept 0 and 5: 40"
    assert dict(page["environment"])["Mudra"] in subprocess.run([COMMAND, "--version"], text=True, capture_output=True).stdout
    assert dict(page["environment"]).keys() == {"Mudra", "compiler", "processor", "instruction set", "threads", "system"}
    assert page["options_toml"] == (tmp_path / "run/options.toml").read_text()
    assert page["command"] == "mudra train --options run/options.toml"


def test_folds_stand_one_by_one_in_the_page(mudra, tmp_path):
    result = mudra("train", "synth:100", "--split", "kfold:4", "--epochs", 20, "--out", "run", "--json")
    document, page = json.loads(result.stdout), record(tmp_path / "run/report.html")
    assert [fold[1] for fold in page["folds"]] == [25, 25, 25, 25]
    assert sum(fold[2] for fold in page["folds"]) == round(document["test"]["accuracy"] * 100)


def test_evaluate_reports_too(mudra, tmp_path):
    assert mudra(*TRAIN, "run", "--no-report").returncode == 0
    evaluate = ("evaluate", "synth:200", "--classes", "0,5", "--model", "run/model.safetensors")
    for number, options in ((1, ("--report",)), (2, ("--report",))):
        result = mudra(*evaluate, *options)
        assert result.returncode == 0, result.stderr
        assert result.stdout.splitlines()[-1] == f"report    runs/evaluate-{number}/report.html"
    result = mudra(*evaluate, "--json", "--report", "some where")
    assert json.loads(result.stdout)["report"] == "some where/report.html"
    page = record(tmp_path / "some where/report.html")
    assert page["history"] == [] and "not known" in page["words"]["sure"][1]
    assert page["command"] == "mudra evaluate synth:200 --model run/model.safetensors --classes 0,5 --report"
    assert "report" not in json.loads(mudra(*evaluate, "--json").stdout)


def test_evaluate_does_not_write_over_a_run(mudra, tmp_path):
    assert mudra(*TRAIN, "run").returncode == 0
    before = (tmp_path / "run/report.html").read_bytes()
    result = mudra("evaluate", "synth:200", "--classes", "0,5", "--model", "run", "--report", "run")
    assert result.returncode == 1 and "--report" in result.stderr
    assert (tmp_path / "run/report.html").read_bytes() == before


def test_without_gnuplot_only_figures_are_missed(mudra, tmp_path):
    result = mudra(*TRAIN, "run", env={**os.environ, "PATH": "/nonexistent"})
    assert result.returncode == 0
    assert "note      figures were not drawn: gnuplot is not installed" in result.stderr
    assert (tmp_path / "run/report.html").exists() and not list((tmp_path / "run/figures").iterdir())


def test_the_result_is_printed_before_figures_are_drawn(mudra, tmp_path):
    """A gnuplot of our own notes what had been printed when it was called."""
    tools = tmp_path / "tools"
    tools.mkdir()
    fake = tools / "gnuplot"
    fake.write_text(f"#!/bin/sh\ncat '{tmp_path}/printed' > '{tmp_path}/seen'\nexit 1\n")
    fake.chmod(0o755)
    with open(tmp_path / "printed", "w") as printed:
        done = subprocess.run([COMMAND, *map(str, TRAIN), "run"], cwd=tmp_path, stdout=printed, stderr=subprocess.PIPE,
                              text=True, env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}, timeout=120)
    assert done.returncode == 0 and "gnuplot failed" in done.stderr
    seen = (tmp_path / "seen").read_text()
    assert "right on" in seen and "model     run/model.safetensors" in seen and "report" not in seen


def test_figures_that_cannot_be_written_lose_nothing_else(mudra, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "figures").write_text("a file where the folder should be")
    run = mudra("train", "synth:60", "--epochs", 1, "--split", "stratified:0.5", "--quiet", "--out", "run")
    assert run.returncode == 0 and "note      figures were not written: run/figures" in run.stderr, run.stderr
    assert "All else is whole." in run.stderr and "right on" in run.stdout
    assert (tmp_path / "run" / "report.html").read_text().endswith("</html>\n")
    assert (tmp_path / "run" / "model.safetensors").exists()
