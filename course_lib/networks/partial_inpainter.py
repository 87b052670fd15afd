"""Inpainting with an encoder–decoder of partial convolutions, which know the hole, or gated ones, which learn it."""

from torch import Tensor, nn

from course_lib.blocks import Residual, conv3x3, zero_last
from course_lib.images import split_hole
from course_lib.networks.encoder_decoder import EncoderDecoder, GatedLayer, PartialLayer
from course_lib.networks.inpainter import KeepKnown, MeanFill
from course_lib.networks.partial_conv import PartialConv
from course_lib.networks.restorer import AnySize


class PartialBranch(nn.Module):
    """An encoder–decoder of partial convolutions: sees known pixels only; 0 where none is in the receptive field.

    N×(channels+1)×H×W, the hole last → N×channels×H×W; H and W multiples of 4. Paper: Liu et al. 2018. Chapter 07.
    """

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.body = EncoderDecoder(PartialLayer, channels, width)
        self.tail = PartialConv(width, channels)

    def forward(self, y: Tensor) -> Tensor:
        return self.tail(*self.body(*split_hole(y)))[0]


class GatedBranch(nn.Module):
    """An encoder–decoder of gated convolutions, with the image and its hole as input channels.

    N×(channels+1)×H×W, the hole last → N×channels×H×W; H and W multiples of 4. Paper: Yu et al. 2019. Chapter 07.
    """

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.body = EncoderDecoder(GatedLayer, channels + 1, width)
        self.tail = conv3x3(width, channels, bias=True)

    def forward(self, y: Tensor) -> Tensor:
        return self.tail(self.body(y, y[:, -1:])[0])


def partial_inpainter(channels: int = 1, width: int = 32) -> KeepKnown:
    """The mean fill, plus the correction of an encoder–decoder of partial convolutions inside the hole.

    N×(channels+1)×H×W, the hole last → N×channels×H×W, any H and W. Each layer shrinks the hole, four times as fast at
    a quarter of the size; the middle of a very wide hole keeps the mean. Untrained, it is exactly the mean fill.
    `width` 32 gives about as many weights as `inpainter` has (half a million). Paper: Liu et al. 2018. Chapter 07.
    """
    return _from_mean_fill(PartialBranch(channels, width))


def gated_inpainter(channels: int = 1, width: int = 24) -> KeepKnown:
    """The mean fill, plus the correction of an encoder–decoder of gated convolutions inside the hole.

    N×(channels+1)×H×W, the hole last → N×channels×H×W, any H and W. The layers are not told what a hole is; they learn
    it. Untrained, it is exactly the mean fill. A gate costs as much as the features it gates, so `width` is 24 for
    about as many weights as the others have. Paper: Yu et al. 2019. Chapter 07.
    """
    return _from_mean_fill(GatedBranch(channels, width))


def _from_mean_fill(branch: nn.Module) -> KeepKnown:
    return KeepKnown(AnySize(zero_last(Residual(branch, MeanFill())), 4))
