"""A live view of a training run: progress, time left, curves and samples; one line of text outside a notebook."""

import contextlib
from collections.abc import Callable

from torch import Tensor

from course_lib.display.front_end import front_end
from course_lib.display.live import Line, Page
from course_lib.display.progress import Series, Watched


class Dashboard:
    """Watches a training run: `with Dashboard(sample) as watch: trainer.run(steps=1800, watch=watch)`.

    Args:
        sample: returns the images to show, N×C×H×W in [0,1]. Use the same latent vectors every time, so that samples
            can be compared. It must leave the networks unchanged (`sample_images` does); random state is restored.
        every: seconds between updates. Slow drawing updates less often: it takes at most a twentieth of the time.
        series: history names to draw, or {title: names}, one panel each. By default all names, grouped by their first
            word, in at most four panels.
    A notebook shows progress, curves and samples, and keeps the last image. A terminal shows one line of text. With the
    environment variable TQDM_DISABLE set, nothing is shown and nothing is computed. The dashboard does not change the
    training results, and an error while drawing never stops the training. Chapter 03.
    """

    def __init__(self, sample: Callable[[], Tensor] | None = None, every: float = 5.0, series: Series = None) -> None:
        kinds = {"widgets": lambda: Page(sample, every, series), "text": Line, "none": lambda: None}
        self._view: Page | Line | None = kinds[front_end()]()
        self._trainer: Watched | None = None

    def __call__(self, trainer: Watched) -> None:
        """Update the view; call this after every step."""
        if self._view is None:
            return
        try:
            if trainer is not self._trainer:
                self._trainer = trainer
                self._view.begin(trainer)
            self._view.step(trainer)
        except Exception as error:
            self._give_up(error)

    def close(self) -> None:
        """Show the final state. Further calls do nothing."""
        view, self._view = self._view, None
        if view is not None and self._trainer is not None:
            with contextlib.suppress(Exception):
                view.close(self._trainer)
        self._trainer = None

    def _give_up(self, error: Exception) -> None:
        # Whatever failed (the page, its connection, a full disk), the training matters more than its display.
        self._view = None
        with contextlib.suppress(Exception):
            print(f"dashboard off, training goes on ({type(error).__name__}: {' '.join(str(error).split())})")

    def __enter__(self) -> "Dashboard":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
