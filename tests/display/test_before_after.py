"""Before and after in one frame: the slider moves the line, and without a page both stand side by side."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import display
from course_lib.display import before_after as module
from course_lib.errors import CourseError

# `course_lib.display` hands out the function under the module's own name.
MODULE = __import__("sys").modules["course_lib.display.before_after"]
DARK, LIGHT = torch.zeros(3, 10, 20), torch.full((3, 10, 20), 0.6)


@pytest.fixture
def slider():
    return MODULE._Slider(MODULE._Pair(DARK, LIGHT[None], ("dark", "light"), 3))


def seen(slider):
    return np.asarray(Image.open(io.BytesIO(slider.picture.value)))


def test_the_module_hands_out_its_function():
    assert module is display.before_after is MODULE.before_after


def test_the_slider_moves_the_line(slider):
    half = seen(slider)
    assert half.shape == (30, 60, 3)
    assert (half[:, :29] == 0).all() and (half[:, 29:31] == 255).all() and (half[:, 31:] == 153).all()
    slider.share.value = 0.0
    assert (seen(slider) == 153).all()
    slider.share.value = 1.0
    assert (seen(slider) == 0).all()


def test_the_frame_has_the_pictures_size_and_their_names(slider):
    assert slider.picture.layout.width == slider.share.layout.width == "60px"
    assert [label.value for label in slider.box.children[0].children] == ["◀ dark", "▶ light"]


def test_grey_lies_on_colour():
    pair = MODULE._Pair(torch.full((1, 4, 4), 0.2), LIGHT[:, :4, :4], ("a", "b"), 1)
    assert np.asarray(pair.cut(0.5)).shape == (4, 4, 3) and pair.cut(0.5).getpixel((0, 0)) == (51, 51, 51)


def test_without_a_page_both_stand_side_by_side(monkeypatch):
    calls = []
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setattr(MODULE, "show_images", lambda *given, **more: calls.append((given, more)))
    assert display.before_after(DARK, LIGHT, ("dark", "light")) is None
    (((pictures, names), _),) = calls
    assert torch.equal(pictures[0], DARK) and torch.equal(pictures[1], LIGHT) and names == ("dark", "light")


def test_on_a_page_the_slider_is_shown(monkeypatch):
    pages = []
    monkeypatch.setattr(MODULE, "front_end", lambda: "widgets")
    monkeypatch.setattr("IPython.display.display", pages.append)
    assert display.before_after(DARK, LIGHT) is None and len(pages) == 1


@pytest.mark.parametrize(
    ("before", "after", "names", "said"),
    [
        (DARK, LIGHT[:, :5], ("a", "b"), "enlarge the smaller one"),
        (DARK[None].repeat(2, 1, 1, 1), LIGHT, ("a", "b"), "one image each"),
        (DARK[0], LIGHT, ("a", "b"), "before gave shape"),
        (DARK - 1, LIGHT, ("a", "b"), r"before gave values from -1"),
        (DARK, LIGHT, ("a",), "1 names"),
    ],
)
def test_what_does_not_fit_is_named(before, after, names, said):
    with pytest.raises(CourseError, match=said):
        display.before_after(before, after, names)
