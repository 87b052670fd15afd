"""The hole-drawing widget: what its buttons do to the hole, what it shows, and the figure where there are none."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from toy_pictures import pictures

from course_lib import display
from course_lib.degradations import biharmonic
from course_lib.display import hole_drawing
from course_lib.display.hole_drawing import _Board, _Drawing
from course_lib.errors import CourseError
from course_lib.images import with_hole


def white(y):
    return torch.where(y[:, 1:] == 1, 1.0, y[:, :1])


@pytest.fixture
def drawing():
    return _Drawing(_Board(white, pictures(2, 1, 28, 28), 0))


def test_the_missing_is_orange_and_the_known_as_it_was():
    x, hole = pictures(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    hole[..., :2] = 1
    marked = display.mark_hole(x, hole)
    assert marked.shape == (1, 3, 4, 4) and torch.equal(marked[..., 2:], x.expand(-1, 3, -1, -1)[..., 2:])
    torch.testing.assert_close(marked[0, :, 0, 0], torch.tensor(hole_drawing.ORANGE))


def test_it_starts_with_a_box_and_buttons_change_the_hole(drawing):
    board = drawing.board
    assert 0.15 <= board.hole.mean() <= 0.3
    drawing.buttons["clear"].click()
    assert not board.hole.any() and not any(toggle.value for toggle in drawing.toggles)
    drawing.toggles[14 + 2].value = True
    wanted = torch.zeros(28, 28)
    wanted[2:4, 4:6] = 1
    assert torch.equal(board.hole[0, 0], wanted) and "1%" in drawing.label.value
    drawing.toggles[14 + 2].value = False
    assert not board.hole.any()


def test_strokes_switch_the_toggles_and_the_toggles_do_not_answer_back(drawing):
    drawing.buttons["strokes"].click()
    hole = drawing.board.hole.clone()
    assert 0.15 <= hole.mean() <= 0.3
    assert [toggle.value for toggle in drawing.toggles] == drawing.board.places().flatten().tolist()
    assert torch.equal(hole, drawing.board.hole)


def test_the_picture_shows_hole_biharmonic_network_and_original(drawing):
    board = drawing.board
    four = board.four()
    y = with_hole(board.picture, board.hole)
    assert torch.equal(four[1:, 0], torch.cat([biharmonic(y[:, :1], y[:, 1:]), white(y), board.picture])[:, 0])
    seen = np.asarray(Image.open(io.BytesIO(drawing.picture.value)))
    assert seen.shape == (4 * 32, 4 * (4 * 30 + 2), 3)


def test_the_next_picture_comes_and_the_hole_stays(drawing):
    hole, before = drawing.board.hole.clone(), drawing.picture.value
    drawing.buttons["next"].click()
    assert drawing.picture.value != before and torch.equal(drawing.board.hole, hole)
    drawing.buttons["next"].click()
    assert drawing.picture.value == before


def test_what_goes_wrong_is_said_below(drawing):
    drawing.board.hole = torch.ones_like(drawing.board.hole)
    drawing.show()
    assert "everything is missing" in drawing.label.value


def test_without_a_page_it_is_a_figure_of_three_holes(monkeypatch):
    seen = []
    monkeypatch.setattr(hole_drawing, "show_images", lambda images, titles, **_: seen.append((images, titles)))
    monkeypatch.setattr(hole_drawing, "front_end", lambda: "none")
    assert display.draw_hole(white, pictures(2, 1, 28, 28), 1) is None
    ((images, titles),) = seen
    assert images.shape == (12, 3, 28, 28) and titles[:4] == ["hole", "biharmonic", "network", "original"]


@pytest.mark.parametrize("shape", [(1, 1, 28, 30), (1, 3, 28, 28), (28, 28)])
def test_other_pictures_are_refused(shape):
    with pytest.raises(CourseError, match="wanted N×"):
        display.draw_hole(white, torch.zeros(shape))
