"""Exported ONNX models, judged from outside: by ONNX Runtime, and by the onnx package's checker."""

import importlib.util
import json
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

HERE = pathlib.Path(__file__).resolve().parent
IMAGES = 40

# name: (network, (H, W, C), classes). Sizes differ, so that no axis can stand for another.
NETWORKS = {
    "one dense": ("dense 10", (7, 6, 1), 10),
    "the report's": ("dense 128, sigmoid", (28, 28, 1), 2),
    "two hidden": ("dense 128, relu, dense 64, relu", (28, 28, 1), 10),
    "convolutions": ("conv 16 3x3, relu, pool 2, conv 32 3x3, relu, pool 2, flatten, dense 128, relu", (28, 28, 1), 10),
    "convolutions, colour, two classes": ("conv 7 3x5 stride 2 pad 1, relu, conv 5 2x1, tanh, dense 9, relu", (13, 18, 3), 2),
    "conv, stride and no padding": ("conv 5 4x3 stride 3 pad 0", (14, 11, 3), 10),
    "conv in groups": ("conv 6 3x3, relu, conv 10 3x3 groups 2, relu, conv 9 1x1 groups 1", (9, 8, 3), 10),
    "conv in groups, depthwise": ("conv 6 3x3 groups 3, relu, conv 6 3x3 stride 2 groups 6, relu, conv 4 1x1", (9, 8, 3), 2),
    "max pool": ("conv 5 3x3, pool 3x2 stride 2", (12, 9, 3), 10),
    "average pool": ("conv 5 3x3, average-pool 2x3 stride 1", (12, 9, 1), 2),
    "average pool of pixels": ("average-pool 3 stride 2, dense 10", (13, 9, 3), 10),
    "global pool": ("conv 6 3x3, relu, global-pool", (11, 8, 3), 10),
    "batch norm": ("conv 6 3x3, batch-norm, relu, dense 20, batch-norm, relu", (10, 8, 3), 10),
    "layer norm": ("conv 6 3x3, layer-norm, relu, dense 20, layer-norm, relu", (10, 8, 3), 10),
    "batch norm of pixels": ("batch-norm, conv 4 3x3", (9, 8, 3), 2),
    "residual": ("conv 5 3x3, residual(conv 5 3x3, relu), relu, residual(relu, conv 5 3x3), dense 10", (9, 8, 3), 10),
    "residual of another shape": ("conv 4 3x3, residual(conv 6 3x3 stride 2, relu, conv 6 3x3 | conv 6 1x1 stride 2), relu, global-pool", (11, 8, 3), 10),
    "residual in a residual": ("dense 12, relu, residual(dense 12, residual(dense 12, tanh | dense 12), relu)", (7, 6, 1), 2),
    "flatten": ("conv 3 2x2 pad 0, flatten, relu, flatten, dense 10", (5, 8, 1), 10),
    "an auxiliary head": ("dense 20, relu, heads(classes 10, distance 3)", (9, 8, 3), 10),
    "an auxiliary head, two classes": ("conv 5 9x8 pad 0, relu, heads(classes 2, distance 3 weight 0.5)", (9, 8, 3), 2),
    "dropout": ("dropout 0.3, dense 30, relu, dropout 0.5", (9, 8, 3), 10),
}
for _name in ("mlp", "lenet", "cnn-tiny", "cnn", "resnet-mini"):
    NETWORKS[_name] = (_name, (28, 28, 1), 10)
    NETWORKS[f"{_name}, colour, two classes"] = (_name, (32, 28, 3), 2)
for _function in ("sigmoid", "tanh", "relu", "leaky-relu", "gelu", "silu", "hard-swish"):
    NETWORKS[f"{_function} of images"] = (f"conv 6 3x3, {_function}, dense 10", (9, 8, 3), 10)
    NETWORKS[f"{_function} of features"] = (f"dense 30, {_function}", (9, 8, 1), 2)

TRAINING = {
    "as initialised": ["--epochs", 1, "--optimizer", "sgd", "--learning-rate", 1e-30],
    "trained": ["--epochs", 6, "--learning-rate", 0.01],
}


def runtime_reason():
    """Why ONNX Runtime cannot be asked, or nothing."""
    if not shutil.which("node"):
        return "no node: npm and ONNX Runtime cannot run"
    if not (HERE / "node_modules/onnxruntime-node").is_dir():
        return "no ONNX Runtime: run `npm ci --ignore-scripts --prefix tests/export`"
    return ""


