"""Super-resolution: bicubic enlargement is the shortcut, and a residual network at low resolution is the branch."""

from torch import Tensor, nn
from torch.nn import functional

from course_lib.blocks import Residual, conv3x3
from course_lib.images import resize
from course_lib.networks.facts import as_restorer
from course_lib.networks.restorer import long_body, restorer


class ZeroMeanConv(nn.Conv2d):
    """A 3×3 convolution that sees differences only: each filter's weights sum to 0 in each colour channel; no bias.

    N×channels×H×W → N×width×H×W, with replicate padding. A flat area gives 0, whatever its colour. If no later layer
    has a bias, the whole network adds nothing to flat areas, and brightening an image does not change its correction.
    Chapter 06.
    """

    def __init__(self, channels: int, width: int):
        super().__init__(channels, width, 3, padding=1, padding_mode="replicate", bias=False)

    def forward(self, x: Tensor) -> Tensor:
        around = functional.pad(x, (1, 1, 1, 1), mode="replicate")
        return functional.conv2d(around, self.weight - self.weight.mean(dim=(2, 3), keepdim=True))


class Enlarge(nn.Module):
    """Bicubic enlargement as a layer: N×C×H×W → N×C×(scale·H)×(scale·W), not clamped. Chapter 06."""

    def __init__(self, scale: int):
        super().__init__()
        self.scale = scale

    def forward(self, y: Tensor) -> Tensor:
        return resize(y, self.scale)


def super_resolver(scale: int = 2, channels: int = 3, width: int = 32, depth: int = 4) -> Residual:
    """bicubic + F(small image): all convolutions at the small size, then pixel shuffle, in the style of EDSR.

    N×channels×H×W → N×channels×(scale·H)×(scale·W). Unlike EDSR, F sees differences only and has no biases: a few
    photographs hold few colours, and an ordinary head adds false colours to a photograph it has not seen.
    Papers: Shi et al. 2016 (sub-pixel convolution); Lim et al. 2017, EDSR. Chapter 06.
    """
    tail = nn.Sequential(conv3x3(width, channels * scale**2, bias=False), nn.PixelShuffle(scale))
    network = restorer(Enlarge(scale), ZeroMeanConv(channels, width), long_body(width, depth, bias=False), tail)
    # Bicubic has a radius of 2 pixels; the network one per 3×3 convolution: head, two per block, one after, tail.
    return as_restorer(network, context=2 * depth + 3, scale=scale, channels=channels)


def srcnn(scale: int = 2, channels: int = 1) -> nn.Sequential:
    """Bicubic, then three convolutions that redraw the whole image: the first CNN for super-resolution.

    9×9, 5×5 and 5×5 kernels, 64 and 32 channels; 57,281 parameters for one channel. N×channels×H×W →
    N×channels×(scale·H)×(scale·W). Paper: Dong et al. 2014. Chapter 06.
    """
    layers = [nn.Conv2d(channels, 64, 9, padding=4), nn.ReLU(), nn.Conv2d(64, 32, 5, padding=2), nn.ReLU()]
    network = nn.Sequential(Enlarge(scale), *layers, nn.Conv2d(32, channels, 5, padding=2))
    # A radius of eight pixels in the large image, plus bicubic's own.
    return as_restorer(network, context=-(-8 // scale) + 2, scale=scale, channels=channels)
