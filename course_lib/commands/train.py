"""`course train`: train a recipe into a folder."""

from pathlib import Path
from typing import Annotated

import typer

from course_lib.errors import CourseError


def train(
    recipe: Annotated[str, typer.Argument(help="For example residual_gan or denoise.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The weights and card.json go here.")],
    budget: Annotated[str | None, typer.Option(metavar="cpu|gpu", help="Default: the device's.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Train this long.")] = None,
    steps: Annotated[int | None, typer.Option(help="Train this many steps.")] = None,
    data: Annotated[str | None, typer.Option(metavar="NAME", help="Default: the recipe's own.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed gives another run.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in DIR.")] = False,
) -> None:
    """Train a recipe and write its model and card."""
    if seconds is not None and steps is not None:
        raise CourseError("--seconds and --steps exclude each other; give one, or neither for the budget's length.")
    for option, value in (("--seconds", seconds), ("--steps", steps)):
        if value is not None and not 0 < value < float("inf"):
            raise CourseError(f"{option} {value} is out of range; give a finite number above 0.")
    if budget not in (None, "cpu", "gpu"):
        raise CourseError(f"--budget {budget} is unknown; give cpu or gpu.")
    if out.exists() and not out.is_dir():
        raise CourseError(f"--out {out} is a file; name a folder, new or from an earlier run.")
    from course_lib import runs
    from course_lib.runs.card import value_text

    length = {"budget": budget, "seconds": seconds, "steps": steps}
    card = runs.train(recipe, out, data=data, seed=seed, resume=resume, **length)
    print(f"{card['recipe']}: {card['steps']} steps in {card['seconds']:.0f} s → {out}")
    for metric in card["metrics"]:
        print(f"  {metric['name']}: {value_text(metric)} {metric['unit']} ({metric['protocol']})")
