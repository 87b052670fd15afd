"""Inputs that the checks of chapter 07 try: pictures, holes of several kinds, and whether they were left alone."""

import torch
from torch import Tensor

from course_lib.check.report import fail


def pictures(*shape: int, seed: int = 0) -> Tensor:
    """Numbers in [0,1] as pictures have them."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def holes(n: int, height: int, width: int, seed: int = 0) -> Tensor:
    """N×1×H×W, 1 where missing: a box in the first picture, single pixels in the others, of different shares."""
    dice = torch.Generator().manual_seed(100 + seed)
    share = torch.linspace(0.2, 0.6, n).view(n, 1, 1, 1)
    hole = (torch.rand(n, 1, height, width, generator=dice) < share).float()
    hole[0] = 0
    hole[0, :, 1 : height // 2 + 1, : width // 2] = 1
    hole[:, :, 0, -1], hole[:, :, -1, 0] = 0, 1
    return hole


def unharmed(name: str, given: tuple[Tensor, ...], before: tuple[Tensor, ...]) -> None:
    """A cross when the learner's code has written into what it was given (nan is equal to itself here)."""
    same = (torch.equal(one.nan_to_num(-7), other.nan_to_num(-7)) for one, other in zip(given, before, strict=True))
    if not all(same):
        fail(name, "your code changes the tensors it was given", "make a new one: torch.where, or .clone() first")


def box_and_dots(height: int, width: int) -> Tensor:
    """2×1×H×W: a wide box, so that some windows hold nothing known, and scattered pixels; both touch the border."""
    hole = holes(2, height, width)
    hole[0] = 0
    hole[0, :, 2:, : width - 3] = 1
    return hole
