"""Checks for the exercises and for what the chapters write out: `check.<name>(yours)`.

Each prints a tick with what it tried, or raises `CheckFailed` with what is wrong and a hint at why. References are
independent of the course's own code wherever one exists (torch, scikit-image, a closed form, a property).
"""

from course_lib.check.denoising.bias import without_bias
from course_lib.check.denoising.guess import best_guess
from course_lib.check.denoising.network import noise_predictor
from course_lib.check.denoising.noise import add_noise
from course_lib.check.denoising.pairs import noise2noise_loss
from course_lib.check.denoising.psnr import benchmark_psnr
from course_lib.check.denoising.ssim import flat_ssim, ssim
from course_lib.check.evaluating.bias import unbiased_limit
from course_lib.check.evaluating.files import as_file
from course_lib.check.evaluating.frechet import frechet
from course_lib.check.evaluating.gaussian import stats
from course_lib.check.evaluating.inception import inception_score
from course_lib.check.evaluating.kernel import kernel_distance
from course_lib.check.evaluating.manifold import precision_recall
from course_lib.check.gan_losses.dirac import dirac_step
from course_lib.check.gan_losses.game import best_discriminator, six_losses
from course_lib.check.gan_losses.players_losses import hinge_losses, relativistic_losses
from course_lib.check.gan_losses.slopes import gradient_penalty, r1_r2
from course_lib.check.gan_losses.spectral import spectral_norm
from course_lib.check.gan_losses.steps import update_discriminator
from course_lib.check.gan_training.average import ema
from course_lib.check.gan_training.diagnosis import collapse_or_copies
from course_lib.check.gan_training.latent import spherical
from course_lib.check.gan_training.resume import resumable
from course_lib.check.gan_training.sampling import sample
from course_lib.check.gan_training.training import discriminator_step, generator_step
from course_lib.check.inpainting.convolution import partial_conv
from course_lib.check.inpainting.left import hole_left
from course_lib.check.inpainting.loss import hole_loss
from course_lib.check.inpainting.neighbours import soft_fill
from course_lib.check.inpainting.pixels import keep_known, mean_fill
from course_lib.check.inpainting.psnr import hole_psnr
from course_lib.check.residual_blocks.anatomy import split_gradient, swap_lesion
from course_lib.check.residual_blocks.blocks import gated_residual, residual
from course_lib.check.residual_blocks.convolutions import convolve, stamps
from course_lib.check.residual_blocks.preactivation import preact_block
from course_lib.check.start_here.images import psnr, sharpen, to_batch, to_bytes
from course_lib.check.super_resolution.features import perceptual_loss
from course_lib.check.super_resolution.looks import eight_looks
from course_lib.check.super_resolution.luma import y_channel
from course_lib.check.super_resolution.network import enlarger
from course_lib.check.super_resolution.pair import benchmark_pair
from course_lib.check.super_resolution.psnr import set_psnr
from course_lib.check.super_resolution.rows import shrink_row
from course_lib.check.super_resolution.shuffle import pixel_shuffle, pixel_unshuffle

__all__ = [
    "add_noise",
    "as_file",
    "benchmark_pair",
    "benchmark_psnr",
    "best_discriminator",
    "best_guess",
    "collapse_or_copies",
    "convolve",
    "dirac_step",
    "discriminator_step",
    "eight_looks",
    "ema",
    "enlarger",
    "flat_ssim",
    "frechet",
    "gated_residual",
    "generator_step",
    "gradient_penalty",
    "hinge_losses",
    "hole_left",
    "hole_loss",
    "hole_psnr",
    "inception_score",
    "keep_known",
    "kernel_distance",
    "mean_fill",
    "noise2noise_loss",
    "noise_predictor",
    "partial_conv",
    "perceptual_loss",
    "pixel_shuffle",
    "pixel_unshuffle",
    "preact_block",
    "precision_recall",
    "psnr",
    "r1_r2",
    "relativistic_losses",
    "residual",
    "resumable",
    "sample",
    "set_psnr",
    "sharpen",
    "shrink_row",
    "six_losses",
    "soft_fill",
    "spectral_norm",
    "spherical",
    "split_gradient",
    "ssim",
    "stamps",
    "stats",
    "swap_lesion",
    "to_batch",
    "to_bytes",
    "unbiased_limit",
    "update_discriminator",
    "without_bias",
    "y_channel",
]
