"""Checks for sets of features, and comparison in blocks of pairs so that memory does not grow with N²."""

from collections.abc import Iterator

from torch import Tensor

from course_lib.errors import CourseError

BLOCK = 4_000_000  # pairs per block: 32 MB in float64


def feature_sets(asker: str, least: int, **sets: Tensor) -> list[Tensor]:
    """The named N×d features, checked, as float64 on the CPU. CourseError, naming `asker`, if they do not fit."""
    alike = {features.shape[1:] for features in sets.values()}
    if len(alike) > 1 or any(features.ndim != 2 or not features.shape[1] for features in sets.values()):
        shapes = ", ".join(f"{name} {tuple(features.shape)}" for name, features in sets.items())
        raise CourseError(f"{asker}: got {shapes}; wanted N×d{', the same d in both' if len(sets) > 1 else ''}")
    for name, features in sets.items():
        if len(features) < least:
            raise CourseError(f"{asker}: {name} holds {len(features)} vectors; give at least {least}")
        if not features.isfinite().all():
            raise CourseError(f"{asker}: nan or inf in {name}; check the images or the extractor")
    return [features.detach().cpu().double() for features in sets.values()]


def row_blocks(one: Tensor, other: Tensor) -> Iterator[tuple[int, Tensor]]:
    """The rows of `one` in blocks that make about BLOCK pairs with `other`: yields (first row, rows)."""
    rows = max(1, BLOCK // len(other))
    for start in range(0, len(one), rows):
        yield start, one[start : start + rows]