def images_of(size, count, seed):
    """Dark, bright and noisy images: uint8 [count, H, W, C]. None but the black one holds 0 and 1 alone: a .npy of those is read as 0..1."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 256, (count, *size)).astype(np.float64)
    x *= random.uniform(0.05, 1, (count, 1, 1, 1))
    x[0], x[1] = 0, 255
    return np.round(x).astype(np.uint8)


@pytest.fixture
def exported(mudra, tmp_path):
    """Trains and exports: exported(network, (H, W, C), classes, [options]) -> the two files."""

    def run(network, size, classes, options):
        x = images_of(size, 20 * classes, seed=1)
        y = np.arange(len(x)) % classes
        x[..., 0] //= 2
        x[y == 1, : size[0] // 2, :, 0] += 127  # something to learn
        targets = {}
        if "heads" in network:  # a class and three numbers, each with its weight
            values = np.random.default_rng(4).normal(size=(len(x), 3))
            targets["targets"] = np.hstack([np.ones((len(x), 1)), y[:, None], np.ones((len(x), 1)), values]).reshape(len(x), 1, 1, 6)
        np.savez(tmp_path / "data.npz", dataset=x, labels=y, **targets)
        trained = mudra("train", "data.npz", "--network", network, "--quiet", "--no-report", "--out", "run", *options)
        assert trained.returncode == 0, trained.stderr
        written = mudra("export", "run", "--to", "onnx", "--out", "model.onnx", "--json")
        assert written.returncode == 0, written.stderr
        return json.loads(written.stdout), tmp_path / "model.onnx"

    return run


def ask_runtime(*jobs):
    result = subprocess.run(["node", HERE / "run_onnx.mjs"], input=json.dumps(jobs), text=True, capture_output=True, timeout=120)
    assert result.returncode == 0, result.stderr
    answers = json.loads(result.stdout)
    return [(np.array(a["probabilities"]), np.array(a["logits"])) for a in answers]


def ask_mudra(mudra, tmp_path, x):
    names = []
    for i, image in enumerate(x):
        names.append(f"image-{i}.npy")
        np.save(tmp_path / names[-1], image if image.shape[-1] > 1 else image[..., 0])
    result = mudra("predict", "--model", "run", "--json", *names)
    assert result.returncode == 0, result.stderr
    answers = json.loads(result.stdout)
    classes = sorted(answers[0]["probabilities"], key=int)
    return np.array([[a["probabilities"][c] for c in classes] for a in answers]), np.array([a["logits"] for a in answers])


def disagreements(expected, found):
    """What of (probabilities, logits) breaks the promise that they are the same everywhere."""
    p, logits = expected
    q, others = found
    assert p.shape == q.shape and logits.shape == others.shape
    if not np.abs(p - q).max() <= 1e-5:
        yield f"probabilities differ by {np.abs(p - q).max():.2g}"
    scale = np.maximum(1, np.abs(logits).max(axis=1, keepdims=True))
    if not (np.abs(logits - others) / scale).max() <= 1e-5:
        yield f"logits differ by {(np.abs(logits - others) / scale).max():.2g}"
    first_two = np.sort(p, axis=1)[:, -2:]
    clear = first_two[:, 1] - first_two[:, 0] > 2e-5
    if (p.argmax(axis=1) != q.argmax(axis=1))[clear].any():
        yield "another winner"


def test_disagreements_are_noticed():
    p, logits = np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([[30.0], [0.0]])
    assert list(disagreements((p, logits), (p, logits))) == []
    assert list(disagreements((p, logits), (p[:, ::-1], logits))) == ["probabilities differ by 0.6", "another winner"]
    assert list(disagreements((p, logits), (p + 2e-5, logits))) == ["probabilities differ by 2e-05"]
    assert list(disagreements((p, logits), (p, logits + 2e-4))) == ["logits differ by 0.0002"]
    assert list(disagreements((p, logits), (p * np.nan, logits))) != []


@pytest.mark.skipif(bool(runtime_reason()), reason=runtime_reason())
@pytest.mark.parametrize("training", TRAINING)
@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_runtime_gives_the_same_answers(exported, mudra, tmp_path, name, training):
    network, size, classes = NETWORKS[name]
    _, model = exported(network, size, classes, TRAINING[training])
    x = images_of(size, IMAGES, seed=2)
    x.tofile(tmp_path / "all.u8")
    x[:1].tofile(tmp_path / "one.u8")
    every, one = ask_runtime({"model": str(model), "images": str(tmp_path / "all.u8"), "shape": x.shape},
                             {"model": str(model), "images": str(tmp_path / "one.u8"), "shape": x[:1].shape})
    p, logits = ask_mudra(mudra, tmp_path, x)
    assert p.shape == (IMAGES, classes) and logits.shape == (IMAGES, 1 if classes == 2 else classes)
    assert list(disagreements((p, logits), every)) == []
    assert list(disagreements((p[:1], logits[:1]), one)) == []


@pytest.mark.skipif(bool(runtime_reason()), reason=runtime_reason())
def test_the_example_in_javascript_prints_the_probabilities(exported, mudra, tmp_path):
    exported("conv 3 3x3, relu", (7, 5, 3), 4, TRAINING["trained"])
    x = images_of((7, 5, 3), 6, seed=3)
    x.tofile(tmp_path / "hands.rgb")
    shutil.copy(ROOT / "examples/onnx_runtime.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    result = subprocess.run(["node", "onnx_runtime.mjs", "model.onnx", "hands.rgb", "7", "5", "3"], cwd=tmp_path, text=True,
                            capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr
    printed = np.array([[float(word) for word in line.split()] for line in result.stdout.splitlines()])
    expected, _ = ask_mudra(mudra, tmp_path, x)
    assert printed.shape == expected.shape and np.abs(printed - expected).max() <= 1.1e-5


# Two models of file format 2 with random weights, made by save_model of mudra/network/model.h: file, temperature, size of its images.
TEMPERATURES = [("answer", 2.5, (4, 4, 1)), ("parts", 0.4, (3, 5, 3))]


@pytest.mark.skipif(bool(runtime_reason()), reason=runtime_reason())
@pytest.mark.parametrize("name, temperature, size", TEMPERATURES)
def test_probabilities_are_of_logits_divided_by_the_temperature(mudra, tmp_path, name, temperature, size):
    written = mudra("export", ROOT / f"tests/fixtures/models/{name}.safetensors", "--to", "onnx", "--out", "model.onnx")
    assert written.returncode == 0, written.stderr
    x = images_of(size, IMAGES, seed=5)
    x.tofile(tmp_path / "all.u8")
    (p, logits), = ask_runtime({"model": str(tmp_path / "model.onnx"), "images": str(tmp_path / "all.u8"), "shape": x.shape})
    z = np.hstack([-logits, logits]) / 2 if logits.shape[1] == 1 else logits  # softmax of (-z, z) / 2 is the sigmoid
    e = np.exp((z - z.max(axis=1, keepdims=True)) / temperature)
    expected = e / e.sum(axis=1, keepdims=True)
    assert p.shape == expected.shape and np.abs(p - expected).max() <= 1e-5
    assert np.abs(p - p.mean(axis=0)).max() > 0.01  # the images make a difference


# What the document's program needs of the Python package onnxruntime, which Debian lacks, by way of the same runtime in node.
ONNXRUNTIME = f"""
import json, subprocess, types
import numpy, onnx

