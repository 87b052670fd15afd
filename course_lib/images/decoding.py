"""One picture file → one uint8 tensor, whatever the file's own pixel format."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

ROWS = 256  # read at a time, where float copies of the whole would be large


def gray_levels(picture: Image.Image, top: int) -> np.ndarray:
    """A gray picture of 16 bit (Pillow's modes I…) or of floats (F) → H×W whole numbers 0 … top, 255 or 65535.

    Scaled from 0…65535 (I) or from 0…1 (F), from their maximum where that is higher: Pillow's own conversion would clip
    to white. What is negative or no number becomes 0. Used by `load`, chapter 00.
    """
    width, height = picture.size

    def values(first: int) -> np.ndarray:
        band = picture.crop((0, first, width, min(first + ROWS, height)))
        return np.nan_to_num(np.asarray(band, dtype=np.float64), posinf=0.0, neginf=0.0).clip(min=0)

    bands = range(0, height, ROWS)
    peak = max(1.0 if picture.mode == "F" else 65535.0, *(values(first).max() for first in bands))
    levels = np.empty((height, width), np.uint8 if top == 255 else np.uint16)
    for first in bands:
        levels[first : first + ROWS] = np.rint(values(first) * (top / peak))
    return levels


def is_deep(picture: Image.Image) -> bool:
    """Whether a Pillow picture is gray with more than 8 bits: a case for `gray_levels`. Used by `load`, chapter 00."""
    return picture.mode.startswith("I") or picture.mode == "F"


def to_rgb(picture: Image.Image) -> Image.Image:
    """Any Pillow picture → 8-bit RGB, upright.

    EXIF rotation is applied, transparent pixels lie on white, deeper gray goes through `gray_levels`. Used by `load`,
    chapter 00.
    """
    picture = ImageOps.exif_transpose(picture)
    if is_deep(picture):
        return Image.fromarray(gray_levels(picture, 255)).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")


def read_picture(path: Path) -> Tensor:
    """One file → (3,H,W) uint8. Raises what Pillow raises; the first frame of an animation. Chapter 00."""
    with Image.open(path) as picture:
        pixels = np.array(to_rgb(picture))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
