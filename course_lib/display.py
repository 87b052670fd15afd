"""How the course shows things: pixel-true pictures, curves, bars; the same colour for the same thing everywhere."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.images import to_uint8

# Okabe and Ito's palette, told apart by colour-blind readers; never by colour alone: line styles differ as well.
COLOURS = {
    "residual": "#0072B2",
    "ours": "#0072B2",
    "plain": "#D55E00",
    "baseline": "#6E6E6E",
    "real": "#009E73",
    "fake": "#CC79A7",
    "other": "#E69F00",
}
STYLE = {
    "figure.dpi": 100,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "font.size": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
WIDEST = 880  # pixels: what JupyterLab, the book and Colab all show without shrinking


def figure(
    rows: int = 1, columns: int = 1, height: float = 3.2, width: float = 8.6
) -> tuple[Figure, np.ndarray | Axes]:
    """An empty figure in the course's style and width: (figure, axes), like `plt.subplots`. Inches. Chapter 01."""
    plt.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained")


def show_images(
    images: Tensor | Sequence[Tensor],
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    zoom: int | None = None,
    title: str = "",
    signed: bool = False,
) -> None:
    """Show pictures side by side, every pixel as a square of zoom×zoom, no interpolation, nothing rescaled.

    Args:
        images: N×C×H×W, or a sequence of C×H×W; C = 1 (gray) or 3; [0,1], values outside are clipped as on paper.
        titles: one per picture; the size in pixels stands below the first.
        zoom: whole number; the largest that fits the page unless given.
        signed: the values are differences in [-0.5, 0.5]: mid-gray is 0.
    Raises CourseError for other shapes, or a number of titles that is not the number of pictures. Chapter 00.
    """
    pictures = [image.detach().cpu().float() + (0.5 if signed else 0) for image in images]
    if not pictures or any(picture.ndim != 3 or picture.shape[0] not in (1, 3) for picture in pictures):
        shapes = [tuple(picture.shape) for picture in pictures][:3]
        raise CourseError(f"show_images: got shapes {shapes}, wanted C×H×W each, C = 1 or 3 (N×C×H×W in all)")
    if titles is not None and len(titles) != len(pictures):
        raise CourseError(f"show_images: {len(titles)} titles for {len(pictures)} pictures; give one each")
    plt.rcParams.update(STYLE)
    columns = min(columns or len(pictures), len(pictures))
    rows = -(-len(pictures) // columns)
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (1, 2))
    gap, head, top = 6, 22 if titles is not None else 6, 34 if title else 4
    zoom = zoom or max(1, (WIDEST - gap) // columns // (width + gap // 2))
    total = (columns * (width * zoom + gap) + gap, rows * (height * zoom + head) + top + 18)
    canvas = plt.figure(figsize=(total[0] / 100, total[1] / 100))
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        left = gap + column * (width * zoom + gap)
        bottom = total[1] - top - (row + 1) * (height * zoom + head) + gap
        box = (left, bottom, picture.shape[2] * zoom, picture.shape[1] * zoom)
        axes = canvas.add_axes([value / total[axis % 2] for axis, value in enumerate(box)])
        axes.imshow(to_uint8(picture).permute(1, 2, 0).expand(-1, -1, 3).numpy(), interpolation="nearest")
        axes.set_axis_off()
        if titles is not None:
            axes.set_title(titles[index], fontsize=10, fontweight="normal", pad=4)
    size = f"{pictures[0].shape[2]}×{pictures[0].shape[1]} pixels, shown ×{zoom}"
    canvas.text(gap / total[0], 2 / total[1], size, fontsize=8, color=COLOURS["baseline"])
    if title:
        canvas.text(gap / total[0], 1 - 8 / total[1], title, fontsize=12, fontweight="bold", va="top")
    plt.show()


def smooth(values: Sequence[float], window: int = 20) -> np.ndarray:
    """Running mean over the last `window` values (fewer at the start), as long as `values`. Chapter 01."""
    values = np.asarray(values, dtype=float)
    sums = np.cumsum(np.insert(values, 0, 0.0))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def curves(
    axes: Axes,
    series: dict[str, Sequence[float]],
    colours: Sequence[str],
    styles: Sequence[str] | None = None,
    **labels: str,
) -> None:
    """Draw named series over 1, 2, 3, …, each with its name at its right end (no legend to look up).

    `colours` are names in `COLOURS`, `styles` matplotlib line styles; `labels` go to `axes.set`: title, xlabel,
    ylabel, yscale. Chapter 01.
    """
    styles = styles or ["-"] * len(series)
    for values, colour, style in zip(series.values(), colours, styles, strict=True):
        axes.plot(range(1, len(values) + 1), np.asarray(values, dtype=float), style, color=COLOURS[colour])
    axes.set(**labels)
    axes.xaxis.get_major_locator().set_params(integer=True)
    _name_at_the_end(axes, series, colours)


def _name_at_the_end(axes: Axes, series: dict[str, Sequence[float]], colours: Sequence[str], gap: float = 12) -> None:
    # Names of curves that end close together would lie on each other: push them apart to `gap` points.
    to_points = 72 / axes.figure.dpi
    ends = {name: (len(values), float(values[-1])) for name, values in series.items()}
    heights = {name: axes.transData.transform(end)[1] * to_points for name, end in ends.items()}
    colour_of = dict(zip(series, colours, strict=True))
    lowest = -np.inf
    for name in sorted(series, key=heights.get):
        lowest = max(heights[name], lowest + gap)
        axes.annotate(
            f" {name}",
            ends[name],
            (2, lowest - heights[name]),
            textcoords="offset points",
            color=COLOURS[colour_of[name]],
            va="center",
            annotation_clip=False,
        )
