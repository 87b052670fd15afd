"""A GAN to play with: choose its loss, penalty and learning rate, and watch its points move."""

import io
from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.display.front_end import front_end
from course_lib.display.style import COLOURS, figure
from course_lib.losses import GAN_LOSSES
from course_lib.toy2d import ToyGame, grid, mode_coverage, ring

DATA = {"ring": ring, "grid": grid}
PENALTIES = {"none": "none", "R1": "r1", "gradient penalty": "gradient"}
RATES = (2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2)
CHUNK = 20  # steps between updates of the image


def toy_game(steps: int = 400, seed: int = 0) -> None:
    """Show a widget that trains a GAN in the plane, or a figure after `steps` // 2 steps without widget support.

    Choose data, loss, penalty and learning rate and press the button: the points move for `steps` steps, with the
    number of modes covered and the share of good points (`mode_coverage`) below. Chapter 02.
    """
    if front_end() == "widgets":
        from IPython.display import display

        display(_Controls(steps, seed).box)
        return
    *_, (game, said) = _frames("ring", "non_saturating", "R1", 2e-3, steps // 2, seed)
    _, axes = figure(height=3.6, width=3.6)
    _draw(axes, game)
    axes.set_title("toy_game: the ring, non-saturating, R1", fontsize=10)
    axes.set_xlabel(said, fontsize=9)
    plt.show()


def _frames(
    data: str, loss: str, penalty: str, rate: float, steps: int, seed: int
) -> Iterator[tuple[ToyGame, str]]:  # fmt: skip
    """Yield the game every few steps with a status line; stop early if training diverges."""
    game = ToyGame(DATA[data](), [loss], seed=seed, penalty=PENALTIES[penalty], learning_rate=rate)
    while game.steps < steps:
        game.play(min(CHUNK, steps - game.steps))
        points = game.points(1000, seed=1).detach()
        if not torch.isfinite(points).all():
            yield game, f"step {game.steps}: the numbers ran away to infinity; try a penalty, or smaller steps"
            return
        found, good = mode_coverage(points, game.data)
        modes = len(game.data.centres)
        yield (
            game,
            f"step {game.steps} of {steps}: {found.item()} of {modes} heaps found, {good.item():.0%} good points",
        )


def _draw(axes: Axes, game: ToyGame) -> None:
    """Draw real and fake points; arrows show the negative gradient of G's loss at every tenth fake point."""
    fake = game.points(400, seed=1).detach()
    arrows = game.arrows(fake[:, ::10])[0]
    real = game.data.sample(300, generator=torch.Generator().manual_seed(0))
    axes.plot(*real.T, ".", color=COLOURS["real"], markersize=3)
    axes.plot(*fake[0].T, ".", color=COLOURS["fake"], markersize=3)
    longest = max(arrows.norm(dim=1).quantile(0.9).nan_to_num().item(), 1e-6)
    axes.quiver(*fake[0, ::10].T, *arrows.T, color="#333333", width=0.006, scale=10 * longest)
    axes.set(xlim=(-2.4, 2.4), ylim=(-2.4, 2.4), aspect="equal", xticks=[], yticks=[])


def _png(game: ToyGame) -> bytes:
    canvas = Figure(figsize=(4.2, 4.2), layout="constrained")
    FigureCanvasAgg(canvas)
    _draw(canvas.subplots(), game)
    file = io.BytesIO()
    canvas.savefig(file, format="png", dpi=100)
    return file.getvalue()


class _Controls:
    """The widgets: four choices, a button, an image that is updated in place, a line of text."""

    def __init__(self, steps: int, seed: int) -> None:
        import ipywidgets

        self.steps, self.seed = steps, seed
        self.data = ipywidgets.Dropdown(options=list(DATA), description="data")
        self.loss = ipywidgets.Dropdown(options=list(GAN_LOSSES), value="non_saturating", description="loss")
        self.penalty = ipywidgets.Dropdown(options=list(PENALTIES), description="penalty")
        self.rate = ipywidgets.SelectionSlider(
            options=[(f"{rate:g}", rate) for rate in RATES], value=2e-3, description="rate"
        )
        self.button = ipywidgets.Button(description="Play")
        self.button.on_click(self.play)
        self.label = ipywidgets.Label("choose, then press Play")
        self.picture = ipywidgets.Image(format="png", layout={"width": "420px", "height": "420px"})
        left = ipywidgets.VBox([self.data, self.loss, self.penalty, self.rate, self.button, self.label])
        game = ToyGame(DATA["ring"](), ["non_saturating"], seed=seed)
        self.picture.value = _png(game)  # an empty image would show as broken
        self.box = ipywidgets.HBox([left, self.picture])

    def play(self, _: Any = None) -> None:
        """Train with the current choices. Errors go to the label: a callback has no output cell."""
        self.button.disabled = True
        try:
            chosen = self.data.value, self.loss.value, self.penalty.value, self.rate.value
            for game, said in _frames(*chosen, self.steps, self.seed):
                self.label.value = said
                if "infinity" not in said:
                    self.picture.value = _png(game)
        except Exception as error:
            self.label.value = " ".join(str(error).split())
        finally:
            self.button.disabled = False
