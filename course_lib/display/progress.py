"""A training run in numbers: progress, estimated time left, and the curves to draw."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image
from tqdm import tqdm

from course_lib.display.curves import curves, smooth
from course_lib.display.style import STYLE, WIDEST

Series = Sequence[str] | Mapping[str, Sequence[str]] | None
PANELS = 4
_CYCLE = (("ours", "-"), ("other", "--"), ("baseline", ":"), ("plain", "-."))


class Watched(Protocol):
    """What a dashboard needs from a trainer; `course_lib.training.Trainer` provides it."""

    steps: int
    seconds: float
    history: dict[str, list[float]]
    planned: tuple[str, float]


class Clock:
    """Progress and time left, from the trainer's own counts.

    Call `begin` first: speed is measured from there, so a resumed run ignores the speed of an earlier machine.
    """

    def begin(self, trainer: Watched) -> None:
        self.first = trainer.steps, trainer.seconds

    def read(self, trainer: Watched) -> tuple[float, float | None]:
        """(fraction done in [0,1], seconds left or None while the speed is unknown)."""
        kind, planned = trainer.planned
        steps, seconds = trainer.steps - self.first[0], trainer.seconds - self.first[1]
        if kind == "seconds":
            left = max(planned - trainer.seconds, 0.0)
            return min(trainer.seconds / planned, 1.0), left
        left = max(planned - trainer.steps, 0) * seconds / steps if steps else None
        return min(trainer.steps / planned, 1.0), left

    def text(self, trainer: Watched) -> str:
        """One line, such as: step 640 of 1,800 · 28 steps/s · 00:23 trained · about 00:41 left."""
        done, left = self.read(trainer)
        kind, planned = trainer.planned
        parts = [f"step {trainer.steps:,}" + (f" of {planned:,}" if kind == "steps" else "")]
        if trainer.seconds > self.first[1]:
            pace = (trainer.steps - self.first[0]) / (trainer.seconds - self.first[1])
            parts.append(f"{pace:,.0f} steps/s" if pace >= 10 else f"{pace:.2g} steps/s")
        of = f" of {tqdm.format_interval(planned)}" if kind == "seconds" else ""
        parts.append(f"{tqdm.format_interval(trainer.seconds)}{of} trained")
        if done >= 1:
            parts.append("done")
        elif left is not None:
            parts.append(f"about {tqdm.format_interval(left)} left")
        return " · ".join(parts)


def panels(history: Mapping[str, Sequence[float]], series: Series) -> dict[str, dict[str, str]]:
    """Title → {name in the history: label of its curve}, one entry per panel.

    Panels follow a mapping; other names are grouped by first word: "loss D" and "loss G" are D and G in "loss".
    """
    if isinstance(series, Mapping):
        wanted = {title: {name: name for name in names if name in history} for title, names in series.items()}
    else:
        wanted = {}
        for name in history if series is None else series:
            if name in history:
                title, _, rest = name.partition(" ")
                wanted.setdefault(title, {})[name] = rest or name
        wanted = {next(iter(lines)) if len(lines) == 1 else title: lines for title, lines in wanted.items()}
    return {title: lines for title, lines in list(wanted.items())[:PANELS] if lines}


def draw_curves(canvas: Figure, history: Mapping[str, Sequence[float]], series: Series) -> Image.Image | None:
    """Draw the panels on `canvas`, reusing its axes where possible; None while there is no curve."""
    wanted = panels({name: values for name, values in history.items() if len(values) > 1}, series)
    if not wanted:
        return None
    with rc_context(STYLE):
        if [axes.get_title("left") for axes in canvas.axes] != list(wanted):
            _lay_out(canvas, len(wanted))
        for axes, (title, names) in zip(canvas.axes, wanted.items(), strict=True):
            _panel(axes, title, {beside: history[name] for name, beside in names.items()})
        agg = FigureCanvasAgg(canvas)
        agg.draw()
    return Image.fromarray(np.asarray(agg.buffer_rgba())).convert("RGB")


def _lay_out(canvas: Figure, number: int) -> None:
    rows, columns = -(-number // 2), min(number, 2)
    canvas.clear()
    canvas.set_size_inches(WIDEST / 100, 2.2 * rows)
    # Fixed margins: computing a layout would take longer than the drawing itself.
    around = {"left": 0.055, "right": 0.945, "top": 1 - 0.14 / rows, "bottom": 0.21 / rows}
    grid = canvas.subplots(rows, columns, squeeze=False, gridspec_kw=around | {"wspace": 0.28, "hspace": 0.6})
    for axes in grid.flat[number:]:
        axes.remove()
    for axes in grid.flat[:number]:
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_locator(MaxNLocator(5))


def _panel(axes: Axes, title: str, lines: dict[str, Sequence[float]]) -> None:
    for old in [*axes.lines, *axes.texts]:
        old.remove()
    window = max(1, max(map(len, lines.values())) // 100)
    smoothed = {name: smooth(values, window) for name, values in lines.items()}
    looks = [
        ("real", "-") if "real" in name else ("fake", "--") if "fake" in name else _CYCLE[k % len(_CYCLE)]
        for k, name in enumerate(lines)
    ]
    # Leave out the first steps: they are often far off and would flatten the rest.
    later = np.concatenate([values[len(values) // 20 :] for values in smoothed.values()])
    low, high = np.percentile(later, (0.5, 99.5))
    room = 0.1 * (high - low) or 0.1 * abs(high) or 1.0
    named = smoothed if len(smoothed) > 1 else {"": next(iter(smoothed.values()))}
    said = f"step (mean of {window})" if window > 1 else "step"
    curves(
        axes,
        named,
        [colour for colour, _ in looks],
        [style for _, style in looks],
        title=title,
        xlabel=said,
        ylim=(low - room, high + room),
    )
