"""mudra tune: its contract, several processes, and what cuts it short."""

import contextlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import time

import pytest

from conftest import COMMAND

TRIAL = {"trial", "score", "loss", "epochs", "seconds", "state", "options", "rungs"}
SPACE = """
[network]
choices = ["dense {width}, relu", "conv {channels} 3x3, relu, pool 2, dense {width}, relu"]
[width]
low = 8
high = 64
log = true
[channels]
low = 4
high = 12
[learning-rate]
low = 0.001
high = 0.1
log = true
"""
ARGUMENTS = ["tune", "synth:200", "--space", "space.toml", "--split", "group", "--epochs", "9", "--threads", "1", "--quiet", "--json"]


@pytest.fixture
def space(tmp_path):
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path


def document(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)  # exactly one document


def without_times(found):
    found = json.loads(json.dumps(found))
    found.pop("seconds"), found.pop("folder")
    for trial in found["trials"]:
        trial.pop("seconds")
        for rung in trial["rungs"]:
            rung.pop("seconds")
    return found


def refused(result, status):
    assert (result.returncode, result.stdout) == (status, ""), result
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("mudra: ")
    return lines[-1]


def test_the_document_tells_every_trial_and_the_best(mudra, space):
    found = document(mudra(*ARGUMENTS, "--trials", 12, "--out", "found"))
    assert [trial["trial"] for trial in found["trials"]] == list(range(1, 13))
    for trial in found["trials"]:
        assert TRIAL <= set(trial)
        assert trial["state"] in ("complete", "waiting")
        assert trial["score"] == trial["rungs"][-1]["score"] and trial["epochs"] == trial["rungs"][-1]["epochs"]
        assert 0.001 <= trial["options"]["learning-rate"] <= 0.1
        assert "{" not in trial["options"]["network"] and "width" not in trial["options"]
    complete = [trial for trial in found["trials"] if trial["state"] == "complete"]
    assert {trial["epochs"] for trial in complete} == {9}
    assert found["best"]["score"] == max(trial["score"] for trial in complete)
    assert found["best"]["options"] == found["trials"][found["best"]["trial"] - 1]["options"]
    places = sorted(rung["place"] for trial in found["trials"] for rung in trial["rungs"])
    assert places == list(range(1, len(places) + 1))
    assert (space / "found" / "report.html").stat().st_size > 1000


def test_best_toml_trains_to_what_refit_tested(mudra, space):
    found = document(mudra(*ARGUMENTS, "--trials", 5, "--refit", "--out", "found"))
    trained = document(mudra("train", "--options", "found/best.toml", "--out", "again", "--no-report", "--quiet", "--json"))
    assert trained["test"] == found["test"]
    assert (space / "again" / "model.safetensors").read_bytes() == (space / "found" / "model.safetensors").read_bytes()


def test_trials_are_a_total_and_the_same_command_goes_on(mudra, space):
    first = document(mudra(*ARGUMENTS, "--trials", 4, "--out", "found"))
    assert len(first["trials"]) == 4
    again = document(mudra(*ARGUMENTS, "--trials", 4, "--out", "found"))
    assert without_times(first) == without_times(again)
    more = document(mudra(*ARGUMENTS, "--trials", 7, "--out", "found"))
    assert [t["options"] for t in more["trials"][:4]] == [t["options"] for t in first["trials"]]
    assert len(more["trials"]) == 7


def test_killed_it_goes_on_with_the_same_trials(mudra, space):
    whole = document(mudra(*ARGUMENTS, "--trials", 30, "--epochs", 27, "--out", "whole"))
    arguments = [*ARGUMENTS, "--trials", "30", "--epochs", "27", "--out", "cut"]
    for kills in range(3):
        process = subprocess.Popen([COMMAND, *arguments], cwd=space, stdout=subprocess.DEVNULL)
        file = space / "cut" / "tune.sqlite"
        wait_for(lambda: file.exists() and reached(file) >= 5 * (kills + 1), process)
        process.kill()
        process.wait()
    cut = document(mudra(*arguments))
    assert without_times(whole) == without_times(cut)


def reached(file):
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as database:
            return database.execute("SELECT count(*) FROM rung").fetchone()[0]
    except sqlite3.OperationalError:
        return 0  # not made yet


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happens"
        if process.poll() is not None:
            pytest.skip("the search was over before it could be killed")
        time.sleep(0.002)


def test_three_processes_share_one_file_and_one_may_be_killed(mudra, space):
    arguments = [*ARGUMENTS, "--trials", "24", "--epochs", "27", "--out", "shared"]
    processes = [subprocess.Popen([COMMAND, *arguments], cwd=space, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                 for _ in range(3)]
    file = space / "shared" / "tune.sqlite"
    wait_for(lambda: file.exists() and reached(file) >= 4, processes[0])
    processes[0].kill()
    ends = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes[1:]] == [0, 0], ends
    for out, _ in ends[1:]:
        found = json.loads(out)
        assert [trial["trial"] for trial in found["trials"]] == list(range(1, 25))
        assert {trial["state"] for trial in found["trials"]} <= {"complete", "waiting"}
    places = [row[0] for row in sqlite3.connect(file).execute("SELECT place FROM rung ORDER BY place")]
    assert places == list(range(1, len(places) + 1))


