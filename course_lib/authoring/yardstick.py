"""How fast is this machine today? A fixed piece of training, so that seconds can be compared between machines and days.

A chapter promises its computing time on two quiet cores. The same core, shared with others, takes half as long again an
hour later; the ratio of a chapter to this yardstick, measured beside it, stays about the same. Beside other heavy work
it does not: chapter 01, 98 s alone, counted as 78 beside two others. So build alone. Course machinery.
"""

import time

import torch
from torch import nn

# What `measure` gives where the chapters' times are told: two cores with AVX-512 and nothing else to do (four
# measurements: 1.51 to 1.72 s).
QUIET = 1.55
STEPS = 60


def measure(threads: int = 1) -> float:
    """Seconds for STEPS training steps of a small residual network on `threads` threads; random state untouched."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(0)
            network = nn.Sequential(*(nn.Conv2d(16, 16, 3, padding=1) for _ in range(6)))
            images = torch.randn(32, 16, 28, 28)
            start = time.perf_counter()
            for _ in range(STEPS):
                (network(images) - images).square().mean().backward()
            return time.perf_counter() - start
    finally:
        torch.set_num_threads(before)


def quiet(seconds: float, yardstick: float) -> float:
    """`seconds`, measured where the yardstick took `yardstick` seconds, as two quiet cores would take."""
    return seconds * QUIET / yardstick
