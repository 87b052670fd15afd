"""From a set of images to its features, in the same way for every extractor."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from tqdm import tqdm

from course_lib.errors import CourseError
from course_lib.evaluation.extractor import Extractor
from course_lib.metrics import Gaussian
from course_lib.system.evaluation_mode import evaluating


@dataclass(frozen=True, eq=False)
class Features:
    """The features of a set of images, on the CPU: keep those of the reference for many comparisons.

    vectors: N×d. probabilities: N×K, a softmax in each row; None if the extractor has no classes. `gaussian` is the
    mean and covariance of the vectors, computed on first use and kept. Chapter 04.
    """

    vectors: Tensor
    probabilities: Tensor | None = None

    @cached_property
    def gaussian(self) -> Gaussian:
        return Gaussian.of(self.vectors)


def extract_features(images: Tensor, extractor: Extractor, batch_size: int = 100) -> Features:
    """The extractor's features of images N×C×H×W in [0,1], N ≥ 1, batch by batch on the extractor's own device.

    The network runs in evaluation mode without gradients; its mode is restored afterwards. Raises CourseError for
    no images, or (from the extractor) for images that it does not accept. Chapter 04.
    """
    if not len(images):
        raise CourseError("extract_features: got no images; give N×C×H×W with N of at least 1")
    network = getattr(extractor.features, "__self__", extractor.features)
    network = network if isinstance(network, nn.Module) else nn.Identity()
    device = next((weight.device for weight in network.parameters()), images.device)
    vectors, probabilities = [], []
    with evaluating(network):
        # The progress bar appears only in a terminal, not in a notebook or a log.
        for batch in tqdm(images.split(batch_size), extractor.names.frechet, delay=5, leave=False, disable=None):
            found = extractor.features(batch.to(device))
            vectors.append(found.cpu())
            if extractor.probabilities:
                probabilities.append(extractor.probabilities(found).cpu())
    return Features(torch.cat(vectors), torch.cat(probabilities) if probabilities else None)
