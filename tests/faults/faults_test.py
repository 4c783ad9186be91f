"""Calls that fail, memory and disks that end, and standard streams that are not there: a command gives its whole result,
or exit status 1 and one message, and no earlier file is lost, changed or cut off.

A sample, unless MUDRA_FAULTS is `all`: then every call up to the 2,000th fails, and 500 of those that follow."""

import concurrent.futures
import functools
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import tempfile
import time

import pytest
from conftest import COMMAND, ROOT

np = pytest.importorskip("numpy", reason="NumPy is not installed")

LONG = os.environ.get("MUDRA_FAULTS") == "all"
LIBRARY = COMMAND.parent / "tests" / "libmudra_failing_calls.so"
KINDS = ["allocate", "allocate from there on", "write", "sync", "rename", "open", "map", "read", "close", "thread"]
NAMES = ["no finger stretched", "five fingers stretched"]  # longer than a string holds without memory of its own
EARLIER = b"what another command wrote\n" * 50

# What a run leaves that could not end, to be gone on with.
UNFINISHED = ("run/checkpoint.safetensors", "run/mudra.lock")

# Arguments, outputs in whose place another file stands, and what may be missing or left over: a cache; what a run goes
# on from; pictures half written, since removing a folder takes memory.
COMMANDS = {
    "train": (["train", "../in/hands.npz", "--epochs", 3, "--network", "dense 8, relu", "--validation", 0.2, "--out", "run",
               "--classes", ",".join(NAMES), "--augment", "rotate 5.00000000000000000", "--class-weights", "1,1.00000000000000000", "--no-report",
               "--threads", 3, "--checkpoint", 0, "--keep-epochs", 2], [], UNFINISHED),
    "resume": (["train", "--resume", "run", "--no-report", "--json"], [], UNFINISHED),
    "evaluate": (["evaluate", "../in/hands.npz", "--model", "../in/run", "--predictions", "answers.csv"], ["answers.csv"], None),
    "runs": (["runs", "../in", "--json"], [], None),
    "compare": (["compare", "../in/run", "../in/second", "--report", "page"], [], ("page/mudra.lock",)),
    "predict": (["predict", "../in/smooth.jpeg", "../in/colour.png", "--model", "../in/run"], [], None),
    "predict, drawn": (["predict", "../in/smooth.jpeg", "--draw", "seen.png"], ["seen.png"], None),
    "models": (["models", "../in/run", "--json"], [], None),
    "export": (["export", "../in/run", "--to", "onnx", "--out", "hands.onnx"], ["hands.onnx"], None),
    "convert": (["data", "convert", "../in/hands.npz", "--out", "copy.npz"], ["copy.npz"], None),
    "convert pictures": (["data", "convert", "../in/pictures", "--size", "12x12", "--out", "copy.npz", "--compress"], ["copy.npz"], None),
    "convert lines": (["data", "convert", "../in/hands.csv.gz", "--out", "copy.npy"],
                      ["copy.npy", "copy-labels.npy", "copy-groups.csv"], None),
    "convert to lines": (["data", "convert", "../in/hands.npz", "--out", "copy.csv.gz"], ["copy.csv.gz"], None),
    "convert to pictures": (["data", "convert", "../in/hands.npz", "--out", "copy"], [], "copy.mudra-"),
    "inspect": (["data", "inspect", "../in/hands.npz", "--out", "sheet.png", "--json"], ["sheet.png"], None),
    "check": (["data", "check", "../in/hands.npz", "--network", "dense 8, relu", "--epochs", 2, "--threads", 3, "--quiet", "--out", "found"],
              [], ("found/",)),
    "tune": (["tune", "../in/hands.npz", "--space", "../in/space.toml", "--epochs", 3, "--trials", 3, "--halving", 3, "--threads", 3,
              "--inner", "stratified-kfold:2", "--quiet", "--refit", "--no-report", "--out", "found"], [], ("found/tune.sqlite",)),
    "split": (["data", "split", "../in/hands.npz", "--split", "kfold:3", "--out", "split.json"], ["split.json"], None),
    "synth": (["synth", "--count", 10, "--size", 16, "--out", "hands.npz", "--threads", 3], ["hands.npz"], None),
    "leaks": (["data", "leaks", "../in/hands.npz", "--cache", "cache", "--split", "stratified:0.5", "--threads", 3], [], "cache/"),
}
if LONG:  # drawing takes a second
    COMMANDS["train, with a report"] = (["train", "../in/hands.npz", "--epochs", 3, "--network", "dense 8, relu", "--out", "run"], [],
                                        (*UNFINISHED, "run/figures/", "run/report.html"))


