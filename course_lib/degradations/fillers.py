"""Inpainting without learning: the mean colour, or the smoothest surface that fits the border of the hole."""

import numpy as np
import torch
from torch import Tensor

from course_lib.degradations.batch import each_picture
from course_lib.errors import CourseError
from course_lib.images.requirements import require_pictures


def mean_fill(y: Tensor, hole: Tensor) -> Tensor:
    """Fill missing pixels with the mean of the known ones, channel by channel. Batched, on any device.

    y: N×C×H×W; hole: N×1×H×W, 1 where missing; the values of y there are ignored. Returns N×C×H×W with the known pixels
    unchanged bit for bit. Fast enough to prepare a network's input in every training step. Raises CourseError for other
    shapes, or an image without known pixels. Chapter 07.
    """
    _require_hole("mean_fill", y, hole)
    missing = hole == 1
    known = (~missing).sum(dim=(2, 3), keepdim=True)
    mean = torch.where(missing, 0.0, y).sum(dim=(2, 3), keepdim=True) / known
    return torch.where(missing, mean.to(y.dtype), y)


def biharmonic(y: Tensor, hole: Tensor) -> Tensor:
    """The surface of least bending through the known pixels (Δ²u = 0 in the hole), clamped to [0,1] in the hole.

    y: N×C×H×W; hole: N×1×H×W, 1 where missing. Returns N×C×H×W with the known pixels unchanged bit for bit. It
    solves a linear system with one unknown per missing pixel, image by image on the CPU: about 0.03 s for 4,000 of them
    in one hole, 1 s for 30,000, too slow for megapixels. Excellent for thin scratches; a wide hole becomes a smooth
    blob. Raises CourseError for other shapes, or an image without known pixels.
    scikit-image: restoration.inpaint_biharmonic. Paper: Damelin and Hoang 2018. Chapter 07.
    """
    from skimage.restoration import inpaint_biharmonic  # imported late: it takes a second

    _require_hole("biharmonic", y, hole)
    missing = hole == 1
    masks = missing[:, 0].cpu().numpy()

    def fill(i: int, picture: np.ndarray) -> np.ndarray:
        # In float64: the system is so ill-conditioned that in float32 a wide hole is off by about 1e-3.
        return inpaint_biharmonic(picture.astype(np.float64), masks[i], channel_axis=-1) if masks[i].any() else picture

    # The hole may contain any value, even nan: scikit-image gets 0 there.
    filled = each_picture(torch.where(missing, 0.0, y), fill)
    return torch.where(missing, filled, y)


def _require_hole(asker: str, y: Tensor, hole: Tensor) -> None:
    require_pictures(asker, y)
    if hole.shape != (len(y), 1, *y.shape[2:]):
        raise CourseError(
            f"{asker}: hole is {tuple(hole.shape)} for images {tuple(y.shape)}, wanted N×1×H×W; "
            "split_hole(y) gives both from the output of Holes"
        )
    if (hole == 1).flatten(1).all(dim=1).any():
        raise CourseError(f"{asker}: an image has no known pixel (hole is 1 where missing: is the mask upside down?)")
