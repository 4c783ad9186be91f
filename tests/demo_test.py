"""What `./dev demo` shows once the program is built."""

import json
import re
import resource
import subprocess

import pytest
from conftest import COMMAND, ROOT

DEMO = ROOT / "tools/demo.sh"


def seconds_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_the_demo_tests_both_networks_on_people_never_seen_within_a_minute(tmp_path):
    before = seconds_of_children()
    result = subprocess.run([DEMO, COMMAND, "demo"], cwd=tmp_path, capture_output=True, text=True, timeout=900)
    seconds = seconds_of_children() - before
    assert result.returncode == 0, result.stderr
    assert seconds < 60  # of one processor: there are two
    summary = result.stdout[result.stdout.index("\n0 or 5, people never seen:\n"):]
    right = [tuple(int(number.replace(",", "")) for number in found) for found in re.findall(r"(?m)^right on ([\d,]+) of ([\d,]+)", summary)]
    assert len(right) == 2 and summary.count("new hands: ") == 2  # which is said only where no tested hand has trained
    assert right[0][1] == 2000 and right[0][0] / 2000 > 0.98
    assert right[1][1] == 1000 and right[1][0] / 1000 > 0.5  # always the same answer: 0.2
    run = json.loads((tmp_path / "demo/zero-or-five/result.json").read_text())
    assert run["test"]["accuracy"] == right[0][0] / 2000
    assert summary.splitlines()[-2:] == ["demo/zero-or-five/report.html", "demo/rooms/report.html"]
    for page in summary.splitlines()[-2:]:
        assert "</html>" in (tmp_path / page).read_text()


def test_the_demo_asks_the_box_about_a_seed_that_did_not_make_it():
    card = json.loads(subprocess.run([COMMAND, "models", "hands", "--json"], capture_output=True, text=True).stdout)["card"]
    asked = re.search(r"evaluate synth:\S+:room\S* --seed (\d+)", DEMO.read_text()).group(1)
    assert asked not in (re.search(r"seed (\d+)", card["origin"]).group(1), "1000003")  # that which refusal is set by


@pytest.mark.parametrize("failing", ["train", "evaluate"])
def test_the_demo_fails_where_a_step_fails(tmp_path, failing):
    stub = tmp_path / "mudra"
    stub.write_text(f'#!/bin/sh\necho "right on 1 of 2"\n[ "$1" != {failing} ] || exit 3\n')
    stub.chmod(0o755)
    result = subprocess.run([DEMO, stub, "demo"], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1
    assert "report.html" not in result.stdout
