"""Random numbers that depend only on the random generator, not on the device or the batch size."""

import torch
from torch import Generator, Tensor


def home(generator: Generator | None) -> torch.device:
    """The generator's device. None means torch's global CPU generator, which `seed_everything` seeds."""
    return torch.device("cpu") if generator is None else generator.device


def uniform(low: float, high: float, generator: Generator | None) -> float:
    """One number, uniform over [low, high)."""
    return low + (high - low) * torch.rand((), generator=generator, device=home(generator)).item()


def normal(shape: tuple[int, ...], generator: Generator | None) -> Tensor:
    """Standard normal numbers, float32, on the generator's device."""
    return torch.randn(shape, generator=generator, device=home(generator))


def generators(n: int, generator: Generator | None) -> list[Generator]:
    """n CPU generators, one per image, so that the numbers one image draws do not affect the next image."""
    place = home(generator)
    # One draw at a time: how torch fills a larger tensor depends on its size.
    seeds = [torch.randint(2**62, (), generator=generator, device=place).item() for _ in range(n)]
    return [Generator().manual_seed(seed) for seed in seeds]
