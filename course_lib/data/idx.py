"""The idx file format of MNIST and its relatives: a few header bytes, then the raw numbers.

Layout: two zero bytes, 8 (for uint8), the number of axes, each axis as a big-endian 32-bit count, the data.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import torch
from torch import Tensor

from course_lib.errors import CourseError

UINT8 = 0x08


def read_file(path: Path) -> bytes:
    """The bytes of `path`, unpacked if it ends in .gz.

    Raises CourseError for a missing, unreadable or damaged file. Used by `load`, chapter 00.
    """
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except FileNotFoundError:
        raise CourseError(f"{path} is missing: put the file back, or load another set") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CourseError(f"{path} is damaged ({error}): fetch that file again") from None
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({error.strerror}): fix its permissions") from None


def parse_idx(raw: bytes, axes: int, path: Path) -> Tensor:
    """Parse an idx file's bytes into a uint8 tensor with `axes` axes; `path` only names the file in errors.

    Raises CourseError if the header does not match, or if there are too few or too many bytes.
    Used by `load`, chapter 00.
    """
    header = 4 + 4 * axes
    if len(raw) < header or raw[:4] != bytes([0, 0, UINT8, axes]):
        raise CourseError(f"{path} is not an idx file of uint8 with {axes} axes: fetch that file again")
    shape = struct.unpack(f">{axes}I", raw[4:header])
    wanted = header + math.prod(shape)
    if len(raw) != wanted:
        found = f"{len(raw):,} bytes, {wanted:,} wanted"
        raise CourseError(f"{path} is truncated or damaged ({found}): fetch that file again")
    if wanted == header:
        raise CourseError(f"{path} holds no items: fetch that file again")
    # bytearray: torch would warn about a tensor on read-only bytes. The tensor owns this copy.
    return torch.frombuffer(bytearray(memoryview(raw)[header:]), dtype=torch.uint8).view(shape)


def format_idx(values: Tensor) -> bytes:
    """The inverse of `parse_idx`: a uint8 tensor of any number of axes as the bytes of an idx file.

    The embedded pack, which chapter 00 loads, was written with this function.
    """
    header = struct.pack(f">4B{values.ndim}I", 0, 0, UINT8, values.ndim, *values.shape)
    return header + values.contiguous().numpy().tobytes()
