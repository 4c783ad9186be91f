"""The report's experiment in NumPy, float64: the outside reference for training.

usage: report_experiment.py DATA.npz|random OUT [SEED]

Writes raw arrays to the folder OUT: images.u8 [N, 784], labels.i32 [N] (0: first class), split.i64 (a permutation; the
first 80% train), w1.f64 [128, 784], w2.f64 [1, 128] (initial weights; biases are 0), losses.f64 [100, 2] (training,
held out), accuracy.f64 (held out, at the end), and the first step's gradients dw1, db1, dw2, db2 (.f64).
`random` makes images itself, so that gradients can be checked without photographs.
"""

import sys

import numpy as np

EPOCHS, RATE, BATCH, HIDDEN = 100, 0.01, 32, 128


def load(source, rng):
    if source == "random":
        return rng.integers(0, 256, (1000, 784)), rng.integers(0, 2, 1000)
    with np.load(source, allow_pickle=False) as data:
        x, y = data["dataset"], data["labels"]
    keep = (y == "0") | (y == "5")
    return x[keep], (y[keep] == "5").astype(int)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def loss(z, y):
    """Binary cross entropy from logits: exact where the report clips at 1e-15."""
    return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))))


def main():
    source, out = sys.argv[1], sys.argv[2]
    rng = np.random.default_rng(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    images, labels = load(source, rng)
    split = rng.permutation(len(images))
    train, held = np.split(split, [int(0.8 * len(split))])
    x = images.T / 255.0
    y = labels.reshape(1, -1).astype(float)
    w1, w2 = rng.standard_normal((HIDDEN, 784)), rng.standard_normal((1, HIDDEN))
    b1, b2 = np.zeros((HIDDEN, 1)), np.zeros((1, 1))

    def save(name, array, kind):
        np.ascontiguousarray(array).astype(kind).tofile(f"{out}/{name}")

    save("images.u8", images, "u1")
    save("labels.i32", labels, "i4")
    save("split.i64", split, "i8")
    save("w1.f64", w1, "f8")
    save("w2.f64", w2, "f8")
    losses = []
    for epoch in range(EPOCHS):
        batches = []
        for begin in range(0, len(train), BATCH):
            rows = train[begin : begin + BATCH]
            xb, yb, n = x[:, rows], y[:, rows], len(rows)
            a1 = sigmoid(w1 @ xb + b1)
            z2 = w2 @ a1 + b2
            batches.append(loss(z2, yb))
            dz2 = sigmoid(z2) - yb
            dz1 = (w2.T @ dz2) * a1 * (1 - a1)
            slopes = {"dw2": dz2 @ a1.T / n, "db2": dz2.sum(1, keepdims=True) / n,
                      "dw1": dz1 @ xb.T / n, "db1": dz1.sum(1, keepdims=True) / n}
            if epoch == begin == 0:
                for name, slope in slopes.items():
                    save(f"{name}.f64", slope, "f8")
            w1 -= RATE * slopes["dw1"]
            b1 -= RATE * slopes["db1"]
            w2 -= RATE * slopes["dw2"]
            b2 -= RATE * slopes["db2"]
        z = w2 @ sigmoid(w1 @ x[:, held] + b1) + b2
        losses.append((np.mean(batches), loss(z, y[:, held])))
    save("losses.f64", np.array(losses), "f8")
    save("accuracy.f64", np.mean((z > 0) == y[:, held]), "f8")
    print(f"NumPy {np.__version__}: held-out accuracy {np.mean((z > 0) == y[:, held]):.4f}")


main()
