"""Verify that committed notebooks are true, as a pytest plugin and as one command.

Data flow: `run` starts pytest in the pinned kernel environment; nbval runs every cell of every notebook in a fresh
kernel and compares text (values in expect lines hidden by tests/sanitize.cfg); the hooks below compare the figures,
which nbval leaves out, within the spread that bands.py measured for each. Course machinery.
"""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterable
from functools import cache
from pathlib import Path

import pytest

from course_lib.authoring.kernel import CELL_SECONDS, PATIENCE
from course_lib.authoring.pairs import FOLDERS, ROOT
from course_lib.authoring.same_figure import Spread, difference, shown
from course_lib.authoring.same_picture import disorder
from course_lib.errors import CourseError

AT_MOST = 8  # kernels at once, about 1 GB each
SPREADS = Path("tests", "bands")
KERNEL_STARTS = 3  # two kernels that start at once can get the same port, and one of them dies


class FigureDiffers(AssertionError):
    """A figure, or the number of figures, differs from the committed one. The message is one line."""


def compare_figures(
    committed: list[dict], fresh: list[dict], spreads: list[Spread] | None = None, presence: bool = False
) -> str:
    """What differs between the figures in two lists of outputs, in one line; empty if nothing does.

    `spreads` holds the measured spread of each figure; without it, figures are compared closely. `presence`: compare
    only how many there are, their sizes, and whether one is blank.
    """
    old, new = shown(committed), shown(fresh)
    if len(old) != len(new):
        return f"{len(new)} figures, committed are {len(old)}"
    for number, (a, b) in enumerate(zip(old, new, strict=True)):
        spread = spreads[number] if spreads and number < len(spreads) else None
        if reason := disorder(a.picture, b.picture) if presence else difference(a, b, spread):
            return f"figure {number + 1}: {reason}"
    return ""


@cache
def measured(notebook: Path) -> dict[str, list[Spread]]:
    """The spreads measured for a notebook's figures, by cell id; empty if nothing was measured."""
    root, folder, name = notebook.parents[1], notebook.parent.name, f"{notebook.stem}.json"
    file = root / SPREADS / (name if folder == "notebooks" else f"{folder}/{name}")
    return json.loads(file.read_text(encoding="utf-8")).get("figures", {}) if file.exists() else {}


def pytest_configure(config: pytest.Config) -> None:
    """Give nbval a kernel that tolerates a busy machine."""
    from nbval import plugin

    if not getattr(plugin.RunningKernel, "is_patient", False):
        plugin.RunningKernel = patient(plugin.RunningKernel)


def patient(running_kernel: type) -> type:
    """nbval's RunningKernel, restarted if it dies, and without nbval's own limit of 10 seconds."""

    class PatientKernel(running_kernel):
        is_patient = True

        def __init__(self, *args, **options):
            for left in reversed(range(KERNEL_STARTS)):
                try:
                    return super().__init__(*args, **options)
                except RuntimeError:
                    if not left:
                        raise

        def _ensure_iopub_up(self):
            """Nothing to do: jupyter_client's `wait_for_ready` has just received a reply, and output with it."""

    return PatientKernel


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """After nbval has run a cell and found its text unchanged, compare its figures too."""
    if type(item).__name__ != "IPyNbCell":
        return (yield)
    item.output_timeout = PATIENCE
    result = yield
    where = f"{item.path.parent.name}/{item.path.stem}, cell [{item.cell_num + 1}]"
    # nbval passes a cell that was never run, because it has nothing to compare with.
    if item.cell.execution_count is None and item.cell.source.strip():
        raise FigureDiffers(f"{where}: never run; build it with `course notebooks`")
    spreads = measured(item.path).get(item.cell.get("id", ""))
    # `nbval-ignore-output` exempts text and values; a missing or empty figure is still a fault.
    presence = not item.options["check"]
    if reason := compare_figures(item.cell.outputs, item.test_outputs, spreads, presence):
        raise FigureDiffers(f"{where}: {reason}")
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Generator:
    """Report a differing figure by its one line alone."""
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, FigureDiffers):
        report.longrepr = str(call.excinfo.value)
    return report


def notebooks(names: Iterable[str | Path] = (), root: Path = ROOT) -> list[Path]:
    """The selected committed notebooks, the longest first (default: all chapters and solutions).

    A name is a file, or what `course notebooks` takes. Raises CourseError if there is none, or one is missing.
    """
    from course_lib.authoring.pairs import pairs

    chosen: list[Path] = []
    for name in names:
        is_file = Path(name).suffix == ".ipynb"
        chosen += [Path(name)] if is_file else [pair.notebook for pair in pairs(name, root)]
    chosen = chosen or [path for folder in FOLDERS for path in sorted((root / folder).glob("*.ipynb"))]
    if not chosen:
        raise CourseError(f"no notebooks in {' or '.join(FOLDERS)}: build them with `course notebooks`")
    if missing := [str(path) for path in chosen if not path.exists()]:
        raise CourseError(f"no such notebook: {', '.join(missing)}")
    return sorted(chosen, key=seconds, reverse=True)


def seconds(notebook: Path) -> float:
    """How long its cells computed when it was built; 0 if it does not say."""
    try:
        return float(json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["verified"]["seconds"])
    except (ValueError, KeyError, TypeError):
        return 0.0


def run(
    names: Iterable[str | Path] = (),
    extra: Iterable[str] = (),
    root: Path = ROOT,
    instructions: str = "own",
    nudge: int = 0,
) -> int:
    """Re-run notebooks (default: all chapters and solutions) and compare; return pytest's exit status.

    `extra` goes to pytest unchanged; `instructions` and `nudge` to the kernels (see `kernel_environment`). Raises
    CourseError if there is nothing to run.
    """
    # Imported here: pytest loads this module in every test run, and the kernel machinery is slow to import.
    from course_lib.authoring.notebooks import kernel_environment

    chosen = notebooks(names, root)
    sanitizer = ROOT / "tests" / "sanitize.cfg"
    if not sanitizer.exists():
        raise CourseError("tests/sanitize.cfg is missing: verifying needs a checkout of the course (git clone)")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "course_lib.authoring.verify"]
    command += ["--nbval", "--nbval-current-env", f"--nbval-sanitize-with={sanitizer}"]
    # A notebook uses one thread (KERNEL_ENV), so one per core; its cells stay together, and the longest come first.
    command += ["-n", str(min(cores(), AT_MOST, len(chosen))), "--dist=loadfile", "--no-loadscope-reorder"]
    command += [f"--nbval-cell-timeout={CELL_SECONDS}", f"--nbval-kernel-startup-timeout={PATIENCE}"]
    command += [*map(str, extra), *map(str, chosen)]
    return subprocess.run(command, cwd=root, env=kernel_environment(instructions, nudge), check=False).returncode


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
