"""`course doctor`: what this machine has, what is missing, and how to fix it."""

import json as jsonlib
from typing import Annotated

import typer


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what this machine has, what is missing, and how to fix it."""
    from course_lib.commands.diagnosis import as_text, report

    items = report()
    ok = all(item.status != "missing" for item in items)
    data = {"ok": ok, "items": [vars(item) for item in items]}
    print(jsonlib.dumps(data, indent=2) if json else as_text(items))
    raise typer.Exit(0 if ok else 1)
