"""Check of chapter 07: the error where pixels are missing, as a ruler."""

from collections.abc import Callable

import numpy as np
import torch

from course_lib.check.evaluating.numbers import judge, near
from course_lib.check.inpainting.probes import holes, pictures, unharmed
from course_lib.check.report import attempt, leaves_random_numbers_alone, passed

PSNR_HINT = "for each picture: mean squared error over its missing pixels, −10·log10 of it; then the mean over pictures"


def _decibels(error: float | np.ndarray) -> float | np.ndarray:
    return -10 * np.log10(error)


@leaves_random_numbers_alone
def hole_psnr(function: Callable) -> None:
    """`function(pred, target, hole)` → PSNR over the missing pixels, by picture, then their mean. Chapter 07."""
    name = "hole_psnr"
    for what, (n, channels, height, width) in (
        ("on 4 grey pictures", (4, 1, 8, 7)),
        ("on 3 colour pictures", (3, 3, 6, 6)),
        ("on one picture", (1, 1, 5, 5)),
    ):
        target, hole = pictures(n, channels, height, width), holes(n, height, width)
        # Some pictures are much harder than others, and the known pixels are off by something, too. All in [0,1]:
        # who cuts to that range first does no harm.
        scale = torch.logspace(-1.5, 0, n).view(n, 1, 1, 1)
        off = scale * (pictures(*target.shape, seed=1) - 0.5)
        pred = (target + torch.where(hole == 1, off, 0.02)).clamp(0, 1)
        given = pred.clone(), target.clone(), hole.clone()
        got = attempt(name, function, *given, where=f" {what}")
        unharmed(name, given, (pred, target, hole))
        squares = (pred.double() - target.double()).square().numpy()
        missing = (hole.expand_as(target) == 1).numpy()
        each = np.array([one[mask].mean() for one, mask in zip(squares, missing, strict=True)])
        want = float(np.mean(_decibels(each)))
        mistakes = [*_of_psnr(squares, missing, channels), *_of_the_peak(want, target)]
        wrong = [(float(value), message) for value, message in mistakes]
        wrong = [(value, message) for value, message in wrong if not near(value, want, 1e-4)]
        judge(name, got, want, wrong, f" ({what})", PSNR_HINT, PSNR_HINT, tolerance=1e-4)
    passed(name, "one to four pictures, one and three channels, hard and easy holes: NumPy, picture by picture")


def _of_psnr(squares: np.ndarray, missing: np.ndarray, channels: int) -> list[tuple[float, str]]:
    axes = (1, 2, 3)
    sums, counts = (squares * missing).sum(axes), missing.sum(axes)
    each, known = sums / counts, (squares * ~missing).sum(axes) / (~missing).sum(axes)
    pixels = missing[0].size
    nepers = -10 * np.log(each)
    by_channel = (squares * missing).sum((2, 3)) / missing.sum((2, 3))
    share = counts / pixels
    one_count = "one number of missing pixels for the whole batch: each picture has its own"
    diluted = "divided by all pixels instead of the missing ones: the smaller the hole, the better it looks"
    return [
        (_decibels(sums.sum() / counts.sum()), "pooled over the batch: one error of all holes together; hard ones win"),
        (_decibels(each.mean()), "the mean of the errors first: −10·log10 for each picture, then the mean"),
        (np.mean(_decibels(squares.mean(axes))), "that is the whole picture's PSNR: the known pixels are in it"),
        (_decibels(squares.mean()), "that is one PSNR of whole pictures, pooled over the batch"),
        (np.mean(_decibels(sums / pixels)), diluted),
        (_decibels(sums.sum() / squares.size), f"{diluted}; and pooled over the batch"),
        (np.mean(_decibels(known)), "the mask is upside down: that is the error of the known pixels"),
        (
            _decibels((squares * ~missing).sum() / (~missing).sum()),
            "the mask is upside down, and pooled over the batch: one error of all known pixels",
        ),
        (np.mean(_decibels(sums * channels / counts)), "divided by pixels, not by numbers: a pixel has C channels"),
        (np.mean(nepers), "that is the natural logarithm: decibels want log10"),
        (-np.mean(_decibels(each)), "the sign is wrong: a smaller error is a larger PSNR"),
        (2 * np.mean(_decibels(each)), "20·log10 belongs to the root of the squared error: here it is 10·log10"),
        (np.mean(_decibels(each)) / 2, "the root is taken and then 10·log10: without a root, or with 20"),
        (np.median(_decibels(each)), "that is the median over the pictures, wanted the mean"),
        (np.mean(_decibels(sums)), "a sum of squares, wanted their mean over the missing pixels"),
        (np.sum(_decibels(each)), "the sum over the pictures, wanted their mean"),
        (np.mean(_decibels(sums * len(sums) / counts.sum())), one_count),
        (np.mean(_decibels(sums / counts.sum())), one_count),
        (np.sum(_decibels(each) * counts) / counts.sum(), "large holes count more: here each picture counts alike"),
        (np.mean(_decibels(by_channel)), "a PSNR for each channel first: one error for all channels of a picture"),
        (np.mean(_decibels(squares[missing])), "a logarithm for each pixel: first the mean over the hole"),
        (np.mean(_decibels(np.sqrt(squares).mean(where=missing, axis=axes))), "the absolute error, wanted the squared"),
        (
            np.mean(_decibels(squares.mean(axes) / share)),
            "the whole picture's error divided by the share of the hole: right only where known pixels have no error",
        ),
        (np.mean(each), "that is the mean squared error: the PSNR is −10·log10 of it"),
    ]


def _of_the_peak(want: float, target: torch.Tensor) -> list[tuple[float, str]]:
    brightest, of_each = target.max().item(), target.amax((1, 2, 3)).double().numpy()
    return [
        (want + 20 * np.log10(255), "the peak is 1, not 255: values are in [0,1]"),
        (want + 20 * np.log10(brightest), "the peak is 1, whatever the brightest pixel is"),
        (want + np.mean(20 * np.log10(of_each)), "the peak is 1, whatever a picture's brightest pixel is"),
    ]
