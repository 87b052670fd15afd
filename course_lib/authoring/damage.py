"""Small damage to what a chapter shows, of the kinds that a re-run must catch.

Data flow: the figures that a kernel kept (kernel.py, COURSE_KEEP_FIGURES) and a cell's outputs → a damaged copy, drawn
as the notebook would have drawn it. Each function returns its kind of damage, the smallest that a reader would notice
first. benchmarks/verification.py samples them with a seed and counts what verify.py catches. Course machinery.
"""

import base64
import io
import json
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.core.pylabtools import print_figure
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from course_lib.authoring.drawn import by_cells, cells_of_an_image, describe
from course_lib.authoring.kernel import DESCRIPTION
from course_lib.authoring.same_figure import Spread
from course_lib.authoring.same_picture import decode
from course_lib.expect.reading import LINE

NOTICED = 0.05  # of a panel's height: a smaller change of a curve looks like noise
PLAIN = 3  # damage counts as visible when it is this many times as large as rounding


@dataclass(frozen=True)
class Damage:
    """One change of a figure: what it is in words, its size (for sorting), and the function that applies it.

    `where` is the image that is changed, as descriptions name it; empty for anything else. `moves` is a regular
    expression for the parts of a spread that say how much the changed part varies by itself; `apart` is the size on
    their scale, if that differs.
    """

    what: str
    size: float
    do: Callable[[Figure], object]
    where: str = ""
    moves: str = ""
    apart: float | None = None

    def is_plain(self, spread: Spread) -> bool:
        """Whether it stands out from rounding: three times as large as the distance between two honest runs."""
        alone = (values[0] for part, values in spread.items() if self.moves and re.fullmatch(self.moves, part))
        return (self.size if self.apart is None else self.apart) >= PLAIN * max(alone, default=0.0)


def redraw(file: Path, damage: Damage | None = None) -> dict:
    """A kept figure as a cell's output, damaged or unchanged."""
    figure = pickle.loads(file.read_bytes())  # written a moment ago by our own kernel
    if damage is not None:
        damage.do(figure)
    picture = print_figure(figure, "png", base64=True, bbox_inches="tight")
    described = json.dumps(describe(figure), ensure_ascii=False)
    plt.close("all")  # an unpickled figure counts as open
    return {
        "output_type": "display_data",
        "data": {"image/png": picture, "text/plain": repr(figure)},
        "metadata": {"image/png": {DESCRIPTION: described}},
    }


def blanked(output: dict) -> dict:
    """The output with an empty image of the same size and its description unchanged."""
    image = decode(base64.b64decode(output["data"]["image/png"]))
    file = io.BytesIO()
    Image.new("RGB", image.size, "white").save(file, "png")
    return {**output, "data": output["data"] | {"image/png": base64.b64encode(file.getvalue()).decode()}}


def curves(figure: Figure) -> Iterator[tuple[int, int, Axes, Line2D]]:
    """Every visible curve: the indices of its panel and line, and both objects."""
    for panel, axes in enumerate(figure.axes):
        for place, line in enumerate(axes.get_lines()):
            if line.get_visible() and len(line.get_xdata()) > 1:
                yield panel, place, axes, line


def _height(axes: Axes, values: np.ndarray) -> np.ndarray:
    """The height of values in their panel, 0 … 1."""
    points = axes.transData.transform(np.stack([np.zeros_like(values), values], axis=1))
    return axes.transAxes.inverted().transform(points)[:, 1]


def _numbers(line: Line2D) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.asarray(data, dtype=float) for data in (line.get_xdata(orig=False), line.get_ydata(orig=False)))


def _moves(panel: int, *places: int) -> str:
    """The parts that say how much these curves vary by themselves (see `Damage.moves`)."""
    return rf"panel {panel + 1}, line ({'|'.join(str(place + 1) for place in places)})\b.*, y: mean"


def _connected(line: Line2D) -> bool:
    return line.get_linestyle() not in ("None", " ", "")


