"""Walks through a latent space: an interactive widget, and static figures where widgets are not supported."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.display.front_end import front_end
from course_lib.display.pictures import show_images
from course_lib.display.sheet import checked, png, sheet
from course_lib.sampling import latent_directions, latent_noise, slerp

Generate = Callable[[Tensor], Tensor]
DIRECTIONS, FARTHEST = 3, 4.0  # number of sliders, and their range in standard deviations of the latent vector
LARGE, SMALL = 280, 84  # screen pixels: the current image, and the two end points of the walk


def latent_explorer(generate: Generate, latent_size: int, seed: int = 0) -> None:
    """Show a widget for walking through the latent space, or a grid of images without widget support.

    Args:
        generate: latent vectors N×latent_size (on the CPU) → images N×C×H×W in [0,1], in evaluation mode.
        seed: of the first image, from `latent_noise(1, latent_size, seed)`; the second uses seed + 1.
    One slider interpolates between two images (`slerp`), buttons draw new end points, and three sliders add multiples
    of `latent_directions`. The grid has one row per slider. Raises CourseError for images of another shape or range.
    Chapter 03.
    """
    walk = _Walk(generate, latent_size, seed)
    if front_end() == "widgets":
        from IPython.display import display

        display(_Explorer(walk).box)
        return
    columns = 7
    shares, values = torch.linspace(0, 1, columns), torch.linspace(-3, 3, columns)
    rows = [walk.pictures(share, torch.zeros(len(walk.directions))) for share in shares]
    titles = ["start", "", "", "half way", "", "", "end"]
    for k, one in enumerate(torch.eye(len(walk.directions)), start=1):
        rows += [walk.pictures(0.0, value * one) for value in values]
        titles += [f"direction {k}: {values[0]:.0f}", *(f"{value:+.0f}" for value in values[1:])]
    show_images(torch.cat(rows), titles, columns=columns)


def show_interpolation(
    generate: Generate, latent_size: int, seed: int = 0, rows: int = 4, columns: int = 9, title: str = ""
) -> None:
    """Show rows of images, each interpolating between two latent vectors along the great circle (`slerp`).

    `generate` is as in `latent_explorer`; the end points are the first 2·rows vectors of `latent_noise` for this seed.
    Chapter 03.
    """
    starts, ends = latent_noise(2 * rows, latent_size, seed).view(rows, 2, 1, latent_size).unbind(1)
    noise = slerp(starts, ends, torch.linspace(0, 1, columns)[:, None])
    show_images(_made(generate, noise.flatten(0, 1)), columns=columns, title=title)


@torch.no_grad()
def _made(generate: Generate, noise: Tensor) -> Tensor:
    return checked(generate(noise), "generate(noise)")


class _Walk:
    """A position in latent space: between the vectors of two seeds, shifted along the principal directions."""

    def __init__(self, generate: Generate, latent_size: int, seed: int) -> None:
        self.generate, self.size = generate, latent_size
        self.seeds, self.next = [seed, seed + 1], seed + 2
        _made(generate, latent_noise(1, latent_size, seed))  # reports an unsuitable generator early
        count = min(DIRECTIONS, latent_size)
        self.directions = latent_directions(generate, latent_size, count, seed, n=max(500, 4 * latent_size))

    def reroll(self, which: int) -> None:
        self.seeds[which], self.next = self.next, self.next + 1

    def pictures(self, share: float, shifts: Tensor) -> Tensor:
        start, end = (latent_noise(1, self.size, seed) for seed in self.seeds)
        return _made(self.generate, slerp(start, end, share) + shifts @ self.directions)


class _Explorer:
    """The widgets that control a walk."""

    def __init__(self, walk: _Walk) -> None:
        import ipywidgets

        self.walk = walk

        def slider(name: str, low: float, high: float) -> Any:
            made = ipywidgets.FloatSlider(
                0.0, min=low, max=high, step=0.05, description=name, style={"description_width": "80px"}
            )
            made.layout.width = "360px"
            made.observe(self.show, "value")
            return made

        self.share = slider("start → end", 0.0, 1.0)
        self.shifts = [slider(f"direction {k + 1}", -FARTHEST, FARTHEST) for k in range(len(walk.directions))]
        self.ends = [ipywidgets.Image(format="png", layout={"margin": "0 8px 8px 0"}) for _ in range(2)]
        self.picture = ipywidgets.Image(format="png", layout={"margin": "0 24px 0 0"})
        self.label = ipywidgets.Label()
        names = ("another start", "another end", "directions to 0")
        self.buttons = [ipywidgets.Button(description=name) for name in names]
        for which, button in enumerate(self.buttons[:2]):
            button.on_click(lambda _, which=which: self.reroll(which))
        self.buttons[2].on_click(self.to_zero)
        sides = [ipywidgets.HBox([image, button]) for image, button in zip(self.ends, self.buttons, strict=False)]
        right = ipywidgets.VBox([*sides, self.share, *self.shifts, self.buttons[2], self.label])
        self.box = ipywidgets.HBox([self.picture, right])
        self.show()

    def reroll(self, which: int) -> None:
        self.walk.reroll(which)
        self.show()

    def to_zero(self, _: Any) -> None:
        for slider in self.shifts:
            slider.value = 0.0

    def show(self, _: Any = None) -> None:
        """Draw the image for the current slider values. Errors go to the label: a callback has no output cell."""
        try:
            zero = torch.zeros(len(self.shifts))
            self._put(self.picture, self.walk.pictures(self.share.value, zero + torch.tensor(self._values())), LARGE)
            for share, image in enumerate(self.ends):
                self._put(image, self.walk.pictures(float(share), zero), SMALL)
            self.label.value = f"start: seed {self.walk.seeds[0]}, end: seed {self.walk.seeds[1]}"
        except Exception as error:
            self.label.value = " ".join(str(error).split())

    def _values(self) -> list[float]:
        return [slider.value for slider in self.shifts]

    @staticmethod
    def _put(image: Any, pictures: Tensor, width: int) -> None:
        drawn = sheet(pictures, zoom=max(1, width // pictures.shape[-1]))
        image.layout.width, image.layout.height = f"{drawn.width}px", f"{drawn.height}px"
        image.value = png(drawn)
