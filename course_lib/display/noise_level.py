"""An adjustable noise level: the noisy image and the output of several denoisers, side by side."""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from course_lib.display.front_end import front_end
from course_lib.display.pictures import show_images
from course_lib.display.sheet import checked, png, sheet
from course_lib.errors import CourseError
from course_lib.images import eight_bits
from course_lib.metrics import psnr

Method = Callable[[Tensor, float], Tensor]
HIGHEST = 100  # the slider's maximum, on the 0–255 scale
LARGE = 260  # screen pixels per image


def noise_explorer(
    photo: Tensor,
    methods: dict[str, Method],
    sigma: float = 25 / 255,
    seed: int = 0,
    levels: Sequence[int] = (10, 25, 60),
) -> None:
    """Show a widget with a slider for the noise level, or a grid with one row per level without widget support.

    Args:
        photo: the clean image, C×H×W in [0,1].
        methods: denoisers by name: (noisy 1×C×H×W, σ in [0,1] units) → a denoised estimate of the same shape.
        sigma: the slider's initial value; seed: of the noise, which a button changes.
        levels: the noise levels of the grid, on the 0–255 scale.
    The widget shows each image's PSNR below it. Raises CourseError for another shape or range. Chapter 05.
    """
    bench = _Bench(photo, methods, seed)
    if front_end() == "widgets":
        from IPython.display import display

        display(_Explorer(bench, sigma).box)
        return
    names, rows, titles = list(methods), [], []
    for level in levels:
        rows += bench.pictures(level / 255).values()
        titles += [f"noisy, σ = {level}", *names]
    show_images(torch.cat(rows), titles, columns=1 + len(names))


class _Bench:
    """One photograph and the denoisers' outputs at any noise level; the noise pattern stays the same."""

    def __init__(self, photo: Tensor, methods: dict[str, Method], seed: int) -> None:
        if photo.ndim != 3 or not methods:
            shape = tuple(photo.shape)
            raise CourseError(
                f"noise_explorer: a photo of shape {shape} and {len(methods)} methods; wanted C×H×W and one or more"
            )
        self.clean, self.methods, self.seed = checked(photo[None], "photo"), methods, seed

    @torch.no_grad()
    def pictures(self, sigma: float) -> dict[str, Tensor]:
        """The noisy image first, then each method's output, 1×C×H×W."""
        noise = torch.randn(self.clean.shape, generator=Generator().manual_seed(self.seed))
        noisy = self.clean + sigma * noise
        outputs = {name: method(noisy, sigma).detach().cpu().float() for name, method in self.methods.items()}
        for name, output in outputs.items():
            if output.shape != noisy.shape or not output.isfinite().all():
                raise CourseError(
                    f"noise_explorer: {name} gave {tuple(output.shape)}; wanted {tuple(noisy.shape)}, all finite"
                )
        return {"noisy": noisy} | outputs

    def decibels(self, picture: Tensor) -> float:
        return psnr(eight_bits(picture), self.clean).item()


class _Explorer:
    """The widgets that control a bench."""

    def __init__(self, bench: _Bench, sigma: float) -> None:
        import ipywidgets

        self.bench = bench
        self.level = ipywidgets.IntSlider(round(255 * sigma), min=0, max=HIGHEST, description="σ of 255")
        self.level.continuous_update = False  # non-local means is too slow to follow a drag
        self.level.observe(self.show, "value")
        self.button = ipywidgets.Button(description="another noise")
        self.button.on_click(self.another)
        names = ["noisy", *bench.methods]
        self.images = {name: ipywidgets.Image(format="png", layout={"margin": "0 8px 0 0"}) for name in names}
        self.labels = {name: ipywidgets.Label() for name in names}
        self.message = ipywidgets.Label()
        cells = [ipywidgets.VBox([self.images[name], self.labels[name]]) for name in names]
        controls = ipywidgets.HBox([self.level, self.button, self.message])
        self.box = ipywidgets.VBox([controls, ipywidgets.HBox(cells)])
        self.show()

    def another(self, _: object) -> None:
        self.bench.seed += 1
        self.show()

    def show(self, _: object = None) -> None:
        """Redraw. Errors go to the label beside the slider: a callback has no output cell."""
        try:
            for name, picture in self.bench.pictures(self.level.value / 255).items():
                drawn = sheet(picture.clamp(0, 1), zoom=max(1, LARGE // picture.shape[-1]))
                image = self.images[name]
                image.layout.width, image.layout.height = f"{drawn.width}px", f"{drawn.height}px"
                image.value = png(drawn)
                self.labels[name].value = f"{name}: {self.bench.decibels(picture):.1f} dB"
            self.message.value = ""
        except Exception as error:
            self.message.value = " ".join(str(error).split())
