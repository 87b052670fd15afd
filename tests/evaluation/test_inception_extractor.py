"""The FID Inception with random weights: against torchvision's own, its poolings by hand, its three ways in."""

import copy
import importlib

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.models import Inception3

from course_lib.errors import CourseError
from course_lib.evaluation import extract_features, inception, inception_input, inception_network, inception_weights
from course_lib.evaluation.inception_input import PREPARATIONS
from course_lib.evaluation.inception_network import InceptionNetwork
from course_lib.metrics import inception_score

CPU = torch.device("cpu")
BLOCKS = {"A": "AverageA", "C": "AverageC", "E": "AverageE", "last": "LargestE"}


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def scene(count, height, width=None, seed=0):
    """Soft patches of colour, in about [-1,1]: noise would be averaged away before it comes to the last blocks."""
    patches = uniform(count, 3, 5, 5, seed=seed) * 2 - 1
    return nn.functional.interpolate(patches, (height, width or height), mode="bicubic", align_corners=False)


@pytest.fixture(scope="module")
def network():
    """Random weights that keep the size of what passes, so that every block has its say in the features."""
    torch.manual_seed(0)
    network = InceptionNetwork()
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None  # the statistics of the one batch that follows
    nn.init.normal_(network.fc.bias)
    with torch.no_grad():
        network.train().features(scene(16, 107, seed=5))
    return network.eval().requires_grad_(False)


@pytest.fixture
def standard(network, monkeypatch):
    """`inception` with these weights for the released ones."""
    monkeypatch.setattr(inception_weights, "load_inception", lambda weights: network)
    return lambda resize="tensorflow": inception(CPU, resize=resize)


def torchvisions(network):
    theirs = Inception3(num_classes=1008, aux_logits=False, transform_input=False, init_weights=False)
    theirs.load_state_dict(network.state_dict())
    return theirs.eval().requires_grad_(False)


def its_features(theirs, pictures):
    """What torchvision's network hands to its head, and the logits."""
    found = []
    with theirs.fc.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0])):
        logits = theirs(pictures)
    return found[0], logits


def torchvisions_pool(x):
    return nn.functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1)


def windows(x, beyond):
    """All 3×3 windows around each pixel, N×C×H×W×9; `beyond` stands for what lies outside."""
    padded = nn.functional.pad(x, (1, 1, 1, 1), value=beyond)
    return padded.unfold(2, 3, 1).unfold(3, 3, 1).flatten(4)


# --- the network ---------------------------------------------------------------------------------------------------


def test_names_and_shapes_are_those_of_the_released_port(network):
    """pytorch-fid loads the release strictly into torchvision's modules, 1008 classes, no auxiliary head."""
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes == {name: tuple(t.shape) for name, t in torchvisions(network).state_dict().items()}
    assert shapes["Conv2d_1a_3x3.conv.weight"] == (32, 3, 3, 3)
    assert shapes["Mixed_5b.branch1x1.conv.weight"] == (64, 192, 1, 1)
    assert shapes["Mixed_6e.branch7x7dbl_5.bn.running_var"] == (192,)
    assert shapes["Mixed_7c.branch3x3_2b.conv.weight"] == (384, 384, 3, 1)
    assert shapes["fc.weight"] == (1008, 2048) and shapes["fc.bias"] == (1008,)
    assert not any(name.startswith("AuxLogits") for name in shapes)
    # The released file has 95,628,359 bytes: these numbers, and below 0.1 % for their names.
    assert 0 < 95_628_359 - sum(t.nbytes for t in network.state_dict().values()) < 95_628
    assert {part.eps for part in network.modules() if isinstance(part, nn.BatchNorm2d)} == {0.001}


@pytest.mark.parametrize(("count", "size"), [(1, 299), (3, 107)])
def test_with_torchvisions_poolings_it_is_torchvisions(network, monkeypatch, count, size):
    for block in BLOCKS.values():
        monkeypatch.setattr(getattr(inception_network, block), "pool", staticmethod(torchvisions_pool))
    pictures = scene(count, size)
    wanted, logits = its_features(torchvisions(network), pictures)
    found = network.features(pictures)
    assert found.shape == (count, 2048) and wanted.std() > 0.1
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    # The Inception Score's probabilities: as torchvision's, once the bias is taken out of the logits.
    unbiased = (logits - network.fc.bias).softmax(1)
    torch.testing.assert_close(network.probabilities(found), unbiased, atol=1e-6, rtol=1e-4)
    assert not torch.allclose(network.probabilities(found), logits.softmax(1), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("block", BLOCKS)
def test_each_pooling_tells(network, monkeypatch, block):
    pictures = scene(2, 107)
    before = network.features(pictures)
    monkeypatch.setattr(getattr(inception_network, BLOCKS[block]), "pool", staticmethod(torchvisions_pool))
    assert (network.features(pictures) - before).abs().max() > 1e-2


def test_the_poolings_by_hand():
    x = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0)) - 3
    assert inception_network.average(x)[1, 2, 0, 0] == pytest.approx(x[1, 2, :2, :2].mean().item(), rel=1e-6)
    assert inception_network.average(x)[1, 2, 4, 1] == pytest.approx(x[1, 2, 3:, :3].mean().item(), rel=1e-6)
    assert inception_network.largest(x)[0, 1, 0, 3] == x[0, 1, :2, 2:].max()
    torch.testing.assert_close(inception_network.average(x), windows(x, torch.nan).nanmean(-1))
    assert torch.equal(inception_network.largest(x), windows(x, -torch.inf).amax(-1))


