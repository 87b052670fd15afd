"""SRGAN's generator loss: a weighted sum of pixel, feature and adversarial losses."""

import torch
from torch import Tensor, nn

from course_lib.losses import GanLoss
from course_lib.networks import feature_distance
from course_lib.training.gan_step import GeneratorLoss, Pair


def perceptual_loss(loss: GanLoss, feature_weight: float = 0.0, adversarial_weight: float = 0.0) -> GeneratorLoss:
    """|fake − real| + feature_weight · distance of D's features + adversarial_weight · G's adversarial loss.

    Pixels are in [0,1]; for the distance see `feature_distance`. D needs `features` and `tail`, as
    `PatchDiscriminator`. Parts for the history: "pixels", "features", "adversarial", unweighted. Papers: Ledig et al.
    2017, SRGAN; Wang et al. 2018, ESRGAN (the weights' order); Wang et al. 2018, pix2pixHD. Chapter 06.
    """

    def generator_loss(discriminator: nn.Module, pair: Pair) -> tuple[Tensor, dict[str, Tensor]]:
        seen = discriminator.features(pair.fake)
        with torch.no_grad():
            wanted = discriminator.features(pair.real)
            real_logits = discriminator.tail(wanted[-1])
        parts = {
            "pixels": (pair.fake - pair.real).abs().mean() / 2,  # [-1,1] is twice as long as [0,1]
            "features": feature_distance(wanted, seen),
            "adversarial": loss.generator(discriminator.tail(seen[-1]), real_logits),
        }
        total = parts["pixels"] + feature_weight * parts["features"] + adversarial_weight * parts["adversarial"]
        return total, {name: part.detach() for name, part in parts.items()}

    return generator_loss
