"""What every function on images asks of its input."""

from torch import Tensor

from course_lib.errors import CourseError


def require_pictures(asker: str, images: Tensor) -> None:
    """Raise CourseError unless `images` are N×C×H×W numbers of a floating type.

    Behind all operators, chapter 05.
    """
    if images.ndim != 4:
        raise CourseError(
            f"{asker}: got shape {tuple(images.shape)}, wanted N×C×H×W "
            "(a single picture needs a leading axis: image[None])"
        )
    if not images.is_floating_point():
        raise CourseError(f"{asker}: got {images.dtype}, wanted float pictures in [0,1]; divide bytes by 255")