class InferenceSession:
    def __init__(self, path):
        self.path = path

    def get_modelmeta(self):
        return types.SimpleNamespace(custom_metadata_map={{p.key: p.value for p in onnx.load(self.path).metadata_props}})

    def run(self, outputs, inputs):
        (name, x), = inputs.items()
        assert name == "images" and x.dtype == numpy.uint8
        x.tofile("images.u8")
        jobs = [{{"model": self.path, "images": "images.u8", "shape": x.shape}}]
        answer = subprocess.run(["node", {str(HERE / "run_onnx.mjs")!r}], input=json.dumps(jobs), text=True, capture_output=True)
        return [numpy.array(json.loads(answer.stdout)[0][output]) for output in outputs]
"""


@pytest.mark.skipif(bool(runtime_reason()), reason=runtime_reason())
@pytest.mark.parametrize("channels", [1, 3])
def test_the_program_in_the_document_prints_the_answer(exported, mudra, tmp_path, channels):
    pytest.importorskip("onnx", reason="the package python3-onnx is not installed")
    image = pytest.importorskip("PIL.Image", reason="the package python3-pil is not installed")
    program, = re.findall(r"```python\n(.*?)```", (ROOT / "docs/export.md").read_text(), re.S)
    exported("dense 8, relu", (9, 8, channels), 3, TRAINING["trained"])
    (tmp_path / "model.onnx").rename(tmp_path / "hands.onnx")
    x = images_of((9, 8, channels), 3, seed=4)[2]
    image.fromarray(x if channels == 3 else x[..., 0]).save(tmp_path / "hand.png")
    if importlib.util.find_spec("onnxruntime") is None:
        (tmp_path / "onnxruntime.py").write_text(ONNXRUNTIME)
    result = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, text=True, capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr
    p, _ = ask_mudra(mudra, tmp_path, x[None])
    assert result.stdout == f"{p[0].argmax()} {p[0].max():.3f}\n"


def test_a_model_says_what_it_takes_and_gives(exported):
    onnx = pytest.importorskip("onnx", reason="the package python3-onnx is not installed")
    report, file = exported("conv 4 3x3, relu, pool 2, batch-norm, dense 6, layer-norm, gelu", (12, 10, 3), 5, TRAINING["as initialised"])
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, model.opset_import[0].version, len(model.opset_import)) == (8, 13, 1)

    def described(value):
        tensor = value.type.tensor_type
        return value.name, tensor.elem_type, [d.dim_param or d.dim_value for d in tensor.shape.dim]

    assert [described(v) for v in model.graph.input] == [("images", onnx.TensorProto.UINT8, ["N", 12, 10, 3])]
    assert [described(v) for v in model.graph.output] == [("probabilities", onnx.TensorProto.FLOAT, ["N", 5]),
                                                          ("logits", onnx.TensorProto.FLOAT, ["N", 5])]
    metadata = {p.key: p.value for p in model.metadata_props}
    assert json.loads(metadata["classes"]) == report["classes"] == ["0", "1", "2", "3", "4"]
    assert json.loads(metadata["preprocessing"]) == {"height": 12, "width": 10, "channels": 3, "fit": "stretch"}
    assert json.loads(metadata["architecture"])["input"] == [3, 12, 10]
    assert report["input"] == [12, 10, 3] and report["bytes"] == file.stat().st_size
    for node in onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.value_info:
        assert node.type.tensor_type.shape.dim[0].dim_param == "N", f"{node.name} depends on the number of images"


def test_the_same_model_is_the_same_file(exported, mudra, tmp_path):
    _, file = exported("conv 3 3x3, batch-norm, gelu", (6, 5, 1), 3, TRAINING["as initialised"])
    assert mudra("export", "run/model.safetensors", "--to", "onnx", "--out", "again.onnx").returncode == 0
    assert (tmp_path / "again.onnx").read_bytes() == file.read_bytes()


def one_message(result, status, *mentions):
    assert result.returncode == status
    assert result.stdout == "" and result.stderr.count("\n") == 1 and result.stderr.startswith("mudra: "), result.stderr
    for mention in mentions:
        assert mention in result.stderr


@pytest.mark.parametrize("arguments, status, mentions", [
    (["run", "--to", "onx", "--out", "new.onnx"], 2, ["'onx'", "Did you mean 'onnx'?"]),
    (["run", "--to", "onnx"], 2, ["--out"]),
    (["run", "--out", "new.onnx"], 2, ["--to"]),
    (["nowhere", "--to", "onnx", "--out", "new.onnx"], 1, ["nowhere", "no model in the box"]),
    (["data.npz", "--to", "onnx", "--out", "new.onnx"], 1, ["data.npz"]),
    (["run", "--to", "onnx", "--out", "no/folder/new.onnx"], 1, ["no/folder/new.onnx", "cannot write"]),
    (["run", "--to", "onnx", "--out", "run"], 1, ["run", "is a folder"]),
    (["run", "--to", "onnx", "--out", "/dev/full"], 1, ["/dev/full", "is no ordinary file"]),
])
def test_what_cannot_be_exported_gets_one_message(exported, mudra, tmp_path, arguments, status, mentions):
    exported("dense 4", (4, 3, 1), 2, TRAINING["as initialised"])
    one_message(mudra("export", *arguments), status, *mentions)
    assert not (tmp_path / "new.onnx").exists()
    assert pathlib.Path("/dev/full").is_char_device()


def test_a_full_disk_leaves_the_old_file(exported, mudra, tmp_path):
    _, file = exported("dense 4", (28, 28, 1), 2, TRAINING["as initialised"])
    before = file.read_bytes()
    files = sorted(tmp_path.iterdir())

    def limit():  # a write beyond it fails as on a full disk
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    one_message(mudra("export", "run", "--to", "onnx", "--out", "model.onnx", preexec_fn=limit), 1, "model.onnx", "cannot write")
    assert file.read_bytes() == before and sorted(tmp_path.iterdir()) == files
