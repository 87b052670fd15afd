"""Run a network on an image of any size in overlapping tiles: the same result, with the memory of one tile.

The network sees each tile with `overlap` pixels of context. Only the inside of its output is kept, where the receptive
field covered the same pixels as in the whole image, so the parts fit together without blending.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from course_lib.errors import CourseError

TOP = {torch.uint8: 255, torch.uint16: 65535}  # the integer that represents 1.0
QUIET = 2  # seconds before a progress bar appears

Network = Callable[[Tensor], Tensor]


class _Span(NamedTuple):
    """One tile along one axis: the network's input begins at `start`; output pixels `first` … `stop` - 1 are kept."""

    start: int
    first: int
    stop: int


def by_tiles(
    network_fn: Network,
    picture: Tensor,
    *,
    scale: int | None = None,
    **options: Any,
) -> Tensor:
    """The network's output for a whole image, computed tile by tile: C×H×W → C'×(scale·H)×(scale·W).

    Args:
        network_fn: N×C×h×w float32 in [0,1] → N×C'×(scale·h)×(scale·w), on `device` (default: the CPU). A network that
            states its facts (see `Restorer`) needs no further argument; of any other function, scale is taken as 1,
            overlap as 32, minimum and multiple as 1 unless they are given.
        picture: uint8, uint16 or float32 in [0,1]; the output has the same type, with integers clamped and rounded.
        tile: side of the part that is kept of each output; the network's input has sides of tile + 2 · overlap pixels.
        overlap: pixels of context. If it is at least the radius of the receptive field, the result equals that for the
            whole image; a network with a global receptive field (attention, instance norm) has no such radius.
        minimum, multiple: the sides that the network accepts. An image that does not fit is padded below and to the
            right by repeating its last row and column, and the output is cropped.
        batch_size: tiles at a time.
    At the image's own borders the network pads as usual. Memory: the input and output images, and what `batch_size`
    tiles need; no float copy of the whole unless the image is float. Raises what `each_tile` raises. Chapter 05.
    """
    scale = _fact(network_fn, "scale", scale, 1)
    whole = None
    for top, left, part in each_tile(network_fn, picture, scale=scale, **options):
        if whole is None:
            whole = torch.empty(len(part), scale * picture.shape[1], scale * picture.shape[2], dtype=part.dtype)
        whole[:, top : top + part.shape[1], left : left + part.shape[2]] = part
    return whole


def each_tile(
    network_fn: Network,
    picture: Tensor,
    *,
    scale: int | None = None,
    tile: int = 256,
    overlap: int | None = None,
    minimum: int | None = None,
    multiple: int | None = None,
    batch_size: int = 1,
    device: torch.device | None = None,
) -> Iterator[tuple[int, int, Tensor]]:
    """The parts of `by_tiles` one by one, for callers that do not want one large tensor: (top, left, C'×h×w).

    Row by row, on the CPU; `top` and `left` count output pixels. After two seconds a progress bar appears on stderr if
    that is a terminal. Raises CourseError for an image or numbers that make no sense, and for a network output of
    another shape or with nan or inf. Chapter 05.
    """
    if picture.ndim != 3 or not picture.numel():
        raise CourseError(f"each_tile: got an image of shape {tuple(picture.shape)}, wanted C×H×W with pixels in it")
    scale, overlap = _fact(network_fn, "scale", scale, 1), _fact(network_fn, "context", overlap, 32)
    minimum, multiple = _fact(network_fn, "minimum", minimum, 1), _fact(network_fn, "multiple", multiple, 1)
    numbers = {"scale": scale, "tile": tile, "minimum": minimum, "multiple": multiple, "batch_size": batch_size}
    wrong = [f"{name} = {value}" for name, value in numbers.items() if value < 1]
    if wrong or overlap < 0:
        found = ", ".join(wrong) or f"overlap = {overlap}"
        raise CourseError(f"each_tile: {found}; give a number above 0 (overlap may be 0)")
    # Tiles begin at multiples: a network that downsamples must do so at the same pixels as in the whole image.
    overlap, minimum = _up(overlap, multiple), _up(minimum, multiple)
    side = max(_up(tile, multiple) + 2 * overlap, minimum)
    padded = [max(_up(length, multiple), minimum) for length in picture.shape[1:]]
    window = [min(side, length) for length in padded]
    places = list(product(*(_spans(length, seen, overlap) for length, seen in zip(padded, window, strict=True))))
    groups = range(0, len(places), batch_size)
    for start in tqdm(groups, "restoring", delay=QUIET, leave=False, disable=None):
        group = places[start : start + batch_size]
        given = torch.stack([_given(picture, down, across, window, device) for down, across in group])
        with torch.no_grad():  # not around the loop: the caller's grad mode must survive each yield
            outputs = network_fn(given)
        _check(outputs, (len(group), *(scale * length for length in window)))
        for (down, across), output in zip(group, outputs, strict=True):
            rows, columns = (
                slice(scale * (span.first - span.start), scale * (min(span.stop, length) - span.start))
                for span, length in zip((down, across), picture.shape[1:], strict=True)
            )
            yield scale * down.first, scale * across.first, _as(picture.dtype, output[:, rows, columns]).cpu()


def _fact(network: Network, name: str, given: int | None, default: int) -> int:
    """What the caller gives, else what the network states about itself."""
    stated = getattr(network, name, None)
    return given if given is not None else stated if isinstance(stated, int) else default


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _spans(length: int, seen: int, overlap: int) -> list[_Span]:
    """Tiles along an axis of `length` pixels, all with inputs of `seen` pixels: they stack, and none is small."""
    if seen == length:
        return [_Span(0, 0, length)]
    step = seen - 2 * overlap
    # The last tile is moved back to end with the image: it has more context than it needs, never less.
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


def _check(outputs: Tensor, wanted: tuple[int, int, int]) -> None:
    shape = tuple(outputs.shape)
    if len(shape) != 4 or (shape[0], *shape[2:]) != wanted:
        raise CourseError(f"the network returned shape {shape}; wanted {wanted[0]}×C×{wanted[1]}×{wanted[2]}")
    if not outputs.isfinite().all():
        raise CourseError("the network returned nan or inf; train it again, with a lower learning rate")


def _as(dtype: torch.dtype, output: Tensor) -> Tensor:
    if dtype not in TOP:
        return output.to(dtype)
    return (output.float().clamp(0, 1) * TOP[dtype]).round().to(dtype)
