"""Finds the labels of sign-digits that are known to be wrong, and those of Ankara that may be.

    python3 benchmarks/label_check.py ../shared/data                 # the rows of docs/accuracy.md and docs/labels.md
    python3 benchmarks/label_check.py ../shared/data --looked-at     # only what design may look at

71 of the 5,000 rows, copies of ten photographs of one hand, carry each other's label (array `true_label` of groups.npz).
What is counted is how many of them stand among the first 80 suspects."""

import argparse
import csv
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import numpy as np

SEEDS = 1, 2, 3
FIRST = 80


def check(command, data, *options):
    result = subprocess.run([command, "data", "check", data, *map(str, options), "--threads", "1", "--json", "--quiet"], check=True,
                            capture_output=True, text=True)
    return json.loads(result.stdout)


def processor_seconds():
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def sign_digits(command, folder, only_looked_at):
    npz, groups = folder / "dataset_labels.npz", folder / "groups.npz"
    known, data = np.load(groups), np.load(npz)
    wrong = data["labels"].astype(int) != known["true_label"].astype(int)
    if only_looked_at:  # hands 1 and 2: the other hands are left out altogether
        rows = np.isin(known["hand"], ["hand1", "hand2"])
        npz, groups, wrong = pathlib.Path("looked_at.npz"), pathlib.Path("looked_at_groups.npz"), wrong[rows]
        np.savez(npz, dataset=data["dataset"][rows], labels=data["labels"][rows])
        np.savez(groups, hand=known["hand"][rows], photo=known["photo"][rows])
    for name, options in ("--groups", ["--groups", groups]), ("no groups", []):
        for seed in SEEDS:
            before = processor_seconds()
            found = check(command, npz, *options, "--seed", seed)
            rows = [suspect["row"] for suspect in found["suspects"]]
            print(f"| sign-digits, {name}, seed {seed} | {wrong[rows[:FIRST]].sum()} of {wrong.sum()} | {len(rows)} suspects, "
                  f"{wrong[rows].sum()} of them wrong | about {found['estimated_errors']:.0f} | {processor_seconds() - before:.0f} s |", flush=True)


def ankara(command, folder, only_looked_at):
    with open(folder / "groups.csv", newline="", encoding="utf-8") as file:
        signers = {line["file"]: line["group"] for line in csv.DictReader(file)}
    for seed in SEEDS:
        before = processor_seconds()
        found = check(command, folder, "--groups", folder / "groups.csv", "--seed", seed)
        print(f"| Ankara, seed {seed} | | {len(found['suspects'])} suspects | about {found['estimated_errors']:.0f} | "
              f"{processor_seconds() - before:.0f} s |", flush=True)
        suspects = [s for s in found["suspects"] if not only_looked_at or int(signers[s["file"]][1:]) % 3 == 0]
        for suspect in suspects[:10]:
            print(f"    {suspect['file']} of {suspect['group']}: {suspect['label']} or {suspect['suggestion']}? {suspect['confidence']:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path, help="folder with sign-digits and ankara")
    parser.add_argument("--command", default=str(pathlib.Path(__file__).resolve().parent.parent / "build/release/mudra"))
    parser.add_argument("--looked-at", action="store_true", help="only hands 1 and 2, and signers divisible by 3")
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        sign_digits(arguments.command, data / "sign-digits", arguments.looked_at)
        ankara(arguments.command, data / "ankara", arguments.looked_at)


if __name__ == "__main__":
    sys.exit(main())
