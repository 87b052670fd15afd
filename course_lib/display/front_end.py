"""Which front end shows the output: a notebook page that can be updated, a terminal, or none."""

import importlib.util
import os
import sys
from typing import Literal


def front_end() -> Literal["widgets", "text", "none"]:
    """ "widgets" in a Jupyter kernel with ipywidgets, "none" under TQDM_DISABLE (verified notebooks), else "text"."""
    if os.environ.get("TQDM_DISABLE"):
        return "none"
    # Only a shell inside a Jupyter kernel has a `kernel`; if IPython is not loaded, there is no shell.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    page = getattr(shell, "kernel", None) is not None and importlib.util.find_spec("ipywidgets") is not None
    return "widgets" if page else "text"
