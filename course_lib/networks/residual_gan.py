"""The course's GAN: y = S(x) + F(x) with the best-fitting Gaussian as S and a small residual network as F.

The channels are at 7×7 and 14×14, where they are inexpensive. The last step to 28×28 is a sub-pixel convolution and
the discriminator's first layer has stride 2, so no layer computes at full size.
"""

import torch
from torch import Tensor, nn

from course_lib.blocks import Residual, linear_block, preact_block, zero_last
from course_lib.errors import CourseError
from course_lib.images import to_signed
from course_lib.networks.facts import as_generator

RESIDUAL_LATENT = 64


class PrincipalComponents(nn.Module):
    """Latent vectors N×latent_size → mean + z · basis, N×C×H×W: samples of the Gaussian that best fits `images`.

    Args:
        images: N×C×H×W, N > latent_size; the mean and the principal components are computed from them. None for zeros
            of `shape` = (C, H, W), where the weights come from a file.
        latent_size: number of components kept, each scaled by its standard deviation.
    The generator's shortcut: no sample is sharp, but mean and covariance are right before any training. Both are
    parameters that start there and are trained further. Raises CourseError for too few images.
    Papers: Pearson 1901; Turk and Pentland 1991, "Eigenfaces". Chapter 03.
    """

    def __init__(self, images: Tensor | None, latent_size: int, shape: tuple[int, int, int] = (1, 28, 28)):
        super().__init__()
        if images is None:
            self.shape = torch.Size(shape)
            self.mean = nn.Parameter(torch.zeros(self.shape.numel()))
            self.basis = nn.Parameter(torch.zeros(latent_size, self.shape.numel()))
            return
        if len(images) <= latent_size:
            raise CourseError(
                f"PrincipalComponents: {len(images)} images for {latent_size} components; give more images"
            )
        self.shape = images.shape[1:]
        pixels = images.flatten(1).cpu()
        mean = pixels.mean(0)
        # The covariance of 784 pixels is a small matrix: its eigenvectors cost less than an SVD of all images.
        # (Summing in float32 is three times as fast and accurate to a millionth.)
        values, vectors = torch.linalg.eigh(torch.cov(pixels.T).double())
        order = values.argsort(descending=True)[:latent_size]
        basis = (vectors[:, order] * values[order].clamp(min=0).sqrt()).T
        # An eigenvector's sign is arbitrary and may differ between machines: make its largest entry positive.
        largest = basis.gather(1, basis.abs().argmax(1, keepdim=True))
        self.mean = nn.Parameter(mean)
        self.basis = nn.Parameter((basis * largest.sign()).float().contiguous())

    def forward(self, noise: Tensor) -> Tensor:
        return (self.mean + noise @ self.basis).unflatten(1, self.shape)


def leaky() -> nn.Module:
    """LeakyReLU with slope 0.2 below zero, so that an inactive unit still passes on some gradient. Chapter 03."""
    return nn.LeakyReLU(0.2)


class ResidualGenerator(nn.Sequential):
    """tanh(shortcut(z) + branch(z)), with `shortcut`, `branch` and its last convolution `tail` by name. Chapter 03."""

    @property
    def shortcut(self) -> nn.Module:
        return self[0].shortcut

    @property
    def branch(self) -> nn.Module:
        return self[0].branch

    @property
    def tail(self) -> nn.Conv2d:
        return self.branch[-2]


def residual_generator(images: Tensor | None = None, coarse: int = 32, fine: int = 16) -> nn.Module:
    """Latent vectors N×64 → images N×1×28×28 in [-1,1]; before training: tanh of the Gaussian that fits `images`.

    Args:
        images: training images N×1×28×28 in [0,1], only to initialise the shortcut; None for a network whose weights
            come from a file.
        coarse, fine: channels at 7×7 and at 14×14.
    The branch's last convolution starts at zero. Papers: He et al. 2016; Shi et al. 2016 (sub-pixel convolution); Huang
    et al. 2024, "The GAN is dead; long live the GAN!" (no norm, zero-initialised branches). Chapter 03.
    """
    branch = nn.Sequential(
        nn.Linear(RESIDUAL_LATENT, coarse * 7 * 7),
        nn.Unflatten(1, (coarse, 7, 7)),
        zero_last(preact_block(coarse, norm=nn.Identity, activation=leaky)),
        nn.Conv2d(coarse, fine * 4, 3, padding=1),
        nn.PixelShuffle(2),
        zero_last(preact_block(fine, norm=nn.Identity, activation=leaky)),
        leaky(),
        nn.Conv2d(fine, 4, 3, padding=1),
        nn.PixelShuffle(2),
    )
    shortcut = PrincipalComponents(None if images is None else to_signed(images), RESIDUAL_LATENT)
    return as_generator(ResidualGenerator(zero_last(Residual(branch, shortcut)), nn.Tanh()), RESIDUAL_LATENT)


def residual_discriminator(channels: int = 16, width: int = 256) -> nn.Module:
    """Images N×1×28×28 in [-1,1] → logits N; no normalisation, so each logit depends on its own image only.

    Two strided convolutions to 7×7, then one vector of `width` numbers for the whole image and two residual blocks on
    it: garments are always centred, so a linear layer over the whole image works, and costs less than a convolution.
    Chapter 03.
    """
    return nn.Sequential(
        nn.Conv2d(1, channels, 4, stride=2, padding=1),
        leaky(),
        nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1),
        leaky(),
        nn.Flatten(),
        nn.Linear(2 * channels * 7 * 7, width),
        zero_last(linear_block(width, activation=leaky)),
        zero_last(linear_block(width, activation=leaky)),
        leaky(),
        nn.Linear(width, 1),
        nn.Flatten(0),
    )
