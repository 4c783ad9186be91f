"""How long it takes to read 98% of hands never seen: `mudra train` and PyTorch, one thread each, the same network, changes of
images, batch, schedule and images.

usage: time_to_accuracy.py DATA [--accuracy 0.98] [--epochs 24] [--seeds 3] [--json]

Each hand of DATA/sign-digits is held out in turn. After every epoch all five networks together have an accuracy on the hands they
have not seen, against `true_label` (the images trained on keep the labels they came with). The first epoch at which it is reached
tells the time: the seconds of the steps until then, all five trainings added. The test part is watched for this timing only.
The two take turns, hand by hand. Evaluation is not timed.
"""

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = ROOT / "build" / "release" / "mudra"
CHANNELS, HIDDEN, BATCH, RATE, WARM_UP, SMOOTHING, AVERAGE = (32, 64, 96), 96, 64, 0.003, 0.1, 0.1, 0.999
DEGREES, SCALE, SHEAR, SHIFT, BRIGHTNESS, GAMMA = 20, 0.15, 0.15, 2, 0.3, 0.5


def by_mudra(images, labels, train, test, epochs, seed, folder):
    """Held-out accuracy after each epoch, and the seconds of all steps."""
    np.savez(folder / "hands.npz", dataset=images, labels=labels)
    (folder / "split.json").write_text(json.dumps({"description": "a hand", "images": len(images), "folds": [
        {"name": "a hand", "train": train.tolist(), "test": test.tolist()}]}))
    out = folder / f"run-{time.monotonic_ns()}"
    network = "".join(f"conv {c} 3x3, relu, pool 2, " for c in CHANNELS) + f"dropout 0.5, dense {HIDDEN}, relu"
    result = subprocess.run(
        [COMMAND, "train", folder / "hands.npz", "--split", folder / "split.json", "--network", network, "--optimizer", "adam",
         "--learning-rate", str(RATE), "--schedule", "cosine", "--warm-up", str(WARM_UP), "--label-smoothing", str(SMOOTHING),
         "--ema", str(AVERAGE), "--batch-size", str(BATCH), "--epochs", str(epochs), "--seed", str(seed), "--augment",
         f"rotate {DEGREES}, scale {SCALE}, shear {SHEAR}, shift {SHIFT}, brightness {BRIGHTNESS}, gamma {GAMMA}",
         "--threads", "1", "--out", out, "--no-report", "--quiet", "--json", "--checkpoint", "1000"],
        capture_output=True, text=True, check=True)
    epochs_told = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [e["accuracy"]["held_out"] for e in epochs_told], json.loads(result.stdout)["seconds"]["train"]


