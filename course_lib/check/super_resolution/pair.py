"""Check of chapter 06: a photograph made into a pair, as the benchmarks make it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from course_lib.check.report import attempt, fail, is_tensor, leaves_random_numbers_alone, passed
from course_lib.check.super_resolution.rows import matrix
from course_lib.images import resize

STEPS = 255
HINT = "cut rows and columns off below and to the right; resize; clamp; round to steps of 1/255"


@leaves_random_numbers_alone
def benchmark_pair(function: Callable) -> None:
    """`function(photo, scale)`: 3×H×W in [0,1] → (small, original), cut, antialiased, 8 bits. Chapter 06."""
    name = "benchmark_pair"
    for height, width, scale in ((24, 20, 2), (27, 25, 2), (26, 31, 4)):
        photo = _checked(height, width)
        given = photo.clone()
        got = attempt(name, function, given, scale, where=f" on {height}×{width} at scale {scale}")
        if not torch.equal(given, photo):
            fail(name, "your code changes the photograph it was given")
        where = f" (on {height}×{width} pixels, scale {scale})"
        _judge(name, got, photo, scale, where)
    passed(name, "three sizes, scales 2 and 4: cut, antialiased by MATLAB's rules, clamped and rounded to 8 bits")


def _checked(height: int, width: int) -> Tensor:
    """Black and white with grey between: a cubic overshoots here on both sides."""
    dice = torch.rand(3, height, width, generator=torch.Generator().manual_seed(height))
    blocks = (torch.arange(height)[:, None] // 4 + torch.arange(width) // 4) % 2
    return torch.where(dice < 0.3, dice / 0.3, blocks.float())


def _judge(name: str, got: Any, photo: Tensor, scale: int, where: str) -> None:
    if not isinstance(got, tuple | list) or len(got) != 2:
        fail(name, f"wanted two pictures, got {type(got).__name__}", "return small, original")
    small, original = got
    if isinstance(small, Tensor) and isinstance(original, Tensor) and small.numel() > original.numel():
        fail(name, f"the first picture is the larger one{where}: exchanged?", "return small, original")
    for part, what in ((original, "the original"), (small, "the small picture")):
        if isinstance(part, Tensor) and part.ndim == 4 and len(part) == 1:
            fail(name, f"{what}{where} still has the batch axis that `resize` wants", "`[0]` takes it away")
    h, w = photo.shape[1] // scale, photo.shape[2] // scale
    cut = photo[:, : h * scale, : w * scale]
    larger = "its sides must be multiples of the scale, and as few pixels as possible are cut off"
    is_tensor(name, original, cut.shape, f"the original{where}", larger)
    if not torch.equal(original, cut):
        if _same(original, _eight_bits(cut)):
            fail(name, f"the original is rounded{where}", "only the small picture becomes a file of 8 bits")
        fail(name, f"the original is not the photograph's first rows and columns{where}", "cut, do not resize or shift")
    is_tensor(name, small, (3, h, w), f"the small picture{where}", HINT)
    want = _eight_bits(_shrunk(cut, scale))
    if _same(small, want):
        return
    for value, message in _mistakes(photo, cut, scale):
        if value.shape == small.shape and _same(small, value):
            fail(name, f"{message}{where}", HINT)
    inner = (..., slice(3, -3), slice(3, -3)) if min(h, w) > 8 else (..., slice(2, -2), slice(2, -2))
    if _same(small[inner], want[inner]):
        fail(name, f"right inside, other near the border: there MATLAB mirrors the picture{where}", "use `resize`")
    off = STEPS * (small.double() - want).abs().max().item()
    fail(name, f"the small picture differs by up to {off:.1f} of 255{where}", HINT)


def _same(got: Tensor, want: Tensor) -> bool:
    apart = STEPS * (got.double() - want.double()).abs()
    # A value half way between two steps may go either way.
    return bool(apart.max() < 1.01 and (apart < 0.01).double().mean() > 0.985)


def _shrunk(x: Tensor, scale: int, **how: object) -> Tensor:
    down, across = (matrix(side, scale, **how) for side in x.shape[1:])
    return torch.from_numpy(np.einsum("ih,chw,jw->cij", down, x.double().numpy(), across))


def _eight_bits(x: Tensor) -> Tensor:
    return (x.clamp(0, 1) * STEPS).round() / STEPS


def _mistakes(photo: Tensor, cut: Tensor, scale: int) -> list[tuple[Tensor, str]]:
    right = _shrunk(cut, scale)
    sparse = _shrunk(cut, scale, stretch=False)
    size = tuple(right.shape[1:])
    torch_sparse = functional.interpolate(cut[None], size=size, mode="bicubic")[0]
    forgotten = "antialiasing is forgotten: pixels in between are left out"
    uncut = resize(photo[None], size=size)[0]
    every, means = cut[:, ::scale, ::scale], functional.avg_pool2d(cut[None], scale)[0]
    return [
        *((f(sparse), forgotten) for f in (_eight_bits, lambda x: x, lambda x: x.clamp(0, 1))),
        *((f(torch_sparse), f"{forgotten}; and its cubic is another one") for f in (_eight_bits, lambda x: x)),
        *((f(every), "every s-th pixel: the others do not count, and fine stripes become coarse ones")
          for f in (_eight_bits, lambda x: x)),
        *((f(means), "the mean of each block: that is no cubic") for f in (_eight_bits, lambda x: x)),
        (right, "neither clamped nor rounded: a small picture is a file of 8 bits"),
        (right.clamp(0, 1), "not rounded: a small picture is a file of 8 bits"),
        ((right * STEPS).round() / STEPS, "not clamped: a cubic overshoots, and a file holds 0 … 255"),
        ((right.clamp(0, 1) * STEPS).floor() / STEPS, "truncated, not rounded: every value goes down"),
        ((right * STEPS).round().remainder(256) / STEPS, "values beyond [0,1] wrap round: clamp before uint8"),
        *((f(uncut), "the small picture is made of the whole photograph: cut first, or the two are shifted")
          for f in (_eight_bits, lambda x: x)),
        (right.clamp(0, 1).round(), "rounded to 0 and 1: times 255 before you round, divided by 255 after"),
        *((f(right.clamp(0, 1) * 256) / 256, "steps of 1/256: 8 bits hold 0, 1/255, … 1")
          for f in (torch.round, torch.floor)),
        ((right.clamp(0, 1) * STEPS).round(), "the small picture runs from 0 to 255, wanted 0 to 1"),
    ]  # fmt: skip
