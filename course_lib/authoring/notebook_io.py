"""Notebooks from disk and to disk: errors in one line, and never a half-written file. Course machinery."""

import os
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.errors import CourseError


def read(notebook: Path) -> NotebookNode:
    """A notebook from disk, or one line on why not (missing, not JSON, too old)."""
    try:
        return nbformat.read(notebook, as_version=4)
    except FileNotFoundError:
        raise CourseError(f"{notebook.name}: no such notebook; build it with `course notebooks`") from None
    except Exception as error:
        reason = first_line(error)
        raise CourseError(f"{notebook.name}: not a readable notebook ({reason}); build it again") from None


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its kind when it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def write(path: Path, text: str) -> None:
    """Write all of it or nothing: a temporary file beside the target, then one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
