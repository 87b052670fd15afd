"""Sensor noise in its simplest form: an independent Gaussian error on every value."""

import math

import torch
from torch import Generator, Tensor

from course_lib.degradations.denoisers import noise_level, non_local_means
from course_lib.degradations.dice import normal, uniform
from course_lib.errors import CourseError
from course_lib.images.requirements import require_pictures


class GaussianNoise:
    """White Gaussian noise of standard deviation `sigma`, in the units of images in [0,1]; y is NOT clipped.

    sigma: a number from 0 to 1; the benchmarks' "σ = 25" is 25/255. Or a range (low, high), for blind denoising: each
        image gets its own level, uniform over the range.
    op(x, generator=g): N×C×H×W in [0,1] → the same shape, with some values outside [0,1]. Clipping would bias the mean
        of dark and bright areas inwards, and the benchmarks do not clip. Drawn image by image on the generator's device
        (without one: the CPU), then moved, so the CPU and a GPU see the same noise.
    op.baseline(y, sigma=None): non-local means with the known sigma; for a range, with the level that `noise_level`
        estimates in each image. In [0,1].
    Raises CourseError for a sigma out of range, or other shapes. Protocol: Zhang et al. 2017, DnCNN. Chapter 05.
    """

    def __init__(self, sigma: float | tuple[float, float]):
        self.sigma = tuple(sigma) if isinstance(sigma, tuple | list) else sigma
        levels = self.sigma if isinstance(self.sigma, tuple) else (self.sigma, self.sigma)
        for level in levels:
            require_level("GaussianNoise", level)
        if len(levels) != 2 or levels[0] > levels[1]:
            raise CourseError(f"GaussianNoise: sigma is {sigma}, wanted one number or (low, high) with low <= high")
        self.blind = isinstance(self.sigma, tuple)

    def __call__(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        require_pictures("GaussianNoise", x)
        noise = []
        for _ in x:
            level = uniform(*self.sigma, generator) if self.blind else self.sigma
            noise.append(level * normal(x.shape[1:], generator))
        return x + torch.stack(noise).to(x) if noise else x.clone()

    def baseline(self, y: Tensor, sigma: float | Tensor | None = None) -> Tensor:
        if sigma is None:
            sigma = noise_level(y) if self.blind else self.sigma
        return non_local_means(y, sigma)


def require_level(asker: str, sigma: float) -> None:
    """Raise CourseError unless sigma is a number in [0,1]; the commonest mistake is a value on the 0–255 scale."""
    if isinstance(sigma, bool) or not isinstance(sigma, int | float) or not math.isfinite(sigma) or sigma < 0:
        raise CourseError(f"{asker}: sigma is {sigma}, wanted a number from 0 to 1, e.g. 25/255")
    if sigma > 1:
        raise CourseError(f"{asker}: sigma is {sigma}, but images are in [0,1]; did you mean sigma/255, {sigma}/255?")
