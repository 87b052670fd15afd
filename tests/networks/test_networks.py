"""ResNet-18 against torchvision's; the course's classifier and sharpener by their promises."""

import pytest
import torch
import torchvision
from torch import nn

from course_lib.errors import CourseError
from course_lib.networks import FEATURES, Classifier, copy_weights, resnet18, sharpener


def test_resnet18_is_torchvisions():
    torch.manual_seed(0)
    theirs, ours = torchvision.models.resnet18(weights=None), resnet18()
    assert sum(parameter.numel() for parameter in ours.parameters()) == 11_689_512
    with torch.no_grad():  # norms away from the identity, so that their order shows
        for tensor in theirs.state_dict().values():
            if tensor.dtype.is_floating_point and tensor.ndim == 1:
                tensor.copy_(torch.rand_like(tensor) + 0.5)
    copy_weights(ours, theirs.state_dict())
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        wanted, got = theirs.eval()(x), ours.eval()(x)
    assert (got - wanted).abs().max() <= 1e-6 * max(1, wanted.abs().max())


def test_other_weights_are_refused_before_anything_changes():
    model = resnet18(classes=10)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(CourseError, match="wanted"):
        copy_weights(model, torchvision.models.resnet18(weights=None).state_dict())
    with pytest.raises(CourseError, match=r"got .* tensors"):
        copy_weights(model, torchvision.models.resnet34(weights=None).state_dict())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32), (1, 8)])
def test_classifier_shapes_and_features(channels, size):
    model = Classifier(classes=7, channels=channels).eval()
    x = torch.rand(2, channels, size, size)
    assert model(x).shape == (2, 7) and model.features(x).shape == (2, FEATURES) == (2, 128)
    torch.testing.assert_close(model(x), model.head(model.features(x)))


def test_sharpener_starts_as_the_identity_and_can_learn():
    model = sharpener()
    x = torch.rand(1, 3, 9, 9)
    assert torch.equal(model(x), x)
    model(x).square().sum().backward()
    last = [layer for layer in model.branch if isinstance(layer, nn.Conv2d)][-1]
    assert last.weight.grad.abs().sum() > 0
