"""One step of a GAN: the discriminator's turn, the generator's turn, the average.

Pictures in [0,1] enter; both networks are one update further; the numbers that tell how the game stands leave. Which
loss, which penalty and which networks is the recipe's choice. Chapter 03 writes the same step out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from course_lib.averaging import EMA
from course_lib.images import to_signed
from course_lib.losses import GanLoss, gradient_penalty, r1_penalty
from course_lib.processes import count, share

Penalty = Callable[[nn.Module, Tensor, Tensor], Tensor]
Judge = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]


def r1_r2(gamma: float) -> Penalty:
    """γ/2 · (R1 + R2): the discriminator must not be steep at real pictures, nor at generated ones. Chapter 03."""
    # The mean over both halves together is half the sum of their means.
    return lambda discriminator, real, fake: gamma * r1_penalty(discriminator, torch.cat([real, fake]))


def one_lipschitz(weight: float = 10.0) -> Penalty:
    """weight · (‖∇D‖ − 1)² between real and generated pictures: WGAN-GP's penalty. Chapter 03."""
    return lambda discriminator, real, fake: weight * gradient_penalty(discriminator, real, fake)


def together(discriminator: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of real and fake pictures from one pass: quicker, for a discriminator without batch norm. Chapter 03."""
    real_logits, fake_logits = discriminator(torch.cat([real, fake])).chunk(2)
    return real_logits, fake_logits


def apart(discriminator: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of real and fake pictures from two passes: with batch norm, each kind is normalised by itself.

    Chapter 03.
    """
    return discriminator(real), discriminator(fake)


@dataclass
class AdversarialStep:
    """Called with (images, labels), trains both networks once and returns the diagnostics as scalar tensors.

    Args:
        accelerator: gives autocast and backward that fit the device and the number of processes.
        generator, discriminator: the bare networks; noise N×latent_size → N×C×H×W in [-1,1] → N logits.
        optimisers: {"generator": …, "discriminator": …}; bare, since neither float32 nor bfloat16 needs a scaler.
        loss: one of GAN_LOSSES.
        average: takes in the generator after each step; its count of updates also tells when the penalty is due.
        penalty, every: added to D's loss on every `every`-th step, times `every`; None for no penalty.
        judge: `together` or `apart`.
    Numbers: "loss D", "loss G", "logit real", "logit fake", "gradient D", "gradient G" (norm over all weights),
    "diversity" (standard deviation of a pixel over the generated batch, mean over pixels, in [-1,1] units).
    Papers: Goodfellow et al. 2014; Karras et al. 2020 (lazy penalties). Chapter 03.
    """

    accelerator: Accelerator
    generator: nn.Module
    discriminator: nn.Module
    optimisers: dict[str, Optimizer]
    loss: GanLoss
    average: EMA
    latent_size: int
    penalty: Penalty | None = None
    every: int = 1
    judge: Judge = together

    def __post_init__(self) -> None:
        # Under several processes the wrapped networks average gradients; the bare ones stay for everything else.
        self.trained_generator = self.accelerator.prepare(self.generator)
        self.trained_discriminator = self.accelerator.prepare(self.discriminator)

    def __call__(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        real, fake = self._pictures(images, labels)
        numbers = self._discriminator_turn(real, fake.detach()) | self._generator_turn(real, fake)
        self.average.update(self.generator)
        return numbers | self._look_of(fake.detach())

    def _pictures(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """What D is to tell apart, in [-1,1]: real pictures, and the generator's with their graph."""
        real = to_signed(images)
        noise = share(torch.randn(len(real) * count(), self.latent_size)).to(real.device)
        with self.accelerator.autocast():
            return real, self.trained_generator(noise)

    def _look_of(self, fake: Tensor) -> dict[str, Tensor]:
        return {"diversity": fake.std(0).mean()}

    def _discriminator_turn(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        with self.accelerator.autocast():
            real_logits, fake_logits = self.judge(self.trained_discriminator, real, fake)
            loss = self.loss.discriminator(real_logits, fake_logits)
        total = loss
        if self.penalty and self.average.updates % self.every == 0:
            # Into the same backward: with several processes a penalty alone would not be averaged.
            total = loss + self.every * self.penalty(self.trained_discriminator, real, fake)
        gradient = self._descend("discriminator", total)
        logits = {"logit real": real_logits.detach().mean(), "logit fake": fake_logits.detach().mean()}
        return {"loss D": loss.detach(), "gradient D": gradient} | logits

    def _generator_turn(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        # It only judges now: no gradient for its weights, at a third less cost.
        self.discriminator.requires_grad_(False)
        with self.accelerator.autocast():
            loss, parts = self._generator_loss(real, fake)
        gradient = self._descend("generator", loss)
        self.discriminator.requires_grad_(True)
        return {"loss G": loss.detach(), "gradient G": gradient} | parts

    def _generator_loss(self, real: Tensor, fake: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """What G minimises, and the parts that it is made of, for the record."""
        real_logits = self._real_logits(real) if self.loss.paired else None
        return self.loss.generator(self.discriminator(fake), real_logits), {}

    @torch.no_grad()
    def _real_logits(self, real: Tensor) -> Tensor:
        return self.discriminator(real)

    def _descend(self, player: str, loss: Tensor) -> Tensor:
        optimiser = self.optimisers[player]
        optimiser.zero_grad()
        self.accelerator.backward(loss)
        gradients = [weight.grad for weight in getattr(self, player).parameters() if weight.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        optimiser.step()
        return norm
