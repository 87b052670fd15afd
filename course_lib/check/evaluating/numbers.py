"""A learner's number, in whatever dress it comes, and how it is judged: the reference first, then known mistakes."""

import math
from collections.abc import Sequence
from numbers import Complex, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.check.report import fail

Mistakes = Sequence[tuple[float, str]]


def number(name: str, got: Any, what: str = "the result", hint: str = "return one number") -> float:
    """A float, a NumPy number or a tensor of one number, as a float; a cross for all else."""
    if isinstance(got, Tensor):
        got = got.detach().cpu().numpy()
    if isinstance(got, np.ndarray):
        if got.size != 1:
            fail(name, f"{what} has shape {got.shape}, wanted one number", hint)
        got = got.reshape(()).item()
    if isinstance(got, bool | np.bool_) or not isinstance(got, Complex):
        fail(name, f"{what} is a {type(got).__name__}, wanted one number", hint)
    if not isinstance(got, Real):
        fail(name, f"{what} is a complex number, wanted a real one", "`.real` drops an imaginary part that is rounding")
    return float(got)


def near(got: float, want: float, tolerance: float, scale: float = 1.0) -> bool:
    """Equal to `tolerance`, relative to the larger of the two and to `scale`; never true with NaN or infinity."""
    return math.isclose(got, want, rel_tol=tolerance, abs_tol=tolerance * scale) and math.isfinite(got)


def judge(
    name: str,
    got: Any,
    want: float,
    mistakes: Mistakes = (),
    where: str = "",
    hint: str = "",
    not_finite: str = "",
    tolerance: float = 1e-5,
    scale: float = 1.0,
    what: str = "the result",
) -> None:
    """A cross unless `got` is `want`: it names the first mistake that gives the same number, or it gives the hint."""
    value, wanted = number(name, got, what), float(want)
    if near(value, wanted, tolerance, scale):
        return
    for wrong, message in mistakes:
        if near(value, float(wrong), tolerance, scale):
            fail(name, f"{message}{where}")
    if not math.isfinite(value):
        fail(name, f"{what} is {value}{where}", not_finite or hint)
    fail(name, f"{what} is {value:.5g}{where}, wanted {wanted:.5g}", hint)


def untouched(name: str, given: Sequence[Tensor], before: Sequence[Tensor], what: str) -> None:
    """A cross when the learner's code has written into what it was given."""
    if not all(torch.equal(one, other) for one, other in zip(given, before, strict=True)):
        fail(name, f"your code changes the {what} it was given", "work on new tensors: x - y, not x -= y")
