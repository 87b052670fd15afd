"""Checks of chapter 07: the error where pixels are missing, as a ruler and as a loss."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.check.evaluation_numbers import judge, near
from course_lib.check.inpainting_pixels import holes, pictures, unharmed
from course_lib.check.report import attempt, close, fail, leaves_random_numbers_alone, passed

PSNR_HINT = "for each picture: mean squared error over its missing pixels, −10·log10 of it; then the mean over pictures"
LOSS_HINT = "weight · (sum of |·| over missing / how many they are) + (sum of |·| over known / how many they are)"


def _decibels(error: float | np.ndarray) -> float | np.ndarray:
    return -10 * np.log10(error)


@leaves_random_numbers_alone
def hole_psnr(function: Callable) -> None:
    """`function(pred, target, hole)` → PSNR over the missing pixels, by picture, then their mean. Chapter 07."""
    name = "hole_psnr"
    for what, (n, channels, height, width) in (
        ("on 4 gray pictures", (4, 1, 8, 7)),
        ("on 3 colour pictures", (3, 3, 6, 6)),
        ("on one picture", (1, 1, 5, 5)),
    ):
        target, hole = pictures(n, channels, height, width), holes(n, height, width)
        # Some pictures are much harder than others, and the known pixels are off by something, too.
        scale = torch.logspace(-1.5, 0, n).view(n, 1, 1, 1)
        off = scale * (pictures(*target.shape, seed=1) - 0.5)
        pred = target + torch.where(hole == 1, off, 0.02)
        given = pred.clone(), target.clone(), hole.clone()
        got = attempt(name, function, *given, where=f" {what}")
        unharmed(name, given, (pred, target, hole))
        squares = (pred.double() - target.double()).square().numpy()
        missing = (hole.expand_as(target) == 1).numpy()
        each = np.array([one[mask].mean() for one, mask in zip(squares, missing, strict=True)])
        want = float(np.mean(_decibels(each)))
        wrong = [(float(value), message) for value, message in _of_psnr(squares, missing, channels)]
        wrong = [(value, message) for value, message in wrong if not near(value, want, 1e-4)]
        judge(name, got, want, wrong, f" ({what})", PSNR_HINT, PSNR_HINT, tolerance=1e-4)
    passed(name, "one to four pictures, one and three channels, hard and easy holes: NumPy, picture by picture")


def _of_psnr(squares: np.ndarray, missing: np.ndarray, channels: int) -> list[tuple[float, str]]:
    axes = (1, 2, 3)
    sums, counts = (squares * missing).sum(axes), missing.sum(axes)
    each, known = sums / counts, (squares * ~missing).sum(axes) / (~missing).sum(axes)
    pixels = missing[0].size
    nepers = -10 * np.log(each)
    diluted = "divided by all pixels instead of the missing ones: the smaller the hole, the better it looks"
    return [
        (_decibels(sums.sum() / counts.sum()), "pooled over the batch: one error of all holes together; hard ones win"),
        (_decibels(each.mean()), "the mean of the errors first: −10·log10 for each picture, then the mean"),
        (np.mean(_decibels(squares.mean(axes))), "that is the whole picture's PSNR: the known pixels are in it"),
        (_decibels(squares.mean()), "that is one PSNR of whole pictures, pooled over the batch"),
        (np.mean(_decibels(sums / pixels)), diluted),
        (_decibels(sums.sum() / squares.size), f"{diluted}; and pooled over the batch"),
        (np.mean(_decibels(known)), "the mask is upside down: that is the error of the known pixels"),
        (np.mean(_decibels(sums * channels / counts)), "divided by pixels, not by numbers: a pixel has C channels"),
        (np.mean(nepers), "that is the natural logarithm: decibels want log10"),
        (-np.mean(_decibels(each)), "the sign is wrong: a smaller error is a larger PSNR"),
        (2 * np.mean(_decibels(each)), "20·log10 belongs to the root of the squared error: here it is 10·log10"),
        (np.mean(_decibels(each)) / 2, "the root is taken and then 10·log10: without a root, or with 20"),
        (np.median(_decibels(each)), "that is the median over the pictures, wanted the mean"),
        (np.mean(_decibels(sums)), "a sum of squares, wanted their mean over the missing pixels"),
        (np.sum(_decibels(each)), "the sum over the pictures, wanted their mean"),
        (np.mean(each), "that is the mean squared error: the PSNR is −10·log10 of it"),
    ]


@leaves_random_numbers_alone
def hole_loss(function: Callable) -> None:
    """`function(answer, target, hole, weight)` → weight · mean |·| in the holes + mean |·| outside. Chapter 07."""
    name = "hole_loss"
    for what, (n, channels, height, width), weight in (
        ("on 3 gray pictures, weight 6", (3, 1, 6, 7), 6.0),
        ("on 2 colour pictures, weight 2", (2, 3, 5, 6), 2.0),
        ("with weight 0", (2, 1, 6, 6), 0.0),
    ):
        target, hole = pictures(n, channels, height, width), holes(n, height, width)
        answer = pictures(*target.shape, seed=1) + 0.5 * hole
        given = answer.clone().requires_grad_(), target.clone(), hole.clone()
        got = attempt(name, function, *given, weight, where=f" {what}")
        unharmed(name, tuple(part.detach() for part in given), (answer, target, hole))
        difference, missing = (answer - target).double().numpy(), (hole.expand_as(target) == 1).numpy()
        absolute = np.abs(difference)
        want = weight * absolute[missing].mean() + absolute[~missing].mean()
        wrong = [(float(v), message) for v, message in _of_loss(difference, missing, weight, channels)]
        wrong = [(v, message) for v, message in wrong if not near(v, want, 1e-4)]
        judge(name, got, want, wrong, f" ({what})", LOSS_HINT, LOSS_HINT, tolerance=1e-4)
        _gradient(name, got, given[0], target, missing, weight)
    passed(name, "gray and colour, three weights: both means over their own pixels, and the gradient")


def _gradient(name: str, got: object, answer: Tensor, target: Tensor, missing: np.ndarray, weight: float) -> None:
    """What trains the network: every number's share of its own mean."""
    if not isinstance(got, Tensor) or not got.requires_grad:
        fail(name, "no gradient can flow: the result is no tensor with a graph", "no .item(), no float(), no NumPy")
    (found,) = torch.autograd.grad(got.sum(), answer)
    shares = np.where(missing, weight / missing.sum(), 1 / (~missing).sum())
    want = torch.from_numpy(shares).float() * (answer.detach() - target).sign()
    if not close(found, want, 1e-6):
        fail(name, "the value is right, and its gradient is not", LOSS_HINT)


