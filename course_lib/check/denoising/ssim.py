"""Checks of chapter 05: structural similarity, with the paper's window and with scikit-image's default one."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.check.denoising.ssim_mistakes import flat_window, gaussian, mistakes
from course_lib.check.evaluating.numbers import untouched
from course_lib.check.probes import random
from course_lib.check.report import attempt, equals, fail, leaves_random_numbers_alone, passed

GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


@leaves_random_numbers_alone
def ssim(function: Callable) -> None:
    """`function(x, y)` → SSIM with the Gaussian window, N values, against scikit-image. Chapter 05."""
    _check("ssim", function, gaussian(1.5, 11), 1.0, GAUSSIAN)


@leaves_random_numbers_alone
def flat_ssim(function: Callable) -> None:
    """`function(x, y)` → SSIM with a flat 7×7 window, variances over 48, N values, against scikit-image. Chapter 05."""
    _check("flat_ssim", function, flat_window(7), 49 / 48, {})


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
        if isinstance(got, Tensor) and got.shape == x.shape[:2] and got.shape != want.shape:
            fail(name, "one number for each channel", "one for each picture: mean(dim=(1, 2, 3))")
        if where == "flat pictures" and isinstance(got, Tensor) and 1e-5 < _apart(got, want) < 1e-3:
            rounded = "nearly right, but rounded: in float32 E[x²] − E[x]² of a flat window has no correct digit"
            fail(name, rounded, "x, y = x.double(), y.double() at the beginning")
        hint = "local means and variances by a window that adds up to 1; the formula; the mean over all windows"
        equals(name, got, want, mistakes(x, y, window, sample, want), f"not SSIM on {where}", hint, 1e-5)
    passed(name, "four batches, in colour and grey, with flat areas among them: equal to scikit-image's")


def _apart(got: Tensor, want: Tensor) -> float:
    """The largest difference; infinite for other shapes."""
    return (got - want).abs().max().item() if got.shape == want.shape else float("inf")


def _cases() -> list[tuple[str, Tensor, Tensor]]:
    slope = torch.linspace(0.1, 0.9, 24).expand(2, 3, 20, 24)
    noisy = (slope + 0.1 * random(2, 3, 20, 24, seed=1)).clamp(0, 1)
    grey = torch.sigmoid(random(3, 1, 16, 19, seed=2))
    dark = 0.06 * torch.sigmoid(3 * random(2, 1, 18, 15, seed=3))
    flat = torch.full((2, 1, 15, 15), 0.3)
    return [
        ("dark pictures", dark, (dark + 0.02 * random(2, 1, 18, 15, seed=5)).clamp(0, 1)),
        ("grey pictures", grey, (0.8 * grey + 0.1 + 0.1 * random(3, 1, 16, 19, seed=4)).clamp(0, 1)),
        ("a slope and its noisy copy", slope.contiguous(), noisy),
        ("flat pictures", flat, flat + torch.tensor([0.05, 0.2]).view(2, 1, 1, 1)),
    ]
