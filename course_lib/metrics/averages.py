"""From one number an image to one number a set."""

import torch
from torch import Tensor

from course_lib.metrics.psnr import psnr


def mean_psnr(preds: list[Tensor], targets: list[Tensor], **protocol: object) -> float:
    """PSNR of each image 1×C×H×W, then their mean, in dB; `protocol` is psnr's own (luma, shave). Chapter 05."""
    values = [psnr(pred, target, **protocol).mean() for pred, target in zip(preds, targets, strict=True)]
    return torch.stack(values).mean().item()


def hole_psnr(pred: Tensor, target: Tensor, hole: Tensor) -> float:
    """PSNR over the missing pixels alone, image by image, then their mean, in dB. Chapter 07.

    pred, target: N×C×H×W in [0,1]; hole: N×1×H×W, 1 where missing, in every image somewhere.
    """
    missing = hole.sum(dim=(1, 2, 3)) * pred.shape[1]
    error = ((pred.double() - target.double()).square() * hole).sum(dim=(1, 2, 3)) / missing
    return (-10 * error.log10()).mean().item()
