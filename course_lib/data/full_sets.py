"""The full labelled sets (MNIST, Fashion-MNIST, CIFAR-10): where their files are found and how they are read."""

import pickle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_lib.data.idx import parse_idx, read_file
from course_lib.errors import CourseError

GARMENTS = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CLASSES = {"fashion_mnist": GARMENTS, "mnist": tuple("0123456789"), "cifar10": OBJECTS}
TORCHVISION_FOLDER = {
    "fashion_mnist": "FashionMNIST/raw",
    "mnist": "MNIST/raw",
    "cifar10": "cifar-10-batches-py",
}
# MNIST and Fashion-MNIST use the same file names; their first labels tell them apart.
FIRST_LABELS = {
    ("mnist", "train"): (5, 0, 4, 1, 9, 2, 1, 3, 1, 4),
    ("mnist", "test"): (7, 2, 1, 0, 4, 1, 4, 9, 5, 9),
    ("fashion_mnist", "train"): (9, 0, 0, 3, 0, 2, 7, 2, 5, 5),
    ("fashion_mnist", "test"): (9, 2, 1, 1, 6, 1, 4, 6, 5, 7),
}


def file_names(name: str, split: str) -> list[str]:
    """The files that hold one split: images then labels, or CIFAR-10's batches in order. Chapter 00."""
    if name == "cifar10":
        return [f"data_batch_{i}" for i in range(1, 6)] if split == "train" else ["test_batch"]
    stem = "train" if split == "train" else "t10k"
    return [f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"]


def find_files(name: str, split: str, base: Path) -> list[Path] | None:
    """The paths below `base` of the files of a split, or None if any is missing.

    Searched in turn: torchvision's layout, a folder named after the set, `base` itself. Each file may be
    plain or (MNIST, Fashion-MNIST) end in .gz. Nothing is written. Used by `load`, chapter 00.
    """
    layout = TORCHVISION_FOLDER[name]
    for folder in (base / layout, base / name / layout, base / name, base):
        found = []
        for file in file_names(name, split):
            plain, packed = folder / file, folder / f"{file}.gz"
            if plain.is_file():
                found.append(plain)
            elif packed.is_file() and name != "cifar10":
                found.append(packed)
            else:
                break
        else:
            return found
    return None


def read_files(name: str, split: str, paths: list[Path]) -> tuple[Tensor, Tensor]:
    """Images (N,C,H,W) uint8 and labels (N,) int64 from the files that `find_files` found.

    Raises CourseError for a truncated or damaged file, and for the files of another set. Used by `load`,
    chapter 00.
    """
    if name == "cifar10":
        batches = [read_cifar_batch(path) for path in paths]
        return torch.cat([images for images, _ in batches]), torch.cat([labels for _, labels in batches])
    return pair_up(name, split, paths, [read_file(path) for path in paths])


def pair_up(name: str, split: str, paths: list[Path], contents: list[bytes]) -> tuple[Tensor, Tensor]:
    """Images (N,1,H,W) uint8 and labels (N,) int64 from the bytes of an images file and a labels file.

    Raises CourseError if they do not match or belong to another set. Used by `load`, chapter 00.
    """
    images = parse_idx(contents[0], 3, paths[0])
    labels = parse_idx(contents[1], 1, paths[1])
    check_labels(images, labels, paths[1])
    for (other, other_split), first in FIRST_LABELS.items():
        if other != name and other_split == split and tuple(labels[:10].tolist()) == first:
            raise CourseError(f'{paths[1].parent} holds "{other}", not "{name}": name the right set')
    return images.unsqueeze(1), labels.long()


def check_labels(images: Tensor, labels: Tensor, path: Path) -> None:
    """Raise CourseError unless there is one label in 0…9 for each image. Chapter 00."""
    if len(images) != len(labels):
        raise CourseError(f"{path} has {len(labels)} labels for {len(images)} images: fetch the set again")
    if labels.max() > 9 or labels.min() < 0:
        raise CourseError(f"{path} has labels up to {labels.max()}, wanted 0 to 9: fetch that file again")


_reconstruct = np.empty(0).__reduce__()[0]  # numpy moves this function between versions
_HARMLESS = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _ArraysOnly(pickle.Unpickler):
    """CIFAR-10 is pickled, and unpickling can run any code; this unpickler builds numpy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _HARMLESS:
            raise pickle.UnpicklingError(f"{module}.{name} does not belong in a data file")
        return _HARMLESS[module, name]


def read_cifar_batch(path: Path) -> tuple[Tensor, Tensor]:
    """One CIFAR-10 batch file → images (N,3,32,32) uint8, labels (N,) int64. Used by `load`, chapter 00.

    Raises CourseError for a file that is damaged or not such a batch.
    """
    try:
        with path.open("rb") as file:
            batch = _ArraysOnly(file, encoding="latin1").load()
        images = np.asarray(batch["data"])
        if images.dtype != np.uint8 or images.shape[1:] != (3072,) or len(images) == 0:
            raise ValueError(f"data is {images.dtype} of shape {images.shape}, wanted uint8 (N, 3072)")
        labels = torch.tensor(batch["labels"], dtype=torch.int64)
        pixels = torch.from_numpy(images.reshape(-1, 3, 32, 32).copy())
    except Exception as error:  # a damaged pickle can raise any exception
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise CourseError(f"{path} is not a CIFAR-10 batch ({reason}): fetch the set again") from None
    check_labels(pixels, labels, path)
    return pixels, labels
