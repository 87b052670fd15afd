"""Gaussian blur: each pixel becomes a weighted mean of its neighbours."""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from course_lib.errors import CourseError


class GaussianBlur:
    """Blur with a Gaussian of standard deviation `sigma` pixels; borders are mirrored.

    op(x): N×C×H×W in [0,1] → the same shape. `generator` is accepted, as by every operator; nothing is random.
    op.baseline(y, amount): unsharp masking, y + amount · (y − blur(y)), clamped to [0,1].
    Raises CourseError for sigma ≤ 0, or an image too small for the mirrored border. Chapter 00.
    """

    def __init__(self, sigma: float):
        if not sigma > 0:
            raise CourseError(f"GaussianBlur: sigma is {sigma}, wanted a number of pixels above 0, e.g. 1.5")
        self.sigma = sigma
        self.radius = math.ceil(3 * sigma)
        offsets = torch.arange(-self.radius, self.radius + 1, dtype=torch.float32)
        weights = torch.exp(-(offsets**2) / (2 * sigma**2))
        self.kernel = weights / weights.sum()

    def __call__(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        if min(x.shape[-2:]) <= self.radius:
            raise CourseError(
                f"GaussianBlur: an image of {x.shape[-2]}×{x.shape[-1]} is too small for the mirrored border of "
                f"{self.radius} pixels that sigma={self.sigma} needs; use a smaller sigma or a larger image"
            )
        channels, r = x.shape[1], self.radius
        kernel = self.kernel.to(x).expand(channels, 1, 1, -1)
        padded = F.pad(x, (r, r, r, r), mode="reflect")
        # A Gaussian is separable: filtering rows, then columns, costs 2k instead of k² per pixel.
        rows = F.conv2d(padded, kernel, groups=channels)
        return F.conv2d(rows, kernel.transpose(2, 3), groups=channels)

    def baseline(self, y: Tensor, amount: float = 2.0) -> Tensor:
        return (y + amount * (y - self(y))).clamp(0, 1)
