"""The one place where the two number ranges of the course meet: [0,1] in the library, [-1,1] in generators."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_signed(images: Tensor) -> Tensor:
    """[0,1] → [-1,1]: what a generator with a tanh at its end is trained on. Any shape. Chapter 00."""
    return images * 2 - 1


def to_unit(images: Tensor) -> Tensor:
    """[-1,1] → [0,1]: the inverse of `to_signed`; nothing is clipped. Any shape. Chapter 00."""
    return (images + 1) / 2


def to_uint8(images: Tensor) -> Tensor:
    """[0,1] float → 0…255 uint8, clamped, then rounded to the nearest (truncating would darken). Chapter 00."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


def eight_bits(images: Tensor) -> Tensor:
    """[0,1] → [0,1] in the 256 steps of a file: clamped, rounded to the nearest. Any shape; no gradient. Chapter 06."""
    return to_uint8(images).float() / 255


def tiled(images: Tensor, columns: int, gap: int = 2) -> Image.Image:
    """Pictures N×C×H×W in [0,1] (C = 1 or 3), row by row on one white sheet, `gap` pixels apart. Chapter 03."""
    from torchvision.utils import make_grid  # imported late: it takes seconds, and few who import this need it

    sheet = make_grid(to_uint8(images.detach().cpu()), nrow=columns, padding=gap, pad_value=255)
    return Image.fromarray(sheet.permute(1, 2, 0).contiguous().numpy())


def save_image(image: Tensor, path: str | Path) -> None:
    """Write one C×H×W picture in [0,1] (C = 1 or 3) as a file whose format follows its name. Chapter 00."""
    pixels = to_uint8(image.detach().cpu()).permute(1, 2, 0).squeeze(-1).numpy()
    Image.fromarray(np.ascontiguousarray(pixels)).save(path)
