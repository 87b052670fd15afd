"""Noise in, pictures out: three GANs on the same data, judged by the same number."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib.adversarial import AdversarialStep, Judge, Penalty, apart, r1_r2, together
from course_lib.averaging import EMA
from course_lib.batches import ShuffledBatches
from course_lib.data import load
from course_lib.dcgan import DCGAN_LATENT, dcgan_discriminator, dcgan_generator
from course_lib.device import pick, seed_everything
from course_lib.errors import CourseError
from course_lib.extractor import EXTRACTOR, fd_clf
from course_lib.losses import GAN_LOSSES
from course_lib.mlp_gan import MLP_LATENT, mlp_discriminator, mlp_generator
from course_lib.recipes.common import Metric, Run, accelerator_for
from course_lib.residual_gan import RESIDUAL_LATENT, residual_discriminator, residual_generator
from course_lib.sampling import sample_images
from course_lib.training import Trainer, constant, fading

JUDGED = 10_000  # samples that FD-clf looks at


@dataclass(frozen=True)
class GanPlan:
    """What makes one GAN different from another, apart from its networks. Chapter 03.

    `rate` and `betas` are Adam's for both players; `penalty` is added to D's loss on every `every`-th step.
    """

    loss: str
    latent_size: int
    batch_size: int
    rate: float
    betas: tuple[float, float]
    decay: float
    steps: dict[str, int]
    schedule: Callable[[float], float] = constant
    penalty: Penalty | None = None
    every: int = 1
    judge: Judge = together


MLP_PLAN = GanPlan("non_saturating", MLP_LATENT, 64, 2e-4, (0.5, 0.999), 0.998, {"cpu": 2_000, "gpu": 30_000})
DCGAN_PLAN = GanPlan(
    "non_saturating", DCGAN_LATENT, 64, 2e-4, (0.5, 0.999), 0.998, {"cpu": 600, "gpu": 30_000}, judge=apart
)
RESIDUAL_PLAN = GanPlan(
    "relativistic",
    RESIDUAL_LATENT,
    batch_size=32,
    rate=2e-3,
    betas=(0.0, 0.99),
    decay=0.998,
    steps={"cpu": 1_200, "gpu": 60_000},
    schedule=fading,
    penalty=r1_r2(gamma=0.2),
    every=8,
)


def mlp_gan(data: str = "fashion_mnist_mini", device: torch.device | None = None, seed: int = 0) -> Run:
    """Linear layers against linear layers, the non-saturating loss of 2014. Gray 28×28 sets. Chapter 03."""
    return gan(lambda images: (mlp_generator(), mlp_discriminator()), MLP_PLAN, data, device, seed)


def dcgan(data: str = "fashion_mnist_mini", device: torch.device | None = None, seed: int = 0) -> Run:
    """Transposed convolutions and batch norm at half the usual width: what a minute allows. Chapter 03."""
    return gan(lambda images: (dcgan_generator(32), dcgan_discriminator(32)), DCGAN_PLAN, data, device, seed)


def residual_gan(data: str = "fashion_mnist_mini", device: torch.device | None = None, seed: int = 0) -> Run:
    """The course's own: a residual generator on a linear shortcut, relativistic loss, lazy R1 and R2. Chapter 03."""
    return gan(lambda images: (residual_generator(images), residual_discriminator()), RESIDUAL_PLAN, data, device, seed)


def gan(
    networks: Callable[[Tensor], tuple[nn.Module, nn.Module]],
    plan: GanPlan,
    data: str = "fashion_mnist_mini",
    device: torch.device | None = None,
    seed: int = 0,
) -> Run:
    """A GAN made ready: any two networks, any plan; `networks(images)` gives (generator, discriminator).

    `images` are the training pictures, N×1×28×28 in [0,1]. The run's model is the averaged generator. Raises
    CourseError for data of another size. Chapter 03.
    """
    device = device or pick()
    seed_everything(seed)
    train, test = load(data, "train"), load(data, "test")
    _check_pictures(data, train.images)
    images, labels = (part.to(device) for part in train.tensors())
    generator, discriminator = (network.to(device) for network in networks(images))
    average = EMA(generator, plan.decay)
    accelerator = accelerator_for(device)
    players = {"generator": generator, "discriminator": discriminator}
    # Not wrapped by Accelerate, which would only add a gradient scaler for float16: 3 % of so small a step.
    optimisers = {name: adam(player, plan.rate, plan.betas, device) for name, player in players.items()}
    step = AdversarialStep(
        accelerator,
        generator,
        discriminator,
        optimisers,
        GAN_LOSSES[plan.loss],
        average,
        plan.latent_size,
        plan.penalty,
        plan.every,
        plan.judge,
    )

    def sample(n: int, seed: int) -> Tensor:
        return sample_images(average.network, n, plan.latent_size, seed, device)

    def evaluate() -> list[Metric]:
        real = test.tensors()[0]
        protocol = f"{JUDGED:,} samples, seed 1, against {data}, test split, N = {len(real):,}; {EXTRACTOR}"
        return [Metric("FD-clf", fd_clf(sample(JUDGED, 1), real, device), "", protocol)]

    batches = ShuffledBatches(images, labels, plan.batch_size, seed)
    trainer = Trainer(step, players, optimisers, batches, device, schedule=plan.schedule, averages={"average": average})
    return Run(average.network, trainer, evaluate, plan.steps, sample)


def adam(network: nn.Module, rate: float, betas: tuple[float, float], device: torch.device) -> torch.optim.Adam:
    """Adam in one call for all weights (fused) where the device has that: small networks spend a tenth of a step here.

    Paper: Kingma and Ba 2014. Chapter 03.
    """
    return torch.optim.Adam(network.parameters(), lr=rate, betas=betas, fused=device.type in ("cpu", "cuda"))


def _check_pictures(data: str, images: Tensor | list[Tensor]) -> None:
    shape = tuple(images[0].shape)
    if shape != (1, 28, 28):
        raise CourseError(
            f"{data} has pictures {shape}; these GANs draw gray ones of 28×28: fashion_mnist_mini, fashion_mnist, mnist"
        )
