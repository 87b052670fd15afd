"""Denoising without learning: four classical scikit-image filters for batches, and a noise-level estimator."""

from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor

from course_lib.degradations.batch import each_picture
from course_lib.errors import CourseError
from course_lib.images.requirements import require_pictures

# scikit-image is imported late: it takes a second, and few users of this package need it.


def gaussian_filter(y: Tensor, sigma: float = 1.0) -> Tensor:
    """A Gaussian filter of standard deviation `sigma` pixels; the border is repeated. N×C×H×W → the same in [0,1].

    It removes noise and blurs edges. scikit-image: filters.gaussian. Chapter 05.
    """
    from skimage.filters import gaussian

    require_pictures("gaussian_filter", y)
    if not sigma > 0:
        raise CourseError(f"gaussian_filter: sigma is {sigma}, wanted a number of pixels above 0, e.g. 1.0")
    return each_picture(y, lambda _, picture: gaussian(picture, sigma, channel_axis=-1))


def median_filter(y: Tensor, size: int = 3) -> Tensor:
    """The median over size×size pixels of each channel; the border is repeated. N×C×H×W → the same in [0,1].

    It preserves edges and removes isolated outliers. `size` is odd. scikit-image: filters.median. Chapter 05.
    """
    from skimage.filters import median

    require_pictures("median_filter", y)
    if not (isinstance(size, int) and size > 0 and size % 2):
        raise CourseError(f"median_filter: size is {size}, wanted an odd whole number of pixels, e.g. 3")
    # One channel deep: each channel is filtered separately.
    window = np.ones((size, size, 1))
    return each_picture(y, lambda _, picture: median(picture, window))


def non_local_means(y: Tensor, sigma: float | Tensor) -> Tensor:
    """Non-local means: each pixel becomes a weighted mean of pixels whose surrounding patches look similar.

    y: N×C×H×W with noise of standard deviation `sigma`: one number for all, or a tensor (N,). Returns the same shape in
    [0,1]. 5×5 patches, compared over all channels at once, within 6 pixels on each side; h = 0.6·sigma with the fast
    algorithm, as in scikit-image's own example. About 0.03 s for 128×128 in colour on one core. scikit-image:
    restoration.denoise_nl_means. Paper: Buades, Coll and Morel 2005. Chapter 05.
    """
    from skimage.restoration import denoise_nl_means

    require_pictures("non_local_means", y)
    levels = _levels("non_local_means", y, sigma)

    def denoise(i: int, picture: np.ndarray) -> np.ndarray:
        if levels[i] == 0:
            return picture  # no noise to remove, and h = 0 would divide by zero
        settings = {"patch_size": 5, "patch_distance": 6, "fast_mode": True, "channel_axis": -1}
        return denoise_nl_means(picture, h=0.6 * levels[i], sigma=levels[i], **settings)

    return each_picture(y, denoise)


def wavelet(y: Tensor, sigma: float | Tensor) -> Tensor:
    """Wavelet shrinkage: a Haar basis turns an image into few large coefficients and noise into many small ones.

    y: N×C×H×W with noise of standard deviation `sigma`: one number for all, or a tensor (N,). Returns the same shape in
    [0,1]. The small ones are shrunk by soft thresholds that BayesShrink sets per level; RGB is converted to YCbCr
    first. Needs the package PyWavelets; raises CourseError without it. scikit-image: restoration.denoise_wavelet.
    Paper: Chang, Yu and Vetterli 2000. Chapter 05.
    """
    if find_spec("pywt") is None:
        raise CourseError("wavelet: scikit-image needs PyWavelets for this filter: pip install PyWavelets")
    from skimage.restoration import denoise_wavelet

    require_pictures("wavelet", y)
    levels, colour = _levels("wavelet", y, sigma), y.shape[1] == 3

    def denoise(i: int, picture: np.ndarray) -> np.ndarray:
        if levels[i] == 0:
            return picture  # no noise to remove
        return denoise_wavelet(picture, sigma=levels[i], convert2ycbcr=colour, channel_axis=-1)

    return each_picture(y, denoise)


def noise_level(y: Tensor) -> Tensor:
    """The standard deviation of the noise in each image, estimated from the image alone: N×C×H×W → (N,).

    Half the difference of the diagonals of each 2×2 block, (a − b − c + d)/2, cancels smooth content and leaves noise
    of the same σ. The median of its absolute value over 0.6745 estimates σ; edges hardly affect a median. Fine
    texture counts as noise, so the estimate is too high where there is little. Raises CourseError for images below 2×2.
    Paper: Donoho and Johnstone 1994. Chapter 05.
    """
    require_pictures("noise_level", y)
    height, width = (side - side % 2 for side in y.shape[2:])
    if not (height and width):
        raise CourseError(f"noise_level: an image of {y.shape[2]}×{y.shape[3]} has no 2×2 block; use a larger one")
    even, odd = y[..., 0:height:2, :width], y[..., 1:height:2, :width]
    diagonals = (even[..., 0::2] - even[..., 1::2] - odd[..., 0::2] + odd[..., 1::2]) / 2
    return diagonals.abs().flatten(1).median(dim=1).values / 0.6745


def _levels(asker: str, y: Tensor, sigma: float | Tensor) -> list[float]:
    """Sigma of each image."""
    levels = torch.as_tensor(sigma, dtype=torch.float64, device="cpu").flatten().tolist()
    levels = levels * len(y) if len(levels) == 1 else levels
    if len(levels) != len(y) or not all(0 <= level <= 1 for level in levels):
        raise CourseError(f"{asker}: sigma is {sigma}, wanted one in [0,1], e.g. 25/255, or {len(y)}: one per image")
    return levels
