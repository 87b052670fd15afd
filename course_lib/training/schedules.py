"""How the learning rate changes over a run: from the share that is done to a factor."""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]


def cosine(progress: float, warmup: float = 0.1) -> float:
    """Factor on the learning rate at `progress` in [0,1]: a linear rise, then half a cosine down to 0.

    Paper: Loshchilov and Hutter 2017, "SGDR"; the warm-up as in Goyal et al. 2017. Chapter 01.
    """
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def constant(progress: float) -> float:
    """A learning rate that stays: the factor is 1 throughout. Chapter 01."""
    return 1.0


def fading(progress: float, hold: float = 0.5) -> float:
    """A learning rate that stays for the first half and then falls in a straight line to 0. Chapter 03."""
    return 1.0 if progress < hold else max(0.0, (1 - progress) / (1 - hold))
