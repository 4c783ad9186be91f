"""Whatever is wrong with the input: one clear message, exit status 1 or 2, and no model under its final name."""

import io
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import zipfile

import pytest
from conftest import COMMAND, ROOT

np = pytest.importorskip("numpy", reason="NumPy is not installed")


def images(count=60, side=6):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, side * side)).astype("u1"), np.array([str(i % 3) for i in range(count)])


def write(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.fixture
def good(tmp_path):
    x, y = images()
    return write(tmp_path / "good.npz", dataset=x, labels=y)


def npy_header(descr, shape):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (63 - (10 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def make_bad(kind, folder):
    x, y = images()
    path = folder / f"{kind.replace(' ', '-')}.npz"
    if kind == "missing":
        return path
    if kind == "folder":
        path.mkdir()
        return path
    if kind == "empty file":
        path.write_bytes(b"")
    elif kind == "no zip":
        path.write_bytes(b"these are not the bytes of a zip archive" * 10)
    elif kind == "without dataset":
        write(path, pictures=x, labels=y)
    elif kind == "truncated archive":
        write(path, dataset=x, labels=y)
        path.write_bytes(path.read_bytes()[:1000])
    elif kind == "truncated array":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("dataset.npy", npy_header("|u1", (60, 36)) + bytes(100))
            buffer = io.BytesIO()
            np.save(buffer, y)
            archive.writestr("labels.npy", buffer.getvalue())
    elif kind == "object dtype":
        write(path, dataset=x.astype(object), labels=y)
    elif kind == "NaN pixels":
        bad = x.astype("f4") / 255
        bad[7, 3] = np.nan
        write(path, dataset=bad, labels=y)
    elif kind == "labels of another length":
        write(path, dataset=x, labels=y[:-1])
    elif kind == "one class":
        write(path, dataset=x, labels=np.array(["4"] * 60))
    elif kind == "no square":
        write(path, dataset=x[:, :35], labels=y)
    elif kind == "huge header":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("dataset.npy", npy_header("<f8", (99999999999, 784)) + bytes(1000))
            archive.writestr("labels.npy", npy_header("<U1", (99999999999,)) + bytes(1000))
    return path


KINDS = ["missing", "folder", "empty file", "no zip", "without dataset", "truncated archive", "truncated array",
         "object dtype", "NaN pixels", "labels of another length", "one class", "no square", "huge header"]


def expect_one_message(result, status=(1, 2), mention=None):
    assert result.returncode in status, result.stderr
    lines = [line for line in result.stderr.splitlines() if line and not line.startswith("    ")]  # but a picture
    assert len(lines) == 1 and lines[0].startswith("mudra: "), result.stderr
    assert result.stdout == ""
    if mention:
        assert mention in lines[0]


def no_model(folder):
    return not list(folder.rglob("model.safetensors"))


@pytest.mark.parametrize("kind", KINDS)
def test_bad_data_gets_one_message(mudra, tmp_path, kind):
    path = make_bad(kind, tmp_path)
    result = mudra("train", path, "--epochs", 1, "--quiet", "--no-report")
    expect_one_message(result, mention=path.name)
    assert no_model(tmp_path)


def test_a_width_that_is_no_square_takes_a_size(mudra, tmp_path):
    path = make_bad("no square", tmp_path)
    assert mudra("train", path, "--epochs", 1, "--quiet", "--no-report", "--size", "5x7").returncode == 0


def test_gigabytes_of_deflated_zeros_stay_bounded(tmp_path):
    path = tmp_path / "zeros.npz"
    rows = 2_500_000_000 // 784
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("dataset.npy", "w", force_zip64=True) as out:
            out.write(npy_header("|u1", (rows, 784)))
            for _ in range(rows * 784 // (1 << 24)):
                out.write(bytes(1 << 24))
            out.write(bytes(rows * 784 % (1 << 24)))
        buffer = io.BytesIO()
        np.save(buffer, np.array(["0", "1"]))
        archive.writestr("labels.npy", buffer.getvalue())
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    result = subprocess.run([COMMAND, "train", path, "--quiet", "--no-report"], cwd=tmp_path, text=True, capture_output=True, timeout=300)
    assert result.returncode in (1, 2), result.stderr
    assert result.stderr.startswith("mudra: ") and result.stderr.count("\n") == 1
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak <= max(before, 500_000), f"{peak} kB resident"


@pytest.mark.parametrize("options, mention", [
    (["--classes", "0,9"], "9"),
    (["--classes", "0"], "one class"),
    (["--split", "0.999"], "--split"),
    (["--split", "0"], "--split"),
    (["--split", "group"], "--groups"),
    (["--epochs", "0"], "--epochs"),
    (["--epochs", "three"], "--epochs"),
    (["--learning-rate", "-0.1"], "--learning-rate"),
    (["--learning-rate", "nan"], "--learning-rate"),
    (["--batch-size", "0"], "--batch-size"),
    (["--optimizer", "adan"], "Did you mean 'adam'?"),
    (["--network", "dense 12, sigmod"], "Did you mean 'sigmoid'?"),
    (["--network", "dense"], "units"),
    (["--network", "dense 0"], "'0'"),
    (["--network", "dense 8,, relu"], "empty"),
    (["--network", "2 x (dense 8, relu"], "never closed"),
    (["--network", "conv 4 3x3, pool 7"], "at most 6x6"),
    (["--network", "residual(conv 4 3x3)"], "| conv 4 1x1)"),
    (["--recipe", "raport"], "Did you mean 'report'?"),
    (["--size", "axb"], "--size"),
    (["--options", "nowhere.toml"], "nowhere.toml"),
    (["--frobnicate"], "--frobnicate"),
    (["--epochs", "3000000"], "at most 1000000"),
    (["--learning-rate", "1e30"], "above 0 and at most 1000000000"),
    (["--seed", "9223372036854775808"], "below 9223372036854775808"),
    (["--seed", "18446744073709551615"], "below 9223372036854775808"),
    (["--seed", "-1"], "below 9223372036854775808"),
    (["--lr", "0.1"], "Did you mean '--learning-rate'?"),
    (["--split", "nowhere.json:1"], "nowhere.json: there is no such split file"),
    (["--split", "no:where.json"], "no:where.json: there is no such split file"),
])
def test_bad_options_get_one_message(mudra, tmp_path, good, options, mention):
    expect_one_message(mudra("train", good, "--quiet", "--no-report", *options), mention=mention)
    assert no_model(tmp_path)


@pytest.mark.parametrize("command", [["synth", "--count", "20"], ["data", "split", "good.npz", "--json"]])
def test_a_seed_has_63_bits_everywhere(mudra, good, command):
    assert mudra(*command, "--seed", 2**63 - 1, "--out", "out.npz").returncode == 0
    expect_one_message(mudra(*command, "--seed", 2**63, "--out", "out.npz"), mention=f"below {2**63}")


@pytest.mark.parametrize("text, mention", [
    ("{}", "it lacks description, images and folds"), ("[1]", "it lacks description"), ("{", "is no split file"),
    ('{"images": 60, "folds": [], "description": ""}', "no fold"), ('{"images": 60, "folds": []}', "it lacks description.")])
def test_a_split_file_that_is_none_is_told_from_one(mudra, tmp_path, good, text, mention):
    (tmp_path / "x.json").write_text(text)
    for split in ("x.json", "x.json:1"):
        expect_one_message(mudra("train", good, "--split", split), mention=mention)


def test_a_split_file_may_have_a_colon_in_its_name(mudra, tmp_path, good):
    assert mudra("data", "split", good, "--split", "kfold:3", "--inner", "0.5", "--out", "a:b.json").returncode == 0
    for split in ("a:b.json", "a:b.json:1", "a:b.json:fold 2"):
        result = mudra("data", "split", good, "--split", split)
        assert result.returncode == 0, result.stderr
    expect_one_message(mudra("train", good, "--split", "a:b.json:4"), mention="a:b.json: has no fold '4'")


def test_a_folder_that_cannot_be_written_is_named(mudra, tmp_path, good):
    (tmp_path / "taken").write_text("a file where the folder should be")
    expect_one_message(mudra("train", good, "--epochs", 1, "--quiet", "--no-report", "--out", "taken/run"), mention="taken/run")
    if os.geteuid() != 0:
        (tmp_path / "closed").mkdir(mode=0o500)
        expect_one_message(mudra("train", good, "--epochs", 1, "--quiet", "--no-report", "--out", "closed/run"), mention="closed")


def test_a_full_disk_leaves_no_model(mudra, tmp_path, good):
    # A limit on the size of files fails writes as a full disk does: part of the model goes out, then an error.
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 15, 1 << 15))

    result = mudra("train", good, "--epochs", 1, "--quiet", "--no-report", "--out", "run", "--network", "dense 2000", preexec_fn=limit)
    expect_one_message(result, status=(1,), mention="model.safetensors")
    assert no_model(tmp_path)
    assert not list((tmp_path / "run").glob("model.safetensors.*")), "no half-written file stays"


def test_standard_output_that_is_full_is_a_failure(tmp_path, good):
    with open("/dev/full", "w") as full:
        result = subprocess.run([COMMAND, "train", good, "--epochs", "1", "--quiet", "--no-report"], cwd=tmp_path, stdout=full,
                                stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 1 and "standard output" in result.stderr


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_no_model(tmp_path, good, kind):
    process = subprocess.Popen([COMMAND, "train", good, "--epochs", "1000000", "--out", "run"], cwd=tmp_path,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    process.send_signal(kind)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "mudra: " in errors.splitlines()[-1] and "stopped" in errors.splitlines()[-1]
    assert no_model(tmp_path)


@pytest.mark.parametrize("line, mention", [("epochz = 3", "Did you mean 'epochs'?"), ("epochs = -1", "--epochs"),
                                           ("recipe = 'raport'", "Did you mean 'report'?"), ("no equals sign", "options.toml:1")])
def test_a_wrong_line_in_an_options_file_names_the_file(mudra, tmp_path, good, line, mention):
    (tmp_path / "options.toml").write_text(line + "\n")
    result = mudra("train", good, "--options", "options.toml")
    expect_one_message(result, status=(2,), mention=mention)
    assert result.stderr.startswith("mudra: options.toml:")


def test_lines_with_a_pixel_beyond_the_others_are_skipped(mudra, tmp_path):
    """One slip must not make every other picture nearly black; 16-bit data are read as they are."""
    def lines(scale, *more):
        good = [f"{i % 2}," + ",".join(str((27 * i + 5 * j) % 256 * scale) for j in range(9)) for i in range(10)]
        return "\n".join(["label," + ",".join(f"pixel{j}" for j in range(9)), *good, *more]) + "\n"

    (tmp_path / "slips.csv").write_text(lines(1, "1,300" + ",0" * 8, "1" + ",0" * 8 + ",-30"))
    found = mudra("data", "inspect", "slips.csv", "--json")
    document = json.loads(found.stdout)
    assert document["images"] == 10 and document["values"]["high"] > 0.9
    assert document["skipped"] == [f"slips.csv: line {line}: `{pixel}` is not within 0..255 as most lines are"
                                   for line, pixel in ((12, 300), (13, -30))]
    expect_one_message(mudra("data", "inspect", "slips.csv", "--strict"), status=(1,), mention="line 12")
    (tmp_path / "deep.csv").write_text(lines(257, "1" + ",9" * 9))
    document = json.loads(mudra("data", "inspect", "deep.csv", "--json").stdout)
    assert document["images"] == 11 and document["skipped"] == [] and document["values"]["high"] > 0.9


def test_data_may_be_called_like_a_command(mudra, tmp_path, good):
    for name in "data", "train", "inspect":
        shutil.copy(good, tmp_path / name)
    assert mudra("train", "data", "--epochs", 1, "--no-report", "--quiet", "--out", "run").returncode == 0
    assert mudra("evaluate", "train", "--model", "run").returncode == 0
    assert mudra("data", "inspect", "inspect").stdout.startswith("inspect: 60 images")


@pytest.mark.parametrize("kind, command", [
    ("folder", ["data", "inspect", "data"]),
    ("csv", ["data", "inspect", "data"]),
    ("csv", ["train", "data", "--quiet", "--out", "run"]),
    ("rendered", ["data", "convert", "synth:1000000", "--out", "x.npz"]),
    ("rendered", ["train", "synth:1000000", "--out", "run"]),
    ("rendered", ["synth", "--count", 1000000, "--out", "x.npz"]),
])
def test_an_interrupt_ends_reading(tmp_path, kind, command):
    if kind == "folder":
        for number in range(4000):
            (tmp_path / "data" / str(number % 2)).mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "tests/fixtures/sources/folder/5/a.png", tmp_path / "data" / str(number % 2) / f"{number}.png")
    elif kind == "csv":
        (tmp_path / "data").write_text("0" + ",7" * 784 + "\n" + ("1" + ",9" * 784 + "\n") * 60000)
    process = subprocess.Popen([COMMAND, *map(str, command)], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # Python itself catches SIGINT until it has become the command, which catches SIGTERM as the last.
    caught = re.compile(rb"SigCgt:\t[0-9a-f]{12}[4-7c-f]")
    while process.poll() is None and not caught.search(pathlib.Path(f"/proc/{process.pid}/status").read_bytes()):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (
        1, "", f"mudra: {'rendering' if command[0] == 'synth' else 'reading'}: stopped. Nothing is left half done.\n")
    assert [path.name for path in tmp_path.iterdir() if path.name != "data"] == []


def test_a_wrong_number_is_named(mudra):
    expect_one_message(mudra("synth", "--count", "ten", "--out", "h.npz"), status=(2,), mention="--count: 'ten'")


@pytest.mark.parametrize("word, near", [("--target", None), ("--grups", "--groups"), ("--lables", "--labels"), ("--fti", "--fit")])
def test_only_a_name_that_is_near_is_suggested(mudra, good, word, near):
    message = mudra("data", "convert", good, "--out", "x.npz", word, "y").stderr
    assert (f"Did you mean '{near}'?" in message) if near else ("There is: " in message), message


@pytest.mark.parametrize("command", [["evaluate", "synth:200", "--classes", "0,1,2"], ["data", "inspect", "synth:40"], ["--help"]])
def test_a_full_standard_output_is_named(tmp_path, mudra, model, command):
    more = ["--model", model] if command[0] == "evaluate" else []
    with open("/dev/full", "w") as full:
        result = subprocess.run([COMMAND, *command, *more], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 1 and result.stderr == "mudra: cannot write to standard output: No space left on device.\n"


def test_a_reader_that_leaves_early_gets_no_message(tmp_path):
    line = f"'{COMMAND}' data leaks synth:400 --json --cache '' | head -c 10 >/dev/null; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["/bin/bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode in (0, 1) and result.stderr == ""


@pytest.fixture
def model(mudra, tmp_path, good):
    assert mudra("train", good, "--epochs", 1, "--quiet", "--no-report", "--out", "model").returncode == 0
    return tmp_path / "model" / "model.safetensors"


def test_an_image_that_is_no_image_is_named(mudra, tmp_path, model):
    (tmp_path / "text.png").write_text("no image at all")
    expect_one_message(mudra("predict", "text.png", "--model", model), status=(1,), mention="text.png")
    (tmp_path / "empty.jpg").write_bytes(b"")
    expect_one_message(mudra("predict", "empty.jpg", "--model", model), status=(1,), mention="empty.jpg")
    expect_one_message(mudra("predict", "nowhere.png", "--model", model), status=(1,), mention="nowhere.png")


def test_a_folder_without_pictures_is_named(mudra, tmp_path, model):
    (tmp_path / "hands").mkdir()
    expect_one_message(mudra("predict", "hands", "--model", model), status=(1,), mention="holds no PNG, JPEG or WebP")


@pytest.mark.parametrize("arguments", [
    ("train", "FIFO"), ("predict", "FIFO", "--model", "MODEL"), ("evaluate", "GOOD", "--model", "FIFO"),
    ("train", "GOOD", "--options", "FIFO"), ("train", "GOOD", "--groups", "FIFO"),
    ("train", "GOOD", "--example-weights", "FIFO"), ("export", "FIFO", "--to", "onnx", "--out", "x.onnx"),
])
def test_a_fifo_is_not_waited_for(mudra, tmp_path, good, model, arguments):
    os.mkfifo(tmp_path / "pipe.json")
    names = {"FIFO": tmp_path / "pipe.json", "GOOD": good, "MODEL": model}
    expect_one_message(mudra(*[names.get(word, word) for word in arguments], timeout=20), status=(1,),
                       mention="is not a regular file")


def test_a_run_folder_stands_for_its_model(mudra, tmp_path, good, model):
    answers = [mudra("evaluate", good, "--model", name) for name in (model, model.parent)]
    assert answers[0].returncode == 0 and answers[0].stdout == answers[1].stdout
    (tmp_path / "empty").mkdir()
    expect_one_message(mudra("evaluate", good, "--model", "empty"), status=(1,), mention="empty/model.safetensors")


def test_a_damaged_model_is_refused(mudra, tmp_path, good, model):
    whole = model.read_bytes()
    damaged = tmp_path / "damaged.safetensors"
    for bytes_ in (b"", whole[:100], whole[:-1], whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]):
        damaged.write_bytes(bytes_)
        expect_one_message(mudra("evaluate", good, "--model", damaged), status=(1,), mention="damaged.safetensors")


def test_data_the_model_does_not_know_are_refused(mudra, tmp_path, model):
    x, y = images()
    other = write(tmp_path / "other.npz", dataset=x, labels=np.array(["a", "b", "c"] * 20))
    expect_one_message(mudra("evaluate", other, "--model", model), status=(1,), mention="'a'")


def test_what_may_not_be_read_is_named_with_its_whole_path():
    """As an ordinary user, also where tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        command = shutil.copy(COMMAND, folder / "mudra")
        for label in "05":
            (folder / "signs" / label).mkdir(parents=True)
            for number in range(3):
                shutil.copy(ROOT / "tests/fixtures/sources/folder/5/a.png", folder / "signs" / label / f"{number}.png")
        (folder / "signs" / "9").mkdir(mode=0)
        (folder / "signs" / "0" / "1.png").chmod(0)
        write(folder / "signs.npz", dataset=np.zeros((4, 9)), labels=np.arange(4))
        (folder / "signs.npz").chmod(0)

        def inspect(*arguments):
            user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
            return subprocess.run([command, "data", "inspect", *arguments], cwd=folder, capture_output=True,
                                  text=True, **user)

        found = inspect("signs")
        (folder / "signs" / "9").chmod(0o755)
        assert found.returncode == 0
        for path in "signs/0/1.png", "signs/9":
            assert f"skipped   {path}: cannot read: Permission denied. Give yourself the right to read it." \
                in found.stderr
        expect_one_message(inspect("signs", "--strict"), status=(1,), mention="signs/0/1.png: cannot read")
        expect_one_message(inspect("signs.npz"), status=(1,), mention="right to read")


def test_freezing_all_layers_is_refused(mudra):
    expect_one_message(mudra("train", "synth:200", "--network", "dense 8, relu", "--freeze", 4), status=(2,), mention="--freeze")


@pytest.mark.parametrize("command", [("synth", "--out", "hands.npz"), ("bench", "seed-1")])
def test_threads_have_a_limit(mudra, tmp_path, command):
    expect_one_message(mudra(*command, "--threads", 40000), status=(2,), mention="1024")
    assert not (tmp_path / "hands.npz").exists()


@pytest.mark.skipif("asan" in str(COMMAND), reason="the address sanitizer needs more address space than that")
def test_a_system_without_more_threads_is_named(mudra, tmp_path):
    def little():
        resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))  # each thread takes 8 MB of it

    result = mudra("synth", "--count", 20, "--threads", 1000, "--out", "hands.npz", preexec_fn=little)
    expect_one_message(result, status=(1,), mention="threads")
    assert not list(tmp_path.iterdir())
