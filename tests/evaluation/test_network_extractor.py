"""Any network as an extractor: what goes in, what comes out, and that the network is as before afterwards."""

import pytest
import torch
from torch import nn

from course_lib.errors import CourseError
from course_lib.evaluation import extract_features, network_extractor

CPU = torch.device("cpu")
MEANS = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())  # one feature a channel: its mean


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_it_says_what_it_is():
    extractor = network_extractor(MEANS, 3, "channel means", CPU)
    assert (extractor.name, extractor.dim, extractor.names.frechet) == ("channel means", 3, "FD")
    assert extractor.resize == "none, as they are" and extractor.probabilities is None
    said = network_extractor(MEANS, 3, "m", CPU, resize="8×8, box", probabilities=lambda f: f.softmax(1))
    assert said.resize == "8×8, box"
    torch.testing.assert_close(said.probabilities(torch.zeros(2, 4)), torch.full((2, 4), 0.25))


def test_features_are_the_networks_of_pictures_as_in_a_file():
    images = uniform(5, 3, 6, 4) * 1.2 - 0.1
    found = network_extractor(MEANS, 3, "means", CPU).features(images)
    wanted = (images.clamp(0, 1) * 255).round().div(255).mean(dim=(2, 3))
    torch.testing.assert_close(found, wanted)
    assert not torch.allclose(found, images.clamp(0, 1).mean(dim=(2, 3)), atol=1e-5, rtol=0)


def test_a_frechet_distance_from_end_to_end():
    extractor = network_extractor(MEANS, 1, "means", CPU)
    dark, bright = (torch.full((4, 1, 2, 2), level / 255) for level in (51, 102))
    one, other = (extract_features(images, extractor).gaussian for images in (dark, bright))
    assert one.distance(other) == pytest.approx(0.2**2, rel=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_only_asked(training):
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), *MEANS).train(training)
    network[1].eval()  # held, as in fine-tuning
    extractor = network_extractor(network, 4, "net", CPU)
    images, before = uniform(6, 1, 8, 8), {name: t.clone() for name, t in network.state_dict().items()}
    found = extractor.features(images)
    assert torch.equal(found, extractor.features(images)) and not found.requires_grad
    torch.testing.assert_close(found[:2], extractor.features(images[:2]))
    assert [part.training for part in network][:3] == [training, False, training]
    assert all(part.requires_grad for part in network.parameters())
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())


def test_it_moves_to_the_device():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), *MEANS)
    features = network_extractor(network, 2, "net", torch.device("meta")).features
    assert {part.device.type for part in network.parameters()} == {"meta"}
    assert features(uniform(3, 1, 8, 8)).shape == (3, 2)


class Says(nn.Module):
    """Answers with `answer`, whatever it is shown."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, _):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (torch.zeros(2, 5), r"returned \(2, 5\) for images \(2, 1, 8, 8\), wanted 2×4"),
        (torch.zeros(1, 4), r"returned \(1, 4\)"),
        (torch.zeros(2, 4, 1, 1), r"flatten\(1\)"),
        (torch.zeros(4), r"returned \(4,\)"),
        ((torch.zeros(2, 4), None), "returned a tuple for images"),
        (None, "returned a NoneType"),
    ],
)
def test_features_of_another_shape_get_one_line(answer, words):
    with pytest.raises(CourseError, match=words) as error:
        network_extractor(Says(answer), 4, "my net", CPU).features(uniform(2, 1, 8, 8))
    assert "\n" not in str(error.value) and str(error.value).startswith("my net: ")


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (uniform(1, 8, 8), "wanted float N×C×H×W"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.uint8), "uint8 images"),
        (uniform(2, 1, 8, 8) / 0, "nan or inf in the images"),
    ],
)
def test_what_are_no_pictures_gets_one_line(images, words):
    with pytest.raises(CourseError, match=words) as error:
        network_extractor(MEANS, 1, "means", CPU).features(images)
    assert "\n" not in str(error.value)


def test_dim_is_at_least_one():
    with pytest.raises(CourseError, match="dim = 0"):
        network_extractor(MEANS, 0, "means", CPU)
