"""From a recipe's name to a folder on disk: weights, everything a resume needs, and a card that says what it is."""

import difflib
import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from course_lib.checkpoint import load_weights, save_weights
from course_lib.device import budget as budget_of
from course_lib.device import describe, pick
from course_lib.errors import CourseError
from course_lib.processes import first, wait
from course_lib.recipes import RECIPES, Run
from course_lib.training import STATE_FILE

CARD_FILE, WEIGHTS_FILE = "card.json", "model.safetensors"


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
    device's own unless given). With `resume` a run in `out` goes on, else a folder with a run in it is refused.
    Raises CourseError for an unknown recipe, a used or unusable folder, or a run of another recipe. Chapter 01.
    """
    if recipe not in RECIPES:
        near = difflib.get_close_matches(recipe, RECIPES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise CourseError(f"no recipe {recipe!r}: there are {', '.join(RECIPES)}{hint}")
    out = Path(out)
    arguments = {"recipe": recipe, "data": data, "seed": seed}
    _check_folder(out, arguments, resume)
    device = pick()
    given = {} if data is None else {"data": data}
    run = RECIPES[recipe](device=device, seed=seed, **given)
    if resume:
        run.trainer.load(out)
    if seconds is None and steps is None:
        steps = run.steps[budget or budget_of(device)]
    wait()  # every process has looked at the folder before the first one writes there
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
        card["sha256"] = _sha256(out / WEIGHTS_FILE)
        _write_json(out / CARD_FILE, card)
    wait()
    return card


def make_card(run: Run, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a reader must know of a trained network: how it was made, on what, how long, and how good. Chapter 01."""
    trainer, about = run.trainer, describe(run.trainer.device)
    return {
        "recipe": arguments["recipe"],
        "arguments": arguments,
        "seed": arguments["seed"],
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("residual-imaging", "torch", "torchvision", "accelerate")},
        "device": about,
        "steps": trainer.steps,
        "seconds": round(trainer.seconds, 1),
        "images_per_second": round(trainer.images_per_second, 1),
        "parameters": sum(parameter.numel() for parameter in run.model.parameters()),
        "metrics": [vars(metric) for metric in run.evaluate()],
    }


def load_run(folder: str | Path, **given: Any) -> tuple[Run, dict[str, Any]]:
    """A trained network and its card, from a folder that `train` wrote; `given` overrides e.g. data or device.

    Raises CourseError when the folder holds no finished run, or weights that are not the card's. Chapter 00.
    """
    card = read_card(folder)
    weights = Path(folder) / WEIGHTS_FILE
    if weights.is_file() and _sha256(weights) != card["sha256"]:
        raise CourseError(f"{weights} is not what its card describes (sha256); fetch or train it anew")
    run = RECIPES[card["recipe"]](**({"seed": card["seed"]} | given))
    load_weights(run.model, weights)
    run.model.eval()
    return run, card


def read_card(folder: str | Path) -> dict[str, Any]:
    """The card of a trained network as a dict; CourseError if there is none or it is damaged. Chapter 00."""
    path = Path(folder) / CARD_FILE
    try:
        card = json.loads(path.read_text())
    except FileNotFoundError:
        raise CourseError(f"{folder} holds no {CARD_FILE}, so no finished run; train with --out {folder}") from None
    except ValueError as error:
        raise CourseError(f"{path} is damaged ({error}); fetch or train it anew") from error
    if card.get("recipe") not in RECIPES:
        raise CourseError(f"{path} is of recipe {card.get('recipe')!r}; this version knows {', '.join(RECIPES)}")
    return card


def _check_folder(out: Path, arguments: dict[str, Any], resume: bool) -> None:
    if out.exists() and not out.is_dir():
        raise CourseError(f"--out {out} is a file; name a folder")
    started = (out / STATE_FILE).is_file()
    if resume and not started:
        raise CourseError(f"nothing to resume in {out}; leave --resume out, or name the folder of an earlier run")
    if started and not resume:
        raise CourseError(f"{out} already holds a run; add --resume to go on with it, or name another folder")
    if resume:
        before = json.loads((out / "arguments.json").read_text())
        changed = [name for name in arguments if before.get(name) != arguments[name]]
        if changed:
            name = changed[0]
            raise CourseError(f"{out} was trained with {name}={before.get(name)}, not {arguments[name]}; use the same")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    partial.replace(path)
