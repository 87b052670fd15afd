"""The course's first network: from a blurred image it predicts the correction."""

from torch import nn

from course_lib.blocks import Residual, conv3x3, zero_last
from course_lib.networks.facts import as_restorer


def sharpener(width: int = 32) -> Residual:
    """blurred + F(blurred): three 3×3 convolutions as F, the last one at zero, so that it starts as the identity.

    N×3×H×W in [0,1] → N×3×H×W, about 11,000 parameters; not clamped. Chapter 00.
    """
    branch = nn.Sequential(
        conv3x3(3, width, bias=True),
        nn.ReLU(),
        conv3x3(width, width, bias=True),
        nn.ReLU(),
        conv3x3(width, 3, bias=True),
    )
    return as_restorer(zero_last(Residual(branch)), context=3)  # one pixel per 3×3 convolution
