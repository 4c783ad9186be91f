"""Reference values for comparison_test.cpp from SciPy and NumPy.

Run with the system's python3 from the project's root:
    python3 tests/reference/comparison.py
"""
import itertools
import json
import pathlib

import numpy as np
import scipy
import scipy.optimize
import scipy.stats

rng = np.random.default_rng(3)

mcnemar = []
for a, b in [(0, 0), (0, 1), (0, 5), (0, 6), (3, 3), (10, 21), (21, 10), (1, 60), (400, 460), (4000, 4400), (0, 900), (5000, 5001),
             *rng.integers(0, 60, (60, 2)), *rng.integers(0, 3000, (30, 2))]:
    a, b = int(a), int(b)
    mcnemar.append([a, b, float(scipy.stats.binomtest(a, a + b).pvalue) if a + b > 0 else 1.0])

# Every choice of signs, one after the other; where there are too many, the distribution by Fourier transforms of
# each unit's two points.
flips = []
for units in [[0, 0], [1], [-3, 2, 2], [7, 7, -7, 7, 7, 0, 7], [5, 3, -1, 8, 0, 2, -2], [1] * 12, [4, -2, 6, 8, 10, -12, 2, 2, 4, 6],
              *[rng.integers(-7, 8, int(rng.integers(3, 15))) + (at % 3) for at in range(30)],
              *[rng.integers(-7, 9, size) for size in (40, 150, 700)]]:
    d = np.array(units)
    k = np.count_nonzero(d)
    if k <= 16:
        sums = [abs(sum(s * x for s, x in zip(signs, d[d != 0]))) for signs in itertools.product((1, -1), repeat=int(k))]
        p = float(np.mean(np.array(sums) >= abs(d.sum())))
    else:
        size = 2 * int(np.abs(d).sum()) + 1
        at = np.arange(size)
        transform = np.prod([np.cos(2 * np.pi * at * x / size) for x in d], axis=0)
        shares = np.fft.ifft(transform).real
        sums = np.where(at > size // 2, at - size, at)
        p = float(shares[np.abs(sums) >= abs(d.sum())].sum())
    flips.append([d.tolist(), p])


def score_interval(a, b, n, z):
    """Tango 1998: the differences that the score test does not refuse; the condition's likeliest probabilities by
    maximising the likelihood itself, on a grid and then by Brent's method."""

    def statistic(delta):
        def loss(q):  # q: only A is right; q + delta: only B; the rest are alike
            p, rest = q + delta, 1 - 2 * q - delta
            with np.errstate(all="ignore"):
                terms = [count * np.log(share) if count > 0 else 0.0 for count, share in ((a, q), (b, p), (n - a - b, rest))]
            return -sum(terms) if np.isfinite(sum(terms)) else 1e300

        low, high = max(0.0, -delta), (1 - delta) / 2
        q = scipy.optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-14}).x
        q = min((q, low, high), key=loss)
        variance = n * (2 * q + delta - delta * delta)
        return (b - a - n * delta) / np.sqrt(max(variance, 1e-300))

    found = (b - a) / n
    ends = []
    for end, sign in ((-1 + 1e-12, 1), (1 - 1e-12, -1)):
        f = lambda delta: statistic(delta) - sign * z
        ends.append(scipy.optimize.brentq(f, *sorted((found, end)), xtol=1e-13) if f(end) * sign > 0 else np.sign(end))
    return [float(end) for end in ends]


z = scipy.stats.norm.ppf(0.975)
paired = [[a, b, n, float(q), *score_interval(a, b, n, q)]
          for a, b, n in [(0, 0, 100), (0, 0, 5000), (1, 0, 100), (0, 3, 700), (12, 31, 500), (9, 9, 40), (40, 2, 60), (5, 0, 9), (1.5, 4.25, 33.5), (140, 190, 5000)]
          for q in (z, 2.7764451051977987)]

# Counts of n, only A right, only B right a unit; correlation supposed of a unit's disagreement.
units_interval = []
for size, images, rate_a, rate_b, correlation in [(5, 200, .03, .01, .1), (5, 1000, .0, .0, .1), (40, 12, .1, .2, .1), (700, 7, .02, .03, 1.0),
                                                  (1500, 7, .01, .02, 1.0), (2, 30, .1, .3, .1)]:
    n = rng.integers(max(1, images // 2), images + 1, size)
    shares = rng.beta(2, 2 / max(rate_a, 1e-9) - 2, size) if rate_a > 0 else np.zeros(size)
    only_a = rng.binomial(n, shares)
    only_b = rng.binomial(n - only_a, rate_b)
    d, total, k = only_b - only_a, n.sum(), (only_a + only_b).sum()
    mean = d.sum() / total
    squares = size / (size - 1) * ((d - mean * n) ** 2).sum()
    # The variance of a sum of independent images is k - total * mean^2, so this is a ratio of variances.
    alike = max(1.0, (squares + 1 + ((n ** 2).sum() / total - 1) * correlation) / (k - total * mean ** 2 + 1))
    q = scipy.stats.t.ppf(0.975, size - 1) if size <= 1000 else z
    units_interval.append({"n": n.tolist(), "a": only_a.tolist(), "b": only_b.tolist(), "correlation": correlation,
                           "interval": score_interval(only_a.sum() / alike, only_b.sum() / alike, total / alike, q)})

holm = []
for count in (1, 3, 6, 10):
    p = rng.random(count) ** 3
    order, adjusted = np.argsort(p), np.empty(count)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * (count - np.arange(count))))
    holm.append([p.tolist(), adjusted.tolist()])

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"versions": {"numpy": np.__version__, "scipy": scipy.__version__}, "mcnemar": mcnemar, "flips": flips,
                            "paired": paired, "units": units_interval, "holm": holm}, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes")
