"""The dashboard in each of its modes, without a browser: what it shows, what it costs, what it survives."""

import base64
import gc
import io
import math
import random
import sys
import time
from types import SimpleNamespace

import ipywidgets
import nbformat
import numpy as np
import pytest
import torch
from matplotlib.artist import Artist
from nbclient import NotebookClient
from PIL import Image
from torch import nn

from course_lib import display
from course_lib.authoring.notebooks import ThisPythonKernel
from course_lib.data import ShuffledBatches
from course_lib.display import dashboard as module
from course_lib.display import front_end as front
from course_lib.display import live
from course_lib.display.progress import Clock, draw_curves, panels
from course_lib.training import Trainer

NAMES = ("loss D", "gradient D", "logit real", "logit fake", "loss G", "gradient G", "diversity")


class Run:
    """A trainer's counts, without the training."""

    def __init__(self, planned=("steps", 100), steps=0, seconds=0.0):
        self.planned, self.steps, self.seconds, self.history = planned, steps, seconds, {}

    def step(self, seconds=0.1):
        self.steps, self.seconds = self.steps + 1, self.seconds + seconds
        for k, name in enumerate(NAMES):
            self.history.setdefault(name, []).append(k + math.sin(self.steps / 9 + k))
        return self


def grid(value=0.5, n=6):
    return torch.full((n, 1, 8, 8), value)


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when told to; the trainer's own and ours."""
    watch = SimpleNamespace(now=1000.0, monotonic=lambda: watch.now)
    monkeypatch.setattr(live, "time", watch)
    return watch


@pytest.fixture
def page(monkeypatch):
    """A notebook page that keeps what is shown and what replaces it."""
    kept = SimpleNamespace(shown=[], replaced=[])

    def show(data, raw, display_id):
        assert raw and display_id
        wanted = data[live.WIDGET]["model_id"]
        boxes = [thing for thing in gc.get_objects() if type(thing) is ipywidgets.VBox]
        kept.shown.append(next(box for box in boxes if box.model_id == wanted))
        return SimpleNamespace(update=lambda data, raw: kept.replaced.append(data))

    monkeypatch.setattr("IPython.display.display", show)
    monkeypatch.setattr(module, "front_end", lambda: "widgets")
    return kept


def widgets_of(box):
    top, *pictures = box.children
    return (*top.children, *pictures)


def decoded(picture):
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


# --- which mode -----------------------------------------------------------------------------------------------------


def shell(monkeypatch, made):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: made))


@pytest.mark.parametrize(
    ("made", "wanted"),
    [(None, "text"), (SimpleNamespace(), "text"), (SimpleNamespace(kernel=object()), "widgets")],
)
def test_widgets_need_a_kernel_and_nothing_is_shown_where_tqdm_is_off(monkeypatch, made, wanted):
    shell(monkeypatch, made)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    assert front.front_end() == wanted
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert front.front_end() == "none"


