"""The figure comparison: what rounding moves passes, another figure does not. Toys stand for training runs."""

import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data
from sklearn.datasets import load_digits

from course_lib.authoring import same_figure
from course_lib.authoring.bands import _spread, exchanged
from course_lib.authoring.drawn import describe
from course_lib.authoring.same_figure import Shown, difference
from course_lib.authoring.same_picture import decode

STEPS = np.arange(100)
DIGITS = load_digits().images / 16
# The toys look the same whatever style another test file has switched on in this process.
in_one_style = matplotlib.rc_context({k: v for k, v in matplotlib.rcParamsDefault.items() if k != "backend"})


def seen(figure) -> Shown:
    """The figure as a kernel leaves it: its picture as the inline backend stores it, and its description."""
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight", dpi=72)
    described = describe(figure)
    plt.close(figure)
    return Shown(file.getvalue(), described)


def repainted(figure: Shown, change) -> Shown:
    file = io.BytesIO()
    change(decode(figure.picture)).save(file, "png")
    return Shown(file.getvalue(), figure.description)


@in_one_style
def curves(
    seed: int = 0,
    jitter: float = 0.01,
    shapes=None,
    title: str = "Losses fall",
    label: str = "step",
    lines: int = 2,
    top: float = 1.4,
    colour: str = "C0",
    names=("plain", "residual"),
    best: float = 30.5,
) -> Shown:
    """Two panels, falling losses and rising accuracies, with noise as rounding makes it."""
    noise = np.random.default_rng(seed).standard_normal((4, 100)) * jitter
    shapes = shapes or [
        lambda k: np.exp(-STEPS / (20 + 10 * k)) + 0.1 * k,
        lambda k: 1 - np.exp(-STEPS / (15 + 15 * k)),
    ]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for panel, (axis, name) in enumerate(zip(axes, (title, f"best {best:.1f} dB"), strict=True)):
        for k in range(lines):
            axis.plot(STEPS, shapes[panel](k) + noise[2 * panel + k], color=(colour, "C1")[k], label=names[k])
        axis.set(title=name, xlabel=label, xlim=(-5, 105), ylim=(-0.2, top))
        if lines:
            axis.legend()
    return seen(figure)


@in_one_style
def samples(indices, noise: float = 0.0, seed: int = 0, invert: bool = False, grey: int = -1) -> Shown:
    """A grid of small grey pictures, as a sheet of generated samples."""
    random = np.random.default_rng(seed)
    figure, axes = plt.subplots(2, 4, figsize=(9, 4.4))
    for position, (axis, index) in enumerate(zip(axes.flat, indices, strict=True)):
        picture = np.clip(DIGITS[index] + noise * random.standard_normal((8, 8)), 0, 1)
        picture = np.full((8, 8), 0.5) if position == grey else 1 - picture if invert else picture
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.axis("off")
    return seen(figure)


@in_one_style
def photo(picture: np.ndarray, noise: float = 0.0) -> Shown:
    figure, axis = plt.subplots(figsize=(3, 3))
    dots = noise * np.random.default_rng(0).standard_normal((256, 256, 3))
    square = np.asarray(Image.fromarray(picture).resize((256, 256))) / 255
    axis.imshow(np.clip(square + dots, 0, 1), interpolation="nearest")
    axis.axis("off")
    return seen(figure)


@in_one_style
def bars(heights, labels=("plain", "residual", "real")) -> Shown:
    figure, axis = plt.subplots(figsize=(5, 3))
    axis.bar_label(axis.bar(labels, heights), fmt="%.2f")
    axis.set(ylim=(0, 1.2))
    return seen(figure)


@in_one_style
def arrows(turn: float) -> Shown:
    x, y = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 5))
    figure, axis = plt.subplots(figsize=(4, 4))
    axis.quiver(x, y, np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y)
    return seen(figure)


@in_one_style
def cloud(seed: int, width: float = 1.0) -> Shown:
    figure, axis = plt.subplots(figsize=(4, 4))
    axis.plot(*width * np.random.default_rng(seed).standard_normal((2, 4000)), ".", label="samples")
    axis.set(xlim=(-4, 4), ylim=(-4, 4))
    return seen(figure)


