"""Checks of chapter 01: convolution as a matrix product, and the stamps of its transpose."""

from collections.abc import Callable
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.check.probes import random
from course_lib.check.report import attempt, equals, fail, is_tensor, leaves_random_numbers_alone, passed
from course_lib.errors import CourseError


def _columns_in_order(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """What comes out when the weights are laid out in another order than unfold's columns."""
    k = weight.shape[2]
    columns = F.unfold(x, k, padding=k // 2, stride=stride)
    size = F.conv2d(x, x.new_zeros(1, x.shape[1], k, k), stride=stride, padding=k // 2).shape[2:]
    return (weight.flatten(1) @ columns).unflatten(2, size)


def _forbidden(*_: object, **__: object) -> None:
    raise CourseError("write it as a matrix product, without conv2d: unfold, then weight @ columns")


@leaves_random_numbers_alone
def convolve(function: Callable) -> None:
    """`function(x, weight, stride=1)`: padding kernel//2, equal to torch's own convolution. Chapter 01."""
    name = "convolve"
    cases = [(2, 3, 5, 3, 8, 8, 1), (1, 1, 1, 3, 5, 7, 1), (3, 4, 2, 3, 6, 4, 1)]
    cases += [
        (2, 3, 5, 3, 8, 8, 2),
        (2, 2, 3, 5, 9, 12, 3),
        (1, 3, 4, 1, 6, 4, 2),
        (1, 2, 3, 3, 7, 10, 2),
        (1, 1, 2, 5, 8, 11, 3),
    ]
    for n, c, d, k, height, width, stride in cases:
        x, weight = random(n, c, height, width), random(d, c, k, k, seed=1)
        where = f" for x {tuple(x.shape)}, weight {tuple(weight.shape)}, stride {stride}"
        want = F.conv2d(x, weight, stride=stride, padding=k // 2)
        with patch.object(F, "conv2d", _forbidden), patch.object(torch, "conv2d", _forbidden):
            got = attempt(name, function, x, weight, stride, where=where)
        if isinstance(got, Tensor) and got.ndim == 3:
            fail(
                name,
                f"the pixels are still in one row: shape {tuple(got.shape)}{where}",
                "unfold gives H·W columns: give them back their rows and columns",
            )
        if stride > 1 and isinstance(got, Tensor) and got.shape == F.conv2d(x, weight, padding=k // 2).shape:
            fail(name, f"the stride is not used{where}", "unfold takes the stride as well")
        if isinstance(got, Tensor) and got.shape[2:] == F.conv2d(x, weight, stride=stride).shape[2:] != want.shape[2:]:
            fail(name, f"the padding is missing{where}: {tuple(got.shape)}", "padding = kernel size // 2")
        if isinstance(got, Tensor) and got.shape == want.transpose(2, 3).shape != want.shape:
            fail(name, f"height and width of the output have changed places{where}", "N×D×H'×W'")
        mistakes = [
            (F.conv2d(x, weight, stride=stride, padding=1), f"the padding is 1{where}, wanted k // 2 = {k // 2}"),
            (
                F.conv2d(x, weight.flip(2, 3), stride=stride, padding=k // 2),
                "the kernel is flipped: deep learning's convolution does not flip",
            ),
            (
                F.conv2d(x, weight.transpose(2, 3), stride=stride, padding=k // 2),
                "rows and columns of the kernel have changed places",
            ),
            (
                _columns_in_order(x, weight.permute(0, 2, 3, 1), stride),
                "the columns of unfold are in the order channel, row, column",
            ),
        ]
        equals(
            name,
            got,
            want,
            mistakes,
            otherwise=f"the numbers differ from torch's{where}",
        )
    passed(name, f"{len(cases)} shapes, equal to torch.nn.functional.conv2d")


@leaves_random_numbers_alone
def stamps(function: Callable) -> None:
    """`function(size, kernel, stride)`: how many inputs of a transposed convolution reach each output. Chapter 01."""
    name = "stamps"
    for size, kernel, stride in ((4, 3, 2), (5, 4, 2), (3, 2, 2), (4, 5, 3), (1, 3, 2), (6, 3, 1), (3, 2, 3)):
        where = f" for size={size}, kernel={kernel}, stride={stride}"
        got = attempt(name, function, size, kernel, stride, where=where)
        length = (size - 1) * stride + kernel
        counts = [sum(i * stride <= o < i * stride + kernel for i in range(size)) for o in range(length)]
        if not isinstance(got, Tensor):
            got = attempt(name, torch.as_tensor, got, where=f" as a tensor{where}")
        got = got.detach().double()
        want = torch.tensor(counts, dtype=torch.float64)
        if got.ndim == 1 and len(got) == size * stride != length:
            fail(
                name,
                f"{len(got)} outputs came{where}, wanted {length}",
                "the last stamp may reach past size·stride, or not so far: (size − 1)·stride + kernel",
            )
        if got.shape == (max((size - kernel) // stride + 1, 0),) != (length,):
            fail(
                name,
                f"{len(got)} outputs came{where}: that is a convolution, wanted its transpose",
                "the transpose makes the picture larger",
            )
        hint = "each of the `size` inputs adds one to `kernel` neighbouring outputs, starting at i·stride"
        is_tensor(name, got, want.shape, f"the result{where}", hint)
        mistakes = [
            ((want > 0).double(), "only reached or not is said: count how often"),
            (want / want.max(), "these are shares, wanted counts"),
        ]
        short = [sum(i * stride <= o < i * stride + kernel - 1 for i in range(size)) for o in range(length)]
        mistakes.append((torch.tensor(short).double(), f"each stamp reaches kernel − 1 outputs, wanted kernel{where}"))
        counted, wanted = (" ".join(f"{value:g}" for value in row.tolist()) for row in (got, want))
        equals(name, got, want, mistakes, otherwise=f"got {counted}, wanted {wanted}{where}", hint=hint)
    passed(name, "seven combinations of size, kernel and stride, counted one by one")
