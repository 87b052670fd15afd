"""Check of chapter 06: one row of numbers shrunk by antialiased bicubic, as MATLAB's imresize does it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.check.probes import random
from course_lib.check.report import attempt, equals, leaves_random_numbers_alone, passed

HINT = "a new pixel's centre lies at (i + ½)·scale − ½; the curve is stretched by scale; the weights sum to 1"


@leaves_random_numbers_alone
def shrink_row(function: Callable) -> None:
    """`function(row, scale)` → the row with n/scale numbers, against the rules written out in NumPy. Chapter 06."""
    name = "shrink_row"
    for length, scale in ((16, 2), (30, 2), (32, 4), (36, 6)):
        row = random(length, seed=length)
        got = attempt(name, function, row.clone(), scale, where=f" at scale {scale}")
        got = got.float() if isinstance(got, Tensor) else got
        mistakes = [(_shrunk(row, scale, **how), message) for how, message in MISTAKES]
        equals(name, got, _shrunk(row, scale), mistakes, f"differs from MATLAB's rules at scale {scale}", HINT)
    passed(name, "four rows at scales 2, 4 and 6: centres, stretched curve, sum of the weights, mirrored border")


MISTAKES = [
    ({"stretch": False}, "the curve is not stretched: without antialiasing pixels in between are left out"),
    ({"normalised": False}, "the weights are not divided by their sum, so the row becomes brighter"),
    ({"a": -0.75}, "that is the curve with a = −3/4, as OpenCV has it; MATLAB's is −1/2"),
    ({"border": "edge"}, "beyond the border the last pixel is repeated; wanted: mirrored"),
    ({"border": "reflect"}, "mirrored without the edge pixel; wanted: the edge pixel stands there twice"),
    ({"border": "constant"}, "beyond the border there are zeros; wanted: mirrored"),
    ({"centre": 1.0}, "the centres lie half a pixel too far right: is the + 0.5 of the distances missing?"),
    ({"reach": 1.0}, "the curve ends too early: stretched, it reaches 2 · scale to either side"),
    ({"kind": "linear"}, "a triangle: that is linear interpolation, wanted Keys's cubic"),
    ({"kind": "box"}, "the mean of each group of pixels: that is no cubic"),
    ({"centre": 0.0}, "the centres lie at i·scale, half a pixel off; wanted (i + ½)·scale − ½"),
]


def _shrunk(row: Tensor, scale: int, **how: object) -> Tensor:
    return torch.tensor(matrix(len(row), scale, **how) @ row.double().numpy(), dtype=torch.float32)


def matrix(
    length: int, scale: int, a: float = -0.5, stretch: bool = True, normalised: bool = True,
    border: str = "symmetric", centre: float = 0.5, reach: float = 2, kind: str = "cubic",
) -> np.ndarray:  # fmt: skip
    """How much each of `length` pixels counts for each new one, in NumPy's float64; what is not default is wrong."""
    beyond, wide = 4 * scale, scale if stretch else 1
    places = np.arange(-beyond, length + beyond)
    centres = (np.arange(length // scale)[:, None] + centre) * scale - centre
    d = np.abs(centres - places) / wide
    cubic = np.where(d <= 1, (a + 2) * d**3 - (a + 3) * d**2 + 1, a * (d**3 - 5 * d**2 + 8 * d - 4))
    weights = {"cubic": cubic * (d < reach), "linear": (1 - d).clip(min=0), "box": (d < 0.5).astype(float)}[kind]
    if normalised:
        weights /= weights.sum(axis=1, keepdims=True)
    # A row of the identity, padded, says which of the places hold a copy of that pixel.
    return weights @ np.pad(np.eye(length), ((0, 0), (beyond, beyond)), mode=border).T
