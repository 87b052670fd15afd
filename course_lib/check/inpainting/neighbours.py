"""Check of chapter 07: a hole filled with the weighted mean of pictures that agree on what is known."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.check.inpainting.probes import holes, pictures, unharmed
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed

HINT = (
    "dᵢ = mean of (galleryᵢ − picture)² over the known pixels; wᵢ = exp(−dᵢ/τ) / Σ exp(−dⱼ/τ); the hole: Σ wᵢ galleryᵢ"
)


@leaves_random_numbers_alone
def soft_fill(function: Callable) -> None:
    """`function(picture, hole, gallery, temperature)` → filled by weights that fall with distance. Chapter 07."""
    name = "soft_fill"
    picture, hole = pictures(1, 6, 7)[None][0], holes(1, 6, 7)[0]
    gallery = (
        picture + 0.5 * (pictures(9, 1, 6, 7, seed=3) - 0.5) * torch.linspace(0.5, 1.5, 9).view(-1, 1, 1, 1)
    ).clamp(0, 1)
    blank = torch.where(hole == 1, 0.0, picture)
    colour = pictures(3, 6, 7, seed=5)
    colours = (colour + 0.4 * (pictures(6, 3, 6, 7, seed=6) - 0.5)).clamp(0, 1)
    cases = [
        ("at temperature 0.01", blank, gallery, 0.01),
        ("at temperature 0.002", blank, gallery, 0.002),
        ("at temperature 1e-5, where exp underflows", blank, gallery, 1e-5),
        ("at temperature 100, where all count alike", blank, gallery, 100.0),
        ("in colour", torch.where(hole == 1, 0.0, colour), colours, 0.01),
        ("with 0.9 in the hole", torch.where(hole == 1, 0.9, picture), gallery, 0.01),
        ("with nan in the hole", torch.where(hole == 1, torch.nan, picture), gallery, 0.01),
    ]
    for what, x, others, temperature in cases:
        given = x.clone(), hole.clone(), others.clone()
        got = attempt(name, function, *given, temperature, where=f" {what}")
        unharmed(name, given, (x, hole, others))
        is_tensor(name, got, x.shape, hint="C×H×W, as the picture")
        want = _filled(x, hole, others, _weights(_distances(x, hole, others), temperature))
        wrong = [(value, f"{message} ({what})") for value, message in _mistakes(x, hole, others, temperature)]
        wrong = [(value, message) for value, message in wrong if not close(value, want, 1e-4)]
        if torch.isnan(got).any() and torch.isnan(x).any():
            fail(
                name,
                f"what stands in the hole reaches the result ({what})",
                "0 · nan is nan: choose with torch.where instead of multiplying by 0",
            )
        if torch.isnan(got).any():
            fail(
                name,
                f"the result holds nan {what}",
                "exp(−d/τ) can round to 0 for all, and 0/0 is nan: torch.softmax(-d / tau, 0) takes the largest off",
            )
        equals(name, got.to(want), want, wrong, f"other numbers than the reference {what}", HINT, 1e-4)
        known = hole.expand_as(x) == 0
        if not torch.equal(got[known].to(x.dtype), x[known]):
            fail(name, f"known pixels are rounded {what}", "choose with torch.where")
    passed(name, "four temperatures, grey and colour, anything in the hole: weights in float64, one by one")


def _distances(x: Tensor, hole: Tensor, gallery: Tensor, where: int = 0) -> Tensor:
    """Mean squared difference over the known pixels (`where` 0), the missing ones (1)."""
    mask = (hole == where).expand_as(x)
    return torch.stack([(one.double() - x.double())[mask].square().mean() for one in gallery])


def _weights(distances: Tensor, temperature: float) -> Tensor:
    shifted = -(distances - distances.min()) / temperature
    return shifted.exp() / shifted.exp().sum()


def _filled(x: Tensor, hole: Tensor, gallery: Tensor, weights: Tensor) -> Tensor:
    mean = sum(weight * one.double() for weight, one in zip(weights, gallery, strict=True))
    return torch.where(hole == 1, mean, x.double()).to(x.dtype)


def _mistakes(x: Tensor, hole: Tensor, gallery: Tensor, temperature: float) -> list[tuple[Tensor, str]]:
    def put(weights: Tensor) -> Tensor:
        return _filled(x, hole, gallery, weights)

    def by(distances: Tensor, divisor: float = temperature) -> Tensor:
        return put(_weights(distances, divisor))

    d = _distances(x, hole, gallery)
    flat = gallery.flatten(1).double() - x.flatten().double()
    known = (hole == 0).expand_as(x).sum()
    everywhere, one_hot = flat.square().mean(1), torch.zeros(len(gallery)).double()
    even, nearest, farthest = one_hot + 1 / len(gallery), one_hot.clone(), one_hot.clone()
    nearest[d.argmin()], farthest[d.argmax()] = 1, 1
    raw = (-d / temperature).exp()
    underflow = "every exp(−d/τ) has rounded to 0 here: torch.softmax takes the largest exponent off first"
    lost = [(put(raw), underflow), (put(even), underflow)] if raw.max() < 1e-30 else []
    here = (gallery - x).double().square().nan_to_num()
    per_channel = (here * (hole == 0)).sum((2, 3), keepdim=True) / (hole == 0).sum() / temperature
    apart = (torch.softmax(-per_channel, 0) * gallery.double()).sum(0).to(x.dtype)
    absolute = torch.stack([(one.double() - x.double())[(hole == 0).expand_as(x)].abs().mean() for one in gallery])
    weights = _weights(d, temperature)
    mean = sum(weight * one.double() for weight, one in zip(weights, gallery, strict=True)).to(x.dtype)
    return [
        *lost,
        (
            put(_weights(everywhere, temperature)),
            "the distance is over all pixels: what stands in the hole is no picture",
        ),
        (
            put(_weights(_distances(x, hole, gallery, 1), temperature)),
            "the mask is upside down: compare where pixels are known; `hole` is 1 where one is missing",
        ),
        (torch.where(hole == 1, x, mean), "the mask is upside down: the known pixels are replaced"),
        (mean, "the known pixels are overwritten, too: only the hole is to be filled"),
        (put(_weights(-d, temperature)), "the sign is wrong: the farthest have the largest weight"),
        (put(even), "all count alike: −d is divided by the temperature"),
        (put(nearest), "only the nearest counts: all have a weight"),
        (put(farthest), "only the farthest counts"),
        (put(_weights(d.sqrt(), temperature)), "the root of the distance, wanted the mean squared difference"),
        (put(_weights(absolute, temperature)), "the absolute difference, wanted the squared one"),
        (put(_weights(d * known, temperature)), "the sum of the squares, wanted their mean over the known pixels"),
        (put(_weights(d * known / x.numel(), temperature)), "divided by all pixels, wanted by the known ones"),
        (by(d, 2 * temperature), "divided by 2τ, wanted τ"),
        (by(d, temperature**2), "divided by τ², wanted τ"),
        (by(d, 2 * temperature**2), "divided by 2τ², wanted τ"),
        (by(d, 1), "the temperature is forgotten"),
        (by(d * len(x)), "divided by pixels, not by numbers: a pixel has C channels"),
        (by(everywhere * x.numel() / known), "the squares in the hole are in the sum: only known pixels count"),
        (put(1 / d / (1 / d).sum()), "weights of 1/d, wanted exp(−d/τ)"),
        (torch.where(hole == 1, apart, x), "each channel votes for itself: one distance for the whole picture"),
        (put(raw), "the weights do not add up to 1: divide by their sum"),
        (
            put(raw / len(gallery)),
            "divided by how many there are, wanted by the sum of the weights",
        ),
    ]
