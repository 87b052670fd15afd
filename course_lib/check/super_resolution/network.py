"""Check of chapter 06: a network that starts as bicubic enlargement and works at the small size."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.check.report import attempt, close, fail, is_tensor, leaves_random_numbers_alone, passed
from course_lib.check.super_resolution.correction import corrects, learns
from course_lib.errors import CheckFailed
from course_lib.images import resize


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
        asked, got = _looked_at(name, network, y, scale, where)
        sizes = [size for _, size in asked]
        _starts_as_bicubic(name, got, y, scale, where)
        if not sizes:
            fail(name, f"no convolution is asked{where}: nothing can be learned")
        if any(size != y.shape[2:] for size in sizes):
            fail(name, f"a convolution works at the size {tuple(max(sizes))}{where}", "all before pixel shuffle: small")
        _two_blocks(name, network, [conv for conv, _ in asked], where)
        learns(name, network, got, y, scale, where)
        corrects(name, network, scale, where)
    passed(name, "scales 2, 3, 4: bicubic at the start, convolutions small, it learns, every pixel in its place")


def _edges(n: int, height: int, width: int) -> Tensor:
    """Black and white: bicubic overshoots here, so that a clamp would show."""
    return (torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(1)) > 0.5).float()


def _looked_at(name: str, network: nn.Module, y: Tensor, scale: int, where: str) -> tuple[list, Any]:
    """Each convolution that is asked, with the size of what it is given; and the answer."""
    asked: list[tuple[nn.Module, torch.Size]] = []

    def note(module: nn.Module, given: tuple, _: Any) -> None:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            asked.append((module, given[0].shape[2:]))

    # Every module's, not only the network's own: a layer in a Python list does not belong to it.
    hook = nn.modules.module.register_module_forward_hook(note)
    try:
        return asked, attempt(name, network, y, where=where)
    except CheckFailed:
        if asked and asked[0][1] == (scale * y.shape[2], scale * y.shape[3]):
            fail(name, f"F is given the enlarged picture and enlarges it once more{where}", "F gets the small picture")
        raise
    finally:
        hook.remove()


def _two_blocks(name: str, network: nn.Module, asked: list[nn.Module], where: str) -> None:
    own = set(map(id, network.modules()))
    if any(id(conv) not in own for conv in asked):
        fail(
            name,
            f"a convolution is asked that is not part of the network{where}: an optimiser does not see its weights",
            "layers in a Python list stay hidden: nn.Sequential, or nn.ModuleList; and super().__init__() comes first",
        )
    if len(set(map(id, asked))) < len(asked):
        fail(
            name, f"one convolution is asked twice{where}: two blocks are wanted", "[block] * 2 is one block, two times"
        )


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
