"""The widget that chooses a noise level: what it shows, its static form, and what it says when something is wrong."""

import pytest
import torch

from course_lib import display
from course_lib.display import noise_level as module
from course_lib.display.noise_level import _Bench, _Explorer
from course_lib.errors import CourseError
from course_lib.metrics import psnr

PHOTO = torch.rand(3, 12, 14, generator=torch.Generator().manual_seed(0))
METHODS = {"as it is": lambda y, sigma: y, "grey": lambda y, sigma: torch.full_like(y, 0.5)}


@pytest.fixture
def figure_of(monkeypatch):
    calls = []
    monkeypatch.setattr(module, "show_images", lambda images, titles, columns: calls.append((images, titles, columns)))
    return calls


def test_without_a_page_it_is_a_grid(figure_of, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert display.noise_explorer(PHOTO, METHODS, seed=3, levels=(0, 51)) is None
    ((images, titles, columns),) = figure_of
    assert images.shape == (6, 3, 12, 14) and columns == 3
    assert titles == ["noisy, σ = 0", "as it is", "grey", "noisy, σ = 51", "as it is", "grey"]
    noise = torch.randn(1, 3, 12, 14, generator=torch.Generator().manual_seed(3))
    assert torch.equal(images[0], PHOTO)
    torch.testing.assert_close(images[3:4], PHOTO[None] + 0.2 * noise)
    assert torch.equal(images[4], images[3]) and (images[5] == 0.5).all()


def test_the_slider_and_the_button_move_the_pictures():
    explorer = _Explorer(_Bench(PHOTO, METHODS, 0), 0.0)
    assert explorer.level.value == 0 and explorer.labels["noisy"].value.startswith("noisy: ")
    first = explorer.images["noisy"].value
    explorer.level.value = 40
    second = explorer.images["noisy"].value
    assert second != first
    noisy = explorer.bench.pictures(40 / 255)["noisy"]
    rough = psnr(noisy.clamp(0, 1), PHOTO[None]).item()
    shown = float(explorer.labels["noisy"].value.split()[1])
    assert shown == pytest.approx(rough, abs=0.2)
    explorer.button.click()
    assert explorer.bench.seed == 1 and explorer.images["noisy"].value != second


def test_what_goes_wrong_is_said_beside_the_slider():
    bench = _Bench(PHOTO, dict(METHODS), 0)
    explorer = _Explorer(bench, 0.1)
    bench.methods["grey"] = lambda y, sigma: 1 / 0
    explorer.level.value = 50
    assert explorer.message.value == "division by zero"
    bench.methods["grey"] = METHODS["grey"]
    explorer.level.value = 30
    assert explorer.message.value == ""


def test_on_a_page_it_is_shown(monkeypatch):
    pages = []
    monkeypatch.setattr(module, "front_end", lambda: "widgets")
    monkeypatch.setattr("IPython.display.display", pages.append)
    assert display.noise_explorer(PHOTO, METHODS) is None and len(pages) == 1


@pytest.mark.parametrize(
    ("photo", "methods", "says"),
    [
        (PHOTO[None], METHODS, "wanted C×H×W"),
        (PHOTO, {}, "0 methods"),
        (2 * PHOTO - 1, METHODS, "to_unit"),
        (PHOTO, {"half": lambda y, sigma: y[..., :5]}, "half gave"),
        (PHOTO, {"nan": lambda y, sigma: y * float("nan")}, "finite"),
    ],
)
def test_what_does_not_fit_gets_one_line(photo, methods, says, figure_of):
    with pytest.raises(CourseError, match=says):
        display.noise_explorer(photo, methods)
    assert figure_of == []
