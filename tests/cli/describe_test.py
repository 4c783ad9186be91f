"""mudra train --describe: the costs of a network, against arithmetic done by hand here."""

import json
import re

import pytest

np = pytest.importorskip("numpy", reason="NumPy is not installed")

NAMES = ["mlp", "lenet", "cnn-tiny", "cnn", "resnet-mini"]


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "d.npz", dataset=rng.integers(0, 256, (60, 28, 20)).astype("u1"), labels=np.arange(60) % 5)
    return "d.npz"


def described(mudra, data, network, *options):
    result = mudra("train", data, "--network", network, "--describe", "--json", *options)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_every_layer_has_its_shape_parameters_and_multiply_adds(mudra, data, tmp_path):
    line = "conv 6 3x3, batch-norm, relu, residual(conv 8 3x3 stride 2 groups 2 | conv 8 1x1 stride 2), pool 2, dense 9, relu"
    found = described(mudra, data, line, "--batch-size", 10)
    rows = [(row["item"], row["output"], row["parameters"], row["multiply_adds"]) for row in found["layers"]]
    assert rows == [
        ("conv 6 3x3", [6, 28, 20], 6 * 9 + 6, 28 * 20 * 6 * 9),
        ("batch-norm", [6, 28, 20], 12, 28 * 20 * 6),
        ("relu", [6, 28, 20], 0, 0),
        ("fork", [6, 28, 20], 0, 0),
        ("conv 8 3x3 stride 2 groups 2", [8, 14, 10], 8 * 3 * 9 + 8, 14 * 10 * 8 * 3 * 9),
        ("shortcut", [6, 28, 20], 0, 0),
        ("conv 8 1x1 stride 2", [8, 14, 10], 8 * 6 + 8, 14 * 10 * 8 * 6),
        ("add", [8, 14, 10], 0, 0),
        ("pool 2", [8, 7, 5], 0, 0),
        ("flatten", [280], 0, 0),
        ("dense 9", [9], 280 * 9 + 9, 280 * 9),
        ("relu", [9], 0, 0),
        ("dense 5", [5], 9 * 5 + 5, 9 * 5),
    ]
    assert found["network"] == line.replace("dense 9", "flatten, dense 9") + ", dense 5" and found["input"] == [1, 28, 20] and found["batch_size"] == 10
    assert found["parameters"] == sum(row[2] for row in rows)
    assert found["multiply_adds"] == sum(row[3] for row in rows)
    # Ten images' values after the first convolution, at least, and their gradients.
    assert found["layers"][0]["bytes"] >= 10 * 28 * 20 * 6 * 4
    assert found["bytes"]["training"] >= sum(row["bytes"] for row in found["layers"]) + 10 * 28 * 20 * 6 * 4
    assert found["bytes"]["model"] >= 4 * found["parameters"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.npz"], "describing trains nothing"


def test_memory_grows_with_the_batch(mudra, data):
    one, many = (described(mudra, data, "cnn", "--batch-size", n)["bytes"] for n in (1, 32))
    kept = 16 * 14 * 14 + 32 * 7 * 7 + 128 + 10  # values of an image that backward needs: those after pooling
    assert many["training"] - one["training"] >= 31 * 4 * kept and one["answer"] == many["answer"]


@pytest.mark.parametrize("name", NAMES)
def test_named_networks_are_in_the_help_and_as_large_as_the_model_they_train(mudra, data, name, tmp_path):
    assert name in " ".join(mudra("train", "--help").stdout.split())
    parameters = described(mudra, data, name)["parameters"]
    result = mudra("train", data, "--network", name, "--epochs", 1, "--no-report", "--out", "run")
    assert result.returncode == 0, result.stderr
    assert f"{parameters:,} parameters" in result.stderr


def test_the_table_is_aligned_and_adds_up(mudra, data):
    result = mudra("train", data, "--network", "resnet-mini", "--describe")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.split("\n\n")[0].splitlines()
    end = lines[0].index("parameters") + len("parameters")
    cells = [line[end - 12:end].strip() for line in lines]
    numbers = [int(cell.replace(",", "")) for cell in cells if re.fullmatch(r"[\d,]+", cell)]
    assert len(numbers) == 20  # nine convolutions, nine norms, a dense layer, and all
    assert numbers[-1] == sum(numbers[:-1])
    assert not any(line.endswith(" ") for line in result.stdout.splitlines())
