"""Check of chapter 07: a convolution over known pixels only."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from course_lib.check.inpainting.probes import box_and_dots, pictures, unharmed
from course_lib.check.probes import random
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed

FACTOR_HINT = "sum over the known pixels of the window, times k·k, divided by how many of them are known, then + bias"


def _by_definition(x: Tensor, hole: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Window by window, number by number, in float64."""
    outputs, channels, k, _ = weight.shape
    n, _, height, width = x.shape
    pad = k // 2
    values = np.zeros((n, channels, height + 2 * pad, width + 2 * pad))
    known = np.zeros((n, height + 2 * pad, width + 2 * pad), dtype=bool)
    inside = (slice(pad, pad + height), slice(pad, pad + width))
    known[:, *inside] = hole[:, 0].numpy() == 0
    values[:, :, *inside] = np.where(hole.numpy() == 1, 0, x.double().numpy())
    answer = np.zeros((n, outputs, height, width))
    for i in range(height):
        for j in range(width):
            window = (slice(i, i + k), slice(j, j + k))
            for one in range(n):
                count = known[one, *window].sum()
                if count:
                    total = (weight.double().numpy() * values[one, :, *window]).sum(axis=(1, 2, 3))
                    answer[one, :, i, j] = total * k * k / count + bias.double().numpy()
    return torch.from_numpy(answer).float()


@leaves_random_numbers_alone
def partial_conv(function: Callable) -> None:
    """`function(x, hole, weight, bias)` → a partial convolution, window by window from its definition. Chapter 07."""
    name = "partial_conv"
    for what, (channels, outputs, k), inside in (
        ("on 1 channel", (1, 2, 3), 0.0),
        ("on 3 channels", (3, 2, 3), 0.0),
        ("with a 5×5 kernel", (2, 1, 5), 0.0),
        ("with 0.9 in the hole", (2, 2, 3), 0.9),
        ("with nan in the hole", (1, 1, 3), float("nan")),
    ):
        hole = box_and_dots(9, 8)
        x = torch.where(hole == 1, inside, pictures(2, channels, 9, 8))
        weight, bias = random(outputs, channels, k, k, seed=1), random(outputs, seed=2) + 1
        given = x.clone(), hole.clone(), weight.clone(), bias.clone()
        got = attempt(name, function, *given, where=f" {what}")
        unharmed(name, given, (x, hole, weight, bias))
        is_tensor(name, got, (2, outputs, 9, 8), hint="N×outputs×H×W: padding k // 2 keeps the size")
        want = _by_definition(x, hole, weight, bias)
        if torch.isnan(got).any() and torch.isnan(x).any():
            fail(
                name,
                f"what stands in the hole reaches the result ({what})",
                "nan · 0 is nan: torch.where(hole == 1, 0.0, x) chooses",
            )
        if torch.isnan(got).any():
            fail(name, f"the result holds nan {what}", "a window without a known pixel would divide 0 by 0: it gives 0")
        wrong = [(value, f"{message} ({what})") for value, message in _of_partial(x, hole, weight, bias)]
        wrong = [(value, message) for value, message in wrong if not close(value, want, 1e-4)]
        equals(name, got.float(), want, wrong, f"other numbers than the definition {what}", FACTOR_HINT, 1e-4)
    passed(name, "1 to 3 channels, two kernels, empty windows, anything in the hole: the definition, number by number")


def _of_partial(x: Tensor, hole: Tensor, weight: Tensor, bias: Tensor) -> list[tuple[Tensor, str]]:
    outputs, channels, k, _ = weight.shape
    zeroed, pad, shift = torch.where(hole == 1, 0.0, x), k // 2, bias.view(1, -1, 1, 1)
    summed = functional.conv2d(zeroed, weight, padding=pad)
    ones = torch.ones(1, 1, k, k)
    count = functional.conv2d(1 - hole, ones, padding=pad)
    in_picture = functional.conv2d(torch.ones_like(hole), ones, padding=pad)
    left, safe = count == 0, count.clamp(min=1)

    def cut(value: Tensor) -> Tensor:
        return torch.where(left, 0.0, value)

    factor = k * k / safe
    over_channels = f"the factor is wrong with several channels: k·k / known, {channels} channels have the same hole"
    missing = functional.conv2d(hole, ones, padding=pad)
    counted_missing = "the factor is upside down: the missing pixels are counted; `hole` is 1 where one is missing"
    mine = [
        (cut(summed + shift), "the window factor is forgotten: beside the hole everything becomes too dark"),
        (summed + shift, "the window factor is forgotten, and a window without a known pixel gives its bias"),
        (cut(summed / safe + shift), "divided by the number of known pixels, and k·k forgotten: × k·k / known"),
        (cut(summed * factor * channels + shift), over_channels),
        (cut(summed * factor / channels + shift), over_channels),
        (cut((summed + shift) * factor), "the bias is scaled, too: it is added after the factor"),
        (cut(summed * safe / (k * k) + shift), "the factor is upside down: k·k / known, which is at least 1"),
        (torch.where(left, shift, summed * factor + shift), "a window without a known pixel gives the bias, wanted 0"),
        (cut(summed * factor), "the bias is missing"),
        (
            cut(summed * in_picture / safe + shift),
            "the factor counts only the window's part inside the picture: what lies beyond the border is missing too",
        ),
        (
            cut(summed / (1 - hole).mean((2, 3), keepdim=True) + shift),
            "one factor for the picture: each window has its own",
        ),
        (cut((summed + shift) / safe), "divided by the number of known pixels, with the bias, and k·k forgotten"),
        (cut(summed * k / safe + shift), "the factor is k / known, wanted k·k / known"),
        (cut(summed * 9 / safe + shift), "the factor is for 3×3 windows: k·k / known, with the k of the weight"),
        (
            cut(torch.where(hole == 1, summed * factor, summed) + shift),
            "the factor stands only where the pixel itself is missing: each window has one",
        ),
        (
            torch.where(hole == 1, 0.0, summed * factor + shift),
            "0 wherever the pixel itself is missing: one known pixel in its window is enough",
        ),
        (
            torch.where(count < k * k, 0.0, summed * factor + shift),
            "0 wherever something in the window is missing: one known pixel is enough",
        ),
        (
            torch.where(left, summed * factor + shift, 0.0),
            "upside down at the end: 0 is for windows *without* a known pixel",
        ),
        (cut(summed * k * k / missing.clamp(min=1) + shift), counted_missing),
        (torch.where(missing == 0, 0.0, summed * k * k / missing.clamp(min=1) + shift), counted_missing),
        (cut(summed * factor.sqrt() + shift), "the root of the factor, wanted the factor itself"),
    ]
    if x.isfinite().all():
        leaking = functional.conv2d(x, weight, padding=pad)
        masked_out = functional.conv2d(x * hole, weight, padding=pad)
        mine += [
            (cut(leaking * factor + shift), "what stands in the hole is in the sum: set it to 0 first"),
            (
                cut(masked_out * factor + shift),
                "the sum is over the missing pixels: `hole` is 1 where one is missing",
            ),
            (leaking + shift, "an ordinary convolution: the hole makes no difference"),
            (
                torch.where(missing == 0, 0.0, masked_out * k * k / missing.clamp(min=1) + shift),
                "the mask is upside down: the missing pixels are summed; `hole` is 1 where one is missing",
            ),
        ]
    return [(value.expand(len(x), outputs, *x.shape[2:]), message) for value, message in mine]
