"""The denoiser: the noisy image is the shortcut, and a residual network at lower resolution is the branch."""

from torch import nn

from course_lib.blocks import conv3x3
from course_lib.networks.facts import as_restorer
from course_lib.networks.restorer import AnySize, long_body, restorer


def denoiser(channels: int = 3, width: int = 64, depth: int = 4, fold: int = 2, bias: bool = True) -> AnySize:
    """noisy + F(noisy), with F at a resolution `fold` times lower: N×channels×H×W → the same shape.

    Pixel unshuffle turns each fold×fold patch into the channels of one pixel, which loses nothing; a convolution then
    costs fold² times less and has a receptive field fold times as wide. Pixel shuffle, its inverse, is the tail.
    Without `bias` the network is homogeneous: f(αy) = αf(y) for α ≥ 0, so a change of exposure changes nothing else in
    the output. (This also helped the paper's networks at other noise levels, but not chapter 05's.)
    Papers: Zhang et al. 2017, DnCNN (the residual); Zhang et al. 2018, FFDNet (pixel unshuffle); Mohan et al. 2020 (no
    bias). Chapter 05.
    """
    folded = channels * fold**2
    head = nn.Sequential(nn.PixelUnshuffle(fold), conv3x3(folded, width, bias=bias))
    tail = nn.Sequential(conv3x3(width, folded, bias=bias), nn.PixelShuffle(fold))
    network = AnySize(restorer(nn.Identity(), head, long_body(width, depth, bias), tail), fold)
    # One folded pixel per 3×3 convolution: head, two per block, one after them, tail. Tiles start on multiples of fold.
    return as_restorer(network, context=fold * (2 * depth + 3), channels=channels, multiple=fold)
