"""The check of chapter 02's step of a discriminator, against logistic regression worked out by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.check.probes import random
from course_lib.check.report import attempt, close, fail, leaves_random_numbers_alone, passed
from course_lib.errors import CheckFailed

RATE, ORDER = 0.5, "zero_grad, backward, step, in this order"
Terms = Sequence[tuple[np.ndarray, int]]


class _GradientDescent:
    """What a step needs of an optimiser. The first use of torch.optim loads torch's compiler, in seconds."""

    def __init__(self, network: nn.Module):
        self.param_groups, self.steps = [{"params": list(network.parameters()), "lr": RATE}], 0

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.param_groups[0]["params"]:
            parameter.grad = None if set_to_none or parameter.grad is None else torch.zeros_like(parameter)

    @torch.no_grad()
    def step(self) -> None:
        self.steps += 1
        for parameter in self.param_groups[0]["params"]:
            if parameter.grad is not None:
                parameter -= RATE * parameter.grad


def _descent(weight: np.ndarray, terms: Terms) -> tuple[float, np.ndarray]:
    """Value and gradient of Σ mean softplus(sign · w·x) over the terms (x, sign): logistic regression by hand."""
    value, gradient = 0.0, np.zeros_like(weight)
    for x, sign in terms:
        logit = sign * (x @ weight)
        value += np.logaddexp(0, logit).mean()
        gradient += sign * (x / (1 + np.exp(-logit))[:, None]).mean(0)
    return value, gradient


@leaves_random_numbers_alone
def update_discriminator(function: Callable) -> None:
    """`function(generator, discriminator, optimiser, real, noise)` → loss; trains D alone, one step. Chapter 02."""
    name = "update_discriminator"
    for seed, batch in enumerate((6, 9)):
        torch.manual_seed(seed)
        # Noise and pictures of one size: a discriminator that is fed the noise raises no error.
        generator, discriminator = nn.Linear(4, 4), nn.Linear(4, 1, bias=False)
        optimiser = _GradientDescent(discriminator)
        real, noise = 1.5 * random(batch, 4, seed=seed) + 0.5, random(batch, 4, seed=seed + 5)
        weight = discriminator.weight.detach().double().numpy()[0].copy()
        fake = (noise @ generator.weight.T + generator.bias).detach().double().numpy()
        stale = random(1, 4, seed=9)  # what a step of the generator left in the discriminator
        discriminator.weight.grad = stale.clone()
        got, back = _play(name, function, generator, discriminator, optimiser, real, noise, f" on a batch of {batch}")
        value, gradient = _descent(weight, [(real.double().numpy(), -1), (fake, 1)])
        moved = (torch.tensor(weight) - discriminator.weight.detach().double()[0]) / RATE
        if optimiser.steps > 1:
            fail(name, f"the optimiser steps {optimiser.steps} times", "one loss, one step")
        _moved(name, moved, gradient, stale.double().numpy()[0], _wrong_turns(weight, real, fake, noise))
        if back:
            fail(name, "the gradient runs back into the generator: it is not its turn", "generator(noise).detach()")
        if isinstance(got, Tensor) and got.requires_grad:
            fail(name, "the result keeps the whole step's graph in memory", "return loss.item()")
        if isinstance(got, bool) or not isinstance(got, float | int | Tensor) or torch.as_tensor(got).numel() != 1:
            fail(name, f"got {type(got).__name__}, wanted the loss as a number", "return loss.item()")
        if abs(float(got) - value) > 1e-4:
            fail(name, f"the number returned is {float(got):.4f}, but {value:.4f} was minimised", "return loss.item()")
    passed(name, "two games with stale gradients: the discriminator's weights, the loss, the generator left in peace")


