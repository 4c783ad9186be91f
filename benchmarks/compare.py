"""Times Mudra beside other libraries, in turn (A B A B), one thread each, and prints the ratio of every pair.

usage: compare.py [--rounds N] [JOB...]        JOB: seed, ten, cnn

The other libraries' programs stand beside the checkout, in ../shared/peers; without them only Mudra is timed.
"""

import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import json
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = ROOT / "build" / "release" / "mudra"
PEERS = ROOT.parent / "shared" / "peers"
PYTHON = "/usr/bin/python3"

# A heap that keeps its pages is PyTorch's fairest case.
HEAP = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "2000000000",
        "MALLOC_TOP_PAD_": "268435456"}
OTHERS = {  # job -> name, module needed, command, environment
    "seed": [("PyTorch", "torch", ["torch/bench.py", "seed", "1", "1"], HEAP),
             ("NumPy float64", "numpy", ["numpy/seed.py", "float64", "1"], {}),
             ("NumPy float32", "numpy", ["numpy/seed.py", "float32", "1"], {}),
             ("scikit-learn", "sklearn", ["sklearn/bench.py", "seed", "1"], {})],
    "ten": [("PyTorch", "torch", ["torch/bench.py", "ten", "1", "1"], HEAP),
            ("scikit-learn", "sklearn", ["sklearn/bench.py", "ten", "1"], {})],
    "cnn": [("PyTorch", "torch", ["torch/bench.py", "cnn", "1", "1"], HEAP)],
}


def environment(extra):
    kept = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return kept | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} | extra


def time_mudra(job):
    output = subprocess.run([COMMAND, "bench", job, "--runs", "1", "--json"], check=True, capture_output=True, text=True)
    return json.loads(output.stdout)[0]["seconds"][0]


def time_other(command, extra, folder):
    output = subprocess.run([PYTHON, *command], cwd=folder, env=environment(extra), check=True, capture_output=True,
                            text=True).stdout
    return float(re.search(r"median ([0-9.]+)", output)[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("jobs", nargs="*", default=[])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "peers"
        if PEERS.is_dir():
            shutil.copytree(PEERS, folder, copy_function=shutil.copy)
            for path in (folder, *folder.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
            subprocess.run([PYTHON, "data/gen.py"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for job in arguments.jobs or OTHERS:
            print(f"{job}: training loop, seconds, one thread; median of {arguments.rounds} rounds")
            if not folder.is_dir():
                print(f"  Mudra           {statistics.median(time_mudra(job) for _ in range(arguments.rounds)):.3f}")
                print(f"  the other libraries' programs are not beside the checkout ({PEERS.name})", file=sys.stderr)
                continue
            for name, module, command, extra in OTHERS[job]:
                if subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True).returncode != 0:
                    print(f"  {name}: not installed (python3-{module})", file=sys.stderr)
                    continue
                pairs = [(time_mudra(job), time_other(command, extra, folder)) for _ in range(arguments.rounds)]
                ours, theirs = (statistics.median(column) for column in zip(*pairs))
                ratios = sorted(b / a for a, b in pairs)
                print(f"  Mudra {ours:.3f}   {name} {theirs:.3f}   ratio {statistics.median(ratios):.2f}"
                      f"  ({ratios[0]:.2f} to {ratios[-1]:.2f})")


main()
