"""How a check speaks: a tick that says what was tried, or what is wrong and a hint at why.

A check compares the learner's object with an independent reference on several inputs. Where the answer is wrong, it is
also compared with what well-known mistakes would give: a match names the mistake.
"""

import traceback
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from course_lib.errors import CheckFailed, CourseError


def passed(name: str, tried: str) -> None:
    """Print the tick, and what it stands for."""
    print(f"✓ {name}: {tried}")


def fail(name: str, wrong: str, hint: str = "") -> None:
    """Raise the cross: what is wrong, and a hint at why."""
    raise CheckFailed(f"✗ {name}: {wrong}" + (f"\n  Hint: {hint}" if hint else ""))


def leaves_random_numbers_alone(check: Callable) -> Callable:
    """A check draws random weights; what the notebook draws after it must not depend on that."""

    @wraps(check)
    def quiet(*arguments: Any) -> None:
        with torch.random.fork_rng(devices=[]):
            check(*arguments)

    return quiet


def attempt(name: str, code: Callable, *arguments: Any, where: str = "", **named: Any) -> Any:
    """Call the learner's code; an exception in it becomes a cross that quotes it."""
    try:
        return code(*arguments, **named)
    except CourseError as error:
        fail(name, f"your code was refused{where}: {error}")
    except Exception as error:
        # torch raises NotImplementedError too; what stands in the blank says "replace this line", or nothing.
        if isinstance(error, NotImplementedError) and (not str(error) or "replace this line" in str(error)):
            blank = traceback.extract_tb(error.__traceback__)[-1].name
            fail(name, f"nothing is written in `{blank}` yet", "replace the line that raises NotImplementedError")
        hint = next((hint for words, hint in FAMILIAR.items() if words in str(error)), "")
        fail(name, f"your code raised {type(error).__name__}{where}{_line(error)}: {error}", hint)


# What torch and NumPy say when the likeliest slips are made, and what they mean.
FAMILIAR = {
    "running_mean should contain": "a norm has as many channels as what it sees",
    "does not require grad": "nothing is recorded from here back to x: start with x = x.detach().requires_grad_()",
    "can be implicitly created only for scalar": "pass on the gradient that arrives: grad(output, x, gradient)",
    "don't multiply up": "the columns do not fit into the output: count rows and columns of the output anew",
    "is invalid for input of size": "the columns do not fit into the output: count rows and columns of the output anew",
    "batch2 tensor": "unfold cut windows of another size than the weight's",
    "'numpy.ndarray' object has no attribute": "make a tensor first: torch.from_numpy(pixels)",
    "must match the size of tensor": "two shapes do not fit; print both",
    "has no attribute 'item'": "the list must hold numbers",
    "not implemented for 'Long'": "whole numbers are among them, such as batch norm's count: copy these",
}


def _line(error: Exception) -> str:
    """Where in the learner's own code it happened: the last frame that belongs to no installed package."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename and "course_lib" not in frame.filename]
    return f", in line {own[-1].lineno} (`{own[-1].line}`)" if own and own[-1].line else ""


def is_tensor(name: str, got: Any, shape: Sequence[int], what: str = "the result", hint: str = "") -> None:
    """A cross unless `got` is a tensor of that shape."""
    if not isinstance(got, Tensor):
        fail(name, f"{what} is a {type(got).__name__}, wanted a tensor of shape {tuple(shape)}", hint)
    if tuple(got.shape) != tuple(shape):
        fail(name, f"{what} has shape {tuple(got.shape)}, wanted {tuple(shape)}", hint)


def close(got: Tensor, want: Tensor, tolerance: float = 1e-5) -> bool:
    """Same shape and equal to `tolerance`, relative to the largest wanted value; never true with NaN."""
    if got.shape != want.shape:
        return False
    got = got.detach().cpu()
    scale = max(1.0, want.detach().abs().max().item()) if want.numel() else 1.0
    return bool((got.detach().double() - want.detach().double()).abs().max().nan_to_num(torch.inf) <= tolerance * scale)


def equals(
    name: str,
    got: Tensor,
    want: Tensor,
    mistakes: Sequence[tuple[Tensor, str]] = (),
    otherwise: str = "the numbers differ from the reference",
    hint: str = "",
    tolerance: float = 1e-5,
) -> None:
    """A cross unless `got` is `want`; if it is what a known mistake gives, the cross names that mistake."""
    is_tensor(name, got, want.shape, hint=hint)
    if close(got, want, tolerance):
        return
    for value, message in mistakes:
        if close(got, value, tolerance):
            fail(name, message, hint)
    if not torch.isfinite(got).all():
        fail(name, "the result holds NaN or infinity", hint)
    off = (got.detach().double() - want.detach().double()).abs().max().item()
    fail(name, f"{otherwise} (largest difference {off:.3g})", hint)
