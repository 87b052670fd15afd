"""What is added to a notebook's kernel while it is built, measured or verified: an IPython extension.

Data flow: `profile` makes an IPython folder that loads this extension and none of the user's own settings;
notebooks.py sets it in the kernel's environment. In the kernel, each figure's output gets the figure's description
(drawn.py) as metadata; with COURSE_NUDGE, every network's initial weights change by a relative 1e-6, about what another
processor's rounding would do; with COURSE_KEEP_FIGURES, the figures themselves are kept in a folder. Course
machinery.
"""

import functools
import itertools
import json
import os
import pickle
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

NUDGE, KEEP = "COURSE_NUDGE", "COURSE_KEEP_FIGURES"
RELATIVE = 1e-6
CELL_SECONDS = 6 * 3600  # no cell computes for a minute; this stops one that hangs, even on a busy machine
PATIENCE = 600  # seconds that a kernel may take to start, or a finished cell's last output to arrive
DESCRIPTION = "drawn"  # the key in the metadata of the image
CONFIGURATION = f"""\
c.InteractiveShellApp.extensions = [{__name__!r}]
c.HistoryManager.enabled = False
"""


_one_at_a_time = threading.Lock()


@functools.cache
def _kept() -> tempfile.TemporaryDirectory:
    folder = tempfile.TemporaryDirectory(prefix="course-ipython-")
    profile = Path(folder.name) / "profile_default"
    profile.mkdir()
    (profile / "ipython_kernel_config.py").write_text(CONFIGURATION, encoding="utf-8")
    return folder


def profile() -> str:
    """The IPython folder for kernels that this process starts; it is deleted when the process ends."""
    with _one_at_a_time:  # two threads at once would each make a folder, and the first would be deleted
        return _kept().name


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython when the kernel starts."""
    shell.run_line_magic("matplotlib", "inline")  # now, because at the first plot it would replace the formatter
    from matplotlib.figure import Figure

    formatter = shell.display_formatter.formatters["image/png"]
    formatter.for_type(Figure, with_description(formatter.lookup_by_type(Figure)))
    if seed := os.environ.get(NUDGE):
        nudge_initial_weights(int(seed))


def with_description(draw: Callable) -> Callable:
    """The formatter `draw` (figure → PNG), with the figure's description as metadata of its output."""
    count = itertools.count(1)

    def drawn_and_described(figure: Any) -> tuple[bytes, dict]:
        from course_lib.authoring.drawn import describe

        data = draw(figure)
        picture, metadata = data if isinstance(data, tuple) else (data, {})
        if folder := os.environ.get(KEEP):
            path = Path(folder) / f"{os.getpid()}-{next(count):03}.pickle"
            path.write_bytes(pickle.dumps(figure))
        # As one string, because a notebook's JSON layout would put every number on its own line.
        described = json.dumps(describe(figure), ensure_ascii=False, separators=(",", ":"))
        return picture, {**metadata, DESCRIPTION: described}

    return drawn_and_described


def nudge_initial_weights(seed: int) -> None:
    """From now on, before an optimiser's first step, its weights change by a random relative 1e-6.

    Equal networks change equally, and an optimiser that resumes (it has state) is left alone, so that what a chapter
    says about two equal training runs stays true.
    """
    import torch
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    seen: weakref.WeakSet = weakref.WeakSet()

    def before_the_first_step(optimiser: Any, *_: Any) -> None:
        if optimiser in seen or optimiser.state:
            return
        seen.add(optimiser)
        with torch.no_grad():
            for place, weight in enumerate(p for group in optimiser.param_groups for p in group["params"]):
                random = torch.Generator().manual_seed(1000 * seed + place)
                weight.mul_(1 + RELATIVE * torch.randn(weight.shape, generator=random).to(weight))

    register_optimizer_step_pre_hook(before_the_first_step)
