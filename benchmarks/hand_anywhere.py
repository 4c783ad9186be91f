"""The rows of docs/accuracy.md on photographs from rooms: what the model in the box reads of them.

usage: hand_anywhere.py WILD DATA [ROW ...] [--model M] [--json]

WILD holds photographs from rooms that no training has seen, DATA the photographs of signs. Every row asks `mudra predict` about
whole photographs; without ROW all of them. A refused photograph counts as wrong.
"""

import argparse
import collections
import csv
import json
import os
import pathlib
import subprocess
import sys

from own_signs import trained_the_box

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = os.environ.get("MUDRA_COMMAND", ROOT / "build" / "release" / "mudra")


def predicted(files, model):
    """What the command says of each file: {file: answer}."""
    found = {}
    for first in range(0, len(files), 500):
        command = [COMMAND, "predict", "--json", *(["--model", model] if model else []), *files[first : first + 500]]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            sys.exit(result.stderr)
        found.update({answer["file"]: answer for answer in json.loads(result.stdout)})
    return found


def pictures(folder):
    kinds = {".jpg", ".jpeg", ".png", ".webp"}
    return sorted(str(p) for p in pathlib.Path(folder).rglob("*") if p.suffix.lower() in kinds)


def likeliest(answer):
    signs = {name: p for name, p in answer["probabilities"].items() if name != "none"}
    return max(signs, key=signs.get)


def read(answers, truth):
    """{n, right, refused, right of the likeliest sign, worst class, accuracy of it}"""
    of_class = collections.defaultdict(list)
    for file, label in truth.items():
        of_class[label].append(answers[file]["label"] == label)
    worst = min(of_class, key=lambda label: sum(of_class[label]) / len(of_class[label]))
    n = len(truth)
    return {
        "n": n,
        "accuracy": sum(answers[file]["label"] == label for file, label in truth.items()) / n,
        "refused": sum(answers[file]["label"] is None for file in truth) / n,
        "accuracy_of_likeliest": sum(likeliest(answers[file]) == label for file, label in truth.items()) / n,
        "worst": worst,
        "accuracy_of_worst": sum(of_class[worst]) / len(of_class[worst]),
    }


def of_folders(folder, names, model):
    """Photographs in folders named after what they show."""
    truth = {file: pathlib.Path(file).parent.name for name in names for file in pictures(folder / name)}
    truth = {file: label for file, label in truth.items() if label.isdigit()}
    return read(predicted(list(truth), model), truth)


def of_groups(folder, keep, model, column="label"):
    with open(folder / "groups.csv") as lines:
        truth = {str(folder / row["file"]): row[column] for row in csv.DictReader(lines) if keep(row["group"])}
    return read(predicted(list(truth), model), truth)


def nohand(wild, model):
    answers = predicted(pictures(wild / "nohand"), model)
    return {"n": len(answers), "answered_none": sum(a["label"] is None for a in answers.values()) / len(answers)}


def overlap(a, b):
    """Intersection over union of boxes (left, top, right, bottom)."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0, width) * max(0, height)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def boxes(wild, model):
    from PIL import Image

    with open(wild / "boxes.csv") as lines:
        known = {str(wild / row["file"]): [float(row[k]) for k in ("x0", "y0", "x1", "y1")] for row in csv.DictReader(lines)}
    answers, overlaps = predicted(list(known), model), []
    for file, box in known.items():
        found = answers[file].get("box")
        with Image.open(file) as picture:
            wide, high = picture.size
        overlaps.append(0 if found is None else overlap(box, (found["left"] * wide, found["top"] * high, found["right"] * wide, found["bottom"] * high)))
    return {"n": len(overlaps), "share_above_half": sum(o >= 0.5 for o in overlaps) / len(overlaps), "median": sorted(overlaps)[len(overlaps) // 2]}


ROWS = {
    "develop": lambda wild, data, model: of_folders(wild, ["lowlight", "greywall"], model),
    "arms": lambda wild, data, model: of_folders(wild, ["arms"], model),
    "nohand": lambda wild, data, model: nohand(wild, model),
    "boxes": lambda wild, data, model: boxes(wild, model),
    "ankara": lambda wild, data, model: of_groups(data / "ankara", lambda g: not trained_the_box(g), model),
    "massey-looked-at": lambda wild, data, model: of_groups(data / "massey", lambda g: g in ("hand1", "hand2"), model, "true_label"),
    "massey-rest": lambda wild, data, model: of_groups(data / "massey", lambda g: g not in ("hand1", "hand2"), model, "true_label"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wild", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--model", help="another than the one in the box")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for name in given.rows or ROWS:
        if name not in ROWS:
            parser.error(f"there is no row {name}; there are {', '.join(ROWS)}")
        row = ROWS[name](given.wild, given.data, given.model)
        if given.json:
            print(json.dumps({"row": name, **row}), flush=True)
        else:
            print(f"| {name} | " + " | ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()) + " |", flush=True)


if __name__ == "__main__":
    main()
