"""Download a full set once: into a temporary folder, checked by sha256, and only then renamed into place."""

import os
import shutil
import tempfile
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.system.downloads import fetch, in_one_line

# {set: (mirrors, {file: sha256})}. https only: torchvision's own address for Fashion-MNIST is plain http.
SOURCES = {
    "fashion_mnist": (
        (
            "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        {
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ),
    "mnist": (
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        {
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ),
    "cifar10": (
        ("https://www.cs.toronto.edu/~kriz/", "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"),
        {"cifar-10-python.tar.gz": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"},
    ),
}


def download(name: str, cache: Path) -> Path:
    """Download the set `name` into the folder cache/name, with a progress bar.

    Only a complete, checked set ever appears under that name: an interrupted or failed download removes what
    it had fetched. Returns cache/name. Raises CourseError, in one line, if there is no network or no space, or
    if a file is not the expected one. Used by `load`, chapter 00.
    """
    mirrors, files = SOURCES[name]
    target = cache / name
    remedy = f"{'unpack' if name == 'cifar10' else 'copy'} {', '.join(files)} into {target}"
    if target.exists():  # `load` found no complete set in it, but it may be the user's own: do not delete it
        raise CourseError(f'{target} lacks files of "{name}": {remedy}, or remove that folder to download it')
    unfinished = None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache))
        for file, sha256 in files.items():
            _fetch(file, sha256, mirrors, unfinished)
        unfinished.chmod(0o755)  # mkdtemp makes it private; a shared cache must stay readable
        if not target.exists():  # another process may have finished first; its set is just as good
            os.replace(unfinished, target)
    except Exception as error:  # urllib, http, ssl, tarfile, OSError, RuntimeError: all mean that there is no set
        instead = f'use "fashion_mnist_mini", which needs no network, or {remedy}'
        raise CourseError(f'"{name}" could not be downloaded ({in_one_line(error)}): {instead}') from None
    finally:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _fetch(file: str, sha256: str, mirrors: tuple[str, ...], folder: Path) -> None:
    """Download one file from the first mirror that has it; an archive is unpacked and deleted. Raises what failed."""
    path = folder / file
    fetch(tuple(mirror + file for mirror in mirrors), path, sha256)
    if file.endswith(".tar.gz"):
        from torchvision.datasets import utils  # imported late: it takes a second

        utils.extract_archive(str(path), str(folder))
        path.unlink()
