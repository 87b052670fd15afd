"""Check of chapter 03: a run that was saved and loaded goes on as if it had never stopped, to the last bit."""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.check.report import attempt, fail, leaves_random_numbers_alone, passed

PARTS = ("generator", "discriminator", "average", "optimisers", "batches", "steps")
BEFORE, AFTER = 7, 6  # neither a multiple of the penalty's interval nor of a pass over the data


@leaves_random_numbers_alone
def resumable(training: Callable) -> None:
    """`training(seed)` with `.save(path)` and `.load(path)`; a resumed run equals an uninterrupted one. Chapter 03."""
    name = "resumable"
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with tempfile.TemporaryDirectory() as folder:
            _stop_and_go(name, training, Path(folder) / "run")
    finally:  # what the learner's load puts back is its own affair, not the notebook's
        random.setstate(python), np.random.set_state(numpy)
    passed(name, f"saved after {BEFORE} steps, loaded by a new run, {AFTER} steps further: equal to the last bit")


def _stop_and_go(name: str, training: Callable, path: Path) -> None:
    undisturbed = _go(name, _start(name, training, 1), BEFORE + AFTER)
    run = _start(name, training, 1)
    saved = _go(name, run, BEFORE)
    attempt(name, run.save, path, where=" in save")
    written = sorted(path.parent.glob("*"))
    if not written:
        fail(name, "save has written no file", "save_tree({…}, path)")
    if len(written) > 1:
        files = ", ".join(file.name for file in written)
        fail(name, f"save left {len(written)} files: {files}", "one dictionary holds everything: one file, at `path`")
    if not path.is_file():
        if path.is_dir():
            fail(name, "save made a folder at `path`, wanted one file", "one dictionary holds everything")
        fail(name, f"nothing lies at `path`: save wrote {written[0].name}", "take the path as it is given")
    if _differing(_go(name, run, AFTER), undisturbed):
        fail(name, "a run that is saved goes on differently from one that is not", "save must draw and change nothing")
    other = _start(name, training, 2)
    players = {who: getattr(other, who) for who in ("generator", "discriminator")}
    attempt(name, other.load, path, where=" in load")
    _still_alive(name, other)
    for who, player in players.items():
        _moves_its_player(name, other, who, player)
    loaded = _look(other)
    for part in _differing(loaded, saved):
        if part == "the mode of `average`":
            fail(name, "the average is in training mode after load", "a state holds no mode: .eval() what you build")
        if part == "the weights of `average`" and _alike(loaded[part], loaded["the weights of `generator`"]):
            fail(name, "the average was filled with the generator's weights: it has its own history")
        if not loaded[part] and saved[part]:
            fail(name, f"after load, {part} is empty", _hint(part))
        fail(name, f"after load this is not as it was when you saved: {part}", _hint(part))
    if parts := _differing(_go(name, other, AFTER), undisturbed):
        fail(name, f"{AFTER} steps after load this is not as in the uninterrupted run: {parts[0]}")


def _start(name: str, training: Callable, seed: int) -> Any:
    run = attempt(name, training, seed)
    if missing := [part for part in PARTS if not hasattr(run, part)]:
        fail(name, f"a run has no `{missing[0]}`", "class Resumable(Training): leave what Training has as it is")
    if missing := [method for method in ("step", "save", "load") if not callable(getattr(run, method, None))]:
        fail(
            name, f"a run has no method `{missing[0]}`", "Training steps; you add save(self, path) and load(self, path)"
        )
    return run


def _still_alive(name: str, run: Any) -> None:
    """A cross if load put the saved state where a network, an optimiser or the batches were."""
    parts = {part: getattr(run, part) for part in ("generator", "discriminator", "average", "batches", "optimisers")}
    optimisers = parts.pop("optimisers")
    if not isinstance(optimisers, dict) or not optimisers:
        fail(name, f"after load, `optimisers` is a {type(optimisers).__name__}", "it held two optimisers: fill those")
    parts |= {f"optimisers[{who!r}]": optimiser for who, optimiser in optimisers.items()}
    for part, value in parts.items():
        if not callable(getattr(value, "load_state_dict", None)):
            hint = "a state goes *into* what is there: load_state_dict(state)"
            fail(name, f"after load, `{part}` is a {type(value).__name__}, the saved state itself", hint)


def _moves_its_player(name: str, run: Any, who: str, before: nn.Module) -> None:
    """A cross if load replaced a network, and its optimiser does not know."""
    if who not in run.optimisers:
        fail(name, f"after load, `optimisers` has no {who!r}", "it held two optimisers: fill those")
    held = {id(p) for group in run.optimisers[who].param_groups for p in group["params"]}
    player = getattr(run, who)
    if not held >= {id(p) for p in player.parameters()}:
        where = "another network" if player is before else "the network that you replaced"
        fail(name, f"the {who}'s optimiser still moves the weights of {where}", "fill what is there: load_state_dict")


def _go(name: str, run: Any, steps: int) -> dict[str, list]:
    for _ in range(steps):
        attempt(name, run.step, where=" in step")
    return _look(run)


def _look(run: Any) -> dict[str, list]:
    """Everything that the next step depends on: name → tensors and numbers, copied."""
    found: dict[str, list] = {}
    for part in ("generator", "discriminator", "average"):
        network: nn.Module = getattr(run, part)
        found[f"the weights of `{part}`"] = [parameter.detach().clone() for parameter in network.parameters()]
        found[f"the mode of `{part}`"] = [module.training for module in network.modules()]
        found[f"batch norm's statistics in `{part}`"] = [buffer.clone() for buffer in network.buffers()]
    for part, optimiser in run.optimisers.items():
        state = optimiser.state_dict()["state"]
        found[f"the optimiser of `{part}`"] = [value.clone() for one in state.values() for value in one.values()]
    order = run.batches.state_dict().values()
    found["the order of the data"] = [part.clone() if isinstance(part, Tensor) else part for part in order]
    found["`steps`, the number of steps"] = [run.steps]
    found["torch's random state"] = [torch.get_rng_state()]
    return found


def _differing(these: dict[str, list], those: dict[str, list]) -> list[str]:
    return [part for part in those if not _alike(these[part], those[part])]


def _alike(these: list, those: list) -> bool:
    def one(a: Any, b: Any) -> bool:
        return torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b

    return len(these) == len(those) and all(one(a, b) for a, b in zip(these, those, strict=True))


def _hint(part: str) -> str:
    hints = {
        "weights": "state_dict of the network",
        "statistics": "they are buffers: state_dict holds them, parameters() does not",
        "optimiser": "Adam remembers means of past gradients: its state_dict",
        "order": "the batches have a state_dict too",
        "steps": "the penalty is due by it",
        "mode": "a state holds no mode: .train() or .eval() what you build",
        "random": "the next noise follows from it: random_state(), and set_random_state(…) as the last thing",
    }
    return next((hint for word, hint in hints.items() if word in part), "")
