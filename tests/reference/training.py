"""Optimizers, clipping, schedules, weight averages and weighted losses by PyTorch, float64: writes training.json.

usage: training.py >training.json

Holds the version, two small data sets with initial networks, and for every case its options as Mudra spells them, the
mean loss of every epoch and the weights at the end.
"""

import json

import numpy as np
import torch
from torch.nn import functional as F
from torch.optim import lr_scheduler

EPOCHS, BATCH, IMAGES, INPUTS, HIDDEN = 5, 4, 14, 6, 5  # the last batch of an epoch holds 2
STEPS = EPOCHS * -(-IMAGES // BATCH)

CASES = [
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "weight-decay": 0.05},
    {"optimizer": "momentum", "momentum": 0.8},
    {"optimizer": "nesterov", "weight-decay": 0.05},
    {"optimizer": "adam", "weight-decay": 0.05},
    {"optimizer": "adamw", "weight-decay": 0.5},
    {"optimizer": "sgd", "clip": 0.3},
    {"optimizer": "adam", "clip": 0.01},
    {"optimizer": "sgd", "label-smoothing": 0.2, "class-weights": "1,4,2"},
    {"optimizer": "sgd", "class-weights": "balanced"},
    {"optimizer": "sgd", "class-weights": "balanced", "classes": 2},
    {"optimizer": "adam", "class-weights": "3,1", "label-smoothing": 0.1, "classes": 2},
    {"optimizer": "sgd", "example-weights": True},
    {"optimizer": "adam", "example-weights": True, "class-weights": "3,1", "classes": 2},
    {"optimizer": "sgd", "ema": 0.7},
    {"optimizer": "adam", "ema": 0.99, "clip": 0.5},
    {"optimizer": "momentum", "schedule": "constant", "warm-up": 2},
    {"optimizer": "sgd", "schedule": "step", "step-every": 2, "step-factor": 0.5},
    {"optimizer": "sgd", "schedule": "cosine"},
    {"optimizer": "nesterov", "schedule": "cosine", "warm-up": 0.2},
    {"optimizer": "sgd", "schedule": "one-cycle"},
    {"optimizer": "adamw", "schedule": "one-cycle", "warm-up": 0.5},
]


def make(classes):
    rng = np.random.default_rng(classes)
    labels = rng.permutation([0] * 8 + [i % (classes - 1) + 1 for i in range(IMAGES - 8)])
    outputs = 1 if classes == 2 else classes
    return {"images": rng.integers(0, 256, (IMAGES, INPUTS)).tolist(), "labels": labels.tolist(),
            "weights": {"1.weight": rng.normal(size=(HIDDEN, INPUTS)).tolist(), "1.bias": [0.1] * HIDDEN,
                        "3.weight": rng.normal(size=(outputs, HIDDEN)).tolist(), "3.bias": [-0.2] * outputs}}


def optimizer_for(case, rate, net):
    decay, momentum = case.get("weight-decay", 0), case.get("momentum", 0.9)
    groups = [{"params": [p for n, p in net.items() if "weight" in n], "weight_decay": decay},
              {"params": [p for n, p in net.items() if "bias" in n], "weight_decay": 0}]
    return {"sgd": lambda: torch.optim.SGD(groups, rate),
            "momentum": lambda: torch.optim.SGD(groups, rate, momentum=momentum),
            "nesterov": lambda: torch.optim.SGD(groups, rate, momentum=momentum, nesterov=True),
            "adam": lambda: torch.optim.Adam(groups, rate),
            "adamw": lambda: torch.optim.AdamW(groups, rate)}[case["optimizer"]]()