def test_without_ipython_or_ipywidgets_it_is_text(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert front.front_end() == "text"
    shell(monkeypatch, SimpleNamespace(kernel=object()))
    monkeypatch.setattr(front.importlib.util, "find_spec", lambda name: None)
    assert front.front_end() == "text"


# --- nothing --------------------------------------------------------------------------------------------------------


def test_with_tqdm_off_it_shows_nothing_and_looks_at_nothing(monkeypatch, capfd):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    with display.Dashboard(lambda: pytest.fail("it drew samples")) as watch:
        watch(object())  # neither steps nor history: whatever it read would raise
        started = time.perf_counter()
        for _ in range(10_000):
            watch(None)
        assert time.perf_counter() - started < 0.5  # under 50 µs a step even on a busy machine
    assert capfd.readouterr() == ("", "")


# --- a line of text -------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(module, "front_end", lambda: "text")


def test_a_terminal_gets_one_line_that_goes_away(terminal, capsys):
    run = Run(("steps", 60), steps=20)
    with display.Dashboard(lambda: pytest.fail("a terminal has no pictures"), every=0.0) as watch:
        for _ in range(40):
            time.sleep(0.01)  # tqdm redraws ten times a second at most
            watch(run.step())
    out, err = capsys.readouterr()
    assert out == "" and "\n" not in err.strip("\n") and "/60 [" in err and "diversity" in err
    assert err.endswith("\r") and err.split("\r")[-2].strip() == ""  # wiped


def test_a_run_in_seconds_counts_seconds(terminal, capsys):
    run = Run(("seconds", 60))
    with display.Dashboard() as watch:
        for _ in range(3):
            time.sleep(0.12)
            watch(run.step(seconds=15))
    assert "45/60 s" in capsys.readouterr().err


# --- a page ---------------------------------------------------------------------------------------------------------


def test_a_page_gets_progress_at_once_and_pictures_every_few_seconds(page, clock):
    drawn = []
    run = Run(("steps", 300))
    with display.Dashboard(lambda: drawn.append(clock.now) or grid(), every=5.0) as watch:
        for _ in range(300):
            clock.now += 0.1
            watch(run.step())
        (box,) = page.shown
        bar, label, picture = widgets_of(box)
        assert 0.98 <= bar.value <= 1 and label.value.startswith("step 29")
        assert decoded(picture.value).shape == (440 + picture_height(), display.WIDEST, 3)
    assert np.allclose(np.diff(drawn[:-1]), 5.0, atol=0.11) and 6 <= len(drawn) <= 8
    assert drawn[0] - 1000 < 1.5  # something to look at soon


def picture_height():
    return live.sheet(grid()).height


def kept_alive():
    gc.collect()
    return sum(issubclass(type(thing), Artist | ipywidgets.Widget) for thing in gc.get_objects())


def test_the_page_keeps_its_two_widgets_and_their_size(page, clock):
    run = Run(("steps", 10_000))
    for _ in range(300):
        run.step()
    watch = display.Dashboard(grid, every=1.0)
    for _ in range(3):
        clock.now += 2
        watch(run.step())
    (box,) = page.shown
    before = [widget.model_id for widget in (box, *box.children, *widgets_of(box))]
    size = widgets_of(box)[-1].layout.width, widgets_of(box)[-1].layout.height
    before_count = kept_alive()
    for _ in range(12):
        clock.now += 2
        watch(run.step())
    assert [widget.model_id for widget in (box, *box.children, *widgets_of(box))] == before
    assert (widgets_of(box)[-1].layout.width, widgets_of(box)[-1].layout.height) == size
    # A drawing is some 500 artists; a handful of ticks more or less is the axes' own affair.
    assert kept_alive() - before_count < 100, "something is kept for each drawing"
    assert len(page.shown) == 1


def test_slow_pictures_come_less_often(page, clock):
    """Ten seconds for the samples: at every = 5 they would take two thirds of the time; a twentieth is allowed."""

    def slow():
        clock.now += 10
        drawn.append(clock.now)
        return grid()

    drawn, run, started = [], Run(("steps", 10_000)), clock.now
    watch = display.Dashboard(slow, every=5.0)
    for _ in range(9_000):
        clock.now += 0.1
        watch(run.step())
    assert len(drawn) >= 3 and 10 * len(drawn) / (clock.now - started) < 0.06


def test_the_end_stays_on_the_page_as_an_ordinary_picture(page, clock):
    run = Run(("steps", 3))
    with display.Dashboard(grid) as watch:
        for _ in range(3):
            watch(run.step())
        everything = [page.shown[0], *page.shown[0].children]
    (left,) = page.replaced
    assert decoded(base64.b64decode(left["image/png"])).shape[1] == display.WIDEST
    assert left["text/plain"].startswith("step 3 of 3 · 10 steps/s") and left["text/plain"].endswith("done")
    assert all(widget.comm is None for widget in everything)  # closed: nothing is left in the kernel
    watch.close()
    watch(run.step())
    assert len(page.replaced) == 1


def test_an_error_in_the_training_closes_it_and_is_not_hidden(page, clock):
    with pytest.raises(ZeroDivisionError), display.Dashboard(grid) as watch:
        watch(Run().step().step())
        1 / 0  # noqa: B018
    assert "step 2 of 100" in page.replaced[0]["text/plain"] and "done" not in page.replaced[0]["text/plain"]


def test_never_called_it_shows_nothing(page, capfd):
    with display.Dashboard(grid):
        pass
    assert not page.shown and not page.replaced and capfd.readouterr() == ("", "")


def test_one_dashboard_for_two_trainers_measures_each_by_itself(page, clock):
    watch = display.Dashboard()
    first, second = Run(("steps", 100)), Run(("steps", 100), steps=50, seconds=500.0)
    for _ in range(20):
        clock.now += 1
        watch(first.step())
    for _ in range(21):
        clock.now += 1
        watch(second.step())
    assert (
        "10 steps/s" in widgets_of(page.shown[0])[1].value and "about 00:02 left" in widgets_of(page.shown[0])[1].value
    )
    assert len(page.shown) == 1


# --- watching changes nothing, and stops nothing --------------------------------------------------------------------


def trained(watch):
    torch.manual_seed(0)
    network = nn.Linear(4, 1)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)

    def step(images, labels):
        loss = (network(images + 0.1 * torch.randn_like(images)) - random.random()).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return {"loss": loss.detach(), "chance": float(np.random.rand())}

    batches = ShuffledBatches(torch.rand(32, 4), torch.zeros(32), batch_size=8, seed=0)
    trainer = Trainer(step, {"n": network}, {"o": optimiser}, batches, torch.device("cpu"))
    random.seed(0)
    np.random.seed(0)
    trainer.run(steps=12, watch=watch)
    return trainer.history


