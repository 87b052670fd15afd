"""From a trained generator to pictures: noise that follows from a seed, pictures in [0,1], one file of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.errors import CourseError
from course_lib.evaluating import evaluating
from course_lib.files import written
from course_lib.images import tiled, to_uint8, to_unit

MOST = 1_000_000  # pictures at a time: a slip of the finger must not fill the memory
ENDINGS = (".npy", ".png")
_ROWS = 64  # noise is drawn in blocks of this many vectors


def latent_noise(n: int, latent_size: int, seed: int) -> Tensor:
    """n vectors of standard normal noise, n×latent_size, drawn on the CPU: the same on every machine and device.

    The first vectors do not depend on n: picture 3 of 16 is picture 3 of 10,000. Raises CourseError for an n outside
    1 … 1,000,000 or a seed outside 0 … 2⁶³ − 1. Chapter 03.
    """
    if not 1 <= n <= MOST:
        raise CourseError(f"n = {n} pictures; give a number from 1 to {MOST:,}")
    if not 0 <= seed < 2**63:
        raise CourseError(f"seed {seed}; give a whole number from 0 to 2^63 - 1")
    dice = torch.Generator().manual_seed(seed)
    # How torch fills a tensor depends on its size, so all blocks have one size.
    blocks = [torch.randn(_ROWS, latent_size, generator=dice) for _ in range(-(-n // _ROWS))]
    return torch.cat(blocks)[:n]


def sample_images(
    generator: nn.Module, n: int, latent_size: int, seed: int, device: torch.device, batch_size: int = 500
) -> Tensor:
    """n pictures from a generator, N×C×H×W float32 in [0,1], on the CPU.

    Args:
        generator: noise N×latent_size → N×C×H×W in [-1,1] (what goes beyond is clipped), on `device`.
        seed: of the noise (see `latent_noise`); torch's own random numbers are not touched.
        batch_size: pictures at a time; it changes the memory that is needed, not the pictures.
    The generator is in evaluation mode meanwhile and as before afterwards, part by part. Raises CourseError for an n or
    seed out of range, and for a generator that gives another shape, nan or inf. Chapter 03.
    """
    noise = latent_noise(n, latent_size, seed)
    pictures = []
    with evaluating(generator):
        for batch in noise.split(batch_size):
            signed = generator(batch.to(device)).float().cpu()
            if signed.ndim != 4 or len(signed) != len(batch) or not signed.isfinite().all():
                what = f"shape {tuple(signed.shape)}" if signed.isfinite().all() else "nan or inf"
                raise CourseError(f"the generator gave {what} for {len(batch)} noise vectors; wanted N×C×H×W numbers")
            pictures.append(to_unit(signed).clamp(0, 1))
    return torch.cat(pictures)


def slerp(start: Tensor, end: Tensor, share: Tensor | float) -> Tensor:
    """Spherical interpolation: the point at `share` of the way along the great circle from `start` to `end`.

    Args:
        start, end: …×d; share: 0 (start) … 1 (end), a number or a tensor that broadcasts against …×1.
    Noise in many dimensions lies close to a sphere; the straight line between two points of it cuts through the inside,
    where the generator has never been. Lengths go linearly from one to the other, parallel vectors along the straight
    line. Paper: White 2016, "Sampling Generative Networks". Chapter 03.
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
    """The directions of the latent space along which pictures change most: count×latent_size, orthonormal.

    Args:
        generate: noise N×latent_size (on the CPU) → N×C×H×W.
        n: pictures that are looked at, more than latent_size.
    The linear map from noise to pixels that fits n pictures best is, for many pictures, the generator's mean slope (by
    Stein's lemma); these are its first singular vectors, for a linear generator the principal components exactly.
    Compare Härkönen et al. 2020, "GANSpace". Raises CourseError for a count out of range, or too few pictures or
    pixels. Chapter 03.
    """
    if not 1 <= count <= latent_size < n:
        raise CourseError(f"latent_directions: wanted 1 <= count <= latent_size < n, got {count}, {latent_size}, {n}")
    noise = latent_noise(n, latent_size, seed)
    pixels = torch.cat([generate(batch).detach().float().cpu().flatten(1) for batch in noise.split(250)])
    noise, pixels = ((part - part.mean(0)).double() for part in (noise, pixels))
    slope = torch.linalg.lstsq(noise, pixels).solution
    directions = torch.linalg.svd(slope, full_matrices=False).U.T
    if len(directions) < count:
        raise CourseError(f"latent_directions: pictures of {len(directions)} numbers have no {count} directions")
    return directions[:count].float()


def write_pictures(images: Tensor, path: str | Path) -> None:
    """Write pictures as one file: `.npy` holds uint8 (N,H,W) for gray or (N,H,W,3) for RGB, `.png` is a grid of them.

    images are N×C×H×W in [0,1], C = 1 or 3, rounded to the nearest of 0 … 255. A missing folder is made; whoever looks
    at `path` meanwhile sees the old file or the new one, never half. Raises CourseError for another ending or shape, no
    pictures, or a place that cannot be written. Chapter 03.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise CourseError(f"{path.name} ends in {path.suffix or 'nothing'}; name a file that ends in .npy or .png")
    if images.ndim != 4 or not len(images) or images.shape[1] not in (1, 3):
        raise CourseError(f"write_pictures: got shape {tuple(images.shape)}, wanted N×C×H×W, N > 0, C = 1 or 3")
    with written(path) as file:
        if ending == ".npy":
            pixels = to_uint8(images.detach().cpu())
            np.save(file, pixels.squeeze(1).numpy() if pixels.shape[1] == 1 else pixels.permute(0, 2, 3, 1).numpy())
        else:
            tiled(images, columns=max(1, round(len(images) ** 0.5))).save(file, "PNG")
