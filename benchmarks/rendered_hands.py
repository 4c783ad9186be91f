"""How well photographs are read by classifiers that have seen rendered hands only. Prints the table of docs/synth.md as
Markdown, or with --json one JSON document.

usage: rendered_hands.py DATA [--final | --stress] [--massey 80000] [--ankara 100000] [--epochs 6] [--seed 1] [--json]
                         [--command MUDRA]

DATA is the folder that holds sign-digits/ (dataset_labels.npz, groups.npz) and ankara/ (pictures, groups.csv). Only the
part that may be looked at while building is tested (Massey hands 1 and 2, Ankara signers divisible by 3); --final tests
the rest too; --stress tests the part looked at after changes that stand for other people and other light, and Ankara's
hands cut out on black (needs Pillow). Nothing is chosen by a photograph here: every setting is a constant of this file or an option.
"""

import argparse
import csv
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
CNN = "conv 32 3x3, relu, pool 2, conv 64 3x3, relu, pool 2, conv 96 3x3, relu, pool 2, dropout 0.5, dense 96, relu"
TRAINING = ["--schedule", "cosine", "--warm-up", 0.1, "--learning-rate", 0.003, "--label-smoothing", 0.1, "--ema", 0.999,
            "--augment", "rotate 12, scale 0.1, shear 0.1, shift 2, background 0.1"]
NEIGHBOURS = 20_000  # rendered images that nearest neighbour and the report's network see
SEEDS = {"massey": 100, "ankara": 200}  # and the seed given


def mudra(*arguments):
    run = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(run.stderr)
    return json.loads(run.stdout) if "--json" in arguments else run.stdout


def save(path, images, labels):
    np.savez(path, dataset=images.reshape(len(images), 28, 28), labels=np.asarray(labels).astype("U1"))
    return path


def photographs(data, folder):
    """{name: (images [N, 28, 28], labels, true labels, groups, whether they may be looked at)}"""
    digits = np.load(data / "sign-digits/dataset_labels.npz")
    known = np.load(data / "sign-digits/groups.npz")
    sets = {"sign-digits": (digits["dataset"].round().astype("u1").reshape(-1, 28, 28), digits["labels"].astype("U1"),
                            known["true_label"].astype("U1"), known["hand"],
                            np.isin(known["hand"], ["hand1", "hand2"]))}
    mudra("data", "convert", data / "ankara", "--out", folder / "ankara.npz", "--groups", data / "ankara/groups.csv",
          "--size", 28, "--channels", 1)
    ankara = np.load(folder / "ankara.npz")
    signer = np.array([int(group.lstrip("s")) for group in ankara["groups"]])
    sets["Ankara"] = (ankara["dataset"].reshape(-1, 28, 28), ankara["labels"], ankara["labels"], ankara["groups"],
                      signer % 3 == 0)
    return sets


def render(count, domain, seed, folder):
    path = folder / f"{domain}-{count}.npz"
    if not path.exists():
        mudra("synth", "--count", count, "--seed", SEEDS[domain] + seed, "--domain", domain, "--out", path)
    rendered = np.load(path)
    return rendered["dataset"].reshape(-1, 28, 28), rendered["labels"].astype("U1")


