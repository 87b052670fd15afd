"""A picture of any size through a network in overlapping tiles: the same result, in the memory of one tile.

Each tile is given to the network with `overlap` pixels of its surroundings, and of the answer only the inside is kept,
where the network saw everything that it would have seen of the whole picture. So the parts fit without blending.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from course_lib.errors import CourseError

TOP = {torch.uint8: 255, torch.uint16: 65535}  # the number that stands for 1.0
QUIET = 2  # seconds: what takes longer shows its progress

Network = Callable[[Tensor], Tensor]


class _Span(NamedTuple):
    """One tile along one side: the network sees it from `start` on, and of its answer `first` … `stop` - 1 is kept."""

    start: int
    first: int
    stop: int


def by_tiles(
    network_fn: Network,
    picture: Tensor,
    *,
    scale: int = 1,
    tile: int = 256,
    overlap: int = 32,
    minimum: int = 1,
    multiple: int = 1,
    batch: int = 1,
    device: torch.device | None = None,
) -> Tensor:
    """The network's answer to a whole picture, computed tile by tile: C×H×W → C'×(scale·H)×(scale·W).

    Args:
        network_fn: N×C×h×w float32 in [0,1] → N×C'×(scale·h)×(scale·w), on `device` (default: the CPU).
        picture: uint8, uint16 or float32 in [0,1]; the answer has the same type, whole numbers clamped and rounded.
        tile: side of the part that is kept of each answer; the network sees tile + 2 · overlap pixels of each side.
        overlap: pixels of context. From the radius of the network's receptive field on, the answer is that of the whole
            picture; a network that looks at everything at once (attention, instance norm) has no such radius.
        minimum, multiple: sides that the network can take. A picture that does not fit has its last row and column
            repeated, below and to the right, and the answer is cropped.
        batch: tiles at a time.
    At the picture's own borders the network sees the border, and pads as it always does. Memory: both pictures, and
    what `batch` tiles need; no float copy of the whole unless the picture is float. Raises what `each_tile` raises.
    Chapter 05.
    """
    options = {"scale": scale, "tile": tile, "overlap": overlap, "minimum": minimum, "multiple": multiple}
    whole = None
    for top, left, part in each_tile(network_fn, picture, batch=batch, device=device, **options):
        if whole is None:
            whole = torch.empty(len(part), scale * picture.shape[1], scale * picture.shape[2], dtype=part.dtype)
        whole[:, top : top + part.shape[1], left : left + part.shape[2]] = part
    return whole


def each_tile(
    network_fn: Network,
    picture: Tensor,
    *,
    scale: int = 1,
    tile: int = 256,
    overlap: int = 32,
    minimum: int = 1,
    multiple: int = 1,
    batch: int = 1,
    device: torch.device | None = None,
) -> Iterator[tuple[int, int, Tensor]]:
    """The parts of `by_tiles`, for those who have a better place for them than a tensor: (top, left, C'×h×w).

    Row by row, on the CPU; `top` and `left` count the answer's pixels. What takes longer than two seconds shows its
    progress on a terminal's stderr. Raises CourseError for a picture or numbers that make no sense, and for a network
    that gives another shape, nan or inf. Chapter 05.
    """
    if picture.ndim != 3 or not picture.numel():
        raise CourseError(f"each_tile: got a picture of shape {tuple(picture.shape)}, wanted C×H×W with pixels in it")
    numbers = {"scale": scale, "tile": tile, "minimum": minimum, "multiple": multiple, "batch": batch}
    wrong = [f"{name} = {value}" for name, value in numbers.items() if value < 1]
    if wrong or overlap < 0:
        raise CourseError(f"each_tile: {', '.join(wrong) or f'overlap = {overlap}'}; give a number above 0")
    # Tiles begin at multiples: a network that halves the picture must halve each tile at the same pixels.
    overlap, minimum = _up(overlap, multiple), _up(minimum, multiple)
    side = max(_up(tile, multiple) + 2 * overlap, minimum)
    padded = [max(_up(length, multiple), minimum) for length in picture.shape[1:]]
    window = [min(side, length) for length in padded]
    places = list(product(*(_spans(length, seen, overlap) for length, seen in zip(padded, window, strict=True))))
    groups = range(0, len(places), batch)
    for start in tqdm(groups, "restoring", delay=QUIET, leave=False, disable=None):
        group = places[start : start + batch]
        given = torch.stack([_given(picture, down, across, window, device) for down, across in group])
        with torch.no_grad():  # not around the loop: who asks for the parts keeps his own gradients meanwhile
            answers = network_fn(given)
        _check(answers, (len(group), *(scale * length for length in window)))
        for (down, across), answer in zip(group, answers, strict=True):
            rows, columns = (
                slice(scale * (span.first - span.start), scale * (min(span.stop, length) - span.start))
                for span, length in zip((down, across), picture.shape[1:], strict=True)
            )
            yield scale * down.first, scale * across.first, _as(picture.dtype, answer[:, rows, columns]).cpu()


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _spans(length: int, seen: int, overlap: int) -> list[_Span]:
    """Tiles along one side of `length` pixels, each seen with the same number: they stack, and none is small."""
    if seen == length:
        return [_Span(0, 0, length)]
    step = seen - 2 * overlap
    # The last one is moved back until it ends with the picture: it has more context than it needs, never less.
    starts = [*range(0, length - seen, step), length - seen]
    edges = [0, *(start + seen - overlap for start in starts[:-1]), length]
    return [_Span(*span) for span in zip(starts, edges[:-1], edges[1:], strict=True)]


def _given(picture: Tensor, down: _Span, across: _Span, window: list[int], device: torch.device | None) -> Tensor:
    part = picture[:, down.start : down.start + window[0], across.start : across.start + window[1]]
    part = part.to(device or "cpu").float()
    if picture.dtype in TOP:
        part = part / TOP[picture.dtype]
    missing = [seen - length for seen, length in zip(window, part.shape[1:], strict=True)]
    return functional.pad(part[None], (0, missing[1], 0, missing[0]), mode="replicate")[0] if any(missing) else part


def _check(answers: Tensor, wanted: tuple[int, int, int]) -> None:
    shape = tuple(answers.shape)
    if len(shape) != 4 or (shape[0], *shape[2:]) != wanted:
        raise CourseError(f"the network gave shape {shape}; wanted {wanted[0]}×C×{wanted[1]}×{wanted[2]}")
    if not answers.isfinite().all():
        raise CourseError("the network gave nan or inf; train it anew, or with a smaller rate")


def _as(dtype: torch.dtype, answer: Tensor) -> Tensor:
    if dtype not in TOP:
        return answer.to(dtype)
    return (answer.float().clamp(0, 1) * TOP[dtype]).round().to(dtype)
