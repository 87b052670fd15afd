"""Photographs as restoration is trained and measured on them: without the traces that JPEG has left."""

import torch
from torch import Tensor

from course_lib.data import Images
from course_lib.degradations import resize
from course_lib.errors import CourseError
from course_lib.images import eight_bits
from course_lib.metrics import psnr

# What JPEG has spoiled lies in blocks of 8×8 pixels; at this share of the size they are gone.
JPEG_SHRUNK = 0.6
JPEG_ENDINGS = (".jpg", ".jpeg")


def clean_photographs(data: Images, device: torch.device) -> list[Tensor]:
    """Each photograph 1×3×H×W in [0,1], 8-bit values; those that come as JPEG shrunk to 0.6 of their size.

    A network that learns from JPEG's blocks learns to draw them: it loses most of a dB. Chapter 06.
    """
    if not data.names:
        raise CourseError(f"{data.name} is no set of photographs; give photos or folder:PATH")
    photos = []
    for index, name in enumerate(data.names):
        photo = data[index][0][None].to(device)
        if name.lower().endswith(JPEG_ENDINGS):
            photo = eight_bits(resize(photo, JPEG_SHRUNK))
        photos.append(photo)
    return photos


def mean_psnr(preds: list[Tensor], targets: list[Tensor], **protocol: object) -> float:
    """PSNR of each picture 1×C×H×W, then their mean, in dB; `protocol` is psnr's own (luma, shave). Chapter 05."""
    values = [psnr(pred, target, **protocol).mean() for pred, target in zip(preds, targets, strict=True)]
    return torch.stack(values).mean().item()
