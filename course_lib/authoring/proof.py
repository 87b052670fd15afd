"""`course test`: everything that continuous integration runs, in one command with one last line.

Data flow: lint and layout, the tests on all processors, the notebooks run again, a real browser; each part is its own
process, and all run even if one fails. The last lines say what was skipped and why, name each failure and how to run it
alone, and end with `green` or `red`. Course machinery.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.authoring import verify
from course_lib.authoring.instructions import variables
from course_lib.authoring.pairs import ROOT
from course_lib.authoring.watch import OUTCOME, alone, minutes
from course_lib.errors import CourseError

WATCHED = ["-p", "course_lib.authoring.watch"]
BROWSER = "tests/browser"


def prove(fast: bool = False, instructions: str = "own", names: Iterable[str] = (), root: Path = ROOT) -> int:
    """Run every part (without notebooks and browser if `fast`; only the notebooks `names`, if any). 0: all passed.

    `instructions` limits the processor's instructions for tests and kernels alike, see instructions.py. Raises
    CourseError for a name that no notebook has, or instructions that this processor lacks.
    """
    limits = variables(instructions)
    chosen = list(names)
    if chosen:
        verify.notebooks(chosen, root)  # refuse an unknown name before anything starts
    # One single-threaded process per core: with small tensors, threads only wait for each other.
    settings = limits | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    if not os.access(root, os.W_OK):  # a read-only checkout: tools must not keep caches beside the code
        elsewhere = Path(tempfile.gettempdir(), "hypothesis")
        settings |= {"RUFF_NO_CACHE": "true", "HYPOTHESIS_STORAGE_DIRECTORY": str(elsewhere)}

    def python(*arguments: str) -> int:
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(command, cwd=root, env=os.environ | settings, check=False).returncode

    def notebooks() -> int:
        return verify.run(chosen, WATCHED, root=root, instructions=instructions)

    at_once = ["-n", str(verify.cores()), "--dist=loadfile", "--no-loadscope-reorder"]
    parts: dict[str, Callable[[], int]] = {
        "lint": lambda: python("ruff", "check", "--quiet", "."),
        "layout": lambda: python("ruff", "format", "--check", "--quiet", "."),
        "tests": lambda: python("pytest", "tests", f"--ignore={BROWSER}", *at_once, *WATCHED),
        "notebooks": notebooks,
        "browser": lambda: python("pytest", BROWSER, *WATCHED),
    }
    wanted = ["notebooks"] if chosen else [*parts][:3] if fast else [*parts]
    return _report({name: _part(name, parts[name]) for name in wanted})


@dataclass
class Outcome:
    """The result of one part: pytest's or ruff's exit status, its seconds, how many tests or cells ran."""

    status: int
    seconds: float = 0.0
    ran: int = 0
    failures: dict[str, str] = field(default_factory=dict)  # node id → one line
    skipped: dict[str, int] = field(default_factory=dict)  # reason → how many


def _part(name: str, part: Callable[[], int]) -> Outcome:
    print(f"── {name}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "outcome.json"
        os.environ[OUTCOME] = str(file)
        try:
            outcome = Outcome(part())
        except CourseError as error:
            print(error)
            outcome = Outcome(2, failures={name: str(error)})
        finally:
            os.environ.pop(OUTCOME, None)
        if file.exists():
            outcome = Outcome(outcome.status, **json.loads(file.read_text(encoding="utf-8")))
    outcome.seconds = time.monotonic() - started
    return outcome


def _report(outcomes: dict[str, Outcome]) -> int:
    """Print the summary; 0 if every part passed, else 1."""
    print("── summary")
    for name, outcome in outcomes.items():
        verdict = f"FAILED (exit status {outcome.status})" if outcome.status else "passed"
        ran = f"{outcome.ran:,} run" if outcome.ran else ""
        print(f"{name:10} {outcome.seconds:7.1f} s   {verdict:10} {ran}".rstrip())
    for name, outcome in outcomes.items():
        for reason, count in outcome.skipped.items():
            print(f"skipped in {name}: {count} ({reason})")
    failed = 0
    for name, outcome in outcomes.items():
        if outcome.status and not outcome.failures:
            failed += 1
            print(f"✗ {name}: see above")
        for nodeid, line in outcome.failures.items():
            failed += 1
            print(f"✗ {nodeid}: {line}")
            if "::" in nodeid:
                print(f"    alone: {alone(nodeid)}")
    taken = minutes(sum(outcome.seconds for outcome in outcomes.values()))
    print(f"red: {failed} failed, named above ({taken})" if failed else f"green ({taken})", flush=True)
    return int(failed > 0)
