"""What the two players of a GAN minimise: six pairs of losses, and two gradient penalties for the discriminator.

The inputs are logits (the discriminator's output before any sigmoid: large means "real"); the output is a scalar.
No loss knows a network or an optimiser; the training step decides which player gets which gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from course_lib.errors import CourseError

Critic = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class GanLoss:
    """A pair of GAN losses, one for each player, both to be minimised. Chapter 02 builds all six.

    `discriminator(real_logits, fake_logits)` and `generator(fake_logits, real_logits=None)` return scalar tensors: sums
    of terms, each a mean over the batch. Logits have any shape, usually (N,); half precision is summed in float32.
    Only the relativistic loss compares real and fake logits in pairs: its generator needs `real_logits` too, and both
    must have the same shape. Raises CourseError for empty logits, different shapes in pairs, and missing real logits.
    """

    name: str
    discriminator_terms: Callable[[Tensor, Tensor], Tensor]
    generator_terms: Callable[[Tensor, Tensor], Tensor] | Callable[[Tensor], Tensor]
    paired: bool = False

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        if self.paired:
            self._check_pairs(real_logits, fake_logits)
        return self.discriminator_terms(self._ready(real_logits), self._ready(fake_logits))

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        if not self.paired:
            return self.generator_terms(self._ready(fake_logits))
        if real_logits is None:
            raise CourseError(f"{self.name}: the generator's loss compares real and fake logits; give real_logits too")
        self._check_pairs(real_logits, fake_logits)
        return self.generator_terms(self._ready(fake_logits), self._ready(real_logits))

    def _check_pairs(self, real_logits: Tensor, fake_logits: Tensor) -> None:
        # (N,) − (N,1) would silently broadcast to N×N: every real logit with every fake one.
        if real_logits.shape != fake_logits.shape:
            raise CourseError(
                f"{self.name}: real_logits {tuple(real_logits.shape)} and fake_logits {tuple(fake_logits.shape)} "
                "are compared in pairs; give both the same shape"
            )

    def _ready(self, logits: Tensor) -> Tensor:
        if not logits.numel():
            raise CourseError(f"{self.name}: logits of shape {tuple(logits.shape)} are empty; give at least one")
        return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


# log D = −softplus(−logit) and log(1 − D) = −softplus(logit): exact at any logit, where log(sigmoid(…)) is −inf.
def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    return softplus(-real).mean() + softplus(fake).mean()


GAN_LOSSES: dict[str, GanLoss] = {
    loss.name: loss
    for loss in (
        # Goodfellow et al. 2014: G minimises E log(1 − D(fake)), the same value that D maximises.
        GanLoss("minimax", _cross_entropy, lambda fake: -softplus(fake).mean()),
        # The same paper, section 3: G maximises E log D(fake); same fixed point, but a strong gradient where D is sure.
        GanLoss("non_saturating", _cross_entropy, lambda fake: softplus(-fake).mean()),
        # Mao et al. 2017, LSGAN with targets 1 and 0 (their b = c = 1, a = 0), without the factor ½.
        GanLoss(
            "least_squares",
            lambda real, fake: (real - 1).square().mean() + fake.square().mean(),
            lambda fake: (fake - 1).square().mean(),
        ),
        # Lim and Ye 2017, "Geometric GAN"; Miyato et al. 2018.
        GanLoss(
            "hinge",
            lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(),
            lambda fake: -fake.mean(),
        ),
        # Arjovsky et al. 2017; the critic must be kept 1-Lipschitz, e.g. by `gradient_penalty`.
        GanLoss("wasserstein", lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean()),
        # Jolicoeur-Martineau 2018; paired as in Huang et al. 2024 (R3GAN), equations 1 and 2.
        GanLoss(
            "relativistic",
            lambda real, fake: softplus(fake - real).mean(),
            lambda fake, real: softplus(real - fake).mean(),
            paired=True,
        ),
    )
}


def r1_penalty(discriminator: Critic, images: Tensor) -> Tensor:
    """The mean over the batch of ‖∇ₓD(x)‖²: the squared gradient norm of D, summed over all values of an image.

    Args:
        discriminator: N×… → N logits (any shape). One image's logit must depend on that image alone: no batch norm.
        images: N or N×… float; real ones for R1, generated ones for R2. They may be detached from any graph.
    Returns a scalar that can be differentiated again with respect to D's weights. Multiply by γ/2 (and by the interval,
    if applied lazily). Raises CourseError for an empty batch. Papers: Mescheder et al. 2018 (R1, R2); Karras et al.
    2020 (lazy, every 16 steps). Chapter 02.
    """
    return _input_gradients(discriminator, images).square().sum(1).mean()


def gradient_penalty(
    discriminator: Critic, real: Tensor, fake: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """WGAN-GP's penalty: the mean over the batch of (‖∇ₓD(x)‖ − 1)² at random points between real and fake images.

    Args:
        discriminator: as for `r1_penalty`: no batch norm.
        real, fake: N or N×…, same shape; detached here, so the generator gets no gradient from this.
        generator: random generator for the interpolation weights, on the CPU; default: torch's global one.
    Returns a scalar that can be differentiated again; the paper multiplies it by 10. Raises CourseError if the shapes
    differ or the batch is empty. Paper: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs". Chapter 02.
    """
    if real.shape != fake.shape:
        raise CourseError(
            f"gradient_penalty: real {tuple(real.shape)} and fake {tuple(fake.shape)} differ; "
            "give as many fake images as real ones, of the same size"
        )
    where = torch.rand(len(real), *[1] * (real.ndim - 1), generator=generator, dtype=real.dtype).to(real.device)
    between = where * real.detach() + (1 - where) * fake.detach()
    return (_input_gradients(discriminator, between).norm(dim=1) - 1).square().mean()


def _input_gradients(discriminator: Critic, images: Tensor) -> Tensor:
    """∇ₓD(x) of each image, N×(values per image). The graph is kept so that a penalty can train D's weights."""
    if not images.numel():
        raise CourseError(f"a penalty's images of shape {tuple(images.shape)} are empty; give at least one")
    images = images.detach().requires_grad_()
    # One gradient of the sum gives the gradient of every D(xᵢ), because D(xᵢ) depends on xᵢ alone.
    (gradients,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    gradients = gradients.reshape(len(gradients), -1)
    return gradients.float() if gradients.dtype in (torch.float16, torch.bfloat16) else gradients
