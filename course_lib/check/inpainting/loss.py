"""Check of chapter 07: the error where pixels are missing, as one part of a loss."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.check.evaluating.numbers import judge, near
from course_lib.check.inpainting.probes import holes, pictures, unharmed
from course_lib.check.report import attempt, close, fail, leaves_random_numbers_alone, passed

LOSS_HINT = "weight · (sum of |·| over missing / how many they are) + (sum of |·| over known / how many they are)"


@leaves_random_numbers_alone
def hole_loss(function: Callable) -> None:
    """`function(answer, target, hole, weight)` → weight · mean |·| in the holes + mean |·| outside. Chapter 07."""
    name = "hole_loss"
    for what, (n, channels, height, width), weight in (
        ("on 3 grey pictures, weight 6", (3, 1, 6, 7), 6.0),
        ("on 2 colour pictures, weight 2.5", (2, 3, 5, 6), 2.5),
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
        bounded = np.abs((answer.clamp(0, 1) - target).double().numpy())
        bounded = weight * bounded[missing].mean() + bounded[~missing].mean()
        wrong += [(float(bounded), "the answer is cut to [0,1] first: what is far off would get no gradient")]
        wrong = [(v, message) for v, message in wrong if not near(v, want, 1e-4)]
        judge(name, got, want, wrong, f" ({what})", LOSS_HINT, LOSS_HINT, tolerance=1e-4)
        _gradient(name, got, given[0], target, missing, weight)
    passed(name, "grey and colour, three weights: both means over their own pixels, and the gradient")


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
    emphasis = np.where(missing, weight, 1)
    smooth = np.where(a < 1, squares / 2, a - 0.5)
    forgotten = "pixels, not by numbers: a pixel has C channels"
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
        (channels * weight * inside + outside, f"the hole's sum is divided by {forgotten}"),
        (weight * inside + channels * outside, f"the known sum is divided by {forgotten}"),
        (
            weight * per_picture[0].mean() + outside,
            "the hole's mean is taken picture by picture: here all of the batch count alike",
        ),
        ((weight * inside + outside) / (weight + 1), "divided by weight + 1: the formula is a sum of two parts"),
        ((emphasis * a).sum() / emphasis.sum(), "one weighted mean: each part has a mean of its own"),
        (((1 + weight * missing) * a).mean(), "one mean over all, with weight + 1 in the hole: two means are wanted"),
        (weight * inside + (1 - weight) * outside, "the known part has the weight 1 − weight, wanted 1"),
        (
            weight * smooth[missing].mean() + smooth[~missing].mean(),
            "that is the smooth L1 loss, squared near 0: wanted |answer − target|",
        ),
        (a.mean(), "that is the mean over the whole picture, without a weight for the hole"),
        (weight * a.mean(), "that is the mean over the whole picture"),
        (weight * inside + a.mean(), "the second part is the whole picture, wanted the known pixels only"),
    ]