def _play(name: str, function: Callable, generator: nn.Module, discriminator: nn.Module, *rest: Any) -> tuple:
    """(result, whether a gradient came back to the fakes); a cross for whatever was changed that should not be."""
    *given, where = rest
    back: list[Tensor] = []

    def watch(_: nn.Module, __: tuple, pictures: Tensor) -> None:
        if pictures.requires_grad:
            pictures.register_hook(lambda gradient: back.append(gradient) and None)

    generator.register_forward_hook(watch)
    before = [parameter.detach().clone() for parameter in generator.parameters()]
    try:
        got = attempt(name, function, generator, discriminator, *given, where=where)
    except CheckFailed as cross:
        if "does not require grad" in str(cross):
            hint = "detach the fake pictures, not the logits; run the discriminator outside no_grad"
            fail(name, "nothing leads from the loss back to the discriminator's weights", hint)
        raise
    if not all(torch.equal(a, b) for a, b in zip(before, generator.parameters(), strict=True)):
        fail(name, "the generator's weights have changed, and it is not its turn", "step the optimiser you were given")
    for who, network in (("generator", generator), ("discriminator", discriminator)):
        if not all(parameter.requires_grad for parameter in network.parameters()):
            fail(name, f"the {who} is left frozen and can never learn again", "generator(noise).detach() is enough")
        if not network.training:
            fail(name, f"the {who} is left in evaluation mode", "the mode is not yours to change")
    return got, bool(back) or any(p.grad is not None and p.grad.any() for p in generator.parameters())


def _wrong_turns(weight: np.ndarray, real: Tensor, fake: np.ndarray, noise: Tensor) -> list[tuple[np.ndarray, str]]:
    r, z = real.double().numpy(), noise.double().numpy()

    def down(*terms: tuple[np.ndarray, int], factor: float = 1.0) -> np.ndarray:
        return factor * _descent(weight, terms)[1]

    same_logits = "log D and log(1 − D) of the same logits"
    return [
        (down((r, 1), (fake, -1)), "real and fake have changed places: it learns to call real pictures fake"),
        (down((r, -1), (fake, 1), factor=-1), "it climbs its loss: the sign is wrong"),
        (down((fake, -1), (fake, 1)), f"both terms look at the fakes: {same_logits}"),
        (down((r, -1), (r, 1)), f"both terms look at the real pictures: {same_logits}"),
        (down((r, -1), (z, 1)), "the discriminator was shown the noise itself, wanted generator(noise)"),
        (down((r, -1)), "the fakes are missing: it learns from real pictures alone"),
        (down((fake, 1)), "the real pictures are missing: it learns from fakes alone"),
        (down((fake, -1)), "that is the generator's loss: it learns to call fakes real"),
        (down((r, -1), (fake, -1)), "the fakes are called real as well: softplus(+logit) for them"),
        (down((r, -1), (fake, 1), factor=0.5), "the two means are averaged, wanted their sum"),
        (down((r, -1), (fake, 1), factor=len(r)), "the loss is summed over the batch, wanted the mean"),
        (fake.mean(0) - r.mean(0), "the loss has no softplus: that is Wasserstein's"),
        (_hinge(weight, r, fake), "that is the hinge loss, wanted the cross-entropy"),
    ]


def _hinge(weight: np.ndarray, r: np.ndarray, fake: np.ndarray) -> np.ndarray:
    return ((fake @ weight > -1)[:, None] * fake).mean(0) - ((r @ weight < 1)[:, None] * r).mean(0)


def _moved(name: str, got: Tensor, want: np.ndarray, stale: np.ndarray, mistakes: list[tuple[np.ndarray, str]]) -> None:
    """A cross unless the weights went down by the gradient `want`."""

    def is_it(gradient: np.ndarray) -> bool:
        return close(got, torch.tensor(gradient), 1e-4)

    if is_it(want):
        return
    if is_it(0 * want):
        fail(name, "the discriminator has not moved", f"{ORDER}; and clear before backward, not after")
    if is_it(stale):
        fail(name, "it steps before its new gradient is there: an old one was used", ORDER)
    if is_it(want + stale):
        fail(name, "the gradients of an earlier step were still there, and the new ones were added", ORDER)
    for gradient, message in mistakes:
        if is_it(gradient) or is_it(gradient + stale):
            fail(name, message, "softplus(−real logits) and softplus(fake logits), each averaged, then added")
    fail(name, "the discriminator was moved by another gradient than the reference's", ORDER)
