"""The real JupyterLab in a real browser: what a test says to it, and what it asks of it.

Data flow: `serve` starts the server as `course lab` does, on a copy of the notebooks; a `LabPage` opens a notebook in
Chromium, runs it, looks for errors, moves widgets by keyboard, changes the theme and takes pictures of the page.
"""

from __future__ import annotations  # playwright may be missing where the tests are skipped

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from course_lib.commands import lab

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root and without a network: no sandbox, no calls home.
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
FLAGS += ["--disable-component-update", "--disable-quic"]
MINUTE = 60_000  # Playwright counts milliseconds
# A notebook of many cells is drawn as one scrolls, unless told otherwise; a test looks at all of it.
SETTINGS = {"@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"}}
SHORT_BUDGET = """\
# Not of the chapter: the browser's test trains for a few steps only.
from course_lib.training import Trainer
_run = Trainer.run
Trainer.run = lambda self, steps=None, seconds=None, **rest: _run(self, steps=min(steps or 3, 3), **rest)
"""


def browser_path() -> str | None:
    """Chromium or Chrome, wherever it is installed."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def copy_chapter(name: str, folder: Path, more: str = "") -> Path:
    """A copy of a chapter without outputs, with a short budget and a last cell `more`, as notebooks/NAME.ipynb."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.cells.insert(0, nbformat.v4.new_code_cell(SHORT_BUDGET))
    notebook.cells += [nbformat.v4.new_code_cell(more)] if more else []
    target = folder / "notebooks" / f"{name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    return target


@contextlib.contextmanager
def serve(folder: Path, home: Path) -> Iterator[str]:
    """JupyterLab on `folder`, as `course lab` starts it for a user at home in `home`: its address with the token."""
    for name, content in SETTINGS.items():
        file = home / ".jupyter" / "lab" / "user-settings" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
    os.environ["JUPYTER_CONFIG_DIR"], before = str(home / ".jupyter"), os.environ.get("JUPYTER_CONFIG_DIR")
    environment = lab.environment() | {"HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home / "runtime")}
    os.environ.pop("JUPYTER_CONFIG_DIR") if before is None else os.environ.update(JUPYTER_CONFIG_DIR=before)
    environment.pop("TQDM_DISABLE", None)  # a learner's kernel shows bars and widgets
    environment["OMP_NUM_THREADS"] = "1"  # on a busy machine two threads wait for each other
    command = [*lab.command(folder, None, browser=False), "--LabApp.expose_app_in_browser=True"]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    watchdog = threading.Timer(300, server.kill)
    watchdog.start()
    try:
        lines = []
        for line in server.stderr:
            lines.append(line)
            if address := re.search(r"(http://127\.0\.0\.1:\d+)/lab\S*\?token=(\w+)", line):
                break
        else:
            raise RuntimeError(f"JupyterLab ended without an address: {''.join(lines)[-1000:]}")
        watchdog.cancel()
        threading.Thread(target=lambda: [None for _ in server.stderr], daemon=True).start()  # never a full pipe
        yield f"{address[1]}/lab/tree/{{path}}?token={address[2]}"
    finally:
        watchdog.cancel()
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()


class LabPage:
    """One notebook in one browser page."""

    def __init__(self, page: Page, address: str, path: str) -> None:
        self.page = page
        page.set_default_timeout(5 * MINUTE)
        page.goto(address.format(path=path))
        page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.sessionContext !== undefined")
        # A command sent before the kernel has said who it is runs nothing, and says nothing.
        page.evaluate(
            """async () => {
                const context = jupyterapp.shell.currentWidget.sessionContext;
                await context.ready;
                await context.session.kernel.info;
            }"""
        )

    def run_all(self, minutes: float = 10) -> None:
        """Run all cells, as the Run menu does, and wait until the last one is done."""
        self.page.evaluate("() => { window.ran = jupyterapp.commands.execute('notebook:run-all-cells'); }")
        self.page.wait_for_function(
            """() => {
                const cells = [...jupyterapp.shell.currentWidget.content.model.cells];
                const code = cells.filter(cell => cell.type === 'code');
                return code.every(cell => cell.executionCount !== null && cell.executionState !== 'running');
            }""",
            timeout=minutes * MINUTE,
            polling=500,
        )
        self.page.evaluate("async () => { await window.ran; }")

    def executed(self) -> list[int]:
        """The execution counts of the code cells, in the order of the page."""
        return self.page.evaluate(
            """() => [...jupyterapp.shell.currentWidget.content.model.cells]
                .filter(cell => cell.type === 'code').map(cell => cell.executionCount)"""
        )

    def errors(self) -> list[str]:
        """What went wrong and is shown: tracebacks, cells that wrote to stderr, widgets that could not be drawn."""
        outputs = self.page.evaluate(
            """() => [...jupyterapp.shell.currentWidget.content.model.cells].filter(cell => cell.type === 'code')
                .flatMap(cell => cell.toJSON().outputs)"""
        )
        found = [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]
        found += [str(o["text"])[:300] for o in outputs if o["output_type"] == "stream" and o["name"] == "stderr"]
        return found + self.page.get_by_text("Error displaying widget").all_inner_texts()

    def sliders(self) -> Locator:
        """The handles of the sliders on the page; a focused one obeys the arrow keys."""
        return self.page.locator(".jp-Cell .noUi-handle")

    def theme(self, name: str) -> None:
        """Change to `JupyterLab Light` or `JupyterLab Dark` and wait until it is drawn."""
        dark = name.endswith("Dark")
        self.page.evaluate("name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
        self.page.wait_for_selector(f"body[data-jp-theme-light='{str(not dark).lower()}']", state="attached")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")  # a veil with JupyterLab's moons

    def keep(self, name: str) -> Path:
        """A picture of the page as it stands, kept for people to look at. Returns the file."""
        path = artefacts() / f"{name}.png"
        self.page.screenshot(path=path)
        return path


def artefacts() -> Path:
    """Where pictures of pages are kept: $COURSE_ARTEFACTS, else runs/browser in the checkout, which git ignores."""
    own = ROOT if os.access(ROOT, os.W_OK) else Path(tempfile.gettempdir()) / "residual-imaging"
    folder = Path(os.environ.get("COURSE_ARTEFACTS") or own / "runs" / "browser")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
