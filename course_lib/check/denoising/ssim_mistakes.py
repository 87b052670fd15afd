"""Chapter 05's two SSIM checks: the windows, and what well-known mistakes would give."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.nn.functional import pad as torch_pad

from course_lib.check.report import close

MISSING = "the constants are missing, or far too small for values in [0,1]: a black window gives 0/0"
BORDER = "windows over the border: only whole windows count, without padding"


def gaussian(sigma: float, size: int) -> Tensor:
    offsets = torch.arange(size).double() - size // 2
    weights = torch.exp(-(offsets**2) / (2 * sigma**2))
    return torch.outer(weights, weights) / weights.sum() ** 2


def flat_window(size: int) -> Tensor:
    return torch.full((size, size), 1 / size**2).double()


def _maps(x: Tensor, y: Tensor, window: Tensor, sample: float, c1: float, c2: float, pad: str = "") -> list[Tensor]:
    """The agreement of the means, and that of the patterns, of every window."""
    mx, my, xx, yy, xy = _local(x, y, window, pad)
    variances, covariance = sample * (xx + yy - mx**2 - my**2), sample * (xy - mx * my)
    luminance = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    return [luminance, (2 * covariance + c2) / (variances + c2)]


def mistakes(x: Tensor, y: Tensor, window: Tensor, sample: float, want: Tensor) -> list[tuple[Tensor, str]]:
    right = {"window": window, "sample": sample, "c1": 0.01**2, "c2": 0.03**2, "pad": ""}
    paper = window.shape[-1] == 11
    other = gaussian(1.5, 11) if not paper else flat_window(7)
    called = "the flat 7×7 window: wanted the Gaussian one" if paper else "the Gaussian window: wanted the flat one"
    count = window.numel()
    over_n = "variances over n − 1: with this window they are weighted means" if paper else "variances over n"
    constants = [
        ({"c1": 0.01, "c2": 0.03}, "the constants are not squared: C₁ = 0.01², C₂ = 0.03²"),
        ({"c1": 0.03**2, "c2": 0.01**2}, "C₁ and C₂ have changed places"),
        (
            {"c1": (0.01 * 255) ** 2, "c2": (0.03 * 255) ** 2},
            "the constants are for values of 255: here the range is 1",
        ),
        ({"c1": 1e-12, "c2": 1e-12}, MISSING),
        ({"c1": 0.0, "c2": 0.0}, MISSING),
        ({"c2": 0.03**2 / 2}, "C₂ is halved"),
        ({"c1": 0.01}, "C₁ is not squared: 0.01²"),
        ({"c2": 0.03}, "C₂ is not squared: 0.03²"),
        ({"c1": 0.03**2}, "C₂ stands in both factors: the means' is C₁ = 0.01²"),
        ({"c2": 0.01**2}, "C₁ stands in both factors: the patterns' is C₂ = 0.03²"),
    ]
    windows = [
        ({"window": other}, called),
        ({"window": other, "sample": 1.0 if sample > 1 else 49 / 48}, called),
        ({"window": gaussian(1.5, 7)}, "the window ends too early: 11×11 for σ = 1.5"),
        ({"window": gaussian(1.5, 9)}, "the window ends too early: 11×11 for σ = 1.5"),
        ({"window": gaussian(1.5**0.5, 11)}, "σ and σ² are mixed up in the window"),
        ({"window": gaussian(1.5 * 2**-0.5, 11)}, "the 2 in exp(−d²/2σ²) is missing"),
        ({"window": flat_window(8)}, "an 8×8 window"),
        *(({"pad": how}, BORDER) for how in ("constant", "reflect", "replicate", "cut")),
        ({"window": gaussian(1.0, 11)}, "a Gaussian of 1 pixel"),
        ({"window": gaussian(2.0, 11)}, "a Gaussian of 2 pixels"),
        ({"window": window * (window.numel() if not paper else 1 / window.max())}, "the window does not add up to 1"),
        (
            {"window": window * window.max() ** -0.5},
            "the window adds up to 1 in one direction only: divide by the sum²",
        ),
        ({"sample": count / (count - 1) if sample == 1 else 1.0}, f"{over_n}"),
        ({"sample": count / (count - 1) if sample == 1 else 48 / 49}, f"{over_n}, corrected the wrong way round"),
    ]
    if not paper:
        windows.append(({"sample": 7 / 6}, "a window has 49 numbers, not 7: 49/48"))
    for size in (3, 5, 8, 9, 11):
        for own in (1.0, size**2 / (size**2 - 1), sample):
            windows.append(({"window": flat_window(size), "sample": own}, f"a flat {size}×{size} window"))
    found: list[tuple[Tensor, str]] = []
    for change, message in constants + windows:
        options = right | change
        if min(x.shape[2:]) >= options["window"].shape[-1]:
            found.append((_mean(torch.stack(_maps(x, y, **options)).prod(0)), message))
    luminance, patterns = _maps(x, y, **right)
    grey_x, grey_y = x.mean(1, keepdim=True), y.mean(1, keepdim=True)
    whole = [
        (_mean((luminance * patterns)[..., ::7, ::7]), "windows side by side: wanted every place, stride=1"),
        (_mean(luminance), "only the means are compared: the second factor is missing"),
        (_mean(patterns), "only the patterns are compared: the first factor, of the means, is missing"),
        (_mean(luminance) * _mean(patterns), "the two factors are averaged one by one: multiply in each window first"),
        (_mean((luminance + patterns) / 2), "the two factors are averaged: multiply them"),
        (_halves(x, y, window, sample, 1.0), "the variances are over n − 1, the covariance is not"),
        (_halves(x, y, window, 1.0, sample), "the covariance is over n − 1, the variances are not"),
        (_halves(x, y, window, sample, sample / 2), "the 2 in 2σxy is missing"),
        (
            _mean(torch.stack(_maps(grey_x, grey_y, **right)).prod(0)),
            "the channels are averaged first: take each by itself",
        ),
        (1 - want, "that is 1 − SSIM"),
        ((1 - want) / 2, "that is (1 − SSIM) / 2, a loss"),
        (_one_window(x, y, sample), "one window over the whole picture: SSIM is a mean of many small ones"),
        (_without_means(x, y, window), "the means are not taken off: the covariance is E[xy] − E[x]·E[y]"),
        (_with_deviations(x, y, window, sample), "σx · σy stands in the place of the covariance"),
    ]
    return [(value, text) for value, text in found + whole if value.shape == want.shape and not close(value, want)]


def _mean(maps: Tensor) -> Tensor:
    return maps.mean(dim=(1, 2, 3))


def _one_window(x: Tensor, y: Tensor, sample: float) -> Tensor:
    x, y = x.double().flatten(2), y.double().flatten(2)
    mx, my = x.mean(2), y.mean(2)
    covariance = (x * y).mean(2) - mx * my
    variances = x.var(2, unbiased=sample > 1) + y.var(2, unbiased=sample > 1)
    return ((2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4) * (2 * covariance + 9e-4) / (variances + 9e-4)).mean(1)


def _local(x: Tensor, y: Tensor, window: Tensor, pad: str = "") -> list[Tensor]:
    """The windows' means of x, y, x², y² and xy; `pad` "cut": windows over the border see what is left of them."""
    x, y, found = x.double(), y.double(), []
    sides = (window.shape[-1] // 2,) * 4
    for part in (x, y, x * x, y * y, x * y):
        planes, inside = part.flatten(0, 1)[:, None], 1.0
        if pad:
            whole = torch.ones_like(planes)
            inside = conv2d(torch_pad(whole, sides), window[None, None]) if pad == "cut" else 1.0
            planes = torch_pad(planes, sides, "constant" if pad == "cut" else pad)
        planes = conv2d(planes, window[None, None]) / inside
        found.append(planes.view(*part.shape[:2], *planes.shape[2:]))
    return found


def _halves(x: Tensor, y: Tensor, window: Tensor, variance: float, covariance: float) -> Tensor:
    """Variances and covariance with a factor each."""
    mx, my, xx, yy, xy = _local(x, y, window)
    patterns = (2 * covariance * (xy - mx * my) + 9e-4) / (variance * (xx - mx**2 + yy - my**2) + 9e-4)
    return _mean((2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4) * patterns)


def _without_means(x: Tensor, y: Tensor, window: Tensor) -> Tensor:
    mx, my, xx, yy, xy = _local(x, y, window)
    return _mean((2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4) * (2 * xy + 9e-4) / (xx + yy + 9e-4))


def _with_deviations(x: Tensor, y: Tensor, window: Tensor, sample: float) -> Tensor:
    mx, my, xx, yy, _ = _local(x, y, window)
    vx, vy = sample * (xx - mx**2).clamp(min=0), sample * (yy - my**2).clamp(min=0)
    patterns = (2 * (vx * vy).sqrt() + 9e-4) / (vx + vy + 9e-4)
    return _mean((2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4) * patterns)
