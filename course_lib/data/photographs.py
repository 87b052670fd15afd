"""Photographs prepared for training and evaluating restoration: without JPEG artefacts."""

import torch
from torch import Tensor

from course_lib.data.image_set import Images
from course_lib.images import eight_bits, resize

# JPEG artefacts follow blocks of 8×8 pixels; at this fraction of the size they are gone.
JPEG_SHRUNK = 0.6
JPEG_ENDINGS = (".jpg", ".jpeg")


def clean_photographs(data: Images, device: torch.device) -> list[Tensor]:
    """Each photograph as 1×3×H×W in [0,1], 8-bit values; JPEG files are downsampled to 0.6 of their size.

    A network trained on JPEG's block artefacts learns to reproduce them and loses most of a dB. Chapter 06.
    """
    data.require_photographs()
    photos = []
    for index, name in enumerate(data.names):
        photo = data[index][0][None].to(device)
        if name.lower().endswith(JPEG_ENDINGS):
            photo = eight_bits(resize(photo, JPEG_SHRUNK))
        photos.append(photo)
    return photos
