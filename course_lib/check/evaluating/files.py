"""Check of chapter 04: pictures as a file holds them, before an extractor sees them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.check.evaluating.numbers import untouched
from course_lib.check.probes import random
from course_lib.check.report import attempt, fail, is_tensor, leaves_random_numbers_alone, passed

HINT = "−1 must give 0 and 1 give 1, in steps of 1/255; values below 0 become 0, values above 1 become 1"
STEPS = 255


@leaves_random_numbers_alone
def as_file(function: Callable) -> None:
    """`function(signed)` → the pictures that a file of 8 bits would give back, in [0,1]. Chapter 04."""
    name = "as_file"
    inside = 1.7 * torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(0)) - 0.8
    beyond = 0.6 * random(4, 1, 28, 28)
    beyond[0, 0, 0, :4] = torch.tensor([-1.02, 1.01, -1.0, 1.0])
    exact = (torch.arange(784) % 256).float().view(1, 1, 28, 28) / 255 * 2 - 1
    cases = [
        ("pictures slightly beyond ±1", beyond),
        ("six pictures from -0.8 to 0.9", inside),
        ("a picture that came from a file", exact),
    ]
    for what, signed in cases:
        given = signed.clone()
        got = attempt(name, function, given, where=f" on {what}")
        untouched(name, [given], [signed], "pictures")
        _judge(name, got, signed, f" (on {what})")
    passed(name, "pictures beyond ±1, inside it, and from a file: range, 256 steps, rounding, clamping")


def _judge(name: str, got: Any, signed: Tensor, where: str) -> None:
    if isinstance(got, np.ndarray):
        got = torch.from_numpy(np.array(got))
    is_tensor(name, got, signed.shape, f"the result{where}", "the shape stays N×1×28×28")
    if got.dtype == torch.uint8:
        fail(name, "the result is torch.uint8: an extractor wants fractions", "divide by 255 again, as a reader does")
    if not got.is_floating_point():
        fail(name, f"the result is {got.dtype}, wanted fractions from 0 to 1")
    if got.dtype in (torch.float16, torch.bfloat16):
        fail(name, f"the result is {got.dtype}, too coarse for steps of 1/255", "float32 is what came")
    # In Python's own numbers: independent of how tensors round and clamp.
    exact = [(value + 1) / 2 * STEPS for value in signed.flatten().tolist()]
    want = torch.tensor([min(STEPS, max(0, round(value))) for value in exact]).view(signed.shape)
    seen = got.detach().cpu().double()
    if not torch.isfinite(seen).all():
        fail(name, f"NaN or infinity{where}", HINT)
    steps = seen * STEPS
    # A value half way between two steps may go either way.
    whole, nearest = (steps - steps.round()).abs().max() < 0.01, (steps - want).abs()
    if whole and nearest.max() < 1.01 and (nearest < 0.01).double().mean() > 0.99:
        return
    for value, message in _mistakes(signed.double()):
        if ((seen - value).abs() < 1e-4).double().mean() > 0.985:
            fail(name, f"{message}{where}")
    fail(name, f"differs from what a file holds by up to {(seen - want / STEPS).abs().max():.3f}{where}", HINT)


def _mistakes(signed: Tensor) -> list[tuple[Tensor, str]]:
    unit = (signed + 1) / 2
    clamped, bytes_ = unit.clamp(0, 1), unit * STEPS
    right = (clamped * STEPS).round() / STEPS
    wraps = "values beyond ±1 wrap round, white turns black: clamp is missing"
    taken = "[-1,1] was taken for [0,1]: everything below middle grey is black"
    stretch = "stretched from the {} minimum to {} maximum: a file holds what the generator painted"
    low, high = signed.amin((1, 2, 3), keepdim=True), signed.amax((1, 2, 3), keepdim=True)
    whole, each = (signed - signed.min()) / (signed.max() - signed.min()), (signed - low) / (high - low)
    cut = signed.clamp(-1, 1)
    between = (cut - cut.min()) / (cut.max() - cut.min())
    middle = "−1 must land on 0 and 1 on 255: x · 127.5 + 127.5, then round"
    many = "256 steps are numbered 0 … 255: multiply by 255"
    return [
        (
            (clamped * STEPS).floor() / STEPS,
            "truncated: every value goes down to the next step, so pictures get darker",
        ),
        ((clamped * STEPS).ceil() / STEPS, "every value goes up to the next step: round to the nearest"),
        (bytes_.round().remainder(256) / STEPS, wraps),
        (bytes_.trunc().remainder(256) / STEPS, f"truncated, and {wraps}"),
        (bytes_.floor().remainder(256) / STEPS, f"truncated, and {wraps}"),
        (bytes_.round() / STEPS, "values beyond ±1 leave [0,1]: clamp is missing"),
        (clamped, "no steps: a file holds 256 values, and here nothing is rounded"),
        (unit, "only moved to [0,1]: neither clamped nor rounded"),
        ((clamped * 256).floor().clamp(max=STEPS) / STEPS, many),
        ((clamped * 256).round().clamp(max=STEPS) / STEPS, many),
        ((clamped * 256).round().remainder(256) / STEPS, f"{many}; 256 wraps round to 0"),
        ((clamped * 256).floor().remainder(256) / STEPS, f"{many}; 256 wraps round to 0"),
        ((clamped * 256).round() / 256, many),
        ((clamped * 256).floor() / 256, many),
        ((clamped * STEPS).round() / 256, "divided by 256: white comes back as 0.996"),
        ((clamped * STEPS).floor() / 256, "divided by 256: white comes back as 0.996; and truncated"),
        ((signed.clamp(0, 1) * STEPS).round() / STEPS, taken),
        ((signed.clamp(0, 1) * STEPS).floor() / STEPS, f"{taken}; and truncated"),
        (signed.clamp(0, 1), f"{taken}; and nothing is rounded"),
        ((signed * STEPS).round().remainder(256) / STEPS, f"[-1,1] was taken for [0,1], and {wraps}"),
        ((signed * STEPS).trunc().remainder(256) / STEPS, f"[-1,1] was taken for [0,1], and {wraps}"),
        (right * STEPS, "the values run from 0 to 255, wanted 0 to 1"),
        (right * 2 - 1, "the values run from -1 to 1, wanted 0 to 1"),
        (right.round(), "rounded to 0 and 1: multiply by 255 first"),
        (clamped.round(), "rounded to 0 and 1: multiply by 255 first"),
        (((signed + 1).clamp(0, 1) * STEPS).round() / STEPS, "the half is missing: (x + 1) / 2 brings [-1,1] to [0,1]"),
        ((signed + 1).clamp(0, 1), "the half is missing: (x + 1) / 2 brings [-1,1] to [0,1]; and nothing is rounded"),
        (
            ((signed / 2).clamp(0, 1) * STEPS).round() / STEPS,
            "halved, but not moved: (x + 1) / 2 brings [-1,1] to [0,1]",
        ),
        ((signed.abs().clamp(0, 1) * STEPS).round() / STEPS, "dark and light are folded onto each other: (x + 1) / 2"),
        (((signed.tanh() + 1) / 2 * STEPS).round() / STEPS, "another tanh on top: black and white come out grey"),
        *(((signed * a + b).clamp(0, STEPS).round() / STEPS, middle) for a, b in ((127, 128), (127, 127), (128, 127))),
        *(((signed * a + b).clamp(0, STEPS).floor() / STEPS, middle) for a, b in ((127, 128), (127, 127), (128, 127))),
        (1 - right, "dark and light have changed places: -1 is black"),
        ((signed.sigmoid() * STEPS).round() / STEPS, "a sigmoid on top of the tanh: black comes out as dark grey"),
        *(
            (value, stretch.format(*words))
            for stretched, words in (
                (whole, ("batch's", "its")),
                (between, ("batch's", "its")),
                (each, ("picture's", "its")),
            )
            for value in (stretched, (stretched * STEPS).round() / STEPS, (stretched * STEPS).floor() / STEPS)
        ),
    ]
