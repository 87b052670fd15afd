"""The GAN of 2015: transposed convolutions in G, strided ones in D, batch norm in both."""

import torch

from course_lib.networks import dcgan_discriminator, dcgan_generator
from course_lib.recipes.gan_plan import GanPlan, evaluate, train_gan
from course_lib.recipes.recipe import Recipe, Run
from course_lib.training import apart

DCGAN_PLAN = GanPlan("non_saturating", 64, 2e-4, (0.5, 0.999), 0.998, {"cpu": 600, "gpu": 30_000}, judge=apart)


def train(data: str, device: torch.device, seed: int) -> Run:
    """Transposed convolutions and batch norm, at half the usual width to fit a minute of training. Chapter 03."""
    config = {"width": 32, "channels": 1}
    return train_gan(
        lambda images: (dcgan_generator(**config), dcgan_discriminator(**config)),
        DCGAN_PLAN,
        data,
        device,
        seed,
        config,
    )


dcgan = Recipe("dcgan", "generator", "fashion_mnist_mini", dcgan_generator, train, evaluate)