def _of_loss(difference: np.ndarray, missing: np.ndarray, weight: float, channels: int) -> list[tuple[float, str]]:
    a, known = np.abs(difference), ~missing
    inside, outside, size = a[missing].mean(), a[known].mean(), a.size
    axes = (1, 2, 3)
    per_picture = (a * missing).sum(axes) / missing.sum(axes), (a * known).sum(axes) / known.sum(axes)
    by_all = (weight * a[missing].sum() + a[known].sum()) / size
    squares = difference**2
    half = "both are divided by all pixels: each mean is over its own pixels"
    return [
        (weight * inside, "only the hole counts: the known pixels are forgotten"),
        (inside, "only the hole counts, and without its weight: the known pixels are forgotten"),
        (outside, "only the known pixels count: the hole is forgotten"),
        (inside + weight * outside, "the mask is upside down, or the weight is on the known pixels"),
        (weight * (inside + outside), "the weight is on both parts, wanted on the hole only"),
        (inside + outside, "the weight is missing"),
        (by_all, half),
        (
            weight * a[missing].sum() / size + outside,
            "the hole's sum is divided by all pixels, wanted by the missing ones",
        ),
        (weight * inside + a[known].sum() / size, "the known sum is divided by all pixels, wanted by the known ones"),
        (
            weight * squares[missing].mean() + squares[known].mean(),
            "that is the squared error, wanted |answer − target|",
        ),
        (
            math.sqrt(squares[missing].mean()) * weight + math.sqrt(squares[known].mean()),
            "that is the root of the squared error, wanted the mean of |answer − target|",
        ),
        (channels * (weight * inside + outside), "divided by pixels, not by numbers: a pixel has C channels"),
        (
            weight * per_picture[0].mean() + per_picture[1].mean(),
            "a mean for each picture first: here all missing pixels of the batch count alike",
        ),
        (weight * a[missing].sum() + a[known].sum(), "sums, wanted means: a larger batch would learn faster"),
        (
            weight * difference[missing].mean() + difference[known].mean(),
            "the absolute value is missing: too bright and too dark would cancel",
        ),
        (a.mean(), "that is the mean over the whole picture, without a weight for the hole"),
        (weight * a.mean(), "that is the mean over the whole picture"),
        (weight * inside + a.mean(), "the second part is the whole picture, wanted the known pixels only"),
    ]
