"""Any network as an extractor: images rounded as in a file, evaluation mode, and features of the promised shape."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.errors import CourseError
from course_lib.evaluation.extractor import Extractor
from course_lib.images import to_uint8
from course_lib.system.evaluation_mode import evaluating


def network_extractor(
    network: nn.Module,
    dim: int,
    name: str,
    device: torch.device,
    *,
    resize: str = "none, as they are",
    probabilities: Callable[[Tensor], Tensor] | None = None,
) -> Extractor:
    """Measure with any network that maps images N×C×H×W in [0,1] to features N×dim: score "FD", no published one.

    Args:
        network: moved to `device`; during extraction it is in evaluation mode and keeps no gradients, afterwards it is
            as before.
        name: how a protocol names it, for example "ResNet-18 on CIFAR-10, 512 features".
        resize: what the network itself does to the size of images, for the protocol. Nothing is resized here.
        probabilities: features N×dim → N×K, a softmax in each row, for the Inception Score.
    Its `features` rounds images to 8 bits first and moves them to `device`. They raise CourseError for what are no
    images and for features of another shape. Chapter 04.
    """
    if dim < 1:
        raise CourseError(f"network_extractor: dim = {dim}; give how many numbers one feature vector has")
    network.to(device)

    def features(images: Tensor) -> Tensor:
        rounded = as_bytes(name, images).to(device).float() / 255
        with evaluating(network):
            found = network(rounded)
        if not isinstance(found, Tensor) or found.shape != (len(images), dim):
            came = tuple(found.shape) if isinstance(found, Tensor) else f"a {type(found).__name__}"
            raise CourseError(
                f"{name}: made {came} of images {tuple(images.shape)}, wanted features {len(images)}×{dim}; end the "
                "network with pooling and flatten(1), or give its dim"
            )
        return found

    return Extractor(name, dim, resize, features, probabilities)


def as_bytes(asker: str, images: Tensor) -> Tensor:
    """N×C×H×W in [0,1] → uint8; CourseError, from `asker`, for anything else. A file holds no more than 8 bits."""
    if images.ndim != 4 or not images.is_floating_point():
        kind = str(images.dtype).removeprefix("torch.")
        raise CourseError(f"{asker}: got {kind} images {tuple(images.shape)}, wanted float N×C×H×W in [0,1]")
    if not images.isfinite().all():
        # As bytes they would be black images, and get a score.
        raise CourseError(f"{asker}: nan or inf in the images; look at the network that made them")
    return to_uint8(images)
