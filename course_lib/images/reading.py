"""Any image file → pixels for a network, plus its alpha channel and colour profile.

Kept: greyscale, 16-bit greyscale, alpha and the colour profile. Changed: a palette is replaced by its colours, other
colour spaces (CMYK, …) become RGB without their profile, EXIF rotation is applied, and all other metadata is dropped,
because its thumbnail and sizes would be wrong. Pillow reads 16-bit RGB as 8-bit.
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

MOST = 200_000_000  # pixels that an image may have; Pillow's own limit is lower, and some cameras exceed it
OWN_PROFILE = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")  # modes whose colour profile still fits the pixels we return


@dataclass(frozen=True)
class Picture:
    """`pixels` is H×W×C: uint8 with C = 1 (grey) or 3 (RGB), or uint16 with C = 1; `alpha` has mode L, same size."""

    pixels: np.ndarray
    alpha: Image.Image | None = None
    profile: bytes | None = None

    @property
    def size(self) -> str:
        return f"{self.pixels.shape[1]}×{self.pixels.shape[0]}"


def read(path: Path) -> Picture:
    """Read one file, upright; the first frame of an animation. CourseError if it is missing, damaged or not an image.

    The only other full-size copy in memory is Pillow's own, which is freed before this function returns.
    """
    if path.is_dir():
        raise CourseError(f"{path} is a folder; name an image in it")
    try:
        with _limit(), Image.open(path) as picture:
            return _taken_apart(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise CourseError(f"{path} has more than {MOST:,} pixels; crop or shrink it first") from None
    except FileNotFoundError:
        raise CourseError(f"there is no file {path}; check the name") from None
    except PermissionError:
        raise CourseError(f"no permission to read {path}; change its permissions") from None
    except UnidentifiedImageError:
        raise CourseError(f"{path} is not an image that Pillow can read; save it as PNG or JPEG") from None
    except MemoryError:
        raise CourseError(f"{path} does not fit in memory; crop or shrink it first") from None
    except Exception as error:  # decoders can raise any exception on damaged files
        raise CourseError(f"{path} cannot be read ({error or type(error).__name__}); is it damaged?") from error


def read_hole(path: Path, picture: Picture) -> np.ndarray:
    """Read a mask for `picture` as H×W bool: True where the mask is white, which marks a missing pixel.

    CourseError for whatever `read` refuses, another size, and pixels that are neither black nor white.
    """
    mask = read(path)
    if mask.pixels.shape[:2] != picture.pixels.shape[:2]:
        raise CourseError(f"{path} is {mask.size} and the image {picture.size}; give the mask the size of the image")
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
    for top in range(0, picture.height, ROWS):  # band by band, because Pillow returns pixels as a copy
        band = np.asarray(picture.crop((0, top, picture.width, min(top + ROWS, picture.height))))
        pixels[top : top + ROWS] = band.reshape(len(band), picture.width, -1)[..., : pixels.shape[-1]]
    return Picture(pixels, picture.getchannel("A") if clear else None, profile)


@contextlib.contextmanager
def _limit() -> Iterator[None]:
    """Apply our pixel limit in Pillow, and silence its warnings about odd metadata: the image is still readable."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MOST
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before
