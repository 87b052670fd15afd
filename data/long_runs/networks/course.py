"""Copies of what the course has in course_lib (blocks, restorer, resize, inpainter, metrics), self-contained.

State-dict names are those of the course. The one difference: `resize` keeps its matrices on the device, since a copy
from the host in each forward would make the GPU wait.
"""

import math
from collections import OrderedDict
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

A = -0.5


class Residual(nn.Module):
    def __init__(self, branch, shortcut=None, scale=1.0, after=None):
        super().__init__()
        self.branch = branch
        self.shortcut = nn.Identity() if shortcut is None else shortcut
        self.scale = scale
        self.after = nn.Identity() if after is None else after

    def forward(self, x: Tensor) -> Tensor:
        kept, correction = self.shortcut(x), self.branch(x)
        if kept.shape != correction.shape:
            raise ValueError(f"Residual: {tuple(kept.shape)} and {tuple(correction.shape)}")
        return self.after(kept + self.scale * correction)


def conv3x3(inputs: int, outputs: int, stride: int = 1, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=bias)


def zero_last(block: Residual) -> Residual:
    layers = [layer for layer in block.branch.modules() if isinstance(getattr(layer, "weight", None), Tensor)]
    with torch.no_grad():
        layers[-1].weight.zero_()
        if layers[-1].bias is not None:
            layers[-1].bias.zero_()
    return block


def restorer(shortcut: nn.Module, head: nn.Module, body: nn.Module, tail: nn.Module) -> Residual:
    branch = nn.Sequential(OrderedDict(head=head, body=body, tail=tail))
    return zero_last(Residual(branch, shortcut))


def plain_block(width: int, bias: bool = True) -> Residual:
    return Residual(
        nn.Sequential(conv3x3(width, width, bias=bias), nn.ReLU(), conv3x3(width, width, bias=bias))
    )


def long_body(width: int, depth: int, bias: bool = True) -> Residual:
    blocks = [zero_last(plain_block(width, bias)) for _ in range(depth)]
    return Residual(nn.Sequential(*blocks, conv3x3(width, width, bias=bias)))


class AnySize(nn.Module):
    def __init__(self, network: nn.Module, multiple: int, scale: int = 1):
        super().__init__()
        self.network, self.multiple, self.scale = network, multiple, scale

    def forward(self, y: Tensor) -> Tensor:
        height, width = y.shape[-2:]
        down, across = -height % self.multiple, -width % self.multiple
        if down or across:
            y = functional.pad(y, (0, across, 0, down), mode="replicate")
        return self.network(y)[..., : self.scale * height, : self.scale * width]


class ZeroMeanConv(nn.Conv2d):
    def __init__(self, channels: int, width: int):
        super().__init__(channels, width, 3, padding=1, padding_mode="replicate", bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight - self.weight.mean(dim=(2, 3), keepdim=True), None)


class Enlarge(nn.Module):
    def __init__(self, scale: int):
        super().__init__()
        self.scale = scale

    def forward(self, y: Tensor) -> Tensor:
        return resize(y, self.scale)


def super_resolver(scale: int = 2, channels: int = 3, width: int = 32, depth: int = 4) -> Residual:
    tail = nn.Sequential(conv3x3(width, channels * scale**2, bias=False), nn.PixelShuffle(scale))
    return restorer(Enlarge(scale), ZeroMeanConv(channels, width), long_body(width, depth, bias=False), tail)


class KeepKnown(nn.Module):
    """N×(C+1)×H×W, the hole (1 where missing) last → N×C×H×W; known pixels bit for bit."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, y: Tensor) -> Tensor:
        picture, hole = y[:, :-1], y[:, -1:]
        return torch.where(hole == 1, self.network(y).to(picture.dtype), picture)


# --- resize ---------------------------------------------------------------------------------------------------------


def resize(images: Tensor, scale: float | None = None, *, size=None, antialias: bool = True) -> Tensor:
    """As course_lib.degradations.resize: MATLAB's bicubic; not clamped."""
    sides = images.shape[2:]
    wanted = size if size is not None else [math.ceil(scale * side) for side in sides]
    working = torch.promote_types(images.dtype, torch.float32)
    down, across = (
        matrix(old, new, scale or new / old, antialias, working, images.device)
        for old, new in zip(sides, wanted, strict=True)
    )
    with torch.autocast(images.device.type, enabled=False):
        return (down @ images.to(working) @ across.T).to(images.dtype)


@lru_cache(maxsize=64)
def matrix(old: int, new: int, scale: float, antialias: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    return weights(old, new, scale, antialias).to(dtype).to(device)


def weights(old: int, new: int, scale: float, antialias: bool) -> Tensor:
    stretch = min(scale, 1.0) if antialias else 1.0
    reach = 2 / stretch
    centres = (torch.arange(new, dtype=torch.float64) + 0.5) / scale - 0.5
    first = torch.floor(centres - reach)
    taps = first[:, None] + torch.arange(math.ceil(2 * reach) + 2, dtype=torch.float64)
    values = cubic(stretch * (centres[:, None] - taps))
    values /= values.sum(dim=1, keepdim=True)
    places = taps.long() % (2 * old)
    places = torch.where(places < old, places, 2 * old - 1 - places)
    return torch.zeros(new, old, dtype=torch.float64).scatter_add_(1, places, values)


def cubic(distance: Tensor) -> Tensor:
    d = distance.abs()
    near = (A + 2) * d**3 - (A + 3) * d**2 + 1
    far = A * (d**3 - 5 * d**2 + 8 * d - 4)
    return torch.where(d <= 1, near, torch.where(d < 2, far, 0.0))


def modcrop(images: Tensor, scale: int) -> Tensor:
    height, width = (side - side % scale for side in images.shape[-2:])
    return images[..., :height, :width]


def eight_bits(images: Tensor) -> Tensor:
    return (images.clamp(0, 1) * 255).round() / 255


# --- metrics --------------------------------------------------------------------------------------------------------


def luma(images: Tensor) -> Tensor:
    w = (65.481 / 255, 128.553 / 255, 24.966 / 255)
    return (w[0] * images[:, :1] + w[1] * images[:, 1:2] + w[2] * images[:, 2:3]) + 16 / 255


def psnr(pred: Tensor, target: Tensor, shave: int = 0, on_luma: bool = False) -> float:
    pred, target = pred.double(), target.double()
    if on_luma:
        pred, target = luma(pred), luma(target)
    if shave:
        pred, target = (x[..., shave:-shave, shave:-shave] for x in (pred, target))
    return (-10 * torch.log10((pred - target).square().mean())).item()