def by_pytorch(images, labels, train, test, epochs, seed, _):
    import torch
    import torch.nn as nn
    import torch.nn.functional as F

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x = torch.from_numpy(images.astype("f4") / 255).reshape(-1, 1, 28, 28)
    y = torch.from_numpy(labels.astype("i8"))
    x_train, y_train, x_test, y_test = x[train], y[train], x[test], y[test]

    def network():
        layers, before = [], 1
        for channels in CHANNELS:
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            before = channels
        return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.5), nn.Linear(9 * before, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))

    model, average = network(), network()
    for layer in model:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    average.load_state_dict(model.state_dict())
    weights, averages = [p.detach() for p in model.parameters()], [p.detach() for p in average.parameters()]
    optimizer = torch.optim.Adam(model.parameters(), RATE, foreach=True)

    def changed(batch):
        n = len(batch)
        draw = lambda most: (torch.rand(n) * 2 - 1) * most
        turn, zoom, shear = draw(math.radians(DEGREES)), 1 / (1 + draw(SCALE)), draw(SHEAR)
        cos, sin = torch.cos(turn) * zoom, torch.sin(turn) * zoom
        theta = torch.stack([cos, shear * cos - sin, draw(SHIFT) * 2 / 28, sin, shear * sin + cos, draw(SHIFT) * 2 / 28], 1)
        grid = F.affine_grid(theta.view(n, 2, 3), batch.shape, align_corners=False)
        out = F.grid_sample(batch, grid, "bilinear", "border", align_corners=False)
        bend = draw(GAMMA)
        power = torch.where(bend >= 0, 1 + bend, 1 / (1 - bend)).view(n, 1, 1, 1)
        return (out * (1 + draw(BRIGHTNESS)).view(n, 1, 1, 1)).pow(power).clamp(0, 1)

    batches = math.ceil(len(train) / BATCH)
    steps, warm, step, seconds, accuracies = epochs * batches, WARM_UP * epochs * batches, 0, 0.0, []
    for _ in range(epochs):
        model.train()
        begin = time.perf_counter()
        order = torch.randperm(len(train))
        for first in range(0, len(train), BATCH):
            rows = order[first:first + BATCH]
            rate = RATE * ((step + 1) / warm if step < warm else (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2)
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(changed(x_train[rows])), y_train[rows], label_smoothing=SMOOTHING).backward()
            optimizer.step()
            step += 1
            decay = min(AVERAGE, (1 + step) / (10 + step))
            torch._foreach_mul_(averages, decay)
            torch._foreach_add_(averages, weights, alpha=1 - decay)
        seconds += time.perf_counter() - begin
        average.eval()
        with torch.inference_mode():
            accuracies.append(float((average(x_test).argmax(1) == y_test).double().mean()))
    return accuracies, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--accuracy", type=float, default=0.98)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    tuned = {"OMP_NUM_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
    if any(os.environ.get(name) != value for name, value in tuned.items()) or "OPENBLAS_CORETYPE" in os.environ:
        # PyTorch is faster so: its memory is asked of the system once.
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            os.environ.pop(name, None)
        os.environ.update(tuned)
        os.execv(sys.executable, [sys.executable, *sys.argv])
    file, known = np.load(given.data / "sign-digits/dataset_labels.npz"), np.load(given.data / "sign-digits/groups.npz")
    images = file["dataset"].reshape(-1, 28, 28).astype("u1")
    labels, truth, hands = file["labels"].astype("i8"), known["true_label"].astype("i8"), known["hand"]
    rows = []
    for seed in range(1, given.seeds + 1):
        right = {"mudra": np.zeros(given.epochs), "pytorch": np.zeros(given.epochs)}
        seconds = dict.fromkeys(right, 0.0)
        for hand in np.unique(hands):
            train, test = np.flatnonzero(hands != hand), np.flatnonzero(hands == hand)
            told = labels.copy()
            told[test] = truth[test]
            for name, run in (("mudra", by_mudra), ("pytorch", by_pytorch)):
                with tempfile.TemporaryDirectory() as folder:
                    accuracies, took = run(images, told, train, test, given.epochs, seed, pathlib.Path(folder))
                right[name] += np.array(accuracies) * len(test)
                seconds[name] += took
                print(f"seed {seed} {hand} {name}: {took:.1f} s, {accuracies[-1]:.4f}", file=sys.stderr, flush=True)
        row = {"seed": seed}
        for name in right:
            pooled = right[name] / len(images)
            reached = np.flatnonzero(pooled >= given.accuracy)
            epoch = int(reached[0]) + 1 if len(reached) else None
            row[name] = {"epoch": epoch, "seconds": seconds[name] * epoch / given.epochs if epoch else None,
                         "seconds_an_epoch": seconds[name] / given.epochs, "accuracy": pooled[-1]}
        rows.append(row)
    if given.json:
        return print(json.dumps(rows))
    print("| seed | Mudra: epoch, seconds | PyTorch: epoch, seconds | times as fast | an epoch | accuracy in the end |\n|---|---|---|---|---|---|")
    for row in rows:
        m, p = row["mudra"], row["pytorch"]
        cell = lambda r: f"{r['epoch']}, {r['seconds']:.1f}" if r["epoch"] else "not reached"
        ratio = f"{p['seconds'] / m['seconds']:.1f}" if m["epoch"] and p["epoch"] else ""
        print(f"| {row['seed']} | {cell(m)} | {cell(p)} | {ratio} | {p['seconds_an_epoch'] / m['seconds_an_epoch']:.1f} "
              f"| {m['accuracy']:.4f}, {p['accuracy']:.4f} |")


if __name__ == "__main__":
    main()
