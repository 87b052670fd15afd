"""Sampling from a trained generator: latent vectors from a seed, images from latent vectors."""

from course_lib.sampling.generation import sample_images
from course_lib.sampling.latent import latent_directions, latent_noise, slerp

__all__ = ["latent_directions", "latent_noise", "sample_images", "slerp"]
