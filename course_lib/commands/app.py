"""The command line `course …`: one command per file, which parses arguments and reports.

The modules that the commands call do the work. They are imported inside the commands, because torch takes seconds to
load and `course --help` should not.
"""

import sys
from importlib import metadata
from typing import Annotated

import typer

from course_lib.commands.bands import bands
from course_lib.commands.doctor import doctor
from course_lib.commands.evaluate import evaluate
from course_lib.commands.exercises import exercises
from course_lib.commands.exit_codes import exit_code
from course_lib.commands.lab import lab
from course_lib.commands.notebooks import notebooks
from course_lib.commands.restore import restore
from course_lib.commands.sample import sample
from course_lib.commands.test import test
from course_lib.commands.train import train

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def main(argv: list[str] | None = None) -> int:
    """Run `course` with `argv` (default: the shell's) and return its exit code (see exit_codes)."""
    return exit_code(lambda: _run(sys.argv[1:] if argv is None else argv))


def _run(argv: list[str]) -> None:
    # Not `app()`: it would print usage errors on three lines and give Ctrl-C an exit code of its own.
    command = typer.main.get_command(app)
    with command.make_context("course", list(argv)) as context:
        command.invoke(context)


def _version(wanted: bool) -> None:
    if wanted:
        print("course", metadata.version("residual-imaging"))
        raise typer.Exit


VERSION = typer.Option("--version", callback=_version, is_eager=True, help="Print the course's version.")


@app.callback(invoke_without_command=True)
def _course(context: typer.Context, version: Annotated[bool, VERSION] = False) -> None:
    """Residual Imaging: a hands-on course in image generation and restoration."""
    if context.invoked_subcommand is None:
        print(context.get_help())


for command in (doctor, lab, test, notebooks, bands, exercises, train, sample, restore, evaluate):
    app.command()(command)