def test_the_whole_network_is_torchvisions_with_the_poolings_put_in_by_hand(network):
    """Torchvision's own forward; hooks hand other pictures to the pooled branches of the nine blocks."""
    # In float64: windows are added up in another order, and fifty layers make more of what rounding does.
    ours, theirs, seen = copy.deepcopy(network).double(), torchvisions(network).double(), {}
    names = ["Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7b", "Mixed_7c"]
    for name in names:

        def remember(_, inputs, name=name):
            seen[name] = inputs[0]

        def instead(_, inputs, name=name):
            x = seen[name]
            return windows(x, -torch.inf).amax(-1) if name == "Mixed_7c" else windows(x, torch.nan).nanmean(-1)

        getattr(theirs, name).register_forward_pre_hook(remember)
        getattr(theirs, name).branch_pool.register_forward_pre_hook(instead)
    pictures = scene(2, 107, 139, seed=1).double()
    wanted, _ = its_features(theirs, pictures)
    assert len(seen) == 9
    torch.testing.assert_close(ours.features(pictures), wanted, atol=1e-10, rtol=1e-10)


# --- the ways in ---------------------------------------------------------------------------------------------------


def bilinear(picture, shift):
    """H×W → 299×299 in NumPy, pixel by pixel of each axis: output i lies at (i + shift)·H/299 − shift."""

    def weights(length):
        matrix = np.zeros((299, length))
        for i in range(299):
            place = min(max((i + shift) * length / 299 - shift, 0), length - 1)
            before = int(np.floor(place))
            matrix[i, before] += 1 - (place - before)
            matrix[i, min(before + 1, length - 1)] += place - before
        return matrix

    return weights(picture.shape[0]) @ picture @ weights(picture.shape[1]).T


def pillow(picture):
    return np.asarray(Image.fromarray(picture.astype(np.float32)).resize((299, 299), Image.Resampling.BICUBIC))


REFERENCES = {
    "tensorflow": (lambda p: bilinear(p, 0.0), inception_input.tensorflow_bilinear),
    "torch": (lambda p: bilinear(p, 0.5), inception_input.torch_bilinear),
    "antialiased": (pillow, inception_input.pillow_bicubic),
}
SIZES = [(28, 28), (32, 48), (13, 23), (1, 1), (1, 7), (299, 299), (298, 300), (640, 410)]


