"""The standard extractor: only with it is a Fréchet distance the FID of published tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.evaluation.extractor import Extractor
from course_lib.evaluation.inception_input import PREPARATIONS
from course_lib.evaluation.network_extractor import as_bytes

BATCH = 32  # images per batch: at 299×299 they take half a gigabyte


def inception(device: torch.device, *, resize: str = "tensorflow", weights: str | Path | None = None) -> Extractor:
    """Inception 2015-12-05 with its released weights: images N×1×H×W or N×3×H×W in [0,1] → N×2048 features.

    Args:
        resize: how images are resized to 299×299; it determines the name of the score:
            "tensorflow", score "FID": the original (Heusel et al. 2017), also torch-fidelity's. TensorFlow 1's bilinear
            grid, not antialiased.
            "torch", "FID (pytorch-fid)": torch's bilinear grid, not antialiased, values as in pytorch-fid.
            "antialiased", "FID (clean-fid)": Pillow's bicubic in float (Parmar et al. 2022).
        weights: path of the released pt_inception-2015-12-05-6726825d.pth, if it should not be downloaded.
    Images are rounded to 8 bits, gray is repeated to three channels, then they are resized. The weights are downloaded
    once (96 MB, checked by sha256) into ~/.cache/residual-imaging. `probabilities`, for the Inception Score, omits the
    bias of the last layer, as the original code did (torch-fidelity's "logits_unbiased"). Published scores use 50,000
    images, at about 0.2 s each on one CPU core. Always computed in full float32.
    Raises CourseError, in one line, for an unknown `resize`, a failed download, a wrong file, and unsuitable images.
    Papers: Szegedy et al. 2016 (the network); Heusel et al. 2017 (FID); Salimans et al. 2016 (IS). Chapter 04.
    """
    if resize not in PREPARATIONS:
        raise CourseError(f"inception: resize = {resize!r}, wanted one of {', '.join(PREPARATIONS)}")
    # Imported here because it imports torchvision, which takes seconds.
    from course_lib.evaluation.inception_weights import load_inception

    prepare = PREPARATIONS[resize]
    # The channels-last layout takes half the time on a CPU.
    network = load_inception(weights).to(device, memory_format=torch.channels_last)

    @torch.no_grad()
    def features(images: Tensor) -> Tensor:
        rounded = as_bytes("inception", images)
        if images.shape[1] not in (1, 3) or not images.numel():
            raise CourseError(f"inception: got images {tuple(images.shape)}, wanted N×1×H×W or N×3×H×W, at least one")
        found = []
        with whole_float32(device):
            for part in rounded.split(BATCH):
                prepared = prepare(part.to(device).float())
                found.append(network.features(prepared.contiguous(memory_format=torch.channels_last)))
        return torch.cat(found)

    @torch.no_grad()
    def probabilities(found: Tensor) -> Tensor:
        with whole_float32(device):
            return network.probabilities(found.to(device))

    name = "Inception 2015-12-05, 2048 features"
    return Extractor(name, 2048, prepare.said, features, probabilities, prepare.names)


@contextmanager
def whole_float32(device: torch.device) -> Iterator[None]:
    """Turn off autocast and TF32 (cuDNN's default for convolutions on NVIDIA GPUs): scores must not depend on them.

    Behind `inception`, chapter 04.
    """
    before = torch.backends.cudnn.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = False
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
