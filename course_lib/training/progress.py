"""A progress line in text, used when the trainer was given no `watch` function."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tqdm.auto import tqdm

if TYPE_CHECKING:
    from course_lib.training.trainer import Trainer


@contextmanager
def progress_line(trainer: "Trainer") -> Iterator[Callable[["Trainer"], None]]:
    """Yield a function to call after each step; it moves the progress line to the trainer's position."""
    kind, length = trainer.planned
    total, unit = (length, "step") if kind == "steps" else (round(length), "s")
    # In a notebook tqdm ignores its own variable, and the progress line would stay in the saved output.
    silent = bool(os.environ.get("TQDM_DISABLE"))
    start = round(trainer.done * total)
    with tqdm(total=total, initial=start, unit=unit, leave=False, dynamic_ncols=True, disable=silent) as bar:

        def line(trainer: "Trainer") -> None:
            bar.update(round(min(trainer.done, 1) * total) - bar.n)
            if trainer.steps % 20 == 0:
                bar.set_postfix({name: f"{series[-1]:.3g}" for name, series in trainer.history.items()})

        yield line
