"""The course's own feature extractor: chapter 01's garment classifier, trained for longer."""

import torch
from torch import Tensor, nn

from course_lib.data import data_dir
from course_lib.errors import CourseError
from course_lib.evaluation.extractor import Extractor, ScoreNames
from course_lib.evaluation.features import Features, extract_features
from course_lib.images import eight_bits
from course_lib.networks import FEATURES, Classifier
from course_lib.system.checkpoint import load_weights

EXTRACTOR = f"course classifier, {FEATURES} features"


class GarmentFeatures(nn.Module):
    """Images N×1×28×28 in [0,1] → N×128 features of the classifier in data/checkpoints: what FD-clf compares.

    Images are first rounded to 8 bits, as they are in a file, so that a tanh's almost-black background counts as black.
    Raises CourseError for images of another shape. Chapter 03 (04 asks what such a score is worth).
    """

    def __init__(self, device: torch.device):
        super().__init__()
        folder = data_dir() / "checkpoints" / "classifier"
        self.classifier = Classifier()
        load_weights(self.classifier, folder / "model.safetensors")
        # The channels-last layout takes a quarter less time on a CPU.
        self.classifier.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        if images.ndim != 4 or images.shape[1:] != (1, 28, 28):
            raise CourseError(f"GarmentFeatures: got images {tuple(images.shape)}, wanted N×1×28×28 in [0,1]")
        return self.classifier.features(eight_bits(images).contiguous(memory_format=torch.channels_last))


def fd_clf(real: Tensor | Features, fake: Tensor, device: torch.device) -> float:
    """Fréchet distance between two sets of garments, on the course's own features: "FD-clf", 0 for equal sets.

    real, fake: N×1×28×28 in [0,1]; `real` may also be features, extracted once for many comparisons. Not comparable
    with any published FID, because the extractor and its scale are different. Chapter 03.
    """
    extractor = garments(device)
    if isinstance(real, Tensor):
        real = extract_features(real, extractor)
    return real.gaussian.distance(extract_features(fake, extractor).gaussian)


def garments(device: torch.device) -> Extractor:
    """The course's own extractor: gray 28×28 garments without resizing, 128 features, ten classes. Chapter 04."""
    network = GarmentFeatures(device)

    @torch.no_grad()
    def probabilities(features: Tensor) -> Tensor:
        return network.classifier.head(features).softmax(1)

    names = ScoreNames("FD-clf", "KD-clf", "IS-clf")
    return Extractor(EXTRACTOR, FEATURES, "none, 28×28 as they are", network, probabilities, names)
