"""The input check shared by the functions on images."""

from torch import Tensor

from course_lib.errors import CourseError


def require_pictures(asker: str, images: Tensor) -> None:
    """Raise CourseError unless `images` is an N×C×H×W floating-point tensor.

    Used by all operators, chapter 05.
    """
    if images.ndim != 4:
        raise CourseError(
            f"{asker}: got shape {tuple(images.shape)}, wanted N×C×H×W "
            "(a single image needs a leading axis: image[None])"
        )
    if not images.is_floating_point():
        raise CourseError(f"{asker}: got {images.dtype}, wanted float images in [0,1]; divide bytes by 255")
