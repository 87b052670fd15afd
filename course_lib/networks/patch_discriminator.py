"""The discriminator of super-resolution: is this piece of a photograph real, or was it made up?"""

import torch
from torch import Tensor, nn

from course_lib.blocks import conv1x1, conv3x3, preact_block
from course_lib.networks.residual_gan import leaky

FOLD = 2


class PatchDiscriminator(nn.Module):
    """Photographs N×channels×H×W in [-1,1], H and W multiples of 8 → logits N×1×H/8×W/8, one for each neighbourhood.

    Pixels are folded, then two residual blocks halve the size, without norm: each logit depends on its own picture
    alone, as R1 and R2 need it. A logit sees 42 pixels a side: texture is judged, not what the picture is of.
    `features(images)` gives what it looks at on the way: three maps, from fine to coarse, the third with the logits'
    own size. Papers: Isola et al. 2017 (judging by patches); Ledig et al. 2017. Chapter 06.
    """

    def __init__(self, channels: int = 3, width: int = 16):
        super().__init__()
        head = nn.Sequential(nn.PixelUnshuffle(FOLD), conv3x3(channels * FOLD**2, width, bias=True))
        blocks = [
            preact_block(inputs, 2 * inputs, stride=2, norm=nn.Identity, activation=leaky)
            for inputs in (width, 2 * width)
        ]
        self.stages = nn.ModuleList([head, *blocks])
        self.tail = nn.Sequential(leaky(), conv1x1(4 * width, 1, bias=True))

    def features(self, images: Tensor) -> list[Tensor]:
        maps = []
        for stage in self.stages:
            images = stage(images)
            maps.append(images)
        return maps

    def forward(self, images: Tensor) -> Tensor:
        return self.tail(self.features(images)[-1])


def feature_distance(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Mean over the maps of |fake − real|, each divided by the mean |value| of its real map.

    real, fake: maps of the same shapes, e.g. `PatchDiscriminator.features`; the gradient goes into `fake` only. Because
    of the division, a map cannot change the distance by growing as a whole, which it does while a discriminator learns
    (a deviation from the papers, which take |fake − real| as it is). Papers: Salimans et al. 2016; Wang et al. 2018,
    pix2pixHD. Chapter 06.
    """
    shares = []
    for wanted, mine in zip(real, fake, strict=True):
        wanted = wanted.detach().float()
        shares.append((mine.float() - wanted).abs().mean() / wanted.abs().mean().clamp(min=1e-6))
    return torch.stack(shares).mean()
