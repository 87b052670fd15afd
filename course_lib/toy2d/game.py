"""Many tiny GANs in the plane, trained at once: stacked networks, one batched matrix product per layer."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.blocks import Residual
from course_lib.errors import CourseError
from course_lib.losses import GAN_LOSSES
from course_lib.toy2d.points import Mixture


class ManyLinear(nn.Module):
    """R independent fully connected layers, stacked: R×N×inputs → R×N×outputs. Chapter 02.

    The layers share no weights, so their gradients and Adam updates are separate: R small networks train in one pass.
    """

    def __init__(self, runs: int, inputs: int, outputs: int) -> None:
        super().__init__()
        drawn = (2 * torch.rand(runs, inputs + 1, outputs) - 1) / math.sqrt(inputs)  # the range of nn.Linear
        self.weight, self.bias = nn.Parameter(drawn[:, :-1].clone()), nn.Parameter(drawn[:, -1:].clone())

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


class Sine(nn.Module):
    """x → sin(6x): after the first layer, it lets a small network tell nearby points apart. Chapter 02."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(6 * x)


def _network(runs: int, outputs: int, width: int = 64) -> nn.Sequential:
    layers = ManyLinear(runs, 2, width), Sine(), ManyLinear(runs, width, width), nn.LeakyReLU(0.2)
    return nn.Sequential(*layers, ManyLinear(runs, width, outputs))


def slopes(discriminator: nn.Module, points: Tensor) -> Tensor:
    """The gradient ∇ₓD(x) at each of `points`, same shape; its graph is kept for penalties. Chapter 02."""
    points = points.detach().requires_grad_()
    return torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)[0]


class ToyGame:
    """One GAN for each of `losses` and each of `repeats`, all trained at once on the same batches. Chapter 02.

    Repeat s starts from the same two networks for every loss; a generator is a `Residual`, z + F(z). `penalty`:
    "none", "r1" (strength/2 · ‖∇D‖² at real points) or "gradient" (strength · (‖∇D‖ − 1)² between real and fake),
    applied every `every`-th step and multiplied by `every`. Points have a leading axis R = losses × repeats,
    ordered by loss. Raises CourseError for an unknown loss or penalty.
    """

    def __init__(
        self, data: Mixture, losses: Sequence[str], repeats: int = 1, seed: int = 0, *, penalty: str = "none",
        strength: float = 0.1, every: int = 1, learning_rate: float = 2e-3, batch_size: int = 64,
    ) -> None:  # fmt: skip
        for name, known in [*((loss, GAN_LOSSES) for loss in losses), (penalty, ("none", "r1", "gradient"))]:
            if name not in known:
                raise CourseError(f"ToyGame: {name!r} is unknown; choose one of {', '.join(known)}")
        self.data, self.losses, self.repeats, self.batch_size, self.steps = data, list(losses), repeats, batch_size, 0
        self.penalty, self.strength, self.every = penalty, strength, every
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator, self.discriminator = Residual(_network(repeats, 2)), _network(repeats, 1)
        self.dice = torch.Generator().manual_seed(seed)
        self.optimisers = {}
        for network in (self.generator, self.discriminator):
            for parameter in network.parameters():
                parameter.data = self._for_every_loss(parameter.data)
            self.optimisers[network] = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.5, 0.99))

    def _for_every_loss(self, rows: Tensor) -> Tensor:
        return rows.repeat(len(self.losses), 1, 1)

    def _random(self, seed: int | None) -> torch.Generator:
        return self.dice if seed is None else torch.Generator().manual_seed(seed)

    def real(self, n: int, seed: int | None = None) -> Tensor:
        """n real points for every run, R×n×2, from the game's random generator or, given a `seed`, from a new one."""
        return self._for_every_loss(self.data.sample(self.repeats, n, generator=self._random(seed)))

    def points(self, n: int = 2500, seed: int | None = None) -> Tensor:
        """n generated points of every run, R×n×2; the latent vectors are drawn as in `real`."""
        return self.generator(self._for_every_loss(torch.randn(self.repeats, n, 2, generator=self._random(seed))))

    def _logits(self, points: Tensor) -> Tensor:
        return self.discriminator(points)[..., 0].unflatten(0, (-1, self.repeats))

    def loss(self, player: str, real: Tensor, fake: Tensor) -> Tensor:
        """The loss of "discriminator" or "generator", summed over the runs: each run gets only its own gradient."""
        with torch.set_grad_enabled(player == "discriminator"):  # real points do not depend on a generator
            real_logits = self._logits(real)
        total = torch.zeros(())
        for name, *pair in zip(self.losses, real_logits, self._logits(fake), strict=True):
            pair = pair if player == "discriminator" else pair[::-1]
            total = total + self.repeats * getattr(GAN_LOSSES[name], player)(*pair)
        return total

    def arrows(self, points: Tensor) -> Tensor:
        """The direction in which the generator's loss moves each of `points` R×N×2: −∂L/∂x · N. No side effects."""
        points = points.detach().requires_grad_()
        loss = self.loss("generator", self.real(points.shape[1], seed=0), points)
        return -torch.autograd.grad(loss, points)[0] * points.shape[1]

    def _penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        if self.penalty == "r1":
            return slopes(self.discriminator, real).square().sum(-1).mean(-1).sum() / 2
        where = self._for_every_loss(torch.rand(self.repeats, self.batch_size, 1, generator=self.dice))
        gradient_norm = slopes(self.discriminator, where * real + (1 - where) * fake).norm(dim=-1)
        return (gradient_norm - 1).square().mean(-1).sum()

    def _descend(self, network: nn.Module, loss: Tensor) -> None:
        self.optimisers[network].zero_grad()
        loss.backward(inputs=list(network.parameters()))  # the other player's weights get no gradient
        self.optimisers[network].step()

    def step_discriminator(self) -> None:
        real, fake = self.real(self.batch_size), self.points(self.batch_size).detach()
        loss = self.loss("discriminator", real, fake)
        if self.penalty != "none" and self.steps % self.every == 0:
            loss = loss + self.every * self.strength * self._penalty(real, fake)
        self._descend(self.discriminator, loss)

    def play(self, steps: int) -> None:
        """Train for `steps` steps, each an update of every discriminator and then of every generator."""
        for _ in range(steps):
            self.step_discriminator()
            self._descend(
                self.generator, self.loss("generator", self.real(self.batch_size), self.points(self.batch_size))
            )
            self.steps += 1
