"""Cut the embedded pack out of the full Fashion-MNIST: the first 1,000 and 200 garments of every class.

    python data/make_fashion_mnist_mini.py FULL [--out data/fashion_mnist_mini]

FULL is a folder with the four .gz files, e.g. /usr/share/datasets/fashion-mnist from Debian's package
dataset-fashion-mnist. Original order is kept and nothing is random, so every run writes the same bytes.
Written: four uncompressed idx files where torchvision.datasets.FashionMNIST looks for them, and SHA256SUMS.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import torch

from course_lib.data.idx import format_idx, parse_idx, read_file
from course_lib.errors import CourseError
from course_lib.system.files import replacing

PER_CLASS = {"train": 1000, "t10k": 200}
RAW = Path("FashionMNIST", "raw")


def first_of_each_class(labels: torch.Tensor, count: int) -> torch.Tensor:
    """Indices of the first `count` items of each class 0…9, ascending: (N,) uint8 → (10·count,) int64."""
    chosen = []
    for label in range(10):
        found = (labels == label).nonzero().flatten()
        if len(found) < count:
            raise CourseError(f"class {label} has {len(found)} items, {count} wanted: fetch the full set")
        chosen.append(found[:count])
    return torch.cat(chosen).sort().values


def build(full: Path, out: Path, per_class: dict[str, int] = PER_CLASS) -> dict[str, str]:
    """Write the pack under `out`; return {path relative to out: sha256}.

    Everything is read before a byte is written, and each file is renamed into place, so a failure leaves no
    half-written file.
    """
    files = {}
    for split, count in per_class.items():
        images_path, labels_path = (
            full / f"{split}-images-idx3-ubyte.gz",
            full / f"{split}-labels-idx1-ubyte.gz",
        )
        images = parse_idx(read_file(images_path), 3, images_path)
        labels = parse_idx(read_file(labels_path), 1, labels_path)
        if len(images) != len(labels):
            raise CourseError(f"{split}: {len(images)} images, {len(labels)} labels: fetch the full set")
        keep = first_of_each_class(labels, count)
        files[(RAW / images_path.stem).as_posix()] = format_idx(images[keep])
        files[(RAW / labels_path.stem).as_posix()] = format_idx(labels[keep])
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    # Two spaces and forward slashes: the format that `sha256sum --check SHA256SUMS` reads.
    files["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
    for name, content in files.items():
        path = out / name
        with replacing(path) as partial:
            partial.write_bytes(content)
    return sums


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("full", type=Path, help="folder with the four .gz files of the full set")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "fashion_mnist_mini")
    options = parser.parse_args(arguments)
    try:
        sums = build(options.full, options.out)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, digest in sums.items():
        print(f"{digest}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
