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
                                                               "result.json", "split.json", "trained_on.txt"}


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
    # One of the trainings stands for all, the same in both, and is named.
    assert page["shown_training"] == document["fold"] == page["folds"][-1][0]
    assert page["kept_epoch"] == document["kept_epoch"] == document["epochs"] == 20
    assert page["history"][-1][1:3] == pytest.approx([document["loss"]["train"], document["loss"]["held_out"]], rel=1e-4)
    assert document["trained_on"] == {"images": 100, "validation": 0, "held_out_too": True, "kept_epoch": 20}
    assert dict(page["facts"])["Saved model"].startswith("learned from 100 pictures; those held out are among them")


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
    assert page["history"] == [] and page["words"]["new_hands"] is None
    assert page["command"] == "mudra evaluate synth:200 --model run/model.safetensors --classes 0,5 --report"
    assert "report" not in json.loads(mudra(*evaluate, "--json").stdout)


def test_evaluate_tells_pictures_the_model_was_trained_on(mudra, tmp_path):
    assert mudra(*TRAIN, "run", "--no-report").returncode == 0
    learned = json.loads((tmp_path / "run/split.json").read_text())
    evaluate = ("evaluate", "synth:200", "--classes", "0,5", "--report", "page")
    result = mudra(*evaluate, "--model", "run")
    warning = "The model was trained on 32 of these 40 pictures"
    assert f"warning   {warning}" in result.stdout and "new hands" not in result.stdout
    assert any(text.startswith(warning) for text in record(tmp_path / "page/report.html")["words"]["warnings"])
    shutil.rmtree(tmp_path / "page")
    document = json.loads(mudra(*evaluate, "--model", "run/model.safetensors", "--json").stdout)
    assert document["warnings"][0].startswith(warning) and document["new_group"] is None
    shutil.rmtree(tmp_path / "page")
    # Other pictures: it says so, and of hands what can be said.
    result = mudra("evaluate", "synth:200", "--seed", 9, "--classes", "0,5", "--report", "page", "--model", "run")
    assert "trained on" not in result.stdout and "new hands: " in result.stdout and "if training saw none of them" in result.stdout
    assert any("No picture the model was trained on has the pixels" in text for text in record(tmp_path / "page/report.html")["words"]["sure"])
    shutil.rmtree(tmp_path / "page")
    # A model alone: nothing is known.
    shutil.copy(tmp_path / "run/model.safetensors", tmp_path / "alone.safetensors")
    result = mudra(*evaluate, "--model", "alone.safetensors")
    assert "trained on" not in result.stdout
    assert any("is not known here" in text for text in record(tmp_path / "page/report.html")["words"]["sure"])
    assert sum(len(part) for part in learned["folds"][0].values() if isinstance(part, list)) == 40


def test_pictures_read_at_another_size_are_known_again(mudra, tmp_path):
    Image = pytest.importorskip("PIL.Image")
    np = pytest.importorskip("numpy")
    rng = np.random.default_rng(3)
    for i in range(20):
        (tmp_path / "signs" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40 + i, 30, 3)).astype("u1")).save(tmp_path / f"signs/{'ab'[i % 2]}/{i}.png")
    assert mudra("train", "signs", "--size", 16, "--channels", 1, "--epochs", 1, "--out", "run", "--quiet", "--no-report",
                 "--network", "dense 4").returncode == 0
    for more in ((), ("--size", 16)):
        document = json.loads(mudra("evaluate", "signs", "--model", "run", "--json", *more).stdout)
        assert document["warnings"][0].startswith("The model was trained on 16 of these 20 pictures"), more


def test_a_collapsed_model_is_told_everywhere_with_what_to_try(mudra, tmp_path):
    np = pytest.importorskip("numpy")
    np.savez(tmp_path / "black.npz", dataset=np.zeros((40, 64), "u1"), labels=np.array(["0", "5"] * 20))
    same, base = "Every picture got the same answer: ", "This is not clearly better than always answering "
    run = mudra("train", "black.npz", "--epochs", 1, "--out", "run", "--quiet", "--no-report")
    assert f"warning   {same}" in run.stdout and f"warning   {base}" in run.stdout and "`--learning-rate`" in run.stdout
    document = json.loads(mudra("train", "black.npz", "--epochs", 1, "--out", "again", "--json").stdout)
    told = record(tmp_path / "again/report.html")["words"]["warnings"]
    assert document["warnings"] == told and any(text.startswith(same) for text in told) and any(text.startswith(base) for text in told)
    test = mudra("evaluate", "black.npz", "--model", "run")
    assert f"warning   {same}" in test.stdout and f"warning   {base}" in test.stdout
    warnings = json.loads(mudra("evaluate", "black.npz", "--model", "run", "--json").stdout)["warnings"]
    assert any(text.startswith(same) for text in warnings) and all(text.count(". ") >= 1 for text in warnings)
    low, high = json.loads(mudra("evaluate", "black.npz", "--model", "run", "--json").stdout)["interval"]
    assert low < 0.5 < high


def test_the_page_of_evaluate_names_the_threads_that_answered(mudra, tmp_path):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("there is one processor")
    assert mudra("train", "synth:300", "--network", "cnn", "--epochs", 1, "--out", "run", "--quiet", "--no-report").returncode == 0
    for threads in (1, 2):
        assert mudra("evaluate", "synth:300", "--model", "run", "--threads", threads, "--report", f"page{threads}").returncode == 0
        assert dict(record(tmp_path / f"page{threads}/report.html")["environment"])["threads"] == str(threads)


def test_few_hands_are_told_from_many(mudra, tmp_path):
    """The hands are those of 60 rendered images, 20 a person."""
    result = mudra("train", "synth:60", "--split", "leave-one-group-out", "--epochs", 1, "--out", "run", "--json")
    test, page = json.loads(result.stdout)["test"], record(tmp_path / "run/report.html")
    assert test["new_group"]["groups"] == 3
    low, high = test["new_group"]["interval"]
    assert low <= test["interval"][0] and test["interval"][1] <= high
    assert [page["words"]["new_hands"][key] for key in ("low", "high")] == pytest.approx([low, high], rel=1e-4)
    result = mudra("train", "synth:40", "--split", "leave-one-group-out", "--epochs", 1, "--quiet", "--no-report")
    assert "new hands: two hands are too few to say" in result.stdout


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
