"""A line of text that shows how far a training is, for those who gave the trainer nothing else to show it with."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tqdm.auto import tqdm

if TYPE_CHECKING:
    from course_lib.training.trainer import Trainer


@contextmanager
def progress_line(trainer: "Trainer") -> Iterator[Callable[["Trainer"], None]]:
    """Gives a function to call after each step; it moves the line on to where the trainer is."""
    kind, length = trainer.planned
    total, unit = (length, "step") if kind == "steps" else (round(length), "s")
    # In a notebook tqdm does not look at its own variable, and a line that is overwritten would stay in the output.
    silent = bool(os.environ.get("TQDM_DISABLE"))
    start = round(trainer.done * total)
    with tqdm(total=total, initial=start, unit=unit, leave=False, dynamic_ncols=True, disable=silent) as bar:

        def line(trainer: "Trainer") -> None:
            bar.update(round(min(trainer.done, 1) * total) - bar.n)
            if trainer.steps % 20 == 0:
                bar.set_postfix({name: f"{series[-1]:.3g}" for name, series in trainer.history.items()})

        yield line
