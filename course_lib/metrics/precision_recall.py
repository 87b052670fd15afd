"""Precision and recall of generated images: which feature vectors lie within a radius of the other set's vectors?"""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.metrics.pairs import feature_sets, row_blocks

# Squared distances that differ by less than this share of the vectors' squared lengths differ only by rounding.
ROUNDING = 1e-14


class PrecisionRecall(NamedTuple):
    """Share of generated images that could be real, and share of real images that are covered; both in [0,1]."""

    precision: float
    recall: float


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> PrecisionRecall:
    """Precision: share of `fake` within the radius of a real vector. Recall: share of `real` within that of a fake.

    Args:
        real, fake: M×d and N×d. Computed in float64; the time grows with (M + N)²d, the memory with M + N.
        k: a vector's radius is the distance to its k-th nearest neighbour in its own set, not itself; 1 ≤ k < M, N.
    Returns (precision, recall). A distance equal to the radius counts as within. Both depend on M and N: compare only
    at equal numbers. Raises CourseError for other shapes, numbers that are not finite, or sets too small for k.
    Paper: Kynkäänniemi et al. 2019. Chapter 04.
    """
    real, fake = feature_sets("precision_recall", 2, real=real, fake=fake)
    if not 1 <= k < min(len(real), len(fake)):
        raise CourseError(
            f"precision_recall: k = {k} with {len(real)} real and {len(fake)} fake vectors; wanted 1 ≤ k, and more "
            "than k vectors of each"
        )
    centre = real.mean(0)
    real, fake = real - centre, fake - centre  # shorter vectors lose less precision
    real_radii, fake_radii = _squared_radii(real, k), _squared_radii(fake, k)
    precise, recalled = torch.zeros(len(fake), dtype=torch.bool), 0
    for start, block in row_blocks(real, fake):
        at_least = _squared_distances(block, fake, leeway=ROUNDING)
        precise |= (at_least <= real_radii[start : start + len(block), None]).any(0)
        recalled += (at_least <= fake_radii).any(1).sum().item()
    return PrecisionRecall(precise.double().mean().item(), recalled / len(real))


def _squared_radii(features: Tensor, k: int) -> Tensor:
    radii = []
    for start, block in row_blocks(features, features):
        squared = _squared_distances(block, features)
        squared.diagonal(start).fill_(torch.inf)
        radii.append(squared.topk(k, dim=1, largest=False).values[:, -1])
    return torch.cat(radii)


def _squared_distances(one: Tensor, other: Tensor, leeway: float = 0.0) -> Tensor:
    """‖x − y‖² of all pairs by one matrix product, minus the share `leeway` of the squared lengths."""
    lengths = one.square().sum(1)[:, None] + other.square().sum(1)
    return lengths * (1 - leeway) - 2 * one @ other.T
