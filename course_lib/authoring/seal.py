"""The seal on an executed notebook: a hash over everything its reader sees.

Data flow: the builder seals what came out of a fresh kernel; a test recomputes the hash of every committed notebook,
so a digit, a tick or a figure's byte changed by hand is found without running anything. The seal guards against
mistakes; a forged hash is caught by the re-run. Course machinery.
"""

import hashlib
import json

from nbformat import NotebookNode

from course_lib.errors import CourseError


def digest(notebook: NotebookNode) -> str:
    """sha256 over every cell's type, source, execution count and outputs, as canonical JSON."""
    content = [
        [cell.cell_type, cell.source, cell.get("execution_count"), cell.get("outputs", [])] for cell in notebook.cells
    ]
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def seal(notebook: NotebookNode, seconds: float, threads: int, yardstick: float) -> None:
    """Add the seal; `seconds` is the compute time of the cells, `threads` the number of CPU threads they had.

    `yardstick` is the machine's speed during that run, in seconds (yardstick.py).
    """
    verified = {"sha256": digest(notebook), "seconds": round(seconds, 1), "cpu_threads": threads}
    verified["yardstick"] = round(yardstick, 2)
    notebook.metadata["verified"] = verified


def check_seal(notebook: NotebookNode, name: str) -> None:
    """Raises CourseError unless the seal is there and matches."""
    verified = notebook.metadata.get("verified")
    if not verified:
        raise CourseError(f"{name}: never sealed; build it from its text with `course notebooks`")
    if verified.get("sha256") != digest(notebook):
        raise CourseError(f"{name}: changed after its run; build it again with `course notebooks`")
