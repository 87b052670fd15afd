"""Images side by side, pixel-exact: from tensors to a figure on the page."""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
from torch import Tensor

from course_lib.display.style import COLOURS, STYLE, WIDEST
from course_lib.errors import CourseError
from course_lib.images import to_uint8


def show_images(
    images: Tensor | Sequence[Tensor],
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    zoom: int | None = None,
    title: str = "",
    signed: bool = False,
) -> None:
    """Show images side by side, each pixel drawn as zoom×zoom, without interpolation or rescaling of values.

    Args:
        images: N×C×H×W, or a sequence of C×H×W; C = 1 (gray) or 3; [0,1], values outside are clipped.
        titles: one per image. The first image's size in pixels is written below the figure.
        zoom: whole number; by default the largest that fits the page.
        signed: the values are differences in [-0.5, 0.5], and 0 is shown as mid-gray.
    Raises CourseError for other shapes, or a number of titles that differs from the number of images. Chapter 00.
    """
    pictures = [image.detach().cpu().float() + (0.5 if signed else 0) for image in images]
    if not pictures or any(picture.ndim != 3 or picture.shape[0] not in (1, 3) for picture in pictures):
        shapes = [tuple(picture.shape) for picture in pictures][:3]
        raise CourseError(f"show_images: got shapes {shapes}, wanted C×H×W each, C = 1 or 3 (N×C×H×W in all)")
    if titles is not None and len(titles) != len(pictures):
        raise CourseError(f"show_images: {len(titles)} titles for {len(pictures)} images; give one each")
    plt.rcParams.update(STYLE)
    columns = min(columns or len(pictures), len(pictures))
    rows = -(-len(pictures) // columns)
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (1, 2))
    gap, head, top = 6, 22 if titles is not None else 6, 34 if title else 4
    zoom = zoom or max(1, (WIDEST - gap) // columns // (width + gap // 2))
    total = (columns * (width * zoom + gap) + gap, rows * (height * zoom + head) + top + 18)
    canvas = plt.figure(figsize=(total[0] / 100, total[1] / 100))
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        left = gap + column * (width * zoom + gap)
        bottom = total[1] - top - (row + 1) * (height * zoom + head) + gap
        box = (left, bottom, picture.shape[2] * zoom, picture.shape[1] * zoom)
        axes = canvas.add_axes([value / total[axis % 2] for axis, value in enumerate(box)])
        axes.imshow(to_uint8(picture).permute(1, 2, 0).expand(-1, -1, 3).numpy(), interpolation="nearest")
        axes.set_axis_off()
        if titles is not None:
            axes.set_title(titles[index], fontsize=10, fontweight="normal", pad=4)
    size = f"{pictures[0].shape[2]}×{pictures[0].shape[1]} pixels, shown ×{zoom}"
    canvas.text(gap / total[0], 2 / total[1], size, fontsize=8, color=COLOURS["baseline"])
    if title:
        canvas.text(gap / total[0], 1 - 8 / total[1], title, fontsize=12, fontweight="bold", va="top")
    plt.show()


def row_titles(names: Iterable[str], columns: int) -> list[str]:
    """Titles for `show_images`: each name above the first image of its row, blanks above the others. Chapter 03."""
    return [title for name in names for title in [name] + [""] * (columns - 1)]
