"""The data that come with the course, checked against their checksums."""

import hashlib
from pathlib import Path

from torch import Tensor

from course_lib.data.full_sets import file_names, pair_up
from course_lib.data.idx import read_file
from course_lib.errors import CourseError


def data_dir() -> Path:
    """The folder of embedded data: course_lib/embedded_data in a wheel, data/ in a checkout. Chapter 00."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "embedded_data"
    return packed if packed.is_dir() else package.parent / "data"


def read_embedded(split: str) -> tuple[Tensor, Tensor]:
    """Read a split of the embedded pack; every file is checked against SHA256SUMS before it is used.

    Images (N,1,28,28) uint8, labels (N,) int64. Raises CourseError for a missing or damaged file. Used by
    `load`, chapter 00.
    """
    pack = data_dir() / "fashion_mnist_mini"
    remedy = 'restore it with "git checkout -- data/fashion_mnist_mini", or install the course again'
    files = [f"FashionMNIST/raw/{file}" for file in file_names("fashion_mnist", split)]
    paths = [pack / file for file in files]
    for path in (pack / "SHA256SUMS", *paths):
        if not path.is_file():
            raise CourseError(f"{path} is missing: {remedy}")
    # Two columns, checksum and path. errors="replace": garbage in this file must show up as a mismatch below.
    lines = (pack / "SHA256SUMS").read_text("utf-8", errors="replace").splitlines()
    sums = {columns[1]: columns[0] for columns in map(str.split, lines) if len(columns) == 2}
    contents = [read_file(path) for path in paths]
    for file, path, content in zip(files, paths, contents, strict=True):
        if hashlib.sha256(content).hexdigest() != sums.get(file):
            raise CourseError(f"{path} is damaged (its sha256 is not the one in SHA256SUMS): {remedy}")
    return pair_up("fashion_mnist", split, paths, contents)
