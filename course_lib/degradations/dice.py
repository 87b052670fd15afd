"""Random numbers that follow from a generator alone: not from the device, and not from the size of the batch."""

import torch
from torch import Generator, Tensor


def home(generator: Generator | None) -> torch.device:
    """Where the generator draws. Without one it is torch's own on the CPU, which `seed_everything` starts."""
    return torch.device("cpu") if generator is None else generator.device


def uniform(low: float, high: float, generator: Generator | None) -> float:
    """One number, even over [low, high)."""
    return low + (high - low) * torch.rand((), generator=generator, device=home(generator)).item()


def normal(shape: tuple[int, ...], generator: Generator | None) -> Tensor:
    """Standard normal numbers, float32, on the generator's device."""
    return torch.randn(shape, generator=generator, device=home(generator))


def generators(n: int, generator: Generator | None) -> list[Generator]:
    """n generators on the CPU, one per picture: however much one of them draws, the next is not moved by it."""
    place = home(generator)
    # One at a time: how torch fills a larger tensor depends on its size.
    seeds = [torch.randint(2**62, (), generator=generator, device=place).item() for _ in range(n)]
    return [Generator().manual_seed(seed) for seed in seeds]
