"""An image taken in low light: a weak signal with the usual sensor noise."""

from torch import Generator, Tensor

from course_lib.degradations.denoisers import non_local_means
from course_lib.degradations.noise import GaussianNoise, require_level
from course_lib.errors import CourseError


class LowLight:
    """Darker and noisy: y = gain·x + n, n Gaussian of standard deviation `sigma` (in [0,1] units), not clipped.

    gain: fraction of the light that remains, above 0 and at most 1.
    op(x, generator=g): N×C×H×W in [0,1] → the same shape. The noise is drawn as in `GaussianNoise`.
    op.baseline(y): y / gain, which amplifies the noise to sigma / gain, then non-local means for that level; in [0,1].
    Raises CourseError for a gain or sigma out of range, or a sigma above the gain, where noise hides the image. The
    model ignores that real sensor noise grows with light (Poisson noise). Chapter 05.
    """

    def __init__(self, gain: float = 0.25, sigma: float = 5 / 255):
        if not 0 < gain <= 1:
            raise CourseError(f"LowLight: gain is {gain}, wanted a number above 0 and at most 1, e.g. 0.25")
        require_level("LowLight", sigma)
        if sigma > gain:
            raise CourseError(
                f"LowLight: sigma {sigma} is above gain {gain}, so noise hides the image; lower sigma or raise gain"
            )
        self.gain, self.sigma = gain, sigma
        self._noise = GaussianNoise(sigma)

    def __call__(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        return self._noise(self.gain * x, generator)

    def baseline(self, y: Tensor) -> Tensor:
        return non_local_means(y / self.gain, self.sigma / self.gain)
