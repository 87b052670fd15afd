"""Curves labelled at their right end: values over steps, smoothed or not."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from course_lib.display.style import COLOURS


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
    """Draw named series over 1, 2, 3, …, each labelled at its right end instead of in a legend.

    `colours` are names in `COLOURS`, `styles` matplotlib line styles; `labels` are passed to `axes.set`: title,
    xlabel, ylabel, yscale. Chapter 01.
    """
    styles = styles or ["-"] * len(series)
    for values, colour, style in zip(series.values(), colours, styles, strict=True):
        axes.plot(range(1, len(values) + 1), np.asarray(values, dtype=float), style, color=COLOURS[colour])
    axes.set(**labels)
    axes.xaxis.get_major_locator().set_params(integer=True)
    _name_at_the_end(axes, series, colours)


def _name_at_the_end(axes: Axes, series: dict[str, Sequence[float]], colours: Sequence[str], gap: float = 12) -> None:
    # Labels of curves that end close together would overlap, so push them at least `gap` points apart.
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
