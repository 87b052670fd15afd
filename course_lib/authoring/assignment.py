"""The structure of an assignment: solution cells, each followed by the check cell that grades it.

Data flow: `exercises` lists the exercises of a solutions notebook and refuses one that nbgrader would silently
corrupt (an END marker missing, a marker in the wrong cell, an exercise without a check). exercises.py then removes
the solutions, and the tests of wrong answers use the same list. Course machinery.
"""

import re
from dataclasses import dataclass

from nbformat import NotebookNode

from course_lib.errors import CourseError

REGIONS = {"SOLUTION": "solution", "HIDDEN TESTS": "grade"}
KEYS = {"grade", "grade_id", "locked", "schema_version", "solution", "task"}


@dataclass(frozen=True)
class Exercise:
    """One exercise: its name, and the indices of its solution cell and its check cell among all cells."""

    name: str
    solution: int
    check: int
    points: float


def role(cell: NotebookNode, what: str) -> bool:
    """Whether the cell's nbgrader metadata give it this role: `solution`, `grade` or `locked`."""
    return bool(cell.metadata.get("nbgrader", {}).get(what, False))


def exercises(notebook: NotebookNode, name: str) -> list[Exercise]:
    """The exercises in order. Raises CourseError (file, cell of all, reason) for a malformed assignment."""
    ids: dict[str, int] = {}
    for index, cell in enumerate(notebook.cells):
        where = f"{name}, cell {index + 1} of all"
        _check_markers(cell, where)
        if "nbgrader" in cell.metadata:
            _check_metadata(cell, where)
            identifier = cell.metadata.nbgrader["grade_id"]
            if identifier in ids:
                raise CourseError(f"{where}: grade_id {identifier!r} is taken; give every cell its own")
            ids[identifier] = index
    found = []
    for identifier, index in ids.items():
        cell = notebook.cells[index]
        if cell.cell_type != "code" or not role(cell, "solution"):
            continue
        check = ids.get(f"check_{identifier}", -1)
        if check < index or not role(notebook.cells[check], "grade"):
            raise CourseError(
                f"{name}: exercise {identifier!r} has no check; add a graded cell 'check_{identifier}' below it"
            )
        found.append(Exercise(identifier, index, check, notebook.cells[check].metadata.nbgrader["points"]))
    if not found:
        raise CourseError(f"{name}: it has no exercise; mark a solution cell with nbgrader metadata")
    checked = {f"check_{exercise.name}" for exercise in found}
    for identifier, index in ids.items():
        cell = notebook.cells[index]
        if cell.cell_type == "code" and role(cell, "grade") and identifier not in checked:
            raise CourseError(f"{name}: {identifier!r} checks nothing; name it check_ and the solution's grade_id")
    return found


def _check_markers(cell: NotebookNode, where: str) -> None:
    """nbgrader finds markers as substrings of any line and ignores an END without BEGIN: insist on pairs."""
    for region, kind in REGIONS.items():
        lines = [line for line in cell.source.splitlines() if re.search(rf"(?:BEGIN|END)\s+{region}", line, re.I)]
        for line, wanted in zip(lines, ["BEGIN", "END"] * len(lines), strict=False):
            if not re.fullmatch(rf"\s*#+ {wanted} {region}\s*", line):
                raise CourseError(f"{where}: {line.strip()!r}, wanted '# {wanted} {region}' alone on its line")
        if len(lines) % 2:
            raise CourseError(f"{where}: '# BEGIN {region}' without a matching '# END {region}'")
        if lines and not role(cell, kind):
            raise CourseError(f"{where}: '{region}' markers, but its nbgrader metadata lack {kind}: true")


def _check_metadata(cell: NotebookNode, where: str) -> None:
    metadata = cell.metadata.nbgrader
    if lacking := sorted(KEYS - metadata.keys()):
        raise CourseError(f"{where}: nbgrader metadata lack {lacking}; schema 3 needs {sorted(KEYS)}")
    if metadata["schema_version"] != 3:
        raise CourseError(f"{where}: nbgrader schema_version is {metadata['schema_version']!r}, wanted 3")
    if cell.cell_type == "code" and metadata["grade"]:
        if metadata["solution"] or not metadata["locked"]:
            raise CourseError(f"{where}: a check cell needs grade: true, solution: false, locked: true")
        if not isinstance(metadata.get("points"), int | float) or not metadata["points"] > 0:
            raise CourseError(f"{where}: points is {metadata.get('points')!r}, wanted a number above 0")
