"""Target distributions in the plane, and how well generated points cover them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Mixture:
    """A mixture of isotropic Gaussians of equal weight: `centres` K×2, standard deviation `spread`. Chapter 02."""

    centres: Tensor
    spread: float

    def sample(self, *shape: int, generator: torch.Generator | None = None) -> Tensor:
        """Random points, shape×2 float32, drawn with `generator` (default: torch's global random generator)."""
        chosen = torch.randint(len(self.centres), shape, generator=generator)
        return self.centres[chosen] + self.spread * torch.randn(*shape, 2, generator=generator)


def ring(modes: int = 8, radius: float = 1.5, spread: float = 0.08) -> Mixture:
    """`modes` Gaussians on a circle around 0, counter-clockwise from (radius, 0). Chapter 02."""
    angle = torch.arange(modes) * (2 * math.pi / modes)
    return Mixture(radius * torch.stack([angle.cos(), angle.sin()], 1), spread)


def grid(side: int = 5, spacing: float = 0.8, spread: float = 0.06) -> Mixture:
    """side×side Gaussians on a square lattice around 0. Chapter 02."""
    line = (torch.arange(side) - (side - 1) / 2) * spacing
    return Mixture(torch.cartesian_prod(line, line), spread)


def mode_coverage(points: Tensor, data: Mixture, within: float = 3.0, share: float = 0.25) -> tuple[Tensor, Tensor]:
    """(modes covered, share of good points) of generated `points` …×N×2; shape … each, int64 and float32 in [0,1].

    A point is good if it lies within `within` standard deviations of a centre (at 3, 98.9 % of the data do). A mode is
    covered if it has at least `share` · N/K good points: that share of what it would get of N points. Chapter 02.
    """
    distance, mode = torch.cdist(points, data.centres).min(-1)
    good = (distance <= within * data.spread).float()
    counts = torch.zeros(*points.shape[:-2], len(data.centres)).scatter_add_(-1, mode, good)
    fair = points.shape[-2] / len(data.centres)
    return (counts >= share * fair).sum(-1), good.mean(-1)
