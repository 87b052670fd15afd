"""The one place where the two number ranges of the course meet: [0,1] in the library, [-1,1] in generators."""

import torch
from torch import Tensor


def to_signed(images: Tensor) -> Tensor:
    """[0,1] → [-1,1]: what a generator with a tanh at its end is trained on. Any shape. Chapter 00."""
    return images * 2 - 1


def to_unit(images: Tensor) -> Tensor:
    """[-1,1] → [0,1]: the inverse of `to_signed`; nothing is clipped. Any shape. Chapter 00."""
    return (images + 1) / 2


def to_uint8(images: Tensor) -> Tensor:
    """[0,1] float → 0…255 uint8, clamped, then rounded to the nearest (truncating would darken). Chapter 00."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


def eight_bits(images: Tensor) -> Tensor:
    """[0,1] → [0,1] in the 256 steps of a file: clamped, rounded to the nearest. Any shape; no gradient. Chapter 06."""
    return to_uint8(images).float() / 255
