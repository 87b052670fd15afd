"""What a figure shows, as data: its words, and every series, bar, image and axis as a few numbers.

Data flow: a matplotlib figure → `describe` → a small dictionary that kernel.py puts into the metadata of the figure's
output, so that it is committed and sealed with the image. same_figure.py compares two of them. Numbers inside words
(a title that names a PSNR) are taken out of the words and compared as numbers. Course machinery.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.collections import Collection, PathCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, NullFormatter, ScalarFormatter

POINTS = 48  # a longer curve is sampled at this many places
CELLS = 256  # the images of a figure are averaged over about this many cells in total …
SIDES = (4, 16)  # … each over no fewer than 4×4, no more than 16×16
DIGITS, SHADES = 4, 3  # significant digits, of numbers and of colours
NUMBER = re.compile(r"(?<![A-Za-z_])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")

Description = dict[str, Any]


def describe(figure: Figure) -> Description:
    """`{"words": [[where, text, numbers]], "parts": {name: {"values", "span"}}}` of a drawn figure.

    `span` is the scale for differences: the height of an axis, the range of an image's colours. Non-finite values are
    None.
    """
    drawn = _Drawn()
    width, height = figure.get_size_inches()
    drawn.say("figure", f"{width:.2f} by {height:.2f} inches")
    for place, text in enumerate(figure.texts, 1):
        drawn.text(f"text {place} of the figure", text, 1.0)
    if figure.get_suptitle():
        drawn.say("title of the figure", figure.get_suptitle())
    for legend in figure.legends:
        drawn.say("legend of the figure", " | ".join(entry.get_text() for entry in legend.get_texts()))
    side = cells_of_an_image(figure)
    for number, axes in enumerate(figure.axes, 1):
        _describe_axes(drawn, axes, f"panel {number}")
        for place, image in enumerate(axes.images, 1):
            _describe_image(drawn, image, f"panel {number}, image {place}", side)
    return {"words": drawn.words, "parts": drawn.parts}


class _Drawn:
    """What has been described so far."""

    def __init__(self) -> None:
        self.words: list[list[Any]] = []
        self.parts: dict[str, Description] = {}

    def say(self, where: str, text: str) -> None:
        """Words, with the numbers among them taken out: `PSNR 30.5 dB` is `PSNR # dB` and 30.5."""
        if text:
            self.words.append([where, NUMBER.sub("#", text), NUMBER.findall(text)])

    def label(self, name: str, label: Any) -> None:
        if not str(label).startswith("_"):  # matplotlib's name for an unlabelled artist
            self.say(f"{name}, label", str(label))

    def measure(self, name: str, values: Any, span: float, digits: int = DIGITS) -> None:
        array = np.asarray(values, dtype=np.float64).ravel()
        if array.size:
            kept = [_short(value, digits) for value in array]
            self.parts[name] = {"values": kept, "span": _short(max(abs(span), 1e-12))}

    def text(self, name: str, text: Text, span: float) -> None:
        if text.get_visible():
            self.say(name, text.get_text())
            if text.get_text():
                self.measure(f"{name}, position", [_plain(v) for v in text.get_position()], span)


def _short(value: float, digits: int = DIGITS) -> float | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < 1e9 else short


def _plain(value: Any) -> float:
    """A position may be a category's name; its place is given by the axis."""
    return float(value) if isinstance(value, int | float | np.number) else math.nan


