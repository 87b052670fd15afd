"""A training run on the page while it runs: progress and time left, curves, samples; a line of text elsewhere."""

import contextlib
from collections.abc import Callable

from torch import Tensor

from course_lib.display.front_end import front_end
from course_lib.display.live import Line, Page
from course_lib.display.progress import Series, Watched


class Dashboard:
    """Watches a training run: `with Dashboard(sample) as watch: trainer.run(steps=1800, watch=watch)`.

    Args:
        sample: gives the images to show, N×C×H×W in [0,1]; of the same noise every time, or nothing can be compared.
            It must leave the networks as they are (`sample_images` does); random numbers it draws are put back.
        every: seconds between two drawings. Slow drawings come less often: they take at most a twentieth of the time.
        series: names in the history to draw, or {title: names}, a panel each. By default all, grouped by their first
            word, four panels at most.
    In a notebook the page shows progress, curves and samples, and keeps the last image. In a terminal it is one line
    of text. With the environment variable TQDM_DISABLE set it shows nothing and costs nothing. Watching changes no
    result, and what goes wrong with showing never stops the training. Chapter 03.
    """

    def __init__(self, sample: Callable[[], Tensor] | None = None, every: float = 5.0, series: Series = None) -> None:
        kinds = {"widgets": lambda: Page(sample, every, series), "text": Line, "none": lambda: None}
        self._view: Page | Line | None = kinds[front_end()]()
        self._trainer: Watched | None = None

    def __call__(self, trainer: Watched) -> None:
        """To be called after every step."""
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
        """Show how it ended. More calls do nothing."""
        view, self._view = self._view, None
        if view is not None and self._trainer is not None:
            with contextlib.suppress(Exception):
                view.close(self._trainer)
        self._trainer = None

    def _give_up(self, error: Exception) -> None:
        # The page, the connection to it or a full disk: the training is worth more than its image.
        self._view = None
        with contextlib.suppress(Exception):
            print(f"dashboard off, training goes on ({type(error).__name__}: {' '.join(str(error).split())})")

    def __enter__(self) -> "Dashboard":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
