"""What is shown: every pixel a square of its own colour, and curves with their names."""

import io

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import display
from course_lib.display import explorer as explorer_module
from course_lib.display.explorer import _Explorer, _Walk
from course_lib.display.sheet import checked, png, sheet
from course_lib.errors import CourseError
from course_lib.sampling import latent_directions, latent_noise, slerp

matplotlib.use("Agg")


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
        (torch.rand(2, 1, 5, 5), ["one"], "1 titles for 2 images"),
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


# --- sheets for widgets ---------------------------------------------------------------------------------------------


def contains(page, image, zoom):
    """Whether the picture (C×H×W in [0,1]) is in `page` (height×width×3 bytes), each pixel zoom×zoom."""
    pixels = (image * 255).round().byte().permute(1, 2, 0).expand(-1, -1, 3).numpy()
    big = pixels.repeat(zoom, 0).repeat(zoom, 1)
    windows = np.lib.stride_tricks.sliding_window_view(page, big.shape)[..., 0, :, :, :]
    return (windows == big).all((-1, -2, -3)).any()


@pytest.mark.parametrize(("n", "zoom"), [(1, 4), (2, None), (5, 3), (30, None)])
@pytest.mark.parametrize("channels", [1, 3])
def test_sheets_are_pixel_true_and_fit(n, zoom, channels):
    images = torch.randint(0, 256, (n, channels, 6, 9)).float() / 255
    page = np.asarray(Image.open(io.BytesIO(png(sheet(images, zoom, widest=300)))))
    assert page.shape[1] <= 300 + 4 * 2 and page.dtype == np.uint8
    assert any(all(contains(page, image, size) for image in images) for size in ([zoom] if zoom else [1, 2, 3, 4]))


def test_a_sheet_wider_than_the_page_is_one_column():
    assert sheet(torch.rand(3, 1, 4, 500)).size[0] < 520


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (torch.rand(2, 1, 4, 4) * 2 - 1, r"values from -.*to_unit"),
        (torch.rand(2, 2, 4, 4), "C = 1 or 3"),
        (torch.rand(4, 4), "N×C×H×W"),
        (torch.full((1, 1, 2, 2), float("nan")), "nan"),
    ],
)
def test_what_is_no_picture_gets_one_line(images, words):
    with pytest.raises(CourseError, match=f"sample.. gave .*{words}") as error:
        checked(images, "sample()")
    assert "\n" not in str(error.value)
    checked(torch.tensor([-0.1, 1.2]).view(1, 1, 1, 2), "sample()")  # a little beyond is no other range


# --- the latent space -----------------------------------------------------------------------------------------------

SIZE = 6
MATRIX = torch.linalg.qr(torch.randn(12, SIZE, generator=torch.Generator().manual_seed(0))).Q


def generate(noise):
    """A linear generator, so that its directions are known."""
    assert not torch.is_grad_enabled()
    return (noise @ (MATRIX * torch.tensor([0.2, 0.1, 0.05, 0.01, 0.01, 0.01])).T + 0.5).view(-1, 1, 3, 4).clamp(0, 1)


@pytest.fixture
def figure_of(monkeypatch):
    """What a call hands to `show_images`."""
    calls = []

    def show(images, titles=None, columns=None, title=""):
        calls.append((images, titles, columns, title))

    monkeypatch.setattr(explorer_module, "show_images", show)
    return calls


def test_interpolation_goes_from_noise_to_noise(figure_of):
    display.show_interpolation(generate, SIZE, seed=3, rows=2, columns=5, title="T")
    ((images, _, columns, title),) = figure_of
    assert images.shape == (10, 1, 3, 4) and (columns, title) == (5, "T")
    noise = latent_noise(4, SIZE, 3)
    with torch.no_grad():
        ends, middle = generate(noise), generate(slerp(noise[2:3], noise[3:4], 0.5))
    torch.testing.assert_close(images[[0, 4, 5, 9]], ends)
    torch.testing.assert_close(images[7], middle[0])


