"""Check of chapter 06: a loss in the features of a network, on a window of two pictures."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.check.evaluating.numbers import judge
from course_lib.check.probes import random
from course_lib.check.report import attempt, fail, leaves_random_numbers_alone, passed


@leaves_random_numbers_alone
def perceptual_loss(function: Callable) -> None:
    """`function(features, answer, original, top, left, size)` → mean over the maps of |difference|. Chapter 06."""
    name = "perceptual_loss"
    for n, top, left, size in ((2, 1, 3, 8), (1, 0, 4, 12)):
        eye = _Eye()
        answer, original = (0.5 + 0.3 * random(n, 3, 20, 24, seed=seed) for seed in (1, 2))
        answer.requires_grad_(), original.requires_grad_()
        got = attempt(name, function, eye, answer, original, top, left, size, where=f" at ({top}, {left})")
        where = f" (window at ({top}, {left}), {size}×{size})"
        want = _loss(eye, *(_window(x, top, left, size) for x in (answer, original)))
        hint = "cut the same window out of both; features of each; for each map the mean of |difference|; then the mean"
        wrong = _loss_mistakes(eye, answer.detach(), original.detach(), top, left, size)
        judge(name, got, want.item(), wrong, where, hint)
        _gradients(name, got, want, answer, original, where)
        _weights(name, got, want, eye, where)
    passed(name, "two windows: the mean over three maps; the gradient goes into the answer, not into the original")


class _Eye(nn.Module):
    """Three maps of unequal size, like a critic's."""

    def __init__(self) -> None:
        super().__init__()
        shapes = ((4, 3, 3, 3), (6, 4, 3, 3), (5, 6, 3, 3))
        self.weights = nn.ParameterList([0.3 * random(*shape, seed=i) for i, shape in enumerate(shapes)])

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for weight in self.weights:
            x = functional.conv2d(x.relu() if maps else x, weight, stride=2 if maps else 1, padding=1)
            maps.append(x)
        return maps


def _window(x: Tensor, top: int, left: int, size: int) -> Tensor:
    return x[..., top : top + size, left : left + size]


def _loss(eye: _Eye, one: Tensor, other: Tensor) -> Tensor:
    pairs = zip(eye(one), eye(other), strict=True)
    return torch.stack([(mine - wanted.detach()).abs().mean() for mine, wanted in pairs]).mean()


@torch.no_grad()
def _loss_mistakes(
    eye: _Eye, answer: Tensor, original: Tensor, top: int, left: int, size: int
) -> list[tuple[float, str]]:
    one, other = (_window(x, top, left, size) for x in (answer, original))
    maps = list(zip(eye(one), eye(other), strict=True))
    apart = [(a - b).abs() for a, b in maps]
    aligned = "the windows are not of the same place: features are compared that have nothing to do with each other"
    turned = _window(answer, left, top, size), _window(original, left, top, size)
    wrong = [
        (_loss(eye, one, _window(original, 0, 0, size)), aligned),
        (_loss(eye, _window(answer, 0, 0, size), other), aligned),
        (_loss(eye, one, _window(original, left, top, size)), aligned),
        (_loss(eye, *turned), "top and left are exchanged"),
        (_loss(eye, answer, original), "the whole pictures are compared, wanted the window"),
        (_whole_then_cut(eye, answer, original, top, left, size), "cut the pictures, not the maps: maps are smaller"),
        (torch.stack([d.mean() for d in apart]).sum(), "the sum over the maps, wanted their mean"),
        (torch.stack([d.sum() for d in apart]).sum(), "sums over all numbers: the largest map decides; wanted means"),
        (torch.cat([d.flatten() for d in apart]).mean(), "one mean over all numbers: the largest map decides"),
        (torch.stack([d.square().mean() for d in apart]).mean(), "squared differences, wanted absolute ones"),
        (apart[-1].mean(), "only the last map counts"),
        (apart[0].mean(), "only the first map counts"),
        *((_loss(eye, answer[cut], original[cut]), message) for cut, message in _ends(top, left, size)),
        ((one - other).abs().mean(), "pixels are compared, not features"),
        (torch.stack([(a - b).mean().abs() for a, b in maps]).mean(), "only each map's mean: errors cancel"),
        (torch.stack([(a - b).mean() for a, b in maps]).mean(), "without the absolute value errors cancel"),
    ]
    return [(value.item(), message) for value, message in wrong]


def _ends(top: int, left: int, size: int) -> list[tuple[tuple, str]]:
    at_size, open_end = ((..., slice(top, end), slice(left, end)) for end in (size, None))
    return [
        (at_size, "the window ends at `size`: wanted at top + size and left + size"),
        (open_end, "the window goes on to the picture's end: wanted up to top + size and left + size"),
    ]


def _whole_then_cut(eye: _Eye, answer: Tensor, original: Tensor, top: int, left: int, size: int) -> Tensor:
    both = [[_window(maps, top, left, size) for maps in eye(x)] for x in (answer, original)]
    return torch.stack([(a - b).abs().mean() for a, b in zip(*both, strict=True)]).mean()


def _gradients(name: str, got: Tensor, want: Tensor, answer: Tensor, original: Tensor, where: str) -> None:
    if not isinstance(got, Tensor) or not got.requires_grad:
        fail(name, f"the loss carries no gradient{where}", "no .item(), and no no_grad around the answer's features")
    mine, target = torch.autograd.grad(got, [answer, original], allow_unused=True, retain_graph=True)
    (wanted,) = torch.autograd.grad(want, [answer], retain_graph=True)
    if target is not None and target.abs().max() > 0:
        if mine is None or not mine.any():
            fail(name, "the gradient goes into the original only: the answer's features are detached")
        fail(name, f"a gradient goes into the original, too{where}", "the target is a constant: .detach() its features")
    if mine is None or not torch.allclose(mine, wanted, atol=1e-6):
        fail(name, f"the answer gets no gradient, or a wrong one{where}", "detach the original's features only")


def _weights(name: str, got: Tensor, want: Tensor, eye: _Eye, where: str) -> None:
    """A detached picture is not enough: its maps still depend on the features' own weights."""
    weights = [w for w in eye.weights if w.requires_grad]
    if not weights:
        return
    wanted = torch.autograd.grad(want, weights)
    found = torch.autograd.grad(got, weights, allow_unused=True)
    if not all(
        mine is not None and torch.allclose(mine, w, rtol=1e-4, atol=1e-5)
        for mine, w in zip(found, wanted, strict=True)
    ):
        fail(
            name,
            f"the features' own weights get a gradient through the original's maps{where}",
            "detach the maps, not the picture: features(…) first, then .detach(), or all of it under no_grad",
        )
