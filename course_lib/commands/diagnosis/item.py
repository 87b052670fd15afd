"""One line of `course doctor`'s report, and the wording of errors and fixes that its parts share."""

import shlex
from dataclasses import dataclass

from course_lib.commands.lab import checkout

PROJECT = "residual-imaging"


@dataclass(frozen=True)
class Item:
    """One line of the report. `status` is "ok", "warn" or "missing"; `mend` says what to do if not "ok"."""

    name: str
    status: str
    detail: str
    mend: str = ""


def one_line(error: Exception) -> str:
    """The error as one short line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def install(*wanted: str) -> str:
    """How to get packages, for example "numpy>=1.26"."""
    return f"python -m pip install {shlex.join(wanted)}"


def reinstall() -> str:
    """How to get the project itself back."""
    return "make clean setup" if checkout() else f"install {PROJECT} again"


def restore(path: str) -> str:
    """How to get a committed file or folder back."""
    return f"git checkout -- {path}" if checkout() else f"install {PROJECT} again"
