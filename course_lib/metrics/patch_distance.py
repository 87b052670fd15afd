"""Do the details look like real ones? The distributions of the patches of two images are compared."""

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
        scale: details are the frequencies above the Nyquist limit of an image `scale` times smaller: luma minus its
            copy shrunk and enlarged.
        shave: border in pixels left out on every side.
    Patches of 7×7 details, every third pixel, are projected on 64 fixed directions; along each direction both
    sets are sorted and compared in order: mean |difference|, in units of [0,1]. The position of a patch does not
        matter.
    So an image that is sharp in the wrong place scores well here and badly in PSNR, and a blurred one the other way
    round: the two axes of Blau and Michaeli 2018, "The Perception-Distortion Tradeoff". Papers: Rabin et al. 2011
        (sliced);
    Karras et al. 2018, "Progressive Growing of GANs" (patches, band by band). Chapter 06.
    """
    pred, target = (_details(part, scale) for part in comparable("patch_distance", pred, target, 0, luma=True))
    pred, target = comparable("patch_distance", pred, target, shave, luma=False)
    dice = torch.Generator().manual_seed(0)
    directions = functional.normalize(torch.randn(DIRECTIONS, PATCH**2, generator=dice), dim=1).to(pred)
    return sliced(_patches(pred) @ directions.T, _patches(target) @ directions.T)


def sliced(pred: Tensor, target: Tensor) -> Tensor:
    """Wasserstein-1 along each column, N×points×directions twice → mean over the directions, N.

    On a line the cheapest transport keeps the order: sort both, compare in order.
    """
    return (pred.sort(dim=1).values - target.sort(dim=1).values).abs().mean(dim=(1, 2))


def _details(luma: Tensor, scale: int) -> Tensor:
    height, width = luma.shape[2:]
    small = resize(luma, size=(max(1, height // scale), max(1, width // scale)))
    return luma - resize(small, size=(height, width))


def _patches(details: Tensor) -> Tensor:
    return functional.unfold(details, PATCH, stride=STRIDE).transpose(1, 2)
