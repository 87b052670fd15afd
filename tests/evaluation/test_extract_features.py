"""One way from images to features: the network as for use, batch by batch, and as it was before."""

import pytest
import torch
from torch import nn

from course_lib.errors import CourseError
from course_lib.evaluation import Extractor, extract_features
from course_lib.networks import FEATURES, Classifier

IMAGES = torch.rand(23, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    return Classifier().train()


def test_the_network_is_in_evaluation_mode_whatever_the_batch(classifier):
    classifier.body[0].eval()  # a part that was frozen stays frozen
    modes = [part.training for part in classifier.modules()]
    extractor = Extractor("own", FEATURES, "none", classifier.features)
    whole, parts = (extract_features(IMAGES, extractor, batch_size=size) for size in (23, 5))
    torch.testing.assert_close(parts.vectors, whole.vectors, rtol=1e-4, atol=1e-5)
    assert [part.training for part in classifier.modules()] == modes and any(modes) and not all(modes)
    with torch.no_grad():
        wanted = classifier.eval().features(IMAGES)
    torch.testing.assert_close(whole.vectors, wanted)
    assert whole.vectors.shape == (23, FEATURES) and whole.probabilities is None
    torch.testing.assert_close(whole.gaussian.mu, wanted.double().mean(0))


def test_networks_and_functions_and_the_mode_after_an_error():
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5)).train()
    for features in (network, lambda x: x.flatten(1)):
        found = extract_features(IMAGES, Extractor("flat", 784, "none", features))
        torch.testing.assert_close(found.vectors, IMAGES.flatten(1))
    with pytest.raises(RuntimeError):
        extract_features(IMAGES, Extractor("broken", 784, "none", nn.Sequential(network, nn.Linear(3, 3)).forward))
    assert network.training and network[1].training


def test_no_images_is_one_line():
    with pytest.raises(CourseError, match="extract_features: got no images"):
        extract_features(IMAGES[:0], Extractor("flat", 784, "none", lambda x: x.flatten(1)))
