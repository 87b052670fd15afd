"""Atomic file writes: a file appears complete or not at all. Everything the course writes goes through here."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from course_lib.errors import CourseError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of an empty file beside `path`; on success it replaces `path`, on an error it is removed.

    Until then, readers of `path` see the old file. The partial file has a new name each time and is created
    exclusively, so two programs that write the same file cannot mix their contents. A missing folder is created. An
    existing file keeps its permissions; a new one gets those of the user's umask.
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
        with contextlib.suppress(OSError):  # it has usually been moved, and its folder may be gone
            partial.unlink()


@contextlib.contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Yield an open binary file that replaces `path` on success: `replacing` for file objects.

    Raises CourseError at once if `path` cannot be written.
    """
    if path.is_dir():
        raise CourseError(f"cannot write {path}: that is a folder; name a file in it")
    try:
        with replacing(path) as partial, open(partial, "w+b") as file:  # Pillow reads a TIFF while writing it
            yield file
    except OSError as error:
        raise CourseError(f"cannot write {path} ({error.strerror or error}); choose another path") from error


def write_text(path: Path, text: str) -> None:
    """Write all of a text, or nothing: UTF-8, Unix line ends."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def _umask() -> int:
    # The umask can only be read by setting it. The course writes from one thread, so this is safe.
    mask = os.umask(0)
    os.umask(mask)
    return mask
