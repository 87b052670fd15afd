"""The discriminator of super-resolution: is this patch of a photograph real or generated?"""

import torch
from torch import Tensor, nn

from course_lib.blocks import conv1x1, conv3x3, preact_block
from course_lib.networks.residual_gan import leaky

FOLD = 2


class PatchDiscriminator(nn.Module):
    """Photographs N×channels×H×W in [-1,1], H and W multiples of 8 → logits N×1×H/8×W/8, one per patch.

    Pixel unshuffle, then two residual blocks that each halve the size, without normalisation: each logit depends on its
    own image only, as R1 and R2 require. Its receptive field is 42×42 pixels, so it judges texture, not content.
    `features(images)` gives three feature maps from fine to coarse, the third at the logits' own size. Papers: Isola et
    al. 2017 (PatchGAN); Ledig et al. 2017. Chapter 06.
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
    """Feature matching: the mean over the maps of |fake − real|, each divided by the mean |value| of its real map.

    real, fake: maps of the same shapes, e.g. `PatchDiscriminator.features`; gradients flow into `fake` only. Because of
    the division, a map cannot change the distance by growing as a whole, which maps do while a discriminator learns
    (the papers take |fake − real| undivided). Papers: Salimans et al. 2016; Wang et al. 2018, pix2pixHD. Chapter 06.
    """
    shares = []
    for wanted, mine in zip(real, fake, strict=True):
        wanted = wanted.detach().float()
        shares.append((mine.float() - wanted).abs().mean() / wanted.abs().mean().clamp(min=1e-6))
    return torch.stack(shares).mean()
