"""Checks of chapter 02: two pairs of GAN losses, from logits to numbers, against NumPy in float64."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from course_lib.check.probes import random
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed

PLAYERS = ("the discriminator's loss", "the generator's loss")
Mistakes = Sequence[tuple[Tensor, str]]

# On both sides of 0 and of the hinge's margin, and on average beyond it: so it shows whether relu or mean comes first.
REAL = torch.tensor([3.5, -0.4, 0.6, 4.2, 1.8, -2.0, 2.7])
FAKE = torch.tensor([-3.1, 0.3, -0.6, 2.2, -4.0, -1.7, -5.2, 1.4, -2.4])


def _pair(name: str, function: Callable, real: Tensor, fake: Tensor, where: str) -> tuple[Tensor, Tensor]:
    """What the learner's function gives; a cross unless it is two scalars that nobody's logits paid for."""
    given = real.detach().clone(), fake.detach().clone()
    got = attempt(name, function, real, fake, where=where)
    if not (isinstance(got, tuple | list) and len(got) == 2):
        fail(name, f"wanted two losses, got {type(got).__name__}", "return discriminator_loss, generator_loss")
    for part, who in zip(got, PLAYERS, strict=True):
        if isinstance(part, float | int):
            fail(name, f"{who} is a plain number, wanted a tensor", "no .item(): training needs its gradient")
        is_tensor(name, part, (), f"{who}{where}", "average over the batch: .mean()")
    if not (torch.equal(real, given[0]) and torch.equal(fake, given[1])):
        fail(name, "your function changes the logits it was given", "work on new tensors, not in place")
    return tuple(got)


def _judge(
    name: str, got: Sequence[Tensor], want: Sequence[np.floating], mistakes: Sequence[Mistakes], hint: str, where: str
) -> None:
    wanted = [torch.tensor(float(value)) for value in want]
    if close(got[0], wanted[1]) and close(got[1], wanted[0]) and not close(*wanted):
        fail(name, "the two losses have changed places", "discriminator first; or is a sign wrong in both?")
    for part, right, wrong, who in zip(got, wanted, mistakes, PLAYERS, strict=True):
        named = [(value.detach(), f"{who}: {message}") for value, message in wrong]
        equals(name, part, right, named, otherwise=f"{who} differs from the reference{where}", hint=hint)


def _slopes(name: str, loss: Tensor, who: str, sources: Sequence[tuple[str, Tensor, np.ndarray]]) -> None:
    """A cross unless the loss has the closed form's derivative with respect to each of the logits."""
    found: Sequence[Any] = [None] * len(sources)
    if loss.requires_grad:
        found = torch.autograd.grad(loss, [logits for _, logits, _ in sources], allow_unused=True, retain_graph=True)
    for gradient, (what, logits, want) in zip(found, sources, strict=True):
        wanted = torch.tensor(want, dtype=torch.float32).view_as(logits)
        if gradient is None and wanted.any():
            fail(name, f"{who} gives the {what} logits no gradient", "no .detach(), .data or no_grad in a loss")
        if gradient is not None and not close(gradient, wanted):
            fail(name, f"{who} gives the {what} logits a wrong gradient", "is a part of it detached?")


@leaves_random_numbers_alone
def hinge_losses(function: Callable) -> None:
    """`function(real_logits, fake_logits)` → hinge losses of discriminator and generator. Chapter 02."""
    name = "hinge_losses"
    for shapes in (((5,), (9,)), ((7, 1), (7, 1)), ((6,), (6,))):
        real, fake = (
            logits[: shape[0]].reshape(shape).clone() for logits, shape in zip((REAL, FAKE), shapes, strict=True)
        )
        where = f" on logits of shape {shapes[0]} and {shapes[1]}"
        r, f = real.double().numpy(), fake.double().numpy()
        want = np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(), -f.mean()
        total = relu(1 - real).mean() + relu(1 + fake).mean()
        of_discriminator = [
            ((1 - real).mean() + (1 + fake).mean(), "the relu is missing: a logit beyond its margin must not count"),
            (fake.mean() - real.mean(), "no relu and no margin: that is Wasserstein's"),
            (relu(1 + real).mean() + relu(1 - fake).mean(), "real and fake have changed places"),
            (relu(-real).mean() + relu(fake).mean(), "the margin is missing: a logit counts until it passes ±1, not 0"),
            (relu((1 - real).mean()) + relu((1 + fake).mean()), "the mean is taken before the relu"),
            (relu(1 - real).mean() + relu(1 - fake).mean(), "fake logits are pushed up like real ones: 1 + fake"),
            (relu(1 - real).mean() + relu(fake - 1).mean(), "the fake margin is on the wrong side: it is at −1"),
            (total / 2, "the two means are averaged, wanted their sum"),
            (relu(torch.cat([1 - real, 1 + fake])).mean(), "one mean over both batches, wanted the sum of two means"),
            (relu(1 - real).sum() + relu(1 + fake).sum(), "summed over the batch, wanted the mean"),
            (-total, "the sign is wrong: this is what the discriminator maximises"),
            (relu(1 - real).mean(), "the fake logits are missing"),
            (relu(1 + fake).mean(), "the real logits are missing"),
            (softplus(-real).mean() + softplus(fake).mean(), "that is the cross-entropy: relu, not softplus"),
        ]  # fmt: skip
        of_generator = [
            (fake.mean(), "the sign is wrong: the generator wants the fake logits up"),
            (relu(1 - fake).mean(), "the generator has no margin and no relu: −D(fake)"),
            (relu(-fake).mean(), "the generator has no relu: −D(fake)"),
            (
                -relu(1 + fake).mean(),
                "it is the discriminator's fake term with a minus; the relu silences rejected fakes",
            ),
            (-real.mean(), "it looks at the real logits, which the generator has no part in"),
            (-total, "it is the discriminator's loss with a minus, wanted −D(fake)"),
            (softplus(-fake).mean(), "that is the non-saturating loss"),
            (-fake.sum(), "summed over the batch, wanted the mean"),
        ]
        real.requires_grad_(), fake.requires_grad_()
        got = _pair(name, function, real, fake, where)
        _judge(name, got, want, (of_discriminator, of_generator), "relu(1 − real), relu(1 + fake); −fake", where)
        sides = [("real", real, -1.0 * (r < 1) / r.size), ("fake", fake, 1.0 * (f > -1) / f.size)]
        _slopes(name, got[0], PLAYERS[0], sides)
        _slopes(name, got[1], PLAYERS[1], [("fake", fake, np.full(f.shape, -1 / f.size))])
    passed(name, "three pairs of batches, equal in size or not: both losses, and their gradients")


