"""Check of chapter 07: the hole that a partial convolution leaves."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from course_lib.check.inpainting.probes import box_and_dots, unharmed
from course_lib.check.report import attempt, close, equals, is_tensor, leaves_random_numbers_alone, passed

HINT = "count the known pixels of a window: 1 where there are none"


@leaves_random_numbers_alone
def hole_left(function: Callable) -> None:
    """`function(hole, kernel)` → what a partial convolution leaves missing, against SciPy's erosion. Chapter 07."""
    from scipy.ndimage import binary_dilation, binary_erosion  # imported late: it takes a while

    name = "hole_left"
    everything = torch.ones(1, 1, 4, 4)
    for what, hole, kernel in (
        ("for a 3×3 kernel", box_and_dots(9, 10), 3),
        ("for a 5×5 kernel", box_and_dots(12, 12), 5),
        ("for a 1×1 kernel", box_and_dots(5, 5), 1),
        ("for a hole that is everything", everything, 3),
        ("for no hole at all", 0 * everything, 3),
    ):
        given = hole.clone()
        got = attempt(name, function, given, kernel, where=f" {what}")
        unharmed(name, (given,), (hole,))
        is_tensor(name, got, hole.shape, hint="N×1×H×W, as the hole that came")

        def morph(by: Callable, structure: np.ndarray, hole: Tensor = hole, **named: int) -> Tensor:
            each = [by(one[0].numpy() == 1, structure, **named) for one in hole]
            return torch.from_numpy(np.stack(each))[:, None].float()

        square = np.ones((kernel, kernel))
        cross = np.zeros((kernel, kernel))
        cross[kernel // 2], cross[:, kernel // 2] = 1, 1
        want = morph(binary_erosion, square, border_value=1)
        known = functional.conv2d(1 - hole, torch.ones(1, 1, kernel, kernel), padding=kernel // 2)
        diamond = morph(binary_erosion, cross, border_value=1)
        grown = morph(binary_dilation, square)
        wrong = [
            (grown, "the hole grows: a window with a *single* known pixel becomes known"),
            ((known < kernel**2).float(), "the whole window must be known with you: one pixel is enough"),
            (1 - grown, "the mask is upside down: that is 1 where nothing is *missing*, wanted where nothing is known"),
            ((known <= 1).float(), "two pixels must be known with you: one is enough"),
            (
                morph(binary_erosion, square, border_value=1, iterations=2),
                "the hole shrinks too fast: as after two such layers",
            ),
            (1 - want, "that is the mask of what is known: return 1 where something is still missing"),
            (hole, "the hole is as it was: known pixels reach into it"),
            (
                morph(binary_erosion, square, border_value=0),
                "what lies beyond the border counts as known: a hole at the border shrinks too fast",
            ),
            ((known < kernel**2 / 2).float(), "half of a window must be known with you: one pixel is enough"),
            (diamond, "only the window's middle row and column are asked, wanted all of it"),
            (morph(binary_erosion, np.ones((3, 3)), border_value=1), "always 3×3: the kernel has its own size"),
            (
                morph(binary_erosion, np.ones((2 * kernel + 1,) * 2), border_value=1),
                "the hole shrinks by the kernel's size, wanted by its radius, kernel // 2",
            ),
            ((known > 0).float() * hole, "only the pixels that become known are returned, wanted those still missing"),
            (known, "that is the number of known pixels: return 1 where it is 0, and 0 elsewhere"),
            (known / kernel**2, "that is the share of known pixels: return 1 where it is 0, and 0 elsewhere"),
        ]
        wrong = [(value, f"{message} ({what})") for value, message in wrong if not close(value, want)]
        equals(name, got.float(), want, wrong, f"another hole than SciPy's erosion {what}", HINT)
    passed(name, "three kernels, holes at the border, everything missing, nothing missing: SciPy's erosion")