def restless():
    random.random(), np.random.rand(), torch.seed()
    return torch.rand(4, 3, 8, 8)


@pytest.mark.parametrize("mode", ["widgets", "text", "none"])
def test_a_watched_run_is_the_same_run(page, monkeypatch, capsys, mode):
    alone = trained(lambda trainer: None)
    monkeypatch.setattr(module, "front_end", lambda: mode)
    monkeypatch.setattr(live, "SHARE", 1e9)
    with display.Dashboard(restless, every=0.0) as watch:
        assert trained(watch) == alone
    assert len(alone["loss"]) == 12 and capsys.readouterr().out == ""


def broken_page(*_, **__):
    raise ConnectionError("the page is gone")


@pytest.mark.parametrize("where", ["display", "picture", "progress"])
def test_a_broken_page_stops_itself_and_not_the_training(page, clock, monkeypatch, capsys, where):
    if where == "display":
        monkeypatch.setattr("IPython.display.display", broken_page)
    else:
        monkeypatch.setattr(ipywidgets.Image if where == "picture" else ipywidgets.Label, "send_state", broken_page)
        monkeypatch.setattr(ipywidgets.Widget, "_should_send_property", broken_page)
        monkeypatch.setattr(live, "png" if where == "picture" else "TICK", broken_page)
    run = Run()
    with display.Dashboard(grid, every=1.0) as watch:
        for _ in range(50):
            clock.now += 1
            watch(run.step())
    assert run.steps == 50
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and out.startswith("dashboard off, training goes on (") and err == ""


def test_an_interrupt_is_not_swallowed(page, clock):
    def interrupted():
        raise KeyboardInterrupt

    watch = display.Dashboard(interrupted, every=0.0)
    run = Run()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(5):
            clock.now += 5
            watch(run.step())


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (lambda: 1 / 0, "no samples: division by zero"),
        (lambda: grid(-1.0), "values from -1 to -1; wanted [0,1]: wrap it in images.to_unit"),
        (lambda: grid(float("nan")), "values from nan"),
        (lambda: torch.rand(3, 2, 8, 8), "C = 1 or 3"),
        (lambda: torch.rand(0, 1, 8, 8), "gave shape (0, 1, 8, 8)"),
    ],
)
def test_samples_that_fail_are_named_once_and_the_curves_go_on(page, clock, sample, words):
    run, asked = Run(), []
    watch = display.Dashboard(lambda: asked.append(1) or sample(), every=1.0)
    for _ in range(4):
        clock.now += 1
        watch(run.step())
    _, label, picture = widgets_of(page.shown[0])
    assert words in label.value and len(asked) == 1
    assert decoded(picture.value).shape[0] == 440  # the curves alone


# --- progress -------------------------------------------------------------------------------------------------------


