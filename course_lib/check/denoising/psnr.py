"""Check of chapter 05: the mean PSNR of a set of photographs, as the benchmarks take it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.check.evaluating.numbers import judge, untouched
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
        "five pictures of unequal size and error": [
            (12, 10, 0.1),
            (20, 31, 0.004),
            (8, 8, 0.2),
            (15, 9, 0.05),
            (9, 21, 0.02),
        ],
        "two dull pictures, without black and white": [(11, 13, 0.02), (9, 10, 0.05)],
        "four pictures, little noise": [(10, 12, 0.003), (16, 9, 0.004), (11, 11, 0.006), (7, 20, 0.012)],
    }
    for where, sizes in cases.items():
        contrast = 0.1 if "dull" in where else 0.6
        targets = [_picture(height, width, seed, contrast) for seed, (height, width, _) in enumerate(sizes)]
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
    passed(name, "four sets of pictures, in 8 bits, one PSNR each, then their mean: equal to scikit-image's")


def _picture(height: int, width: int, seed: int, contrast: float) -> Tensor:
    """3×height×width in steps of 1/255; contrast 0.6 puts black and white in it, where clamping matters."""
    smooth = (0.5 + contrast * random(3, height, width, seed=seed)).clamp(0, 1)
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
    channels = torch.stack([(_file(p.double()) - t).square().mean(dim=(1, 2)) for p, t in pairs])
    peaks = torch.stack([t.max() for _, t in pairs]).double()
    ranges = torch.stack([t.max() - t.min() for _, t in pairs]).double()
    shown = torch.stack([_file(p.double()).max() for p, _ in pairs])
    grey = torch.stack([((_file(p.double()) - t) * luma).sum(0).square().mean() for p, t in pairs])
    wrong = [
        (-10 * pooled.log10(), "all pixels in one pool: wanted the PSNR of each picture first, then the mean"),
        (mean_db(mse.mean()), "the mean squared errors are averaged before the logarithm: average the decibels"),
        ((each * areas).sum() / areas.sum(), "large pictures weigh more: every picture counts once"),
        (each.median(), "the median of the pictures, wanted the mean"),
        (each.sum(), "the sum over the pictures, wanted the mean"),
        (each[0], "the first picture only: does `return` stand inside the loop?"),
        (each[-1], "the last picture only: collect one number for each picture"),
        (each.max(), "the best of the pictures, wanted the mean"),
        (each.min(), "the worst of the pictures, wanted the mean"),
        (-20 * mse.sqrt().mean().log10(), "the roots are averaged before the logarithm: average the decibels"),
        (mean_db(errors(lambda p: p)), "not clamped and not rounded: a file would hold 0…255, whole numbers"),
        (mean_db(errors(lambda p: p.clamp(0, 1))), "clamped, but not rounded to the 256 levels of a file"),
        (mean_db(errors(lambda p: (p * 255).round() / 255)), "rounded, but not clamped to [0,1]"),
        (mean_db(errors(lambda p: (p.clamp(0, 1) * 255).floor() / 255)), "rounded down: wanted the nearest level"),
        (mean_db(errors(lambda p: (p.clamp(0, 1) * 255).ceil() / 255)), "rounded up: wanted the nearest level"),
        (mean_db(errors(lambda p: (p.clamp(0, 1) * 256).round() / 256)), "256 levels have 255 steps between them: 255"),
        (
            mean_db(errors(lambda p: (p * 255).round().long() % 256 / 255)),
            "−1 became 255 and 256 became 0: clamp first",
        ),
        (
            mean_db(errors(lambda p: _file(p) * 255)),
            "the result is in levels of 255, the target in [0,1]: divide by 255",
        ),
        (mean_db(errors(lambda p: p.clamp(0, 1).round())), "rounded to 0 and 1: multiply by 255 first"),
        (want + 20 * np.log10(255), "the peak is 255, but the pictures are in [0,1]: peak 1"),
        (want + 20 * peaks.log10().mean(), "the peak is the target's largest value: it is 1 for every picture"),
        (want + 20 * shown.log10().mean(), "the peak is the result's largest value: it is 1 for every picture"),
        (want + 20 * ranges.log10().mean(), "the peak is the target's range: it is 1 for every picture"),
        (want - 20 * np.log10(255), "errors in levels of 255, and peak 1: both in [0,1], or both of 255"),
        ((-10 * mse.log()).mean(), "natural logarithm: decibels need log10"),
        (2 * want, "20 · log10 belongs to the root of the error; to the mean squared error belongs 10 · log10"),
        (want / 2, "half: 10 · log10 of the mean squared error"),
        (-want, "the sign: a smaller error is a larger PSNR"),
        (mse.mean(), "that is the mean squared error: the logarithm is missing"),
        (mean_db(absolute), "absolute errors, wanted squared ones"),
        (2 * mean_db(absolute), "absolute errors, wanted squared ones"),
        (mean_db(channels), "one PSNR for each channel: wanted one for each picture, from all its numbers"),
        (mean_db(areas * mse), "the squared errors are added up: wanted their mean"),
        (mean_db(3 * mse), "the channels' errors are added up: the mean goes over all numbers"),
        (mean_db(grey), "only the luma is compared: here all three channels count"),
    ]
    return [(float(value), message) for value, message in wrong]
