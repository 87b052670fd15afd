"""Inputs that checks try, and what every block must keep to: leave x alone, and pass gradients on."""

import torch
from torch import Tensor, nn

from course_lib.check.report import close, fail


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def branch_module(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    torch.manual_seed(inputs + outputs)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.Tanh(), nn.Conv2d(outputs, outputs, 1))


def untouched(name: str, x: Tensor, before: Tensor) -> None:
    if not torch.equal(x, before):
        fail(name, "the block changes the x it was given", "write x + …, not x += …: others still need x")


def same_gradients(name: str, got: Tensor, want: Tensor, sources: dict[str, Tensor], hint: str) -> None:
    """A cross unless every source gets the reference's gradient."""
    above = random(*want.shape, seed=7)
    wanted = torch.autograd.grad(want, list(sources.values()), above)
    found = [None] * len(wanted)
    if got.requires_grad:
        found = torch.autograd.grad(got, list(sources.values()), above.to(got), allow_unused=True)
    for who, mine, theirs in zip(sources, found, wanted, strict=True):
        if mine is None or not close(mine.reshape(theirs.shape), theirs):
            fail(name, f"{who} gets no gradient, or a wrong one", hint)
