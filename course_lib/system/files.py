"""A file appears whole or not at all: everything the course writes goes through here."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from course_lib.errors import CourseError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The path of an empty file beside `path`, which takes its place when all went well and is removed when not.

    Until then, readers of `path` see the old file. The partial file has a new name each time and is created
    exclusively, so two programs that write the same file cannot mix their contents. A missing folder is made. A file
    that was there keeps its permissions; a new one has those that the user's umask gives.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):  # it is usually gone, and so may be its folder
            partial.unlink()


@contextlib.contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """An open file that takes the place of `path` when all went well: `replacing` for file objects.

    A place that cannot be written is a CourseError, at once.
    """
    if path.is_dir():
        raise CourseError(f"cannot write {path}: that is a folder; name a file in it")
    try:
        with replacing(path) as partial, open(partial, "w+b") as file:  # Pillow reads in a TIFF that it is writing
            yield file
    except OSError as error:
        raise CourseError(f"cannot write {path} ({error.strerror or error}); choose another place") from error


def write_text(path: Path, text: str) -> None:
    """Write all of a text, or nothing: UTF-8, Unix line ends."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def _umask() -> int:
    # It can only be read by setting it. The course writes from one thread, so nobody sees the moment in between.
    mask = os.umask(0)
    os.umask(mask)
    return mask
