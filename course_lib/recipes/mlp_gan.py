"""The GAN of 2014: linear layers in both networks and the non-saturating loss."""

import torch

from course_lib.networks import mlp_discriminator, mlp_generator
from course_lib.recipes.gan_plan import GanPlan, evaluate, train_gan
from course_lib.recipes.recipe import Recipe, Run

MLP_PLAN = GanPlan("non_saturating", 64, 2e-4, (0.5, 0.999), 0.998, {"cpu": 2_000, "gpu": 30_000})


def train(data: str, device: torch.device, seed: int) -> Run:
    """Linear layers in both networks and the non-saturating loss of 2014, for grey 28×28 sets. Chapter 03."""
    config = {"channels": 1, "size": 28}
    return train_gan(
        lambda images: (mlp_generator(**config), mlp_discriminator(**config)), MLP_PLAN, data, device, seed, config
    )


mlp_gan = Recipe("mlp_gan", "generator", "fashion_mnist_mini", mlp_generator, train, evaluate)
