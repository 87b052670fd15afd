"""Networks that restore an image: the classical estimate is the shortcut, the correction to it is the branch.

y = S(x) + F(x) with a whole network as F: a head that turns the image into features, a body of residual blocks, a
tail that turns features into pixels. The tail starts at zero, so an untrained network gives exactly the classical
estimate.
"""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

from course_lib.blocks import Residual, conv3x3, zero_last


class Correction(Residual):
    """shortcut(y) + branch(y) with a whole network as the branch. `scale` is its enlargement factor: see `Restorer`.

    Chapter 05.
    """

    def forward(self, y: Tensor) -> Tensor:
        kept, correction = self.paths(y)
        return kept + correction


def restorer(shortcut: nn.Module, head: nn.Module, body: nn.Module, tail: nn.Module) -> Correction:
    """shortcut(y) + tail(body(head(y))), with the tail's last layer at zero: at step 0 exactly the shortcut.

    Chapter 05 (06 and 07 use it).
    """
    branch = nn.Sequential(OrderedDict(head=head, body=body, tail=tail))
    return zero_last(Correction(branch, shortcut))


def plain_block(width: int, bias: bool = True) -> Residual:
    """x + conv(ReLU(conv(x))): the block of EDSR, without normalisation, which would discard the brightness.

    N×width×H×W → the same. Paper: Lim et al. 2017, EDSR. Chapter 05.
    """
    branch = nn.Sequential(conv3x3(width, width, bias=bias), nn.ReLU(), conv3x3(width, width, bias=bias))
    return Residual(branch)


def long_body(width: int, depth: int, bias: bool = True) -> Residual:
    """`depth` blocks and a convolution, with one skip connection around them. Paper: Ledig et al. 2017. Chapter 05."""
    # Each block starts as the identity: without normalisation, random blocks make a high learning rate unstable.
    blocks = [zero_last(plain_block(width, bias)) for _ in range(depth)]
    return Residual(nn.Sequential(*blocks, conv3x3(width, width, bias=bias)))


class AnySize(nn.Module):
    """Lets a network whose sides must be multiples of `multiple` take any size: N×C×H×W → N×C'×(s·H)×(s·W).

    The last row and column are repeated as often as needed, and the output is cropped. Chapter 05.
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
