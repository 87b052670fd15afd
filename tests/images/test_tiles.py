"""Tiles: the answer is that of the whole picture, inside and at its borders, in the memory of one tile."""

import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from toy_pictures import shaken

from course_lib.errors import CourseError
from course_lib.images import by_tiles, each_tile, tiles
from course_lib.networks import super_resolver


def convolutions(padding_mode: str = "zeros", seed: int = 0) -> nn.Module:
    """Radius 1 + 2 + 1 = 4. Biases, so that a border is not the same as zeros further out."""
    torch.manual_seed(seed)
    options = {"padding_mode": padding_mode}
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, **options),
        nn.ReLU(),
        nn.Conv2d(8, 8, 5, padding=2, **options),
        nn.ReLU(),
        nn.Conv2d(8, 3, 3, padding=1, **options),
    ).requires_grad_(False)


def picture(height: int, width: int, channels: int = 3) -> Tensor:
    return torch.rand(channels, height, width, generator=torch.Generator().manual_seed(height * 1000 + width))


def difference(network, image: Tensor, **options) -> float:
    return (by_tiles(network, image, **options) - network(image[None])[0]).abs().max().item()


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate"])
@pytest.mark.parametrize("size", [(40, 70), (33, 17), (16, 16), (16, 17), (25, 24), (5, 90)])
def test_tiles_give_the_whole_pictures_answer_inside_and_at_the_borders(padding_mode, size):
    """A border that is mirrored instead, or cut off from its padding, would differ."""
    assert difference(convolutions(padding_mode), picture(*size), tile=16, overlap=4) < 1e-6


def test_less_context_than_the_radius_shows():
    image = picture(40, 70)
    assert difference(convolutions(), image, tile=16, overlap=3) > 1e-4
    assert difference(convolutions(), image, tile=16, overlap=0) > 1e-3
    assert difference(convolutions(), image, tile=16, overlap=9) < 1e-6


def test_an_enlarging_network():
    network = nn.Sequential(convolutions(), nn.Conv2d(3, 12, 1), nn.PixelShuffle(2)).requires_grad_(False)
    for size in ((1, 1), (3, 1), (47, 50)):
        assert difference(network, picture(*size), scale=2, tile=16, overlap=4) < 1e-6


