"""The course's GAN: a residual generator on a linear shortcut, relativistic loss, lazy R1 and R2."""

import torch

from course_lib.networks import residual_discriminator, residual_generator
from course_lib.recipes.gan_plan import GanPlan, evaluate, train_gan
from course_lib.recipes.recipe import Recipe, Run
from course_lib.training import fading, r1_r2

RESIDUAL_PLAN = GanPlan(
    "relativistic",
    batch_size=32,
    learning_rate=2e-3,
    betas=(0.0, 0.99),
    decay=0.998,
    steps={"cpu": 1_200, "gpu": 60_000},
    schedule=fading,
    penalty=r1_r2(gamma=0.2),
    every=8,
)


def train(data: str, device: torch.device, seed: int) -> Run:
    """The course's GAN: a residual generator on a linear shortcut, relativistic loss, lazy R1 and R2. Chapter 03."""
    config = {"coarse": 32, "fine": 16}
    return train_gan(
        lambda images: (residual_generator(images, **config), residual_discriminator()),
        RESIDUAL_PLAN,
        data,
        device,
        seed,
        config,
    )


residual_gan = Recipe("residual_gan", "generator", "fashion_mnist_mini", residual_generator, train, evaluate)
