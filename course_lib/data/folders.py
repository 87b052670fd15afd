"""The user's own images: every readable file below a folder, and a split that depends on file names alone."""

import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PIL import Image, UnidentifiedImageError
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.images.decoding import read_picture

TEST_SHARE = 0.1
Result = TypeVar("Result")


def read_folder(folder: Path, split: str, limit: int | None) -> tuple[list[Tensor], tuple[str, ...]]:
    """The first `limit` images of a folder's split, (3,H,W) uint8 each, and their paths relative to the folder.

    Files at any depth, sorted by path; hidden ones are left out, links are followed, each folder once. Split
    "test" is about a tenth, those whose names hash lowest (at least one of two), "train" the rest, "all" both.
    Unreadable files are skipped and named in one warning. Raises CourseError for a folder that is missing, is
    a file or holds no readable image. Used by `load`, chapter 00.
    """
    if not os.path.exists(folder):  # os.path, not pathlib: a name too long for the system counts as missing too
        raise CourseError(f"folder {folder} does not exist: name one that holds images, as folder:PATH")
    if not os.path.isdir(folder):
        raise CourseError(f"{folder} is a file: name the folder that contains it, as folder:{folder.parent}")
    skipped: dict[str, str] = {}
    images, names = [], []
    with warnings.catch_warnings():
        # Ignore Pillow's warnings about odd metadata: the image is still readable.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        files = _walk(folder, skipped)
        pictures = [name for name in files if _tried(_look_at, folder / name, name, skipped)]
        for name in _members(pictures, split):
            if len(images) == limit:
                break
            image = _tried(read_picture, folder / name, name, skipped)
            if image is not None:
                images.append(image)
                names.append(name)
    report = _summary(skipped)
    if not images and not (files or skipped):
        raise CourseError(f"folder {folder} holds no files: put images there")
    if not images and split == "test" and len(pictures) == 1:
        raise CourseError(f'folder {folder} holds one image, so none for "test": add more, or use "all"')
    if not images:
        raise CourseError(f'folder {folder} has nothing readable for "{split}" (skipped {report}): add some images')
    if skipped:
        warnings.warn(f"skipped {len(skipped)} of {len(files)} files in {folder}: {report}", stacklevel=3)
    return images, tuple(names)


def _walk(folder: Path, skipped: dict[str, str]) -> list[str]:
    """The regular files below `folder` as relative paths with forward slashes, sorted by path components."""
    seen, found = set(), []

    def unreadable(error: OSError) -> None:
        skipped[Path(error.filename).relative_to(folder).as_posix() + "/"] = error.strerror or "unreadable"

    for here, folders, files in os.walk(folder, followlinks=True, onerror=unreadable):
        identity = os.stat(here).st_dev, os.stat(here).st_ino
        if identity in seen:  # a link that leads back, or a second path to the same folder
            folders.clear()
            continue
        seen.add(identity)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [(Path(here) / name).relative_to(folder) for name in files if not name.startswith(".")]
    return [path.as_posix() for path in sorted(found, key=lambda path: path.parts)]


def _members(pictures: list[str], split: str) -> list[str]:
    """The images of a split, in order. Of two or more images, each split gets at least one.

    Chosen by a hash of each name, not by rank or at random: in a folder of dozens, an image stays in its split
    when others are added.
    """
    if split == "all":
        return pictures
    place = {name: int(hashlib.sha256(os.fsencode(name)).hexdigest()[:8], 16) / 2**32 for name in pictures}
    count = sum(value < TEST_SHARE for value in place.values())
    count = min(max(count, 1), len(pictures) - 1) if pictures else 0
    test = set(sorted(pictures, key=place.__getitem__)[:count])
    return [name for name in pictures if (name in test) == (split == "test")]


def _look_at(path: Path) -> bool:
    """True if the header is that of an image; fast, because no pixels are decoded."""
    with Image.open(path):
        return True


def _tried(read: Callable[[Path], Result], path: Path, name: str, skipped: dict[str, str]) -> Result | None:
    """read(path), or None after recording the reason in `skipped`."""
    try:
        if not path.is_file():  # a dangling link, or a pipe, which would block forever
            skipped[name] = "not a regular file"
        elif path.stat().st_size == 0:
            skipped[name] = "empty"
        else:
            return read(path)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        skipped[name] = f"more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels: crop or shrink it first"
    except UnidentifiedImageError:
        skipped[name] = "not an image"
    except PermissionError:
        skipped[name] = "no permission"
    except MemoryError:
        skipped[name] = "does not fit in memory"
    except Exception:  # decoders can raise any exception on damaged files
        skipped[name] = "damaged or truncated"
    return None


def _summary(skipped: dict[str, str], shown: int = 3) -> str:
    """The first few skipped files with their reasons, on one line even if a name contains a line break."""
    parts = [f"{name} ({reason})" for name, reason in list(skipped.items())[:shown]]
    if len(skipped) > shown:
        parts.append(f"and {len(skipped) - shown} more")
    return "".join(sign if sign.isprintable() else "?" for sign in ", ".join(parts))
