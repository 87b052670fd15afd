"""A file appears whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from course_lib.errors import CourseError


@contextlib.contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that takes the place of `path` when all went well; until then whoever looks sees the old one.

    A missing folder is made. A place that cannot be written is a CourseError, at once. Chapter 03 (behind what writes
    pictures).
    """
    if path.is_dir():
        raise CourseError(f"cannot write {path}: that is a folder; name a file in it")
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "w+b") as file:  # Pillow reads in a TIFF that it is writing
            yield file
        os.replace(partial, path)
    except OSError as error:
        raise CourseError(f"cannot write {path} ({error.strerror or error}); choose another place") from error
    finally:
        with contextlib.suppress(OSError):  # it is usually gone, and so may be its folder
            partial.unlink()
