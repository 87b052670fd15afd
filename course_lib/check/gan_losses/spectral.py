"""The check of chapter 02's spectral norm by power iteration, against a singular value decomposition."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from course_lib.check.probes import random
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed
from course_lib.errors import CourseError

READY_MADE = ("svd", "svdvals", "matrix_norm", "cond", "eig", "eigh", "eigvals", "eigvalsh")


def _forbidden(*_: Any, **__: Any) -> None:
    raise CourseError("write it as power iteration: products with the weight and its transpose, no decomposition")


def _weight(shape: tuple[int, ...], largest: float) -> Tensor:
    """A random weight with the singular values largest · 1, 0.6, 0.36, …: the iteration soon arrives."""
    rows, columns = shape[0], int(np.prod(shape[1:]))
    values = largest * 0.6 ** torch.arange(min(rows, columns))
    left, right = (torch.linalg.qr(random(n, len(values), seed=seed))[0] for seed, n in enumerate((rows, columns)))
    return (left * values @ right.T).reshape(shape)


# Rows and columns sum to 0 exactly: whoever starts from ones is annihilated in the first step.
BALANCED = torch.kron(torch.tensor([[4.0, 1.0], [0.0, 2.0]]), torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))


@leaves_random_numbers_alone
def spectral_norm(function: Callable) -> None:
    """`function(weight, steps)` → largest singular value of a linear or convolution weight. Chapter 02."""
    name = "spectral_norm"
    torch.manual_seed(0)
    shapes = ((5, 4), (3, 8), (6, 2, 3, 3), (4, 6, 1, 2))
    weights = [_weight(shape, largest) for shape, largest in zip(shapes, (3.0, 0.4, 2.0, 5.0), strict=True)]
    for weight in [*weights, BALANCED]:
        where = f" for a weight of shape {tuple(weight.shape)}"
        given = weight.clone().requires_grad_()
        with ExitStack() as stack:
            for tool in READY_MADE:
                stack.enter_context(patch.object(torch.linalg, tool, _forbidden))
            stack.enter_context(patch.object(torch, "svd", _forbidden))
            got = attempt(name, function, given, 50, where=where)
        if isinstance(got, Tensor) and got.shape == weight.shape:
            fail(name, f"a weight came back{where}, wanted its spectral norm: one number")
        if isinstance(got, float):
            fail(name, "the result is a plain number, wanted a tensor", "no .item(): the weight must get a gradient")
        is_tensor(name, got, (), f"the result{where}", "uᵀ W v with u and v of one axis is a single number")
        if not torch.equal(given, weight):
            fail(name, "your function changes the weight", "work on weight.detach().flatten(1)")
        left, values, right = np.linalg.svd(weight.double().numpy().reshape(len(weight), -1), full_matrices=False)
        want = torch.tensor(float(values[0]))
        _value(name, got, want, weight, where)
        if not got.requires_grad:
            fail(name, "the result is a constant: the weight gets no gradient", "detach u and v, not the weight itself")
        (gradient,) = torch.autograd.grad(got, given)
        outer = torch.tensor(np.outer(left[:, 0], right[0])).view_as(weight)  # of σ = uᵀ W v
        if not close(gradient, outer, 1e-3):
            fail(
                name,
                f"the weight gets a wrong gradient{where}",
                "σ = uᵀ W v, with the weight itself in this last product",
            )
        if given.grad is not None:
            fail(name, "the weight now holds a gradient", "nothing is differentiated here")
    passed(name, f"{len(shapes) + 1} weights, linear and convolutional, against NumPy's singular values; gradient u vᵀ")


def _value(name: str, got: Tensor, want: Tensor, weight: Tensor, where: str) -> None:
    hint = "v = normalise(Wᵀ u), u = normalise(W v), again and again; then σ = uᵀ W v"
    if weight is BALANCED and (not got.isfinite() or got < 0.9 * want):
        hint = "a vector of ones may be orthogonal to what you look for: torch.randn"
        fail(
            name, f"{got.item():.3g} came for a weight whose rows and columns sum to 0, wanted {want.item():.3g}", hint
        )
    if not got.isfinite():
        fail(name, f"NaN or infinity{where}", "divide u and v by their lengths in every step: they grow by σ each time")
    matrix = weight.flatten(1)

    def largest(matrix: Tensor) -> Tensor:
        return torch.tensor(float(np.linalg.norm(matrix.numpy(), 2)))

    mistakes = [
        (matrix.norm(), "that is the root of the sum of all squares (Frobenius), wanted the largest singular value"),
        (want.square(), "that is σ²: WᵀW stretches twice"),
        (want.sqrt(), "that is √σ: no root is needed"),
        (1 / want, "that is 1/σ"),
        (matrix.abs().max(), "that is the largest entry"),
        (matrix.abs().sum(1).max(), "that is the largest row sum of |W|"),
        (matrix.abs().sum(0).max(), "that is the largest column sum of |W|"),
        (-want, "the sign is wrong: a singular value is never negative"),
    ]
    if weight.ndim == 4:
        flat = "the kernel is flattened the wrong way: one row for each output channel, weight.flatten(1)"
        rows, columns = weight.shape[:2]
        summed = "the kernel's places are added up or averaged first, wanted all of them side by side"
        wrongs = [(weight.flatten(2).sum(2), summed), (weight.flatten(2).mean(2), summed)]
        wrongs += [(weight.flatten(0, 2), flat), (weight.flatten(0, 1).flatten(1), flat)]
        wrongs += [(weight.transpose(0, 1).flatten(1), flat), (weight.permute(2, 3, 1, 0).flatten(0, 2), flat)]
        wrongs += [(weight.reshape(shape), flat) for shape in ((-1, rows), (columns, -1), (-1, columns))]
        # Some of these are the right matrix again for one shape or another.
        mistakes += [(largest(m), said) for m, said in wrongs if not close(largest(m), want, 1e-3)]
    otherwise = f"got {got.item():.4g}, wanted {want.item():.4g}{where}"
    if 0 < got < want and not any(close(got, value, 1e-4) for value, _ in mistakes):
        otherwise += ": too small, as an iteration that has not arrived"
        hint = "is every step in the loop, and does it go on from the last step's u and v?"
    equals(name, got, want, mistakes, otherwise, hint, tolerance=1e-4)
