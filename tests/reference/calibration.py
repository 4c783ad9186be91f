"""Reference values for calibration_test.cpp from scikit-learn, SciPy and NumPy.

Run with the system's python3 from the project's root:
    python3 tests/reference/calibration.py
"""
import json
import pathlib

import numpy as np
import scipy
import scipy.optimize
import scipy.special
import sklearn
from sklearn.metrics import brier_score_loss, log_loss

rng = np.random.default_rng(11)
cases = []


def platt_loss(temperature, z, truth, independent):
    """Mean log loss at a temperature, against Platt's targets."""
    classes = z.shape[1]
    target = np.full(z.shape, 1 / (independent + classes))
    target[np.arange(len(z)), truth] = (independent + 1) / (independent + classes)
    return -np.mean((target * scipy.special.log_softmax(z / temperature, axis=1)).sum(1))


def expected_calibration_error(p, truth, bins=15):
    confidence, right = p.max(1), p.argmax(1) == truth
    place = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1)
    return sum(abs(confidence[place == b].sum() - right[place == b].sum()) for b in range(bins)) / len(p)


def add(name, z, truth, independent):
    p = scipy.special.softmax(z, axis=1).astype("f4")
    z = np.log(np.maximum(p, np.float32(1e-37)).astype("f8"))  # what the probabilities still tell
    best = scipy.optimize.minimize_scalar(lambda t: platt_loss(np.exp(t), z, truth, independent), bounds=np.log([0.05, 20]),
                                          method="bounded", options={"xatol": 1e-12})
    p8 = p.astype("f8")
    case = {"name": name, "classes": z.shape[1], "truth": truth.tolist(), "probabilities": p.ravel().tolist(),
            "independent": independent, "temperature": float(np.exp(best.x)),
            "tempered": scipy.special.softmax(z / 1.7, axis=1).ravel().tolist(),
            "log_loss": log_loss(truth, p8 / p8.sum(1, keepdims=True), labels=range(z.shape[1]), eps=np.finfo("f8").eps),
            "brier": float(np.mean(((p8 - np.eye(z.shape[1])[truth]) ** 2).sum(1))),
            "expected_calibration_error": float(expected_calibration_error(p, truth))}
    if z.shape[1] == 2:
        # scikit-learn's counts one of the two classes, whose floats do not quite add up to 1.
        assert abs(case["brier"] - 2 * brier_score_loss(truth, p8[:, 1])) < 1e-7
    cases.append(case)


for n, classes, sharpness in ((90, 2, 1), (60, 10, 4), (70, 3, 0.2), (50, 5, 30)):
    truth = rng.integers(0, classes, n)
    z = rng.normal(size=(n, classes)) + 1.5 * np.eye(classes)[truth]
    add(f"{classes} classes, logits times {sharpness}", z * sharpness, truth, n)
truth = rng.integers(0, 4, 60)
add("all right, of 120 observations", rng.normal(size=(60, 4)) * 0.1 + 6 * np.eye(4)[truth], truth, 120)
add("all right, of 5 observations", rng.normal(size=(60, 4)) * 0.1 + 6 * np.eye(4)[truth], truth, 5)
add("always wrong", rng.normal(size=(60, 3)) + 8 * np.eye(3)[(truth[:60] + 1) % 3], truth[:60] % 3, 60)

versions = {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "scipy": scipy.__version__}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"versions": versions, "cases": cases}, separators=(",", ":")) + "\n")
