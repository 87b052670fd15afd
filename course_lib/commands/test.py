"""`course test`: everything that continuous integration runs."""

from typing import Annotated

import typer

from course_lib.errors import CourseError


def test(
    names: Annotated[list[str] | None, typer.Argument(metavar="NOTEBOOK", help="Only run these again.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Leave out the chapter runs.")] = False,
    instructions: Annotated[
        str, typer.Option(metavar="own|avx2|sse41", help="Use no newer processor instructions.")
    ] = "own",
) -> None:
    """Test the course: everything that continuous integration runs."""
    from course_lib.authoring import proof

    if names and fast:
        raise CourseError("--fast leaves out the chapter runs, but a notebook was named; give one or the other.")
    raise typer.Exit(1 if proof.prove(fast=fast, instructions=instructions, names=names or []) else 0)
