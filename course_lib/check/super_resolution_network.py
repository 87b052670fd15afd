"""Check of chapter 06: a network that starts as bicubic enlargement, works small, and knows where its pixels go."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.check.report import attempt, close, fail, is_tensor, leaves_random_numbers_alone, passed
from course_lib.degradations import resize

FAR = 30  # pixels: farther than any stack of a few 3×3 convolutions looks


@leaves_random_numbers_alone
def enlarger(function: Callable) -> None:
    """`function(scale)` → a network N×3×H×W → N×3×(s·H)×(s·W), at the start bicubic. Chapter 06."""
    name = "enlarger"
    for scale in (2, 3, 4):
        torch.manual_seed(scale)
        network = attempt(name, function, scale, where=f" at scale {scale}")
        if not isinstance(network, nn.Module):
            fail(name, f"got a {type(network).__name__}, wanted a network", "return the nn.Module")
        where, y = f" (scale {scale})", _edges(2, 9, 14)
        norms = [type(m).__name__ for m in network.modules() if "Norm" in type(m).__name__]
        if norms:
            fail(name, f"{norms[0]} is in it{where}: a norm forgets how bright a picture was", "blocks without norm")
        sizes, got = _looked_at(name, network, y, where)
        _starts_as_bicubic(name, got, y, scale, where)
        if not sizes:
            fail(name, f"no convolution is asked{where}: nothing can be learned")
        if any(size != y.shape[2:] for size in sizes):
            fail(name, f"a convolution works at the size {tuple(max(sizes))}{where}", "all before pixel shuffle: small")
        _learns(name, network, got, scale, where)
        _local(name, network, scale, where)
    passed(name, "scales 2, 3, 4: bicubic at the start, all convolutions small, gradients, every pixel in its place")


def _edges(n: int, height: int, width: int) -> Tensor:
    """Black and white: bicubic overshoots here, so that a clamp would show."""
    return (torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(1)) > 0.5).float()


def _looked_at(name: str, network: nn.Module, y: Tensor, where: str) -> tuple[list[torch.Size], Any]:
    """The sizes of what its convolutions are given, and the answer."""
    sizes: list[torch.Size] = []
    hooks = [
        m.register_forward_hook(lambda _, given, __: sizes.append(given[0].shape[2:]))
        for m in network.modules()
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]
    try:
        return sizes, attempt(name, network, y, where=where)
    finally:
        for hook in hooks:
            hook.remove()


def _starts_as_bicubic(name: str, got: Any, y: Tensor, scale: int, where: str) -> None:
    wanted = (len(y), 3, scale * y.shape[2], scale * y.shape[3])
    if isinstance(got, Tensor) and got.shape[2:] == (scale * wanted[2], scale * wanted[3]):
        fail(name, f"the answer is {scale} times too large{where}: enlarged twice", "the branch gets the small picture")
    is_tensor(name, got, wanted, f"the answer{where}")
    bicubic = resize(y, scale)
    if close(got, bicubic, 1e-4):
        return
    for mode in ("nearest", "bilinear", "bicubic"):
        corners = {} if mode == "nearest" else {"align_corners": False}
        if close(got, functional.interpolate(y, scale_factor=scale, mode=mode, **corners), 1e-4):
            other = "torch's bicubic, with a = −3/4" if mode == "bicubic" else mode
            fail(name, f"at the start it is another enlargement: {other}{where}", "use `Enlarge`, or `resize`")
    if close(got, torch.zeros_like(got), 1e-4):
        fail(name, f"at the start the answer is 0{where}: the bicubic picture is not added", "y = S(x) + F(x)")
    if close(got, bicubic.clamp(0, 1), 1e-4):
        fail(name, f"the answer is clamped{where}: where it is, no gradient comes back", "clamp when you save")
    if close(got, 2 * bicubic, 1e-4):
        fail(name, f"at the start it is twice the bicubic picture{where}: the shortcut stands there twice")
    fail(name, f"at the start it is not bicubic enlargement{where}", "the tail's weights and bias must be zero")


def _learns(name: str, network: nn.Module, got: Tensor, scale: int, where: str) -> None:
    if not got.requires_grad:
        fail(name, f"no gradient comes back{where}", "no .detach(), no no_grad: the correction is to be learned")
    gradients = torch.autograd.grad(got.square().sum(), list(network.parameters()), allow_unused=True)
    if not any(g is not None and g.abs().max() > 0 for g in gradients):
        fail(
            name, f"all gradients are zero{where}: it stays bicubic for ever", "zero the last layer, and only that one"
        )
    tails = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.out_channels == 3 * scale**2]
    tail_weights = {id(m.weight) for m in tails}
    moved = [g for p, g in zip(network.parameters(), gradients, strict=True) if id(p) in tail_weights]
    if tails and not any(g is not None and g.abs().max() > 0 for g in moved):
        fail(name, f"the tail's weights get no gradient{where}", "is the head zero, too? Then the tail sees only zeros")


@torch.no_grad()
def _local(name: str, network: nn.Module, scale: int, where: str) -> None:
    """With other weights: one pixel of the small picture moves only pixels of the answer near its own place."""
    dice = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        weight.copy_(0.1 * torch.randn(weight.shape, generator=dice))
    y = torch.rand(1, 3, 80, 72, generator=dice)
    moved = y.clone()
    moved[..., 40, 36] += 1
    change = (network(moved) - network(y)).abs().sum((0, 1))
    rows, columns = torch.nonzero(change > 1e-6, as_tuple=True)
    if not len(rows):
        fail(name, f"one pixel of the small picture changes nothing{where}")
    centre = torch.tensor([40.5 * scale, 36.5 * scale])
    places = torch.stack([rows, columns], 1) + 0.5
    if (places - centre).abs().max() > FAR * scale:
        fail(
            name,
            f"one pixel of the small picture changes the answer in far places{where}: misfiled",
            "nn.PixelShuffle brings channels to their places; reshape or view does not",
        )
    correction = (network(moved) - network(y)) - (resize(moved, scale) - resize(y, scale))
    if correction.abs().max() < 1e-6:
        fail(name, f"with other weights it is still bicubic{where}: the correction is not added")
