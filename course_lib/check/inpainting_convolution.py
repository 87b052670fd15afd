"""Checks of chapter 07: a convolution over known pixels only, and the hole that it leaves."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from course_lib.check.inpainting_pixels import holes, pictures, unharmed
from course_lib.check.probes import random
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed

FACTOR_HINT = "sum over the known pixels of the window, times k·k, divided by how many of them are known, then + bias"


def _hole(height: int, width: int) -> Tensor:
    """2×1×H×W: a wide box, so that some windows hold nothing known, and scattered pixels; both touch the border."""
    hole = holes(2, height, width)
    hole[0] = 0
    hole[0, :, 2:, : width - 3] = 1
    return hole


@leaves_random_numbers_alone
def hole_left(function: Callable) -> None:
    """`function(hole, kernel)` → what a partial convolution leaves missing, against SciPy's erosion. Chapter 07."""
    from scipy.ndimage import binary_dilation, binary_erosion  # imported late: it takes a while

    name = "hole_left"
    everything = torch.ones(1, 1, 4, 4)
    for what, hole, kernel in (
        ("for a 3×3 kernel", _hole(9, 10), 3),
        ("for a 5×5 kernel", _hole(12, 12), 5),
        ("for a 1×1 kernel", _hole(5, 5), 1),
        ("for a hole that is everything", everything, 3),
        ("for no hole at all", 0 * everything, 3),
    ):
        given = hole.clone()
        got = attempt(name, function, given, kernel, where=f" {what}")
        unharmed(name, (given,), (hole,))
        is_tensor(name, got, hole.shape, hint="N×1×H×W, as the hole that came")

        def morph(by: Callable, structure: np.ndarray, hole: Tensor = hole, **named: int) -> Tensor:
            each = [by(one[0].numpy() == 1, structure, **named) for one in hole]
            return torch.from_numpy(np.stack(each))[:, None].float()

        square = np.ones((kernel, kernel))
        cross = np.zeros((kernel, kernel))
        cross[kernel // 2], cross[:, kernel // 2] = 1, 1
        want = morph(binary_erosion, square, border_value=1)
        known = functional.conv2d(1 - hole, torch.ones(1, 1, kernel, kernel), padding=kernel // 2)
        diamond = morph(binary_erosion, cross, border_value=1)
        wrong = [
            (morph(binary_dilation, square), "the hole grows: a window with a *single* known pixel becomes known"),
            (1 - want, "that is the mask of what is known: return 1 where something is still missing"),
            (hole, "the hole is as it was: known pixels reach into it"),
            (
                morph(binary_erosion, square, border_value=0),
                "what lies beyond the border counts as known: a hole at the border shrinks too fast",
            ),
            ((known < kernel**2 / 2).float(), "half of a window must be known with you: one pixel is enough"),
            (diamond, "only the window's middle row and column are asked, wanted all of it"),
            (morph(binary_erosion, np.ones((3, 3)), border_value=1), "always 3×3: the kernel has its own size"),
            (
                morph(binary_erosion, np.ones((2 * kernel + 1,) * 2), border_value=1),
                "the hole shrinks by the kernel's size, wanted by its radius, kernel // 2",
            ),
            ((known > 0).float() * hole, "only the pixels that become known are returned, wanted those still missing"),
            (known, "that is the number of known pixels: return 1 where it is 0, and 0 elsewhere"),
            (known / kernel**2, "that is the share of known pixels: return 1 where it is 0, and 0 elsewhere"),
        ]
        wrong = [(value, f"{message} ({what})") for value, message in wrong if not close(value, want)]
        equals(name, got.float(), want, wrong, f"another hole than SciPy's erosion {what}", "is any pixel known?")
    passed(name, "three kernels, holes at the border, everything missing, nothing missing: SciPy's erosion")


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
        hole = _hole(9, 8)
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
        (cut(summed * factor.sqrt() + shift), "the root of the factor, wanted the factor itself"),
    ]
    if x.isfinite().all():
        leaking = functional.conv2d(x, weight, padding=pad)
        masked_out = functional.conv2d(x * hole, weight, padding=pad)
        gone = functional.conv2d(hole, ones, padding=pad)
        mine += [
            (cut(leaking * factor + shift), "what stands in the hole is in the sum: set it to 0 first"),
            (leaking + shift, "an ordinary convolution: the hole makes no difference"),
            (
                torch.where(gone == 0, 0.0, masked_out * k * k / gone.clamp(min=1) + shift),
                "the mask is upside down: the missing pixels are summed; `hole` is 1 where one is missing",
            ),
        ]
    return [(value.expand(len(x), outputs, *x.shape[2:]), message) for value, message in mine]
