"""`course test`: everything that continuous integration runs."""

from typing import Annotated

import typer

from course_lib.errors import CourseError


def test(
    names: Annotated[list[str] | None, typer.Argument(metavar="NOTEBOOK", help="Only run these again.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Leave the chapter runs out.")] = False,
    instructions: Annotated[
        str, typer.Option(metavar="own|avx2|sse41", help="Use no newer processor instructions.")
    ] = "own",
) -> None:
    """Prove the course: everything that continuous integration runs."""
    from course_lib.authoring import proof

    if names and fast:
        raise CourseError("--fast leaves the chapter runs out, and a notebook came as well: give one of the two.")
    raise typer.Exit(1 if proof.prove(fast=fast, instructions=instructions, names=names or []) else 0)
