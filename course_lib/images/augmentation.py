"""The same image in another way: turned, mirrored, its colour channels exchanged."""

import torch
from torch import Tensor

from course_lib.system.processes import count, share


def turned(images: Tensor, way: int) -> Tensor:
    """The picture(s) …×H×W in one of the eight ways a square can lie: `way` % 4 quarter turns, mirrored from 4 on.

    Chapter 06 (training, and the geometric self-ensemble).
    """
    return torch.rot90(images.flip(-1) if way >= 4 else images, way % 4, (-2, -1))


def turned_back(images: Tensor, way: int) -> Tensor:
    """What `turned` did, undone. Chapter 06."""
    images = torch.rot90(images, -(way % 4), (-2, -1))
    return images.flip(-1) if way >= 4 else images


def recoloured(*aligned: Tensor) -> tuple[Tensor, ...]:
    """The same pictures, each with its channels in an order of its own, from torch's own random numbers.

    Takes batches N×C×H×W, of any heights and widths; pictures of the same number keep the same order. A few photographs
    hold few colours: what a network learns there of red, it then knows of blue, too. Chapter 05.
    """
    pictures, channels = aligned[0].shape[:2]
    orders = share(torch.rand(count() * pictures, channels)).argsort(dim=1).to(aligned[0].device)
    rows = torch.arange(pictures, device=orders.device)[:, None]
    return tuple(images[rows, orders] for images in aligned)