class Halving(nn.Module):
    """Down by 4 and up again: only sides that 4 divides, from 8 on, and each tile must begin at a multiple of 4."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.down, self.up = nn.Conv2d(3, 6, 4, stride=4), nn.ConvTranspose2d(6, 3, 4, stride=4)
        self.inside = nn.Conv2d(6, 6, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] % 4 == x.shape[-2] % 4 == 0 and min(x.shape[-2:]) >= 8
        return x + self.up(self.inside(self.down(x)))


@pytest.mark.parametrize("size", [(64, 48), (37, 61), (1, 1), (3, 1), (9, 50), (33, 33)])
@pytest.mark.parametrize("overlap", [7, 8])
def test_sides_that_the_network_cannot_take_are_filled_by_repeating(size, overlap):
    network, image = Halving().requires_grad_(False), picture(*size)
    height, width = (max(8, -(-side // 4) * 4) for side in size)
    filled = functional.pad(image[None], (0, width - size[1], 0, height - size[0]), mode="replicate")
    wanted = network(filled)[0, :, : size[0], : size[1]]
    got = by_tiles(network, image, tile=14, overlap=overlap, minimum=8, multiple=4)
    assert (got - wanted).abs().max() < 1e-6


@settings(max_examples=150, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    tile=st.integers(1, 40),
    overlap=st.integers(0, 12),
    multiple=st.integers(1, 5),
    minimum=st.integers(1, 30),
    batch_size=st.integers(1, 5),
)
def test_every_pixel_is_kept_once_and_windows_are_alike(size, tile, overlap, multiple, minimum, batch_size):
    image, seen, count = picture(*size, channels=1), set(), torch.zeros(size)

    def network(given: Tensor) -> Tensor:
        seen.add(tuple(given.shape[-2:]))
        assert len(given) <= batch_size
        return given

    options = {"tile": tile, "overlap": overlap, "multiple": multiple, "minimum": minimum, "batch_size": batch_size}
    for top, left, part in each_tile(network, image, **options):
        here = slice(top, top + part.shape[1]), slice(left, left + part.shape[2])
        count[here] += 1
        assert torch.equal(part, image[:, *here])
    assert (count == 1).all()
    (window,) = seen
    largest = max(tile + multiple + 2 * (overlap + multiple), minimum + multiple)
    assert all(side % multiple == 0 and minimum <= side < largest for side in window)


@pytest.mark.parametrize(("dtype", "top"), [(torch.uint8, 255), (torch.uint16, 65535)])
def test_whole_numbers_stay_what_they_are_clamped_and_rounded(dtype, top):
    image = (picture(20, 30) * top).round().to(torch.int32)
    image[0, 0, :3] = torch.tensor([0, 1, top])
    same = by_tiles(lambda x: x, image.to(dtype), tile=8, overlap=2)
    assert same.dtype == dtype and torch.equal(same.to(torch.int32), image)
    brighter = by_tiles(lambda x: x + 0.301, image.to(dtype), tile=8, overlap=2).to(torch.int32)
    assert torch.equal(brighter, (image + 0.301 * top).round().clamp(max=top).to(torch.int32))
    assert by_tiles(lambda x: x - 2, image.to(dtype)).to(torch.int32).max() == 0
    assert by_tiles(lambda x: x - 2, image / top).max() < -0.9  # floats are left alone


def test_the_number_of_channels_may_change():
    gray = by_tiles(lambda x: x.mean(1, keepdim=True), picture(20, 30), tile=8)
    assert torch.allclose(gray, picture(20, 30).mean(0, keepdim=True))


def test_gradients_are_off_inside_and_untouched_outside():
    network = convolutions().requires_grad_(True)
    for _, _, part in each_tile(network, picture(20, 20), tile=8):
        assert not part.requires_grad and torch.is_grad_enabled()


@pytest.mark.parametrize(("terminal", "quiet", "shown"), [(True, 0, True), (True, 9, False), (False, 0, False)])
def test_progress_is_shown_on_a_terminal_when_it_takes_long(monkeypatch, terminal, quiet, shown):
    errors = io.StringIO()
    errors.isatty = lambda: terminal
    monkeypatch.setattr("sys.stderr", errors)
    monkeypatch.setattr(tiles, "QUIET", quiet)
    by_tiles(lambda x: x, picture(50, 50), tile=10, overlap=0)
    assert ("restoring" in errors.getvalue()) == shown


@pytest.mark.parametrize(
    ("image", "network", "options", "words"),
    [
        (torch.rand(1, 3, 8, 8), None, {}, "wanted C×H×W"),
        (torch.rand(3, 0, 8), None, {}, "with pixels in it"),
        (torch.rand(3, 8, 8), None, {"tile": 0}, "tile = 0"),
        (torch.rand(3, 8, 8), None, {"overlap": -1}, "overlap = -1"),
        (torch.rand(3, 8, 8), None, {"batch_size": 0}, "batch_size = 0"),
        (torch.rand(3, 8, 8), None, {"scale": 2}, r"shape \(1, 3, 8, 8\); wanted 1×C×16×16"),
        (torch.rand(3, 8, 8), lambda x: x[0], {}, "wanted 1×C×8×8"),
        (torch.rand(3, 8, 8), lambda x: x / 0, {}, "nan or inf"),
    ],
)
def test_what_makes_no_sense_is_one_line(image, network, options, words):
    with pytest.raises(CourseError, match=words) as error:
        by_tiles(network or (lambda x: x), image, **options)
    assert "\n" not in str(error.value)


def test_a_network_that_states_its_facts_needs_no_numbers():
    network = shaken(super_resolver(scale=4, width=4, depth=1))
    image = picture(30, 41)
    with torch.no_grad():
        whole = network(image[None])[0]
    torch.testing.assert_close(by_tiles(network, image, tile=16), whole, atol=1e-5, rtol=0)
    assert (by_tiles(network, image, tile=16, overlap=0) - whole).abs().max() > 1e-3  # what is given counts
