"""Reference values for evaluation_test.cpp from scikit-learn, SciPy and NumPy.

Run with the system's python3 from the project's root:
    python3 tests/reference/evaluation.py
"""
import json
import pathlib
import warnings

import numpy as np
import scipy
import scipy.special
import scipy.stats
import sklearn
from sklearn.metrics import (classification_report, confusion_matrix,
                             precision_recall_fscore_support)

warnings.filterwarnings("ignore")
rng = np.random.default_rng(7)
cases = []


def add(name, truth, predicted, names):
    """`names` names every class; scikit-learn gets those that occur."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    listed = sorted(set(truth) | set(predicted))
    text = classification_report(truth, predicted, target_names=[names[i] for i in listed])
    every = range(len(names))
    scores = precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0)
    case = {"name": name, "truth": truth.tolist(), "predicted": predicted.tolist(), "names": names,
            "text": text,
            "accuracy": float(np.mean(truth == predicted))}
    if len(names) <= 20:
        case["confusion"] = confusion_matrix(truth, predicted, labels=every).tolist()
        case["precision"], case["recall"], case["f1"] = (s.tolist() for s in scores[:3])
        case["support"] = scores[3].tolist()
    cases.append(case)


def names(k):
    return [str(i) for i in range(k)]


for number in range(150):
    k = int(rng.integers(2, 13))
    n = int(rng.integers(1, 400))
    truth = rng.integers(0, k, n)
    predicted = np.where(rng.random(n) < rng.random(), truth, rng.integers(0, k, n))
    add(f"random {number}", truth, predicted, names(k))
for number in range(100):  # small counts: ties in the second decimal
    n = int(rng.integers(1, 17))
    truth, predicted = rng.integers(0, 3, n), rng.integers(0, 3, n)
    add(f"small {number}", truth, predicted, names(3))
for k in (100, 137, 300, 1000):
    truth = rng.integers(0, k, 3 * k)
    predicted = np.where(rng.random(3 * k) < 0.6, truth, rng.integers(0, k, 3 * k))
    add(f"{k} classes", truth, predicted, names(k))

add("one image", [0], [0], ["0", "5"])
add("one image, wrong", [0], [1], ["0", "5"])
add("one class predicted only", [0, 1, 0, 1, 1], [1] * 5, ["0", "5"])
add("one class in truth only", [1] * 5, [0, 1, 0, 1, 1], ["0", "5"])
add("a class that never occurs", [0, 2, 2, 0], [0, 2, 0, 0], ["a", "b", "c"])
add("the report's names", [0] * 101 + [1] * 99, [0] * 104 + [1] * 96, ["0 digit sign", "5 digit sign"])
add("long names", [0, 1, 1], [0, 1, 0], ["a rather long name of a sign", "b"])
add("unicode", [0, 1, 2, 3, 3], [0, 1, 2, 3, 0],
    ["Fünf", "五五五五五五五五五五五五五", "👋🏽", "e\u0301"])
add("quotes and markup", [0, 1, 2], [0, 1, 1], ["<script>alert(1)</script>", "\"'", ""])
add("wide support", [0] * 12345 + [1] * 7, [0] * 12345 + [1] * 7, ["0", "1"])

wilson = []
for n in (1, 2, 5, 10, 50, 200, 1000, 123457):
    for k in sorted({0, 1, n // 3, n - 1, n}):
        ci = scipy.stats.binomtest(k, n).proportion_ci(method="wilson")
        wilson.append({"k": k, "n": n, "low": ci.low, "high": ci.high})

bootstrap = []
for number in range(6):
    groups = int(rng.integers(10, 40))
    sizes = rng.integers(5, 60, groups)
    skill = rng.beta(8, 2, groups)
    unit = np.repeat(np.arange(groups), sizes)
    right = (rng.random(len(unit)) < np.repeat(skill, sizes)).astype(int)
    totals = np.bincount(unit, right)
    draws = rng.integers(0, groups, (200000, groups))
    shares = totals[draws].sum(1) / sizes[draws].sum(1)
    low, high = np.percentile(shares, [2.5, 97.5])
    bootstrap.append({"unit": unit.tolist(), "right": right.tolist(), "groups": groups,
                      "low": low, "high": high, "deviation": shares.std()})

# Of the mean accuracy of hands: Student's t, and what a beta-binomial model with a uniform prior of the mean
# holds likely, on a fine grid. (right, images) of each hand.
new_hand = []
for hands in ([(940, 1000), (927, 1000), (870, 1000), (947, 1000), (795, 1000)], [(20, 20)] * 5, [(0, 7)] * 3,
              [(9, 10)] * 12, [(1, 1), (0, 1), (1, 1), (1, 1)], [(50, 50)] * 9 + [(20, 50)],
              [(19, 20), (30, 33), (7, 9), (41, 44), (12, 12), (55, 60), (8, 10)],
              [(rng.binomial(40, p), 40) for p in rng.beta(9, 1, 150)]):
    right, images = np.array(hands).T
    shares = right / images
    with np.errstate(all="ignore"):
        t = scipy.stats.t.interval(0.95, len(hands) - 1, shares.mean(), scipy.stats.sem(shares))
    mean = (np.arange(8000)[:, None] + 0.5) / 8000
    size = 1 / np.array([.01, .02, .04, .08, .16, .32, .64]) - 1
    a, b = mean * size, (1 - mean) * size
    log = sum(scipy.special.betaln(a + r, b + n - r) - scipy.special.betaln(a, b) for r, n in hands)
    below = np.cumsum(np.exp(log - log.max()).sum(1))
    model = np.interp([0.075, 0.925], below / below[-1], mean[:, 0] + 0.5 / 8000)
    new_hand.append({"right": right.tolist(), "images": images.tolist(), "model": model.tolist(),
                     "t": [float(bound) for bound in (t if shares.std() > 0 else shares[:2])]})

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "scipy": scipy.__version__},
    "cases": cases, "wilson": wilson, "bootstrap": bootstrap,
    "new_hand": new_hand}, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes,", len(cases), "cases")
