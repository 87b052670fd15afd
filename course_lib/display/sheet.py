"""A batch of images as one PNG for a widget: enlarged by a whole factor, values not rescaled."""

import io

from PIL import Image
from torch import Tensor

from course_lib.display.style import WIDEST
from course_lib.errors import CourseError
from course_lib.images import tiled

GAP = 2  # white pixels between images, before enlargement


def checked(images: Tensor, who: str) -> Tensor:
    """N×C×H×W float32 on the CPU; CourseError for another shape or values clearly outside [0,1]."""
    images = images.detach().cpu().float()
    if images.ndim != 4 or not len(images) or images.shape[1] not in (1, 3):
        raise CourseError(f"{who} gave shape {tuple(images.shape)}; wanted N×C×H×W, C = 1 or 3")
    # An unbounded last layer may overshoot a little, but values near -1 mean the range [-1,1].
    if images.min() < -0.4 or not images.isfinite().all():
        low, high = images.min().item(), images.max().item()
        raise CourseError(f"{who} gave values from {low:.2g} to {high:.2g}; wanted [0,1]: wrap it in images.to_unit")
    return images


def sheet(images: Tensor, zoom: int | None = None, widest: int = WIDEST) -> Image.Image:
    """Images N×C×H×W in [0,1] in rows, each pixel zoom×zoom; by default the zoom (at most 4) that fits `widest`."""
    width = images.shape[-1] + GAP
    columns = max(1, min(len(images), widest // (width * (zoom or 2))))
    columns = -(-len(images) // -(-len(images) // columns))  # rows of equal length
    zoom = zoom or max(1, min(4, widest // (width * columns)))
    small = tiled(images, columns, GAP)
    return small.resize((small.width * zoom, small.height * zoom), Image.Resampling.NEAREST)


def png(picture: Image.Image) -> bytes:
    """The bytes of a PNG file, with fast compression because it only goes to the page."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
