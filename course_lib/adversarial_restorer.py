"""A GAN's step for a network that mends: instead of noise a spoiled picture enters, and the original is known."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from course_lib.adversarial import AdversarialStep
from course_lib.images import to_signed
from course_lib.photo_critic import feature_distance


@dataclass
class RestoringStep(AdversarialStep):
    """Called with (spoiled, originals), N×C×h×w and N×C×(s·h)×(s·w) in [0,1]: trains both networks once.

    The generator minimises |answer − original| + feature_weight · distance of D's features + adversarial_weight · its
    part of the game. Pixels are in [0,1]; for the distance see `feature_distance`. The generator answers in [0,1] as
    every network that mends; D is shown [-1,1] and has `features`, as `PhotoCritic`.
    Numbers beside those of `AdversarialStep` (without "diversity"): "pixels", "features", "adversarial", unweighted.
    Papers: Ledig et al. 2017, SRGAN; Wang et al. 2018, ESRGAN (the weights' order); Wang et al. 2018, pix2pixHD.
    Chapter 06.
    """

    feature_weight: float = 0.0
    adversarial_weight: float = 0.0
    latent_size: int = field(default=0, init=False)  # nothing is left to chance: there is no noise

    def _pictures(self, spoiled: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
        with self.accelerator.autocast():
            return to_signed(originals), to_signed(self.trained_generator(spoiled))

    def _look_of(self, fake: Tensor) -> dict[str, Tensor]:
        return {}

    def _generator_loss(self, real: Tensor, fake: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        seen = self.discriminator.features(fake)
        with torch.no_grad():
            wanted = self.discriminator.features(real)
            real_logits = self.discriminator.tail(wanted[-1])
        parts = {
            "pixels": (fake - real).abs().mean() / 2,  # [-1,1] is twice as long as [0,1]
            "features": feature_distance(seen, wanted),
            "adversarial": self.loss.generator(self.discriminator.tail(seen[-1]), real_logits),
        }
        loss = (
            parts["pixels"] + self.feature_weight * parts["features"] + self.adversarial_weight * parts["adversarial"]
        )
        return loss, {name: part.detach() for name, part in parts.items()}
