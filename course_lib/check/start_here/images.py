"""Checks of chapter 00: pictures as tensors, ranges, PSNR, and the first residual by hand."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.check.report import attempt, equals, fail, is_tensor, leaves_random_numbers_alone, passed

HALVES = "−1 must give 0, 0 give 127 or 128, 1 give 255; repair before you change the type"


@leaves_random_numbers_alone
def to_batch(function: Callable) -> None:
    """H×W×3 bytes (NumPy) → 1×3×H×W float32 in [0,1], on several sizes. Chapter 00."""
    name = "to_batch"
    for height, width in ((4, 6), (5, 5), (1, 3)):
        pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
        pixels = (pixels // 2 + 40).astype(
            np.uint8
        )  # 40 … 167: neither black nor white, so the picture's own range shows
        got = attempt(name, function, pixels.copy(), where=f" on a {height}×{width}×3 array")
        want = torch.stack([torch.tensor(pixels[..., c] / 255.0, dtype=torch.float32) for c in range(3)])[None]
        if isinstance(got, Tensor) and got.shape == want.shape[1:]:
            fail(
                name, f"the batch axis is missing: shape {tuple(got.shape)}", "N is 1 for a single picture: image[None]"
            )
        if isinstance(got, Tensor) and got.shape == (1, height, width, 3) != tuple(want.shape):
            fail(name, "the channels are still last", "permute moves axes: H×W×C → C×H×W")
        if isinstance(got, Tensor) and got.shape == want.transpose(2, 3).shape != want.shape:
            fail(name, "rows and columns have changed places", "permute(2, 0, 1): channels, then rows, then columns")
        is_tensor(name, got, want.shape)
        if got.dtype != torch.float32:
            fail(
                name,
                f"the numbers are {got.dtype}, wanted torch.float32",
                "NumPy divides into float64: make a tensor first, or end with .float()",
            )
        scrambled = torch.from_numpy(pixels).float().reshape(1, 3, height, width) / 255
        mistakes = [
            (want * 255, "the values run from 0 to 255, wanted 0 to 1"),
            (scrambled, "pixels and channels are mixed up: reshape renumbers the values, it does not move axes"),
            (want.flip(1), "red and blue have changed places"),
            (want.floor(), "`//` cuts off what comes after the point: use `/`"),
            (want.transpose(2, 3) if height == width else want + 2, "rows and columns have changed places"),
            (want * 255 / 256, "white is 0.996: the largest byte is 255, so divide by 255"),
            (want / want.max(), "divided by the picture's own maximum: divide by 255, whatever the picture holds"),
            (
                (want - want.min()) / (want.max() - want.min()),
                "stretched from the picture's own minimum to its maximum",
            ),
            (want * 2 - 1, "the values run from -1 to 1, wanted 0 to 1"),
        ]
        equals(name, got, want, mistakes, hint="white must become 1.0, black 0.0")
    passed(name, "three sizes of picture, shape, type, order and range of the values")


@leaves_random_numbers_alone
def to_bytes(function: Callable) -> None:
    """[-1,1] float of any shape → bytes, rounded to the nearest and clamped. Chapter 00."""
    name = "to_bytes"
    values = torch.linspace(-1.2, 1.2, 2 * 3 * 20 * 11).reshape(2, 3, 20, 11)
    before = values.clone()
    got = attempt(name, function, values)
    # Computed byte by byte in Python: independent of how tensors round and clamp.
    want = torch.tensor([min(255, max(0, round((v + 1) / 2 * 255))) for v in values.flatten().tolist()]).view(
        values.shape
    )
    if not torch.equal(values, before):
        fail(name, "your function changes the pictures it was given", "work on a new tensor, not in place")
    is_tensor(name, got, want.shape)
    if got.dtype != torch.uint8:
        fail(name, f"the numbers are {got.dtype}, wanted torch.uint8", "end with .to(torch.uint8)")
    unit = (values + 1) / 2 * 255
    mistakes = [
        (
            unit.to(torch.int64).remainder(256).to(torch.uint8),
            "neither rounded nor clamped: what is outside [-1,1] wraps round, the rest is rounded down",
        ),
        (unit.clamp(0, 255).to(torch.uint8), "every value is rounded down, so pictures get darker"),
        (
            unit.round().to(torch.int64).remainder(256).to(torch.uint8),
            "values outside [-1,1] wrap round: white turns black",
        ),
        (
            (values.clamp(0, 1) * 255).round().to(torch.uint8),
            "everything below 0 turns black: [-1,1] was taken for [0,1]",
        ),
        ((unit / 255 * 256).clamp(0, 255).to(torch.uint8), "it multiplies by 256: the bytes are 0 … 255"),
    ]
    got, want = got.double(), want.double()
    # A value exactly between two bytes may go either way: Python and torch round halves alike, formulas may not.
    if (got - want).abs().max() <= 1 and (got != want).double().mean() < 0.01:
        return passed(name, f"{values.numel():,} values from -1.2 to 1.2: range, rounding, clamping, type")
    for value, message in mistakes:
        if (got == value.double()).double().mean() > 0.99:
            fail(name, message, HALVES)
    fail(name, f"the bytes differ from the reference by up to {(got - want).abs().max():.0f}", HALVES)


@leaves_random_numbers_alone
def psnr(function: Callable) -> None:
    """PSNR of each picture in dB, against scikit-image. Chapter 00."""
    from skimage.metrics import peak_signal_noise_ratio  # imported late: it takes seconds

    name = "psnr"
    generator = torch.Generator().manual_seed(0)
    target = 0.3 + 0.4 * torch.rand(3, 3, 9, 7, generator=generator)
    noise = torch.randn(target.shape, generator=generator) * torch.tensor([0.02, 0.05, 0.1]).view(3, 1, 1, 1)
    pred = (target + noise).clamp(0, 1)
    given = pred.clone(), target.clone()
    got = attempt(name, function, *given)
    if not (torch.equal(given[0], pred) and torch.equal(given[1], target)):
        fail(name, "your function changes the pictures it was given", "write pred - target, not pred -= target")
    if isinstance(got, Tensor) and not got.is_floating_point():
        fail(name, f"the numbers are {got.dtype}, wanted decimals")
    pairs = list(zip(target.double().numpy(), pred.double().numpy(), strict=True))
    want = torch.tensor([peak_signal_noise_ratio(t, p, data_range=1.0) for t, p in pairs])
    error = (pred - target).square().mean((1, 2, 3))
    if isinstance(got, float | int) or (isinstance(got, Tensor) and got.ndim == 0):
        fail(name, "one number came for three pictures", "keep the batch axis: average over (1, 2, 3), not over all")
    if isinstance(got, Tensor) and got.shape != want.shape:
        fail(
            name, f"shape {tuple(got.shape)} came for three pictures, wanted (3,)", "average over (1, 2, 3), no keepdim"
        )
    mistakes = [
        (10 * torch.log10(error), "the sign is wrong: a better picture must have the larger PSNR"),
        (-torch.log10(error), "the factor 10 is missing: decibels are tenths"),
        (-10 * torch.log(error), "that is the natural logarithm; decibels use log10"),
        (
            -20 * torch.log10(error),
            "20·log10 of the squared error counts the square twice",
        ),
        (-10 * torch.log10(error.sqrt()), "10·log10 of the root: use 10·log10 of the squared error"),
        *(
            (
                20 * torch.log10(peak) - 10 * torch.log10(error),
                "the peak is 1, whatever the largest value in these pictures",
            )
            for peak in (
                pred.max(),
                target.max(),
                torch.max(pred.max(), target.max()),
                target.max() - target.min(),
                target.amax((1, 2, 3)),
            )
        ),
        (10 * torch.log10(255**2 / error), "the peak is 1 for pictures in [0,1], not 255"),
        (-20 * torch.log10((pred - target).abs().mean((1, 2, 3))), "that is the mean absolute error; square it first"),
        (-10 * torch.log10((pred - target).square().sum((1, 2, 3))), "that is the sum of squares, not the mean"),
        (-10 * torch.log10((pred - target).square().mean((0, 2, 3))), "the mean runs over the wrong axes"),
    ]
    equals(
        name,
        got,
        want.to(got) if isinstance(got, Tensor) else want,
        mistakes,
        hint="10·log10(1 / mean squared error)",
        tolerance=1e-4,
    )
    passed(name, "three pictures with three amounts of noise, equal to scikit-image")


@leaves_random_numbers_alone
def sharpen(function: Callable) -> None:
    """Unsharp masking y + amount·(y − blur(y)), clamped, for several blurs and amounts. Chapter 00."""
    name = "sharpen"
    picture = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))

    def shift(x: Tensor) -> Tensor:
        return (x + x.roll(1, -1) + x.roll(1, -2)) / 3

    def box(x: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)

    for blur, amount in ((shift, 1.0), (box, 0.5), (box, 2.0)):
        y, before = picture * 0.8 + 0.1, None
        before = y.clone()
        got = attempt(name, function, y, blur, amount)
        if not torch.equal(y, before):
            fail(name, "your function changes the picture it was given", "write y + …, not y += …")
        detail = y - blur(y)
        want = (y + amount * detail).clamp(0, 1)
        mistakes = [
            (y + amount * detail, "values leave [0,1]: clamp the result"),
            ((y - amount * detail).clamp(0, 1), "the sign of the residual is wrong: this blurs even more"),
            ((amount * detail).clamp(0, 1), "the shortcut is missing: this is the residual alone, without y"),
            (amount * detail, "the shortcut is missing: this is the residual alone, without y"),
            ((y + amount * detail.clamp(0, 1)).clamp(0, 1), "the residual lost its negative half: clamp the sum"),
            ((blur(y) + amount * detail).clamp(0, 1), "the residual was added to the blurred y, not to y"),
            ((y + detail).clamp(0, 1) if amount != 1 else y + 2, "the amount is not used"),
            ((y + amount * y).clamp(0, 1), "nothing was subtracted: the residual is y − blur(y)"),
        ]
        equals(name, got, want, mistakes, hint="three parts: y, the amount, and what blur takes away from y")
    passed(name, "two kinds of blur, three amounts, values kept in [0,1], input left alone")
