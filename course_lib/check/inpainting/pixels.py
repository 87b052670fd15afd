"""Checks of chapter 07: the mean of the known pixels, and known pixels that stay as they are."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from course_lib.check.inpainting.probes import holes, pictures, unharmed
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed

MEAN_HINT = "per picture and channel: sum of the known pixels / number of the known pixels"


def _cases() -> Iterator[tuple[str, Tensor, Tensor]]:
    for what, shape, inside in (
        ("with 0.9 in the holes", (3, 1, 6, 5), 0.9),
        ("with 0 in the holes", (2, 1, 7, 4), 0.0),
        ("with three channels", (2, 3, 5, 6), 0.0),
        ("with nan in the holes", (2, 2, 4, 4), float("nan")),
    ):
        hole = holes(shape[0], *shape[2:])
        # Channels of different brightness, or one mean for all of them would nearly do.
        x = 0.2 + pictures(*shape) * torch.linspace(0.3, 0.8, shape[1]).view(1, -1, 1, 1)
        x[:, :, 0, -2:] = 0  # the background of a garment: black, and known
        yield what, torch.where(hole == 1, inside, x), hole


@leaves_random_numbers_alone
def mean_fill(function: Callable) -> None:
    """`function(picture, hole)` → the known pixels' mean in the hole, against NumPy's masked arrays. Chapter 07."""
    name = "mean_fill"
    for what, x, hole in _cases():
        given = x.clone(), hole.clone()
        got = attempt(name, function, *given, where=f" {what}")
        unharmed(name, given, (x, hole))
        is_tensor(name, got, x.shape, hint="N×C×H×W, as the picture")
        masked = np.ma.masked_array(x.double().numpy(), (hole.expand_as(x) == 1).numpy())
        means = torch.from_numpy(masked.mean(axis=(2, 3)).filled(0)).view(*x.shape[:2], 1, 1)
        want = torch.where(hole == 1, means.to(x), x)
        mistakes = [(value, f"{message} ({what})") for value, message in _of_the_mean(x, hole, masked)]
        mistakes = [(value, message) for value, message in mistakes if not close(value, want)]
        if isinstance(got, Tensor) and torch.isnan(got).any() and torch.isnan(x).any():
            fail(
                name,
                f"what stands in the hole reaches the result ({what})",
                "0 · nan is nan: choose with torch.where instead of multiplying by 0",
            )
        equals(name, got, want.to(got.dtype), mistakes, f"other numbers than the reference {what}", MEAN_HINT)
        known = hole.expand_as(x) == 0
        if not torch.equal(got[known].to(x.dtype), x[known]):
            fail(name, "known pixels are rounded", "choose with torch.where; adding and taking off again rounds")
    passed(name, "one to three channels, holes of unequal size, with anything in them: NumPy's masked mean")


def _of_the_mean(x: Tensor, hole: Tensor, masked: np.ma.MaskedArray) -> list[tuple[Tensor, str]]:
    missing, zeroed = hole == 1, torch.where(hole == 1, 0.0, x)
    per_channel = torch.from_numpy(masked.mean(axis=(2, 3)).filled(0)).to(x).view(*x.shape[:2], 1, 1)
    over_all = zeroed.mean(dim=(2, 3), keepdim=True)
    in_the_hole = torch.where(missing, x, 0.0).sum((2, 3), keepdim=True) / hole.sum((2, 3), keepdim=True)
    sums, seen = zeroed.sum((2, 3), keepdim=True), (zeroed != 0).sum((2, 3), keepdim=True)
    one_count = zeroed.sum((2, 3), keepdim=True) / ((1 - hole).sum() / len(x))

    def put(value: Tensor) -> Tensor:
        return torch.where(missing, value, x)

    def batch_mean(axes: tuple[int, ...]) -> Tensor:
        return torch.from_numpy(np.asarray(np.ma.getdata(masked.mean(axis=axes, keepdims=True)))).to(x)

    counted = "the missing pixels are counted: their zeros are in the mean, divide by the number of known ones"
    black = "a pixel that is 0 counts as missing; black can be known"
    upside = "the mask is upside down: known pixels are replaced; `hole` is 1 where a pixel is missing"
    return [
        (put(over_all), counted),
        (torch.where(missing, x, in_the_hole), upside),
        (torch.where(missing, x, per_channel), upside),
        (torch.where(missing, x, over_all), upside),
        (put(in_the_hole), "filled with the mean of what stood in the hole, wanted that of the known pixels"),
        (put(x.mean((2, 3), keepdim=True)), "the mean is over all pixels, those in the hole included"),
        (put(batch_mean((0, 1, 2, 3))), "one mean for the whole batch: each picture has its own"),
        (put(batch_mean((0, 2, 3))), "one mean for all pictures: each picture has its own"),
        (put(batch_mean((1, 2, 3))), "one mean for all channels: each channel has its own"),
        (per_channel.expand_as(x), "the known pixels are gone too: only the hole is to be filled"),
        (zeroed, "the hole holds 0: nothing is filled"),
        (x, "that is the picture as it came: nothing is filled"),
        (put(sums), "that is the sum of the known pixels: divide by how many they are"),
        (put(sums / hole.sum((2, 3), keepdim=True)), "divided by the number of missing pixels, wanted the known ones"),
        (put(sums / seen), f"{black}: count with `hole`"),
        (torch.where(zeroed == 0, per_channel, x), f"{black}, and is filled: ask `hole`"),
        (put(one_count), "divided by the mean number of known pixels: each picture has its own number"),
    ]


@leaves_random_numbers_alone
def keep_known(function: Callable) -> None:
    """`function(picture, hole, answer)` → the answer in the hole, known pixels bit for bit. Chapter 07."""
    name = "keep_known"
    picture, hole = pictures(3, 1, 6, 5), holes(3, 6, 5)
    colour, its_hole = pictures(2, 3, 4, 6, seed=1), holes(2, 4, 6, seed=1)
    wild = 3 * pictures(3, 1, 6, 5, seed=2) - 1
    lost = torch.where(hole == 1, wild, torch.nan)
    cases = [
        ("for one channel", picture, hole, wild),
        ("for three channels", colour, its_hole, pictures(2, 3, 4, 6, seed=3)),
        ("for large answers", picture, hole, 1000 * wild),
        ("for an answer that is nan where pixels are known", picture, hole, lost),
        ("for a picture that is nan in its hole", torch.where(hole == 1, torch.nan, picture), hole, wild),
    ]
    for what, x, mask, answer in cases:
        given = x.clone(), mask.clone(), answer.clone()
        got = attempt(name, function, *given, where=f" {what}")
        unharmed(name, given, (x, mask, answer))
        is_tensor(name, got, x.shape, hint="N×C×H×W, as the picture; the hole has one channel and serves all")
        # Pixel by pixel in Python: a choice, without arithmetic.
        want = x.clone()
        for place in mask.expand_as(x).nonzero().tolist():
            want[tuple(place)] = answer[tuple(place)]
        if torch.equal(got.to(want), want):
            continue
        for value, message in _of_keeping(x, mask, answer):
            if got.isfinite().all() and close(got, value) and not close(value, want):
                fail(name, f"{message} ({what})")
        if torch.isnan(got).any():
            fail(name, f"nan reaches the result {what}", "0 · nan is nan: choose, do not multiply by 0")
        known = mask.expand_as(x) == 0
        if not torch.equal(got[known].to(x), x[known]):
            off = (got[known] - x[known]).abs().max().item()
            blended = off < 1e-6 * answer.abs().nan_to_num().max()
            why = "a + (y − a) is not y in floating point" if blended else "return them as they came, in their own type"
            fail(name, f"known pixels are rounded {what} (by {off:.1g})", f"{why}: choose with torch.where")
        if close(got, want, 1e-3):
            off = (got - want).abs().max().item()
            blended = off < 1e-6 * answer.abs().nan_to_num().max()
            why = "y + (a − y) is not a in floating point" if blended else "put it in as it came, in its own type"
            fail(name, f"the answer is rounded {what} (by {off:.1g})", f"{why}: choose with torch.where")
        fail(name, f"in the hole stands something else than the answer {what}", "as it is: neither rounded nor cut")
    passed(name, "one and three channels, large answers, nan where it must not tell: every known pixel bit for bit")


def _of_keeping(x: Tensor, hole: Tensor, answer: Tensor) -> list[tuple[Tensor, str]]:
    missing = hole == 1
    kept = torch.where(missing, answer, x)
    bytes_of_it = (kept.clamp(0, 1) * 255).round() / 255
    upside = "the mask is upside down: the answer stands where pixels are known; `hole` is 1 where one is missing"
    return [
        (torch.where(missing, x, answer), upside),
        (answer, "that is the whole answer: the known pixels are overwritten"),
        (x, "that is the picture as it came: the hole is not filled"),
        (torch.where(missing, 0.0, x), "the hole holds 0: the answer is not there"),
        (bytes_of_it, "known pixels are rounded to steps of 1/255: return them as they are"),
        (kept.clamp(0, 1), "the answer is cut to [0,1]: that is not asked for, a loss must see how far off it is"),
        ((x + answer) / 2, "the mean of both, wanted one or the other"),
        (x + hole * answer, "the answer is added to what stands in the hole, wanted in its place"),
    ]
