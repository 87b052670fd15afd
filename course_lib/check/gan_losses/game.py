"""Checks that stand in chapter 02 itself: the best discriminator by trial, six pairs of losses against NumPy."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.check.probes import random
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed


@leaves_random_numbers_alone
def best_discriminator(function: Callable) -> None:
    """`function(p, q)`: the d that maximises p log d + q log(1 − d), found here by trying many. Chapter 02."""
    name = "best_discriminator"
    tried = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
    for shape in ((6,), (3, 4)):
        p, q = (random(*shape, seed=seed).abs() * size + 0.02 for seed, size in ((1, 1.0), (2, 3.0)))
        before = p.clone(), q.clone()
        got = attempt(name, function, p, q, where=f" on densities of shape {shape}")
        if not (torch.equal(p, before[0]) and torch.equal(q, before[1])):
            fail(name, "your function changes the densities it was given", "work on new tensors, not in place")
        is_tensor(name, got, shape)
        value = p.double()[..., None] * tried.log() + q.double()[..., None] * (1 - tried).log()
        mistakes = [
            (q / (p + q), "real and fake have changed places: where p is large, D says real"),
            (p / q, "that is the ratio p / q, wanted a probability"),
            (torch.log(p / q), "that is the logit; its sigmoid is the probability"),
            (p / (p + q) / 2, "that is half of it: the ½ of the mixture does not belong here"),
            (p / (p + q).sum(), "every place by itself: no sum over the places"),
            (p / (p.sum() + q.sum()), "every place by itself: no sum over the places"),
            ((p > q).float(), "that is a decision, wanted how sure it may be"),
        ]
        hint = "set the derivative p/d − q/(1 − d) to zero and solve for d"
        equals(name, got.float(), tried[value.argmax(-1)].float(), mistakes, hint=hint, tolerance=2e-3)
    passed(name, "18 pairs of densities, against the best of 999 values tried for each")


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


# What each player minimises, from real logits r and fake logits f in float64.
_WANTED: dict[str, tuple[Callable, Callable]] = {
    "minimax": (lambda r, f: _softplus(-r).mean() + _softplus(f).mean(), lambda r, f: -_softplus(f).mean()),
    "non_saturating": (lambda r, f: _softplus(-r).mean() + _softplus(f).mean(), lambda r, f: _softplus(-f).mean()),
    "least_squares": (lambda r, f: ((r - 1) ** 2).mean() + (f**2).mean(), lambda r, f: ((f - 1) ** 2).mean()),
    "hinge": (lambda r, f: np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(), lambda r, f: -f.mean()),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "relativistic": (lambda r, f: _softplus(f - r).mean(), lambda r, f: _softplus(r - f).mean()),
}
_PLAYERS = ("the discriminator's", "the generator's")


@leaves_random_numbers_alone
def six_losses(losses: Mapping[str, tuple[Callable, Callable]]) -> None:
    """`losses[name]` = (D's loss of (real, fake), G's loss of (fake, real)), six names. Chapter 02."""
    name = "six_losses"
    if not isinstance(losses, Mapping):
        fail(name, f"wanted a dictionary, got {type(losses).__name__}", "name → (discriminator, generator)")
    if missing := [loss for loss in _WANTED if loss not in losses]:
        fail(name, f"no loss is called {', '.join(missing)}", f"the names are {', '.join(_WANTED)}")
    batches = [(2 * random(9), 2 * random(9, seed=1)), (1e4 * random(6, seed=2), 1e4 * random(6, seed=3))]
    for loss, formulas in _WANTED.items():
        pair = losses[loss]
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(map(callable, pair))):
            fail(name, f"{loss} is no pair of functions", "(discriminator, generator)")
        for real, fake in batches:
            for player, (who, code, formula) in enumerate(zip(_PLAYERS, pair, formulas, strict=True)):
                what = f"{loss}: {who} loss"
                given = (real.clone(), fake.clone()) if player == 0 else (fake.clone(), real.clone())
                got = attempt(name, code, *given, where=f" in {loss}, {who}")
                is_tensor(name, got, (), what, "take the mean over the batch")
                want = _tensor(formula(*(logits.double().numpy() for logits in (real, fake))))
                mistakes = [(value, f"{what}: {says}") for value, says in _mistakes(loss, player, real, fake)]
                equals(
                    name, got, want, mistakes, f"{what} differs from its formula", "each term is a mean, terms added"
                )
    passed(name, "six pairs, on ordinary logits and on logits of 10,000, against NumPy in float64")


def _tensor(number: Any) -> Tensor:
    return torch.tensor(float(number))


def _mistakes(loss: str, player: int, real: Tensor, fake: Tensor) -> list[tuple[Tensor, str]]:
    """What the likeliest slips would give, none of them the right answer by chance."""
    r, f = real.double().numpy(), fake.double().numpy()
    right, other = _WANTED[loss][player], _WANTED[loss][1 - player]
    named = [
        (-right(r, f), "the sign is wrong; a loss is minimised"),
        (right(f, r), "real and fake have changed places"),
        (right(r, f) * len(r), "summed over the batch, wanted the mean"),
        (right(r, f) / 2, "the terms are averaged, wanted their sum"),
        (other(r, f), "that is the other player's loss"),
        (-_WANTED[loss][0](r, f), "that is the discriminator's whole loss with a minus"),
    ]
    named += [(pair[player](r, f), f"that is the {key} loss") for key, pair in _WANTED.items()]
    if loss == "hinge" and player == 0:
        named.append((np.maximum(0, 1 - r).mean() + np.maximum(0, 1 - f).mean(), "the fake margin is at −1: 1 + fake"))
    if loss == "hinge" and player == 1:
        named.append((np.maximum(0, 1 - f).mean(), "the generator has no margin and no relu"))
    if loss == "least_squares" and player == 0:
        named.append((((r - 1) ** 2).mean() + ((f + 1) ** 2).mean(), "the target of fake points is 0"))
    if loss == "least_squares" and player == 1:
        named.append(((f**2).mean(), "the generator's target is 1"))
    want = _tensor(right(r, f))
    return [(_tensor(value), says) for value, says in named if not close(_tensor(value), want)]
