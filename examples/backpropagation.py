"""docs/backpropagation.md in NumPy: the gradients of a small network, compared with central differences, and one step."""

import numpy as np

rng = np.random.default_rng(1)
N, inputs, hidden = 5, 3, 4  # all different: a transposed index shows
X, t = rng.random((N, inputs)), np.array([[0.0], [1.0], [1.0], [0.0], [1.0]])
weights = {"W1": rng.standard_normal((hidden, inputs)), "b1": np.zeros(hidden),
           "W2": rng.standard_normal((1, hidden)), "b2": np.zeros(1)}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(w):
    A1 = sigmoid(X @ w["W1"].T + w["b1"])  # [N, hidden]
    return A1, A1 @ w["W2"].T + w["b2"]  # logits z [N, 1]


def loss(w):
    z = forward(w)[1]
    return np.mean(np.maximum(z, 0) - t * z + np.log1p(np.exp(-abs(z))))


def backward(w):
    A1, z = forward(w)
    dz = (sigmoid(z) - t) / N  # [N, 1]
    dZ1 = dz @ w["W2"] * A1 * (1 - A1)  # [N, hidden]
    return {"W1": dZ1.T @ X, "b1": dZ1.sum(0), "W2": dz.T @ A1, "b2": dz.sum(0)}


gradients = backward(weights)
for name, w in weights.items():
    slopes = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        kept, h = w[i], 1e-5
        w[i] = kept + h
        high = loss(weights)
        w[i] = kept - h
        slopes[i] = (high - loss(weights)) / (2 * h)
        w[i] = kept
    worst = abs(slopes - gradients[name]).max()
    assert worst < 1e-9, name
    print(f"d{name} {str(w.shape):7} largest gradient {abs(slopes).max():.4f}, equal to central differences within 1e-9")
before = loss(weights)
for name, slope in gradients.items():
    weights[name] -= 0.01 * slope
print(f"loss before the step {before:.6f}, after it {loss(weights):.6f}")
