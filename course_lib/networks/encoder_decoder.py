"""An encoder–decoder for images with holes, and the two kinds of layer it can be built from.

Each layer maps a pair to a pair: features N×C×H×W and the remaining hole N×1×H×W, 1 where nothing is known yet.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.networks.partial_conv import GatedConv, PartialConv

# (inputs, outputs, stride) → a layer: (features, hole) → (features, hole)
Layer = Callable[[int, int, int], nn.Module]


class PartialLayer(nn.Module):
    """A partial convolution, then ReLU: unknown features stay 0, and the hole shrinks by one pixel. Chapter 07.

    N×inputs×H×W and hole → N×outputs×H/stride×W/stride and the remaining hole. Paper: Liu et al. 2018.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.conv = PartialConv(inputs, outputs, stride=stride)
        # He et al. 2015, for ReLU: torch's default has a sixth of this variance, and seven layers would fade out.
        nn.init.kaiming_normal_(self.conv.conv.weight, nonlinearity="relu")

    def forward(self, x: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
        features, left = self.conv(x, hole)
        return features.relu(), left


class GatedLayer(nn.Module):
    """A gated convolution; it knows the hole only from a channel of the first layer's input. Chapter 07.

    N×inputs×H×W and hole → N×outputs×H/stride×W/stride and an empty hole. Paper: Yu et al. 2019.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.conv = GatedConv(inputs, outputs, stride=stride)

    def forward(self, x: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
        features = self.conv(x)
        return features, torch.zeros_like(features[:, :1])


class EncoderDecoder(nn.Module):
    """Down to a quarter of the size and back up, with a skip connection at each size.

    forward(x, hole): N×inputs×H×W and N×1×H×W → N×width×H×W and the remaining hole; H and W multiples of 4. A skip
    connection adds the encoder's features to the decoder's, as in a residual block. The decoder's hole is returned,
    because whatever the encoder knew is known there too. Channels double with each halving. Papers: Ronneberger et al.
    2015, U-Net (which concatenates instead of adding); Liu et al. 2018 (with holes). Chapter 07.
    """

    def __init__(self, layer: Layer, inputs: int, width: int):
        super().__init__()
        self.head = layer(inputs, width, 1)
        self.down = nn.ModuleList([layer(width, 2 * width, 2), layer(2 * width, 4 * width, 2)])
        self.bottom = nn.ModuleList([layer(4 * width, 4 * width, 1) for _ in range(2)])
        self.up = nn.ModuleList([layer(4 * width, 2 * width, 1), layer(2 * width, width, 1)])

    def forward(self, x: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
        here = self.head(x, hole)
        kept = []
        for layer in self.down:
            kept.append(here[0])
            here = layer(*here)
        for layer in self.bottom:
            here = layer(*here)
        for layer in self.up:
            features, left = layer(*(functional.interpolate(part, scale_factor=2) for part in here))
            here = features + kept.pop(), left
        return here
