"""The report's experiment twice: its own way in NumPy and scikit-learn, mistakes and all, and with `mudra train --recipe
report`, on the same splits. Prints the tables of docs/report-revisited.md as Markdown.

usage: report_revisited.py DATA [--groups FILE] [--seeds 5] [--write DOCUMENT] [--command MUDRA]

DATA is anything Mudra reads that has classes 0 and 5: the course's dataset_labels.npz, or synth:2000 (hands rendered by
Mudra, which know their groups). --write puts each table between its marks in the document instead of printing it.
"""

import argparse
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # sums in one order on every machine
import numpy as np
from sklearn.metrics import classification_report, confusion_matrix

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = ["0 digit sign", "5 digit sign"]
EPOCHS, BATCH, RATE, HIDDEN = 100, 32, 0.01, 128
MOST_HANDS_ONE_BY_ONE = 10


# ---- the report's way: images are columns, as in its code ----

def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def train(X, Y, seed, divide_by_32=True):
    """The report's loop. Its last batch of an epoch is divided by 32 even when it is smaller."""
    rng = np.random.default_rng(seed)
    W1, b1 = rng.standard_normal((HIDDEN, len(X))), np.zeros((HIDDEN, 1))
    W2, b2 = rng.standard_normal((1, HIDDEN)), np.zeros((1, 1))
    for _ in range(EPOCHS):
        for begin in range(0, X.shape[1], BATCH):
            X_batch, Y_batch = X[:, begin : begin + BATCH], Y[:, begin : begin + BATCH]
            batch_size = BATCH if divide_by_32 else X_batch.shape[1]
            A1 = sigmoid(W1 @ X_batch + b1)
            A2 = sigmoid(W2 @ A1 + b2)
            dZ2 = A2 - Y_batch
            dZ1 = (W2.T @ dZ2) * A1 * (1 - A1)
            W2 = W2 - RATE * (dZ2 @ A1.T / batch_size)
            b2 = b2 - RATE * (dZ2.sum(axis=1, keepdims=True) / batch_size)
            W1 = W1 - RATE * (dZ1 @ X_batch.T / batch_size)
            b1 = b1 - RATE * (dZ1.sum(axis=1, keepdims=True) / batch_size)
    return W1, b1, W2, b2


def probability_of_5(weights, X, hidden_bias=True):
    W1, b1, W2, b2 = weights
    return sigmoid(W2 @ sigmoid(W1 @ X + (b1 if hidden_bias else 0)) + b2)[0]


# ---- Mudra's way ----

