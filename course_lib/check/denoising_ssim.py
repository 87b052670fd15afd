"""Checks of chapter 05: structural similarity, with the paper's window and with scikit-image's default one."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from course_lib.check.evaluation_numbers import untouched
from course_lib.check.probes import random
from course_lib.check.report import attempt, close, equals, fail, leaves_random_numbers_alone, passed

GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


@leaves_random_numbers_alone
def ssim(function: Callable) -> None:
    """`function(x, y)` → SSIM with the Gaussian window, N values, against scikit-image. Chapter 05."""
    _check("ssim", function, _gauss(1.5, 11), 1.0, GAUSSIAN)


@leaves_random_numbers_alone
def flat_ssim(function: Callable) -> None:
    """`function(x, y)` → SSIM with a flat 7×7 window, variances over 48, N values, against scikit-image. Chapter 05."""
    _check("flat_ssim", function, _flat(7), 49 / 48, {})


def _check(name: str, function: Callable, window: Tensor, sample: float, settings: dict) -> None:
    from skimage.metrics import structural_similarity  # imported late: it takes seconds

    for where, x, y in _cases():
        given = x.clone(), y.clone()
        got = attempt(name, function, *given, where=f" on {where}")
        untouched(name, given, (x, y), "pictures")
        want = torch.tensor(
            [
                structural_similarity(*(p.double().numpy() for p in pair), data_range=1.0, channel_axis=0, **settings)
                for pair in zip(x, y, strict=True)
            ]
        )
        if isinstance(got, np.ndarray):
            got = torch.from_numpy(got)
        if isinstance(got, Tensor) and got.shape == () and len(x) > 1:
            fail(name, "one number for the whole batch", "one for each picture: mean(dim=(1, 2, 3))")
        if isinstance(got, Tensor) and got.ndim == 4:
            fail(name, "a map of numbers for each picture", "take its mean: one number for each picture")
        hint = "local means and variances by a window that adds up to 1; the formula; the mean over all windows"
        equals(name, got, want, _mistakes(x, y, window, sample, want), f"not SSIM on {where}", hint, 1e-5)
    passed(name, "four batches, in colour and grey, with flat areas among them: equal to scikit-image's")


def _cases() -> list[tuple[str, Tensor, Tensor]]:
    slope = torch.linspace(0.1, 0.9, 24).expand(2, 3, 20, 24)
    noisy = (slope + 0.1 * random(2, 3, 20, 24, seed=1)).clamp(0, 1)
    grey = torch.sigmoid(random(3, 1, 16, 19, seed=2))
    dark = 0.06 * torch.sigmoid(3 * random(2, 1, 18, 15, seed=3))
    flat = torch.full((2, 1, 15, 15), 0.3)
    return [
        ("a slope and its noisy copy", slope.contiguous(), noisy),
        ("grey pictures", grey, (0.8 * grey + 0.1 + 0.1 * random(3, 1, 16, 19, seed=4)).clamp(0, 1)),
        ("dark pictures", dark, (dark + 0.02 * random(2, 1, 18, 15, seed=5)).clamp(0, 1)),
        ("flat pictures", flat, flat + torch.tensor([0.05, 0.2]).view(2, 1, 1, 1)),
    ]


def _gauss(sigma: float, size: int) -> Tensor:
    offsets = torch.arange(size).double() - size // 2
    weights = torch.exp(-(offsets**2) / (2 * sigma**2))
    return torch.outer(weights, weights) / weights.sum() ** 2


def _flat(size: int) -> Tensor:
    return torch.full((size, size), 1 / size**2).double()


def _maps(x: Tensor, y: Tensor, window: Tensor, sample: float, c1: float, c2: float, pad: int = 0) -> list[Tensor]:
    """The agreement of the means, and that of the patterns, of every window."""
    mx, my, xx, yy, xy = _local(x, y, window, pad)
    variances, covariance = sample * (xx + yy - mx**2 - my**2), sample * (xy - mx * my)
    luminance = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    return [luminance, (2 * covariance + c2) / (variances + c2)]


def _mistakes(x: Tensor, y: Tensor, window: Tensor, sample: float, want: Tensor) -> list[tuple[Tensor, str]]:
    right = {"window": window, "sample": sample, "c1": 0.01**2, "c2": 0.03**2, "pad": 0}
    gaussian = window.shape[-1] == 11
    other = _gauss(1.5, 11) if not gaussian else _flat(7)
    called = "the flat 7×7 window: wanted the Gaussian one" if gaussian else "the Gaussian window: wanted the flat one"
    count = window.numel()
    over_n = "variances over n − 1: with this window they are weighted means" if gaussian else "variances over n"
    constants = [
        ({"c1": 0.01, "c2": 0.03}, "the constants are not squared: C₁ = 0.01², C₂ = 0.03²"),
        ({"c1": 0.03**2, "c2": 0.01**2}, "C₁ and C₂ have changed places"),
        (
            {"c1": (0.01 * 255) ** 2, "c2": (0.03 * 255) ** 2},
            "the constants are for values of 255: here the range is 1",
        ),
        ({"c1": 1e-12, "c2": 1e-12}, "the constants are missing: where a window is flat or black, 0/0 is left"),
        ({"c1": 0.0, "c2": 0.0}, "the constants are missing: where a window is flat or black, 0/0 is left"),
        ({"c2": 0.03**2 / 2}, "C₂ is halved"),
    ]
    windows = [
        ({"window": other}, called),
        ({"window": other, "sample": 1.0 if sample > 1 else 49 / 48}, called),
        ({"window": _gauss(1.5, 7)}, "the window ends too early: 11×11 for σ = 1.5"),
        ({"window": _gauss(1.5**0.5, 11)}, "σ and σ² are mixed up in the window"),
        ({"window": _gauss(1.5 * 2**-0.5, 11)}, "the 2 in exp(−d²/2σ²) is missing"),
        ({"window": _flat(8)}, "an 8×8 window"),
        ({"pad": window.shape[-1] // 2}, "windows over the border: only whole windows count, without padding"),
        ({"sample": count / (count - 1) if sample == 1 else 1.0}, f"{over_n}"),
        ({"sample": count / (count - 1) if sample == 1 else 48 / 49}, f"{over_n}, corrected the wrong way round"),
    ]
    for size in (3, 5, 8, 9, 11):
        for own in (1.0, size**2 / (size**2 - 1), sample):
            windows.append(({"window": _flat(size), "sample": own}, f"a flat {size}×{size} window"))
    found: list[tuple[Tensor, str]] = []
    for change, message in constants + windows:
        options = right | change
        if min(x.shape[2:]) >= options["window"].shape[-1]:
            found.append((_mean(torch.stack(_maps(x, y, **options)).prod(0)), message))
    luminance, patterns = _maps(x, y, **right)
    whole = [
        (_mean(luminance), "only the means are compared: the second factor is missing"),
        (_mean(patterns), "only the patterns are compared: the first factor, of the means, is missing"),
        (_mean(luminance) * _mean(patterns), "the two factors are averaged one by one: multiply in each window first"),
        (_mean((luminance + patterns) / 2), "the two factors are averaged: multiply them"),
        (1 - want, "that is 1 − SSIM"),
        ((1 - want) / 2, "that is (1 − SSIM) / 2, a loss"),
        (_one_window(x, y, sample), "one window over the whole picture: SSIM is a mean of many small ones"),
        (_without_means(x, y, window), "the means are not taken off: the covariance is E[xy] − E[x]·E[y]"),
        (_with_deviations(x, y, window, sample), "σx · σy stands in the place of the covariance"),
    ]
    return [(value, text) for value, text in found + whole if value.shape == want.shape and not close(value, want)]


def _mean(maps: Tensor) -> Tensor:
    return maps.mean(dim=(1, 2, 3))


def _one_window(x: Tensor, y: Tensor, sample: float) -> Tensor:
    x, y = x.double().flatten(2), y.double().flatten(2)
    mx, my = x.mean(2), y.mean(2)
    covariance = (x * y).mean(2) - mx * my
    variances = x.var(2, unbiased=sample > 1) + y.var(2, unbiased=sample > 1)
    return ((2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4) * (2 * covariance + 9e-4) / (variances + 9e-4)).mean(1)


def _local(x: Tensor, y: Tensor, window: Tensor, pad: int = 0) -> list[Tensor]:
    """The windows' means of x, y, x², y² and xy."""
    x, y, found = x.double(), y.double(), []
    for part in (x, y, x * x, y * y, x * y):
        planes = conv2d(part.flatten(0, 1)[:, None], window[None, None], padding=pad)
        found.append(planes.view(*part.shape[:2], *planes.shape[2:]))
    return found


def _without_means(x: Tensor, y: Tensor, window: Tensor) -> Tensor:
    mx, my, xx, yy, xy = _local(x, y, window)
    return _mean((2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4) * (2 * xy + 9e-4) / (xx + yy + 9e-4))


def _with_deviations(x: Tensor, y: Tensor, window: Tensor, sample: float) -> Tensor:
    mx, my, xx, yy, _ = _local(x, y, window)
    vx, vy = sample * (xx - mx**2).clamp(min=0), sample * (yy - my**2).clamp(min=0)
    patterns = (2 * (vx * vy).sqrt() + 9e-4) / (vx + vy + 9e-4)
    return _mean((2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4) * patterns)