def another_curve(figure: Figure) -> list[Damage]:
    """One curve shows the values of another curve in its panel."""
    found = []
    for panel, place, axes, line in curves(figure):
        if not _connected(line):
            continue
        x, y = _numbers(line)
        for other_panel, other, _, sibling in curves(figure):
            if other_panel != panel or other == place or len(sibling.get_xdata()) < 3 or len(x) < 3:
                continue
            theirs = np.interp(
                np.linspace(0, 1, len(x)), np.linspace(0, 1, len(sibling.get_xdata())), _numbers(sibling)[1]
            )
            apart = float(np.nanmean(np.abs(_height(axes, y) - _height(axes, theirs))))
            if apart >= NOTICED:

                def do(fresh: Figure, panel=panel, place=place, theirs=theirs) -> None:
                    fresh.axes[panel].get_lines()[place].set_ydata(theirs)

                what = f"panel {panel + 1}: curve {place + 1} is curve {other + 1}"
                found.append(Damage(what, apart, do, moves=_moves(panel, place, other)))
    return sorted(found, key=lambda damage: damage.size)


def removed_curve(figure: Figure) -> list[Damage]:
    """One curve is removed; its legend entry stays."""
    found = []
    for panel, place, axes, line in curves(figure):
        length = float(np.nansum(np.abs(np.diff(_height(axes, _numbers(line)[1])))))

        def do(fresh: Figure, panel=panel, place=place) -> None:
            fresh.axes[panel].get_lines()[place].remove()

        found.append(Damage(f"panel {panel + 1}: curve {place + 1} is gone", length, do))
    return sorted(found, key=lambda damage: damage.size)


def raised_curve(figure: Figure) -> list[Damage]:
    """One curve is raised by a twentieth of the panel, or one bar is that much longer."""
    found = []
    for panel, place, axes, line in curves(figure):
        x, y = _numbers(line)
        if line.get_transform() != axes.transData or not _connected(line):
            continue

        def do(fresh: Figure, panel=panel, place=place, x=x, y=y) -> None:
            axes, line = fresh.axes[panel], fresh.axes[panel].get_lines()[place]
            points = axes.transAxes.inverted().transform(axes.transData.transform(np.stack([x, y], axis=1)))
            limits = axes.get_xlim(), axes.get_ylim()
            moved = axes.transData.inverted().transform(axes.transAxes.transform(points + np.array([0, NOTICED])))
            line.set_ydata(moved[:, 1])
            axes.set(xlim=limits[0], ylim=limits[1])

        what = f"panel {panel + 1}: curve {place + 1} is higher"
        found.append(Damage(what, NOTICED, do, moves=_moves(panel, place)))
    for panel, axes in enumerate(figure.axes):
        bars = [patch for group in axes.containers for patch in getattr(group, "patches", [])]
        for place, bar in enumerate(bars):
            flat = bar.get_width() > bar.get_height()

            def do(fresh: Figure, panel=panel, place=place, flat=flat) -> None:
                axes = fresh.axes[panel]
                bar = [patch for group in axes.containers for patch in getattr(group, "patches", [])][place]
                low, high = axes.get_xlim() if flat else axes.get_ylim()
                length = bar.get_width() if flat else bar.get_height()
                if (axes.get_xscale() if flat else axes.get_yscale()) == "log":
                    longer = length * (high / low) ** NOTICED
                else:
                    longer = length + NOTICED * abs(high - low)
                _ = bar.set_width(longer) if flat else bar.set_height(longer)

            what, moves = f"panel {panel + 1}: bar {place + 1} is longer", rf"panel {panel + 1}, bars.*: largest"
            found.append(Damage(what, NOTICED, do, moves=moves))
    return found


def other_axis(figure: Figure) -> list[Damage]:
    """An axis ends a twentieth further out, or becomes logarithmic."""
    found = []
    for panel, axes in enumerate(figure.axes):
        if not axes.axison:
            continue
        for letter in "xy":

            def stretch(fresh: Figure, panel=panel, letter=letter) -> None:
                low, high = getattr(fresh.axes[panel], f"get_{letter}lim")()
                log = getattr(fresh.axes[panel], f"get_{letter}scale")() == "log"
                further = high * (high / low) ** NOTICED if log else high + NOTICED * (high - low)
                getattr(fresh.axes[panel], f"set_{letter}lim")(low, further)

            found.append(Damage(f"panel {panel + 1}: the {letter} axis is longer", NOTICED, stretch))
        low, _ = axes.get_ylim()
        if axes.get_yscale() == "linear" and low > 0:
            found.append(
                Damage(f"panel {panel + 1}: y is logarithmic", 1.0, lambda f, p=panel: f.axes[p].set_yscale("log"))
            )
    return found


