"""How fast is this machine today? A fixed piece of training makes seconds comparable between machines and days.

A chapter states its computing time on two otherwise idle cores. The same core, shared with others, takes half as long
again an hour later; the ratio of a chapter's time to this yardstick, measured around it, stays about the same. With
other heavy work on the machine it does not: chapter 01, 98 s alone, counted as 78 s beside two others. So build alone.
Course machinery.
"""

import time

import torch
from torch import nn

# What `measure` gives on the machine behind the chapters' times: two otherwise idle cores with AVX-512 (four
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
    """The time that two idle cores would take for `seconds` measured where the yardstick took `yardstick` seconds."""
    return seconds * QUIET / yardstick
