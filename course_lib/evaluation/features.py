"""From a set of images to its features: the one way, whatever the extractor."""

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
    """What an extractor makes of a set of images, on the CPU: keep those of the reference for many comparisons.

    vectors: N×d. probabilities: N×K, a softmax in each row; None where the extractor has no classes. `gaussian` is
    their mean and covariance, computed when first asked for and kept. Chapter 04.
    """

    vectors: Tensor
    probabilities: Tensor | None = None

    @cached_property
    def gaussian(self) -> Gaussian:
        return Gaussian.of(self.vectors)


def extract_features(images: Tensor, extractor: Extractor, batch_size: int = 100) -> Features:
    """The extractor's features of images N×C×H×W in [0,1], N ≥ 1, batch by batch on the extractor's own device.

    Its network is in evaluation mode meanwhile, without gradients, and as before afterwards. Raises CourseError for
    no images, or (from the extractor) for images that it does not take. Chapter 04.
    """
    if not len(images):
        raise CourseError("extract_features: no images came; give N×C×H×W with N of at least 1")
    network = getattr(extractor.features, "__self__", extractor.features)
    network = network if isinstance(network, nn.Module) else nn.Identity()
    device = next((weight.device for weight in network.parameters()), images.device)
    vectors, probabilities = [], []
    with evaluating(network):
        # For those who wait at a terminal only: a notebook or a log gets no bar.
        for batch in tqdm(images.split(batch_size), extractor.names.frechet, delay=5, leave=False, disable=None):
            found = extractor.features(batch.to(device))
            vectors.append(found.cpu())
            if extractor.probabilities:
                probabilities.append(extractor.probabilities(found).cpu())
    return Features(torch.cat(vectors), torch.cat(probabilities) if probabilities else None)
