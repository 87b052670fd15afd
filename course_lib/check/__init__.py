"""Checks for the exercises and for what the chapters write out: `check.<name>(yours)`.

Each prints a tick with what it tried, or raises `CheckFailed` with what is wrong and a hint at why. References are
independent of the course's own code wherever one exists (torch, scikit-image, a closed form, a property).
"""

from course_lib.check.anatomy import split_gradient, swap_lesion
from course_lib.check.blocks import gated_residual, residual
from course_lib.check.convolutions import convolve, stamps
from course_lib.check.evaluation_bias import unbiased_limit
from course_lib.check.evaluation_files import as_file
from course_lib.check.evaluation_frechet import frechet
from course_lib.check.evaluation_gaussian import stats
from course_lib.check.evaluation_inception import inception_score
from course_lib.check.evaluation_kernel import kernel_distance
from course_lib.check.evaluation_manifold import precision_recall
from course_lib.check.gan_average import ema
from course_lib.check.gan_diagnosis import collapse_or_copies
from course_lib.check.gan_game import best_discriminator, six_losses
from course_lib.check.gan_latent import spherical
from course_lib.check.gan_losses import hinge_losses, relativistic_losses
from course_lib.check.gan_losses_dirac import dirac_step
from course_lib.check.gan_losses_slopes import gradient_penalty, r1_r2
from course_lib.check.gan_losses_spectral import spectral_norm
from course_lib.check.gan_losses_steps import update_discriminator
from course_lib.check.gan_resume import resumable
from course_lib.check.gan_sampling import sample
from course_lib.check.gan_training import discriminator_step, generator_step
from course_lib.check.preactivation import preact_block
from course_lib.check.start_here import psnr, sharpen, to_batch, to_bytes

__all__ = [
    "as_file",
    "best_discriminator",
    "collapse_or_copies",
    "convolve",
    "dirac_step",
    "discriminator_step",
    "ema",
    "frechet",
    "gated_residual",
    "generator_step",
    "gradient_penalty",
    "hinge_losses",
    "inception_score",
    "kernel_distance",
    "preact_block",
    "precision_recall",
    "psnr",
    "r1_r2",
    "relativistic_losses",
    "residual",
    "resumable",
    "sample",
    "sharpen",
    "six_losses",
    "spectral_norm",
    "spherical",
    "split_gradient",
    "stamps",
    "stats",
    "swap_lesion",
    "to_batch",
    "to_bytes",
    "unbiased_limit",
    "update_discriminator",
]
