"""Read and write notebooks: errors in one line, and never a half-written file. Course machinery."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.errors import CourseError


def read(notebook: Path) -> NotebookNode:
    """Read a notebook; CourseError says in one line why it cannot be read (missing, not JSON, too old)."""
    try:
        return nbformat.read(notebook, as_version=4)
    except FileNotFoundError:
        raise CourseError(f"{notebook.name}: no such notebook; build it with `course notebooks`") from None
    except Exception as error:
        reason = first_line(error)
        raise CourseError(f"{notebook.name}: not a readable notebook ({reason}); build it again") from None


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its type if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
