"""Fetch one large file: an interrupted download resumes, and only the right file gets its name.

torch.hub.download_url_to_file supports neither mirrors nor resuming, and never times out.
"""

import hashlib
import os
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm import tqdm

SILENCE = 30.0  # seconds without data before a mirror is abandoned; the default is no timeout
CHUNK = 1 << 18


def fetch(addresses: tuple[str, ...], target: Path, sha256: str) -> None:
    """Write the file to `target` from the first address that delivers it completely; all hold the same file.

    Until then it is `target` + ".partial". That file stays when a connection breaks, and the next address, or the next
    call, requests only the rest. Use one process at a time. Raises the error of the last address: an OSError or, for
    a wrong file, which is removed, RuntimeError. Behind `inception`, chapter 04.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    for address in addresses:
        try:
            _complete(partial, address, sha256)
            os.replace(partial, target)
            return
        except Exception:  # urllib, http, ssl, OSError, wrong checksum: in any case, try the next address
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
        _complete(partial, address, sha256)  # the earlier part may be wrong: start again from scratch


def _append(partial: Path, address: str) -> None:
    """Fetch the rest of the file, or all of it if the server does not support ranges."""
    have = partial.stat().st_size if partial.exists() else 0
    request = Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urlopen(request, timeout=SILENCE)
    except HTTPError as error:
        with error:
            if have and error.code == 416:  # nothing left to fetch; the checksum decides
                return
            raise
    with response, partial.open("ab" if response.status == 206 else "wb") as file:
        left = int(response.headers.get("Content-Length", 0))
        with tqdm(total=left or None, unit="B", unit_scale=True, desc=partial.stem, leave=False) as bar:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
                left -= len(chunk)
    if left > 0:  # http.client treats an early end of the stream as the end of the file
        raise ConnectionError(f"the connection broke {left:,} bytes before the end; the next try goes on from there")


def check_sum(path: Path, sha256: str) -> None:
    """Raise RuntimeError unless the file at `path` has this sha256. Behind `load`, chapter 00."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise RuntimeError(f"{path.name} has sha256 {found[:12]}…, wanted {sha256[:12]}…")


def in_one_line(error: Exception) -> str:
    """An error's type and the beginning of its message. Behind `load`, chapter 00."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
