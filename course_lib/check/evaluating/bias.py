"""Check of chapter 04: a biased distance, measured at several N and carried on to N → ∞."""

from collections.abc import Callable
from statistics import linear_regression

import numpy as np
import torch
from torch import Tensor, tensor

from course_lib.check.evaluating.numbers import judge, near, untouched
from course_lib.check.report import attempt, leaves_random_numbers_alone, passed

HINT = "the straight line through the points (1/N, distance), by least squares; its height at 1/N = 0"


def _numbers(*values: float) -> Tensor:
    return tensor(values, dtype=torch.float64)


NOISE = _numbers(0.4, -0.5, 0.9, -0.7, 0.3, 0.5)
SIZES = _numbers(100, 150, 250, 400, 700, 1000)
CASES = [
    ("six distances with some noise", SIZES, 7 + 900 / SIZES + NOISE),
    ("three distances on a line", _numbers(500, 1000, 2000), _numbers(6.2, 5.1, 4.55)),
    ("sizes in no order", SIZES[[3, 0, 5, 1, 4, 2]], 2 + 300 / SIZES[[3, 0, 5, 1, 4, 2]] + 0.3 * NOISE.flip(0)),
    ("two samples of one law", SIZES, 120 / SIZES - 0.1 + 0.02 * NOISE),
    ("no bias: all distances equal", SIZES, 3 + 0 * SIZES),
    ("two sizes", _numbers(100, 300), _numbers(9.0, 4.0)),
]


@leaves_random_numbers_alone
def unbiased_limit(function: Callable) -> None:
    """`function(sizes, distances)` → the height at 1/N = 0 of the least-squares line. Chapter 04."""
    name = "unbiased_limit"
    for what, sizes, distances in CASES:
        given = sizes.clone(), distances.clone()
        got = attempt(name, function, *given, where=f" on {what}")
        untouched(name, given, (sizes, distances), "numbers")
        want = linear_regression((1 / sizes).tolist(), distances.tolist()).intercept
        wrong = [(value, message) for value, message in _mistakes(sizes, distances) if not near(value, want, 1e-4)]
        judge(name, got, want, wrong, f" (on {what})", HINT, tolerance=1e-4, scale=0.1)
    passed(name, "six series, with noise and without, in any order, one limit below 0: equal to Python's own line")


def _line(x: np.ndarray, y: np.ndarray, weights: np.ndarray | float = 1.0) -> tuple[float, float]:
    """Slope and height at 0 of the least-squares line; nan where all x are equal."""
    weights = weights * np.ones_like(x)
    from_mean = x - (weights * x).sum() / weights.sum()
    steep = (weights * from_mean**2).sum()
    slope = (weights * from_mean * y).sum() / steep if steep > 0 else np.nan
    return slope, (weights * (y - slope * x)).sum() / weights.sum()


def _mistakes(sizes: Tensor, distances: Tensor) -> list[tuple[float, str]]:
    n, y = sizes.numpy(), distances.numpy()
    x, order = 1 / n, np.argsort(n)
    line, by_size, largest = _line(x, y), _line(n, y), order[-1]
    others = np.log(n), n**-0.5, n**-2.0, 1 / (n - 1)
    by_log, by_root, by_square, by_one_less = (_line(t, y)[1] for t in others)
    two = [
        _line(x[pick], y[pick])[1]
        for pick in (order[[0, -1]], order[-2:], order[:2], np.array([0, -1]), np.array([0, 1]))
    ]
    logs = _line(np.log(n), np.log(np.abs(y)))
    wrong = [
        (by_size[1], "fitted against N: that is the height at N = 0, the far end"),
        (by_size[0], "fitted against N, and that is its slope"),
        (line[0], "that is the slope: the strength of the bias. The limit is the height at 1/N = 0"),
        (-line[0], "that is the slope, with its sign changed. The limit is the height at 1/N = 0"),
        (line[1] + line[0], "that is the height at 1/N = 1: one picture. Infinitely many are at 0"),
        (line[1] + line[0] * x[largest], "that is the line at the largest N: go on to 1/N = 0"),
        (by_size[1] + by_size[0] * n[largest], "fitted against N, and read at the largest N"),
        (by_log, "fitted against log N: the bias falls like 1/N"),
        (by_root, "fitted against 1/√N: the bias falls like 1/N"),
        (by_one_less, "fitted against 1/(N − 1): the exercise says 1/N"),
        (by_square, "fitted against 1/N²: the bias falls like 1/N"),
        (np.exp(logs[1]), "a line between logarithms: it makes the limit 0 or infinity"),
        (logs[1], "a line between logarithms: it makes the limit 0 or infinity"),
        (y[largest], "that is the distance at the largest N, bias included"),
        (y[-1], "that is the last distance, bias included"),
        (y.min(), "that is the smallest distance, bias included"),
        (y.mean(), "that is the mean of the distances, bias included"),
        (np.median(y), "that is the median of the distances, bias included"),
        (y[order[0]], "that is the distance at the smallest N, which has the largest bias"),
        (y.mean() + line[0] * x.mean(), "the sign before the slope is wrong: a = ȳ − b · t̄"),
        (max(line[1], 0.0), "cut off at 0: the limit of a noisy series may lie below it"),
        (abs(line[1]), "the absolute value of a limit below 0"),
        ((x * y).sum() / (x * x).sum(), "a line through the origin, and its slope: that takes the limit to be 0"),
        (_line(y, x)[1], "distance and 1/N have changed places in the fit"),
        (_line(y, n)[1], "distance and N have changed places in the fit"),
        *((value, "only two of the points enter: use all of them") for value in two),
        (np.polyfit(x, y, 2)[2] if len(n) > 3 else np.nan, "a parabola, wanted a straight line"),
        (_line(x, y, n)[1], "weighted by N: here every point counts the same"),
        (_line(x, y, n**2)[1], "weighted by N: here every point counts the same"),
    ]
    return [(float(value), message) for value, message in wrong]
