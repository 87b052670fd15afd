"""Write many images to one file: a grid to look at, or an array for programs."""

from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.images.ranges import to_uint8
from course_lib.system.files import written

ENDINGS = (".npy", ".png")


def tiled(images: Tensor, columns: int, gap: int = 2) -> Image.Image:
    """Images N×C×H×W in [0,1] (C = 1 or 3), tiled row by row on white, `gap` pixels apart. Chapter 03."""
    from torchvision.utils import make_grid  # imported late: it takes seconds, and few users need it

    sheet = make_grid(to_uint8(images.detach().cpu()), nrow=columns, padding=gap, pad_value=255)
    return Image.fromarray(sheet.permute(1, 2, 0).contiguous().numpy())


def write_pictures(images: Tensor, path: str | Path) -> None:
    """Write images to one file: `.npy` holds uint8 (N,H,W) for greyscale or (N,H,W,3) for RGB, `.png` holds a grid.

    images are N×C×H×W in [0,1], C = 1 or 3, rounded to the nearest of 0 … 255. A missing folder is created. The write
    is atomic: `path` is the old file or the new one, never half. Raises CourseError for another extension or shape,
    no images, or a path that cannot be written. Chapter 03.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise CourseError(f"{path.name} ends in {path.suffix or 'nothing'}; name a file that ends in .npy or .png")
    if images.ndim != 4 or not len(images) or images.shape[1] not in (1, 3):
        raise CourseError(f"write_pictures: got shape {tuple(images.shape)}, wanted N×C×H×W, N > 0, C = 1 or 3")
    with written(path) as file:
        if ending == ".npy":
            pixels = to_uint8(images.detach().cpu())
            np.save(file, pixels.squeeze(1).numpy() if pixels.shape[1] == 1 else pixels.permute(0, 2, 3, 1).numpy())
        else:
            tiled(images, columns=max(1, round(len(images) ** 0.5))).save(file, "PNG")


def save_image(image: Tensor, path: str | Path) -> None:
    """Write one C×H×W image in [0,1] (C = 1 or 3); the file extension sets the format.

    Raises CourseError for an unknown extension and a place that cannot be written. Chapter 00.
    """
    pixels = to_uint8(image.detach().cpu()).permute(1, 2, 0).squeeze(-1).numpy()
    Image.init()  # it knows all endings only then
    kind = Image.EXTENSION.get(Path(path).suffix.lower())
    if kind is None:
        raise CourseError(f"save_image: {path} has an unknown ending; name a file that ends in .png, for example")
    with written(Path(path)) as file:
        Image.fromarray(np.ascontiguousarray(pixels)).save(file, kind)
