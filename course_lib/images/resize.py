"""Bicubic resizing with the conventions of MATLAB's imresize, on which published super-resolution scores are based."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.images.requirements import require_pictures

A = -0.5  # the only cubic of Keys's family that reproduces parabolas; OpenCV and plain torch use −0.75


def resize(
    images: Tensor, scale: float | None = None, *, size: tuple[int, int] | None = None, antialias: bool = True
) -> Tensor:
    """Bicubic interpolation with MATLAB's conventions; N×C×H×W floats → N×C×H'×W', on any device, differentiable.

    Args: give either scale or size.
        scale: above 1 enlarges; H' = ⌈scale·H⌉, W' = ⌈scale·W⌉.
        size: (H', W'); each axis then has its own scale.
        antialias: when downsampling, widen the kernel by 1/scale so that every pixel counts. Also MATLAB's default.
    Conventions: pixel centres lie at ½, 1½, …; the kernel is Keys's cubic with a = −½; its weights are normalised to
    sum to 1 at every output pixel; beyond its border the image is mirrored, edge pixel included. PIL and torch's
    `interpolate(..., antialias=True)` agree inside but differ near the border, where they truncate the kernel instead;
    `interpolate` without antialias uses a = −¾ and differs everywhere.

    The result is linear in the images and NOT clamped: a cubic overshoots at edges, so clamp before you round. Raises
    CourseError for integers, other shapes, or a scale or size that leaves nothing. Paper: Keys 1981. Chapter 06.
    """
    require_pictures("resize", images)
    if (scale is None) == (size is None):
        raise CourseError(f"resize: scale is {scale}, size is {size}; give one of the two")
    sides = images.shape[2:]
    if not min(sides):
        raise CourseError(f"resize: an image of {sides[0]}×{sides[1]} has no pixels; give at least 1×1")
    if scale is not None and not (scale > 0 and math.isfinite(scale)):
        raise CourseError(f"resize: scale is {scale}, wanted a number above 0: 0.5 halves, 2 doubles")
    wanted = size if size is not None else [math.ceil(scale * side) for side in sides]
    if len(wanted) != 2 or not all(isinstance(side, int) and side > 0 for side in wanted):
        raise CourseError(f"resize: size is {size}, wanted two whole numbers above 0: (height, width)")

    # float16 is too coarse to sum many products; float64 stays float64.
    working = torch.promote_types(images.dtype, torch.float32)
    down, across = (
        weights(old, new, scale or new / old, antialias).to(working).to(images.device)
        for old, new in zip(sides, wanted, strict=True)
    )
    # The kernel is separable: one matrix for the rows, one for the columns. Autocast would run them in bfloat16.
    with torch.autocast(images.device.type, enabled=False):
        return (down @ images.to(working) @ across.T).to(images.dtype)


@lru_cache(maxsize=64)
def weights(old: int, new: int, scale: float, antialias: bool) -> Tensor:
    """The weight of each of `old` input pixels in each of `new` output pixels: new×old, float64, rows sum to 1."""
    stretch = min(scale, 1.0) if antialias else 1.0
    radius = 2 / stretch  # half the width of the kernel, in input pixels
    centres = (torch.arange(new, dtype=torch.float64) + 0.5) / scale - 0.5
    first = torch.floor(centres - radius)
    taps = first[:, None] + torch.arange(math.ceil(2 * radius) + 2, dtype=torch.float64)
    values = cubic(stretch * (centres[:, None] - taps))
    values /= values.sum(dim=1, keepdim=True)
    # Mirrored, edge pixel included: 0 1 2 2 1 0 0 1 2 … Several taps may fall on one pixel; their weights add up.
    places = taps.long() % (2 * old)
    places = torch.where(places < old, places, 2 * old - 1 - places)
    return torch.zeros(new, old, dtype=torch.float64).scatter_add_(1, places, values)


def cubic(distance: Tensor) -> Tensor:
    """Keys's kernel: two cubics joined with a continuous slope; 1 at 0, and 0 at ±1 and from ±2 outwards."""
    d = distance.abs()
    near = (A + 2) * d**3 - (A + 3) * d**2 + 1
    far = A * (d**3 - 5 * d**2 + 8 * d - 4)
    return torch.where(d <= 1, near, torch.where(d < 2, far, 0.0))
