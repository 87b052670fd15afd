"""The check of chapter 02's Dirac-GAN: one simultaneous step, and where a hundred of them lead."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, sigmoid

from course_lib.check.probes import random
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed


@leaves_random_numbers_alone
def dirac_step(function: Callable) -> None:
    """`function(theta, psi, rate, gamma)` → both after one simultaneous step, Wasserstein loss with R1. Chapter 02."""
    name = "dirac_step"
    theta, psi = 2 * random(4, seed=1).double(), 2 * random(4, seed=2).double()
    for rate, gamma in ((0.2, 0.5), (0.05, 3.0), (0.1, 0.0)):
        where = f" for rate = {rate}, gamma = {gamma}"
        given = theta.clone(), psi.clone()
        got = attempt(name, function, *given, rate, gamma, where=where)
        if not (torch.equal(given[0], theta) and torch.equal(given[1], psi)):
            fail(name, "your function changes the theta or psi it was given", "theta + …, not theta += …")
        if not (isinstance(got, tuple | list) and len(got) == 2):
            fail(name, f"wanted two tensors, got {type(got).__name__}", "return theta, psi, after the step")
        for part, who in zip(got, ("theta", "psi"), strict=True):
            is_tensor(name, part, theta.shape, f"{who} after the step")
        h, up, down = rate, theta + rate * psi, psi - rate * (theta + gamma * psi)
        if close(got[0], down) and close(got[1], up):
            fail(name, "theta and psi have changed places", "return theta, psi")
        of_theta = [
            (theta - h * psi, "theta runs the wrong way: the generator minimises −ψθ"),
            (theta + h * down, "psi steps first, and theta uses the new psi: both take the old values"),
            (theta + h * psi * sigmoid(-psi * theta), "theta follows the non-saturating loss: −ψθ is wanted"),
            (theta + h * (psi - gamma * theta), "the penalty acts on theta: R1 is the discriminator's"),
            (theta, "theta stays where it is"),
        ]  # fmt: skip
        hint = "∂L_G/∂θ = −ψ. For ψ, differentiate ψθ + γ/2·ψ²"
        equals(name, got[0], up, of_theta, f"theta is wrong{where}", hint)
        of_psi = [
            (psi - h * (up + gamma * psi), "theta steps first, and psi uses the new theta: both take the old values"),
            (psi + h * (theta - gamma * psi), "psi runs the wrong way: the discriminator minimises ψθ"),
            (psi - h * (theta - gamma * psi), "the penalty drives psi away from 0: its sign is wrong"),
            (psi + h * (theta + gamma * psi), "psi climbs its loss: the sign is wrong"),
            (psi - h * theta, "the penalty is missing: gamma is not used"),
            (psi - h * (theta + gamma * psi.square()), "the derivative of ψ² is not ψ²"),
            (psi - h * (theta + gamma / 2 * psi.square()), "the penalty itself was added: its derivative is wanted"),
            (psi - h * (theta + 2 * gamma * psi), "the penalty pulls twice too hard: it has a factor ½"),
            (psi - h * (theta + gamma / 2 * psi), "the penalty pulls half as hard as it should: (ψ²)′ = 2ψ"),
            (psi - h * (theta + gamma * theta), "the penalty pulls by θ: but the slope of D is ψ"),
            (psi - h * theta - gamma * psi, "the rate is missing on the penalty"),
            (psi - h * (sigmoid(psi * theta) * theta + gamma * psi), "psi follows the cross-entropy: ψθ is wanted"),
            (psi, "psi stays where it is"),
        ]  # fmt: skip
        equals(name, got[1], down, of_psi, f"psi is wrong{where}", hint)
        _long_run(name, function, theta, psi, rate, gamma)
    passed(name, "four games, three settings, each also for 100 steps against the power of a 2×2 matrix")


def _long_run(name: str, function: Callable, theta: Tensor, psi: Tensor, rate: float, gamma: float) -> None:
    step = np.array([[1, rate], [-rate, 1 - rate * gamma]])
    want = torch.tensor(np.linalg.matrix_power(step, 100) @ torch.stack([theta, psi]).numpy())
    for _ in range(100):
        theta, psi = attempt(name, function, theta, psi, rate, gamma)
    equals(name, torch.stack([theta, psi]), want, otherwise="after 100 steps the game is somewhere else")
