"""What is shown: every pixel a square of its own colour, and curves with their names."""

import io

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import display
from course_lib.errors import CourseError

matplotlib.use("Agg")
plt = display.plt


@pytest.fixture
def shown(monkeypatch):
    """The pixels of the figure that `show_images` makes."""
    pictures = []

    def show():
        buffer = io.BytesIO()
        plt.gcf().savefig(buffer, format="png", dpi=100)
        pictures.append(np.asarray(Image.open(buffer).convert("RGB")))
        plt.close("all")

    monkeypatch.setattr(plt, "show", show)
    return pictures


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("zoom", [1, 3, 8])
def test_pictures_are_pixel_true(shown, channels, zoom):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (4, channels, 6, 9), generator=generator).float() / 255
    display.show_images(images, ["a", "b", "c", "d"], columns=2, zoom=zoom, title="Message")
    (figure,) = shown
    for image in images:
        pixels = (image * 255).round().byte().permute(1, 2, 0).expand(-1, -1, 3).numpy()
        big = pixels.repeat(zoom, 0).repeat(zoom, 1)
        windows = np.lib.stride_tricks.sliding_window_view(figure, big.shape)[..., 0, :, :, :]
        assert (windows == big).all((-1, -2, -3)).any(), "the picture is not in the figure, pixel for pixel"


def test_the_figure_stays_within_the_page(shown):
    display.show_images(torch.rand(8, 1, 28, 28))
    assert 500 < shown[0].shape[1] <= display.WIDEST + 10


@pytest.mark.parametrize(
    ("images", "titles", "words"),
    [
        (torch.rand(2, 28, 28), None, "wanted C×H×W"),
        (torch.rand(2, 4, 5, 5), None, "C = 1 or 3"),
        ([], None, "wanted C×H×W"),
        (torch.rand(2, 1, 5, 5), ["one"], "1 titles for 2 pictures"),
    ],
)
def test_other_input_gets_one_line(images, titles, words):
    with pytest.raises(CourseError, match=words) as error:
        display.show_images(images, titles)
    assert "\n" not in str(error.value)


def test_smooth_is_a_running_mean():
    values = [float(k * k % 7) for k in range(30)]
    wanted = [np.mean(values[max(0, k - 4) : k + 1]) for k in range(30)]
    np.testing.assert_allclose(display.smooth(values, 5), wanted)


def test_curves_carry_their_names_and_colours():
    _, axes = display.figure()
    display.curves(axes, {"deep": [3, 2, 1], "shallow": [2, 2, 2]}, ["plain", "residual"], title="T", xlabel="step")
    assert [text.get_text().strip() for text in axes.texts] == ["deep", "shallow"]
    assert [line.get_color() for line in axes.lines] == [display.COLOURS["plain"], display.COLOURS["residual"]]
    assert axes.lines[0].get_xdata().tolist() == [1, 2, 3] and axes.get_xlabel() == "step"
    plt.close("all")