def scheduler_for(case, rate, optimizer):
    kind, warm_up = case.get("schedule", "constant"), case.get("warm-up", 0)
    steps_each = STEPS // EPOCHS
    warm = round(warm_up * STEPS if warm_up < 1 else warm_up * steps_each)
    if kind == "one-cycle":
        return lr_scheduler.OneCycleLR(optimizer, rate, total_steps=STEPS, pct_start=warm / STEPS if warm else 0.3,
                                       cycle_momentum=False)
    if kind == "step":
        return lr_scheduler.StepLR(optimizer, case["step-every"] * steps_each, case["step-factor"])
    after = (lr_scheduler.CosineAnnealingLR(optimizer, STEPS - warm) if kind == "cosine"
             else lr_scheduler.LambdaLR(optimizer, lambda step: 1.0))
    if not warm:
        return after
    growth = lr_scheduler.LinearLR(optimizer, 1 / warm, 1.0, warm - 1)
    return lr_scheduler.SequentialLR(optimizer, [growth, after], [warm])


def class_weights(case, labels, classes):
    text = case.get("class-weights")
    if not text:
        return torch.ones(classes, dtype=torch.float64)
    counts = np.bincount(labels, minlength=classes)
    weights = len(labels) / (classes * counts) if text == "balanced" else np.array([float(w) for w in text.split(",")])
    return torch.tensor(weights * len(labels) / (weights * counts).sum())


def example_weights():
    """Exact in single precision; an image of weight 0 counts nothing."""
    return np.random.default_rng(5).integers(0, 9, IMAGES) / 4


def loss_of(z, y, weights, case, classes):
    smoothing = case.get("label-smoothing", 0)
    if classes == 2:
        t = y.double() * (1 - smoothing) + smoothing / 2
        each = F.binary_cross_entropy_with_logits(z[:, 0], t, reduction="none")
    else:
        each = F.cross_entropy(z, y, reduction="none", label_smoothing=smoothing)
    return (weights * each).mean()


def run(case, data):
    classes, rate = case.get("classes", 3), 0.03 if case["optimizer"].startswith("adam") else 0.5
    x = torch.tensor(data["images"], dtype=torch.float64) / 255
    y = torch.tensor(data["labels"])
    net = {n: torch.tensor(w, dtype=torch.float64, requires_grad=True) for n, w in data["weights"].items()}
    optimizer = optimizer_for(case, rate, net)
    scheduler = scheduler_for(case, rate, optimizer)
    weights = class_weights(case, data["labels"], classes)[y]
    if case.get("example-weights"):
        weights = weights * torch.tensor(example_weights())
    average = {n: p.detach().clone() for n, p in net.items()}
    losses, rates = [], []
    for _ in range(EPOCHS):
        batches = []
        for begin in range(0, IMAGES, BATCH):
            xb, yb = x[begin : begin + BATCH], y[begin : begin + BATCH]
            z = torch.tanh(xb @ net["1.weight"].T + net["1.bias"]) @ net["3.weight"].T + net["3.bias"]
            loss = loss_of(z, yb, weights[begin : begin + BATCH], case, classes)
            optimizer.zero_grad()
            loss.backward()
            if "clip" in case:
                torch.nn.utils.clip_grad_norm_(net.values(), case["clip"])
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step() if len(rates) < STEPS else None
            batches.append(loss.item())
            decay = min(case.get("ema", 0), (1 + len(rates)) / (10 + len(rates)))
            for name, parameter in net.items():
                average[name] = decay * average[name] + (1 - decay) * parameter.detach()
        losses.append(float(np.mean(batches)))
    final = average if "ema" in case else net
    options = {k: str(v) for k, v in case.items() if k not in ("classes", "example-weights")}
    return {"options": {**options, "learning-rate": str(rate), "epochs": str(EPOCHS), "batch-size": str(BATCH)},
            "classes": classes, "example_weights": example_weights().tolist() if case.get("example-weights") else [], "rates": rates, "losses": losses,
            "weights": {n: p.tolist() for n, p in final.items()}}


def main():
    data = {str(classes): make(classes) for classes in (2, 3)}
    print(json.dumps({"made_by": f"PyTorch {torch.__version__}, NumPy {np.__version__}", "data": data,
                      "cases": [run(case, data[str(case.get("classes", 3))]) for case in CASES]}))


main()
