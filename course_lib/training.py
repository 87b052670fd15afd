"""One training loop for every recipe: take a batch, do the recipe's step, keep count, save, go on where it stopped.

A step function (batch → dict of numbers) and the things it changes (networks, optimisers, batches) enter; trained
networks and a history leave. What a step computes is the recipe's affair: the loop knows no loss.
"""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm.auto import tqdm

from course_lib.checkpoint import load_tree, random_state, save_tree, set_random_state
from course_lib.device import synchronise
from course_lib.errors import CourseError

Step = Callable[[Tensor, Tensor], dict[str, float | Tensor]]
STATE_FILE = "state.safetensors"
SAVE_EVERY_SECONDS = 30


def cosine(progress: float, warmup: float = 0.1) -> float:
    """Factor on the learning rate at `progress` in [0,1]: a linear rise, then half a cosine down to 0.

    Paper: Loshchilov and Hutter 2017, "SGDR"; the warm-up as in Goyal et al. 2017. Chapter 01.
    """
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def constant(progress: float) -> float:
    """A learning rate that stays: the factor is 1 throughout. Chapter 01."""
    return 1.0


@contextmanager
def _interrupts_wait() -> Iterator[list[bool]]:
    """Collects Ctrl-C instead of letting it tear a step apart, when networks and data order would disagree."""
    interrupts: list[bool] = []

    def note(*_: object) -> None:
        if interrupts:
            raise KeyboardInterrupt
        interrupts.append(True)

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set a handler
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass
class Trainer:
    """Runs `step` over `batches`, and can be saved and resumed without a trace.

    Args:
        step: (images, labels) → named numbers for the history; it updates the networks itself.
        networks, optimisers: by name; all of their state is saved.
        batches: with `.next()`, `.state_dict()`, `.load_state_dict()` (see course_lib.batches).
        schedule: factor on each optimiser's learning rate as a function of the share of the run that is done.
        device: where the networks are.
    `steps`, `seconds` (of training only) and `history` (name → list, a number per step) count over resumes.
    Chapter 01.
    """

    step: Step
    networks: dict[str, nn.Module]
    optimisers: dict[str, Optimizer]
    batches: Any
    device: torch.device
    schedule: Callable[[float], float] = constant
    steps: int = 0
    images: int = 0
    seconds: float = 0.0
    history: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.base_rates = {
            name: [group["lr"] for group in optimiser.param_groups] for name, optimiser in self.optimisers.items()
        }

    def run(self, steps: int | None = None, seconds: float | None = None, out: Path | None = None) -> None:
        """Train until `steps` steps or `seconds` seconds are done in all (both count what was done before a resume).

        With `out`, the state is saved there every 30 seconds and at the end. Ctrl-C waits for the end of the step,
        saves, and then raises KeyboardInterrupt; a second one does not wait. Stops with a CourseError, the last
        good state kept on disk, when a number is no longer finite.
        """
        if (steps is None) == (seconds is None):
            raise CourseError("Trainer.run: give either steps or seconds, and not both")
        saved_at = time.perf_counter()
        bar = tqdm(total=steps, initial=self.steps if steps else 0, unit="step", leave=False, dynamic_ncols=True)
        with bar, _interrupts_wait() as interrupts:
            while not interrupts and ((self.steps < steps) if steps else (self.seconds < seconds)):
                done = self.steps / steps if steps else self.seconds / seconds
                self._one_step(done, bar)
                if out and time.perf_counter() - saved_at > SAVE_EVERY_SECONDS:
                    self.save(out)
                    saved_at = time.perf_counter()
            # An error inside a step passes this by: what is on disk is then the last whole state.
            if out:
                self.save(out)
        if interrupts:
            raise KeyboardInterrupt

    def _one_step(self, done: float, bar: tqdm) -> None:
        for name, optimiser in self.optimisers.items():
            for group, rate in zip(optimiser.param_groups, self.base_rates[name], strict=True):
                group["lr"] = rate * self.schedule(done)
        started = time.perf_counter()
        images, labels = self.batches.next()
        numbers = {name: float(value) for name, value in self.step(images, labels).items()}
        synchronise(self.device)
        self.seconds += time.perf_counter() - started
        self.steps += 1
        self.images += len(images)
        for name, number in numbers.items():
            self.history.setdefault(name, []).append(number)
        if not self._finite():
            raise CourseError(
                f"training stopped at step {self.steps}: {numbers} is not finite; use a smaller learning rate"
            )
        bar.update()
        if self.steps % 20 == 0:
            bar.set_postfix({name: f"{number:.3g}" for name, number in numbers.items()})

    def _finite(self) -> bool:
        return all(math.isfinite(series[-1]) for series in self.history.values())

    @property
    def images_per_second(self) -> float:
        """Pictures trained on per second of training, over the whole run."""
        return self.images / max(self.seconds, 1e-9)

    def save(self, folder: Path) -> None:
        """Write everything a resume needs as one file, `state.safetensors`, in `folder`."""
        parts = {"networks": self.networks, "optimisers": self.optimisers}
        state = {kind: {name: part.state_dict() for name, part in group.items()} for kind, group in parts.items()}
        state |= {
            "batches": self.batches.state_dict(),
            "random": random_state(),
            "history": {name: torch.tensor(series, dtype=torch.float64) for name, series in self.history.items()},
            "counts": {"steps": self.steps, "images": self.images, "seconds": self.seconds},
        }
        folder.mkdir(parents=True, exist_ok=True)
        save_tree(state, folder / STATE_FILE)

    def load(self, folder: Path) -> None:
        """Take up a saved run: weights, buffers, optimisers, data order and every random number as they were."""
        state = load_tree(folder / STATE_FILE)
        for kind, group in (("networks", self.networks), ("optimisers", self.optimisers)):
            if state[kind].keys() != group.keys():
                raise CourseError(f"{folder} holds {sorted(state[kind])}, this run has {sorted(group)}: another recipe")
            for name, part in group.items():
                try:
                    part.load_state_dict(state[kind][name])
                except (RuntimeError, ValueError) as error:
                    raise CourseError(f"{folder}: the saved {name} does not fit: another recipe or data") from error
        self.batches.load_state_dict(state["batches"])
        set_random_state(state["random"])
        self.history = {name: series.tolist() for name, series in state["history"].items()}
        for name, count in state["counts"].items():
            setattr(self, name, count)
