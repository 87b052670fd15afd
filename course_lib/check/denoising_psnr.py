"""Check of chapter 05: the mean PSNR of a set of photographs, as the benchmarks take it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.check.evaluation_numbers import judge, untouched
from course_lib.check.probes import random
from course_lib.check.report import attempt, leaves_random_numbers_alone, passed

HINT = (
    "for each picture: clamp, round to steps of 1/255, mean squared error, −10·log10; then the mean over the pictures"
)


@leaves_random_numbers_alone
def benchmark_psnr(function: Callable) -> None:
    """`function(preds, targets)` → PSNR of each picture in 8 bits, averaged, against scikit-image. Chapter 05."""
    from skimage.metrics import peak_signal_noise_ratio  # imported late: it takes seconds

    name = "benchmark_psnr"
    cases = {
        "one picture": [(9, 14, 0.02)],
        "three pictures of unequal size and error": [(12, 10, 0.004), (20, 31, 0.05), (8, 8, 0.2)],
        "four pictures, little noise": [(10, 12, 0.003), (16, 9, 0.004), (11, 11, 0.006), (7, 20, 0.012)],
    }
    for where, sizes in cases.items():
        targets = [_picture(height, width, seed) for seed, (height, width, _) in enumerate(sizes)]
        preds = [
            target + level * random(*target.shape, seed=20 + seed)
            for seed, (target, (_, _, level)) in enumerate(zip(targets, sizes, strict=True))
        ]
        given = [part.clone() for part in (*preds, *targets)]
        got = attempt(name, function, given[: len(preds)], given[len(preds) :], where=f" on {where}")
        untouched(name, given, (*preds, *targets), "pictures")
        want = np.mean(
            [
                peak_signal_noise_ratio(_bytes(target), _bytes(pred), data_range=255)
                for pred, target in zip(preds, targets, strict=True)
            ]
        )
        judge(name, got, float(want), _mistakes(preds, targets), f" ({where})", HINT, "", 1e-5)
    passed(name, "three sets of pictures, in 8 bits, one PSNR each, then their mean: equal to scikit-image's")


def _picture(height: int, width: int, seed: int) -> Tensor:
    """3×height×width in steps of 1/255, with black and white in it, where clamping matters."""
    smooth = (0.5 + 0.6 * random(3, height, width, seed=seed)).clamp(0, 1)
    return (smooth * 255).round() / 255


def _bytes(picture: Tensor) -> np.ndarray:
    return (picture.double().clamp(0, 1) * 255).round().byte().numpy()


def _file(picture: Tensor) -> Tensor:
    return (picture.clamp(0, 1) * 255).round() / 255


def _mistakes(preds: list[Tensor], targets: list[Tensor]) -> list[tuple[float, str]]:
    pairs = list(zip(preds, targets, strict=True))

    def errors(prepare: Callable[[Tensor], Tensor]) -> Tensor:
        return torch.stack([(prepare(p.double()) - t.double()).square().mean() for p, t in pairs])

    def mean_db(values: Tensor) -> float:
        return (-10 * values.log10()).mean().item()

    mse = errors(_file)
    areas = torch.tensor([float(p.numel()) for p in preds]).double()
    pooled = (mse * areas).sum() / areas.sum()
    each = -10 * mse.log10()
    want = mean_db(mse)
    absolute = torch.stack([(_file(p.double()) - t).abs().mean() for p, t in pairs])
    luma = torch.tensor([0.299, 0.587, 0.114]).double().view(3, 1, 1)
    grey = torch.stack([((_file(p.double()) - t) * luma).sum(0).square().mean() for p, t in pairs])
    wrong = [
        (-10 * pooled.log10(), "all pixels in one pool: wanted the PSNR of each picture first, then the mean"),
        (mean_db(mse.mean()), "the mean squared errors are averaged before the logarithm: average the decibels"),
        ((each * areas).sum() / areas.sum(), "large pictures weigh more: every picture counts once"),
        (each.median(), "the median of the pictures, wanted the mean"),
        (each.sum(), "the sum over the pictures, wanted the mean"),
        (mean_db(errors(lambda p: p)), "not clamped and not rounded: a file would hold 0…255, whole numbers"),
        (mean_db(errors(lambda p: p.clamp(0, 1))), "clamped, but not rounded to the 256 levels of a file"),
        (mean_db(errors(lambda p: (p * 255).round() / 255)), "rounded, but not clamped to [0,1]"),
        (mean_db(errors(lambda p: (p.clamp(0, 1) * 255).floor() / 255)), "rounded down: wanted the nearest level"),
        (mean_db(errors(lambda p: p.clamp(0, 1).round())), "rounded to 0 and 1: multiply by 255 first"),
        (want + 20 * np.log10(255), "the peak is 255, but the pictures are in [0,1]: peak 1"),
        (want - 20 * np.log10(255), "errors in levels of 255, and peak 1: both in [0,1], or both of 255"),
        ((-10 * mse.log()).mean(), "natural logarithm: decibels need log10"),
        (2 * want, "20 · log10 belongs to the root of the error; to the mean squared error belongs 10 · log10"),
        (want / 2, "half: 10 · log10 of the mean squared error"),
        (-want, "the sign: a smaller error is a larger PSNR"),
        (mse.mean(), "that is the mean squared error: the logarithm is missing"),
        (mean_db(absolute), "absolute errors, wanted squared ones"),
        (2 * mean_db(absolute), "absolute errors, wanted squared ones"),
        (mean_db(grey), "only the luma is compared: here all three channels count"),
    ]
    return [(float(value), message) for value, message in wrong]
