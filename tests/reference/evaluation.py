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
from sklearn.metrics import (average_precision_score, balanced_accuracy_score, classification_report,
                             cohen_kappa_score, confusion_matrix, matthews_corrcoef, precision_recall_curve,
                             precision_recall_fscore_support, roc_auc_score, roc_curve, top_k_accuracy_score)

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

# Scores. A refusal is -1 in Mudra; scikit-learn gets it as one label more.


def defined(call):
    """None where scikit-learn refuses or answers NaN."""
    try:
        value = float(call())
    except ValueError:
        return None
    return None if np.isnan(value) else value


def points(truth, score):
    """Of both curves, the first and the last of each recall, by falling thresholds: [recall, false positive
    rate, precision, threshold]. scikit-learn has the same from 1.3 on (drop_intermediate)."""
    rate, recall, threshold = roc_curve(truth, score, drop_intermediate=False)
    precision, recall_again, threshold_again = precision_recall_curve(truth, score)
    by_threshold = dict(zip(threshold_again, zip(precision, recall_again)))
    found = [[0.0, 0.0, 1.0, None]]
    kept = [i for i in range(1, len(recall)) if i == len(recall) - 1 or recall[i] != recall[i - 1] or recall[i] != recall[i + 1]]
    for i in kept:
        p, r = by_threshold[threshold[i]]
        assert r == recall[i]
        found.append([recall[i], rate[i], p, float(threshold[i])])
    return found


def scores_of(truth, predicted, p):
    k = p.shape[1]
    said = np.where(predicted < 0, k, predicted)
    found = {"balanced_accuracy": defined(lambda: balanced_accuracy_score(truth, said)),
             "cohen_kappa": defined(lambda: cohen_kappa_score(truth, said)),
             "matthews": defined(lambda: matthews_corrcoef(truth, said)),
             "average_precision": defined(lambda: average_precision_score(np.eye(k)[truth], p, average="macro"))}
    # Of one class after the other, so that the probabilities need not add up to 1.
    each = [defined(lambda: roc_auc_score(truth == c, p[:, c])) for c in range(k)]
    found["roc_auc"] = None if None in each else float(np.mean(each))
    # scikit-learn knows no refusal here: it is not right, as in the accuracy.
    among = np.array([top_k_accuracy_score([t], s[1:] if k == 2 else [s], k=2, labels=range(k)) for t, s in zip(truth, p)])
    among *= predicted >= 0
    found["top_2_accuracy"] = float(among.mean())
    found["per_class"] = [{"roc_auc": each[c],
                           "average_precision": abs(defined(lambda: average_precision_score(truth == c, p[:, c]))),
                           "top_2_accuracy": float(among[truth == c].mean()) if (truth == c).any() else None,
                           "points": points(truth == c, p[:, c]) if 0 < (truth == c).sum() < len(truth) else []}
                          for c in range(k)]
    return found


def probabilities(truth, k, sharpness, decimals):
    logits = rng.normal(size=(len(truth), k)) + sharpness * np.eye(k)[truth]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return (np.round(p, decimals) if decimals else p).astype("f4")


def shortest(p):
    return [float(str(v)) for v in p.ravel()]


scored = []


def add_scores(name, truth, p, refusals=0.0, curves=True):
    truth = np.asarray(truth)
    predicted = np.where(rng.random(len(truth)) < refusals, -1, p.argmax(1))
    found = scores_of(truth, predicted, p)
    for each in found["per_class"]:
        curves or each.pop("points")
    k = p.shape[1]
    if (predicted >= 0).all() and k > 2 and len(set(truth)) == k and np.allclose(p.sum(1), 1):
        assert np.isclose(found["roc_auc"], roc_auc_score(truth, p, multi_class="ovr"), rtol=0, atol=1e-15)
        assert found["top_2_accuracy"] == top_k_accuracy_score(truth, p, k=2)
    scored.append({"name": name, "truth": truth.tolist(), "predicted": predicted.tolist(), "classes": k,
                   "probabilities": shortest(p), "scores": found})


for number in range(12):
    k, n = int(rng.integers(2, 8)), int(rng.integers(5, 120))
    truth = rng.integers(0, k, n)
    add_scores(f"ordinary {number}", truth, probabilities(truth, k, 2 * rng.random(), 0))
    add_scores(f"ties {number}", truth, probabilities(truth, k, 2 * rng.random(), 1), refusals=0.2 * (number % 2))
