"""One training step of a GAN: the discriminator's update, the generator's update, the EMA update.

The step is composed of functions, so that it serves every GAN of the course: `make_pair` produces the images the
discriminator compares, `judge` computes its logits, `generator_loss` is what the generator minimises. A pair may carry
a condition (labels, a low-resolution image), which both networks receive. Chapter 03 writes the same step out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from course_lib.images import to_signed
from course_lib.losses import GanLoss, gradient_penalty, r1_penalty
from course_lib.system.processes import count, share
from course_lib.training.ema import EMA


class Pair(NamedTuple):
    """Real and generated images N×C×H×W in [-1,1], `fake` with its graph; `condition` for both networks, or None.

    Chapter 03.
    """

    real: Tensor
    fake: Tensor
    condition: Tensor | None = None


Critic = Callable[[Tensor], Tensor]
MakePair = Callable[[nn.Module, Tensor, Tensor], Pair]
Penalty = Callable[[Critic, Tensor, Tensor], Tensor]
Judge = Callable[[Critic, Tensor, Tensor], tuple[Tensor, Tensor]]
GeneratorLoss = Callable[[nn.Module, Pair], tuple[Tensor, dict[str, Tensor]]]


def from_noise(latent_size: int, conditional: bool = False) -> MakePair:
    """Pairs for a generator of latent vectors N×latent_size; `conditional`: both networks receive the labels.

    Chapter 03.
    """

    def make_pair(generator: nn.Module, images: Tensor, labels: Tensor) -> Pair:
        noise = share(torch.randn(len(images) * count(), latent_size)).to(images.device)
        if conditional:
            return Pair(to_signed(images), generator(noise, labels), labels)
        return Pair(to_signed(images), generator(noise))

    return make_pair


def from_degraded(conditional: bool = False) -> MakePair:
    """Pairs for a generator that restores: (degraded, originals) in [0,1]; `conditional`: D also sees the degraded.

    The generator's output is in [0,1], as for every restorer. Chapter 06.
    """

    def make_pair(generator: nn.Module, degraded: Tensor, originals: Tensor) -> Pair:
        return Pair(to_signed(originals), to_signed(generator(degraded)), degraded if conditional else None)

    return make_pair


def r1_r2(gamma: float) -> Penalty:
    """γ/2 · (R1 + R2): penalises D's gradient norm at both real and generated images. Chapter 03."""
    # The mean over the concatenated batch is half the sum of the two means.
    return lambda critic, real, fake: gamma * r1_penalty(critic, torch.cat([real, fake]))


def one_lipschitz(weight: float = 10.0) -> Penalty:
    """weight · (‖∇D‖ − 1)² between real and generated images: the gradient penalty of WGAN-GP. Chapter 03."""
    return lambda critic, real, fake: weight * gradient_penalty(critic, real, fake)


