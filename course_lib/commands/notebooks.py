"""`course notebooks`: build chapters and solutions from their text."""

from typing import Annotated

import typer

from course_lib.errors import CourseError


def notebooks(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Default: all.")] = None,
    pull: Annotated[bool, typer.Option("--pull", help="Copy edits made in Jupyter to the text.")] = False,
) -> None:
    """Execute the notebooks from their text, in fresh kernels."""
    if pull and not names:
        raise CourseError("--pull needs a notebook; name one, for example 00_start_here.")
    from course_lib.authoring import notebooks as module

    for name in names or ["all"]:
        (module.pull if pull else module.build)(name)
