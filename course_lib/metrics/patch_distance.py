"""Do the fine details look real? Compares two images by the distributions of their patches, whatever the positions."""

import torch
from torch import Tensor
from torch.nn import functional

from course_lib.images import resize
from course_lib.metrics.psnr import comparable

PATCH, STRIDE, DIRECTIONS = 7, 3, 64


def patch_distance(pred: Tensor, target: Tensor, *, scale: int = 2, shave: int = 0) -> Tensor:
    """How differently the fine details of two photographs are distributed: a sliced Wasserstein distance, N values ≥ 0.

    Args:
        pred, target: N×3×H×W in [0,1], same shape.
        scale: details are what is lost in an image `scale` times smaller: luma minus its copy shrunk and enlarged.
        shave: border in pixels left out on every side.
    The 7×7 patches of the details, one every three pixels, are projected on 64 fixed directions. For each direction
    both images' projections are sorted and compared: mean |difference|, in units of [0,1]. Positions do not matter, so
    an image with sharp but misplaced details scores well here and badly in PSNR; a blurred one does the opposite:
    the two axes of Blau and Michaeli 2018, "The Perception-Distortion Tradeoff". Papers: Rabin et al. 2011 (sliced);
    Karras et al. 2018, "Progressive Growing of GANs" (patches, band by band). Chapter 06.
    """
    pred, target = (_details(part, scale) for part in comparable("patch_distance", pred, target, 0, luma=True))
    pred, target = comparable("patch_distance", pred, target, shave, luma=False)
    generator = torch.Generator().manual_seed(0)
    directions = functional.normalize(torch.randn(DIRECTIONS, PATCH**2, generator=generator), dim=1).to(pred)
    return sliced(_patches(pred) @ directions.T, _patches(target) @ directions.T)


def sliced(pred: Tensor, target: Tensor) -> Tensor:
    """Wasserstein-1 along each column, for two inputs N×points×directions → mean over the directions, N.

    In one dimension the optimal transport plan keeps the order: sort both and compare element by element.
    """
    return (pred.sort(dim=1).values - target.sort(dim=1).values).abs().mean(dim=(1, 2))


def _details(luma: Tensor, scale: int) -> Tensor:
    height, width = luma.shape[2:]
    small = resize(luma, size=(max(1, height // scale), max(1, width // scale)))
    return luma - resize(small, size=(height, width))


def _patches(details: Tensor) -> Tensor:
    return functional.unfold(details, PATCH, stride=STRIDE).transpose(1, 2)
