"""One training loop for every recipe: take a batch, do the recipe's step, keep count, save, resume.

A step function (batch → dict of numbers) and the things it changes (networks, optimisers, batches) enter; trained
networks and a history leave. The step decides what is computed; the loop knows no loss.
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
        schedule: factor on each optimiser's learning rate as a function of the share of the run that is done.
        device: where the networks are.
        others: what else the step changes and a resume needs, by name, such as an EMA or the step's own count.
    `steps`, `seconds` (of training only) and `history` (name → list, a number per step) count over resumes;
    `planned` is the length of the present run, ("steps", n) or ("seconds", s).
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
        """Train until `steps` steps or `seconds` seconds are done in all (both count what was done before a resume).

        With `out`, the state is saved there at the start, every 30 seconds and at the end: whenever the process is
        killed, a whole state is there. Ctrl-C waits for the end of the step, saves, and then raises
        KeyboardInterrupt; a second one does not wait. Stops with a CourseError, the last good state kept on disk,
        when a number is no longer finite. `watch(trainer)` is called after each step, off the clock; without it a
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
        # One process speaks for all.
        telling = progress_line(self) if first() and watch is None else nullcontext(watch if first() else None)
        with telling as tell, interrupts_wait() as interrupts:
            stopped = False
            while not stopped and self.done < 1:
                # All processes must stop after the same step: what one hears of, all agree on.
                stopped = self._one_step(interrupts)
                if tell:
                    tell(self)
                if out and not stopped and time.perf_counter() - saved_at > SAVE_EVERY_SECONDS:
                    self.save(out)
                    saved_at = time.perf_counter()
            # An error inside a step passes this by: what is on disk is then the last whole state.
            if out:
                self.save(out)
        if stopped or interrupts:
            raise KeyboardInterrupt

    @property
    def done(self) -> float:
        """Share of the planned run that is done, 0 at its start, 1 or a little more at its end."""
        kind, length = self.planned
        return (self.steps if kind == "steps" else self.seconds) / length

    def _one_step(self, interrupts: list[bool]) -> bool:
        """Do a step and count it; True when any process was asked to stop."""
        for name, optimiser in self.optimisers.items():
            for group, rate in zip(optimiser.param_groups, self.base_rates[name], strict=True):
                group["lr"] = rate * self.schedule(self.done)
        started = time.perf_counter()
        images, labels = self.batches.next()
        named = self.step(images, labels)
        # One transfer for all numbers: each by itself would make a GPU wait once more.
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
        """Write everything a resume needs as one file, `state.safetensors`, in `folder`."""
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
                raise CourseError(f"{folder} holds {sorted(state[kind])}, this run has {sorted(group)}: another recipe")
            for name, part in group.items():
                try:
                    part.load_state_dict(state[kind][name])
                except (RuntimeError, ValueError) as error:
                    raise CourseError(f"{folder}: the saved {name} does not fit: another recipe or data") from error
        for optimiser in self.optimisers.values():
            _as_the_weights_lie(optimiser)
        self.batches.load_state_dict(state["batches"])
        set_random_state(state["random"])
        self.history = {name: series.tolist() for name, series in state["history"].items()}
        for name, value in state["counts"].items():
            setattr(self, name, value)
