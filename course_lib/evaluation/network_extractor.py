"""Any network as an extractor: images rounded as in a file, evaluation mode, and a check of the features' shape."""

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
    """Use any network that maps images N×C×H×W in [0,1] to features N×dim. Its score is "FD", not a published one.

    Args:
        network: moved to `device`; it runs in evaluation mode without gradients, and its mode is restored
            afterwards.
        name: its name in a protocol, for example "ResNet-18 on CIFAR-10, 512 features".
        resize: how the network itself resizes images, for the protocol. Nothing is resized here.
        probabilities: features N×dim → N×K, a softmax in each row, for the Inception Score.
    The extractor's `features` rounds images to 8 bits and moves them to `device`. It raises CourseError for inputs
    that are not images and for features of another shape. Chapter 04.
    """
    if dim < 1:
        raise CourseError(f"network_extractor: dim = {dim}; give the length of a feature vector, at least 1")
    network.to(device)

    def features(images: Tensor) -> Tensor:
        rounded = as_bytes(name, images).to(device).float() / 255
        with evaluating(network):
            found = network(rounded)
        if not isinstance(found, Tensor) or found.shape != (len(images), dim):
            came = tuple(found.shape) if isinstance(found, Tensor) else f"a {type(found).__name__}"
            raise CourseError(
                f"{name}: returned {came} for images {tuple(images.shape)}, wanted {len(images)}×{dim}; end the "
                "network with pooling and flatten(1), or correct dim"
            )
        return found

    return Extractor(name, dim, resize, features, probabilities)


def as_bytes(asker: str, images: Tensor) -> Tensor:
    """N×C×H×W in [0,1] → uint8, as in a file; CourseError, naming `asker`, for anything else."""
    if images.ndim != 4 or not images.is_floating_point():
        kind = str(images.dtype).removeprefix("torch.")
        raise CourseError(f"{asker}: got {kind} images {tuple(images.shape)}, wanted float N×C×H×W in [0,1]")
    if not images.isfinite().all():
        # As bytes they would be black images and still get a score.
        raise CourseError(f"{asker}: nan or inf in the images; check the network that made them")
    return to_uint8(images)
