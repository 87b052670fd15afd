"""Data, network, loss and optimiser put together, one recipe per file.

`RECIPES[name](data, device, seed)` gives a `Run` that is ready to train; notebooks and command line use the same.
"""

import torch

from course_lib.recipes.classifier import classifier
from course_lib.recipes.dcgan import DCGAN_PLAN, dcgan
from course_lib.recipes.denoise import denoise
from course_lib.recipes.gan_plan import GanPlan, Networks, train_gan
from course_lib.recipes.inpaint import inpaint
from course_lib.recipes.mlp_gan import MLP_PLAN, mlp_gan
from course_lib.recipes.recipe import Metric, Recipe, Run
from course_lib.recipes.residual_gan import RESIDUAL_PLAN, residual_gan
from course_lib.recipes.sharpen import sharpen
from course_lib.recipes.srgan import srgan
from course_lib.recipes.super_resolution import super_resolution
from course_lib.system.device import pick, seed_everything

__all__ = [
    "DCGAN_PLAN",
    "MLP_PLAN",
    "RECIPES",
    "RESIDUAL_PLAN",
    "GanPlan",
    "Metric",
    "Recipe",
    "Run",
    "classifier",
    "dcgan",
    "denoise",
    "gan",
    "inpaint",
    "mlp_gan",
    "residual_gan",
    "sharpen",
    "srgan",
    "super_resolution",
]

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (classifier, sharpen, mlp_gan, dcgan, residual_gan, denoise, super_resolution, srgan, inpaint)
}


def gan(
    networks: Networks,
    plan: GanPlan,
    data: str = "fashion_mnist_mini",
    device: torch.device | None = None,
    seed: int = 0,
) -> Run:
    """Set up a GAN of your own from any two networks and any plan; `networks(images)` gives (generator, discriminator).

    `images` are the training images, N×1×28×28 in [0,1]; the generator states its `latent_size` (see `as_generator`).
    The run's model is the generator's EMA. Raises CourseError for data of another size. Chapter 03.
    """
    seed_everything(seed)
    return train_gan(networks, plan, data, device or pick(), seed)
