"""Write a restored image in the file format that its name implies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageChops

from course_lib.errors import CourseError
from course_lib.images.reading import Picture


@dataclass(frozen=True)
class Kind:
    """A file format: what it can store, at most `longest` pixels a side, and Pillow's options for writing it."""

    name: str
    alpha: bool
    deep: bool
    longest: int
    options: dict[str, Any]


JPEG = Kind("JPEG", alpha=False, deep=False, longest=65_500, options={"quality": 95})
TIFF = Kind("TIFF", alpha=True, deep=True, longest=2**31 - 1, options={"compression": "tiff_deflate"})
KINDS = {
    ".png": Kind("PNG", alpha=True, deep=True, longest=2**31 - 1, options={}),
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".webp": Kind(
        "WEBP", alpha=True, deep=False, longest=16_383, options={"lossless": True, "exact": True, "method": 0}
    ),
    ".tif": TIFF,
    ".tiff": TIFF,
    ".bmp": Kind("BMP", alpha=False, deep=False, longest=2**31 - 1, options={}),
}


def kind_of(path: Path) -> Kind:
    """The file format that a name implies. CourseError for an extension that is not in KINDS."""
    if path.suffix.lower() not in KINDS:
        raise CourseError(
            f"--out {path} ends in {path.suffix or 'nothing'}; name a file that ends in {', '.join(KINDS)}"
        )
    return KINDS[path.suffix.lower()]


def save(canvas: Image.Image, picture: Picture, kind: Kind, file: BinaryIO) -> tuple[str, ...]:
    """Write `canvas` (L, RGB or I;16) with the alpha and profile of its source image; returns notes on what was lost.

    Alpha is resized to the canvas by bicubic; if the format has no alpha, the canvas is composited on white, in place.
    """
    notes = []
    if picture.pixels.dtype == np.uint16 and not kind.deep:
        notes.append(f"8 of its 16 bits ({kind.name} stores no more)")
    if picture.alpha is not None:
        alpha = picture.alpha.resize(canvas.size, Image.Resampling.BICUBIC)
        if kind.alpha:
            canvas.putalpha(alpha)
        else:
            canvas.paste("white", (0, 0, *canvas.size), ImageChops.invert(alpha))
            notes.append(f"on white ({kind.name} has no transparency)")
    profile = {} if picture.profile is None else {"icc_profile": picture.profile}
    canvas.save(file, kind.name, **kind.options, **profile)
    return tuple(notes)
