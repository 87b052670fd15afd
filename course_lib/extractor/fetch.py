"""Fetch one large file: an interrupted download goes on where it stopped, and only the right file gets its name."""

import os
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm import tqdm

from course_lib.data.downloads import SILENCE, check_sum

CHUNK = 1 << 18


def fetch(addresses: tuple[str, ...], target: Path, sha256: str) -> None:
    """Write the file to `target` from the first address that gives it whole; all of them hold the same file.

    Meanwhile it is `target` + ".partial". That stays when a line breaks, and the next address, or the next call,
    asks for the rest only. One process at a time. Raises what went wrong at the last address: an OSError or, for
    a wrong file, which is removed, RuntimeError. Behind `inception`, chapter 04.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    for address in addresses:
        try:
            _complete(partial, address, sha256)
            os.replace(partial, target)
            return
        except Exception:  # urllib, http, ssl, OSError, a wrong sum: all mean "not from there"
            if address == addresses[-1]:
                raise


def _complete(partial: Path, address: str, sha256: str) -> None:
    continued = partial.exists()
    _append(partial, address)
    try:
        check_sum(partial, sha256)
    except RuntimeError:
        partial.unlink()
        if not continued:
            raise
        _complete(partial, address, sha256)  # what was there before may be at fault: once more from the start


def _append(partial: Path, address: str) -> None:
    """The rest of the file; or all of it, where the server knows no ranges."""
    have = partial.stat().st_size if partial.exists() else 0
    request = Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urlopen(request, timeout=SILENCE)
    except HTTPError as error:
        with error:
            if have and error.code == 416:  # nothing lies beyond what is here: the sum says whether it is the file
                return
            raise
    with answer, partial.open("ab" if answer.status == 206 else "wb") as file:
        left = int(answer.headers.get("Content-Length", 0))
        with tqdm(total=left or None, unit="B", unit_scale=True, desc=partial.stem, leave=False) as bar:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
                left -= len(chunk)
    if left > 0:  # http.client takes an early end for the end
        raise ConnectionError(f"the line broke {left:,} bytes before the end; the next try goes on from there")
