"""The course's data sets by name: `load("fashion_mnist_mini")` returns a torch Dataset, wherever its files are."""

import difflib
import os
from pathlib import Path

import torch
from torch import Tensor

from course_lib.data.batches import AlignedCrops, Batches, RandomCrops, ShuffledBatches
from course_lib.data.downloads import download
from course_lib.data.embedded import data_dir, read_embedded
from course_lib.data.folders import read_folder
from course_lib.data.full_sets import CLASSES, file_names, find_files, read_files
from course_lib.data.image_set import Images
from course_lib.data.photographs import clean_photographs
from course_lib.data.photos import read_photos
from course_lib.errors import CourseError

__all__ = [
    "CACHE",
    "NAMES",
    "AlignedCrops",
    "Batches",
    "Images",
    "RandomCrops",
    "ShuffledBatches",
    "clean_photographs",
    "data_dir",
    "load",
]

NAMES = ("fashion_mnist_mini", "fashion_mnist", "mnist", "cifar10", "photos", "folder:PATH")
CACHE = Path("~/.cache/residual-imaging")


def load(
    name: str,
    split: str = "train",
    limit: int | None = None,
    *,
    root: str | Path | None = None,
) -> Images:
    """Load a data set by name into memory. Chapter 00 shows it.

    name: "fashion_mnist_mini" (embedded: 10,000 train and 2,000 test, grey 28×28), "fashion_mnist", "mnist",
        "cifar10" (full sets, downloaded once), "photos" (colour, various sizes) or "folder:PATH" (your images).
    split: "train" or "test"; for folders also "all". A folder's test split is about a tenth, chosen by file name.
    limit: at most the first `limit` items. The order is always the same: the original order of the labelled sets
        (classes are mixed but not balanced), a fixed list for photos, sorted paths for a folder.
    root: for full sets, a folder that holds the files, plain, as .gz or in torchvision's layout. It is
        only read. The environment variable COURSE_DATA does the same; without either, sets are kept in
        ~/.cache/residual-imaging.

    Returns `Images`. Raises CourseError, in one line, for an unknown name or split, a bad limit,
    missing or damaged data, and a failed download.
    """
    kind, colon, path = name.partition(":") if isinstance(name, str) else (name, "", "")
    if (kind == "folder") != bool(colon and path) or (kind != "folder" and name not in NAMES[:-1]):
        raise CourseError(_unknown(name))
    splits = ("train", "test", "all") if kind == "folder" else ("train", "test")
    if split not in splits:
        raise CourseError(f"split is {split!r}, {name} has {', '.join(map(repr, splits))}")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise CourseError(f"limit is {limit!r}, wanted a whole number of items above 0, or None for all")
    if root is not None and not isinstance(root, str | os.PathLike):
        raise CourseError(f"root is {root!r}, wanted the path of a folder")
    if root is not None and name not in CLASSES:
        raise CourseError(f"root is only for {', '.join(CLASSES)}; for {name} leave root out")

    if kind == "folder":
        pictures, names = read_folder(Path(os.path.expanduser(path)), split, limit)
        return _unlabelled(pictures, names, "picture", name, split)
    if name == "photos":
        pictures, names = read_photos(split, limit)
        return _unlabelled(pictures, names, "photo", name, split)
    if name == "fashion_mnist_mini":
        images, labels = read_embedded(split)
        classes = CLASSES["fashion_mnist"]
    else:
        images, labels = read_files(name, split, _full_set_files(name, split, root))
        classes = CLASSES[name]
    if limit is not None and limit < len(images):
        # Copies: a view would keep the whole set in memory.
        images, labels = images[:limit].clone(), labels[:limit].clone()
    return Images(images, labels, classes, name, split)


def _unlabelled(pictures: list[Tensor], names: tuple[str, ...], kind: str, name: str, split: str) -> Images:
    """Images of one class, `kind`: every label is 0."""
    return Images(pictures, torch.zeros(len(pictures), dtype=torch.int64), (kind,), name, split, names)


def _unknown(name: object) -> str:
    """The message for an unknown name: suggests the nearest name, or the folder it may mean."""
    known = f"unknown data set {name!r}, wanted one of {', '.join(NAMES)}"
    if not isinstance(name, str):
        return known
    if name.startswith("folder"):
        return f"{known}: write the path after the colon, as folder:my_pictures"
    if os.path.isdir(os.path.expanduser(name)):
        return f"{known}: did you mean folder:{name}?"
    near = difflib.get_close_matches(name.lower().replace("-", "_"), NAMES, n=1, cutoff=0.5)
    return f"{known}: did you mean {near[0]}?" if near else f"{known}: fashion_mnist_mini is always available"


def _full_set_files(name: str, split: str, root: str | Path | None) -> list[Path]:
    """The paths of a full set's files: in the folder that the user names, else in the cache, filled by a download."""
    named, by = (root, "root") if root is not None else (os.environ.get("COURSE_DATA") or None, "COURSE_DATA")
    if named is None:
        cache = CACHE.expanduser()
        return find_files(name, split, cache) or find_files(name, split, download(name, cache))
    base = Path(os.path.expanduser(named))
    if not os.path.isdir(base):
        state = "is a file, not a folder" if os.path.exists(base) else "does not exist"
        raise CourseError(f"{by}: {base} {state}: name the folder that holds {name}")
    found = find_files(name, split, base)
    if found is None:
        missing = f"lacks files of {name} ({', '.join(file_names(name, split))})"
        raise CourseError(f"{by}: {base} {missing}: copy them there, or unset {by} to download")
    return found
