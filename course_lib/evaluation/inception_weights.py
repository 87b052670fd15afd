"""The released weights of the FID Inception network: downloaded once, checked, and kept as safetensors."""

from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError

from course_lib import data
from course_lib.errors import CourseError
from course_lib.evaluation.inception_network import InceptionNetwork
from course_lib.system.checkpoint import load_weights, save_weights
from course_lib.system.downloads import check_sum, fetch, in_one_line

# The port of TensorFlow's weights that pytorch-fid, torch-fidelity and torchmetrics use: one file, two addresses.
FILE = "pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
ADDRESSES = (
    f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}",
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
)
KEPT = "inception-2015-12-05.safetensors"


def load_inception(weights: str | Path | None = None) -> InceptionNetwork:
    """The network with the released weights, on the CPU, in evaluation mode, without gradients.

    weights: path of the released file; None: ~/.cache/residual-imaging, after a download (96 MB) if necessary.
    From there the file is read once and kept as safetensors. Raises CourseError, in one line, for a failed download and
    for a file that is not the released one. Behind `inception`, chapter 04.
    """
    network = InceptionNetwork()
    folder = data.CACHE.expanduser()
    kept, released = folder / KEPT, folder / FILE
    if weights is not None:
        _read(network, Path(weights).expanduser())
    elif kept.is_file():
        try:
            load_weights(network, kept)
        except CourseError as error:
            raise CourseError(f"{error}; remove that file, and the next call makes it again") from None
    else:
        already = released.is_file()
        if not already:
            _download(released)
        _read(network, released)
        # If the folder is read-only or full, the next start takes a second longer; that is no reason to fail.
        with suppress(OSError, SafetensorError):
            save_weights(network, kept)
            if not already:  # do not delete a file that the user put there
                released.unlink()
    return network.eval().requires_grad_(False)


def _download(target: Path) -> None:
    try:
        fetch(ADDRESSES, target, SHA256)
    except Exception as error:
        raise CourseError(
            f"the Inception weights, 96 MB, could not be fetched ({in_one_line(error)}): try again, or put {FILE} from "
            f"{ADDRESSES[0]} into {data.CACHE}, or measure with the course's own classifier (garments: FD-clf), "
            "which needs no network"
        ) from None


def _read(network: InceptionNetwork, path: Path) -> None:
    if not path.is_file():
        raise CourseError(f"no Inception weights at {path}; check the path, or leave `weights` out to download them")
    try:
        check_sum(path, SHA256)
    except RuntimeError as error:
        raise CourseError(f"{path} is not the released file ({error}); download it again from {ADDRESSES[0]}") from None
    # The release is a pickle, which could run code. Two guards make loading it safe: weights_only builds tensors and
    # dicts and runs nothing, and the checksum shows that this is the file used for published scores.
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
