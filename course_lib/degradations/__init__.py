"""Degradation operators y = A(x) + n, each with a classical baseline that restores x without learning.

Call an operator as `y = op(x, generator=g)` and its baseline as `op.baseline(y)`. Images are N×C×H×W in [0,1], on any
device. Randomness depends on the generator alone, image by image: the first images of a batch are degraded as they
would be without the others, and a CPU generator gives the same result on every device.
"""

from course_lib.degradations.blur import GaussianBlur
from course_lib.degradations.denoisers import gaussian_filter, median_filter, noise_level, non_local_means, wavelet
from course_lib.degradations.downsample import Downsample, modcrop
from course_lib.degradations.fillers import biharmonic, mean_fill
from course_lib.degradations.holes import Holes
from course_lib.degradations.low_light import LowLight
from course_lib.degradations.noise import GaussianNoise

__all__ = [
    "Downsample",
    "GaussianBlur",
    "GaussianNoise",
    "Holes",
    "LowLight",
    "biharmonic",
    "gaussian_filter",
    "mean_fill",
    "median_filter",
    "modcrop",
    "noise_level",
    "non_local_means",
    "wavelet",
]
