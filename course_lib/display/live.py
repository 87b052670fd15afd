"""The two views of a dashboard: a tqdm line in a terminal, ipywidgets in a notebook."""

import base64
import time
from collections.abc import Callable

from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from tqdm import tqdm

from course_lib.display.progress import Clock, Series, Watched, draw_curves
from course_lib.display.sheet import checked, png, sheet
from course_lib.display.style import WIDEST
from course_lib.system.checkpoint import random_state, set_random_state

SHARE = 1 / 20  # of the time, at most, is spent drawing
WIDGET = "application/vnd.jupyter.widget-view+json"
TICK = 0.5  # seconds between updates of the progress bar


class Line:
    """A tqdm line in a terminal."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def begin(self, trainer: Watched) -> None:
        if self.bar is not None:
            self.bar.close()
        kind, planned = trainer.planned
        layout = "{l_bar}{bar}| {n:.0f}/{total:.0f} s [{remaining} left{postfix}]" if kind == "seconds" else None
        self.bar = tqdm(
            total=planned, initial=self._done(trainer), unit="step", leave=False, dynamic_ncols=True, bar_format=layout
        )

    def step(self, trainer: Watched) -> None:
        self.bar.total = trainer.planned[1]  # a second run of the same trainer has a new total
        if trainer.steps % 20 == 0:
            last = {name: f"{values[-1]:.3g}" for name, values in trainer.history.items()}
            self.bar.set_postfix(last, refresh=False)
        self.bar.update(self._done(trainer) - self.bar.n)

    def close(self, trainer: Watched) -> None:
        self.bar.close()

    @staticmethod
    def _done(trainer: Watched) -> float:
        return trainer.steps if trainer.planned[0] == "steps" else trainer.seconds


class Page:
    """ipywidgets in a notebook, created once and then updated in place: no flicker, no growing memory."""

    def __init__(self, sample: Callable[[], Tensor] | None, every: float, series: Series) -> None:
        self.sample, self.every, self.series = sample, every, series
        self.clock, self.canvas, self.trouble = Clock(), Figure(dpi=100), ""
        self.box = self.handle = None

    def begin(self, trainer: Watched) -> None:
        import ipywidgets
        from IPython.display import display

        self.clock.begin(trainer)
        if self.box is None:
            self.bar = ipywidgets.FloatProgress(min=0.0, max=1.0, layout={"width": "300px"})
            self.label, self.picture = ipywidgets.Label(), ipywidgets.Image(format="png")
            self.top = ipywidgets.HBox([self.bar, self.label])
            self.box = ipywidgets.VBox([self.top])
            # The widget's MIME bundle, written out: ipywidgets 7 would bypass the handle that replaces it later.
            view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
            self.handle = display({WIDGET: view, "text/plain": "training …"}, raw=True, display_id=True)
        self.tick_at, self.draw_at = 0.0, time.monotonic() + min(1.0, self.every)

    def step(self, trainer: Watched) -> None:
        now = time.monotonic()
        if now >= self.tick_at:
            self.bar.value, self.label.value = self.clock.read(trainer)[0], self._text(trainer)
            self.tick_at = now + TICK
        if now >= self.draw_at:
            self.draw(trainer)
            after = time.monotonic()
            self.draw_at = after + max(self.every, (after - now) / SHARE)

    def draw(self, trainer: Watched, caption: str = "") -> None:
        """Draw curves above samples as one image; `caption` is a line of text below them."""
        parts = [draw_curves(self.canvas, trainer.history, self.series), self._samples()]
        parts = [part for part in parts if part is not None]
        if not parts:
            return
        height = sum(part.height for part in parts)
        whole = Image.new("RGB", (WIDEST, height + (24 if caption else 0)), "white")
        top = 0
        for part in parts:
            whole.paste(part, (0, top))
            top += part.height
        if caption:
            ImageDraw.Draw(whole).text((4, height + 4), caption, "black", ImageFont.load_default(13))
        self.picture.layout.width, self.picture.layout.height = f"{WIDEST}px", f"{whole.height}px"
        self.picture.value = png(whole)
        self.box.children = (self.top, self.picture)  # only now, since an empty image shows as broken

    def _samples(self) -> Image.Image | None:
        if self.sample is None:
            return None
        state = random_state()
        try:
            return sheet(checked(self.sample(), "sample()"))
        except Exception as error:
            self.sample, self.trouble = None, " ".join(f"no samples: {error}".split())
            return None
        finally:
            set_random_state(state)

    def _text(self, trainer: Watched) -> str:
        return " · ".join(part for part in (self.clock.text(trainer), self.trouble) if part)

    def close(self, trainer: Watched) -> None:
        """Draw the final state and replace the widgets by a static image: a saved notebook has no live ones."""
        self.draw(trainer, self._text(trainer))
        self.bar.value, self.label.value = self.clock.read(trainer)[0], self._text(trainer)
        if self.picture.value and self.handle is not None:
            picture = base64.b64encode(self.picture.value).decode()
            self.handle.update({"image/png": picture, "text/plain": self._text(trainer)}, raw=True)
            for widget in (self.box, self.top, self.bar, self.label, self.picture):
                widget.close()
