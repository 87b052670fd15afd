"""From a trained generator to images in [0,1], with latent vectors that depend only on a seed."""

import torch
from torch import Tensor, nn

from course_lib.errors import CourseError
from course_lib.images import to_unit
from course_lib.networks.facts import latent_size_of
from course_lib.sampling.latent import latent_noise
from course_lib.system.evaluation_mode import evaluating


def sample_images(
    generator: nn.Module, n: int, seed: int, *, latent_size: int | None = None, batch_size: int = 500
) -> Tensor:
    """n images from a generator, N×C×H×W float32 in [0,1], on the CPU.

    Args:
        generator: latent vectors N×latent_size → N×C×H×W in [-1,1] (values outside are clipped), on any device.
        seed: of the latent vectors (see `latent_noise`); torch's own random state is not touched.
        latent_size: only for a generator that does not state it itself (see `as_generator`).
        batch_size: images at a time; it changes the memory needed, not the images.
    The generator runs in evaluation mode; each part's mode is restored afterwards. Raises CourseError for an n or
    seed out of range, and for a generator of unknown latent_size, or that gives another shape, nan or inf. Chapter 03.
    """
    noise = latent_noise(n, latent_size or latent_size_of(generator), seed)
    device = next((weight.device for weight in generator.parameters()), noise.device)
    pictures = []
    with evaluating(generator):
        for batch in noise.split(batch_size):
            signed = generator(batch.to(device)).float().cpu()
            if signed.ndim != 4 or len(signed) != len(batch) or not signed.isfinite().all():
                what = f"shape {tuple(signed.shape)}" if signed.isfinite().all() else "nan or inf"
                raise CourseError(f"the generator gave {what} for {len(batch)} latent vectors; wanted finite N×C×H×W")
            pictures.append(to_unit(signed).clamp(0, 1))
    return torch.cat(pictures)
