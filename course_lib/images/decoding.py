"""Decode an image file into a uint8 tensor, whatever the file's pixel format."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

ROWS = 256  # rows per band, where a float copy of the whole image would be large


def gray_levels(picture: Image.Image, top: int) -> np.ndarray:
    """A 16-bit (Pillow's modes I…) or float (F) greyscale image → H×W integers 0 … top, where top is 255 or 65535.

    Scaled from 0…65535 (I) or 0…1 (F), or from 0…maximum if the maximum is higher: Pillow's own conversion would clip
    to white. Negative values, nan and inf become 0. Used by `load`, chapter 00.
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
    """Whether a Pillow image is greyscale with more than 8 bits, see `gray_levels`. Used by `load`, chapter 00."""
    return picture.mode.startswith("I") or picture.mode == "F"


def to_rgb(picture: Image.Image) -> Image.Image:
    """Any Pillow image → 8-bit RGB, upright.

    EXIF rotation is applied, transparent pixels are composited on white, and greyscale of more than 8 bits goes through
    `gray_levels`. Used by `load`, chapter 00.
    """
    picture = ImageOps.exif_transpose(picture)
    if is_deep(picture):
        return Image.fromarray(gray_levels(picture, 255)).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")


def read_picture(path: Path) -> Tensor:
    """One file → (3,H,W) uint8; the first frame of an animation. Raises whatever Pillow raises. Chapter 00."""
    with Image.open(path) as picture:
        pixels = np.array(to_rgb(picture))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
