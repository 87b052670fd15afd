"""Networks that mend a picture: the classical answer is the shortcut, what must be added to it is the branch.

y = S(x) + F(x) once more, now with a whole network as F: a head that takes the picture in, a body of residual blocks, a
tail that makes pixels again. The tail starts at zero, so an untrained network gives the classical answer exactly.
"""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

from course_lib.blocks import Residual, conv3x3, zero_last


class Correction(Residual):
    """shortcut(y) + branch(y) with a whole network as the branch. Its `scale` is what it enlarges by: see `Restorer`.

    Chapter 05.
    """

    def forward(self, y: Tensor) -> Tensor:
        kept, correction = self.paths(y)
        return kept + correction


def restorer(shortcut: nn.Module, head: nn.Module, body: nn.Module, tail: nn.Module) -> Correction:
    """shortcut(y) + tail(body(head(y))), the tail's last layer zero: at step 0 the shortcut, to the last bit.

    Chapter 05 (06 and 07 use it).
    """
    branch = nn.Sequential(OrderedDict(head=head, body=body, tail=tail))
    return zero_last(Correction(branch, shortcut))


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
