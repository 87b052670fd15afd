"""The photographs that come with two installed packages: nothing to download, nothing to embed."""

import importlib.util
from pathlib import Path

from torch import Tensor

from course_lib.errors import CourseError
from course_lib.images.decoding import read_picture

# (name to install, package, folder in it)
SKIMAGE, SKLEARN = ("scikit-image", "skimage", "data"), ("scikit-learn", "sklearn", "datasets/images")
PHOTOS = {
    "train": {
        "astronaut.png": SKIMAGE,
        "coffee.png": SKIMAGE,
        "hubble_deep_field.jpg": SKIMAGE,
        "ihc.png": SKIMAGE,
        "motorcycle_left.png": SKIMAGE,
        "rocket.jpg": SKIMAGE,
    },
    "test": {"chelsea.png": SKIMAGE, "china.jpg": SKLEARN, "flower.jpg": SKLEARN},
}


def read_photos(split: str, limit: int | None) -> tuple[list[Tensor], tuple[str, ...]]:
    """The first `limit` colour photographs of a split, (3,H,W) uint8 each, and their file names.

    They are read by path from the installed scikit-image and scikit-learn, which are not imported. Raises
    CourseError for a missing package, or a missing or damaged file. Used by `load`, chapter 00.
    """
    images, names = [], tuple(PHOTOS[split])[:limit]
    for name in names:
        distribution, package, folder = PHOTOS[split][name]
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise CourseError(f"photo {name} needs {distribution}: pip install {distribution}")
        path = Path(spec.submodule_search_locations[0]) / folder / name
        try:
            images.append(read_picture(path))
        except FileNotFoundError:
            raise CourseError(
                f"photo {name} is not in this version of {distribution} (looked for {path}): install another version"
            ) from None
        except Exception:
            raise CourseError(f"photo {path} is damaged: reinstall {distribution}") from None
    return images, names
