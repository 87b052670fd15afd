"""`course evaluate`: a trained network evaluated again."""

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR|NAME", help="A run, or a published checkpoint.")],
    data: Annotated[str | None, typer.Option(metavar="NAME", help="Default: the set it was trained on.")] = None,
    n: Annotated[int | None, typer.Option("--n", metavar="N", help="Images to generate. Default: 10,000.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the images. Default: 1, as on the cards.")] = None,
    extractor: Annotated[str | None, typer.Option(metavar="garments|inception", help="Default: garments.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Evaluate a trained run: every metric with its protocol."""
    from course_lib.runs.evaluate import evaluate as measure

    found = measure(folder, data=data, n=n, seed=seed, extractor=extractor)
    print(jsonlib.dumps(found.content, indent=2, ensure_ascii=False) if json else found.text)
