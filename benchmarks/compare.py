"""Times Mudra beside other libraries, in turn (A B A B), one thread each, and prints the ratio of every pair.

usage: compare.py [--rounds N] [JOB...]

  machine      what one thread can do at most: the roof over everything below
  seed         training the report's network on random pixels
  photographs  the same on photographs of hands on black, whose zeros are skipped
  ten, cnn     training for ten digits: two hidden layers; two convolutions
  answers      one image and 256 images, both networks, beside ONNX Runtime and PyTorch

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
OTHERS["photographs"] = OTHERS["seed"][:1]  # its time does not depend on what the pixels are
PHOTOGRAPHS = ROOT.parent / "shared" / "data" / "sign-digits" / "dataset_labels.npz"
JOBS = ["machine", "seed", "photographs", "ten", "cnn", "answers"]


def environment(extra):
    kept = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return kept | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} | extra


def time_mudra(job):
    if job == "photographs":
        with tempfile.TemporaryDirectory() as scratch:
            command = [COMMAND, "train", PHOTOGRAPHS, "--recipe", "report", "--threads", "1", "--no-report", "--json",
                       "--out", f"{scratch}/run"]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            return json.loads(output)["seconds"]["train"]
    output = subprocess.run([COMMAND, "bench", job, "--runs", "1", "--json"], check=True, capture_output=True, text=True)
    return json.loads(output.stdout)[0]["seconds"][0]


def time_other(command, extra, folder):
    output = subprocess.run([PYTHON, *command], cwd=folder, env=environment(extra), check=True, capture_output=True,
                            text=True).stdout
    return float(re.search(r"median ([0-9.]+)", output)[1])


def compare(job, rounds, folder):
    print(f"{job}: training loop, seconds, one thread; median of {rounds} rounds")
    if job == "photographs" and not PHOTOGRAPHS.exists():
        print("  the photographs are not beside the checkout", file=sys.stderr)
        return
    if not folder.is_dir():
        print(f"  Mudra           {statistics.median(time_mudra(job) for _ in range(rounds)):.3f}")
        print(f"  the other libraries' programs are not beside the checkout ({PEERS.name})", file=sys.stderr)
        return
    for name, module, command, extra in OTHERS[job]:
        if subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True).returncode != 0:
            print(f"  {name}: not installed (python3-{module})", file=sys.stderr)
            continue
        pairs = [(time_mudra(job), time_other(command, extra, folder)) for _ in range(rounds)]
        ours, theirs = (statistics.median(column) for column in zip(*pairs))
        ratios = sorted(b / a for a, b in pairs)
        print(f"  Mudra {ours:.3f}   {name} {theirs:.3f}   ratio {statistics.median(ratios):.2f}"
              f"  ({ratios[0]:.2f} to {ratios[-1]:.2f})", flush=True)


def prepare_onnx_runtime(folder):
    """Whether ONNX Runtime can be timed: its package from npm, the models from PyTorch."""
    try:
        subprocess.run(["npm", "install", "--ignore-scripts", "--silent", "onnxruntime-node"], cwd=folder / "ort",
                       check=True, capture_output=True)
        for command in (["torch/bench.py", "export", "1", "1"], ["ort/mkmodels.py"]):
            subprocess.run([PYTHON, *command], cwd=folder, env=environment({}), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"  ONNX Runtime: not timed ({error})", file=sys.stderr)
        return False
    return True


def answers_of_onnx_runtime(folder):
    """Microseconds of a call: {(network, images): time}, without what node adds to every call."""
    output = subprocess.run(["node", "bench.js", "1"], cwd=folder / "ort", env=environment({}), check=True,
                            capture_output=True, text=True).stdout
    found = {(name, int(images)): float(time)
             for name, images, time in re.findall(r"ort-node (\w+) T=1 b(\d+): p50 ([0-9.]+)", output)}
    return {(name, images): time - found["identity", 1]
            for (name, images), time in found.items() if name != "identity"}


def answers_of_pytorch(folder):
    output = subprocess.run([PYTHON, "torch/bench.py", "infer", "1", "1"], cwd=folder, env=environment(HEAP), check=True,
                            capture_output=True, text=True).stdout
    found = {}
    for name, one, many in re.findall(r"torch infer (\w+) jit.freeze T=1: b1 p50 ([0-9.]+) .*b256 median ([0-9.]+)",
                                      output):
        found[name, 1], found[name, 256] = float(one), float(many)
    return found


def compare_answers(rounds, folder):
    print(f"answers: microseconds from pixels to probabilities, one thread; median of {rounds} rounds")
    others = {}
    if folder.is_dir() and prepare_onnx_runtime(folder):
        others["ONNX Runtime"] = answers_of_onnx_runtime
    if folder.is_dir() and subprocess.run([PYTHON, "-c", "import torch"], capture_output=True).returncode == 0:
        others["PyTorch jit"] = answers_of_pytorch
    keys = [(name, images) for name in ("seed", "cnn") for images in (1, 256)]
    times = {(who, key): [] for who in ("Mudra", *others) for key in keys}
    for _ in range(rounds):
        for key in keys:
            times["Mudra", key].append(time_mudra(f"{key[0]}-{key[1]}") * 1e6)
        for who, measure in others.items():
            for key, time in measure(folder).items():
                times[who, key].append(time)
    for key in keys:
        ours = times["Mudra", key]
        line = f"  {key[0]:<5}{key[1]:>4} {'image ' if key[1] == 1 else 'images'}  Mudra {statistics.median(ours):9.2f}"
        for who in others:
            ratio = statistics.median(b / a for a, b in zip(ours, times[who, key]))
            line += f"   {who} {statistics.median(times[who, key]):9.2f} ratio {ratio:5.2f}"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=", ".join(JOBS))
    arguments = parser.parse_args()
    if unknown := [job for job in arguments.jobs if job not in JOBS]:
        parser.error(f"no job is called {unknown[0]}: there are {', '.join(JOBS)}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "peers"
        if PEERS.is_dir():
            shutil.copytree(PEERS, folder, copy_function=shutil.copy)
            for path in (folder, *folder.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
            subprocess.run([PYTHON, "data/gen.py"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for job in arguments.jobs or JOBS:
            if job == "machine":
                print(subprocess.run([COMMAND, "bench", "machine"], check=True, capture_output=True, text=True).stdout,
                      end="")
            elif job == "answers":
                compare_answers(arguments.rounds, folder)
            else:
                compare(job, arguments.rounds, folder)


main()
