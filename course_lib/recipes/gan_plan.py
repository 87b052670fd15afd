"""Latent vectors in, images out: what all generator recipes share, and the metric that evaluates them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from course_lib.data import ShuffledBatches, load
from course_lib.errors import CourseError
from course_lib.evaluation import EXTRACTOR, fd_clf
from course_lib.losses import GAN_LOSSES
from course_lib.networks.facts import latent_size_of
from course_lib.recipes.recipe import Config, Metric, Run
from course_lib.sampling import sample_images
from course_lib.training import EMA, GanStep, Schedule, Trainer, accelerator_for, adam, constant, from_noise, together
from course_lib.training.gan_step import Judge, Penalty

JUDGED = 10_000  # samples for FD-clf
SHAPE = (1, 28, 28)
Networks = Callable[[Tensor], tuple[nn.Module, nn.Module]]


@dataclass(frozen=True)
class GanPlan:
    """What distinguishes one GAN from another, apart from its networks. Chapter 03.

    `learning_rate` and `betas` are Adam's for both players; `decay` is the EMA's; `penalty` is added to the
    discriminator's loss on every `every`-th step.
    """

    loss: str
    batch_size: int
    learning_rate: float
    betas: tuple[float, float]
    decay: float
    steps: dict[str, int]
    schedule: Schedule = constant
    penalty: Penalty | None = None
    every: int = 1
    judge: Judge = together


def train_gan(
    networks: Networks, plan: GanPlan, data: str, device: torch.device, seed: int, config: Config | None = None
) -> Run:
    """Set up any two networks with any plan; the run's model is the generator's exponential moving average."""
    training_set = load(data, "train")
    shape = tuple(training_set.images[0].shape)
    if shape != SHAPE:
        raise CourseError(
            f"{data} has images {shape}; these GANs need grey ones of 28×28: fashion_mnist_mini, fashion_mnist, mnist"
        )
    images, labels = (part.to(device) for part in training_set.tensors())
    generator, discriminator = (network.to(device) for network in networks(images))
    players = {"generator": generator, "discriminator": discriminator}
    # Not wrapped by Accelerate: it would only add a float16 gradient scaler, at 3 % of the time of so small a step.
    optimisers = {name: adam(player, plan.learning_rate, plan.betas, device) for name, player in players.items()}
    average = EMA(generator, plan.decay)
    step = GanStep(
        accelerator_for(device),
        **players,
        optimisers=optimisers,
        loss=GAN_LOSSES[plan.loss],
        average=average,
        make_pair=from_noise(latent_size_of(generator)),
        penalty=plan.penalty,
        every=plan.every,
        judge=plan.judge,
    )
    batches = ShuffledBatches(images, labels, plan.batch_size, seed)
    kept = {"average": average, "step": step}
    trainer = Trainer(step, players, optimisers, batches, device, schedule=plan.schedule, others=kept)
    model = average.network
    return Run(model, trainer, partial(evaluate, model, data, device), plan.steps, config)


@torch.no_grad()
def evaluate(model: nn.Module, data: str, device: torch.device) -> list[Metric]:
    """The Fréchet distance between samples and the test split, on the features of the course's classifier."""
    real = load(data, "test").tensors()[0]
    protocol = f"{JUDGED:,} samples, seed 1, against {data}, test split, N = {len(real):,}; {EXTRACTOR}"
    return [Metric("FD-clf", fd_clf(real, sample_images(model, JUDGED, seed=1), device), "", protocol)]
