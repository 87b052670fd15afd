"""Fetch one large file: an interrupted download resumes, and only the right file gets its name.

torch.hub.download_url_to_file has neither mirrors nor resuming, and waits for a silent server for ever.
"""

import hashlib
import os
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm import tqdm

SILENCE = 30.0  # seconds without a byte after which a mirror is given up; the default would wait for ever
CHUNK = 1 << 18


def fetch(addresses: tuple[str, ...], target: Path, sha256: str) -> None:
    """Write the file to `target` from the first address that gives it whole; all of them hold the same file.

    Until then it is `target` + ".partial". That file stays when a connection breaks, and the next address, or the next
    call, asks for the rest only. One process at a time. Raises what went wrong at the last address: an OSError or, for
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


def check_sum(path: Path, sha256: str) -> None:
    """Raise RuntimeError unless the file at `path` has this sha256. Behind `load`, chapter 00."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise RuntimeError(f"{path.name} has sha256 {found[:12]}…, wanted {sha256[:12]}…")


def in_one_line(error: Exception) -> str:
    """The kind of an error and the beginning of what it says. Behind `load`, chapter 00."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
