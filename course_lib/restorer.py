"""Networks that mend a picture: the classical answer is the shortcut, what must be added to it is the branch.

y = S(x) + F(x) once more, now with a whole network as F: a head that takes the picture in, a body of residual blocks, a
tail that makes pixels again. The tail starts at zero, so an untrained network gives the classical answer exactly.
"""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

from course_lib.blocks import Residual, conv3x3, zero_last
from course_lib.degradations import resize


def restorer(shortcut: nn.Module, head: nn.Module, body: nn.Module, tail: nn.Module) -> Residual:
    """shortcut(y) + tail(body(head(y))), the tail's last layer zero: at step 0 the shortcut, to the last bit.

    Chapter 05 (06 and 07 use it).
    """
    branch = nn.Sequential(OrderedDict(head=head, body=body, tail=tail))
    return zero_last(Residual(branch, shortcut))


def plain_block(width: int, bias: bool = True) -> Residual:
    """x + conv(ReLU(conv(x))): the block of super-resolution, without norm, since a norm forgets the brightness.

    N×width×H×W → the same. Paper: Lim et al. 2017, EDSR. Chapter 05.
    """
    branch = nn.Sequential(conv3x3(width, width, bias=bias), nn.ReLU(), conv3x3(width, width, bias=bias))
    return Residual(branch)


def long_body(width: int, depth: int, bias: bool = True) -> Residual:
    """`depth` blocks and a convolution, with a shortcut around them all. Paper: Ledig et al. 2017. Chapter 05."""
    # Each starts as the identity: without norms, random blocks make a high rate unstable.
    blocks = [zero_last(plain_block(width, bias)) for _ in range(depth)]
    return Residual(nn.Sequential(*blocks, conv3x3(width, width, bias=bias)))


class AnySize(nn.Module):
    """Gives a network that needs sides of a multiple of `multiple` pictures of any size: N×C×H×W → N×C'×(s·H)×(s·W).

    The last row and column are repeated as often as needed, and the answer is cropped. Chapter 05.
    """

    def __init__(self, network: nn.Module, multiple: int, scale: int = 1):
        super().__init__()
        self.network, self.multiple, self.scale = network, multiple, scale

    def forward(self, y: Tensor) -> Tensor:
        height, width = y.shape[-2:]
        down, across = -height % self.multiple, -width % self.multiple
        if down or across:
            y = functional.pad(y, (0, across, 0, down), mode="replicate")
        return self.network(y)[..., : self.scale * height, : self.scale * width]


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
    return AnySize(restorer(nn.Identity(), head, long_body(width, depth, bias), tail), fold)


class ZeroMeanConv(nn.Conv2d):
    """A 3×3 convolution that sees differences only: the weights of each filter sum to 0, colour by colour; no bias.

    N×channels×H×W → N×width×H×W. What is flat gives 0, whatever its colour; beyond the border the picture is repeated.
    Without biases after it a whole network adds nothing to flat places, and gives a brighter picture the same
    correction. Chapter 06.
    """

    def __init__(self, channels: int, width: int):
        super().__init__(channels, width, 3, padding=1, padding_mode="replicate", bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight - self.weight.mean(dim=(2, 3), keepdim=True), None)


class Enlarge(nn.Module):
    """Bicubic enlargement as a layer: N×C×H×W → N×C×(scale·H)×(scale·W), unclamped. Chapter 06."""

    def __init__(self, scale: int):
        super().__init__()
        self.scale = scale

    def forward(self, y: Tensor) -> Tensor:
        return resize(y, self.scale)


def super_resolver(scale: int = 2, channels: int = 3, width: int = 32, depth: int = 4) -> Residual:
    """bicubic + F(small picture): all convolutions at the small size, then pixel shuffle. In the manner of EDSR.

    N×channels×H×W → N×channels×(scale·H)×(scale·W). Unlike EDSR, F sees differences only and has no biases: a few
    photographs hold few colours, and on one that it has not seen an ordinary head paints.
    Papers: Shi et al. 2016 (sub-pixel convolution); Lim et al. 2017, EDSR. Chapter 06.
    """
    tail = nn.Sequential(conv3x3(width, channels * scale**2, bias=False), nn.PixelShuffle(scale))
    return restorer(Enlarge(scale), ZeroMeanConv(channels, width), long_body(width, depth, bias=False), tail)


def srcnn(scale: int = 2, channels: int = 1) -> nn.Sequential:
    """Bicubic, then three convolutions that repaint the whole picture: the first network for super-resolution.

    9×9, 5×5 and 5×5 kernels, 64 and 32 channels; 57,281 parameters for one channel. N×channels×H×W →
    N×channels×(scale·H)×(scale·W). Paper: Dong et al. 2014. Chapter 06.
    """
    layers = [nn.Conv2d(channels, 64, 9, padding=4), nn.ReLU(), nn.Conv2d(64, 32, 5, padding=2), nn.ReLU()]
    return nn.Sequential(Enlarge(scale), *layers, nn.Conv2d(32, channels, 5, padding=2))