CURVES = _spread(tuple(curves(seed) for seed in range(6)))
SAMPLES = _spread(tuple(samples(range(8), 0.1, seed) for seed in range(6)))
CLOUD = _spread(tuple(cloud(seed) for seed in range(6)))


@pytest.mark.parametrize(
    ("committed", "fresh", "spread"),
    [
        (curves(), curves(), None),
        (curves(0), curves(99), CURVES),
        (curves(7), curves(98), CURVES),
        (samples(range(8), 0.1, 0), samples(range(8), 0.1, 99), SAMPLES),
        (cloud(0), cloud(99), CLOUD),
        (photo(data.astronaut()), photo(data.astronaut(), noise=0.002), None),
        (curves(), curves(best=30.6), None),  # a decimal's last digit may be rounded either way
    ],
    ids=[
        *("itself", "rounding", "rounding, another reference", "noisy samples", "a cloud"),
        *("a photo's last bit", "last digit"),
    ],
)
def test_what_rounding_moves_passes(committed, fresh, spread):
    assert difference(committed, fresh, spread) == ""


def flipped(k):
    return 0.6 + 0.5 * np.sin(STEPS / 9 + k)


OTHER = {
    "another experiment's curve": (curves(1, shapes=[flipped, lambda k: 1 - np.exp(-STEPS / 15)]), "line 1"),
    "a slightly better curve": (curves(1, shapes=[lambda k: np.exp(-STEPS / 20) + 0.06 * k + 0.04] * 2), "line"),
    "no curves": (curves(1, lines=0), "is gone"),
    "one curve less": (curves(1, lines=1), "legend is 'plain'"),
    "another colour": (curves(1, colour="C3"), "panel 1, line 1 is"),
    "exchanged names": (curves(1, names=("residual", "plain")), "residual"),
    "a word in the title": (curves(1, title="Losses rise"), "panel 1, center title is 'Losses rise'"),
    "another axis label": (curves(1, label="epoch"), "x label is 'epoch'"),
    "another axis": (curves(1, top=1.6), "y range"),
    "another number in a title": (curves(1, best=30.9), "number 1"),
}


@pytest.mark.parametrize("name", OTHER)
def test_another_figure_fails_beside_measured_noise(name):
    fresh, says = OTHER[name]
    assert says in difference(curves(0), fresh, CURVES)


@pytest.mark.parametrize(
    ("committed", "fresh", "says"),
    [
        (curves(), repainted(curves(), ImageOps.invert), "the picture"),
        (curves(), repainted(curves(), ImageOps.mirror), "the picture"),
        (curves(), repainted(curves(), lambda image: Image.new("RGB", image.size, "white")), "fresh one is blank"),
        (repainted(curves(), lambda i: Image.new("RGB", i.size, "gray")), curves(), "committed one is blank"),
        (curves(), repainted(curves(), lambda image: ImageOps.expand(image, 8, "white")), "size"),
        (curves(), Shown(b"not a picture", {}), "cannot be decoded"),
        (curves(), Shown(curves().picture, None), "no description"),
        (samples(range(8)), samples(range(8), invert=True), "image 1"),
        (samples(range(8)), samples(range(8), grey=5), "panel 6, image 1"),
        (samples(range(8)), samples([0, 1, 2, 3, 4, 5, 7, 6]), "panel 7, image 1"),
        (photo(data.astronaut()), photo(data.chelsea()[:, :300]), "image 1"),
        (photo(data.astronaut()), photo(data.astronaut(), noise=0.1), "image 1, light"),
        (bars([0.5, 0.7, 0.9]), bars([0.5, 0.73, 0.9]), "digit"),
        (bars([0.5, 0.7, 0.9]), bars([0.5, 0.7, 0.9], ("residual", "plain", "real")), "ticks"),
        (arrows(0), arrows(0.1), "arrows"),
        (cloud(0), cloud(0, 1.1), "line 1 (samples)"),
    ],
    ids=[
        *("inverted", "mirrored", "blank", "blank reference", "wider by 16 px", "no picture", "no description"),
        *("inverted samples", "one sample blank", "two samples exchanged", "another photo", "a noisy photo"),
        *("a bar", "bars exchanged", "arrows", "a wider cloud"),
    ],
)
def test_a_deterministic_figure_is_compared_closely(committed, fresh, says):
    assert says in difference(committed, fresh, None)


