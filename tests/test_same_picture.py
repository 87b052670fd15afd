"""The figure comparison: jitter passes, another figure does not. These toys set its limits."""

import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data
from sklearn.datasets import load_digits

from course_lib.authoring.same_picture import decode, difference

STEPS = np.arange(100)
DIGITS = load_digits().images / 16


def png(figure) -> bytes:
    """The figure as the notebook's inline backend stores it."""
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight", dpi=72)
    plt.close(figure)
    return file.getvalue()


def repainted(picture: bytes, change) -> bytes:
    file = io.BytesIO()
    change(decode(picture)).save(file, "png")
    return file.getvalue()


def curves(seed: int, jitter: float = 0.02, swap: bool = False, shape=None, empty: bool = False) -> bytes:
    """Two panels, falling losses and rising accuracies, as two training runs with other seeds would give."""
    noise = np.random.default_rng(seed).standard_normal((4, 100)) * jitter
    shapes = [lambda k: np.exp(-STEPS / (20 + 10 * k)) + 0.1 * k, lambda k: 1 - np.exp(-STEPS / (15 + 15 * k))]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for panel, (axis, title) in enumerate(zip(axes, ("loss", "accuracy"), strict=True)):
        for k in range(0 if empty else 2):
            y = (shape or shapes[(panel + swap) % 2])(k)
            axis.plot(STEPS, y + noise[2 * panel + k], label=f"net {k}")
        axis.set(title=title, xlabel="step", xlim=(-5, 105), ylim=(-0.2, 1.4))
    return png(figure)


def pictures(indices, noise: float = 0.0, seed: int = 0, invert: bool = False, grey: int = -1) -> bytes:
    """A grid of small grey pictures, as a sheet of generated samples."""
    random = np.random.default_rng(seed)
    figure, axes = plt.subplots(2, 4, figsize=(9, 4.4))
    for position, (axis, index) in enumerate(zip(axes.flat, indices, strict=True)):
        picture = np.clip(DIGITS[index] + noise * random.standard_normal((8, 8)), 0, 1)
        picture = np.full((8, 8), 0.5) if position == grey else 1 - picture if invert else picture
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.axis("off")
    return png(figure)


def four(seed: int, lines: int) -> bytes:
    """One panel with four falling curves, or fewer."""
    noise = np.random.default_rng(seed).standard_normal((4, 100)) * 0.02
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for axis in axes:
        axis.set(ylim=(-0.2, 1.4))
        for k in range(lines):
            axis.plot(STEPS, np.exp(-STEPS / (5 + 20 * k)) + noise[k])
    return png(figure)


def photo(picture: np.ndarray, noise: float = 0.0) -> bytes:
    figure, axis = plt.subplots(figsize=(3, 3))
    dots = noise * np.random.default_rng(0).standard_normal((256, 256, 3))
    square = np.asarray(Image.fromarray(picture).resize((256, 256))) / 255
    axis.imshow(np.clip(square + dots, 0, 1), interpolation="nearest")
    axis.axis("off")
    return png(figure)


@pytest.mark.parametrize(
    "committed, fresh",
    [
        (curves(0), curves(0)),
        (curves(0), curves(1)),
        (curves(0, 0.05), curves(1, 0.05)),
        (pictures(range(8), 0.2, 0), pictures(range(8), 0.2, 1)),
        (pictures(range(8)), pictures(range(10, 18))),
        (photo(data.astronaut()), photo(data.astronaut(), noise=0.1)),
        (curves(0), repainted(curves(1), lambda image: ImageOps.expand(image, 3, "white"))),
    ],
    ids=["itself", "2 % noise", "5 % noise", "noisy samples", "other samples", "noisy photo", "wider by 6 px"],
)
def test_jitter_passes(committed, fresh):
    assert difference(committed, fresh) == ""


def other(shape) -> bytes:
    return curves(0, shape=shape)


@pytest.mark.parametrize(
    "committed, fresh, says",
    [
        (curves(0), curves(0, swap=True), "else"),
        (curves(0), other(lambda k: 0.6 + 0.5 * np.sin(STEPS / 9 + k)), "else"),
        (curves(0), curves(0, empty=True), "else"),
        (four(0, 4), four(1, 3), "else"),
        (four(0, 3), four(1, 4), "else"),
        (curves(0), repainted(curves(0), ImageOps.invert), "else"),
        (curves(0), repainted(curves(0), ImageOps.mirror), "else"),
        (curves(0), repainted(curves(0), lambda image: Image.new("RGB", image.size, "white")), "fresh one is blank"),
        (repainted(curves(0), lambda i: Image.new("RGB", i.size, "gray")), curves(0), "committed one is blank"),
        (curves(0), repainted(curves(0), lambda image: ImageOps.expand(image, 8, "white")), "size"),
        (pictures(range(8)), pictures(range(8), invert=True), "else"),
        (pictures(range(8)), pictures(range(8), noise=5), "else"),
        (pictures(range(8)), pictures(range(8), grey=5), "a part shows something else"),
        (photo(data.astronaut()), photo(data.chelsea()[:, :300]), "else"),
        (curves(0), b"not a picture", "cannot be decoded"),
    ],
    ids=[
        *("swapped panels", "other curves", "empty axes", "one curve of four missing", "one curve more"),
        *("inverted", "mirrored"),
        *("blank", "blank reference", "wider by 16 px", "inverted samples", "noise for samples"),
        *("one sample blank", "another photo", "no picture"),
    ],
)
def test_another_figure_fails(committed, fresh, says):
    assert says in difference(committed, fresh)
