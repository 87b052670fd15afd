"""An image and its hole, the mask of missing pixels, travel as one tensor: the hole is the last channel."""

import torch
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.images.requirements import require_pictures


def with_hole(images: Tensor, hole: Tensor) -> Tensor:
    """Images N×C×H×W and hole N×1×H×W (1 where missing) → N×(C+1)×H×W: 0 in the holes, the hole as last channel.

    The output format of `Holes`, for a hole of your own. A 1×1×H×W hole applies to all images. Raises CourseError for
    other shapes, or a hole with values other than 0 and 1. Chapter 07.
    """
    require_pictures("with_hole", images)
    hole = torch.as_tensor(hole).to(images)
    if hole.ndim != 4 or hole.shape[1:] != (1, *images.shape[2:]) or len(hole) not in (1, len(images)):
        raise CourseError(f"with_hole: hole is {tuple(hole.shape)}, wanted N×1×H×W for images {tuple(images.shape)}")
    if not ((hole == 0) | (hole == 1)).all():
        raise CourseError("with_hole: hole has values besides 0 and 1, wanted 1 where missing, else 0: (mask > 0.5)")
    hole = hole.expand(len(images), -1, -1, -1)
    # torch.where, not a product: nan · 0 would still be nan.
    return torch.cat([torch.where(hole == 1, 0.0, images), hole], dim=1)


def split_hole(y: Tensor) -> tuple[Tensor, Tensor]:
    """N×(C+1)×H×W → the image N×C×H×W, 0 in its holes, and the hole N×1×H×W: undoes `with_hole`. Chapter 07.

    Raises CourseError for a y with fewer than two channels.
    """
    require_pictures("split_hole", y)
    if y.shape[1] < 2:
        raise CourseError(f"split_hole: y is {tuple(y.shape)}, wanted image and hole, N×(C+1)×H×W: see with_hole")
    return y[:, :-1], y[:, -1:]