def test_where_one_image_flips_all_of_its_kind_may():
    """Four images by one title, of which measuring exchanged one; the four by the other title never moved."""

    def gallery(first, second, third):
        figure, axes = plt.subplots(2, 4, figsize=(9, 4.4))
        for place, (axis, index) in enumerate(zip(axes.flat, [0, 1, 2, 3, 4, first, second, third], strict=True)):
            axis.imshow(DIGITS[index], cmap="gray")
            axis.set_title("test" if place < 4 else "nearest", loc="left")
        return seen(figure)

    spread = _spread((gallery(5, 6, 7), gallery(5, 6, 8)))
    assert exchanged(spread, gallery(5, 6, 7)) == {f"panel {n}, image 1" for n in (5, 6, 7, 8)}
    assert difference(gallery(5, 6, 7), gallery(5, 9, 7), spread) == ""
    assert "image 1" in difference(gallery(5, 6, 7), gallery(5, 9, 7), None)


def test_which_of_several_counts_was_one_short_is_chance():
    """Three series of counts look alike: measuring saw one of them move. A fourth, of another look, never moved."""

    @in_one_style
    def counts(first, second, third, fourth=7):
        figure, axis = plt.subplots(figsize=(4, 4))
        for number in (first, second, third):
            axis.plot([8, number, 8], "o", color="C0")
        axis.plot([8, fourth, 8], "-", color="C1")
        axis.set(ylim=(0, 9))
        return seen(figure)

    spread = _spread((counts(8, 8, 8), counts(7, 8, 8)))
    assert difference(counts(8, 8, 8), counts(8, 8, 7), spread) == ""
    assert "line 3, y" in difference(counts(8, 8, 8), counts(8, 8, 5), spread)
    assert "line 4, y" in difference(counts(8, 8, 8), counts(8, 8, 8, fourth=6), spread)


def test_damage_beside_noisy_samples_is_seen():
    for fresh in (samples(range(8), 0.1, 99, grey=5), samples([0, 1, 2, 3, 4, 5, 7, 6], 0.1, 99), samples(range(8), 5)):
        assert "image 1" in difference(samples(range(8), 0.1), fresh, SAMPLES)
    assert "quantiles" in difference(cloud(0), cloud(99, 1.3), CLOUD)


def test_elsewhere_only_presence_size_and_blankness_are_compared(monkeypatch):
    monkeypatch.setattr(same_figure, "is_x86", lambda: False)
    assert difference(curves(), curves(1, lines=1), None) == ""
    blank = repainted(curves(), lambda image: Image.new("RGB", image.size, "white"))
    assert "blank" in difference(curves(), blank, None)
    assert "size" in difference(curves(), repainted(curves(), lambda image: ImageOps.expand(image, 8)), None)


def test_axes_that_are_logarithmic_are_compared_as_they_look():
    def shown(factor):
        figure, axis = plt.subplots()
        axis.plot(STEPS[1:], factor * 10.0 ** (-STEPS[1:] / 20))
        axis.set(yscale="log", ylim=(1e-6, 1e6))
        return seen(figure)

    assert difference(shown(1), shown(1.02), None) == ""  # less than a hundredth of a decade
    assert "line 1, y" in difference(shown(1), shown(3), None)


def test_gaps_in_a_curve_are_part_of_it():
    def shown(gap):
        figure, axis = plt.subplots()
        axis.plot(np.where(gap == STEPS, np.nan, STEPS))
        return seen(figure)

    first = np.linspace(0, 99, 48).round().astype(int)
    assert difference(shown(first[3]), shown(first[3]), None) == ""
    assert "line 1, y" in difference(shown(first[3]), shown(first[5]), None)
