"""A mended picture → a file of the kind that its name stands for, whole or not at all."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageChops

from course_lib.errors import CourseError
from course_lib.images.reading import Picture


@dataclass(frozen=True)
class Kind:
    """What a kind of file can hold, `longest` pixels a side at most, and how Pillow is asked to write it."""

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
    """The kind of file that a name stands for. CourseError for an ending that is none of KINDS."""
    if path.suffix.lower() not in KINDS:
        raise CourseError(
            f"--out {path} ends in {path.suffix or 'nothing'}; name a file that ends in {', '.join(KINDS)}"
        )
    return KINDS[path.suffix.lower()]


def save(canvas: Image.Image, picture: Picture, kind: Kind, file: BinaryIO) -> tuple[str, ...]:
    """Write `canvas` (L, RGB or I;16) with the alpha and profile of the picture that it was made from; what was lost.

    Alpha is scaled to the canvas by bicubic; where the kind of file has none, the canvas is laid on white, in place.
    """
    notes = []
    if picture.pixels.dtype == np.uint16 and not kind.deep:
        notes.append(f"8 of its 16 bits ({kind.name} holds no more)")
    if picture.alpha is not None:
        alpha = picture.alpha.resize(canvas.size, Image.Resampling.BICUBIC)
        if kind.alpha:
            canvas.putalpha(alpha)
        else:
            canvas.paste("white", (0, 0, *canvas.size), ImageChops.invert(alpha))
            notes.append(f"on white ({kind.name} knows no transparency)")
    profile = {} if picture.profile is None else {"icc_profile": picture.profile}
    canvas.save(file, kind.name, **kind.options, **profile)
    return tuple(notes)
