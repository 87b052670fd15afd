"""What happened to the picture: y = A(x) + n. Each operator also knows the classical answer to itself.

An operator is called as `y = op(x, generator=g)`; `op.baseline(y)` is a good answer without learning. Pictures are
N×C×H×W in [0,1], on any device; what is random follows from the generator alone, picture by picture: the first
pictures of a batch get what they would get without the others, and a CPU generator gives the same on every device.
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
