"""Two aligned images in one frame with a slider between them; side by side where widgets are not supported."""

from typing import Any

from PIL import Image
from torch import Tensor

from course_lib.display.front_end import front_end
from course_lib.display.pictures import show_images
from course_lib.display.sheet import checked, png
from course_lib.display.style import WIDEST
from course_lib.errors import CourseError
from course_lib.images import tiled

LINE = 2  # width of the dividing line in screen pixels


def before_after(
    before: Tensor, after: Tensor, names: tuple[str, str] = ("before", "after"), zoom: int | None = None
) -> None:
    """Show two aligned images in one frame with a slider between them, or side by side without widget support.

    Args:
        before, after: C×H×W or 1×C×H×W in [0,1], C = 1 or 3, of equal height and width.
        names: labels for `before` and `after`, on the left and right.
        zoom: whole number, each pixel is drawn as zoom×zoom; by default the largest that fits the page.
    `before` is left of the dividing line and `after` is right of it, so with the slider at 0 only `after` is visible.
    Raises CourseError for other shapes, images of different sizes, or values clearly outside [0,1]. Chapter 06.
    """
    pair = _Pair(before, after, names, zoom)
    if front_end() == "widgets":
        from IPython.display import display

        display(_Slider(pair).box)
        return
    show_images([pair.before[0], pair.after[0]], names, zoom=None if zoom is None else max(1, zoom // 2))


class _Pair:
    """Two aligned images and the scale at which they are shown."""

    def __init__(self, before: Tensor, after: Tensor, names: tuple[str, str], zoom: int | None):
        self.before, self.after = (
            checked(picture[None] if picture.ndim == 3 else picture, f"before_after: {who}")
            for who, picture in (("before", before), ("after", after))
        )
        sides = [tuple(picture.shape[-2:]) for picture in (self.before, self.after)]
        if sides[0] != sides[1] or any(len(picture) != 1 for picture in (self.before, self.after)):
            raise CourseError(
                f"before_after: before is {tuple(before.shape)}, after {tuple(after.shape)}; wanted one image each, "
                "of equal height and width: enlarge the smaller one first"
            )
        if len(names) != 2:
            raise CourseError(f"before_after: {len(names)} names for two images; give one each")
        self.names = names
        self.zoom = zoom or max(1, WIDEST // sides[0][1])

    def cut(self, share: float) -> Image.Image:
        """`before` in the left `share` of the frame, `after` in the rest, a white line where they meet."""
        left, whole = (self._large(picture) for picture in (self.before, self.after))
        column = round(share * whole.width)
        whole.paste(left.crop((0, 0, column, left.height)), (0, 0))
        if 0 < column < whole.width:
            start = max(0, column - LINE // 2)
            whole.paste("white", (start, 0, min(whole.width, start + LINE), whole.height))
        return whole

    def _large(self, picture: Tensor) -> Image.Image:
        small = tiled(picture, 1, gap=0).convert("RGB")
        return small.resize((small.width * self.zoom, small.height * self.zoom), Image.Resampling.NEAREST)


class _Slider:
    """The widgets that show a pair."""

    def __init__(self, pair: _Pair) -> None:
        import ipywidgets

        self.pair = pair
        self.share = ipywidgets.FloatSlider(0.5, min=0.0, max=1.0, step=0.005, readout=False)
        self.picture = ipywidgets.Image(format="png")
        drawn = self.pair.cut(0.5)
        self.picture.layout.width, self.picture.layout.height = f"{drawn.width}px", f"{drawn.height}px"
        self.share.layout.width = self.picture.layout.width
        sides = [ipywidgets.Label(f"{arrow} {name}") for arrow, name in zip("◀▶", pair.names, strict=True)]
        line = ipywidgets.HBox(sides, layout={"width": f"{drawn.width}px", "justify_content": "space-between"})
        self.box = ipywidgets.VBox([line, self.picture, self.share])
        self.share.observe(self.show, "value")
        self.show()

    def show(self, _: Any = None) -> None:
        self.picture.value = png(self.pair.cut(self.share.value))
