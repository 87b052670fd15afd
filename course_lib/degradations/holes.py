"""Missing pixels: random holes, and images that carry their hole as an extra channel."""

import math

import numpy as np
import torch
from torch import Generator, Tensor

from course_lib.degradations import hole_shapes
from course_lib.degradations.dice import generators
from course_lib.degradations.fillers import biharmonic
from course_lib.errors import CourseError
from course_lib.images import split_hole, with_hole
from course_lib.images.requirements import require_pictures

KINDS = ("box", *hole_shapes.BRUSHES)


class Holes:
    """Missing pixels: each image gets its own hole. Throughout the library, `hole` is 1 where pixels are missing.

    kind: "box" (one box, at most twice as long as wide), "strokes" (free-form, thick, as if hand-drawn) or "scratches"
        (thin, long).
    share: (low, high), the fraction of the area that is missing, 0 < low <= high < 1. Every hole is exactly in range.
    op(x, generator=g): N×C×H×W in [0,1] → y, N×(C+1)×H×W: the image with 0 in its holes, and the hole as the last
        channel. So y contains what is known and nothing else, a network can take it directly, and y = (1 − hole)·x is
        linear in x. The hole is needed because black and missing pixels look alike. `split_hole(y)` separates the two.
    op.hole(shape, generator): only the holes for images of that shape, N×1×H×W float32 of 0 and 1, on the CPU. Drawn
        from one number of the generator per image, so they depend on neither the device nor the other images.
    op.baseline(y): biharmonic inpainting, N×C×H×W; known pixels stay unchanged, bit for bit.
    Raises CourseError for an unknown kind, a share out of range, or a share that no hole of whole pixels has. Free-form
    strokes: Yu et al. 2019. Chapter 07.
    """

    def __init__(self, kind: str = "box", share: tuple[float, float] = (0.1, 0.25)):
        if kind not in KINDS:
            raise CourseError(f"Holes: kind is {kind!r}, wanted one of {', '.join(KINDS)}")
        if not (isinstance(share, tuple | list) and len(share) == 2 and 0 < share[0] <= share[1] < 1):
            raise CourseError(f"Holes: share is {share}, wanted (low, high) with 0 < low <= high < 1, e.g. (0.1, 0.25)")
        self.kind, self.share = kind, tuple(share)

    def hole(self, shape: tuple[int, ...], generator: Generator | None = None) -> Tensor:
        n, _, height, width = shape
        # A tiny tolerance for rounding errors: 0.07 · 100 is 7.000000000000001 in floating point.
        fewest, most = (share * height * width for share in self.share)
        fewest, most = max(1, math.ceil(fewest - 1e-9)), math.floor(most + 1e-9)
        sizes = hole_shapes.boxes(height, width, fewest, most) if self.kind == "box" else range(most - fewest + 1)
        if not len(sizes):
            raise CourseError(
                f"Holes: no {self.kind} of whole pixels covers a share of {self.share[0]} … {self.share[1]} "
                f"of {height}×{width}; widen the share or use larger images"
            )
        holes = np.zeros((n, 1, height, width), dtype=np.float32)
        for i, image_generator in enumerate(generators(n, generator)):
            if self.kind == "box":
                holes[i, 0] = hole_shapes.box(height, width, sizes, image_generator)
            else:
                count = fewest + int(torch.randint(len(sizes), (), generator=image_generator))
                brush = hole_shapes.BRUSHES[self.kind]
                holes[i, 0] = hole_shapes.lines(height, width, count, brush, image_generator)
        return torch.from_numpy(holes)

    def __call__(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        require_pictures("Holes", x)
        return with_hole(x, self.hole(tuple(x.shape), generator))

    def baseline(self, y: Tensor) -> Tensor:
        return biharmonic(*split_hole(y))
