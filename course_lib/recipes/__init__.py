"""What is trained, on what, by which step: a recipe puts data, network, loss and optimiser together.

`RECIPES[name](data, device, seed)` gives a `Run` that is ready to go; the notebooks and the command line use the same.
"""

from collections.abc import Callable

from course_lib.recipes.classification import classifier
from course_lib.recipes.common import Metric, Run
from course_lib.recipes.denoising import denoise
from course_lib.recipes.generation import (
    DCGAN_PLAN,
    MLP_PLAN,
    RESIDUAL_PLAN,
    GanPlan,
    dcgan,
    gan,
    mlp_gan,
    residual_gan,
)
from course_lib.recipes.inpainting import inpaint
from course_lib.recipes.restoration import sharpen
from course_lib.recipes.srgan import srgan
from course_lib.recipes.super_resolution import super_resolution

__all__ = [
    "DCGAN_PLAN",
    "MLP_PLAN",
    "RECIPES",
    "RESIDUAL_PLAN",
    "GanPlan",
    "Metric",
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

RECIPES: dict[str, Callable[..., Run]] = {
    "classifier": classifier,
    "sharpen": sharpen,
    "mlp_gan": mlp_gan,
    "dcgan": dcgan,
    "residual_gan": residual_gan,
    "denoise": denoise,
    "super_resolution": super_resolution,
    "srgan": srgan,
    "inpaint": inpaint,
}
