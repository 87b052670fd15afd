"""A discriminator whose slope is known everywhere, for checks of chapter 02, and what a penalty must keep to."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from course_lib.check.probes import random
from course_lib.check.report import attempt, close, fail, is_tensor
from course_lib.errors import CheckFailed

# What torch says when a slope is asked for in a way that cannot be, and what it means here.
SLIPS = (
    (
        "only for scalar outputs",
        "the gradient of a whole batch of logits was asked for at once",
        "grad(logits.sum(), x): a gradient is that of one number",
    ),
    (
        "not have been used in the graph",
        "the logits do not depend on the batch whose gradient you ask for",
        "ask the discriminator about x itself, the batch that asks for a gradient",
    ),
)
GRAPH = "create_graph=True records how the slope depends on the weights"


class Bowl(nn.Module):
    """D(x) = ½ Σ curve·x² + tilt·x, so its slope is curve·x + tilt. Notes the points where it is asked."""

    def __init__(self, shape: Sequence[int], steep: float, flat: bool):
        super().__init__()
        self.curve, self.tilt = (nn.Parameter(steep * random(*shape, seed=seed)) for seed in (3, 4))
        self.flat, self.asked = flat, []

    def forward(self, x: Tensor) -> Tensor:
        self.asked.append(x.detach().clone())
        return (self.curve * x.square() / 2 + self.tilt * x).flatten(1).sum(1, keepdim=not self.flat)

    def slopes(self, x: Tensor) -> Tensor:
        return self.curve * x.detach() + self.tilt


@contextmanager
def _noting_graphs() -> Iterator[list[bool]]:
    """Whether each call of torch.autograd.grad meanwhile asked for create_graph."""
    grad, asked = torch.autograd.grad, []

    def note(*arguments: Any, **named: Any) -> Any:
        asked.append(bool(named.get("create_graph", arguments[4] if len(arguments) > 4 else False)))
        return grad(*arguments, **named)

    with patch.object(torch.autograd, "grad", note):
        yield asked


def run(name: str, function: Callable, bowl: Bowl, real: Tensor, fake: Tensor, *rest: Any, where: str) -> tuple:
    """(penalty, what create_graph was); a cross if it is no scalar, or if pictures or weights were changed."""
    given = real.clone()
    try:
        with _noting_graphs() as graphs:
            got = attempt(name, function, bowl, given, fake, *rest, where=where)
    except CheckFailed as cross:
        for words, wrong, hint in SLIPS:
            if words in str(cross):
                fail(name, wrong, hint)
        raise
    is_tensor(name, got, (), f"the penalty{where}", "one number for the whole batch: .mean() at the end")
    if not torch.equal(given, real):
        fail(name, "your function changes the real pictures", "work on a new tensor, not in place")
    if given.requires_grad:
        fail(name, "the real pictures you were given now ask for gradients", "real.detach().requires_grad_() is yours")
    if any(parameter.grad is not None for parameter in bowl.parameters()):
        hint = "torch.autograd.grad gives gradients without storing any"
        fail(name, "the discriminator's weights now hold gradients", hint)
    return got, graphs


def trains(name: str, got: Tensor, want: Tensor, bowl: Bowl, noise: Tensor, graphs: list[bool], part: Tensor) -> None:
    """A cross unless the weights feel the penalty and the noise does not. `part` is `want`, one half of it constant."""
    if not got.requires_grad:
        if graphs and all(graphs):
            fail(
                name, "the penalty is detached: a constant that trains nothing", "no .detach(), .data or .item() after"
            )
        fail(name, "the penalty is a constant: no weight would feel it", GRAPH)
    weights = list(bowl.parameters())
    found = torch.autograd.grad(got, [*weights, noise], allow_unused=True, materialize_grads=True)
    wanted, halves = (torch.autograd.grad(value, weights, retain_graph=True) for value in (want, part))
    if found[-1].any():
        fail(name, "the penalty pulls at the generator: its pictures get a gradient", "fake.detach() first")
    for mine, right, half in zip(found, wanted, halves, strict=False):
        if not close(mine, right) and close(mine, half):
            fail(name, "one of the two slopes is a constant for the weights", f"{GRAPH}, for both")
        if not close(mine, right):
            fail(name, "the weights get a wrong gradient from the penalty", f"is a part of it detached? {GRAPH}")