def run(folder, arguments, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([COMMAND, *map(str, arguments)], cwd=folder, timeout=120, **options)


def without_times(text):
    return re.sub(rb'\d\.\d+ s|"(evaluate|load|render|total|train)": [0-9.e-]+', b"", text or b"")


def content(folder):
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: without_times(text) if name.endswith("result.json") else text for name, text in files.items()}


@pytest.fixture(scope="module")
def room():
    """A folder with the inputs in `in`, in memory if possible; commands run in folders beside it."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as name:
        yield furnish(pathlib.Path(name))


def furnish(room):
    (room / "in").mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (40, 12, 12)).astype("u1")
    pixels[20:] = pixels[:20] // 2 + 64  # near copies
    np.savez(room / "in" / "hands.npz", dataset=pixels, labels=np.array(NAMES * 20), groups=np.array(["a", "b", "c", "d"] * 10))
    for arguments in (["data", "convert", "hands.npz", "--out", "hands.csv.gz"],
                      ["data", "convert", "hands.npz", "--out", "pictures"],
                      ["train", "../in/hands.npz", "--epochs", 2, "--network", "dense 8, relu", "--out", "run", "--no-report"],
                      ["train", "../in/hands.npz", "--epochs", 9, "--network", "dense 8, relu", "--out", "second", "--no-report"]):
        assert run(room / "in", arguments).returncode == 0
    for name in "smooth.jpeg", "colour.png":
        shutil.copy(ROOT / "tests" / "fixtures" / "images" / name, room / "in")
        shutil.copy(room / "in" / name, room / "in" / "pictures" / NAMES[0])
    (room / "in" / "space.toml").write_text('[network]\nchoices = ["dense {width}, relu"]\n[width]\nlow = 4\nhigh = 9\n')
    (room / "in" / "pictures" / "groups.csv").unlink()  # it does not know those two
    return room


class Attack:
    """A command, and what it gives when nothing fails."""

    def __init__(self, room, name):
        self.room, self.inputs = room, content(room / "in")
        self.arguments, self.taken, self.dispensable = COMMANDS[name]
        self.earlier = {name: EARLIER for name in self.taken}
        if name == "resume":
            self.earlier = self.stopped_training()
        folder = self.prepare(room / "whole")
        self.whole = run(folder, self.arguments)
        assert self.whole.returncode == 0, self.whole.stderr
        self.files = content(folder)
        shutil.rmtree(folder)

    def stopped_training(self):
        """The files of a training that could write its first checkpoint but not the next."""
        for call in range(1, 100):
            folder = self.prepare(self.room / f"stopped at {call}")
            run(folder, COMMANDS["train"][0], env=dict(os.environ, LD_PRELOAD=str(LIBRARY), FAULT_KIND="rename", FAULT_AT=str(call)))
            if (folder / "run" / "checkpoint.safetensors").exists():
                return content(folder)
        raise AssertionError("no training could be stopped")

    def prepare(self, folder, disk=0):
        """The folder to run in; `disk` limits the kilobytes it holds."""
        folder.mkdir()
        if disk > 0:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={disk}k", "tmpfs", folder], check=True)
        for name, text in self.earlier.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(text)
        return folder

    def wrong(self, label, statuses, disk=0, more=(), **options):
        """Runs the command where something fails; says what is wrong with the way it ended, or nothing."""
        folder = self.room / f"run {label}"
        try:
            self.prepare(folder, disk)
            result = run(folder, [*self.arguments, *more], **options)
            problem = self.problem(result, content(folder), statuses)
            return problem and f"{label}: {problem}; exit {result.returncode}, {result.stderr}"
        finally:
            if disk > 0:
                subprocess.run(["umount", folder], check=True)
            shutil.rmtree(folder)

    def problem(self, result, files, statuses):
        if result.returncode not in statuses:
            return f"the exit status is none of {statuses}"
        names = [name for name in sorted({*self.earlier, *self.files, *files})
                 if self.dispensable is None or not name.startswith(self.dispensable)]
        if result.returncode == 0:
            if "run/mudra.lock" in files:
                return "the run is over and its lock is left"
            # What cannot be read is told: a run is listed as damaged, a page has no pictures.
            is_listed = self.arguments[0] == "runs" and (result.stdout or b"").count(b'"run":') == 2 and b'"damaged"' in result.stdout
            is_bare = self.arguments[0] == "compare" and b"so none are shown" in (result.stderr or b"")
            if result.stdout is not None and not is_listed and without_times(result.stdout) != without_times(self.whole.stdout):
                return f"it printed {result.stdout}"
            damaged = [name for name in names if files.get(name) != self.files.get(name) and not (is_bare and name == "page/report.html")]
            return f"{damaged} are not as they are otherwise" if damaged else ""
        if result.stderr is not None and not re.search(rb"(^|\n)mudra: [^\n]*\n$", result.stderr):
            return "there is no message"
        for name in names:
            if name == "run/metrics.jsonl":  # cut back when the run goes on
                continue
            if files.get(name) not in (self.earlier.get(name), self.files.get(name)):
                return f"{name} is lost or damaged" if name in self.earlier else f"{name} is left behind"
        return ""

    def try_all(self, faults, statuses=(0, 1)):
        """Runs the command with each of the faults, {label: options of wrong()}, one on each processor."""
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            found = list(filter(None, pool.map(lambda label: self.wrong(label, statuses, **faults[label]), faults)))
        assert content(self.room / "in") == self.inputs
        assert not found, f"{len(found)} of {len(faults)}:\n" + "\n".join(found[:10])


@pytest.fixture(scope="module")
def attack(room):
    made = functools.cache(lambda name: Attack(room, name))

    def make(name):
        if name == "resume" and not LIBRARY.exists():
            pytest.skip("no library of failing calls in a sanitizer's build")
        return made(name)

    return make


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_call_loses_nothing(attack, name, kind):
    if not LIBRARY.exists():
        pytest.skip("no library of failing calls in a sanitizer's build")
    attacked = attack(name)
    environment = dict(os.environ, LD_PRELOAD=str(LIBRARY), FAULT_KIND=kind.split()[0], FAULT_COUNT=str(attacked.room / "count"))
    if kind.endswith("on"):
        environment["FAULT_LASTS"] = "1"
    assert attacked.wrong("counting", (0,), env=environment) == ""
    calls = range(1, int((attacked.room / "count").read_text()) + 1)
    first, further = (100, 50) if name.endswith("report") else (2000, 500) if LONG else (4, 8)
    between = calls[first:-8]  # the last ones write
    chosen = sorted({*calls[:first], *random.Random(1).sample(between, min(further, len(between))), *calls[-8:]})
    # Without memory toml++ takes a number of options.toml, or of a space, for damaged.
    statuses = (0, 1, 2) if kind.startswith("allocate") and name in ("resume", "tune") else (0, 1)
    # Pictures that cannot be read are skipped, unless all of them are wanted; those without memory never are.
    more = ["--strict"] if name == "convert pictures" and kind in ("open", "read") else []
    attacked.try_all({call: {"env": dict(environment, FAULT_AT=str(call)), "more": more} for call in chosen}, statuses)


@pytest.mark.parametrize("name", COMMANDS)
def test_memory_that_ends_loses_nothing(attack, name):
    def limit(mebibytes):
        size = int(mebibytes * 2**20)
        return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))}

    attacked = attack(name)
    # From where the program itself starts. Threads take most: eight mebibytes each for a stack.
    least = next(size for size in range(8, 1024) if run(attacked.room, ["--version"], **limit(size)).returncode == 0)
    steps = 400 if LONG else 16
    attacked.try_all({f"{size} MiB": limit(size) for size in (least + 40 * step / steps for step in range(steps))})


@pytest.mark.parametrize("name", COMMANDS)
def test_a_disk_that_ends_loses_nothing(attack, name, tmp_path):
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("a file system of a limited size takes the right to mount one")
    subprocess.run(["umount", tmp_path], check=True)
    attacked = attack(name)
    pages = sum(len(text) // 4096 + 1 for text in attacked.earlier.values())
    attacked.try_all({f"{4 * pages + more} kB": {"disk": 4 * pages + more} for more in range(4, 260, 4 if LONG else 32)})


def lost(kind):
    """A file for writing that takes nothing: a full one, or a pipe that nobody reads."""
    if kind == "full":
        return open("/dev/full", "w")
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_lost_standard_error_costs_nothing(attack, name):
    with lost("full") as full, lost("gone") as gone:
        attack(name).try_all({"full": {"stderr": full}, "gone": {"stderr": gone},
                              "closed": {"stderr": None, "preexec_fn": lambda: os.close(2)}}, statuses=(0,))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_lost_standard_output_is_a_failure(attack, name):
    with lost("full") as full:
        attack(name).try_all({"full": {"stdout": full}, "closed": {"stdout": None, "preexec_fn": lambda: os.close(1)}}, statuses=(1,))


def test_no_file_takes_the_place_of_a_closed_standard_stream(room, tmp_path):
    """What is printed would go into it."""
    process = subprocess.Popen([COMMAND, "train", room / "in" / "hands.npz", "--epochs", "1000000", "--out", "run"], cwd=tmp_path,
                               preexec_fn=lambda: os.closerange(0, 3))
    try:
        while process.poll() is None and not (tmp_path / "run" / "metrics.jsonl").exists():
            time.sleep(0.01)
        assert [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)] == ["/dev/null"] * 3
    finally:
        process.kill()
        process.wait()
