"""What the documents promise beyond their links (check_links_test.py)."""

import functools
import re
import subprocess

import pytest
from conftest import COMMAND, ROOT

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


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands_in(text):
    """Command lines of mudra: in backticks, or a line of a block that begins with mudra, $ mudra or a path to it."""
    lines = re.findall(r"`(mudra [^`]+)`", text)
    for block in re.findall(r"(?ms)^```\w*\n(.*?)^```", text):
        lines += re.findall(r"(?m)^(?:\$ )?(?:[\w/.]*/)?(mudra .*)$", block)
    return lines


@functools.cache
def help_of(*words):
    return subprocess.run([COMMAND, *words, "--help"], capture_output=True, text=True).stdout


def unknown_in(line):
    """What a command line names that the command does not have."""
    words = re.sub(r"\s#.*|\[|\]", "", line).split()[1:]  # a shell's comment; brackets around what may be left out
    if not words or words[0].startswith("-"):
        return [word for word in words if word.split("=")[0] not in help_of()]
    command = [words[0]]
    if words[0] == "data":
        command += words[1:2]
    choices = [[*command[:-1], choice] for choice in command[-1].replace("\\|", "|").split("|")]
    unknown = []
    for choice in choices:
        text = help_of(*choice)
        if f"Usage: mudra {' '.join(choice)} " not in text:
            unknown.append(" ".join(choice))
        unknown += [word for word in words if word.startswith("--") and not re.search(rf"(?m)^  (-\w,)?{word.split('=')[0]}\b", text)]
    return unknown


def test_commands_in_the_documents_have_the_options_they_are_given():
    lines = [(file.name, line) for file in documents() for line in commands_in(file.read_text())]
    assert len(lines) > 20
    assert [(name, line, unknown) for name, line in lines if (unknown := unknown_in(line))] == []


@pytest.mark.parametrize("line, unknown", [("mudra train --epochz 3 x.npz", ["--epochz"]), ("mudra trian x.npz", ["trian"]),
                                           ("mudra data leaks x --split group", []), ("mudra data leak x", ["data leak"])])
def test_a_command_that_is_wrong_is_named(line, unknown):
    assert unknown_in(line) == unknown


def test_tasks_in_the_documents_exist():
    tasks = set(re.findall(r"(?m)^  (\w+)\)", (ROOT / "dev").read_text()))
    assert {"test", "check"} <= tasks
    for file in documents():
        assert set(re.findall(r"\./dev (\w+)", file.read_text())) <= tasks, file.name


def test_every_document_can_be_found():
    listed = (ROOT / "docs/README.md").read_text() + (ROOT / "README.md").read_text().replace("(docs/", "(")
    assert [file.name for file in (ROOT / "docs").glob("*.md") if f"({file.name})" not in listed] == []
