"""Shapes of holes, drawn as bool H×W arrays, True where missing."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator

LEAN = 2.0  # the largest aspect ratio of a box, where the pixel counts allow it


class Brush(NamedTuple):
    """How a line is drawn. Lengths are fractions of the image's shorter side, angles are in radians."""

    radius: tuple[float, float]
    segment: tuple[float, float]
    segments: int
    turn: float  # the largest change of direction from one segment to the next


# Free-form strokes bend sharply and are thick, as in Yu et al. 2019; scratches are thin, long and nearly straight.
BRUSHES = {
    "strokes": Brush(radius=(0.03, 0.06), segment=(0.05, 0.25), segments=8, turn=2 * math.pi / 3),
    "scratches": Brush(radius=(0.0, 0.006), segment=(0.1, 0.2), segments=8, turn=0.25),
}


def boxes(height: int, width: int, fewest: int, most: int) -> np.ndarray:
    """All (rows, columns) of boxes that cover `fewest` to `most` pixels, with aspect ratio ≤ LEAN if possible: n×2.

    A uniform draw from these pairs is uniform in the area and in the logarithm of the aspect ratio.
    """
    rows, columns = np.arange(1, height + 1)[:, None], np.arange(1, width + 1)[None]
    area, lean = rows * columns, np.maximum(rows / columns, columns / rows)
    fits = (area >= fewest) & (area <= most)
    stout = fits & (lean <= LEAN)
    return np.argwhere(stout if stout.any() else fits) + 1


def box(height: int, width: int, sizes: np.ndarray, dice: Generator) -> np.ndarray:
    """One box with a random one of `sizes`, at a random position in the image."""
    pick, down, across = torch.rand(3, generator=dice, dtype=torch.float64).tolist()
    rows, columns = sizes[int(pick * len(sizes))]
    top, left = int(down * (height - rows + 1)), int(across * (width - columns + 1))
    hole = np.zeros((height, width), dtype=bool)
    hole[top : top + rows, left : left + columns] = True
    return hole


def lines(height: int, width: int, count: int, brush: Brush, dice: Generator) -> np.ndarray:
    """Lines drawn one after another until exactly `count` pixels are missing; the last disc is cut to fit."""
    short = min(height, width)
    margin = math.ceil(brush.radius[1] * short) + 1
    # The margin already counts as missing, so that a disc at the border needs no special case.
    canvas = np.pad(np.zeros((height, width), dtype=bool), margin, constant_values=True)
    missing = 0
    while missing < count:
        thickness, *points = _walk(height, width, brush, dice)
        radius = round(thickness * short)
        offsets = np.arange(-radius, radius + 1)
        squares = offsets[:, None] ** 2 + offsets[None] ** 2
        # A quarter of a pixel more than the radius makes small discs look round, not like diamonds.
        disc = squares <= (radius + 0.25) ** 2
        for y, x in zip(*points, strict=True):
            top, left = y + margin - radius, x + margin - radius
            patch = canvas[top : top + len(disc), left : left + len(disc)]
            fresh = disc & ~patch
            if (more := np.count_nonzero(fresh)) > count - missing:
                nearest = np.argsort(np.where(fresh, squares, squares.max() + 1), axis=None, kind="stable")
                fresh = np.zeros_like(fresh)
                fresh.flat[nearest[: count - missing]] = True
                more = count - missing
            patch |= fresh
            missing += more
            if missing == count:
                break
    return canvas[margin:-margin, margin:-margin]


def _walk(height: int, width: int, brush: Brush, dice: Generator) -> tuple[float, np.ndarray, np.ndarray]:
    """The brush's radius and its path: rows and columns, at most one pixel apart, reflected at the border."""
    radius, start_y, start_x, heading = torch.rand(4, generator=dice, dtype=torch.float64).tolist()
    turns, lengths = torch.rand(2, brush.segments, generator=dice, dtype=torch.float64).numpy()
    angles = 2 * math.pi * heading + np.cumsum((2 * turns - 1) * brush.turn)
    low, high = (share * min(height, width) for share in brush.segment)
    steps = np.repeat(angles, np.ceil(low + (high - low) * lengths).astype(int))
    y = start_y * height + np.cumsum(np.sin(steps))
    x = start_x * width + np.cumsum(np.cos(steps))
    thickness = brush.radius[0] + (brush.radius[1] - brush.radius[0]) * radius
    return thickness, _inside(y, height), _inside(x, width)


def _inside(places: np.ndarray, side: int) -> np.ndarray:
    """Round down to integers 0 … side − 1; positions outside are reflected back in, as often as needed."""
    folded = np.floor(places).astype(int) % (2 * side)
    return np.where(folded < side, folded, 2 * side - 1 - folded)
