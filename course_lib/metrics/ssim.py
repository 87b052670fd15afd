"""Structural similarity: do means, contrasts and patterns agree in every small window of two images?"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from course_lib.errors import CourseError
from course_lib.metrics.psnr import comparable

SIGMA, RADIUS = 1.5, 5
WINDOW = 2 * RADIUS + 1


def ssim(pred: Tensor, target: Tensor, *, data_range: float = 1.0, shave: int = 0, luma: bool = False) -> Tensor:
    """Structural similarity of each image, from −1 to 1 (identical).

    Args:
        pred, target: N×C×H×W, same shape, values in [0, data_range]; H and W at least 11 after shaving.
        data_range: largest possible value: 1.0 for [0,1], 255 for bytes.
        shave: border in pixels left out on every side (super-resolution papers use the scale).
        luma: compare the Y channel of BT.601 only (N×3×H×W in [0,1]).
    Returns a tensor (N,): the mean over all windows that lie within the image, and over channels. The window is
    Gaussian, σ = 1.5, 11×11, K₁ = 0.01, K₂ = 0.03, as in the paper: scikit-image's structural_similarity with
    gaussian_weights=True, sigma=1.5, use_sample_covariance=False; its default, a uniform 7×7 window, differs.
    Raises CourseError for other shapes, numbers that are not finite, or images smaller than a window.
    Paper: Wang et al. 2004. Chapter 05.
    """
    pred, target = comparable("ssim", pred, target, shave, luma)
    if min(pred.shape[2:]) < WINDOW:
        raise CourseError(
            f"ssim: {pred.shape[2]}×{pred.shape[3]} pixels are left to compare (shave={shave}), but a window needs "
            f"{WINDOW}×{WINDOW}; use larger images or a smaller border"
        )
    pred, target = pred.double(), target.double()
    mean_p, mean_t, square_p, square_t, product = map(
        _window_means, (pred, target, pred.square(), target.square(), pred * target)
    )
    variances = square_p + square_t - mean_p.square() - mean_t.square()
    covariance = product - mean_p * mean_t
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    means_agree = (2 * mean_p * mean_t + c1) / (mean_p.square() + mean_t.square() + c1)
    patterns_agree = (2 * covariance + c2) / (variances + c2)
    return (means_agree * patterns_agree).mean(dim=(1, 2, 3))


def _window_means(images: Tensor) -> Tensor:
    """The Gaussian-weighted mean of each complete window: N×C×H×W → N×C×(H−10)×(W−10)."""
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=images.dtype, device=images.device)
    weights = torch.softmax(-(offsets**2) / (2 * SIGMA**2), 0)
    planes = images.flatten(0, 1)[:, None]
    planes = conv2d(conv2d(planes, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
    return planes.view(*images.shape[:2], *planes.shape[2:])
