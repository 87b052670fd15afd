"""U-Nets of plain residual blocks, for noise of known level and for holes. After Zhang et al. 2021 (DRUNet)."""

import torch
from torch import Tensor, nn

from lib.course import AnySize, KeepKnown, conv3x3, plain_block, zero_last
from lib.fill import FromFill


class UNet(nn.Module):
    """N×inputs×H×W → N×outputs×H×W, H and W multiples of 2^(levels − 1); 0 at the start, the tail being zero."""

    def __init__(self, inputs: int, outputs: int, widths=(32, 64, 96, 128), blocks: int = 2, bias: bool = False):
        super().__init__()

        def level(width: int) -> nn.Sequential:
            return nn.Sequential(*[zero_last(plain_block(width, bias)) for _ in range(blocks)])

        steps = list(zip(widths, widths[1:]))
        self.head = conv3x3(inputs, widths[0], bias=bias)
        self.down = nn.ModuleList([level(width) for width in widths[:-1]])
        self.shrink = nn.ModuleList([nn.Conv2d(fine, coarse, 2, 2, bias=bias) for fine, coarse in steps])
        self.bottom = level(widths[-1])
        self.enlarge = nn.ModuleList([nn.ConvTranspose2d(coarse, fine, 2, 2, bias=bias) for fine, coarse in steps])
        self.up = nn.ModuleList([level(width) for width in widths[:-1]])
        self.tail = conv3x3(widths[0], outputs, bias=bias)
        nn.init.zeros_(self.tail.weight)
        if bias:
            nn.init.zeros_(self.tail.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(x)
        first, kept = x, []
        for level, shrink in zip(self.down, self.shrink):
            x = level(x)
            kept.append(x)
            x = shrink(x)
        x = self.bottom(x)
        for level, enlarge in reversed(list(zip(self.up, self.enlarge))):
            x = level(enlarge(x) + kept.pop())
        return self.tail(x + first)


class NoisePlus(nn.Module):
    """noisy + F(noisy, level): N×(C+1)×H×W, the level last → N×C×H×W."""

    def __init__(self, branch: nn.Module):
        super().__init__()
        self.branch = branch

    def forward(self, y: Tensor) -> Tensor:
        return y[:, :-1] + self.branch(y)


class Denoiser(nn.Module):
    """forward(y, sigma_map): N×C×H×W noisy and N×1×H×W standard deviation, both on the scale of [0,1]; any H and W."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, y: Tensor, sigma_map: Tensor) -> Tensor:
        return self.network(torch.cat([y, sigma_map.to(y.dtype).expand(len(y), 1, *y.shape[2:])], dim=1))


def denoising_unet(channels: int = 3, widths=(32, 64, 96, 128), blocks: int = 2) -> Denoiser:
    branch = UNet(channels + 1, channels, widths, blocks, bias=False)
    return Denoiser(AnySize(NoisePlus(branch), 2 ** (len(widths) - 1)))


def inpainting_unet(channels: int = 3, widths=(32, 64, 96, 128), blocks: int = 2) -> KeepKnown:
    """forward(y): picture and hole N×(C+1)×H×W → N×C×H×W, any H and W."""
    branch = UNet(channels + 1, channels, widths, blocks, bias=True)
    return KeepKnown(AnySize(FromFill(branch), 2 ** (len(widths) - 1)))
