"""Check of chapter 05: the best guess of a pixel, E[x|y], where the possible values are few."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.special import softmax
from scipy.stats import norm
from torch import Tensor

from course_lib.check.evaluating.numbers import untouched
from course_lib.check.probes import random
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed

HINT = "weights = shares · exp(−(y − value)² / 2σ²); divide by their sum; then the weighted mean of the values"


@leaves_random_numbers_alone
def best_guess(function: Callable) -> None:
    """`function(y, values, shares, sigma)` → E[x|y], against SciPy's densities. Chapter 05."""
    name = "best_guess"
    cases = {
        "four values, much noise": ([0.0, 0.2, 0.5, 1.0], [0.1, 0.2, 0.3, 0.4], 1.5),
        "three values, unequally frequent": ([0.1, 0.4, 0.9], [0.6, 0.3, 0.1], 0.2),
        "two values, equally frequent": ([0.0, 1.0], [0.5, 0.5], 0.3),
        "two values, very little noise": ([0.2, 0.8], [0.3, 0.7], 0.004),
        "one value": ([0.4], [1.0], 0.1),
    }
    for where, (values, shares, sigma) in cases.items():
        v, p = torch.tensor(values).double(), torch.tensor(shares).double()
        y = 0.5 + 0.6 * random(11, seed=len(values)).double()
        if sigma < 0.01:
            y = y[(y - v.mean()).abs() > 0.05]
        given = y.clone(), v.clone(), p.clone()
        got = attempt(name, function, *given, sigma, where=f" on {where}")
        untouched(name, given, (y, v, p), "numbers")
        got = torch.from_numpy(got) if isinstance(got, np.ndarray) else got
        is_tensor(name, got, y.shape)
        want = _guess(y, v, p, sigma)
        if not torch.isfinite(got).all() and sigma < 0.01:
            hint = "take the exponents first, then torch.softmax over the values: it takes the largest one off"
            fail(name, "0/0: with little noise every weight is rounded to 0", hint)
        if sigma < 0.01:
            _not_hidden(name, got, want, _table(y, v, p, sigma).sum(1) == 0)
        mistakes = [(wrong, text) for wrong, text in _mistakes(y, v, p, sigma) if not close(wrong, want, 1e-6)]
        equals(name, got, want, mistakes, f"not E[x|y] for {where}", HINT, 1e-6)
    passed(name, "one to four values, little and much noise: equal to Bayes' rule with SciPy's normal density")


def _table(y: Tensor, values: Tensor, shares: Tensor, sigma: float) -> Tensor:
    """The weights as the formula has them, before they are divided."""
    return shares * torch.exp(-((y[:, None] - values) ** 2) / (2 * sigma**2))


def _not_hidden(name: str, got: Tensor, want: Tensor, rounded: Tensor) -> None:
    """Cases with more noise were right before: what is wrong here, where all weights are 0, comes from 0/0."""
    if not close(got[rounded], want[rounded], 1e-6):
        text = "0/0 is hidden, not mended: where every weight is rounded to 0, the answer is wrong"
        fail(name, text, "no small number below the line and no nan_to_num: torch.softmax of the exponents")


def _guess(y: Tensor, values: Tensor, shares: Tensor, sigma: float, power: float = 1.0) -> Tensor:
    logs = norm.logpdf(y[:, None].numpy(), values.numpy(), sigma) * power + np.log(shares.numpy())
    return torch.from_numpy(softmax(logs, axis=1)) @ values


def _mistakes(y: Tensor, values: Tensor, shares: Tensor, sigma: float) -> list[tuple[Tensor, str]]:
    even = torch.full_like(shares, 1 / len(shares))
    want = _guess(y, values, shares, sigma)
    distance = (y[:, None] - values).abs()
    weights, squares = _table(y, values, shares, sigma), -(distance**2) / (2 * sigma**2)
    posterior = torch.softmax(shares.log() + squares, 1)
    likeliest = values[torch.from_numpy(norm.logpdf(distance.numpy(), 0, sigma) + np.log(shares.numpy())).argmax(1)]
    laplace = torch.from_numpy(softmax((-distance / sigma + shares.log()).numpy(), axis=1)) @ values
    return [
        (torch.softmax(shares.log() + squares, 0) @ values, "the softmax runs over the pixels: over the values, dim=1"),
        (torch.softmax(shares + squares, 1) @ values, "the shares' logarithm is missing: log p − (y − value)² / 2σ²"),
        (torch.softmax(shares.log() - squares, 1) @ values, "the sign: a value far from y weighs little, exp(−…)"),
        ((torch.softmax(squares, 1) * shares) @ values, "the weights do not add up to 1: put the shares in before"),
        ((posterior * values).mean(1), "the weighted values are averaged: add them up"),
        (likeliest, "the likeliest value: wanted the mean, which squared error asks for"),
        (values[distance.argmin(1)], "the nearest value: wanted the mean, which squared error asks for"),
        (_guess(y, values, even, sigma), "the shares do not enter: how frequent is each value before you look?"),
        (_guess(y, values, shares, sigma**0.5), "σ for σ²: exp(−(y − value)² / 2σ²)"),
        (_guess(y, values, shares, 2**0.5 * sigma), "(2σ)² for 2σ²"),
        (_guess(y, values, shares, sigma, 2), "the 2 in 2σ² is missing"),
        (_guess(y, values, shares, sigma**2), "σ⁴ for σ²: exp(−(y − value)² / 2σ²)"),
        (_guess(y, values, shares, 1.0), "sigma does not enter"),
        (y - want, "that is E[n|y], the noise: wanted the clean value"),
        (want - y, "that is the correction E[x|y] − y: wanted the clean value"),
        (weights @ values, "the weights do not add up to 1: divide by their sum"),
        ((weights @ values) / (sigma * (2 * torch.pi) ** 0.5), "the weights do not add up to 1: divide by their sum"),
        ((shares @ values).expand_as(y), "the mean of the values, whatever y is"),
        (laplace, "the distance is not squared"),
        (y.clone(), "y comes back as it is"),
    ]
