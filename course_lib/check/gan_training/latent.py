"""Check of chapter 03: the way from one noise to another on the arc."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.check.probes import random
from course_lib.check.report import attempt, equals, fail, is_tensor, leaves_random_numbers_alone, passed


@leaves_random_numbers_alone
def spherical(function: Callable) -> None:
    """`function(start, end, t)`: N×d noises on the arc from start to end. Chapter 03."""
    name = "spherical"
    lengths = torch.tensor([0.5, 1.0, 3.0, 1.0, 2.0])[:, None]
    cases = [
        ("five pairs of noises", random(5, 16), random(5, 16, seed=1)),
        ("five pairs of noises in two dimensions", random(5, 2, seed=2) * lengths, random(5, 2, seed=3)),
        ("two directions at a right angle", torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])),
        ("five pairs in five dimensions", random(5, 5, seed=4), random(5, 5, seed=5) * lengths),
    ]
    for what, start, end in cases:
        for t in (0.25, 0.5, 0.0, 1.0):
            given = start.clone(), end.clone()
            got = attempt(name, function, *given, t, where=f" on {what}, t = {t}")
            if not (torch.equal(given[0], start) and torch.equal(given[1], end)):
                fail(name, "your function changes the noises it was given", "work on new tensors, not in place")
            where = f"wrong on {what}, t = {t}"
            hint = "acos wants −1 … 1: take the dot product of the directions, and clamp it"
            _finite(name, got, start, f"NaN or infinity on {what}", hint)
            equals(name, got, _arc(start, end, t), _detours(start, end, t), where, _FORMULA, 1e-4)
    for what, end in (("itself", random(4, 8)), ("a multiple of itself", 3 * random(4, 8))):
        start = random(4, 8)
        got = attempt(name, function, start.clone(), end.clone(), 0.25, where=f" from a noise to {what}")
        hint = "take the line there; and rounding makes some cosines larger than 1: clamp"
        _finite(name, got, start, f"from a noise to {what} comes NaN: the angle is 0, and 0/0 is no number", hint)
        line, where = 0.75 * start + 0.25 * end, f"wrong from a noise to {what}: no arc there, but a line"
        equals(name, got, line, (), where, tolerance=1e-3)
    start, end = random(5, 8, seed=6), random(5, 8, seed=7)
    end[2] = 3 * start[2]
    got = attempt(name, function, start.clone(), end.clone(), 0.25, where=" on a batch with one pair without an angle")
    line = 0.75 * start + 0.25 * end
    want = line.clone()
    for row in (0, 1, 3, 4):
        want[row] = _arc(start[row : row + 1], end[row : row + 1], 0.25)[0]
    mistakes = [(line, "one pair without an angle sends the whole batch along the line: choose row by row")]
    equals(name, got, want, mistakes, "wrong on a batch with one pair without an angle", "torch.where", 1e-3)
    passed(name, "five sets of pairs, most at four places, each row by itself, and the pairs without an angle")


def _finite(name: str, got: Any, start: Tensor, wrong: str, hint: str) -> None:
    is_tensor(name, got, start.shape)
    if not torch.isfinite(got).all():
        fail(name, wrong, hint)


_FORMULA = "one angle for each row; sin((1−t)ω)/sin ω · u₀ + sin(tω)/sin ω · u₁, times (1−t)·ℓ₀ + t·ℓ₁"


def _arc(start: Tensor, end: Tensor, t: float) -> Tensor:
    """Row by row in Python's own numbers, by turning `start` in the plane of the two."""
    rows = []
    for a, b in zip(start.double().tolist(), end.double().tolist(), strict=True):
        first, second = math.hypot(*a), math.hypot(*b)
        u, v = [p / first for p in a], [q / second for q in b]
        cosine = sum(p * q for p, q in zip(u, v, strict=True))
        across = [q - cosine * p for p, q in zip(u, v, strict=True)]  # at a right angle to u, towards v
        sine = math.hypot(*across)
        turn, length = t * math.atan2(sine, cosine), (1 - t) * first + t * second
        rows.append([length * (math.cos(turn) * p + math.sin(turn) * w / sine) for p, w in zip(u, across, strict=True)])
    return torch.tensor(rows)


def _detours(start: Tensor, end: Tensor, t: float) -> list[tuple[Tensor, str]]:
    line, units = (1 - t) * start + t * end, [nn.functional.normalize(noise) for noise in (start, end)]
    lengths = [noise.norm(dim=1, keepdim=True) for noise in (start, end)]
    length = (1 - t) * lengths[0] + t * lengths[1]
    cosine = (units[0] * units[1]).sum(1, keepdim=True)
    angle = cosine.acos()
    whole = torch.cosine_similarity(start.flatten(), end.flatten(), dim=0).acos()
    product = (start * end).sum(1, keepdim=True).clamp(-1, 1).acos()
    degrees = angle.rad2deg()

    def between(angle: Tensor, first: Tensor, second: Tensor) -> Tensor:
        return (torch.sin((1 - t) * angle) * first + torch.sin(t * angle) * second) / torch.sin(angle)

    stretched = nn.functional.normalize(line) * length
    even = nn.functional.normalize((1 - t) * units[0] + t * units[1]) * length
    return [
        (line, "that is the straight line: its middle is too short"),
        (_arc(end, start, t), "start and end have changed places"),
        (length * between(whole, *units), "one angle was taken for the whole batch: each row has its own"),
        (length * between(angle, *units) * torch.sin(angle), "the division by sin ω is missing"),
        (between(angle, *units), "the result has length 1: the length goes from that of start to that of end"),
        (
            between(angle, start, end),
            "you mixed the noises; mix the unit directions u₀ and u₁, then multiply by the length",
        ),
        (lengths[0] * between(angle, *units), "the length stays that of start, and should go to that of end"),
        (stretched, "that is the straight line, stretched: no even steps along the arc"),
        (even, "the directions go along a straight line, stretched: no even steps along the arc"),
        (length * between(cosine, *units), "the cosine was taken for the angle: acos is missing"),
        (length * between(degrees, *units), "the angle is in degrees, and sin wants radians"),
        (
            torch.where(product < 1e-3, line, length * between(product, *units)),
            "the angle needs the dot product of the directions, both of length 1",
        ),
    ]
