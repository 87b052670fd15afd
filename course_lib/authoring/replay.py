"""Show kept outputs again, as if the cell had computed them, so that the verification can be tested in seconds.

Data flow: a committed notebook and the outputs of another run → `stage` writes a notebook whose committed outputs are
true and whose cells show the other outputs → nbval runs it like any notebook (verify.py) and judges. Course machinery.
"""

import copy
import json
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.authoring.soundness import code_cells
from course_lib.system.files import write_text


def stage(committed: NotebookNode, fresh: dict[int, list[dict]], target: Path) -> Path:
    """Write `committed` to `target` with cells that show `fresh` (by the index among code cells), or their own outputs.

    Everything else stays: ids, tags, execution counts, committed outputs. Returns `target`.
    """
    notebook = copy.deepcopy(committed)
    kept = target.with_suffix(".json")
    shown = [fresh.get(index, cell.outputs) for index, cell in enumerate(code_cells(notebook))]
    write_text(kept, json.dumps(shown))
    for index, cell in enumerate(code_cells(notebook)):
        cell.source = f"from course_lib.authoring.replay import replay\nreplay({str(kept)!r}, {index})"
    notebook.cells = code_cells(notebook)
    write_text(target, nbformat.writes(notebook))
    return target


def replay(kept: str, index: int) -> None:
    """In the kernel of a staged notebook: show the outputs of one cell."""
    from IPython import get_ipython

    for output in json.loads(Path(kept).read_text(encoding="utf-8"))[index]:
        if output["output_type"] == "stream":
            print(output["text"], end="", file=getattr(sys, output["name"]), flush=True)
        elif output["output_type"] == "error":
            raise type(output["ename"], (Exception,), {})(output["evalue"])
        else:
            get_ipython().display_pub.publish(output["data"], output.get("metadata", {}))
