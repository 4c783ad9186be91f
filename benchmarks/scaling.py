"""How the time of training grows with the work: a figure and a table.

usage: scaling.py [--out FOLDER] [--rounds N]

Time an image and step costs against the batch, the width of a layer, the size of the images and the number of
threads, measured with `mudra train` on rendered hands; the least of a few rounds, since others use the machine too.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = ROOT / "build" / "release" / "mudra"
CNN = "conv 16 3x3, relu, pool 2, conv 32 3x3, relu, pool 2, dense 128, relu"
IMAGES, EPOCHS = 1024, 2

PANELS = [  # title, axis, its values, options for a value
    ("Batch: 784-128-10", "images a step", [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
     lambda n: {"batch-size": n, "network": "dense 128, relu"}),
    ("Width: 784-W-10, batch 64", "units W", [16, 32, 64, 128, 256, 512, 1024, 2048],
     lambda n: {"network": f"dense {n}, relu"}),
    ("Image size: CNN, batch 64", "pixels", [16, 24, 32, 48, 64, 96],
     lambda n: {"network": CNN, "size": f"{n}x{n}"}),
    ("Threads: CNN, batch 64", "threads", list(range(1, 2 * (os.cpu_count() or 1) + 1)),
     lambda n: {"network": CNN, "threads": n}),
]


def microseconds_per_image(data, options, rounds):
    best = float("inf")
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as scratch:
            command = [COMMAND, "train", data, "--epochs", str(EPOCHS), "--split", "stratified:0.9", "--no-report", "--json",
                       "--out", f"{scratch}/run"]
            for name, value in ({"threads": 1} | options).items():
                command += [f"--{name}", str(value)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            best = min(best, json.loads(output)["seconds"]["train"])
    return best / (EPOCHS * int(IMAGES * 0.9)) * 1e6


def draw(results, out):
    lines = ["set terminal pngcairo size 1400,1000 font 'DejaVu Sans,12'", f"set output '{out}'",
             "set multiplot layout 2,2", "set logscale xy", "unset key", "set grid lc rgb '#dddddd'",
             "set border 3 lc rgb '#888888'", "set tics nomirror", "set ylabel 'microseconds an image'",
             "set format y '%g'", "set style line 1 lc rgb '#2166ac' lw 2 pt 7 ps 1.2",
             "set style line 2 lc rgb '#999999' dt 2"]
    for (title, axis, _, _), points in zip(PANELS, results):
        values = [value for value, _ in points]
        # What would be if all of the time were arithmetic (through the last point) or were shared out (the first).
        power = {"units W": 1, "pixels": 2}.get(axis, -1)
        x, y = points[-1] if power > 0 else points[0]
        low, high = min(t for _, t in points) * 0.5, max(t for _, t in points) * 2
        marks = [m * 10.0**e for e in range(-3, 7) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
        lines += [f"set title '{title}'", f"set xlabel '{axis}'", f"set xrange [{values[0] * 0.9}:{values[-1] * 1.1}]",
                  f"set yrange [{low}:{high}]", f"set ytics ({', '.join(f'{m:g}' for m in marks)})",
                  "set xtics (" + ", ".join(f"'{v}' {v}" for v in values) + ")",
                  f"plot {y} * (x / {x}.0) ** {power} ls 2, '-' with linespoints ls 1"]
        lines += [f"{value} {time}" for value, time in points] + ["e"]
    subprocess.run(["gnuplot"], input="\n".join(lines), text=True, check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "images")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        data = f"{scratch}/hands.npz"
        subprocess.run([COMMAND, "synth", "--count", str(IMAGES), "--size", "28", "--seed", "1", "--out", data],
                       check=True, capture_output=True)
        for title, axis, values, options in PANELS:
            points = [(value, microseconds_per_image(data, options(value), arguments.rounds)) for value in values]
            results.append(points)
            print(f"{title}: microseconds an image")
            for value, time in points:
                print(f"  {axis} {value:>5}  {time:10.2f}")
            sys.stdout.flush()
    arguments.out.mkdir(parents=True, exist_ok=True)
    draw(results, arguments.out / "scaling.png")
    print(arguments.out / "scaling.png")


main()
