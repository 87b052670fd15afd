"""Check of chapter 05: a network that predicts the noise, starts by doing nothing, and has the right loss."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.check.evaluating.numbers import judge
from course_lib.check.probes import random
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed

ROUNDED = "the answer is rounded: in training that stops gradients; round when you measure"
FORWARD, LOSS = "clean = noisy − what the branch says is noise", "the branch's answer to x + n, against n"


def _branch(channels: int, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    first, last = nn.Conv2d(channels, 8, 3, padding=1), nn.Conv2d(8, channels, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), last)


@leaves_random_numbers_alone
def noise_predictor(made: Callable) -> None:
    """`made(branch)` → a module: (y) → y − branch(y), y itself at first; and `.loss(x, n)`. Chapter 05."""
    name = "noise_predictor"
    for channels, seed in ((3, 1), (1, 2)):
        branch = _branch(channels, seed)
        before = copy.deepcopy(branch)
        y = 0.5 + 0.4 * random(2, channels, 10, 13, seed=seed)
        model = attempt(name, made, branch)
        if not isinstance(model, nn.Module):
            fail(name, f"got a {type(model).__name__}, wanted a module", "class NoisePredictor(nn.Module)")
        if not list(model.parameters()):
            fail(name, "the module has no parameters: an optimiser would find nothing", "self.branch = branch")
        _begins(name, model, before, y)
        trained = copy.deepcopy(before)
        if sorted(w.shape for w in model.parameters()) != sorted(w.shape for w in trained.parameters()):
            fail(
                name, "the module has other weights than its branch", "self.branch = branch, and nothing else to learn"
            )
        for weight in (*model.parameters(), *trained.parameters()):
            with torch.no_grad():  # the same numbers for the same shape, wherever the module keeps it
                weight.copy_(0.2 * random(*weight.shape, seed=weight.ndim + len(weight)))
        answer = attempt(name, model, y, where=" after training")
        _forward(name, answer, y, trained)
        if not answer.requires_grad:
            fail(name, "the answer of forward carries no gradient", "no .detach(), no torch.no_grad() in forward")
        _loss(name, model, trained, 0.5 + 0.4 * random(*y.shape, seed=9), 0.3 * random(*y.shape, seed=10))
    passed(
        name, "in colour and grey: the noisy picture at step 0, bit for bit; y − branch(y); the loss and its gradient"
    )


def _begins(name: str, model: nn.Module, before: nn.Sequential, y: Tensor) -> None:
    given = y.clone()
    got = attempt(name, model, given, where=" before training")
    is_tensor(name, got, y.shape)
    if not torch.equal(given, y):
        fail(name, "the module changes the picture it was given", "write y - …, not y -= …")
    if not torch.equal(got, y):
        bias = before[-1].bias.detach().view(-1, 1, 1)
        with torch.no_grad():
            mistakes = [
                (torch.zeros_like(y), "an untrained network gives black: y − branch(y), not the branch alone"),
                (-y, "an untrained network gives the negative: y − branch(y), not branch(y) − y"),
                (y - bias, "the last layer's bias is not zero: at step 0 the picture is shifted"),
                (y + bias, "the last layer's bias is not zero: at step 0 the picture is shifted"),
                (y - before(y), "the last layer is not zero: step 0 should give the noisy picture back"),
                (y + before(y), "the last layer is not zero: step 0 should give the noisy picture back"),
                ((y.clamp(0, 1) * 255).round() / 255, ROUNDED),
                ((y * 255).round() / 255, ROUNDED),
                (y.clamp(0, 1), "the picture is clamped: in training that stops gradients; clamp when you measure"),
            ]
        for wrong, message in mistakes:
            if close(got, wrong, 1e-6):
                fail(name, message)
        hint = "set weight and bias of the last convolution to 0"
        fail(name, "an untrained network does not give the noisy picture back, bit for bit", hint)
    weights = list(model.parameters())
    if not any(w.abs().max() > 0 for w in weights):
        fail(name, "every layer is zero: then every gradient is zero, and it never learns", "the last layer only")
    for began in before[0].parameters():  # wherever the module keeps it, and under whatever name
        same = [w for w in weights if w.shape == began.shape]
        if same and not any(torch.equal(w, began) for w in same):
            how = "zero" if not same[0].any() else "new"
            fail(name, f"numbers of the other layers are {how}: only the last layer is changed", "branch[-1]")
    if not all(w.requires_grad for w in model.parameters()):
        fail(name, "some weights are frozen: zero is where the last layer starts, not where it stays")


def _forward(name: str, got: Any, y: Tensor, branch: nn.Module) -> None:
    with torch.no_grad():
        noise = branch(y)
    mistakes = [
        (y + noise, "the branch's noise is added: subtract it"),
        (noise, "that is the noise: return the clean picture, y − noise"),
        (noise - y, "the sign is turned: y − noise"),
        (y, "the network does not use its branch"),
        ((y - noise).clamp(0, 1), "the answer is clamped: in training that stops gradients; clamp when you measure"),
    ]
    equals(name, got, y - noise, mistakes, "the answer is not y − branch(y)", FORWARD)


def _loss(name: str, model: nn.Module, branch: nn.Module, x: Tensor, n: Tensor) -> None:
    value = attempt(name, _method(name, model), x.clone(), n.clone(), where=" in loss(x, n)")
    said, off = branch(x + n), branch(x)
    wanted = (said - n).square().mean()
    mistakes = [
        (
            (said - x).square().mean(),
            "noise and picture are confused: compare branch(x + n) with n, or self(x + n) with x",
        ),
        ((said + n).square().mean(), "the sign of the target: the branch says n, not −n"),
        (said.square().mean(), "the target is the noisy picture: the branch would learn to answer 0"),
        (off.square().mean(), "the network is given the clean picture: it must look at x + n"),
        ((n - x - branch(n)).square().mean(), "the network is given the noise alone: it must look at x + n"),
        ((branch((x + n).clamp(0, 1)) - n).square().mean(), "the noisy picture is clipped before the network sees it"),
        ((branch(x - n) - n).square().mean(), "the noise is taken off the picture: y = x + n"),
        (wanted / 2, "half the mean: leave the ½ out"),
        (wanted * n[0].numel(), "the squares of a picture are added up: wanted the mean over all numbers"),
        ((said - x - n).square().mean(), "the target is the noisy picture: the best answer would be black"),
        ((off - n).square().mean(), "the network is given the clean picture: it must look at x + n"),
        ((branch(n) - n).square().mean(), "the network is given the noise alone: it must look at x + n"),
        ((x + n - off - x).square().mean(), "the network is given the clean picture: it must look at x + n"),
        ((said - n).abs().mean(), "absolute differences: their best answer is a median, not the mean"),
        ((said - n).square().sum(), "the sum of the squares, wanted their mean"),
        ((said - n).square().mean().sqrt(), "the root of the mean: leave it out"),
        ((said - n).mean(), "the square is missing: errors of opposite sign cancel"),
        (((x + n - said).clamp(0, 1) - x).square().mean(), "the answer is clamped before it is compared"),
    ]
    judge(name, value, wanted.item(), [(one.item(), text) for one, text in mistakes], " (loss)", LOSS)
    if not isinstance(value, Tensor) or not value.requires_grad:
        fail(name, "no gradient comes out of the loss", "return a tensor; no .item(), .detach() or torch.no_grad()")
    _gradient(name, value, wanted, model, branch)


def _gradient(name: str, value: Tensor, wanted: Tensor, model: nn.Module, branch: nn.Module) -> None:
    weights, wanted_weights = (sorted(net.parameters(), key=lambda w: w.shape) for net in (model, branch))
    if any(w.grad is not None for w in weights):
        fail(name, "loss(x, n) calls backward itself", "return the loss; whoever trains calls backward, once")
    gradients = torch.autograd.grad(value, weights, allow_unused=True)
    wanted_gradients = torch.autograd.grad(wanted, wanted_weights)
    for mine, theirs in zip(gradients, wanted_gradients, strict=True):
        if mine is None:
            fail(name, "the loss gives some weights no gradient", "no .detach(), no torch.no_grad()")
        equals(name, mine, theirs, otherwise="the loss is right, but not its gradient", hint=LOSS, tolerance=1e-4)


def _method(name: str, model: nn.Module) -> Callable:
    if not callable(getattr(model, "loss", None)):
        fail(name, "the module has no method `loss`", "def loss(self, x, n): …")
    return model.loss
