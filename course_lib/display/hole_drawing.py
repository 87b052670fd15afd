"""A widget for drawing holes and comparing ways to fill them; a few fixed holes where widgets are not supported."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.degradations import Holes, biharmonic
from course_lib.display.front_end import front_end
from course_lib.display.pictures import row_titles, show_images
from course_lib.display.sheet import checked, png, sheet
from course_lib.errors import CourseError
from course_lib.images import with_hole

Network = Callable[[Tensor], Tensor]
ORANGE = (0.902, 0.624, 0.0)  # the palette's colour for "other", as RGB in [0,1]
GRID = 14  # toggle buttons per side
KINDS = {"box": (0.15, 0.3), "strokes": (0.15, 0.3), "scratches": (0.02, 0.06)}


def mark_hole(images: Tensor, hole: Tensor) -> Tensor:
    """Images with the missing pixels in orange, because a black hole would be invisible on a black background.

    images: N×C×H×W in [0,1], C = 1 or 3; hole: N×1×H×W, 1 where missing. Returns N×3×H×W. Chapter 07.
    """
    orange = torch.tensor(ORANGE).to(images).view(1, 3, 1, 1)
    return torch.where(hole == 1, orange, images.expand(-1, 3, -1, -1))


def draw_hole(network: Network, pictures: Tensor, seed: int = 0) -> None:
    """Show a widget for drawing holes, or a figure with one hole of each kind without widget support.

    Args:
        network: N×2×H×W, image and hole as returned by `with_hole` → N×1×H×W in [0,1] or slightly outside.
        pictures: N×1×H×W in [0,1], H and W multiples of 14; the widget cycles through them, the figure uses the first.
        seed: of the random holes.
    A 14×14 grid of buttons hides or shows parts of the image; further buttons draw a random box or random strokes. The
    image with its hole, the outputs of `biharmonic` and the network, and the original are shown side by side.
    Raises CourseError for images of another shape or range. Chapter 07.
    """
    board = _Board(network, pictures, seed)
    if front_end() == "widgets":
        from IPython.display import display

        display(_Drawing(board).box)
        return
    rows, columns = [], ["hole", "biharmonic", "network", "original"]
    for kind in KINDS:
        board.throw(kind)
        rows.append(board.four())
    titles = columns + row_titles(["", ""], len(columns))
    show_images(torch.cat(rows), titles, columns=len(columns), zoom=4)


class _Board:
    """The current image and its hole."""

    def __init__(self, network: Network, pictures: Tensor, seed: int) -> None:
        pictures = checked(pictures, "pictures")
        if pictures.shape[1] != 1 or pictures.shape[2] % GRID or pictures.shape[3] % GRID:
            raise CourseError(
                f"draw_hole: pictures are {tuple(pictures.shape)}; wanted N×1×H×W, H and W multiples of {GRID}"
            )
        self.network, self.pictures, self.current = network, pictures, 0
        self.random = torch.Generator().manual_seed(seed)
        self.hole = torch.zeros(1, 1, *pictures.shape[2:])

    @property
    def picture(self) -> Tensor:
        return self.pictures[self.current : self.current + 1]

    def throw(self, kind: str) -> None:
        self.hole = Holes(kind, KINDS[kind]).hole(tuple(self.picture.shape), self.random)

    def places(self) -> Tensor:
        """GRID×GRID bool: True for cells that are at least half missing."""
        down, across = (side // GRID for side in self.hole.shape[2:])
        return torch.nn.functional.avg_pool2d(self.hole, (down, across))[0, 0] >= 0.5

    def switch(self, row: int, column: int, missing: bool) -> None:
        down, across = (side // GRID for side in self.hole.shape[2:])
        rows, columns = slice(row * down, (row + 1) * down), slice(column * across, (column + 1) * across)
        self.hole[0, 0, rows, columns] = float(missing)

    @torch.no_grad()
    def four(self) -> Tensor:
        """The image with its hole, biharmonic's output, the network's output and the original: 4×3×H×W."""
        if self.hole.all():
            raise CourseError("everything is missing: leave at least one pixel visible")
        y = with_hole(self.picture, self.hole)
        filled = checked(self.network(y), "network(y)").clamp(0, 1)
        outputs = [biharmonic(y[:, :1], y[:, 1:]), filled, self.picture]
        return torch.cat([mark_hole(self.picture, self.hole), *(one.expand(-1, 3, -1, -1) for one in outputs)])


class _Drawing:
    """The widgets that control a board."""

    def __init__(self, board: _Board) -> None:
        import ipywidgets

        self.board, self.quiet = board, False
        small = {"width": "18px", "height": "18px", "padding": "0", "margin": "0"}
        self.toggles = [ipywidgets.ToggleButton(layout=small) for _ in range(GRID**2)]
        for place, toggle in enumerate(self.toggles):
            toggle.observe(lambda change, place=place: self.drawn(place, change["new"]), "value")
        columns = {"grid_template_columns": f"repeat({GRID}, 18px)", "grid_gap": "1px", "margin": "0 24px 0 0"}
        grid = ipywidgets.GridBox(self.toggles, layout=columns)
        self.buttons = {name: ipywidgets.Button(description=name) for name in ("a box", "strokes", "clear", "next")}
        self.buttons["a box"].on_click(lambda _: self.throw("box"))
        self.buttons["strokes"].on_click(lambda _: self.throw("strokes"))
        self.buttons["clear"].on_click(lambda _: self.throw(None))
        self.buttons["next"].on_click(lambda _: self.turn())
        self.picture = ipywidgets.Image(format="png")
        self.label = ipywidgets.Label()
        right = ipywidgets.VBox([self.picture, ipywidgets.HBox(list(self.buttons.values())), self.label])
        self.box = ipywidgets.HBox([grid, right])
        self.throw("box")

    def drawn(self, place: int, missing: bool) -> None:
        if not self.quiet:  # ignore changes made by `throw`
            self.board.switch(*divmod(place, GRID), missing)
            self.show()

    def throw(self, kind: str | None) -> None:
        if kind is None:
            self.board.hole = torch.zeros_like(self.board.hole)
        else:
            self.board.throw(kind)
        self.quiet = True
        for toggle, missing in zip(self.toggles, self.board.places().flatten().tolist(), strict=True):
            toggle.value = missing
        self.quiet = False
        self.show()

    def turn(self) -> None:
        self.board.current = (self.board.current + 1) % len(self.board.pictures)
        self.show()

    def show(self) -> None:
        """Fill the current hole. Errors go to the label below the image: a callback has no output cell."""
        try:
            drawn = sheet(self.board.four(), zoom=max(1, 112 // self.board.hole.shape[-1]))
            self.picture.layout.width, self.picture.layout.height = f"{drawn.width}px", f"{drawn.height}px"
            self.picture.value = png(drawn)
            share = self.board.hole.mean().item()
            self.label.value = f"hole, biharmonic, network, original; {share:.0%} of the picture is missing"
        except Exception as error:
            self.label.value = " ".join(str(error).split())
