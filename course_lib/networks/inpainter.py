"""Networks that fill holes: what is known is passed on untouched, what is missing starts from the mean of the known."""

import torch
from torch import Tensor, nn

from course_lib.blocks import conv3x3
from course_lib.degradations import mean_fill
from course_lib.images import split_hole
from course_lib.networks.facts import as_restorer
from course_lib.networks.restorer import AnySize, long_body, restorer


class MeanFill(nn.Module):
    """The classical start as a layer: N×(C+1)×H×W, picture and hole → N×C×H×W. Chapter 07."""

    def forward(self, y: Tensor) -> Tensor:
        return mean_fill(*split_hole(y))


class KeepKnown(nn.Module):
    """Of a network's answer N×C×H×W only what lies in the hole; the known pixels of y are returned bit for bit.

    forward(y): N×(C+1)×H×W as `Holes` gives it → N×C×H×W. Chapter 07.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, y: Tensor) -> Tensor:
        picture, hole = split_hole(y)
        # where and not hole · answer + (1 − hole) · picture: that keeps known pixels only where the answer is finite
        # (0 · nan is nan) and nothing is in 16 bits. answer + (1 − hole) · (picture − answer) rounds even in float32.
        return torch.where(hole == 1, self.network(y).to(picture.dtype), picture)


def inpainter(channels: int = 1, width: int = 64, depth: int = 6, fold: int = 2) -> KeepKnown:
    """The mean of the known pixels, plus what a residual network adds to it in the hole.

    N×(channels+1)×H×W, the hole last → N×channels×H×W. It works on folded pixels as the denoiser does, and looks
    fold · (2 · depth + 3) pixels far: for 28×28 that is everything. Untrained it is the mean fill exactly. Chapter 07.
    """
    head = nn.Sequential(nn.PixelUnshuffle(fold), conv3x3((channels + 1) * fold**2, width, bias=True))
    tail = nn.Sequential(conv3x3(width, channels * fold**2, bias=True), nn.PixelShuffle(fold))
    network = KeepKnown(AnySize(restorer(MeanFill(), head, long_body(width, depth), tail), fold))
    return as_restorer(network, fold * (2 * depth + 3), channels=channels, needs_mask=True, multiple=fold)
