"""Reference values for label_errors_test.cpp: the definitions of Northcutt, Jiang and Chuang, "Confident Learning"
(JAIR 2021), in NumPy: thresholds (equation 2), confident joint (equation 1), its calibration (equation 3), normalised margin.

Run with the system's python3 from the project's root:
    python3 tests/reference/label_errors.py
"""
import json
import pathlib

import numpy as np

rng = np.random.default_rng(11)
cases = []


def add(name, labels, p, photographs=None):
    labels = np.asarray(labels)
    p = np.asarray(p, np.float32).astype(np.float64)
    n, k = p.shape
    case = {"name": name, "classes": k, "labels": labels.tolist(), "probabilities": p.ravel().tolist()}
    q = p.copy()
    if photographs is not None:
        case["photographs"] = photographs.tolist()
        for photograph in np.unique(photographs):
            rows = photographs == photograph
            if rows.sum() == 1:
                continue
            mean = np.exp(np.log(np.maximum(p[rows], 1e-6)).mean(axis=0))
            q[rows] = mean / mean.sum()
    thresholds = np.array([q[labels == j, j].mean() for j in range(k)])
    confident = q >= thresholds - 1e-6
    seen = np.where(confident.any(axis=1), np.where(confident, q, -1).argmax(axis=1), -1)
    joint = np.zeros((k, k), int)
    for given, shown in zip(labels, seen):
        if shown >= 0:
            joint[given, shown] += 1
    counts = np.bincount(labels, minlength=k)
    calibrated = joint / np.maximum(joint.sum(axis=1, keepdims=True), 1) * counts[:, None]
    suspects = np.flatnonzero((seen >= 0) & (seen != labels))
    margin = q[suspects, labels[suspects]] - q[suspects, seen[suspects]]
    case |= {"thresholds": thresholds.tolist(), "joint": joint.tolist(),
             "estimated": float(calibrated.sum() - np.trace(calibrated)),
             "suspects": {str(row): [int(seen[row]), float((1 - m) / 2)] for row, m in zip(suspects, margin)}}
    cases.append(case)


def noisy(n, k, noise, sharpness):
    """Labels of which a share is wrong, and probabilities that lean to the truth."""
    truth = rng.integers(0, k, n)
    truth[:5 * k] = np.repeat(np.arange(k), 5)
    labels = np.where(rng.random(n) < noise, (truth + rng.integers(1, k, n)) % k, truth)
    labels[:5 * k] = truth[:5 * k]
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), truth] += sharpness
    p = np.exp(logits)
    return truth, labels, p / p.sum(axis=1, keepdims=True)


for number in range(20):
    k = int(rng.integers(2, 9))
    _, labels, p = noisy(int(rng.integers(6 * k, 90)), k, rng.random() / 3, 4 * rng.random())
    add(f"random {number}", labels, p)
for number in range(6):
    k = int(rng.integers(2, 6))
    _, labels, p = noisy(80, k, 0.1, 2)
    add(f"photographs {number}", labels, p, rng.integers(0, 25, 80))
add("all sure, all equal", np.repeat([0, 1], 10), np.repeat([[0.9, 0.1], [0.1, 0.9]], 10, axis=0))

out = pathlib.Path(__file__).with_suffix(".json")
out.write_text(json.dumps({"versions": {"numpy": np.__version__}, "cases": cases}) + "\n")