def _describe_axes(drawn: _Drawn, axes: Axes, panel: str) -> None:
    for where in ("left", "center", "right"):
        drawn.say(f"{panel}, {where} title", axes.get_title(loc=where))
    spans = []
    for name, axis, limits in (("x", axes.xaxis, axes.get_xlim()), ("y", axes.yaxis, axes.get_ylim())):
        drawn.say(f"{panel}, {name} label", axis.get_label_text())
        drawn.say(f"{panel}, {name} scale", axis.get_scale())
        scaled = _scaled(limits, axis.get_scale())
        spans.append(float(scaled[1] - scaled[0]))
        if axes.axison:
            drawn.measure(f"{panel}, {name} range", scaled, spans[-1])
            if not isinstance(axis.get_major_formatter(), ScalarFormatter | LogFormatter | NullFormatter):
                labels = [label.get_text() for label in axis.get_ticklabels()]
                drawn.say(f"{panel}, {name} ticks", " | ".join(labels))
    scales = axes.xaxis.get_scale(), axes.yaxis.get_scale()
    if (legend := axes.get_legend()) is not None:
        drawn.say(f"{panel}, legend", " | ".join(entry.get_text() for entry in legend.get_texts()))
    for number, line in enumerate(axes.get_lines(), 1):
        _describe_line(drawn, line, f"{panel}, line {number}", spans, scales)
    for number, collection in enumerate(axes.collections, 1):
        _describe_collection(drawn, collection, f"{panel}, shape {number}", spans, scales)
    _describe_patches(drawn, axes.patches, panel, spans, scales)
    for number, text in enumerate(axes.texts, 1):
        drawn.text(f"{panel}, text {number}", text, max(map(abs, spans)))


def _scaled(values: Any, scale: str) -> np.ndarray:
    """The places of values on their axis: on a logarithmic one, distances are ratios."""
    array = np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)
    if scale == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log10(array)
    return array


def _sampled(values: np.ndarray) -> np.ndarray:
    """At most POINTS of them, evenly spaced, including both ends."""
    if len(values) <= POINTS:
        return values
    return values[np.linspace(0, len(values) - 1, POINTS).round().astype(int)]


def _named(name: str, label: Any) -> str:
    return name if str(label).startswith("_") else f"{name} ({NUMBER.sub('#', str(label))})"


def _colour(value: Any) -> str:
    try:
        return colors.to_hex(value, keep_alpha=True)
    except ValueError:
        return "several colours"


def _describe_line(drawn: _Drawn, line: Line2D, name: str, spans: Sequence[float], scales: Sequence[str]) -> None:
    if not line.get_visible():
        return
    look = f"{_colour(line.get_color())}, line {line.get_linestyle()!r}, marker {line.get_marker()!r}"
    drawn.label(name, line.get_label())
    drawn.words.append([name, look, []])
    xy = [
        _scaled(data, scale)
        for data, scale in zip((line.get_xdata(orig=False), line.get_ydata(orig=False)), scales, strict=True)
    ]
    drawn.words.append([f"{name}, points", "#", [str(len(xy[0]))]])
    cloud = line.get_linestyle() in ("None", " ", "") and len(xy[0]) > POINTS
    name = _named(name, line.get_label())
    _measure_points(drawn, name, np.stack(xy, axis=1), spans, cloud)


def _measure_points(drawn: _Drawn, name: str, xy: np.ndarray, spans: Sequence[float], cloud: bool) -> None:
    for letter, values, span in zip("xy", xy.T, spans, strict=True):
        drawn.measure(f"{name}, {letter}", _sampled(values), span)
        if cloud:  # points may swap places and still be the same distribution
            drawn.measure(f"{name}, {letter} quantiles", np.nanquantile(values, np.linspace(0.05, 0.95, 10)), span)


