"""Augmentation: quarter turns, mirroring and permutation of the colour channels."""

import torch
from torch import Tensor

from course_lib.system.processes import count, share


def turned(images: Tensor, way: int) -> Tensor:
    """Image(s) …×H×W in one of the eight orientations of a square: mirrored if `way` ≥ 4, then `way` % 4 quarter turns.

    Chapter 06 (training, and the geometric self-ensemble).
    """
    return torch.rot90(images.flip(-1) if way >= 4 else images, way % 4, (-2, -1))


def turned_back(images: Tensor, way: int) -> Tensor:
    """The inverse of `turned` for the same `way`. Chapter 06."""
    images = torch.rot90(images, -(way % 4), (-2, -1))
    return images.flip(-1) if way >= 4 else images


def recoloured(*aligned: Tensor) -> tuple[Tensor, ...]:
    """Permute the channels of each image at random, using torch's global random generator.

    Takes batches N×C×H×W of any height and width; images with the same index get the same permutation. A small set of
    photographs has few colours; this way, what a network learns about red also applies to blue. Chapter 05.
    """
    pictures, channels = aligned[0].shape[:2]
    orders = share(torch.rand(count() * pictures, channels)).argsort(dim=1).to(aligned[0].device)
    rows = torch.arange(pictures, device=orders.device)[:, None]
    return tuple(images[rows, orders] for images in aligned)
