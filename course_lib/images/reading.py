"""Any picture file → pixels for a network, alpha and colour profile.

What is kept: gray stays gray, 16-bit gray stays 16 bit, alpha and the colour profile stay. What is not: a palette
becomes the colours that it stands for, other colour spaces (CMYK, …) become RGB without their profile, EXIF rotation
is carried out, and the other notes are dropped, since thumbnail and sizes in them would be wrong. Pillow reads RGB of
16 bit as 8 bit.
"""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from course_lib.errors import CourseError
from course_lib.images.decoding import ROWS, gray_levels, is_deep

MOST = 200_000_000  # pixels of a picture to be read; Pillow's own limit is lower, and some cameras go beyond it
OWN_PROFILE = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")  # modes whose colour profile fits what they are read as


@dataclass(frozen=True)
class Picture:
    """`pixels` are H×W×C: uint8 with C = 1 (gray) or 3 (RGB), or uint16 with C = 1; `alpha` has mode L, same size."""

    pixels: np.ndarray
    alpha: Image.Image | None = None
    profile: bytes | None = None

    @property
    def size(self) -> str:
        return f"{self.pixels.shape[1]}×{self.pixels.shape[0]}"


def read(path: Path) -> Picture:
    """One file, upright; the first frame of an animation. CourseError for what is missing, damaged or no picture.

    Beside Pillow's own copy no second one of the whole is made, and that one is gone afterwards.
    """
    if path.is_dir():
        raise CourseError(f"{path} is a folder; name a picture in it")
    try:
        with _limit(), Image.open(path) as picture:
            return _taken_apart(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise CourseError(f"{path} has more than {MOST:,} pixels; crop or shrink it first") from None
    except FileNotFoundError:
        raise CourseError(f"there is no file {path}; check the name") from None
    except PermissionError:
        raise CourseError(f"{path} may not be read; change its permissions") from None
    except UnidentifiedImageError:
        raise CourseError(f"{path} is not a picture that Pillow knows; save it as PNG or JPEG") from None
    except MemoryError:
        raise CourseError(f"{path} does not fit into memory; crop or shrink it first") from None
    except Exception as error:  # decoders fail on damaged files in every way there is
        raise CourseError(f"{path} cannot be read ({error or type(error).__name__}); is it damaged?") from error


def read_hole(path: Path, picture: Picture) -> np.ndarray:
    """A mask for `picture`, H×W of bool: True where it is white, which says that a pixel is missing.

    CourseError for what `read` refuses, another size, and pixels that are neither black nor white.
    """
    mask = read(path)
    if mask.pixels.shape[:2] != picture.pixels.shape[:2]:
        raise CourseError(
            f"{path} is {mask.size} and the picture {picture.size}; make the mask as large as the picture"
        )
    values, white = mask.pixels, np.iinfo(mask.pixels.dtype).max
    if mask.alpha is not None and mask.alpha.getextrema()[0] < 255:
        raise CourseError(f"{path} has transparent pixels; make them white (missing) or black (known)")
    strange = ((values != 0) & (values != white)).any(-1) | (values != values[..., :1]).any(-1)
    if strange.any():
        raise CourseError(
            f"{path} has {strange.sum():,} pixels that are neither black (known) nor white (missing); "
            "draw it without soft edges and save it as PNG"
        )
    return values[..., 0] == white


def _taken_apart(picture: Image.Image) -> Picture:
    profile = picture.info.get("icc_profile") if picture.mode in OWN_PROFILE or is_deep(picture) else None
    picture.load()
    ImageOps.exif_transpose(picture, in_place=True)
    if is_deep(picture):
        return Picture(gray_levels(picture, 65535)[..., None], profile=profile)
    gray, clear = picture.mode in ("1", "L", "LA", "La"), picture.has_transparency_data
    mode = ("LA" if clear else "L") if gray else ("RGBA" if clear else "RGB")
    if picture.mode != mode:
        picture = picture.convert(mode)
    pixels = np.empty((picture.height, picture.width, 1 if gray else 3), np.uint8)
    for top in range(0, picture.height, ROWS):  # Pillow hands pixels out as a copy
        band = np.asarray(picture.crop((0, top, picture.width, min(top + ROWS, picture.height))))
        pixels[top : top + ROWS] = band.reshape(len(band), picture.width, -1)[..., : pixels.shape[-1]]
    return Picture(pixels, picture.getchannel("A") if clear else None, profile)


@contextlib.contextmanager
def _limit() -> Iterator[None]:
    """Pillow's limit is ours meanwhile, and its notes on odd metadata are no news: the picture is readable."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MOST
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before
