"""Checks of chapter 06: pixel shuffle and the way back, against PyTorch's own."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from course_lib.check.probes import random
from course_lib.check.report import attempt, equals, fail, leaves_random_numbers_alone, passed

SHAPES = ((1, 1, 2, 3, 2), (2, 3, 4, 3, 2), (1, 2, 3, 5, 3), (2, 3, 2, 2, 4))  # N, colours, H, W, scale
HINT = "channel c·s² + i·s + j at (h, w) is colour c at (h·s + i, w·s + j)"


@leaves_random_numbers_alone
def pixel_shuffle(function: Callable) -> None:
    """`function(channels, scale)`: N×(C·s²)×H×W → N×C×(s·H)×(s·W). Chapter 06."""
    name = "pixel_shuffle"
    for n, colours, height, width, scale in SHAPES:
        x = random(n, colours * scale**2, height, width)
        got = attempt(name, function, x.clone(), scale, where=f" on {tuple(x.shape)} at scale {scale}")
        equals(name, got, functional.pixel_shuffle(x, scale), _there(x, scale), hint=HINT, tolerance=0)
    passed(name, "four shapes, square or not, scales 2 to 4: equal to nn.PixelShuffle")


@leaves_random_numbers_alone
def pixel_unshuffle(function: Callable) -> None:
    """`function(pictures, scale)`: N×C×(s·H)×(s·W) → N×(C·s²)×H×W. Chapter 06."""
    name = "pixel_unshuffle"
    for n, colours, height, width, scale in SHAPES:
        x = random(n, colours, scale * height, scale * width)
        given = x.clone()
        got = attempt(name, function, given, scale, where=f" on {tuple(x.shape)} at scale {scale}")
        _same_values(name, got, x)
        equals(name, got, functional.pixel_unshuffle(x, scale), _back(x, scale), hint=HINT, tolerance=0)
        if not torch.equal(given, x):
            fail(name, "your code changes the pictures it was given")
    passed(name, "four shapes, square or not, scales 2 to 4: equal to nn.PixelUnshuffle, undone by nn.PixelShuffle")


def _same_values(name: str, got: Any, x: Tensor) -> None:
    if isinstance(got, Tensor) and got.numel() < x.numel():
        fail(name, f"{x.numel()} numbers came, {got.numel()} are left: nothing may be lost", HINT)


def _there(x: Tensor, s: int) -> list[tuple[Tensor, str]]:
    n, channels, h, w = x.shape
    blocks, inner = x.view(n, channels // s**2, s, s, h, w), x.view(n, s, s, channels // s**2, h, w)
    return [
        (x.reshape(n, channels // s**2, s * h, s * w), "only reshaped: numbers stand in memory's order, not in blocks"),
        (blocks.permute(0, 1, 4, 3, 5, 2).reshape(n, -1, s * h, s * w), "rows and columns of a block are exchanged"),
        (inner.permute(0, 3, 4, 1, 5, 2).reshape(n, -1, s * h, s * w), "the colour must count slowest: c·s² + i·s + j"),
        (
            blocks.flip(2, 3).permute(0, 1, 4, 2, 5, 3).reshape(n, -1, s * h, s * w),
            "the block is laid from its last pixel",
        ),
        (blocks.permute(0, 1, 2, 4, 3, 5).reshape(n, -1, s * h, s * w), "(i·H + h, j·W + w): the picture s² times"),
    ]


def _back(x: Tensor, s: int) -> list[tuple[Tensor, str]]:
    n, colours, height, width = x.shape
    h, w = height // s, width // s
    shape = (n, colours * s**2, h, w)
    blocks = x.view(n, colours, h, s, w, s)  # n, colour, h, i, w, j
    tiles = x.view(n, colours, s, h, s, w)
    colour_last = "colours stand innermost: wanted all s² channels of colour 0 first, then those of colour 1"
    return [
        (x.reshape(shape), "only reshaped: numbers stand in memory's order, not in blocks"),
        (blocks.permute(0, 1, 5, 3, 2, 4).reshape(shape), "rows and columns of a block are exchanged: j·s + i"),
        (blocks.permute(0, 3, 5, 1, 2, 4).reshape(shape), colour_last),
        (blocks.permute(0, 5, 3, 1, 2, 4).reshape(shape), f"{colour_last}; and rows and columns are exchanged"),
        (tiles.permute(0, 1, 2, 4, 3, 5).reshape(shape), "cut into s×s large tiles: wanted every s-th pixel"),
        (blocks.flip(3, 5).permute(0, 1, 3, 5, 2, 4).reshape(shape), "the block is read from its last pixel"),
    ]
