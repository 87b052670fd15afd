"""Checks of chapter 02: R1 with R2, and WGAN-GP's penalty, on discriminators whose slopes are known."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.check.gan_losses.bowl import Bowl, run, trains
from course_lib.check.probes import random
from course_lib.check.report import attempt, equals, fail, leaves_random_numbers_alone, passed

ASK = "one point for each pair, u · real + (1 − u) · fake; ask the discriminator there, and differentiate"
OF_MEAN = "the mean of the logits was differentiated: each slope is N times too small; use the sum"


def _squares(slopes: Tensor) -> Tensor:
    return slopes.flatten(1).square().sum(1)


def _from_one(squares: Tensor) -> Tensor:
    return (squares.sqrt() - 1).square().mean()


@leaves_random_numbers_alone
def r1_r2(function: Callable) -> None:
    """`function(discriminator, real, fake, gamma)` → γ/2 (R1 + R2), differentiable for D alone. Chapter 02."""
    name = "r1_r2"
    for shape, real_n, fake_n, gamma in (((3, 4, 5), 4, 6, 3.0), ((2,), 5, 5, 0.5), ((1, 3, 3), 3, 8, 10.0)):
        bowl = Bowl(shape, 0.7, flat=len(shape) == 1)
        real, noise = random(real_n, *shape), random(fake_n, *shape, seed=1).requires_grad_()
        fake = 1.5 * noise - 0.5  # as a generator hands it over: with a graph behind it
        where = f" on {real_n} real and {fake_n} fake pictures of shape {shape}, gamma = {gamma}"
        got, graphs = run(name, function, bowl, real, fake, gamma, where=where)
        slopes = bowl.slopes(real), bowl.slopes(fake)
        r, f = (_squares(at) for at in slopes)
        half, pixels = gamma / 2, real[0].numel()
        want = half * (r.mean() + f.mean())
        mistakes = [
            (half * r.mean(), "only the real pictures are penalised: that is R1, R2 is missing"),
            (half * f.mean(), "only the fake pictures are penalised: that is R2, R1 is missing"),
            (want * 2, "the factor ½ is missing"),
            (want / gamma, "gamma is not used"),
            (want * 2 / gamma, "neither gamma nor the factor ½ is used"),
            (want / 2, "the two penalties are averaged, wanted their sum"),
            (half * torch.cat([r, f]).mean(), "both batches are averaged together, wanted the sum of two means"),
            (want / pixels, "the mean runs over the pixels as well: sum over a picture, average over pictures"),
            (half * (r.sum() + f.sum()), "summed over the batch, wanted the mean over pictures"),
            (half * (r.sqrt().mean() + f.sqrt().mean()), "that is the length of the slope, wanted its square"),
            (half * (r.mean() / real_n**2 + f.mean() / fake_n**2), OF_MEAN),
            (half * (_from_one(r) + _from_one(f)), "no −1 here: that is WGAN-GP's"),
            (half * sum(at.sum(0).square().sum() for at in slopes), "the pictures' slopes are added up, then squared"),
            (half * sum(at.flatten(1).sum(1).square().mean() for at in slopes), "pixels are added up, then squared"),
            (half * (r.mean() - f.mean()), "one penalty is subtracted, wanted the sum"),
        ]  # fmt: skip
        hint = "square, sum over all numbers of a picture, average over pictures; R1 and R2 alike"
        named = [(value.detach(), message) for value, message in mistakes]
        equals(name, got, want.detach(), named, f"the penalty is wrong{where}", hint)
        trains(name, got, want, bowl, noise, graphs, half * (r.mean() + f.mean().detach()))
    passed(name, "three discriminators with known slopes: value, gradient to their weights, none to the generator")


@leaves_random_numbers_alone
def gradient_penalty(function: Callable) -> None:
    """`function(discriminator, real, fake)` → mean (‖∇D‖ − 1)² at random points between. Chapter 02."""
    name = "gradient_penalty"
    torch.manual_seed(0)
    for shape, n, steep in (((2, 3, 4), 6, 0.12), ((3,), 7, 0.4), ((1, 5, 5), 5, 0.13)):
        bowl = Bowl(shape, steep, flat=len(shape) == 1)
        real, noise = random(n, *shape).abs() + 0.5, random(n, *shape, seed=1).requires_grad_()
        fake = -noise.abs() - 0.5
        where = f" on {n} pictures of shape {shape}"
        got, graphs = run(name, function, bowl, real, fake, where=where)
        points = _points(name, bowl, real, fake.detach())
        slopes = bowl.slopes(points)
        rows, squares = slopes.flatten(1), _squares(slopes)
        length, want = squares.sqrt(), _from_one(squares)
        mistakes = [
            (length.square().mean(), "the −1 is missing: that is R1, at points between"),
            (length.mean(), "neither −1 nor the square is there: (‖slope‖ − 1)²"),
            ((length - 1).mean(), "the square is missing: (‖slope‖ − 1)²"),
            ((length - 1).abs().mean(), "that is the distance from 1, wanted its square"),
            ((length.square() - 1).square().mean(), "the root is missing: the length of the slope, not its square"),
            ((length.mean() - 1).square(), "the lengths are averaged before the −1, wanted after the square"),
            ((rows.norm() - 1).square(), "one length for the whole batch: each picture has its own"),
            ((rows.norm(dim=0) - 1).square().mean(), "the length runs over the batch, not over a picture"),
            ((slopes.norm(dim=1) - 1).square().mean(), "the length runs over the channels only: flatten each picture"),
            ((rows.square().mean(1).sqrt() - 1).square().mean(), "the mean stands under the root, wanted the sum"),
            ((rows.abs().sum(1) - 1).square().mean(), "that is the sum of |slope|, wanted the root of squares"),
            ((length / n - 1).square().mean(), OF_MEAN),
            ((length - 1).clamp(min=0).square().mean(), "only slopes above 1 are punished: here both sides are"),
            ((length + 1).square().mean(), "the sign is wrong: the length should be 1"),
            (want * n, "summed over the batch, wanted the mean"),
            (want * 10, "the factor 10 is not part of it: the training step multiplies"),
            (want / 2, "there is no factor ½ here"),
        ]  # fmt: skip
        named = [(value.detach(), message) for value, message in mistakes]
        hint = "flatten each picture's slope, take its length, subtract 1, square, average over pictures"
        equals(name, got, want.detach(), named, f"the penalty is wrong{where}", hint)
        trains(name, got, want, bowl, noise, graphs, want)
    _spread(name, function)
    passed(name, "three discriminators with known slopes, 400 random points: value, gradient, where D is asked")


def _points(name: str, bowl: Bowl, real: Tensor, fake: Tensor) -> Tensor:
    """Where the discriminator was asked; a cross unless these points are spread as they should be."""
    asked = [points for points in bowl.asked if points.shape == real.shape]
    if not asked:
        came = f", but at {tuple(bowl.asked[-1].shape)}" if bowl.asked else ""
        fail(name, f"the discriminator was never asked at points of shape {tuple(real.shape)}{came}", ASK)
    between = [points for points in asked if not (torch.equal(points, real) or torch.equal(points, fake))]
    if not between and len(asked) > 1:
        fail(name, "the discriminator is asked at the pictures themselves, wanted at random points between", ASK)
    points = (between or asked)[-1]
    share = ((points - fake) / (real - fake)).flatten(1)
    ends = {1.0: "at the real pictures", 0.0: "at the fake pictures", 0.5: "always half way"}
    for value, where in ends.items():
        if (share - value).abs().max() < 1e-4:
            fail(name, f"the slope is taken {where}, wanted random points between", "torch.rand, one number a picture")
    hint = "torch.rand(N, 1, 1, 1): one number in [0,1] for each picture, the same for all its pixels"
    if (share < -1e-4).any() or (share > 1 + 1e-4).any():
        fail(name, "points lie outside the line from fake to real", hint)
    if (share - share[:, :1]).abs().max() > 1e-4:
        fail(name, "the random number differs inside a picture, or its two weights do not add up to 1", hint)
    if (share[:, 0] - share[0, 0]).abs().max() < 1e-4:
        fail(name, "all pictures of the batch share one random number", hint)
    return points


def _spread(name: str, function: Callable) -> None:
    """The shares of 400 pictures are even in [0,1], and others in the next call."""
    bowl, real, fake = Bowl((1,), 1.0, flat=True), torch.ones(400, 1), torch.zeros(400, 1)
    shares = []
    for _ in range(2):
        attempt(name, function, bowl, real, fake)
        shares.append(_points(name, bowl, real, fake).flatten().sort().values)
    if torch.equal(*shares):
        fail(name, "every call takes the same random numbers", "no seed inside the function")
    # By chance an even distribution is 0.15 off once in ten million.
    if (shares[0] - (torch.arange(400) + 0.5) / 400).abs().max() > 0.15:
        fail(name, "the points are not spread evenly between fake and real", "torch.rand is even in [0,1]")
