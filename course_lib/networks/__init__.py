"""Network architectures, one per file; each network states its own facts (see `facts`)."""

from course_lib.networks.classifier import FEATURES, Classifier
from course_lib.networks.dcgan import DCGAN_LATENT, dcgan_discriminator, dcgan_generator, dcgan_start
from course_lib.networks.denoiser import denoiser
from course_lib.networks.encoder_decoder import EncoderDecoder, GatedLayer, PartialLayer
from course_lib.networks.facts import Generator, Restorer, as_generator, as_restorer
from course_lib.networks.inpainter import KeepKnown, MeanFill, inpainter
from course_lib.networks.mlp_gan import MLP_LATENT, mlp_discriminator, mlp_generator
from course_lib.networks.partial_conv import GatedConv, PartialConv
from course_lib.networks.partial_inpainter import GatedBranch, PartialBranch, gated_inpainter, partial_inpainter
from course_lib.networks.patch_discriminator import PatchDiscriminator, feature_distance
from course_lib.networks.residual_gan import (
    RESIDUAL_LATENT,
    PrincipalComponents,
    ResidualGenerator,
    leaky,
    residual_discriminator,
    residual_generator,
)
from course_lib.networks.resnet import copy_weights, resnet18
from course_lib.networks.restorer import AnySize, Correction, long_body, plain_block, restorer
from course_lib.networks.sharpener import sharpener
from course_lib.networks.super_resolver import Enlarge, ZeroMeanConv, srcnn, super_resolver

__all__ = [
    "DCGAN_LATENT",
    "FEATURES",
    "MLP_LATENT",
    "RESIDUAL_LATENT",
    "AnySize",
    "Classifier",
    "Correction",
    "EncoderDecoder",
    "Enlarge",
    "GatedBranch",
    "GatedConv",
    "GatedLayer",
    "Generator",
    "KeepKnown",
    "MeanFill",
    "PartialBranch",
    "PartialConv",
    "PartialLayer",
    "PatchDiscriminator",
    "PrincipalComponents",
    "ResidualGenerator",
    "Restorer",
    "ZeroMeanConv",
    "as_generator",
    "as_restorer",
    "copy_weights",
    "dcgan_discriminator",
    "dcgan_generator",
    "dcgan_start",
    "denoiser",
    "feature_distance",
    "gated_inpainter",
    "inpainter",
    "leaky",
    "long_body",
    "mlp_discriminator",
    "mlp_generator",
    "partial_inpainter",
    "plain_block",
    "residual_discriminator",
    "residual_generator",
    "resnet18",
    "restorer",
    "sharpener",
    "srcnn",
    "super_resolver",
]