truth = rng.integers(0, 3, 60)
add_scores("all probabilities the same", truth, np.full((60, 3), 1 / 3, "f4"))
add_scores("all right", truth, np.eye(3, dtype="f4")[truth])
add_scores("all wrong", truth, np.eye(3, dtype="f4")[(truth + 1) % 3])
add_scores("refusals", truth, probabilities(truth, 3, 1, 0), refusals=0.4)
add_scores("all refused", truth, probabilities(truth, 3, 1, 0), refusals=1)
add_scores("an empty class", np.where(truth == 1, 2, truth), probabilities(truth, 3, 1, 0))
add_scores("an empty class that nobody names", np.where(truth == 1, 2, truth), np.eye(3, dtype="f4")[np.where(truth == 1, 0, truth)])
add_scores("one class only", np.zeros(9, int), probabilities(np.zeros(9, int), 3, 1, 0))
add_scores("one class only, all right", np.zeros(9, int), np.eye(3, dtype="f4")[np.zeros(9, int)])
add_scores("one image", [1], np.array([[0.3, 0.7]], "f4"))
add_scores("one image of each class", [0, 1, 2], probabilities(np.arange(3), 3, 1, 0))
truth = (rng.random(400) < 0.02).astype(int)
add_scores("a rare class", truth, probabilities(truth, 2, 1, 2))

# Intervals, from samples of units drawn here: scikit-learn's score of every sample, then Student's t on the
# logistic scale with the deviation of the samples, each bound as if there had been one more mistake in the
# rarest class, or one less.
truth = rng.integers(0, 3, 90)
unit = np.sort(rng.integers(0, 8, 90))
p = probabilities(truth, 3, 1, 2)
draws = rng.integers(0, 8, (50, 8))
sampled = {name: [] for name in ("balanced_accuracy", "cohen_kappa", "matthews", "roc_auc", "average_precision", "top_2_accuracy")}
for draw in draws:
    rows = np.concatenate([np.flatnonzero(unit == u) for u in draw])
    found = scores_of(truth[rows], p[rows].argmax(1), p[rows])
    for name, values in sampled.items():
        values.append(found[name])
rarest = min(np.bincount(truth))
intervals = {}
whole = scores_of(truth, p.argmax(1), p)
for name, values in sampled.items():
    low, high = (-1, 1) if name in ("cohen_kappa", "matthews") else (0, 1)
    share, deviation = (whole[name] - low) / (high - low), np.std(values, ddof=1) / (high - low) * np.sqrt(8 / 7)
    bounds = []
    for sign, room in ((-1, share), (1, 1 - share)):
        moved = room / (90 if name == "top_2_accuracy" else 3 * rarest)
        at, spread = share + sign * moved, np.hypot(deviation, moved)
        half = scipy.stats.t.ppf(0.975, 7) * np.sqrt(np.log1p((spread / (at * (1 - at))) ** 2))
        bounds.append(low + (high - low) * float(scipy.special.expit(scipy.special.logit(at) + sign * half)))
    intervals[name] = bounds
resampled = {"truth": truth.tolist(), "unit": unit.tolist(), "classes": 3, "units": 8, "draws": draws.tolist(),
             "probabilities": shortest(p), "predicted": p.argmax(1).tolist(), "intervals": intervals}

# Answers of which some are refused: no label of scikit-learn's, which counts the images all the same.
refusals = []
for share in (0.1, 0.5, 1):
    truth = rng.integers(0, 3, 80)
    predicted = np.where(rng.random(80) < share, -1, np.where(rng.random(80) < 0.7, truth, rng.integers(0, 3, 80)))
    scores = precision_recall_fscore_support(truth, predicted, labels=range(3), zero_division=0)
    given, right = int((predicted >= 0).sum()), int((predicted == truth).sum())
    share_of = lambda k, n: [float(bound) for bound in scipy.stats.binomtest(k, n).proportion_ci(method="wilson")]
    refusals.append({"truth": truth.tolist(), "predicted": predicted.tolist(),
                     "confusion": confusion_matrix(truth, predicted, labels=range(3)).tolist() if given else [[0] * 3] * 3,
                     **{key: values.tolist() for key, values in zip(("precision", "recall", "f1", "support"), scores)},
                     "accuracy": right / 80, "refused": 80 - given, "refused_interval": share_of(80 - given, 80),
                     "answered": {"n": given, "accuracy": right / given if given else None,
                                  "interval": share_of(right, given) if given else None}})

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "scipy": scipy.__version__},
    "cases": cases, "wilson": wilson, "bootstrap": bootstrap,
    "new_hand": new_hand, "scores": scored, "resampled": resampled, "refusals": refusals}, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes,", len(cases), "cases")
