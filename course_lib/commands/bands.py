"""`course bands`: how much a notebook's results vary when nothing is wrong."""

from typing import Annotated

import typer


def bands(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="A chapter, a folder, or all.")],
    seeds: Annotated[int, typer.Option(help="How many seeds, at least 5.")] = 6,
    keep_seeds: Annotated[bool, typer.Option("--keep-seeds", help="Measure rounding only.")] = False,
) -> None:
    """Measure how much a notebook varies when nothing is wrong."""
    from course_lib.authoring.bands import measure

    for name in names:
        for file in measure(name, seeds, keep_seeds):
            print(file)
