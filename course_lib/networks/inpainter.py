"""Networks that fill holes: known pixels pass through unchanged, missing ones start from the mean of the known."""

import torch
from torch import Tensor, nn

from course_lib.blocks import conv3x3
from course_lib.degradations import mean_fill
from course_lib.images import split_hole
from course_lib.networks.facts import as_restorer
from course_lib.networks.restorer import AnySize, long_body, restorer


class MeanFill(nn.Module):
    """The mean fill, the simplest baseline, as a layer: N×(C+1)×H×W, image and hole → N×C×H×W. Chapter 07."""

    def forward(self, y: Tensor) -> Tensor:
        return mean_fill(*split_hole(y))


class KeepKnown(nn.Module):
    """Uses a network's output N×C×H×W only inside the hole; the known pixels of y are returned bit for bit.

    forward(y): N×(C+1)×H×W as `Holes` gives it → N×C×H×W. Chapter 07.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, y: Tensor) -> Tensor:
        image, hole = split_hole(y)
        # Not hole · output + (1 − hole) · image: that keeps known pixels only if the output is finite (0 · nan is nan)
        # and nothing is in 16 bits. output + (1 − hole) · (image − output) rounds even in float32.
        return torch.where(hole == 1, self.network(y).to(image.dtype), image)


def inpainter(channels: int = 1, width: int = 64, depth: int = 6, fold: int = 2) -> KeepKnown:
    """The mean fill, plus a residual network's correction inside the hole.

    N×(channels+1)×H×W, the hole last → N×channels×H×W. It works on folded pixels as the denoiser does, so the radius of
    its receptive field is fold · (2 · depth + 3) pixels: all of a 28×28 image. Untrained, it is exactly the mean fill.
    Chapter 07.
    """
    head = nn.Sequential(nn.PixelUnshuffle(fold), conv3x3((channels + 1) * fold**2, width, bias=True))
    tail = nn.Sequential(conv3x3(width, channels * fold**2, bias=True), nn.PixelShuffle(fold))
    network = KeepKnown(AnySize(restorer(MeanFill(), head, long_body(width, depth), tail), fold))
    return as_restorer(network, fold * (2 * depth + 3), channels=channels, needs_mask=True, multiple=fold)
