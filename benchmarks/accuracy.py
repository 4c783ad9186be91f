"""The rows of docs/accuracy.md: what `mudra train` reads of hands and signers it has never seen.

usage: accuracy.py DATA [ROW ...] [--seeds 3] [--threads 1] [--out FOLDER] [--json]

Every row is one command, which stands in docs/accuracy.md; without ROW all of them, which takes some hours of one processor.
"""

import argparse
import collections
import csv
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = os.environ.get("MUDRA_COMMAND", ROOT / "build" / "release" / "mudra")

FILE = "DATA/sign-digits/dataset_labels.npz --groups DATA/sign-digits/groups.npz"
HANDS = f"{FILE} --split leave-one-group-out"
RENDERED = "--extra synth:60000:massey --extra DATA/ankara --repeat 4 --epochs 5"
ROWS = {  # name: (what, options of `mudra train`)
    "report": ("0 and 5, random 80/20, as labelled", "DATA/sign-digits/dataset_labels.npz --classes 0,5 --recipe best"),
    "random": ("ten digits, random 80/20", f"{FILE} --recipe best"),
    "quick": ("each hand left out, `quick`", f"{HANDS} --recipe quick"),
    "hands": ("each hand left out, this file alone", f"{HANDS} --recipe best"),
    "hands-extra": ("each hand left out, with renderings and Ankara", f"{HANDS} --recipe best {RENDERED}"),
    "ankara": ("Ankara, new signers, with renderings", "DATA/ankara --split group-kfold:5 --channels 1 --recipe best "
               "--extra synth:60000:ankara --repeat 8 --epochs 8"),
}
BOTH = "--recipe best --extra synth:60000:massey --extra synth:60000:ankara --repeat 8 --epochs 5"
ACROSS = {  # name: (what, options of `mudra train`, what the model is then tested on)
    "massey-to-ankara": ("Massey to Ankara, with renderings", f"DATA/massey --channels 1 --split 0.95 {BOTH}", "DATA/ankara"),
    "ankara-to-massey": ("Ankara to Massey, with renderings", f"DATA/ankara --channels 1 --split 0.95 {BOTH}", "DATA/massey"),
}


def told(data, arguments):
    words = shlex.split(arguments.replace("DATA", str(data)))
    result = subprocess.run([COMMAND, *words, "--json"], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"mudra {arguments}\n{result.stderr}")
    return json.loads(result.stdout)


def looked_at(predictions, data, arguments):
    """The photographs of which a picture was misread, against true labels where they are known: {photograph: pictures}; and
    the accuracy over the pictures whose label is right."""
    file = "sign-digits" in arguments
    known = np.load(data / "sign-digits/groups.npz") if file else None
    with open(data / "massey/groups.csv") as lines:
        massey = {row["file"]: row["true_label"] for row in csv.DictReader(lines)} if "DATA/massey" in arguments else {}
    found, right, n = collections.Counter(), 0, 0
    with open(predictions) as lines:
        for row in csv.DictReader(lines):
            truth = known["true_label"][int(row["row"])] if file else massey.get(row["file"], row["label"])
            n += row["label"] == truth
            right += row["label"] == truth == row["answer"]
            if row["answer"] != truth:
                found[f"{known['photo'][int(row['row'])] if file else row['file']} read as {row['answer']}"] += 1
    return {"misread": dict(found.most_common()), "rightly_labelled": right / n}


def measured(name, data, seed, threads, folder):
    """Against true labels where they are known: {n, right, accuracy, groups, seconds a training, misread, rightly labelled}."""
    options = f"--seed {seed} --threads {threads} --no-report --quiet --out {folder}/{name}-{seed}"
    what, arguments = ROWS[name]
    run = told(data, f"train {arguments} {options}")
    result = run.get("true_labels", run["test"])
    trainings = len(result["groups"]) + 1 if "leave-one" in arguments else 6 if "kfold" in arguments else 1
    return {"row": name, "seed": seed, "n": result["n"], "right": round(result["accuracy"] * result["n"]),
            "accuracy": result["accuracy"], "as_labelled": run["test"]["accuracy"],
            "groups": {g["group"]: g["accuracy"] for g in result["groups"]},
            "seconds_a_training": run["seconds"]["train"] / trainings, **looked_at(run["predictions"], data, arguments)}


def measured_across(name, data, seed, threads, folder):
    """The same of a model that was trained on one set of photographs and is tested on the other."""
    what, arguments, tested_on = ACROSS[name]
    run = told(data, f"train {arguments} --seed {seed} --threads {threads} --no-report --quiet --out {folder}/{name}-{seed}")
    predictions = f"{run['run']}/across.csv"
    test = told(data, f"evaluate {tested_on} --model {run['run']} --predictions {predictions} --threads {threads}")
    result = test.get("true_labels", test)
    return {"row": name, "seed": seed, "n": result["n"], "right": round(result["accuracy"] * result["n"]),
            "accuracy": result["accuracy"], "as_labelled": test["accuracy"],
            "groups": {g["group"]: g["accuracy"] for g in result["groups"]},
            "seconds_a_training": run["seconds"]["train"], **looked_at(predictions, data, tested_on)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join([*ROWS, *ACROSS]))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", help="keep the runs in this folder")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    every = {**ROWS, **ACROSS}
    for name in given.rows or every:
        if name not in every:
            parser.error(f"there is no row {name}; there are {', '.join(every)}")
        for seed in range(1, given.seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                row = (measured if name in ROWS else measured_across)(name, given.data, seed, given.threads, given.out or folder)
            if given.json:
                print(json.dumps(row), flush=True)
                continue
            groups = sorted(row["groups"].items()) if len(row["groups"]) <= 10 else []
            print(f"| {every[name][0]} | {seed} | {row['accuracy']:.4f} ({row['n'] - row['right']} of {row['n']} misread) | {row['rightly_labelled']:.4f} "
                  f"| {' '.join(f'{a:.3f}' for _, a in groups)} | {row['seconds_a_training']:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
