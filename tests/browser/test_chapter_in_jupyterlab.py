"""A chapter as a learner meets it: Run All in JupyterLab, a widget moved by keyboard, a page by day and by night."""

import io

import numpy as np
from lab_page import LabPage, copy_chapter, serve
from PIL import Image

CHAPTER = "00_start_here"  # the first that a learner opens, and all of its training has a budget that can be cut
WIDGET = """
from course_lib import display
import torch
ramp = torch.linspace(0, 1, 400).expand(3, 200, 400)
display.before_after(ramp, ramp.flip(2))
"""


def light(path) -> float:
    """How light a picture of the page is at its edges, where no figure stands: 0 … 255."""
    pixels = np.asarray(Image.open(path).convert("L"), dtype=float)
    return float(np.median(pixels[:, -60:]))


def test_a_chapter_runs_its_widget_moves_and_both_themes_are_kept(page, home, tmp_path):
    copy_chapter(CHAPTER, tmp_path / "course", WIDGET)
    with serve(tmp_path / "course", home) as address:
        lab = LabPage(page, address, f"notebooks/{CHAPTER}.ipynb")
        lab.run_all()
        counts = lab.executed()
        assert counts == list(range(1, len(counts) + 1)) and len(counts) > 25
        assert lab.errors() == []

        handle = lab.sliders().last
        handle.scroll_into_view_if_needed()
        picture = page.locator(".jp-Cell .widget-image, .jp-Cell img.jupyter-widgets").last
        before, first = handle.get_attribute("aria-valuenow"), picture.get_attribute("src")
        handle.focus()
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        page.wait_for_function("([image, old]) => image.src !== old", arg=[picture.element_handle(), first])
        assert float(handle.get_attribute("aria-valuenow")) > float(before)

        shots = {}
        for theme in ("Light", "Dark"):
            lab.theme(f"JupyterLab {theme}")
            shots[theme] = lab.keep(f"{CHAPTER}_{theme.lower()}")
    for theme, path in shots.items():
        with Image.open(io.BytesIO(path.read_bytes())) as shot:
            assert shot.width == 1280, theme
    assert light(shots["Light"]) > 200 > 80 > light(shots["Dark"])