def _describe_collection(
    drawn: _Drawn, collection: Collection, name: str, spans: Sequence[float], scales: Sequence[str]
) -> None:
    if not collection.get_visible():
        return
    faces = {_colour(face) for face in collection.get_facecolor()}
    edges = {_colour(edge) for edge in collection.get_edgecolor()}
    look = [" ".join(sorted(some)) if len(some) <= 3 else "many colours" for some in (faces, edges)]
    drawn.label(name, collection.get_label())
    drawn.words.append([name, f"{type(collection).__name__} {' / '.join(look)}", []])
    name = _named(name, collection.get_label())
    offsets = np.asarray(np.ma.filled(collection.get_offsets(), np.nan), dtype=np.float64)
    quiver = hasattr(collection, "U")
    if isinstance(collection, PathCollection) or quiver:
        places = np.stack([_scaled(offsets[:, i], scales[i]) for i in (0, 1)], axis=1)
        _measure_points(drawn, name, places, spans, cloud=len(places) > POINTS)
    if quiver:
        arrows = np.stack([np.ravel(collection.U), np.ravel(collection.V)], axis=1).astype(np.float64)
        longest = float(np.nanmax(np.abs(arrows))) if arrows.size else 1.0
        for letter, values in zip("xy", arrows.T, strict=True):
            drawn.measure(f"{name}, arrows {letter}", _sampled(values), longest)
    elif not isinstance(collection, PathCollection):
        vertices = [path.vertices for path in collection.get_paths() if len(path.vertices)]
        if vertices:
            corners = np.concatenate(vertices)
            places = np.stack([_scaled(corners[:, i], scales[i]) for i in (0, 1)], axis=1)
            _measure_points(drawn, name, places, spans, cloud=False)


def _describe_patches(
    drawn: _Drawn, patches: Sequence[Patch], panel: str, spans: Sequence[float], scales: Sequence[str]
) -> None:
    seen = [patch for patch in patches if patch.get_visible()]
    looks = [f"{type(patch).__name__} {_colour(patch.get_facecolor())}" for patch in seen]
    if seen:
        drawn.words.append([f"{panel}, patches", " | ".join(looks), []])
    bars = [patch for patch in seen if isinstance(patch, Rectangle)]
    for axis, letter in enumerate("xy"):
        ends = [corner[axis] for bar in bars for corner in (bar.get_bbox().p0, bar.get_bbox().p1)]
        places = _scaled(ends, scales[axis])
        if scales[axis] == "log":  # a bar starts at 0, which a logarithmic axis cannot show
            places = places[1::2]
        drawn.measure(f"{panel}, bars {letter}", places, spans[axis])
    for number, patch in enumerate(patch for patch in seen if not isinstance(patch, Rectangle)):
        outline = patch.get_patch_transform().transform(patch.get_path().vertices)
        _measure_points(drawn, f"{panel}, patch {number + 1}", np.asarray(outline), spans, cloud=False)


def _describe_image(drawn: _Drawn, image: AxesImage, name: str, side: int) -> None:
    array = np.ma.filled(np.ma.asarray(image.get_array(), dtype=np.float64), np.nan)
    flat = array.ndim == 2
    drawn.words.append([name, f"{array.shape}, {image.get_cmap().name if flat else 'colours'}", []])
    low, high = image.get_clim() if flat else (0.0, 255.0 if np.nanmax(array, initial=0) > 1 else 1.0)
    span = float(high - low)
    if flat:
        drawn.measure(f"{name}, colour range", [low, high], span)
        array = array[..., None]
    elif np.array_equal(array[..., 0], array[..., 1]):
        array = array[..., :1]
    light = by_cells(array, side)
    texture = np.sqrt(np.maximum(by_cells(array**2, side) - light**2, 0)).mean(2)
    drawn.measure(f"{name}, light", light, span, SHADES)
    drawn.measure(f"{name}, texture", texture, span, SHADES)


def cells_of_an_image(figure: Figure) -> int:
    """The number of cells, per side, in which each image of a figure is described."""
    images = sum(len(axes.images) for axes in figure.axes)
    return int(np.clip(math.sqrt(CELLS / max(1, images)), *SIDES))


def by_cells(array: np.ndarray, side: int) -> np.ndarray:
    """The mean of an H×W or H×W×C image over each of at most side×side cells."""
    for axis in (0, 1):
        length = array.shape[axis]
        edges = np.linspace(0, length, min(side, length) + 1).round().astype(int)
        sums = np.add.reduceat(array, edges[:-1], axis=axis)
        shape = [-1 if place == axis else 1 for place in range(array.ndim)]
        array = sums / np.diff(edges).reshape(shape)
    return array
