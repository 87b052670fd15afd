"""Notebooks made from text: executed in a fresh kernel, cleaned, sealed, and only then written.

Data flow: `pairs.from_text` → `execute` (nbclient, the pinned KERNEL_ENV, the notebook's own folder) → `clean`
(remove what varies between runs) → `soundness.faults` (refuse) → `seal` → one atomic write. Course machinery.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import nbformat
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from course_lib.authoring import yardstick
from course_lib.authoring.instructions import variables
from course_lib.authoring.kernel import CELL_SECONDS, NUDGE, PATIENCE, profile
from course_lib.authoring.pairs import ROOT, Pair, from_text, pairs, pull
from course_lib.authoring.seal import seal
from course_lib.authoring.soundness import code_cells, faults
from course_lib.errors import CourseError
from course_lib.system.files import write_text

__all__ = ["KERNEL_ENV", "build", "execute", "kernel_environment", "pull"]

THREADS = 1
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# float32 sums depend on their order, and the order on threads and instruction set; training amplifies both. Threads are
# pinned. The instruction set is not: AVX2 alone would make two processors agree to the last bit, but every run would
# take half as long again. The bands allow for it, and only numbers with a band may depend on it.
KERNEL_ENV = {
    "OMP_NUM_THREADS": str(THREADS),  # torch and OpenBLAS split sums by thread; one thread never waits for another
    "MKL_NUM_THREADS": str(THREADS),  # the same for MKL's matrix products …
    "MKL_DYNAMIC": "FALSE",  # … which must not take fewer threads on a busy machine
    "TQDM_DISABLE": "1",  # no progress bars in a reference output
    "CUDA_VISIBLE_DEVICES": "",  # committed outputs come from the CPU, even on a machine with a GPU
    "PYTHONHASHSEED": "0",  # the order of sets of strings, and whatever is printed from them
}


def kernel_environment(instructions: str = "own", nudge: int = 0) -> dict[str, str]:
    """This process's environment plus KERNEL_ENV, without MPLBACKEND, so that figures are the kernel's inline ones.

    `instructions` limits the processor's instructions (see instructions.py); `nudge` above 0 selects a random change of
    all initial weights by 1e-6 (see kernel.py).
    """
    own = {key: value for key, value in os.environ.items() if key not in ("MPLBACKEND", NUDGE)}
    nudged = {NUDGE: str(nudge)} if nudge else {}
    return own | KERNEL_ENV | {"IPYTHONDIR": profile()} | variables(instructions) | nudged


class ThisPythonSpec(KernelSpecManager):
    """Maps any kernel name to the running Python: a user's own `python3` kernel may be another one."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


class ThisPythonKernel(AsyncKernelManager):
    """A kernel manager that starts only the running Python."""

    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return ThisPythonSpec()


def execute(notebook: NotebookNode, folder: Path, name: str, environment: dict[str, str] | None = None) -> float:
    """Run all cells in place, in a fresh kernel inside `folder`; return the cells' compute time in seconds.

    `environment` is the kernel's, `kernel_environment()` unless given. Stops at the first cell that raises (unless
    tagged raises-exception) or takes longer than CELL_SECONDS; CourseError then says which and why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        startup_timeout=PATIENCE,
        iopub_timeout=PATIENCE,
        kernel_manager_class=ThisPythonKernel,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        # The kernel's own stderr only reports ports; what a cell writes to stderr arrives as output.
        client.execute(env=environment or kernel_environment(), stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellControlSignal, DeadKernelError, RuntimeError) as error:
        reason = (faults(notebook) or [str(error).strip().splitlines()[0]])[0]
        raise CourseError(f"{name}: {reason}; nothing written") from None
    return sum(_seconds(cell) for cell in code_cells(notebook))


def _seconds(cell: NotebookNode) -> float:
    times = cell.metadata.get("execution", {})
    ends = [times.get(key) for key in ("iopub.status.busy", "iopub.status.idle")]
    if None in ends:
        return 0.0
    start, stop = (datetime.fromisoformat(end.replace("Z", "+00:00")) for end in ends)
    return (stop - start).total_seconds()


def clean(notebook: NotebookNode) -> None:
    """Remove what varies between runs, or refers to a kernel that no longer exists."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    for cell in code_cells(notebook):
        for output in cell.outputs:
            # A view without its model shows as an error; its text stays, and the widget returns when the cell runs.
            output.get("data", {}).pop(WIDGET_VIEW, None)
        cell.outputs = _joined(output for output in cell.outputs if output.get("data", True))
    notebook.metadata.pop("widgets", None)
    info = notebook.metadata.get("language_info", {})
    for key in ("version", "codemirror_mode", "pygments_lexer", "nbconvert_exporter"):
        info.pop(key, None)


def _joined(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Join neighbouring pieces of one stream, because a busy machine's kernel sends a cell's text in several."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == "stream" and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def build(wanted: str | Path = "all", root: Path = ROOT, say: Callable[[str], object] = print) -> list[Path]:
    """Build the notebooks that `wanted` selects (see `pairs.pairs`) from their texts; return what was written.

    Raises CourseError, and leaves the old notebook alone, if a cell raised, wrote to stderr, left its band or showed
    something that cannot be reproduced.
    """
    return [_build(pair, root, say) for pair in pairs(wanted, root)]


def _build(pair: Pair, root: Path, say: Callable[[str], object]) -> Path:
    notebook = from_text(pair.text)
    before = yardstick.measure(THREADS)
    seconds = execute(notebook, pair.notebook.parent, pair.name)
    speed = (before + yardstick.measure(THREADS)) / 2
    clean(notebook)
    if found := faults(notebook, machine_paths=_machine_paths(root)):
        raise CourseError(f"{pair.name}: {found[0]}; nothing written")
    seal(notebook, seconds, THREADS, speed)
    nbformat.validate(notebook)
    write_text(pair.notebook, nbformat.writes(notebook) + "\n")
    say(f"{pair.name}: {seconds:.1f} s of computing, {pair.notebook.stat().st_size / 1e6:.2f} MB")
    return pair.notebook


def _machine_paths(root: Path) -> tuple[str, ...]:
    paths = {str(root), str(Path.home()), sys.prefix, sys.base_prefix}
    return tuple(sorted(path for path in paths if len(Path(path).parts) > 1 and path not in ("/usr", "/usr/local")))
