"""What a long pytest run shows: its progress, the time left, and at the end what failed.

Data flow: a pytest plugin, `-p course_lib.authoring.watch`, in the process that started the workers. It counts reports,
weights notebooks by the seconds they took when they were built, prints a line now and then instead of a screen of dots,
and writes failures and reasons for skips to the file that COURSE_OUTCOME names, for proof.py. Course machinery.
"""

import json
import os
import re
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from course_lib.authoring.verify import seconds

OUTCOME = "COURSE_OUTCOME"
EVERY = 20.0  # seconds between two lines
EARLY = 0.1  # of the work: the slowest tests come first, so an earlier estimate would be hours too long
COLOURED = re.compile(r"\x1b\[[0-9;]*m")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Watch(config), "course-watch")


class Watch:
    """Counts reports and prints the progress."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.ids: list[str] = []
        self.done, self.count = 0.0, 0
        self.started = self.spoken = time.monotonic()
        self.failures: dict[str, str] = {}
        self.skipped: Counter[str] = Counter()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.ids = self.ids or [item.nodeid for item in session.items]

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self.ids = self.ids or list(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No letter for a test that passed; one that failed gets a line at once."""
        if report.passed or report.skipped:
            counted = report.when == "call" or report.skipped
            return ("passed" if report.passed else "skipped") if counted else "", "", ""
        return None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failures[report.nodeid] = _line(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failures.setdefault(report.nodeid, _line(report))
        if report.skipped and isinstance(report.longrepr, tuple):
            self.skipped[report.longrepr[2].removeprefix("Skipped: ")] += 1
        if report.when != "teardown":
            return
        self.done += self.weight(report.nodeid)
        self.count += 1
        now = time.monotonic()
        if self.ids and now - self.spoken >= EVERY:
            self.spoken = now
            share = self.done / sum(map(self.weight, self.ids))
            left = (now - self.started) * (1 - share) / max(share, 1e-6)
            failed = f", {len(self.failures)} failed" if self.failures else ""
            told = f", about {minutes(left)} left" if share >= EARLY else ""
            print(f"   {share:4.0%}: {self.count:,} of {len(self.ids):,}{failed}{told}", flush=True)

    def weight(self, nodeid: str) -> float:
        path = nodeid.split("::")[0]
        return _cell_seconds(self.config.rootpath / path) if path.endswith(".ipynb") else 1.0

    def pytest_sessionfinish(self) -> None:
        if path := os.environ.get(OUTCOME):
            outcome = {"ran": self.count, "failures": self.failures, "skipped": self.skipped}
            Path(path).write_text(json.dumps(outcome), encoding="utf-8")


@cache
def _cell_seconds(notebook: Path) -> float:
    """A notebook's seconds per cell, plus a little, so that no cell has weight zero."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return seconds(notebook) / max(1, sum(cell["cell_type"] == "code" for cell in cells)) + 0.01


def minutes(length: float) -> str:
    """`3 min 20 s`, rounded to five seconds."""
    whole = max(5, 5 * round(length / 5))
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"


def _line(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What went wrong, in one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = COLOURED.sub("", crash.message if crash else str(report.longrepr))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if line != "Notebook cell execution failed"] or ["no message"]
    return lines[0][:300]


def alone(nodeid: str) -> str:
    """The command that runs one failure again by itself."""
    path = nodeid.split("::")[0]
    if path.endswith(".ipynb"):
        return f"course test {Path(path).parent.name}/{Path(path).stem}"
    return f"{Path(sys.executable).name} -m pytest '{nodeid}'"
