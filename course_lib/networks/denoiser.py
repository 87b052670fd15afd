"""The denoiser: the noisy image is the shortcut, and a residual network at a lower resolution is the branch."""

from torch import nn

from course_lib.blocks import conv3x3
from course_lib.networks.facts import as_restorer
from course_lib.networks.restorer import AnySize, long_body, restorer


def denoiser(channels: int = 3, width: int = 64, depth: int = 4, fold: int = 2, bias: bool = True) -> AnySize:
    """noisy + F(noisy), computed at a resolution `fold` times lower: N×channels×H×W → the same shape.

    Each fold×fold patch of pixels becomes channels of one (pixel unshuffle), which loses nothing, and each convolution
    costs fold² times less and looks fold times as far. The direct way back, pixel shuffle, is the tail.
    Without `bias` nothing in it has a brightness of its own: f(αy) = αf(y) for α ≥ 0, so another exposure of the same
    noisy picture gets the same answer. (At other noise levels it helped the paper's networks; chapter 05's, no.)
    Papers: Zhang et al. 2017, DnCNN (the residual); Zhang et al. 2018, FFDNet (the folding); Mohan et al. 2020 (no
    bias). Chapter 05.
    """
    folded = channels * fold**2
    head = nn.Sequential(nn.PixelUnshuffle(fold), conv3x3(folded, width, bias=bias))
    tail = nn.Sequential(conv3x3(width, folded, bias=bias), nn.PixelShuffle(fold))
    network = AnySize(restorer(nn.Identity(), head, long_body(width, depth, bias), tail), fold)
    # A folded pixel for each 3×3 convolution: head, two in a block, one after them, the tail. Tiles begin with a fold.
    return as_restorer(network, context=fold * (2 * depth + 3), channels=channels, multiple=fold)
