"""Check of chapter 05: a network whose biases are gone for good."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.check.probes import random
from course_lib.check.report import attempt, close, equals, fail, leaves_random_numbers_alone, passed

HINT = "go through network.modules(); wherever a layer has a bias, set it to None"


class _Sum(nn.Module):
    """A residual block as anybody might write it."""

    def __init__(self, branch: nn.Module):
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def _networks() -> dict[str, nn.Module]:
    def conv(inputs: int, outputs: int, **more: Any) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, 3, padding=1, **more)

    chain = nn.Sequential(conv(3, 6), nn.ReLU(), conv(6, 3))
    nested = nn.Sequential(conv(3, 6), _Sum(nn.Sequential(conv(6, 6), nn.ReLU(), conv(6, 6, bias=False))), conv(6, 3))
    shuffled = nn.Sequential(nn.PixelUnshuffle(2), conv(12, 8), nn.LeakyReLU(0.1), conv(8, 12), nn.PixelShuffle(2))
    pixelwise = nn.Sequential(nn.Linear(10, 7), nn.ReLU(), nn.Linear(7, 10))
    up = nn.Sequential(nn.Conv2d(3, 4, 2, stride=2), nn.ReLU(), nn.ConvTranspose2d(4, 3, 2, stride=2))
    return {
        "a chain": chain,
        "blocks within blocks": nested,
        "a folded network": shuffled,
        "linear layers": pixelwise,
        "a transposed convolution": up,
    }


@leaves_random_numbers_alone
def without_bias(function: Callable) -> None:
    """`function(network)` → it, or a copy, without any bias: f(αy) = αf(y), and so after a step. Chapter 05."""
    name = "without_bias"
    torch.manual_seed(0)
    for where, network in _networks().items():
        _one(name, function, where, network)
    passed(
        name, "five networks, nested ones too: f(αy) = αf(y), the weights as they were, and so after a training step"
    )


def _one(name: str, function: Callable, where: str, network: nn.Module) -> None:
    original, bare = copy.deepcopy(network), copy.deepcopy(network)
    for layer in bare.modules():
        if getattr(layer, "bias", None) is not None:
            layer.bias = None
    y = random(2, 3, 8, 10, seed=3)
    got = attempt(name, function, network, where=f" on {where}")
    if not isinstance(got, nn.Module):
        fail(name, f"got a {type(got).__name__}, wanted the network", "return it at the end")
    answer = attempt(name, got, y, where=f" (in the network you returned, on {where})")
    first_only, last_only, own_children = (copy.deepcopy(original) for _ in range(3))
    layers = [[m for m in net.modules() if getattr(m, "bias", None) is not None] for net in (first_only, last_only)]
    layers[0][0].bias = layers[1][-1].bias = None
    for child in own_children.children():
        if getattr(child, "bias", None) is not None:
            child.bias = None
    with torch.no_grad():
        mistakes = []
        unchanged = [
            (original(y), "nothing has changed: the biases are still there"),
            (first_only(y), "only the first layer has lost its bias"),
            (last_only(y), "only the last layer has lost its bias"),
            (own_children(y), "blocks within the network keep their biases: modules(), not children()"),
            (torch.zeros_like(y), "the weights are gone as well: only biases"),
        ]
        kinds = {nn.Linear: "linear layers", nn.ConvTranspose2d: "transposed convolutions"}
        for kind, called in kinds.items():
            kept = copy.deepcopy(original)
            for layer in kept.modules():
                if not isinstance(layer, kind) and getattr(layer, "bias", None) is not None:
                    layer.bias = None
            mistakes.append((kept(y), f"{called} keep their biases"))
        mistakes += unchanged
        wanted = bare(y)
    mistakes = [(wrong, text) for wrong, text in mistakes if not close(wrong, wanted)]
    kept, had = ([w for w in net.parameters() if w.ndim > 1] for net in (got, original))
    if not any(close(answer, known) for known in (wanted, *(wrong for wrong, _ in mistakes))):
        lost = [w for w in had if not any(torch.equal(w, other) for other in kept)]
        if lost:
            fail(name, f"the weights are not what they were, on {where}: only the biases go", HINT)
    if not all(w.requires_grad for w in kept) and any(w.requires_grad for w in kept):
        fail(name, f"some weights are frozen, on {where}: they go on learning, only the biases go", HINT)
    equals(name, answer, wanted, mistakes, f"not the same network without its biases, on {where}", HINT)
    _stays(name, got, y, where)


def _stays(name: str, got: nn.Module, y: Tensor, where: str) -> None:
    learnable = [w for w in got.parameters() if w.requires_grad]
    if not learnable:
        fail(name, "nothing is left to learn: the weights must stay parameters", HINT)
    got.train()
    (got(y) - y.flip(-1) - 1).square().mean().backward()
    with torch.no_grad():
        for weight in learnable:  # torch.optim takes seconds to import
            if weight.grad is not None:
                weight -= 0.05 * weight.grad
        for factor in (0.25, 3.0):
            if not close(got(factor * y), factor * got(y), 1e-4):
                again = "the biases are zero but can still learn: one training step brings them back"
                fail(name, f"{again} ({where})", "a bias that is None is no parameter")
