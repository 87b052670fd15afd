"""Train a recipe, given by name, into a folder on disk."""

import difflib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from course_lib.errors import CourseError
from course_lib.recipes import RECIPES
from course_lib.runs.card import CARD_FILE, WEIGHTS_FILE, make_card
from course_lib.runs.load import sha256
from course_lib.system.checkpoint import save_weights
from course_lib.system.device import budget as budget_of
from course_lib.system.device import pick
from course_lib.system.files import write_text
from course_lib.system.processes import first, wait
from course_lib.training import STATE_FILE


def train(
    recipe: str,
    out: str | Path,
    *,
    budget: str | None = None,
    seconds: float | None = None,
    steps: int | None = None,
    data: str | None = None,
    seed: int = 0,
    resume: bool = False,
) -> dict[str, Any]:
    """Train `recipe` into the folder `out` and return its card.

    The length is `seconds` of training, or `steps`, or the recipe's own for the `budget` ("cpu" or "gpu"; the
    device's own unless given). With `resume`, the run in `out` continues; otherwise a folder with a run is refused.
    Raises CourseError for an unknown recipe, a used or unusable folder, or a run of another recipe. Chapter 01.
    """
    if recipe not in RECIPES:
        near = difflib.get_close_matches(recipe, RECIPES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise CourseError(f"unknown recipe {recipe!r}; choose from {', '.join(RECIPES)}{hint}")
    out = Path(out)
    arguments = {"recipe": recipe, "data": data, "seed": seed}
    _check_folder(out, arguments, resume)
    device = pick()
    run = RECIPES[recipe](data, device, seed)
    if resume:
        run.trainer.load(out)
    if seconds is None and steps is None:
        steps = run.steps[budget or budget_of(device)]
    wait()  # every process must have checked the folder before the first one writes to it
    try:
        if first():
            out.mkdir(parents=True, exist_ok=True)
            _write_json(out / "arguments.json", arguments)
        run.trainer.run(steps=steps, seconds=seconds, out=out)
    except (OSError, SafetensorError) as error:
        raise CourseError(f"cannot write to {out} ({error}); free some space or choose another --out") from error
    card = make_card(run, {**arguments, "steps": steps, "seconds": seconds, "budget": budget})
    if first():
        save_weights(run.model, out / WEIGHTS_FILE)
        card["sha256"] = sha256(out / WEIGHTS_FILE)
        _write_json(out / CARD_FILE, card)
    wait()
    return card


def _check_folder(out: Path, arguments: dict[str, Any], resume: bool) -> None:
    if out.exists() and not out.is_dir():
        raise CourseError(f"--out {out} is a file; name a folder")
    started = (out / STATE_FILE).is_file()
    if resume and not started:
        raise CourseError(f"nothing to resume in {out}; leave --resume out, or name the folder of an earlier run")
    if started and not resume:
        raise CourseError(f"{out} already holds a run; add --resume to continue it, or name another folder")
    if resume:
        before = json.loads((out / "arguments.json").read_text())
        changed = [name for name in arguments if before.get(name) != arguments[name]]
        if changed:
            name = changed[0]
            raise CourseError(f"{out} was trained with {name}={before.get(name)}, not {arguments[name]}; use the same")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
