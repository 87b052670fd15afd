"""A batch of images as one PNG for a widget: enlarged by whole pixels, nothing rescaled."""

import io

from PIL import Image
from torch import Tensor

from course_lib.display.style import WIDEST
from course_lib.errors import CourseError
from course_lib.images import tiled

GAP = 2  # white pixels between images, before they are enlarged


def checked(images: Tensor, who: str) -> Tensor:
    """N×C×H×W on the CPU; CourseError for another shape or values that are plainly not in [0,1]."""
    images = images.detach().cpu().float()
    if images.ndim != 4 or not len(images) or images.shape[1] not in (1, 3):
        raise CourseError(f"{who} gave shape {tuple(images.shape)}; wanted N×C×H×W, C = 1 or 3")
    # A last layer without a bound may pass the edge a little; -1 is the other range.
    if images.min() < -0.4 or not images.isfinite().all():
        low, high = images.min().item(), images.max().item()
        raise CourseError(f"{who} gave values from {low:.2g} to {high:.2g}; wanted [0,1]: wrap it in images.to_unit")
    return images


def sheet(images: Tensor, zoom: int | None = None, widest: int = WIDEST) -> Image.Image:
    """Images N×C×H×W in [0,1] in rows, each pixel zoom×zoom; by default 2 to 4, as fits `widest` pixels."""
    width = images.shape[-1] + GAP
    columns = max(1, min(len(images), widest // (width * (zoom or 2))))
    columns = -(-len(images) // -(-len(images) // columns))  # rows of equal length
    zoom = zoom or max(1, min(4, widest // (width * columns)))
    small = tiled(images, columns, GAP)
    return small.resize((small.width * zoom, small.height * zoom), Image.Resampling.NEAREST)


def png(picture: Image.Image) -> bytes:
    """The file's bytes; quick rather than small, since it goes no further than the page."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