def nearest_neighbour(train, labels, test):
    """Cosine of the pixels."""
    unit = lambda x: (x := x.reshape(len(x), -1).astype("f4")) / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1)
    known, answers = unit(train), []
    for part in np.array_split(unit(test), max(1, len(test) // 250)):
        answers.append((part @ known.T).argmax(axis=1))
    return labels[np.concatenate(answers)]


def trained(data, folder, *options):
    """Model file of a network that saw `data` alone."""
    run = mudra("train", data, "--split", "stratified:0.99", "--json", "--quiet", "--no-report", "--out",
                tempfile.mkdtemp(dir=folder) + "/run", *options)
    return run["model"]


def stress(data, tests, folder, cnn):
    """Rows of the table: (photographs, what was done to them, labels right, of)"""
    from PIL import Image

    from stressed_photographs import cut_out, stressed, turned

    def ask(photographs_of, change, images, labels):
        told = mudra("evaluate", save(folder / "asked.npz", images, labels), "--model", cnn, "--json")
        return photographs_of, change, round(told["accuracy"] * told["n"]), told["n"]

    images, _, true, _, looked_at = tests["sign-digits"]
    for change, changed in stressed(images[looked_at]):
        yield ask("sign-digits", change, changed, true[looked_at])
    with open(data / "ankara/groups.csv") as lines:
        files = [row for row in csv.DictReader(lines) if int(row["group"].lstrip("s")) % 3 == 0]
    hands = np.stack([cut_out(Image.open(data / "ankara" / row["file"]).convert("RGB")) for row in files])
    for degrees in (-25, 0, 25):
        yield ask("Ankara", f"cut out, turned by {degrees}", turned(hands, degrees), [row["label"] for row in files])


def parts(name, photographs, final):
    """(name of the part, rows)"""
    looked_at, groups = photographs[4], photographs[3]
    yield "looked at", looked_at
    if not final:
        return
    yield "the rest", ~looked_at
    if name == "sign-digits":
        for hand in ["hand3", "hand4", "hand5"]:
            yield hand, groups == hand
    yield "all", np.ones(len(groups), bool)


def main():
    global COMMAND
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--final", action="store_true")
    which.add_argument("--stress", action="store_true")
    parser.add_argument("--massey", type=int, default=80_000, help="rendered images cut out on black")
    parser.add_argument("--ankara", type=int, default=100_000, help="rendered images before a wall")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1, help="of the rendered images and of the CNN's training")
    parser.add_argument("--options", default="", help="more options of the CNN's training, such as '--augment ...'")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--command", default=ROOT / "build/release/mudra")
    given = parser.parse_args()
    COMMAND = given.command
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tests = photographs(given.data, folder)
        few = render(min(NEIGHBOURS, given.massey), "massey", given.seed, folder)
        rendered = [render(given.massey, "massey", given.seed, folder), render(given.ankara, "ankara", given.seed, folder)]
        everything = save(folder / "both.npz", *(np.concatenate(both) for both in zip(*rendered)))
        cnn = trained(everything, folder, "--network", CNN, "--epochs", given.epochs, "--seed", given.seed,
                      *TRAINING, *shlex.split(given.options))
        report = trained(save(folder / "few.npz", *few), folder, "--recipe", "report")
        results = []

        def add(classifier, photographs_of, part, labels, right, n):
            results.append({"classifier": classifier, "photographs": photographs_of, "part": part, "labels": labels,
                            "right": right, "n": n, "accuracy": right / n})

        for name, test in tests.items():
            images, as_given, true, _, _ = test
            answers = nearest_neighbour(*few, images) if name == "sign-digits" else None
            for part, rows in parts(name, test, given.final):
                for labels, which in [(true, "true")] + ([(as_given, "as given")] if name == "sign-digits" else []):
                    asked = save(folder / "asked.npz", images[rows], labels[rows])
                    told = mudra("evaluate", asked, "--model", cnn, "--json")
                    add("CNN", name, part, which, round(told["accuracy"] * told["n"]), told["n"])
                    if name != "sign-digits":
                        continue
                    add("nearest neighbour", name, part, which, int((answers[rows] == labels[rows]).sum()), int(rows.sum()))
                    told = mudra("evaluate", asked, "--model", report, "--classes", "0,5", "--json")
                    add("report, 0 and 5", name, part, which, round(told["accuracy"] * told["n"]), told["n"])
        if given.stress:
            for photographs_of, change, right, n in stress(given.data, tests, folder, cnn):
                add("CNN", photographs_of, change, "true", right, n)
            for name in tests:
                rows = [r["accuracy"] for r in results if r["photographs"] == name and "looked at" not in r["part"]]
                results.append({"classifier": "CNN", "photographs": name, "part": "mean under stress", "labels": "true",
                                "right": None, "n": None, "accuracy": float(np.mean(rows))})
    if given.json:
        return print(json.dumps({"massey": given.massey, "ankara": given.ankara, "epochs": given.epochs, "seed": given.seed,
                                 "options": given.options, "results": results}, indent=1))
    print("| classifier | photographs | part | labels | right | accuracy |\n|---|---|---|---|---|---|")
    for r in sorted(results, key=lambda r: (r["classifier"], r["photographs"], r["labels"])):
        right = "" if r["right"] is None else f"{r['right']} of {r['n']}"
        print(f"| {r['classifier']} | {r['photographs']} | {r['part']} | {r['labels']} | {right} | {r['accuracy']:.3f} |")


if __name__ == "__main__":
    main()
