"""exercises/ generated from solutions/: student notebooks are never written by hand, so the two cannot diverge.

Data flow: a built solutions notebook → `assignment.exercises` (is it well formed?) → nbgrader's own preprocessors
(answers become a stub, hidden tests and outputs go, cells are locked, checksums added) → exercises/same_name.ipynb,
the same bytes every time. Course machinery.
"""

import copy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)
from traitlets.config import Config

from course_lib.authoring.assignment import exercises
from course_lib.authoring.notebook_io import read
from course_lib.authoring.pairs import ROOT
from course_lib.errors import CourseError
from course_lib.system.files import write_text

STUB = '# your code here\nraise NotImplementedError("replace this line with your answer, then run the check below")'
TEXT_STUB = "*Your answer here.*"


def student_version(solution: NotebookNode, name: str) -> NotebookNode:
    """A copy without answers, hidden tests, outputs, execution counts and seal.

    Links to `solutions/NAME.ipynb` (the Colab badge) point to `exercises/NAME.ipynb`. Raises CourseError for a
    malformed assignment, see `assignment.exercises`.
    """
    exercises(solution, f"solutions/{name}")
    config = Config()
    config.ClearSolutions.code_stub = {"python": STUB}
    config.ClearSolutions.text_stub = TEXT_STUB
    notebook, resources = copy.deepcopy(solution), {}
    for step in (ClearSolutions, ClearHiddenTests, ClearOutput, LockCells, ComputeChecksums, CheckCellMetadata):
        if step is ComputeChecksums:  # the checksum covers the source, so the links must be final
            for cell in notebook.cells:
                cell.source = cell.source.replace(f"solutions/{name}.ipynb", f"exercises/{name}.ipynb")
        notebook, resources = step(config=config).preprocess(notebook, resources)
    for key in ("verified", "widgets"):
        notebook.metadata.pop(key, None)
    nbformat.validate(notebook)
    return notebook


def generate(check: bool = False, root: Path = ROOT) -> list[Path]:
    """Write an exercise for every solution; return the files that changed.

    With `check`, write nothing and raise CourseError naming every exercise that differs from its solution, is missing,
    or has no solution. If any solution is malformed, nothing is written either.
    """
    solutions = sorted((root / "solutions").glob("*.ipynb"))
    folder = root / "exercises"
    wanted = {folder / path.name: nbformat.writes(student_version(read(path), path.stem)) + "\n" for path in solutions}
    left_over = sorted(path for path in folder.glob("*.ipynb") if path not in wanted)
    missing = [path for path in wanted if not path.exists()]
    differing = [p for p, text in wanted.items() if p.exists() and p.read_bytes() != text.encode()]
    if check:
        complaints = [
            f"{what}: {', '.join(path.name for path in paths)}"
            for what, paths in (("differs", differing), ("missing", missing), ("without a solution", left_over))
            if paths
        ]
        if complaints:
            raise CourseError(f"exercises/ {'; '.join(complaints)}; run `course exercises`, delete what is left over")
        return []
    for path in missing + differing:
        write_text(path, wanted[path])
    return missing + differing
