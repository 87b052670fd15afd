"""The degradation of super-resolution, bicubic downsampling, and its classical baseline, bicubic upsampling."""

from torch import Generator, Tensor

from course_lib.errors import CourseError
from course_lib.images import eight_bits, resize
from course_lib.images.requirements import require_pictures


class Downsample:
    """Downsample by `scale` on each side, with antialiased bicubic interpolation as in MATLAB (see `resize`).

    scale: a whole number from 2.
    rounded: clamp y to [0,1] and round it to 8 bits, as the benchmarks do, whose inputs are files. If False, the
        operator is linear and differentiable, and y may overshoot [0,1] slightly.
    op(x, generator=None): N×C×H×W in [0,1] → N×C×(H/scale)×(W/scale); nothing is random.
    op.baseline(y): bicubic upsampling with the same kernel, clamped to [0,1]. `resize(y, scale)` is the same unclamped.
    Raises CourseError for another scale, or sides that are not multiples of it: `modcrop` first, so that y has one
    pixel per scale×scale block and upsampling returns to the same grid.

    Published baseline PSNR (rounded=True, on luma, shave = scale): Set5 ×2 / ×3 / ×4: 33.66 / 30.39 / 28.42 dB.
    Chapter 06.
    """

    def __init__(self, scale: int, *, rounded: bool = False):
        _require_scale("Downsample", scale, 2)
        self.scale, self.rounded = scale, rounded

    def __call__(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        require_pictures("Downsample", x)
        height, width = x.shape[2:]
        if height % self.scale or width % self.scale:
            raise CourseError(
                f"Downsample: the sides of {height}×{width} are not multiples of the scale {self.scale}; "
                f"crop them first: modcrop(images, {self.scale})"
            )
        y = resize(x, size=(height // self.scale, width // self.scale))
        return eight_bits(y) if self.rounded else y

    def baseline(self, y: Tensor) -> Tensor:
        return resize(y, self.scale).clamp(0, 1)


def modcrop(images: Tensor, scale: int) -> Tensor:
    """Crop …×H×W at the bottom and right to multiples of `scale`, as the benchmarks do. Chapter 06.

    Raises CourseError if nothing would be left.
    """
    _require_scale("modcrop", scale, 1)
    height, width = (side - side % scale for side in images.shape[-2:])
    if not (height and width):
        raise CourseError(
            f"modcrop: {images.shape[-2]}×{images.shape[-1]} pixels have no {scale}×{scale} block; use larger images"
        )
    return images[..., :height, :width]


def _require_scale(asker: str, scale: int, least: int) -> None:
    if isinstance(scale, bool) or not isinstance(scale, int) or scale < least:
        raise CourseError(f"{asker}: scale is {scale!r}, wanted a whole number from {least} up, e.g. 2")