def test_the_time_left_is_what_the_pace_says():
    clock, run = Clock(), Run(("steps", 2000), steps=500, seconds=9999.0)  # resumed from a slow machine
    clock.begin(run)
    assert clock.read(run) == (0.25, None) and "left" not in clock.text(run)
    for _ in range(500):
        run.step(seconds=1 / 16)
    done, left = clock.read(run)
    assert done == 0.5 and left == 62.5
    assert clock.text(run) == "step 1,000 of 2,000 · 16 steps/s · 2:47:10 trained · about 01:02 left"


def test_a_run_in_seconds_knows_its_end():
    clock, run = Clock(), Run(("seconds", 60.0))
    clock.begin(run)
    for _ in range(30):
        run.step(seconds=0.5)
    assert clock.read(run) == (0.25, 45.0)
    assert clock.text(run) == "step 30 · 2 steps/s · 00:15 of 01:00 trained · about 00:45 left"
    for _ in range(91):
        run.step(seconds=0.5)
    assert clock.read(run) == (1.0, 0.0) and clock.text(run).endswith("01:00 trained · done")


HISTORY = {name: [1.0, 2.0, 3.0] for name in NAMES}


def test_what_begins_alike_shares_a_panel():
    assert panels(HISTORY, None) == {
        "loss": {"loss D": "D", "loss G": "G"},
        "gradient": {"gradient D": "D", "gradient G": "G"},
        "logit": {"logit real": "real", "logit fake": "fake"},
        "diversity": {"diversity": "diversity"},
    }
    assert panels({"loss": [1]}, None) == {"loss": {"loss": "loss"}}
    assert panels(HISTORY, ["loss G", "unknown"]) == {"loss G": {"loss G": "G"}}
    assert panels(HISTORY, {"Both": ["loss D", "diversity"], "None": ["unknown"]}) == {
        "Both": {"loss D": "loss D", "diversity": "diversity"}
    }
    assert len(panels({str(k): [1] for k in range(9)}, None)) == 4


def test_curves_are_drawn_where_the_numbers_are_and_an_early_spike_does_not_press_them_flat():
    canvas = live.Figure(dpi=100)
    values = [1000.0, *np.linspace(1, 2, 199)]
    for history in ({"loss D": values, "loss G": values[::-1]}, {"loss D": values, "loss G": values, "other": values}):
        assert draw_curves(canvas, history, None).size[0] == display.WIDEST
    assert [axes.get_title("left") for axes in canvas.axes] == ["loss", "other"]
    losses, other = canvas.axes
    assert [text.get_text().strip() for text in losses.texts] == ["D", "G"] and len(losses.lines) == 2
    (line,) = other.lines
    np.testing.assert_allclose(line.get_ydata(), display.smooth(values, 2))
    low, high = other.get_ylim()
    assert 0.5 < low < 1.2 and 2 < high < 3
    assert draw_curves(canvas, {}, None) is None and draw_curves(canvas, {"loss": [1.0]}, None) is None


# --- a real kernel --------------------------------------------------------------------------------------------------

CELL = """
import os
from types import SimpleNamespace
import torch
from course_lib import display

def train():
    run = SimpleNamespace(steps=0, seconds=0.0, planned=("steps", 30), history={"loss": []})
    with display.Dashboard(lambda: torch.rand(4, 1, 8, 8), every=0.0) as watch:
        for step in range(30):
            run.steps, run.seconds = run.steps + 1, run.seconds + 0.1
            run.history["loss"].append(1 / run.steps)
            watch(run)
train()
"""


def test_in_a_kernel_the_notebook_keeps_the_end_and_a_pinned_kernel_nothing(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    cells = [CELL, "os.environ['TQDM_DISABLE'] = '1'\ntrain()"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=300, startup_timeout=180, kernel_manager_class=ThisPythonKernel).execute()
    (left,) = notebook.cells[0].outputs
    assert left.data["text/plain"] == "step 30 of 30 · 10 steps/s · 00:03 trained · done"
    assert "application/vnd.jupyter.widget-view+json" not in left.data
    assert decoded(base64.b64decode(left.data["image/png"])).std() > 1
    assert notebook.cells[1].outputs == []
