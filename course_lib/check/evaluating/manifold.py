"""Check of chapter 04: precision, recall and coverage of generated pictures."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.check.evaluating.manifold_mistakes import (
    PARTS,
    coverage_of,
    mistakes_of_coverage,
    mistakes_of_share,
    share_within,
)
from course_lib.check.evaluating.numbers import near, number, untouched
from course_lib.check.probes import random
from course_lib.check.report import attempt, fail, leaves_random_numbers_alone, passed

HINT = "a feature reaches as far as its k-th nearest neighbour in its own set; inside one such reach is enough"
COVERAGE_HINT = "for each real feature: does any fake lie within this feature's own reach?"


@leaves_random_numbers_alone
def precision_recall(function: Callable) -> None:
    """`function(real, fake, k)` → (precision, recall, coverage), against scikit-learn's neighbours. Chapter 04."""
    name = "precision_recall"
    # With these seeds no two of the known mistakes give the same pair in the first case.
    real, fake = 0.7 * random(83, 3, seed=230).double(), 0.56 * random(71, 3, seed=231).double() + 0.63
    corner = 0.3 * random(30, 2, seed=3).double()
    cases = [
        ("83 real and 71 fake features", real, fake, 3),
        ("83 real and 71 fake features", real, fake, 1),
        ("71 real and 83 fake features", fake, real, 5),
        ("as many real as fake", real[:40], fake[:40], 2),
        ("few features of 30 numbers each", random(9, 30, seed=5).double(), random(7, 30, seed=6).double(), 2),
        ("fakes in one corner", 2 * random(80, 2, seed=4).double(), corner, 3),
        ("the same set twice", real, real.clone(), 3),
        ("two sets far apart", real, fake + 100, 3),
        ("whole numbers, some exactly at the reach", _line(0, 2, 10, 12, 30), _line(4, 5, 14, 19, 25, 27), 1),
    ]
    for what, one, two, k in cases:
        given, where = (one.clone(), two.clone()), f" (on {what}, k = {k})"
        got = attempt(name, function, *given, k, where=f" on {what}, k = {k}")
        untouched(name, given, (one, two), "features")
        *values, coverage = _three(name, got)
        want, covered = (share_within(one, two, k), share_within(two, one, k)), coverage_of(one, two, k)
        _whole_numbers(name, got, (*want, covered), where)
        if all(near(a, b, 1e-6) for a, b in zip(values, want, strict=True)):
            named = mistakes_of_coverage(one, two, k, *want)
            _judge(name, PARTS[2], coverage, covered, named, where, COVERAGE_HINT)
            continue
        if _same((*values, coverage), (want[0], covered, want[1])) and not near(covered, want[1], 1e-6):
            fail(name, f"recall and coverage have changed places{where}")
        for wrong, message in _wrong_pairs(one, two, k, want):
            if all(near(a, b, 1e-6) for a, b in zip(values, wrong, strict=True)):
                fail(name, f"{message}{where}")
        sides = (one, two), (two, one)
        for which, part in enumerate(PARTS):
            # A share of few vectors may be met by chance: a part is named only where the other one is right.
            named = mistakes_of_share(*sides[which], k, part) if near(values[1 - which], want[1 - which], 1e-6) else []
            _judge(name, part, values[which], want[which], named, where)
    passed(name, "nine pairs of sets, several k, equal, overlapping and far apart: equal to scikit-learn's neighbours")


def _same(values: Sequence[float], wanted: Sequence[float]) -> bool:
    return all(near(a, b, 1e-6) for a, b in zip(values, wanted, strict=True))


def _whole_numbers(name: str, got: Any, want: Sequence[float], where: str) -> None:
    """A cross for a share that // has cut down to a whole number; its type tells."""
    for one, share, part in zip(got, want, PARTS, strict=True):
        whole = isinstance(one, int) or (isinstance(one, Tensor) and not one.is_floating_point())
        if (whole or isinstance(one, np.integer)) and int(one) == int(share) and not near(int(share), share, 1e-6):
            fail(name, f"{part}: a whole number came. `//` cuts every share down to 0: divide with `/`{where}")


def _wrong_pairs(
    real: Tensor, fake: Tensor, k: int, want: tuple[float, float]
) -> list[tuple[tuple[float, float], str]]:
    """What mistakes give that show in both numbers: more telling than either alone."""
    precision, recall = want
    others = [n for n in (1, 2, 3, 4, 5, 10) if n != k and n < min(len(real), len(fake))]
    of_sets = zip(mistakes_of_share(real, fake, k), mistakes_of_share(fake, real, k), strict=True)
    return [
        ((recall, precision), "precision and recall have changed places: precision is a share of the fakes"),
        ((100 * precision, 100 * recall), "these are per cent, wanted shares from 0 to 1"),
        ((precision, precision), "recall: that is the precision once more"),
        ((recall, recall), "precision: that is the recall once more"),
        ((precision * len(fake), recall * len(real)), "each is a count, wanted a share from 0 to 1"),
        *(((first, second), message) for (first, message), (second, _) in of_sets),
        *(
            ((share_within(real, fake, n), share_within(fake, real, n)), f"that is k = {n}: use the k that is given")
            for n in others
        ),
    ]


def _three(name: str, got: Any) -> list[float]:
    if isinstance(got, Tensor | np.ndarray):
        got = tuple(got) if got.ndim == 1 else (got,)
    if not isinstance(got, tuple | list) or len(got) != 3:
        several = len(got) if isinstance(got, tuple | list) else type(got).__name__
        fail(name, f"wanted three numbers, got {several}", "return precision, recall, coverage")
    return [number(name, one, part) for one, part in zip(got, PARTS, strict=True)]


def _judge(
    name: str, part: str, value: float, want: float, mistakes: list[tuple[float, str]], where: str, hint: str = HINT
) -> None:
    if near(value, want, 1e-6):
        return
    for wrong, message in mistakes:
        if near(value, wrong, 1e-6) and not near(wrong, want, 1e-6):
            fail(name, f"{part}: {message}{where}")
    fail(name, f"{part} is {value:.4f}, wanted {want:.4f}{where}", hint)


def _line(*places: int) -> Tensor:
    """Vectors of one number: distances without rounding."""
    return torch.tensor(places, dtype=torch.float64)[:, None]