def test_time_ends_it_with_what_there_is(mudra, space):
    begin = time.monotonic()
    found = document(mudra(*ARGUMENTS, "--trials", 100_000, "--time", "2s", "--out", "found"))
    assert found["is_out_of_time"] and len(found["trials"]) < 100_000
    assert found["best"]["score"] is not None
    assert time.monotonic() - begin < 60
    assert {trial["state"] for trial in found["trials"]} <= {"complete", "waiting"}


def test_too_little_time_is_said_and_nothing_is_lost(mudra, space):
    arguments = ["tune", "synth:3000:ankara", "--size", "64", "--network", "resnet-mini", "--epochs", "27", "--threads", "1", "--quiet",
                 "--out", "found"]
    message = refused(mudra(*arguments, "--time", "0.3s"), 1)
    assert "no trial came to its first score" in message and "Give more --time" in message
    assert sqlite3.connect(space / "found" / "tune.sqlite").execute("SELECT state FROM trial").fetchall() == [("waiting",)]


def test_ctrl_c_says_how_to_go_on(space):
    process = subprocess.Popen([COMMAND, *ARGUMENTS, "--trials", "5000", "--out", "found"], cwd=space, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    wait_for(lambda: (space / "found" / "tune.sqlite").exists() and reached(space / "found" / "tune.sqlite") >= 2, process)
    process.send_signal(2)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and out == ""
    assert "stopped, nothing is lost" in err and "the same command" in err
    states = sqlite3.connect(space / "found" / "tune.sqlite").execute("SELECT DISTINCT state FROM trial").fetchall()
    assert ("running",) not in states


def test_a_database_of_a_newer_version_is_refused(mudra, space):
    document(mudra(*ARGUMENTS, "--trials", 1, "--out", "found"))
    file = space / "found" / "tune.sqlite"
    database = sqlite3.connect(file)
    database.execute("PRAGMA user_version = 9")
    database.close()
    before = file.read_bytes()
    assert "has format 9, and this version of mudra reads 1" in refused(mudra(*ARGUMENTS, "--trials", 2, "--out", "found"), 1)
    assert file.read_bytes() == before


def test_another_search_in_the_folder_is_refused_and_said(mudra, space):
    document(mudra(*ARGUMENTS, "--trials", 1, "--out", "found"))
    assert "differs in data, options" in refused(mudra(*ARGUMENTS, "--seed", 2, "--out", "found"), 2)
    message = refused(mudra(*ARGUMENTS, "--halving", 2, "--out", "found"), 2)
    assert "it differs in --halving" in message
    assert "it differs in --sampler" in refused(mudra(*ARGUMENTS, "--sampler", "random", "--out", "found"), 2)
    (space / "space.toml").write_text(SPACE.replace("high = 64", "high = 65"))
    assert "it differs in --space" in refused(mudra(*ARGUMENTS, "--out", "found"), 2)


@pytest.mark.parametrize("toml, words", [
    ("[learning-rte]\nlow = 0.1\nhigh = 1.0", "Did you mean 'learning-rate'?"),
    ("[network]\nchoices = [\"dense 8, reluu\"]", "reluu"),
    ("[network", "space.toml:1"),
])
def test_a_space_that_cannot_be_is_refused(mudra, space, toml, words):
    (space / "space.toml").write_text(toml)
    assert words in refused(mudra(*ARGUMENTS, "--out", "found"), 2)


def test_what_is_chosen_is_not_searched(mudra, space):
    found = document(mudra(*ARGUMENTS, "--learning-rate", "0.05", "--trials", 3, "--out", "found"))
    assert all("learning-rate" not in trial["options"] for trial in found["trials"])
    assert "learning-rate = 0.05" in (space / "found" / "best.toml").read_text()
    assert "--space" in refused(mudra(*ARGUMENTS, "--learning-rate", "0.05", "--network", "dense 8", "--out", "other"), 2)


def test_every_fold_has_a_search_of_its_own(mudra, space):
    found = document(mudra(*ARGUMENTS, "--split", "group-kfold:3", "--trials", 4, "--refit", "--out", "found"))
    assert len(found["folds"]) == 3 and all(len(fold["trials"]) == 4 for fold in found["folds"])
    assert found["test"]["n"] == 200
    assert len({json.dumps(fold["best"]) for fold in found["folds"]}) > 1


def test_the_default_space_needs_no_word_more(mudra, tmp_path):
    result = mudra("tune", "synth:150", "--epochs", 3, "--trials", 4, "--out", "found", timeout=300)
    assert result.returncode == 0, result.stderr
    assert "mudra train --options found/best.toml" in result.stdout
    assert result.stderr.count("trial ") >= 4


def test_a_full_disk_loses_nothing(mudra, space):
    disk = pathlib.Path(space / "disk")
    disk.mkdir()
    if sys.platform != "linux" or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("a file system of a limited size takes the right to mount one")
    try:
        arguments = [*ARGUMENTS, "--trials", "12", "--out", "disk"]
        message = refused(mudra(*arguments), 1)
        assert "disk is full" in message and "the same command" in message
        before = reached(disk / "tune.sqlite")
        subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
        found = document(mudra(*arguments))
        assert sum(len(trial["rungs"]) for trial in found["trials"]) >= before
        whole = document(mudra(*ARGUMENTS, "--trials", "12", "--out", "whole"))
        assert without_times(found) == without_times(whole)
    finally:
        subprocess.run(["umount", disk], check=True)
