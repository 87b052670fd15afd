"""Networks that fill holes: what is known is passed on untouched, what is missing starts from the mean of the known."""

import torch
from torch import Tensor, nn

from course_lib.blocks import Residual, conv3x3, zero_last
from course_lib.degradations import mean_fill, split_hole
from course_lib.hole_convolutions import PartialConv
from course_lib.hole_networks import EncoderDecoder, GatedLayer, PartialLayer
from course_lib.restorer import AnySize, long_body, restorer


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
    return KeepKnown(AnySize(restorer(MeanFill(), head, long_body(width, depth), tail), fold))


class PartialBranch(nn.Module):
    """What partial convolutions make of the known pixels alone; 0 where no known pixel was near enough.

    N×(channels+1)×H×W, the hole last → N×channels×H×W; H and W multiples of 4. Paper: Liu et al. 2018. Chapter 07.
    """

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.body = EncoderDecoder(PartialLayer, channels, width)
        self.tail = PartialConv(width, channels)

    def forward(self, y: Tensor) -> Tensor:
        return self.tail(*self.body(*split_hole(y)))[0]


class GatedBranch(nn.Module):
    """What gated convolutions make of the picture and its hole, as two kinds of channel.

    N×(channels+1)×H×W, the hole last → N×channels×H×W; H and W multiples of 4. Paper: Yu et al. 2019. Chapter 07.
    """

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.body = EncoderDecoder(GatedLayer, channels + 1, width)
        self.tail = conv3x3(width, channels, bias=True)

    def forward(self, y: Tensor) -> Tensor:
        return self.tail(self.body(y, y[:, -1:])[0])


def partial_inpainter(channels: int = 1, width: int = 32) -> KeepKnown:
    """The mean of the known pixels, plus what an encoder–decoder of partial convolutions adds to it in the hole.

    N×(channels+1)×H×W, the hole last → N×channels×H×W, any H and W. The hole shrinks layer by layer, at a quarter of
    the size four times as fast; what is left of a very wide one keeps the mean. Untrained it is the mean fill exactly.
    With `width` 32 about as many weights as `inpainter` (half a million). Paper: Liu et al. 2018. Chapter 07.
    """
    return _from_mean_fill(PartialBranch(channels, width))


def gated_inpainter(channels: int = 1, width: int = 24) -> KeepKnown:
    """The mean of the known pixels, plus what an encoder–decoder of gated convolutions adds to it in the hole.

    N×(channels+1)×H×W, the hole last → N×channels×H×W, any H and W. Nobody tells the layers what a hole is: they learn
    it. Untrained it is the mean fill exactly. A gate costs as much as what it lets through, so `width` is 24 for about
    as many weights as the others. Paper: Yu et al. 2019. Chapter 07.
    """
    return _from_mean_fill(GatedBranch(channels, width))


def _from_mean_fill(branch: nn.Module) -> KeepKnown:
    return KeepKnown(AnySize(zero_last(Residual(branch, MeanFill())), 4))