def test_without_a_page_the_explorer_is_a_grid(figure_of, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert display.latent_explorer(generate, SIZE, 3) is None
    ((images, titles, columns, _),) = figure_of
    assert len(images) == len(titles) == 28 and columns == 7
    start, end = latent_noise(1, SIZE, 3), latent_noise(1, SIZE, 4)
    with torch.no_grad():
        directions = latent_directions(generate, SIZE, 3, 3, 500)
        torch.testing.assert_close(images[[0, 6]], generate(torch.cat([start, end])))
        torch.testing.assert_close(images[3:4], generate(slerp(start, end, 0.5)))
        torch.testing.assert_close(images[7 + 5], generate(start + 2 * directions[0])[0])
        torch.testing.assert_close(images[21], generate(start - 3 * directions[2])[0])
    assert titles[0] == "start" and titles[6] == "end" and titles[7] == "direction 1: -3" and titles[27] == "+3"


def test_the_grid_is_a_figure_of_the_page(shown, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    display.latent_explorer(generate, SIZE)
    display.show_interpolation(generate, SIZE)
    assert len(shown) == 2 and all(500 < page.shape[1] <= display.WIDEST + 10 for page in shown)


@pytest.fixture
def explorer():
    return _Explorer(_Walk(generate, SIZE, 3))


def seen(image):
    return np.asarray(Image.open(io.BytesIO(image.value)))


def picture(noise, width):
    with torch.no_grad():
        return np.asarray(sheet(generate(noise), zoom=width // 4))


def test_sliders_and_buttons_move_the_picture(explorer):
    start, end = latent_noise(1, SIZE, 3), latent_noise(1, SIZE, 4)
    assert (seen(explorer.picture) == picture(start, 280)).all()
    explorer.share.value = 0.5
    explorer.shifts[1].value = -2.0
    half = slerp(start, end, 0.5)
    assert (seen(explorer.picture) == picture(half - 2 * explorer.walk.directions[1], 280)).all()
    assert (seen(explorer.ends[0]) == picture(start, 84)).all() and (seen(explorer.ends[1]) == picture(end, 84)).all()
    explorer.buttons[2].click()
    assert explorer.shifts[1].value == 0 and (seen(explorer.picture) == picture(half, 280)).all()
    explorer.buttons[0].click()
    explorer.buttons[1].click()
    explorer.buttons[1].click()
    assert explorer.label.value == "start: seed 5, end: seed 7"
    start, end = latent_noise(1, SIZE, 5), latent_noise(1, SIZE, 7)
    assert (seen(explorer.ends[1]) == picture(end, 84)).all()
    assert (seen(explorer.picture) == picture(slerp(start, end, 0.5), 280)).all()
    assert explorer.picture.layout.width == f"{seen(explorer.picture).shape[1]}px"


def test_on_a_page_the_explorer_is_shown_and_says_what_goes_wrong(explorer, monkeypatch):
    pages = []
    monkeypatch.setattr(explorer_module, "front_end", lambda: "widgets")
    monkeypatch.setattr("IPython.display.display", pages.append)
    assert display.latent_explorer(generate, SIZE, 3) is None and len(pages) == 1
    explorer.walk.generate = lambda noise: 1 / 0
    explorer.share.value = 0.7
    assert explorer.label.value == "division by zero"
    explorer.walk.generate = generate
    explorer.share.value = 0.0
    assert explorer.label.value == "start: seed 3, end: seed 4"


def test_a_generator_of_the_other_range_is_named_before_anything_is_shown(figure_of):
    for show in (display.latent_explorer, display.show_interpolation):
        with pytest.raises(CourseError, match=r"generate\(noise\) gave values from -.*to_unit"):
            show(lambda noise: noise.tanh().view(-1, 1, 2, 3), SIZE)
    assert figure_of == []


def test_a_latent_space_of_two_numbers_has_two_directions():
    assert len(_Explorer(_Walk(lambda noise: noise.sigmoid().view(-1, 1, 1, 2), 2, 0)).shifts) == 2
