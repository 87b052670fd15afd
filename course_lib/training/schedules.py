"""Learning-rate schedules: from the fraction of the run that is done to a factor on the learning rate."""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]


def cosine(progress: float, warmup: float = 0.1) -> float:
    """Factor on the learning rate at `progress` in [0,1]: linear warm-up, then half a cosine down to 0.

    Paper: Loshchilov and Hutter 2017, "SGDR"; the warm-up follows Goyal et al. 2017. Chapter 01.
    """
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def constant(progress: float) -> float:
    """A constant learning rate: the factor is always 1. Chapter 01."""
    return 1.0


def fading(progress: float, hold: float = 0.5) -> float:
    """A learning rate that is constant until `hold` (half the run) and then decays linearly to 0. Chapter 03."""
    return 1.0 if progress < hold else max(0.0, (1 - progress) / (1 - hold))