def together(critic: Critic, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of real and fake images from one pass: faster, for discriminators without batch norm. Chapter 03."""
    real_logits, fake_logits = critic(torch.cat([real, fake])).chunk(2)
    return real_logits, fake_logits


def apart(critic: Critic, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of real and fake images from two passes, so that batch norm normalises each by itself.

    Chapter 03.
    """
    return critic(real), critic(fake)


def told(network: nn.Module, condition: Tensor | None) -> Critic:
    """The discriminator as a function of images only; the condition is repeated for each group of N images."""
    if condition is None:
        return network
    return lambda images: network(images, torch.cat([condition] * (len(images) // len(condition))))


def game(loss: GanLoss) -> GeneratorLoss:
    """A generator loss that is only the adversarial loss. Chapter 03."""

    def generator_loss(discriminator: nn.Module, pair: Pair) -> tuple[Tensor, dict[str, Tensor]]:
        critic = told(discriminator, pair.condition)
        real_logits = None
        if loss.paired:
            with torch.no_grad():
                real_logits = critic(pair.real)
        return loss.generator(critic(pair.fake), real_logits), {}

    return generator_loss


def diversity(fake: Tensor) -> dict[str, Tensor]:
    """Per-pixel standard deviation over the generated batch, averaged over pixels, in [-1,1] units. Chapter 03."""
    return {"diversity": fake.std(0).mean()}


@dataclass
class GanStep:
    """Called with a batch of two tensors, updates both networks once and returns diagnostics as scalar tensors.

    Args:
        accelerator: provides autocast and backward for the device and the number of processes.
        generator, discriminator: the unwrapped networks; the discriminator maps images N×C×H×W in [-1,1] → logits.
        optimisers: {"generator": …, "discriminator": …}, unwrapped: float32 and bfloat16 need no gradient scaler.
        loss: one of GAN_LOSSES.
        average: the EMA, updated with the generator after each step.
        make_pair: (generator, *batch) → the real and generated images, and the condition for both networks.
        generator_loss: (discriminator, pair) → what G minimises, and its parts for the history; default `game(loss)`.
        penalty, every: added to D's loss on every `every`-th step, times `every` (lazy); None for no penalty.
        judge: `together` or `apart`.
        observe: generated images → further diagnostics; None for no more.
    Returns "loss D", "loss G", "logit real", "logit fake", "gradient D", "gradient G" (norm over all weights), the
    parts of the generator's loss, and what `observe` returns. `steps` counts steps and is the saved state.
    Papers: Goodfellow et al. 2014; Karras et al. 2020 (lazy penalties). Chapter 03.
    """

    accelerator: Accelerator
    generator: nn.Module
    discriminator: nn.Module
    optimisers: dict[str, Optimizer]
    loss: GanLoss
    average: EMA
    make_pair: MakePair
    generator_loss: GeneratorLoss | None = None
    penalty: Penalty | None = None
    every: int = 1
    judge: Judge = together
    observe: Callable[[Tensor], dict[str, Tensor]] | None = diversity
    steps: int = 0

    def __post_init__(self) -> None:
        self.generator_loss = self.generator_loss or game(self.loss)
        # With several processes the wrapped networks average gradients; the unwrapped ones serve everything else.
        self.trained_generator = self.accelerator.prepare(self.generator)
        self.trained_discriminator = self.accelerator.prepare(self.discriminator)

    def __call__(self, *batch: Tensor) -> dict[str, Tensor]:
        with self.accelerator.autocast():
            pair = self.make_pair(self.trained_generator, *batch)
        numbers = self._discriminator_turn(pair._replace(fake=pair.fake.detach())) | self._generator_turn(pair)
        self.average.update(self.generator)
        self.steps += 1
        return numbers | (self.observe(pair.fake.detach()) if self.observe else {})

    def _discriminator_turn(self, pair: Pair) -> dict[str, Tensor]:
        critic = told(self.trained_discriminator, pair.condition)
        with self.accelerator.autocast():
            real_logits, fake_logits = self.judge(critic, pair.real, pair.fake)
            loss = self.loss.discriminator(real_logits, fake_logits)
        total = loss
        if self.penalty and self.steps % self.every == 0:
            # Same backward pass: with several processes a separate one for the penalty would not be averaged.
            total = loss + self.every * self.penalty(critic, pair.real, pair.fake)
        gradient = self._descend("discriminator", total)
        logits = {"logit real": real_logits.detach().mean(), "logit fake": fake_logits.detach().mean()}
        return {"loss D": loss.detach(), "gradient D": gradient} | logits

    def _generator_turn(self, pair: Pair) -> dict[str, Tensor]:
        # The discriminator's weights need no gradient here, which saves a third of the cost.
        self.discriminator.requires_grad_(False)
        with self.accelerator.autocast():
            loss, parts = self.generator_loss(self.discriminator, pair)
        gradient = self._descend("generator", loss)
        self.discriminator.requires_grad_(True)
        return {"loss G": loss.detach(), "gradient G": gradient} | parts

    def _descend(self, player: str, loss: Tensor) -> Tensor:
        optimiser = self.optimisers[player]
        optimiser.zero_grad()
        self.accelerator.backward(loss)
        gradients = [weight.grad for weight in getattr(self, player).parameters() if weight.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        optimiser.step()
        return norm

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
