"""Checks for the exercises and for what the chapters write out: `check.<name>(yours)`.

Each prints a tick with what it tried, or raises `CheckFailed` with what is wrong and a hint at why. References are
independent of the course's own code wherever one exists (torch, scikit-image, a closed form, a property).
"""

from course_lib.check.anatomy import split_gradient, swap_lesion
from course_lib.check.blocks import gated_residual, residual
from course_lib.check.convolutions import convolve, stamps
from course_lib.check.preactivation import preact_block
from course_lib.check.start_here import psnr, sharpen, to_batch, to_bytes

__all__ = [
    "convolve",
    "gated_residual",
    "preact_block",
    "psnr",
    "residual",
    "sharpen",
    "split_gradient",
    "stamps",
    "swap_lesion",
    "to_batch",
    "to_bytes",
]
