"""Photographs as restoration is trained and measured on them: without the traces that JPEG has left."""

import torch
from torch import Tensor

from course_lib.data.image_set import Images
from course_lib.images import eight_bits, resize

# What JPEG has spoiled lies in blocks of 8×8 pixels; at this share of the size they are gone.
JPEG_SHRUNK = 0.6
JPEG_ENDINGS = (".jpg", ".jpeg")


def clean_photographs(data: Images, device: torch.device) -> list[Tensor]:
    """Each photograph 1×3×H×W in [0,1], 8-bit values; those that come as JPEG shrunk to 0.6 of their size.

    A network that learns from JPEG's blocks learns to draw them: it loses most of a dB. Chapter 06.
    """
    data.require_photographs()
    photos = []
    for index, name in enumerate(data.names):
        photo = data[index][0][None].to(device)
        if name.lower().endswith(JPEG_ENDINGS):
            photo = eight_bits(resize(photo, JPEG_SHRUNK))
        photos.append(photo)
    return photos
