"""Check of chapter 05: noise as the benchmarks add it."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.check.report import attempt, fail, is_tensor, leaves_random_numbers_alone, passed

HINT = "x + sigma / 255 * torch.randn_like(x), and nothing after it"


@leaves_random_numbers_alone
def add_noise(function: Callable) -> None:
    """`function(x, sigma)` → x + white Gaussian noise, σ "of 255", not clipped; by statistics. Chapter 05."""
    name = "add_noise"
    torch.manual_seed(0)
    for sigma in (25, 5):
        x = torch.full((4, 3, 96, 96), 0.5)
        before = x.clone()
        y = attempt(name, function, x, sigma, where=f" for sigma = {sigma}")
        is_tensor(name, y, x.shape)
        if not torch.equal(x, before):
            fail(name, "your code changes the pictures it was given", "write x + …, not x += …")
        if not y.is_floating_point() or not y.isfinite().all():
            fail(name, f"the result is {y.dtype} or not finite, wanted float pictures about [0,1]", HINT)
        if y.mean().abs() < 0.1 and y.std() > 0:
            fail(name, "that is the noise alone: add it to the picture", HINT)
        independent(name, (y - x).double())
        _untouched_at_the_ends(name, function, sigma, (y - x).std().item())
        _level(name, (y - x).double(), sigma / 255)
        again = attempt(name, function, x, sigma)
        if torch.equal(again, y):
            fail(name, "two calls give the same noise: do not set a seed inside", "the caller sets the seed, once")
    _exactly(name, function)
    passed(
        name,
        "two levels of noise, on grey, black and white: mean, spread, shape, independence; nothing is clipped",
    )


def _level(name: str, noise: Tensor, sigma: float) -> None:
    found = noise.std().item()
    named = [
        (0.0, "there is no noise"),
        (255 * sigma, "the noise is 255 times too strong: sigma is in grey levels of 255, the pictures are in [0,1]"),
        (sigma / 255, "the noise is 255 times too weak: divide sigma by 255 once"),
        (sigma**2, "the standard deviation is σ²: multiply by σ, not by the variance"),
        (sigma**0.5, "the standard deviation is √σ: multiply by σ, not by its root"),
        (2 * sigma, "the noise is twice as strong as asked for: pictures here are in [0,1], not in [-1,1]"),
        (sigma / 2, "the noise is half as strong as asked for"),
        (sigma * 12**-0.5, "uniform numbers from torch.rand: wanted normal ones, torch.randn"),
        (sigma * 3**-0.5, "uniform numbers from torch.rand: wanted normal ones, torch.randn"),
    ]
    rounded = (noise * 255).round()
    for wrong, message in named:
        if abs(found - wrong) <= 0.015 * wrong + 1e-9:
            fail(name, message, HINT)
    if abs(noise.mean().item()) > 6 * found / noise.numel() ** 0.5:
        fail(name, f"the noise has mean {noise.mean().item():.3g}, wanted 0: it must not brighten or darken", HINT)
    if abs(found / sigma - 1) > 0.015:
        fail(name, f"the noise has standard deviation {found:.4g}, wanted {sigma:.4g}", HINT)
    if abs((noise / sigma).pow(4).mean().item() - 3) > 0.15:
        fail(name, "the noise has the right spread, but is not normal", "torch.randn is; torch.rand is not")
    if (noise * 255 - rounded).abs().max() < 1e-3 or ((noise + 0.5) * 255 % 1).sub(0.5).abs().min() > 0.49:
        fail(name, "the result is rounded to the levels of a file: the benchmarks' noise is not", HINT)


def independent(name: str, noise: Tensor, where: str = "") -> None:
    """Between channels, pictures, rows and columns of N×C×H×W noise: no two of them share it."""
    if noise.abs().min() > 0 and noise.max() - noise.min() < 1e-6:
        fail(name, f"one random number for the whole batch{where}: every number needs one of its own", "randn_like(x)")
    between = {
        "channels of a picture": (noise[:, 0], noise[:, 1]),
        "pictures of the batch": (noise[0], noise[1]),
        "rows": (noise[..., 1:, :], noise[..., :-1, :]),
        "columns": (noise[..., 1:], noise[..., :-1]),
    }
    for who, (one, other) in between.items():
        shared = torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].item()
        if abs(shared) > 0.05:
            shared_by = f"neighbouring {who} share their noise{where}"
            fail(name, f"{shared_by}: every number needs one of its own", "randn_like(x)")


def _exactly(name: str, function: Callable) -> None:
    """Millions of numbers: 255 told from 256."""
    x = torch.full((6, 3, 512, 512), 0.5)
    found = (attempt(name, function, x, 25) - x).double().std().item() * 255
    if abs(found / 25 - 1) > 0.002:
        hint = "25 of 255: a file's levels are 0, 1, …, 255, so white is 255 steps from black, not 256"
        fail(name, f"the noise has standard deviation {found:.2f} of 255, wanted 25", hint)


def _untouched_at_the_ends(name: str, function: Callable, sigma: float, on_grey: float) -> None:
    """On black and on white: clipping would show, and noise that follows the light."""
    for value, side in ((0.0, "black"), (1.0, "white")):
        x = torch.full((2, 3, 96, 96), value)
        noise = (attempt(name, function, x, sigma, where=f" on {side}") - x).double()
        one_sided = (noise >= 0).all() or (noise <= 0).all()
        if one_sided and 0.2 < (noise == 0).double().mean() < 1:
            fail(name, f"y is clipped to [0,1]: the noise of {side} areas then has a mean that is not 0", HINT)
        if abs(noise.std().item() - on_grey) > 0.03 * on_grey:
            fail(name, f"the noise on {side} is not the noise on grey: it must not depend on the picture", HINT)
