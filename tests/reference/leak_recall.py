"""How many test images with a copy of their photograph in training `mudra data leaks` finds.

usage: leak_recall.py MUDRA DATA TRUTH.npz [SEED]     TRUTH holds `photo`, one name a row of DATA
"""
import json
import subprocess
import sys

import numpy as np

mudra, data, truth = sys.argv[1:4]
seed = sys.argv[4] if len(sys.argv) > 4 else "1"
photo = np.load(truth)["photo"]


def ask(command, *more):
    line = [mudra, "data", command, data, "--split", "0.8", "--seed", seed, "--json", *more]
    return json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


fold = ask("split")["folds"][0]
report = ask("leaks", "--cache", "")
known = set(photo[fold["train"]])
twins = {row for row in fold["test"] if photo[row] in known}
flagged = {pair["test"] for pair in report["pairs"]}
exact = {pair["test"] for pair in report["pairs"] if photo[pair["test"]] == photo[pair["train"]]}
assert len(flagged) == report["test_with_twin"]
print(f"seed {seed}: {len(twins)} test images have a twin; {len(twins & flagged)} flagged, "
      f"{len(twins & exact)} with a pair of the same photograph; "
      f"{len(flagged - twins)} of {len(fold['test']) - len(twins)} others flagged")
