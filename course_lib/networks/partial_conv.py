"""Convolutions for images with missing pixels: one counts the known ones, one learns what to let through.

`hole` is always N×1×H×W, 1 where a pixel is missing.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class PartialConv(nn.Module):
    """A convolution over the known pixels only: values inside the hole cannot reach the output.

    forward(x, hole): N×inputs×H×W and N×1×H×W → (N×outputs×H'×W', the remaining hole N×1×H'×W'). Each window's sum over
    known pixels is divided by the known share of the window, so that the output keeps its scale beside a hole; the bias
    is added afterwards. A window without a known pixel gives 0 and stays a hole. Pixels beyond the image's border count
    as missing. Kernel k×k with k odd, padding k//2.
    Paper: Liu et al. 2018, "Image Inpainting for Irregular Holes Using Partial Convolutions". Chapter 07.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("window", torch.ones(1, 1, kernel, kernel), persistent=False)

    def forward(self, x: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
        known = 1 - hole
        # torch.where instead of a product, because nan · 0 is nan.
        summed = self.conv(torch.where(hole == 1, 0.0, x))
        count = functional.conv2d(known, self.window, stride=self.conv.stride, padding=self.conv.padding)
        any_known = count > 0
        share = count / self.window.numel()
        output = summed / share.clamp(min=1 / self.window.numel()) + self.bias.view(1, -1, 1, 1)
        return torch.where(any_known, output, 0.0), (~any_known).to(hole)


class GatedConv(nn.Module):
    """activation(features) · sigmoid(gate), two convolutions of the same input: the gate learns what to let through.

    N×inputs×H×W → N×outputs×H'×W'. The hole is one of the input's channels; nothing else marks it.
    Paper: Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution". Chapter 07.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, activation: nn.Module | None = None
    ):
        super().__init__()
        self.both = nn.Conv2d(inputs, 2 * outputs, kernel, stride, kernel // 2)
        self.activation = nn.ELU() if activation is None else activation

    def forward(self, x: Tensor) -> Tensor:
        features, gate = self.both(x).chunk(2, dim=1)
        return self.activation(features) * gate.sigmoid()
