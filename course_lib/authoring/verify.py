"""The proof that committed notebooks are true, as a pytest plugin and as one command.

Data flow: `run` starts pytest in the pinned KERNEL_ENV; nbval runs every cell of every notebook in a fresh
kernel and compares text (values in expect lines hidden by tests/sanitize.cfg); the hooks below compare the
figures, which nbval leaves out. `test_everything` adds ruff and the tests: what CI runs. Course machinery.
"""

import subprocess
import sys
import time
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from course_lib.authoring.pairs import FOLDERS, ROOT
from course_lib.authoring.same_picture import difference, pictures
from course_lib.errors import CourseError

CELL_SECONDS = 900
AT_ONCE = 2


class FigureDiffers(AssertionError):
    """A figure, or the number of figures, is not the committed one. The message is one line."""


def compare_figures(committed: list[dict], fresh: list[dict]) -> str:
    """What differs between the figures in two lists of outputs, in one line; empty when nothing does."""
    old, new = pictures(committed), pictures(fresh)
    if len(old) != len(new):
        return f"{len(new)} figures, committed are {len(old)}"
    for number, (a, b) in enumerate(zip(old, new, strict=True), start=1):
        if reason := difference(a, b):
            return f"figure {number}: {reason}"
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """After nbval has run a cell and found its text true, compare its figures too."""
    result = yield
    if type(item).__name__ != "IPyNbCell":
        return result
    where = f"{item.path.parent.name}/{item.path.stem}, cell [{item.cell_num + 1}]"
    # nbval lets a cell pass that was never run, since it has nothing to compare with.
    if item.cell.execution_count is None and item.cell.source.strip():
        raise FigureDiffers(f"{where}: never run; build it with `course notebooks`")
    if item.options["check"] and (reason := compare_figures(item.cell.outputs, item.test_outputs)):
        raise FigureDiffers(f"{where}: {reason}")
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Generator:
    """Report a differing figure as its line alone."""
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, FigureDiffers):
        report.longrepr = str(call.excinfo.value)
    return report


def run(paths: Iterable[str | Path] = (), extra: Iterable[str] = (), root: Path = ROOT) -> int:
    """Re-run notebooks (default: all chapters and solutions) and compare; return pytest's exit status.

    `extra` goes to pytest as it is. Raises CourseError when there is nothing to run.
    """
    # Here and not above: pytest loads this module in every test run, and the kernel machinery is slow to import.
    from course_lib.authoring.notebooks import kernel_environment

    chosen = [Path(path) for path in paths]
    chosen = chosen or [path for folder in FOLDERS for path in sorted((root / folder).glob("*.ipynb"))]
    if not chosen:
        raise CourseError(f"no notebooks in {' or '.join(FOLDERS)}: build them with `course notebooks`")
    if missing := [str(path) for path in chosen if not path.exists()]:
        raise CourseError(f"no such notebook: {', '.join(missing)}")
    sanitizer = ROOT / "tests" / "sanitize.cfg"
    if not sanitizer.exists():
        raise CourseError("tests/sanitize.cfg is missing: verifying needs a checkout of the course (git clone)")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "course_lib.authoring.verify"]
    command += ["--nbval", "--nbval-current-env", f"--nbval-sanitize-with={sanitizer}"]
    # A notebook is on one thread (KERNEL_ENV), so two at a time use two cores; a notebook's cells stay together.
    command += ["-n", str(min(AT_ONCE, len(chosen))), "--dist=loadfile"]
    command += [f"--nbval-cell-timeout={CELL_SECONDS}", *map(str, extra), *map(str, chosen)]
    return subprocess.run(command, cwd=root, env=kernel_environment(), check=False).returncode


def test_everything(fast: bool, root: Path = ROOT) -> int:
    """Layout and lint, the tests, and (unless `fast`) every notebook re-run. 0 when all passed, else 1.

    Every part runs even when an earlier one failed; the last lines say which did, and the seconds each took.
    """

    def python(*arguments: str) -> int:
        return subprocess.run([sys.executable, "-m", *arguments], cwd=root, check=False).returncode

    parts = {
        "lint": lambda: python("ruff", "check", "."),
        "layout": lambda: python("ruff", "format", "--check", "."),
        "tests": lambda: python("pytest", "tests"),
    }
    if not fast:
        parts["notebooks"] = lambda: run(root=root)
    lines, failed = [], 0
    for name, part in parts.items():
        print(f"── {name}", flush=True)
        started = time.monotonic()
        try:
            status = part()
        except CourseError as error:
            print(error)
            status = 2
        failed += status != 0
        verdict = "passed" if status == 0 else f"FAILED (exit status {status})"
        lines.append(f"{name:10} {time.monotonic() - started:7.1f} s   {verdict}")
    print("\n".join(["── summary", *lines]), flush=True)
    return int(failed > 0)


test_everything.__test__ = False  # a command, not a test, wherever it is imported
