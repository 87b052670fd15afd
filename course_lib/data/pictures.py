"""One picture file → one uint8 tensor, whatever the file's own pixel format."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor


def to_rgb(picture: Image.Image) -> Image.Image:
    """Any Pillow picture → 8-bit RGB, upright.

    EXIF rotation is applied, transparent pixels lie on white. 16-bit gray is scaled from 0…65535 and float
    gray from 0…1 to 0…255 (from their maximum where that is higher): Pillow's own conversion would clip to
    white. Used by `load`, chapter 00.
    """
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64), posinf=0.0, neginf=0.0)
        peak = max(1.0 if picture.mode == "F" else 65535.0, values.max())
        scaled = np.rint(values.clip(min=0) * (255 / peak)).astype(np.uint8)
        return Image.fromarray(scaled).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")


def read_picture(path: Path) -> Tensor:
    """One file → (3,H,W) uint8. Raises what Pillow raises; the first frame of an animation. Chapter 00."""
    with Image.open(path) as picture:
        pixels = np.array(to_rgb(picture))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