@leaves_random_numbers_alone
def relativistic_losses(function: Callable) -> None:
    """`function(real_logits, fake_logits)` → relativistic losses, paired, exact at any logit. Chapter 02."""
    name = "relativistic_losses"
    huge = torch.tensor([1e4, -1e4, 1e4, -1e4, 0.0]), torch.tensor([-1e4, 1e4, 1e4, 0.0, 1e4])
    cases = [(2 * random(n), 2 * random(n, seed=1), "") for n in (5, 8)]
    cases = [(r.view(s), f.view(t), "") for r, f, _ in cases for s, t in (((-1,), (-1,)), ((-1, 1), (-1, 1)))]
    cases += [(*huge, " at logits of ±10,000"), (cases[0][0][:, None], cases[0][1], ""), (cases[2][0], cases[3][1], "")]
    for real, fake, where in cases:
        where = where or f" on logits of shape {tuple(real.shape)} and {tuple(fake.shape)}"
        real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
        got = _pair(name, function, real, fake, where)
        if not all(part.isfinite() for part in got):
            fail(
                name,
                f"NaN or infinity{where}",
                "log of 0, or exp of a large number: softplus needs neither",
            )
        a, b = real.detach().double().numpy().ravel(), fake.detach().double().numpy().ravel()
        want = np.logaddexp(0, b - a).mean(), np.logaddexp(0, a - b).mean()
        r, f = real.detach().flatten(), fake.detach().flatten()
        apart = softplus(-r).mean() + softplus(f).mean()
        of_discriminator = [*_relativistic_mistakes(r, f), (apart, "each logit is judged by itself: compare in pairs")]
        of_generator = [
            (-softplus(f - r).mean(), "it is the discriminator's loss with a minus, which saturates"),
            *_relativistic_mistakes(f, r),
            (softplus(-f).mean(), "it looks at the fake logits alone: compare them with the real ones"),
            (-f.mean(), "it looks at the fake logits alone: compare them with the real ones, in softplus"),
        ]
        hint = "softplus(−(winner − loser)): each player wants its own pictures' logits above the other's"
        _judge(name, got, want, (of_discriminator, of_generator), hint, where)
        slope = 0.5 * (1 + np.tanh((b - a) / 2)) / a.size  # σ(b − a), as tanh writes it
        _slopes(name, got[0], PLAYERS[0], [("real", real, -slope), ("fake", fake, slope)])
        _slopes(name, got[1], PLAYERS[1], [("fake", fake, slope - 1 / a.size)])
    passed(name, "seven pairs of batches, N and N×1 and mixed, logits up to ±10,000: both losses, and their gradients")


def _relativistic_mistakes(up: Tensor, down: Tensor) -> list[tuple[Tensor, str]]:
    """What goes wrong when `up` should be above `down`."""
    gap = up - down
    return [
        (softplus(down[:, None] - up).mean(), "every real logit is compared with every fake one, N×N: .flatten() both"),
        (softplus(gap).mean(), "the difference has the wrong sign: this pulls the wrong logit up"),
        (softplus(-gap).sum(), "summed over the batch, wanted the mean"),
        (-softplus(-gap).mean(), "the sign is wrong: a loss is minimised"),
        (softplus(-gap.mean()), "the logits are averaged before they are compared: compare pair by pair, then average"),
        (softplus(down.mean() - up).mean(), "compared with the other batch's mean, wanted pairs"),
        (softplus(down - up.mean()).mean(), "compared with the other batch's mean, wanted pairs"),
        (-gap.mean(), "the softplus is missing: that is Wasserstein's"),
        (torch.sigmoid(-gap).mean(), "that is sigmoid; softplus(x) is log(1 + eˣ)"),
        (relu(1 - gap).mean(), "that is a hinge; wanted softplus"),
        (-torch.log(torch.sigmoid(gap) + 1e-8).mean(), "a small number inside the logarithm caps the loss"),
    ]  # fmt: skip