@pytest.mark.parametrize("resize", REFERENCES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_each_resize_is_the_direct_formulas(resize, size):
    picture = (uniform(*size) * 255).round()
    reference, ours = REFERENCES[resize]
    found = ours(picture[None, None])[0, 0].double().numpy()
    # Of 255. Places are held in float32: up to 640, half a unit in the last digit is 3e-5 of a pixel.
    np.testing.assert_allclose(found, reference(picture.double().numpy()), atol=0.03, rtol=0)


def test_tensorflows_grid_starts_in_the_corner_and_stops_before_the_end():
    ramp = torch.arange(30.0)[None, None, None].expand(1, 1, 4, 30)
    places = torch.arange(299) * 30 / 299
    found = inception_input.tensorflow_bilinear(ramp)
    torch.testing.assert_close(found[0, 0, 7], places.clamp(max=29), atol=1e-4, rtol=0)
    assert found[0, 0, 0, 0] == 0 and (found[0, 0, 0, -9:] == 29).all()
    # Shrunk by 2, it takes every other pixel: stripes vanish. An antialiased way makes them grey.
    stripes = torch.tensor([0.0, 255.0]).repeat(299).expand(1, 1, 598, 598)
    assert (inception_input.tensorflow_bilinear(stripes) == 0).all()
    assert (inception_input.pillow_bicubic(stripes)[..., 4:-4] - 127.5).abs().max() < 16


def test_pictures_of_the_right_size_are_left_alone():
    picture = (uniform(2, 3, 299, 299) * 255).round()
    for preparation in PREPARATIONS.values():
        torch.testing.assert_close(preparation.resize(picture), picture, atol=1e-4, rtol=0)


def test_values_arrive_as_published():
    black_grey_white = torch.tensor([0.0, 128.0, 255.0]).view(3, 1, 1, 1).expand(3, 1, 8, 8)
    for resize, wanted in {
        "tensorflow": (-1, 0, 127 / 128),
        "torch": (-1, 2 * 128 / 255 - 1, 1),
        "antialiased": (-1, 0, 127 / 128),
    }.items():
        found = PREPARATIONS[resize](black_grey_white)
        assert found.shape == (3, 3, 299, 299)
        torch.testing.assert_close(found[:, :, 150, 150].mean(1), torch.tensor(wanted).float(), atol=1e-6, rtol=0)


# --- the extractor -------------------------------------------------------------------------------------------------


def test_it_says_what_it_is(standard):
    said = {resize: standard(resize) for resize in PREPARATIONS}
    assert {resize: extractor.names.frechet for resize, extractor in said.items()} == {
        "tensorflow": "FID",
        "torch": "FID (pytorch-fid)",
        "antialiased": "FID (clean-fid)",
    }
    for resize, extractor in said.items():
        assert extractor.name == "Inception 2015-12-05, 2048 features" and extractor.dim == 2048
        assert "299×299" in extractor.resize and "antialiased" in extractor.resize
        assert ("not antialiased" in extractor.resize) == (resize != "antialiased")
        assert ("bicubic" if resize == "antialiased" else "bilinear") in extractor.resize


def test_from_pictures_to_features_and_probabilities(network, standard, monkeypatch):
    # The package hands out the function of that name, so the module is asked for by its path.
    monkeypatch.setattr(importlib.import_module("course_lib.evaluation.inception"), "BATCH", 2)
    extractor, images = standard(), uniform(3, 3, 24, 32)
    found = extractor.features(images)
    pictures = inception_input.tensorflow_bilinear((images * 255).round())
    torch.testing.assert_close(found, network.features((pictures - 128) / 128), atol=1e-4, rtol=1e-4)
    assert found.shape == (3, 2048) and found.dtype == torch.float32 and not found.requires_grad
    probabilities = extractor.probabilities(found)
    assert probabilities.shape == (3, 1008) and 1 <= inception_score(probabilities) <= 3
    torch.testing.assert_close(probabilities, (found @ network.fc.weight.T).softmax(1))
    whole = extract_features(images, extractor, batch_size=2)
    torch.testing.assert_close(whole.vectors, found, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(whole.probabilities, probabilities)


def test_grey_is_three_equal_channels_and_pictures_are_rounded_as_in_a_file(standard):
    features, grey = standard().features, uniform(1, 1, 20, 20)
    both = features(torch.cat([grey.expand(1, 3, 20, 20), ((grey * 255).round() / 255).expand(1, 3, 20, 20)]))
    torch.testing.assert_close(features(grey), both[:1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(both[0], both[1], atol=0, rtol=0)


def test_neither_autocast_nor_tf32_reaches_it(network, standard):
    before, seen = torch.backends.cudnn.allow_tf32, []
    features, images = standard().features, uniform(1, 3, 16, 16)
    wanted = features(images)
    hook = network.Mixed_7c.register_forward_pre_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    with hook, torch.autocast("cpu", dtype=torch.bfloat16):
        found = features(images)
    assert found.dtype == torch.float32 and torch.equal(found, wanted)
    assert seen == [False] and torch.backends.cudnn.allow_tf32 is before


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (uniform(2, 2, 16, 16), r"\(2, 2, 16, 16\), wanted N×1×H×W or N×3×H×W"),
        (uniform(0, 3, 16, 16), "at least one"),
        (uniform(2, 3, 0, 16), "at least one"),
        (uniform(3, 16, 16), "wanted float N×C×H×W"),
        ((uniform(2, 3, 16, 16) * 255).byte(), r"uint8 images .*wanted float N×C×H×W in \[0,1\]"),
        (uniform(2, 3, 16, 16) / 0, "nan or inf"),
    ],
)
def test_what_are_no_pictures_gets_one_line(standard, images, words):
    with pytest.raises(CourseError, match=words) as error:
        standard().features(images)
    assert "\n" not in str(error.value)


def test_another_way_in_is_refused():
    with pytest.raises(CourseError, match="resize = 'clean', wanted one of tensorflow, torch, antialiased"):
        inception(CPU, resize="clean")