def other_words(figure: Figure) -> list[Damage]:
    """One letter of a title, a label or a legend is changed."""
    found = []

    def each(fresh: Figure) -> list:
        texts = [*fresh.texts]
        for axes in fresh.axes:
            texts += [child for child in axes.get_children() if isinstance(child, Text)]
            texts += [axes.xaxis.label, axes.yaxis.label]
            texts += axes.get_legend().get_texts() if axes.get_legend() else []
        return [text for text in texts if re.search("[a-z]", text.get_text()) and text.get_visible()]

    for place, text in enumerate(each(figure)):

        def do(fresh: Figure, place=place) -> None:
            chosen = each(fresh)[place]
            words = chosen.get_text()
            middle = [m.start() for m in re.finditer("[a-z]", words)][len(re.findall("[a-z]", words)) // 2]
            letter = "o" if words[middle] != "o" else "e"
            chosen.set_text(words[:middle] + letter + words[middle + 1 :])

        found.append(Damage(f"a letter of {text.get_text()!r}", 1 / len(text.get_text()), do))
    return sorted(found, key=lambda damage: damage.size)


def other_image(figure: Figure) -> list[Damage]:
    """One image of a figure is mirrored, or replaced by another."""
    images = [
        (panel, place, image) for panel, axes in enumerate(figure.axes) for place, image in enumerate(axes.images)
    ]
    found, side = [], cells_of_an_image(figure)
    for panel, place, image in images:
        array = np.asarray(image.get_array(), dtype=float)
        versions = [("mirrored", np.asarray(image.get_array())[:, ::-1])]
        versions += [("another", np.asarray(other.get_array())) for *_, other in images if other is not image]
        for what, version in versions:
            if version.shape != array.shape:
                continue
            span = float(np.ptp(array)) or 1.0
            size = float(np.abs(version - array).mean()) / span
            if size >= NOTICED:
                apart = float(np.abs(by_cells(version, side) - by_cells(array, side)).mean()) / span

                def do(fresh: Figure, panel=panel, place=place, version=version) -> None:
                    fresh.axes[panel].images[place].set_data(version)

                where = f"panel {panel + 1}, image {place + 1}"
                found.append(Damage(f"{where}: {what}", size, do, where, rf"{where}, light: mean", apart))
    return sorted(found, key=lambda damage: damage.size)


FIGURE_DAMAGE: dict[str, Callable[[Figure], list[Damage]]] = {
    "another experiment's curve": another_curve,
    "a curve gone": removed_curve,
    "a curve or bar moved by 5 %": raised_curve,
    "another axis": other_axis,
    "a letter of the words": other_words,
    "another image": other_image,
}


def outside_its_band(text: str) -> list[tuple[str, float]]:
    """For each expect line of an output: the text with its number outside the band by 1 % of the band."""
    found = []
    lines = text.splitlines(keepends=True)
    for place, line in enumerate(lines):
        if match := LINE.fullmatch(line.rstrip("\n")):
            label, _, unit, low, high, _ = match.groups()
            ends = [float(end.replace(",", "")) for end in (low, high)]
            value = ends[1] + 0.01 * (ends[1] - ends[0] or 1)
            new = f"{label}: {value:.6g}{unit}   [band {low} … {high}{unit}] ✗\n"
            found.append(("".join([*lines[:place], new, *lines[place + 1 :]]), ends[1] - ends[0]))
    return found


def other_number(text: str) -> list[str]:
    """For each printed number that no band checks: the text with its last digit changed."""
    found = []
    lines = text.splitlines(keepends=True)
    for place, line in enumerate(lines):
        if LINE.fullmatch(line.rstrip("\n")) or "|" in line:
            continue
        for match in re.finditer(r"\d+(?:\.\d+)?", line):
            digit = line[match.end() - 1]
            new = line[: match.end() - 1] + str((int(digit) + 1) % 10) + line[match.end() :]
            found.append("".join([*lines[:place], new, *lines[place + 1 :]]))
    return found
