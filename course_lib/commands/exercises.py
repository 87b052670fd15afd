"""`course exercises`: generate exercises/ from solutions/."""

from typing import Annotated

import typer


def exercises(check: Annotated[bool, typer.Option("--check", help="Compare only, write nothing.")] = False) -> None:
    """Generate exercises/ from solutions/."""
    from course_lib.authoring.exercises import generate

    for path in generate(check):
        print(path.name)