class Mudra:
    def __init__(self, command, data, folder):
        self.command, self.data, self.folder, self.runs = command, data, folder, 0

    def ask(self, *words):
        result = subprocess.run([self.command, *map(str, words)], cwd=self.folder, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(result.stderr.strip())
        return result.stdout

    def train(self, seed, *more):
        """Result, split and losses by epoch of `mudra train --recipe report`."""
        self.runs += 1
        out = self.folder / f"run-{self.runs}"
        result = json.loads(self.ask("train", self.data, "--recipe", "report", "--seed", seed, "--out", out, "--json",
                                     "--quiet", "--no-report", *more))
        lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
        result["folds"] = json.loads((out / "split.json").read_text())["folds"]
        result["history"] = np.array([[line["loss"]["train"], line["loss"]["held_out"]] for line in lines
                                      if line["fold"] != "all images"])
        result["history"] = result["history"].reshape(len(result["folds"]), EPOCHS, 2).mean(axis=0)
        return result

    def near_copies(self, seed, how):
        found = json.loads(self.ask("data", "leaks", self.data, "--split", how, "--seed", seed, "--json", "--cache", ""))
        return found["test_with_twin"], found["test"]


# ---- tables ----

def percent(share):
    return f"{100 * share:.1f}%"


def spread(shares):
    return f"{percent(np.mean(shares))} ({percent(min(shares))} to {percent(max(shares))})"


def block(text):
    return f"```\n{text.rstrip()}\n```"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def scores_of(truth, predicted):
    return classification_report(truth, predicted, target_names=NAMES)


def matrices_behind(published, total):
    """Every true confusion matrix (truth down) whose report, made with exchanged arguments, rounds to the published one."""
    found = []
    for right0, wrong0, wrong5 in itertools.product(range(total + 1), repeat=3):
        right5 = total - right0 - wrong0 - wrong5
        if right5 < 0 or wrong0 + wrong5 > total // 10:
            continue
        # What is called precision divides by the row, and what is called support is the column.
        columns, rows = (right0 + wrong5, wrong0 + right5), (right0 + wrong0, wrong5 + right5)
        if columns != published["support"] or 0 in rows:
            continue
        precision = tuple(f"{right / row:.2f}" for right, row in zip((right0, right5), rows))
        recall = tuple(f"{right / column:.2f}" for right, column in zip((right0, right5), columns))
        if precision == published["precision"] and recall == published["recall"]:
            found.append([[right0, wrong0], [wrong5, right5]])
    return found


PUBLISHED = {"precision": ("0.97", "1.00"), "recall": ("1.00", "0.97"), "support": (101, 99)}


def published_table():
    matrices = matrices_behind(PUBLISHED, 200)
    assert len(matrices) == 1
    (a, b), (c, d) = matrices[0]
    truth, predicted = [0] * (a + b) + [1] * (c + d), [0] * a + [1] * b + [0] * c + [1] * d
    return (f"One true matrix of 200 images rounds to the published table: {a} of {a + b} zeros and {d} of {c + d} fives right. "
            "Its report with the arguments in order:\n\n" + block(scores_of(truth, predicted)))


def exchanged_table(truth, predicted):
    matrices = [confusion_matrix(predicted, truth), confusion_matrix(truth, predicted)]
    rows = [(f"true {name}", *matrices[1][i]) for i, name in enumerate((0, 5))]
    wrong = [(f"true {name}", *matrices[0][i]) for i, name in enumerate((0, 5))]
    head = ["", "predicted 0", "predicted 5"]
    return "\n\n".join(["The report's way, `f(predicted, true)`:", table(head, wrong), block(scores_of(predicted, truth)),
                        "In order, `f(true, predicted)`:", table(head, rows), block(scores_of(truth, predicted))])


def curve_table(random, by_hand):
    rows = []
    for epoch in (1, 5, 10, 25, 50, 75, 100):
        r, h = random["history"][epoch - 1], by_hand["history"][epoch - 1]
        rows.append([epoch, f"{r[0]:.3f}", f"{r[1]:.3f}", f"{h[0]:.3f}", f"{h[1]:.3f}"])
    return table(["epoch", "random split: training", "held out", "by hand: training", "held out"], rows)


def bias_table(weights, X, truth):
    full, without = probability_of_5(weights, X), probability_of_5(weights, X, hidden_bias=False)
    moved = abs(full - without)
    rows = [["largest hidden bias after training", f"{abs(weights[1]).max():.3f}"],
            ["probability moved by, mean", f"{moved.mean():.4f}"], ["probability moved by, most", f"{moved.max():.3f}"],
            ["images called something else", f"{int(((full > 0.5) != (without > 0.5)).sum())} of {len(truth)}"]]
    return table(["Leaving the hidden bias out of a prediction", ""], rows)


class Experiment:
    def __init__(self, mudra, array, seeds):
        self.mudra, self.seeds = mudra, range(1, seeds + 1)
        with np.load(array, allow_pickle=False) as data:
            self.X = data["dataset"].reshape(len(data["dataset"]), -1).T / 255.0
            self.Y = (data["labels"] == "5").astype(float).reshape(1, -1)
            self.hands = len(set(data["groups"])) if "groups" in data else 0
        self.by_hand_split = "leave-one-group-out" if self.hands <= MOST_HANDS_ONE_BY_ONE else "group"

    def numpy_fold(self, fold, seed, **how):
        """Weights, truth and predictions of one fold, the report's way."""
        rows, held = fold["train"], fold["test"]
        weights = train(self.X[:, rows], self.Y[:, rows], seed, **how)
        predicted = (probability_of_5(weights, self.X[:, held]) > 0.5).astype(int)
        return weights, self.Y[0, held].astype(int), predicted

    def by_hand_accuracy(self, folds, **how):
        right = [truth == predicted for _, truth, predicted in (self.numpy_fold(fold, 1, **how) for fold in folds)]
        return np.concatenate(right).mean()

    def tables(self):
        random = [self.mudra.train(seed) for seed in self.seeds]
        by_hand = [self.mudra.train(seed, "--split", self.by_hand_split) for seed in self.seeds]
        numpy = [self.numpy_fold(run["folds"][0], seed) for seed, run in zip(self.seeds, random)]
        weights, truth, predicted = numpy[0]
        held = random[0]["folds"][0]["test"]
        copies = {how: self.mudra.near_copies(1, how) for how in ("0.8", self.by_hand_split)}
        return {
            "results": self.results_table(random, by_hand, numpy, copies),
            "published": published_table(),
            "exchanged": exchanged_table(truth, predicted),
            "curve": curve_table(random[0], by_hand[0]),
            "bias": bias_table(weights, self.X[:, held], truth),
            "batch": self.batch_table(random[0]["folds"] + by_hand[0]["folds"], by_hand[0]["folds"]),
        }

    def results_table(self, random, by_hand, numpy, copies):
        first = [random[0]["test"], by_hand[0]["test"]]
        truth, predicted = numpy[0][1:]
        shares = [[np.mean(t == p) for _, t, p in numpy]] + [[run["test"]["accuracy"] for run in runs] for runs in (random, by_hand)]
        swapped = classification_report(predicted, truth, target_names=NAMES, output_dict=True)
        rows = [["accuracy, one run (seed 1)", "98%", *(percent(s[0]) for s in shares)],
                ["its 95% interval, these hands", "not given", "not given",
                 *(f"{percent(t['interval'][0])} to {percent(t['interval'][1])}" for t in first)],
                ["which stands on", "", "", *(f"{t['interval_units']} independent {t['interval_unit']}s" for t in first)],
                ["95% interval for new hands", "", "", *map(new_hands, first)],
                [f"accuracy, seeds 1 to {len(self.seeds)}: mean (range)", "one run", *map(spread, shares)]]
        for i, name in enumerate(("0", "5")):
            for key in ("precision", "recall"):
                rows.append([f"{key} of {name}", f"{PUBLISHED[key][i]} (exchanged)", f"{swapped[NAMES[i]][key]:.2f} (exchanged)",
                             *(f"{t['per_class'][i][key]:.2f}" for t in first)])
        counts = [f"{found:,} of {total:,}" for found, total in copies.values()]
        rows.append(["held-out images with a near copy in training", "not looked for", counts[0], *counts])
        hands = "each hand left out once" if self.by_hand_split != "group" else "other hands held out"
        return table(["", "the report", "its way, repeated", "Mudra, random split", f"Mudra, {hands}"], rows)

    def batch_table(self, folds, by_hand_folds):
        rows = []
        for fold in folds:
            count = len(fold["train"])
            left = count % BATCH
            rows.append([fold["name"] or "random 80%", f"{count:,}", left or "none", f"{left / BATCH:.2f}" if left else "1"])
        accuracies = [self.by_hand_accuracy(by_hand_folds, divide_by_32=wrong) for wrong in (True, False)]
        return (table(["held out", "training images", "in the last batch", "its step, of the right length"], rows) +
                f"\n\nAccuracy on the hands held out, NumPy, seed 1: {percent(accuracies[0])} dividing by 32, "
                f"{percent(accuracies[1])} dividing by the batch's size.")


def new_hands(test):
    """Nothing can be said of them where no hand was new."""
    new = test["new_group"]
    return f"{percent(new['interval'][0])} to {percent(new['interval'][1])}, from {new['groups']} hands" if new else "none was tested"


def put(document, tables):
    for name, text in tables.items():
        marks = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        document, count = re.subn(marks, lambda m: f"{m[1]}\n{text}\n\n{m[2]}", document, flags=re.S)
        if count != 1:
            sys.exit(f"the document must have one place marked `<!-- table: {name} -->` to `<!-- end -->`, not {count}")
    return document


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("data")
    parser.add_argument("--groups")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--write", type=pathlib.Path)
    parser.add_argument("--command", default=ROOT / "build" / "release" / "mudra")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        mudra = Mudra(arguments.command, folder / "data.npz", folder)
        source = arguments.data if arguments.data.startswith("synth:") else pathlib.Path(arguments.data).resolve()
        groups = ["--groups", pathlib.Path(arguments.groups).resolve()] if arguments.groups else []
        mudra.ask("data", "convert", source, "--out", mudra.data, "--classes", "0,5", *groups)
        experiment = Experiment(mudra, mudra.data, arguments.seeds)
        if experiment.hands < 2:
            sys.exit("the data do not say whose hand each image shows: name a file with --groups")
        tables = experiment.tables()
    if arguments.write:
        arguments.write.write_text(put(arguments.write.read_text(), tables))
    else:
        print("\n\n".join(f"**{name}**\n\n{text}" for name, text in tables.items()))


if __name__ == "__main__":
    main()
