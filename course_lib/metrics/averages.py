"""From one value per image to one value per set."""

import torch
from torch import Tensor

from course_lib.metrics.psnr import psnr


def mean_psnr(preds: list[Tensor], targets: list[Tensor], **protocol: object) -> float:
    """Mean PSNR in dB over images 1×C×H×W; `protocol` is passed on to psnr (luma, shave). Chapter 05."""
    values = [psnr(pred, target, **protocol).mean() for pred, target in zip(preds, targets, strict=True)]
    return torch.stack(values).mean().item()


def hole_psnr(pred: Tensor, target: Tensor, hole: Tensor) -> float:
    """PSNR over the missing pixels only, per image and then averaged, in dB. Chapter 07.

    pred, target: N×C×H×W in [0,1]; hole: N×1×H×W, 1 where pixels are missing, at least one in every image.
    """
    missing = hole.sum(dim=(1, 2, 3)) * pred.shape[1]
    error = ((pred.double() - target.double()).square() * hole).sum(dim=(1, 2, 3)) / missing
    return (-10 * error.log10()).mean().item()
