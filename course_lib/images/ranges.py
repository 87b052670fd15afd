"""The only place that converts between the course's two value ranges: [0,1] in the library, [-1,1] in generators."""

import torch
from torch import Tensor


def to_signed(images: Tensor) -> Tensor:
    """[0,1] → [-1,1], the output range of a generator that ends in tanh. Any shape. Chapter 00."""
    return images * 2 - 1


def to_unit(images: Tensor) -> Tensor:
    """[-1,1] → [0,1], the inverse of `to_signed`; nothing is clipped. Any shape. Chapter 00."""
    return (images + 1) / 2


def to_uint8(images: Tensor) -> Tensor:
    """[0,1] float → 0…255 uint8, clamped, then rounded to the nearest (truncation would darken). Chapter 00."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


def eight_bits(images: Tensor) -> Tensor:
    """[0,1] → [0,1], quantised to the 256 levels of a file: clamped and rounded. Any shape; no gradient. Chapter 06."""
    return to_uint8(images).float() / 255
