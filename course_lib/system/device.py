"""The device that computes: choose it, make results reproducible, measure its speed."""

import os
import platform
import random
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import numpy as np
import torch

from course_lib.errors import CourseError


def pick(name: str | None = None) -> torch.device:
    """The device to compute on: the first GPU (cuda, then mps) or the CPU; `name` requests a particular one.

    `name` is in torch.device's format: "cpu", "cuda", "cuda:1", "mps". Raises CourseError, listing the devices
    that are present, if it is not one of them. Shown in chapter 00.
    """
    present = _present()
    if name is None:
        return torch.device(present[0])
    if name not in present and not (name == "cuda" and "cuda:0" in present):
        raise CourseError(f"No device {name!r} here: this machine has {', '.join(present)}; choose one.")
    return torch.device(name)


def _present() -> list[str]:
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return gpus + (["mps"] if torch.backends.mps.is_available() else []) + ["cpu"]


def seed_everything(seed: int) -> None:
    """Seed the random generators of Python, NumPy and torch (on every device), 0 ≤ seed < 2³².

    Raises CourseError outside that range, which is NumPy's limit. Shown in chapter 00.
    """
    if not 0 <= seed < 2**32:
        raise CourseError(f"The seed is {seed}; use a whole number from 0 to {2**32 - 1}.")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)  # also covers every GPU, including any that is first used later


def autocast(device: torch.device, enabled: bool | None = None) -> AbstractContextManager:
    """A context that runs matrix products and convolutions in bfloat16 if the GPU supports it natively.

    Elsewhere (CPU, mps, older GPUs), and with `enabled=False`, it changes nothing. bfloat16 has the range of
    float32, so it needs no loss scaling; float16 would. Shown in chapter 00.
    """
    # Emulated bfloat16 (on a T4, say) is slower than float32, so it does not count as support.
    able = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if enabled is False or not able:
        return nullcontext()
    return torch.autocast("cuda", dtype=torch.bfloat16)


def budget(device: torch.device) -> Literal["cpu", "gpu"]:
    """Which of the two training budgets applies to `device`. Shown in chapter 00."""
    return "cpu" if device.type == "cpu" else "gpu"


def synchronise(device: torch.device) -> None:
    """Wait until `device` has finished its work: a GPU computes asynchronously.

    A clock read without this measures only how fast work is queued. Shown in chapter 00.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class Throughput:
    """Images (or other items) per second since creation: `add(n)` counts, `rate` is the throughput.

    `add` costs almost nothing; reading `rate` waits for the device, so do it rarely. Shown in chapter 00.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.count = device, 0
        synchronise(device)
        self._start = time.perf_counter()

    def add(self, n: int) -> None:
        """Count `n` more items."""
        self.count += n

    @property
    def rate(self) -> float:
        """Items counted so far per second since creation, including all queued work; 0 before the first `add`."""
        synchronise(self.device)
        return self.count / max(time.perf_counter() - self._start, 1e-9)


def describe(device: torch.device | None = None) -> dict[str, str | int | float | None]:
    """What `device` (default: `pick()`) is: `device`, `name`, `threads` (torch's on the CPU), `memory_gb`.

    `memory_gb` (10⁹ bytes): the GPU's, else the machine's, None where it is unknown. Shown in chapter 00.
    """
    device = device or pick()
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        name, memory = properties.name, properties.total_memory
    else:
        name, memory = platform.processor() or platform.machine(), _machine_memory()
    gigabytes = None if memory is None else round(memory / 1e9, 1)
    return {"device": str(device), "name": name, "threads": torch.get_num_threads(), "memory_gb": gigabytes}


def _machine_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None
