"""One training loop for every recipe: take a batch, run the recipe's step, record it, save, resume.

A step function (batch → dict of numbers) and the things it changes (networks, optimisers, batches) enter; trained
networks and a history leave. The step computes the loss; the loop is independent of it.
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from course_lib.data import Batches
from course_lib.errors import CourseError
from course_lib.system.checkpoint import load_tree, random_state, save_tree, set_random_state
from course_lib.system.device import synchronise
from course_lib.system.processes import agree, count, first, wait
from course_lib.training.interrupts import interrupts_wait
from course_lib.training.progress import progress_line
from course_lib.training.schedules import Schedule, constant

Step = Callable[[Tensor, Tensor], dict[str, float | Tensor]]
STATE_FILE = "state.safetensors"
SAVE_EVERY_SECONDS = 30


class Stateful(Protocol):
    """Anything that can be saved and restored, as a torch module can."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


def _as_the_weights_lie(optimiser: Optimizer) -> None:
    """Give the optimiser's state the memory layout of its weights: files lose it, and fused optimisers rely on it.

    Otherwise a weight in channels_last, or a transposed one, would be updated with misplaced state.
    """
    for weight, memory in optimiser.state.items():
        for name, value in memory.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                memory[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


@dataclass
class Trainer:
    """Runs `step` over `batches`; can be saved and resumed bit for bit.

    Args:
        step: (images, labels) → named numbers for the history; it updates the networks itself.
        networks, optimisers: by name; all of their state is saved.
        batches: with `.next()`, `.state_dict()`, `.load_state_dict()` (see course_lib.data.batches).
        schedule: factor on each optimiser's learning rate as a function of the fraction of the run that is done.
        device: where the networks are.
        others: by name, other state that the step changes and a resume needs, such as an EMA or the step's counter.
    `steps`, `seconds` (of training only) and `history` (name → list, one number per step) continue over resumes;
    `planned` is the length of the current run, ("steps", n) or ("seconds", s).
    Chapter 01.
    """

    step: Step
    networks: dict[str, nn.Module]
    optimisers: dict[str, Optimizer]
    batches: Batches
    device: torch.device
    schedule: Schedule = constant
    others: dict[str, Stateful] = field(default_factory=dict)
    planned: tuple[str, float] = ("steps", 0)
    steps: int = 0
    images: int = 0
    seconds: float = 0.0
    history: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.base_rates = {
            name: [group["lr"] for group in optimiser.param_groups] for name, optimiser in self.optimisers.items()
        }

    def run(
        self,
        steps: int | None = None,
        seconds: float | None = None,
        out: Path | None = None,
        watch: Callable[["Trainer"], None] | None = None,
    ) -> None:
        """Train until `steps` steps or `seconds` seconds are done in total, including those before a resume.

        With `out`, the state is saved there at the start, every 30 seconds and at the end, so a complete state is on
        disk even if the process is killed. Ctrl-C finishes the step, saves, and then raises KeyboardInterrupt; a
        second Ctrl-C does not wait. If a number is no longer finite, training stops with a CourseError and the last
        good state stays on disk. `watch(trainer)` is called after each step and its time is not counted; without it a
        line of text shows the progress. Raises CourseError for neither or both lengths, or one that is not above 0.
        """
        if (steps is None) == (seconds is None):
            raise CourseError("Trainer.run: give either steps or seconds, and not both")
        self.planned = ("seconds", seconds) if steps is None else ("steps", steps)
        if not 0 < self.planned[1] < math.inf:
            raise CourseError(f"Trainer.run: {self.planned[0]} is {self.planned[1]}; give a number above 0")
        if out:
            self.save(out)
        saved_at = time.perf_counter()
        # Only the first process reports progress.
        telling = progress_line(self) if first() and watch is None else nullcontext(watch if first() else None)
        with telling as tell, interrupts_wait() as interrupts:
            stopped = False
            while not stopped and self.done < 1:
                # All processes must stop after the same step, so they agree on whether any was interrupted.
                stopped = self._one_step(interrupts)
                if tell:
                    tell(self)
                if out and not stopped and time.perf_counter() - saved_at > SAVE_EVERY_SECONDS:
                    self.save(out)
                    saved_at = time.perf_counter()
            # An error inside a step skips this save, so the last complete state stays on disk.
            if out:
                self.save(out)
        if stopped or interrupts:
            raise KeyboardInterrupt

    @property
    def done(self) -> float:
        """Fraction of the planned run that is done: 0 at the start, 1 or slightly more at the end."""
        kind, length = self.planned
        return (self.steps if kind == "steps" else self.seconds) / length

    def _one_step(self, interrupts: list[bool]) -> bool:
        """Run and record one step; True if any process was interrupted."""
        for name, optimiser in self.optimisers.items():
            for group, rate in zip(optimiser.param_groups, self.base_rates[name], strict=True):
                group["lr"] = rate * self.schedule(self.done)
        started = time.perf_counter()
        images, labels = self.batches.next()
        named = self.step(images, labels)
        # One transfer for all numbers: each separate transfer would synchronise the GPU again.
        scalars = [torch.as_tensor(value, dtype=torch.float32, device=self.device) for value in named.values()]
        numbers = torch.stack(scalars).tolist()
        synchronise(self.device)
        seconds = self.seconds + time.perf_counter() - started
        *numbers, self.seconds, stop = agree([*numbers, seconds, float(bool(interrupts))])
        self.steps += 1
        self.images += len(images) * count()
        for name, number in zip(named, numbers, strict=True):
            self.history.setdefault(name, []).append(number)
        if not all(map(math.isfinite, numbers)):
            shown = {name: round(number, 4) for name, number in zip(named, numbers, strict=True)}
            raise CourseError(
                f"training stopped at step {self.steps}: {shown} is not finite; use a smaller learning rate"
            )
        return stop > 0

    @property
    def images_per_second(self) -> float:
        """Images trained on per second of training, over the whole run."""
        return self.images / max(self.seconds, 1e-9)

    def save(self, folder: Path) -> None:
        """Write everything a resume needs to one file, `state.safetensors`, in `folder`."""
        if not first():
            return wait()
        parts = {"networks": self.networks, "optimisers": self.optimisers, "others": self.others}
        state = {kind: {name: part.state_dict() for name, part in group.items()} for kind, group in parts.items()}
        state |= {
            "batches": self.batches.state_dict(),
            "random": random_state(),
            "history": {name: torch.tensor(series, dtype=torch.float64) for name, series in self.history.items()},
            "counts": {"steps": self.steps, "images": self.images, "seconds": self.seconds},
        }
        folder.mkdir(parents=True, exist_ok=True)
        save_tree(state, folder / STATE_FILE)
        wait()

    def load(self, folder: Path) -> None:
        """Restore a saved run: weights, buffers, optimisers, data order and the state of every random generator."""
        state = load_tree(folder / STATE_FILE)
        parts = {"networks": self.networks, "optimisers": self.optimisers, "others": self.others}
        for kind, group in parts.items():
            if state[kind].keys() != group.keys():
                raise CourseError(
                    f"{folder} is from another recipe: it holds {sorted(state[kind])}, this run has {sorted(group)}"
                )
            for name, part in group.items():
                try:
                    part.load_state_dict(state[kind][name])
                except (RuntimeError, ValueError) as error:
                    raise CourseError(
                        f"{folder}: the saved {name} does not fit this run; resume with the same recipe and data"
                    ) from error
        for optimiser in self.optimisers.values():
            _as_the_weights_lie(optimiser)
        self.batches.load_state_dict(state["batches"])
        set_random_state(state["random"])
        self.history = {name: series.tolist() for name, series in state["history"].items()}
        for name, value in state["counts"].items():
            setattr(self, name, value)
