"""Resizing and scaling images for the Inception network: three published ways, which give different scores."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from course_lib.evaluation.extractor import ScoreNames

SIZE = 299


def tensorflow_bilinear(images: Tensor) -> Tensor:
    """N×C×H×W → N×C×299×299 as in TensorFlow 1: output pixel i lies at i·H/299, without half-pixel centres.

    This shifts the image up to half a pixel to the upper left, and shrinking skips pixels (no antialiasing).
    """
    upper, lower, down = _neighbours(images.shape[2], images.device)
    left, right, along = _neighbours(images.shape[3], images.device)
    # Horizontally first, then vertically: TensorFlow's order, so that even the rounding is the same.
    rows = images[..., left] + (images[..., right] - images[..., left]) * along
    return rows[:, :, upper] + (rows[:, :, lower] - rows[:, :, upper]) * down[:, None]


def _neighbours(length: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """For each of 299 output pixels: the pixel before it, the one after it, and its position between them, in [0,1)."""
    place = torch.arange(SIZE, dtype=torch.float32, device=device) * (length / SIZE)
    before = place.long()
    return before, (before + 1).clamp(max=length - 1), place - before


def torch_bilinear(images: Tensor) -> Tensor:
    """N×C×H×W → N×C×299×299 as in pytorch-fid: half-pixel centres; shrinking skips pixels here too."""
    return interpolate(images, (SIZE, SIZE), mode="bilinear", align_corners=False)


def pillow_bicubic(images: Tensor) -> Tensor:
    """N×C×H×W → N×C×299×299 as in clean-fid: Pillow's bicubic filter in float, widened when shrinking."""
    return interpolate(images, (SIZE, SIZE), mode="bicubic", align_corners=False, antialias=True)


def around_128(images: Tensor) -> Tensor:
    """0…255 → [-1, 127/128], as in the TensorFlow graph."""
    return (images - 128) / 128


def around_half(images: Tensor) -> Tensor:
    """0…255 → [-1, 1], as in pytorch-fid (2x − 1 for x in [0,1])."""
    return images / 127.5 - 1


class Preparation(NamedTuple):
    """One way to prepare images: the names of its scores, its description in a protocol, and its two steps."""

    names: ScoreNames
    said: str
    resize: Callable[[Tensor], Tensor]
    scale: Callable[[Tensor], Tensor]

    def __call__(self, images: Tensor) -> Tensor:
        """N×1×H×W or N×3×H×W, 0…255, → N×3×299×299, about [-1,1]; gray is repeated to three channels."""
        return self.scale(self.resize(images)).expand(-1, 3, -1, -1)


PREPARATIONS = {
    "tensorflow": Preparation(
        ScoreNames("FID", "KID", "IS"),
        "299×299, bilinear as TensorFlow 1 (no half-pixel centres), not antialiased; values (x − 128)/128",
        tensorflow_bilinear,
        around_128,
    ),
    "torch": Preparation(
        ScoreNames("FID (pytorch-fid)", "KID (pytorch-fid)", "IS (pytorch-fid)"),
        "299×299, bilinear as torch (half-pixel centres), not antialiased; values x/127.5 − 1",
        torch_bilinear,
        around_half,
    ),
    "antialiased": Preparation(
        ScoreNames("FID (clean-fid)", "KID (clean-fid)", "IS (clean-fid)"),
        "299×299, bicubic as Pillow in float, antialiased; values (x − 128)/128",
        pillow_bicubic,
        around_128,
    ),
}
