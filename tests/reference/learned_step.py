"""One image and one step of a network of one hidden layer, in NumPy with float64: what the equations on the page "Learn" are compared with.

From pictures and weights alone: nothing here was computed by Mudra. The equations are those of docs/backpropagation.md, with columns for examples as in
the report's own program, the transpose of Mudra's rows.
"""

import numpy as np

ACTIVATIONS = {  # value and derivative, both of the sum z
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.where(z > 0, z, 0.0), lambda z: np.where(z > 0, 1.0, 0.0)),
}


def gradients(columns, targets, w1, b1, w2, b2, activation):
    """columns: [784, N] pixels from 0 to 1; targets: [N], 0 or 1. Returns what a step computes on the way, and the gradient of the mean loss."""
    act, slope = ACTIVATIONS[activation]
    n = columns.shape[1]
    z1 = w1 @ columns + b1[:, None]
    a1 = act(z1)
    z = (w2 @ a1 + b2[:, None])[0]
    p = 1 / (1 + np.exp(-z))
    # log(1 + exp(z)) - t z: the binary cross entropy of a logit.
    losses = np.logaddexp(0, z) - targets * z
    dz = (p - targets) / n
    da1 = w2.T * dz[None, :]
    dz1 = da1 * slope(z1)
    return {"z1": z1, "a1": a1, "z": z, "p": p, "losses": losses, "dz": dz, "da1": da1, "dz1": dz1, "dw2": dz[None, :] @ a1.T, "db2": dz.sum(keepdims=True),
            "dw1": dz1 @ columns.T, "db1": dz1.sum(1), "bend": slope(z1)}


def numbers(images, labels, weights, row, unit, pixel, batch, rate, activation="sigmoid"):
    """images: bytes [images, 784]; weights: w1 [hidden, 784], b1, w2 [1, hidden], b2; batch: rows of the next step.

    Returns the numbers that the page shows for one image, hidden unit and pixel, by its names of them.
    """
    w1, b1, w2, b2 = (np.asarray(weight, np.float64) for weight in weights)
    one = gradients(images[[row]].T / 255.0, labels[[row]], w1, b1, w2, b2, activation)
    mean = gradients(images[batch].T / 255.0, labels[batch], w1, b1, w2, b2, activation)["dw1"][unit, pixel]
    x, t, p = images[row, pixel] / 255.0, float(labels[row]), one["p"][0]
    z1, a1, z = one["z1"][unit, 0], one["a1"][unit, 0], one["z"][0]
    return {"byte": float(images[row, pixel]), "x": x, "t": t, "not-t": 1 - t, "p": p, "not-p": 1 - p,
            "w1": w1[unit, pixel], "b1": b1[unit], "product1": x * w1[unit, pixel], "sum1": z1 - b1[unit], "z1": z1, "minus-z1": -z1, "a1": a1,
            "w2": w2[0, unit], "b2": b2[0], "product2": a1 * w2[0, unit], "sum2": z - b2[0], "z": z, "minus-z": -z, "loss": one["losses"][0],
            "dz": one["dz"][0], "dw2": one["dw2"][0, unit], "da1": one["da1"][unit, 0], "bend": one["bend"][unit, 0], "dz1": one["dz1"][unit, 0],
            "dw1": one["dw1"][unit, pixel], "not-a1": 1 - a1 * a1 if activation == "tanh" else 1 - a1,
            "rate": rate, "mean": mean, "next-w1": w1[unit, pixel] - rate * mean}
