"""Latent vectors: drawn from a seed, interpolated, and searched for the directions that change an image most."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.errors import CourseError

MOST = 1_000_000  # images per call, so that a typing error cannot fill the memory
_ROWS = 64  # vectors are drawn in blocks of this size


def latent_noise(n: int, latent_size: int, seed: int) -> Tensor:
    """n standard normal latent vectors, n×latent_size, drawn on the CPU: the same on every machine and device.

    The first vectors do not depend on n: image 3 of 16 is image 3 of 10,000. Raises CourseError for an n outside
    1 … 1,000,000 or a seed outside 0 … 2⁶³ − 1. Chapter 03.
    """
    if not 1 <= n <= MOST:
        raise CourseError(f"n = {n} images; give a number from 1 to {MOST:,}")
    if not 0 <= seed < 2**63:
        raise CourseError(f"seed {seed}; give a whole number from 0 to 2^63 - 1")
    random = torch.Generator().manual_seed(seed)
    # The numbers torch draws depend on the tensor's size, so all blocks have the same size.
    blocks = [torch.randn(_ROWS, latent_size, generator=random) for _ in range(-(-n // _ROWS))]
    return torch.cat(blocks)[:n]


def slerp(start: Tensor, end: Tensor, share: Tensor | float) -> Tensor:
    """Spherical linear interpolation: the point a fraction `share` along the great circle from `start` to `end`.

    Args:
        start, end: …×d; share: 0 (start) … 1 (end), a number or a tensor that broadcasts against …×1.
    In many dimensions, normal vectors lie close to a sphere. A straight line between two of them passes through the
    inside, where the generator was never trained. Norms are interpolated linearly, and parallel vectors along the
    straight line. Paper: White 2016, "Sampling Generative Networks". Chapter 03.
    """
    lengths = [vector.norm(dim=-1, keepdim=True) for vector in (start, end)]
    a, b = (vector / length.clamp(min=1e-12) for vector, length in zip((start, end), lengths, strict=True))
    angle = 2 * torch.atan2((a - b).norm(dim=-1, keepdim=True), (a + b).norm(dim=-1, keepdim=True))
    sine = angle.sin()
    curved = (((1 - share) * angle).sin() * a + (share * angle).sin() * b) / sine.clamp(min=1e-12)
    direction = torch.where(sine < 1e-6, (1 - share) * a + share * b, curved)
    return direction * ((1 - share) * lengths[0] + share * lengths[1])


@torch.no_grad()
def latent_directions(
    generate: Callable[[Tensor], Tensor], latent_size: int, count: int = 3, seed: int = 0, n: int = 1000
) -> Tensor:
    """The directions of the latent space along which images change most: count×latent_size, orthonormal.

    Args:
        generate: latent vectors N×latent_size (on the CPU) → N×C×H×W.
        n: number of images to fit, more than latent_size.
    For large n, the least-squares linear map from latent vectors to pixels is the generator's mean Jacobian (Stein's
    lemma). The directions are its first singular vectors; for a linear generator these are the principal components.
    Compare Härkönen et al. 2020, "GANSpace". Raises CourseError for a count out of range, or too few images or
    pixels. Chapter 03.
    """
    if not 1 <= count <= latent_size < n:
        raise CourseError(f"latent_directions: wanted 1 <= count <= latent_size < n, got {count}, {latent_size}, {n}")
    noise = latent_noise(n, latent_size, seed)
    pixels = torch.cat([generate(batch).detach().float().cpu().flatten(1) for batch in noise.split(250)])
    noise, pixels = ((part - part.mean(0)).double() for part in (noise, pixels))
    jacobian = torch.linalg.lstsq(noise, pixels).solution
    directions = torch.linalg.svd(jacobian, full_matrices=False).U.T
    if len(directions) < count:
        raise CourseError(
            f"latent_directions: images of {len(directions)} values have no {count} directions; ask for fewer"
        )
    return directions[:count].float()
