#!/usr/bin/env python3
"""mudra.SignClassifier beside scikit-learn's MLPClassifier and beside the command: one thread, in turn.

usage: PYTHONPATH=build/release/python benchmarks/python.py [DATA.npz] [--rounds N] [--command build/release/mudra]

DATA is the course's dataset_labels.npz; without it hands are rendered. Prints Markdown tables: medians, and the median of
the ratios of each round with the lowest and the highest.
"""

import argparse
import json
import os
import pathlib
import pickle
import statistics
import subprocess
import tempfile
import time
import warnings

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"
for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # some environments set them
    os.environ.pop(variable, None)

import numpy as np  # noqa: E402
import sklearn  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.model_selection import StratifiedKFold, cross_val_score  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402

import mudra  # noqa: E402


def ratios(a, b):
    all_ratios = [x / y for x, y in zip(a, b)]
    return f"{statistics.median(all_ratios):.2f} ({min(all_ratios):.2f} to {max(all_ratios):.2f})"


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report_data(path):
    """The report's thousand images of 0 and 5 as its file has them: float64 0..255, shuffled."""
    data = mudra.read_images(path) if path else mudra.render_hands(5000)
    chosen = np.isin(data.labels, [0, 5])
    order = np.random.default_rng(1).permutation(chosen.sum())
    X = data.images[chosen].reshape(-1, 784).astype(np.float64)[order]
    return X, data.labels[chosen][order]


def like_the_report(random_state=1):
    return MLPClassifier((128,), activation="logistic", solver="sgd", learning_rate_init=0.01, batch_size=32, max_iter=100,
                         momentum=0, alpha=0, tol=0, n_iter_no_change=1000, random_state=random_state)


def training(X, y, command, rounds):
    train = slice(0, 800)
    ours, theirs, theirs32, loops, walls = [], [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        np.savez(folder / "data.npz", dataset=X, labels=y)
        split = {"description": "", "images": len(y),
                 "folds": [{"name": "", "train": list(range(800)), "test": list(range(800, len(y)))}]}
        (folder / "split.json").write_text(json.dumps(split))
        for number in range(rounds):
            classifier = mudra.SignClassifier(recipe="report", n_jobs=1)
            ours.append(seconds(lambda: classifier.fit(X[train], y[train])))
            theirs.append(seconds(lambda: like_the_report().fit(X[train] / 255, y[train])))
            theirs32.append(seconds(lambda: like_the_report().fit((X[train] / 255).astype(np.float32), y[train])))
            result = subprocess.run([command, "train", folder / "data.npz", "--split", folder / "split.json", "--recipe", "report",
                                     "--threads", "1", "--out", folder / str(number), "--quiet", "--json", "--no-report"],
                                    capture_output=True, text=True, check=True)
            # Beside it a fit that, as the command does, watches what is held out in every epoch.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                watching = mudra.SignClassifier(recipe="report", n_jobs=1)
                watching._warn_of_near_copies = lambda *_: None
                walls.append(seconds(lambda: watching.fit(X[train], y[train], test=(X[800:], y[800:]))))
            assert watching.model_.bytes() == (folder / str(number) / "model.safetensors").read_bytes()
            loops.append(json.loads(result.stdout)["seconds"]["train"])
    print("| The report's experiment, 800 images float64 0..255, conversion included | s | MLPClassifier / Mudra |\n|---|---|---|")
    print(f"| mudra.SignClassifier.fit | {statistics.median(ours):.3f} | |")
    print(f"| MLPClassifier.fit(X / 255) | {statistics.median(theirs):.3f} | {ratios(theirs, ours)} |")
    print(f"| MLPClassifier.fit, float32 | {statistics.median(theirs32):.3f} | {ratios(theirs32, ours)} |\n")
    print("| The same beside the command, same bytes | s | fit / loop |\n|---|---|---|")
    print(f"| the command's optimisation steps alone | {statistics.median(loops):.3f} | |")
    print(f"| fit, all of it | {statistics.median(ours):.3f} | {ratios(ours, loops)} |")
    print(f"| fit, watching the 200 held out in every epoch | {statistics.median(walls):.3f} | {ratios(walls, loops)} |\n")
    return classifier, like_the_report().fit((X[train] / 255).astype(np.float32), y[train])


def p50(work, times=5000):
    taken = []
    for _ in range(times):
        start = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - start)
    return statistics.median(taken) / 1000


def answering(classifier, other, X, rounds):
    row = np.ascontiguousarray(X[:1], dtype=np.float32)
    scaled = row / 255
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(p50(lambda: classifier.predict_proba(row)))
        theirs.append(p50(lambda: other.predict_proba(scaled)))
    print("| predict_proba of one row of 784 float32, p50 of 5,000 | µs | ratio |\n|---|---|---|")
    print(f"| mudra.SignClassifier | {statistics.median(ours):.1f} | |")
    print(f"| MLPClassifier, float32 | {statistics.median(theirs):.1f} | {ratios(theirs, ours)} |\n")
    print(f"Pickled: {len(pickle.dumps(classifier)):,} bytes, and {len(pickle.dumps(other)):,} (float32).\n")


def digits():
    X, y = load_digits(return_X_y=True)
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    print("| load_digits, 10 folds, defaults | right of 1,797 | s |\n|---|---|---|")
    for name, estimator in (("mudra.SignClassifier", mudra.SignClassifier(n_jobs=1)),
                            ("MLPClassifier", MLPClassifier(random_state=0))):
        start = time.perf_counter()
        scores = cross_val_score(estimator, X, y, cv=folds)
        print(f"| {name} | {100 * scores.mean():.2f}% (folds {100 * scores.min():.1f} to {100 * scores.max():.1f}) | "
              f"{time.perf_counter() - start:.1f} |")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--command", default="build/release/mudra")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, {arguments.rounds} rounds\n")
    X, y = report_data(arguments.data)
    classifier, other = training(X, y, pathlib.Path(arguments.command).resolve(), arguments.rounds)
    answering(classifier, other, X, arguments.rounds)
    digits()


if __name__ == "__main__":
    main()
