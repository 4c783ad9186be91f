"""The table of docs/accuracy.md on signs of somebody's own: accuracy against pictures a sign, on hands the training has not seen.

usage: own_signs.py DATA [--from MODEL] [--digits 3,6,8] [--pictures 1,2,5] [--people hand1,hand2] [--columns ...] [--seeds N] [--json]

DATA holds the folders `massey` and `ankara`. A seed draws the signs (without --digits), whose hand trains and which pictures of it:

  massey3, massey10  three signs, and all ten, by their true labels: pictures of one hand (of 50 a sign: of two) train, the other hands test
  ankara3, ankara10  the same with so many signers, one picture a sign of each; the other signers test

Each training is `mudra train FOLDER --split FILE` and what stands in COLUMNS; the last two only when they are asked for.
"""

import argparse
import collections
import csv
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = os.environ.get("MUDRA_COMMAND", ROOT / "build" / "release" / "mudra")
DIGITS = "0123456789"
COLUMNS = {
    "frozen": lambda model: ["--from", model] if model else [],  # what is chosen when nobody chooses
    "fine-tuned": lambda model: ["--from", model or "hands", "--freeze", "0"],
    "from scratch": lambda model: ["--from", "none"],
    "unchanged": lambda model: ["--from", model or "hands", "--augment", "", "--repeat", "1"],
    "mirrored": lambda model: ["--from", model or "hands", "--augment", "rotate 10, scale 0.1, shift 3, brightness 0.2, flip 0.5"],
}


def trained_the_box(group):
    """Whether tools/make_box.cpp trains on photographs of this signer of Ankara."""
    return group.startswith("s") and int(group[1:]) % 3 != 2


def pictures_of(folder):
    """{hand or signer: {sign: [files]}} of those that the model in the box has not seen."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(folder / "groups.csv") as lines:
        for row in csv.DictReader(lines):
            if trained_the_box(row["group"]):
                continue
            found[row["group"]][row.get("true_label") or row["label"]].append(folder / row["file"])
    return found


def drawn(pictures, signs, n, people, rng):
    """{sign: files to train on} and whose they are; n of `people` people together."""
    able = sorted(who for who, of in pictures.items() if all(len(of[sign]) * people >= n for sign in signs))
    if len(able) < people:
        return None
    who = rng.sample(able, people)
    train = {sign: [f for each in who for f in rng.sample(sorted(pictures[each][sign]), n // people)] for sign in signs}
    return train, who


def accuracy(signs, train, test, options, seed, where):
    """What `mudra train` tells of the files of `test`."""
    data, placed = where / "signs", []
    for part, files in (("train", train), ("test", test)):
        for sign in signs:
            (data / sign).mkdir(parents=True, exist_ok=True)
            for i, file in enumerate(files[sign]):
                name = f"{part}-{i:04}{file.suffix.lower()}"
                shutil.copy(file, data / sign / name)
                placed.append((sign, name, part))
    rows = sorted(placed)  # as the folder is read
    split = {"description": "own signs", "images": len(rows), "folds": [{"name": "", **{
        part: [i for i, row in enumerate(rows) if row[2] == part] for part in ("train", "test")}}]}
    (where / "split.json").write_text(json.dumps(split))
    command = [COMMAND, "train", data, "--split", where / "split.json", "--seed", seed, "--json", "--quiet", "--no-report", "--out", where / "run", *options]
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stderr)
    document = json.loads(result.stdout)
    shutil.rmtree(where / "run")
    return document["test"]["accuracy"], document["seconds"]["total"]


def row(data, asked, signs_asked, count, n, seeds, model, columns):
    """{column: [(accuracy, seconds) of each seed]}"""
    pictures, found = pictures_of(data), collections.defaultdict(list)
    pictures = {who: of for who, of in pictures.items() if not asked or who in asked}
    one_each = data.name == "ankara"
    people = n if one_each else 2 if n > 25 else 1
    for seed in range(1, seeds + 1):
        rng = random.Random(f"{data.name} {count} {n} {seed}")
        signs = signs_asked or sorted(rng.sample(DIGITS, count))
        draw = drawn(pictures, signs, n, people, rng)
        if not draw:
            return {}
        train, who = draw
        test = {sign: [f for each in sorted(pictures) if each not in who for f in pictures[each][sign]] for sign in signs}
        for column in columns:
            with tempfile.TemporaryDirectory() as where:
                found[column].append(accuracy(signs, train, test, COLUMNS[column](model), seed, pathlib.Path(where)))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--from", dest="model", help="the model to begin with, in place of the one in the box")
    parser.add_argument("--digits", type=lambda text: text.split(","), help="these signs in the rows of three")
    parser.add_argument("--people", type=lambda text: text.split(","), help="only these hands or signers")
    parser.add_argument("--rows", default="massey3,massey10,ankara3,ankara10")
    parser.add_argument("--columns", default=",".join(list(COLUMNS)[:3]))
    parser.add_argument("--pictures", default="1,2,5,10,20,50")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    columns = given.columns.split(",")
    if not given.json:
        print("| row | pictures a sign | " + " | ".join(columns) + " |\n|---|" + "---|" * (1 + len(columns)))
    for name in given.rows.split(","):
        source, count = name.rstrip(DIGITS), int(name.lstrip("masseyankara"))
        for n in map(int, given.pictures.split(",")):
            signs = given.digits if count == 3 and given.digits else list(DIGITS) if count == 10 else None
            found = row(given.data / source, given.people, signs, count, n, given.seeds, given.model, columns)
            if not found:
                continue
            if given.json:
                print(json.dumps({"row": name, "pictures": n, **{column: [a for a, _ in runs] for column, runs in found.items()},
                                  "seconds": {column: statistics.median(s for _, s in runs) for column, runs in found.items()}}), flush=True)
            else:
                cells = [f"{statistics.mean(a for a, _ in runs):.3f} (worst {min(a for a, _ in runs):.3f})" for runs in found.values()]
                print(f"| {name} | {n} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
