"""What the networks say of themselves is what they are."""

import pytest
import torch
from torch import nn
from toy_pictures import pictures, shaken

from course_lib.errors import CourseError
from course_lib.networks import (
    as_generator,
    dcgan_generator,
    denoiser,
    inpainter,
    mlp_generator,
    residual_generator,
    sharpener,
    srcnn,
    super_resolver,
)
from course_lib.networks.facts import latent_size_of

RESTORERS = {
    "sharpener": sharpener(width=4),
    "denoiser": denoiser(width=4, depth=1),
    "gray denoiser": denoiser(channels=1, width=4, depth=2, fold=4),
    "super_resolver": super_resolver(width=4, depth=2),
    "super_resolver ×4": super_resolver(scale=4, width=4, depth=1),
    "srcnn": srcnn(channels=3),
}


@pytest.mark.parametrize("network", RESTORERS.values(), ids=RESTORERS)
def test_context_is_the_radius_of_the_receptive_field(network):
    """What lies further away has no gradient; what lies on the rim has some."""
    network = shaken(network)
    x = pictures(1, network.channels, 72, 72).requires_grad_()
    y = network(x)
    assert y.shape == (1, network.channels, 72 * network.scale, 72 * network.scale)
    # All output pixels of one fold: the first of them looks furthest up, the last furthest down.
    first, fold = 36, network.multiple
    rows = slice(first * network.scale, (first + fold) * network.scale)
    (slope,) = torch.autograd.grad(y[..., rows, rows].abs().sum(), x)
    seen = slope.abs().sum((0, 1, 3)).nonzero().flatten()
    reached = max(first - seen.min().item(), seen.max().item() - (first + fold - 1))
    assert reached <= network.context and reached > network.context - 2 * fold


@pytest.mark.parametrize(
    "network", [mlp_generator(), dcgan_generator(8), residual_generator()], ids=["mlp", "dcgan", "residual"]
)
def test_generators_say_how_long_their_noise_is(network):
    assert network.eval()(torch.zeros(2, network.latent_size)).shape == (2, 1, 28, 28)
    assert latent_size_of(network) == network.latent_size


def test_a_network_of_your_own_is_told():
    network = nn.Linear(3, 4)
    with pytest.raises(CourseError, match="Linear does not state its latent size"):
        latent_size_of(network)
    assert as_generator(network, 3) is network and latent_size_of(network) == 3


def test_an_inpainter_needs_a_mask():
    network = inpainter(channels=3, width=4, depth=1)
    assert (network.channels, network.needs_mask, network.scale, network.multiple) == (3, True, 1, 2)
    assert network(torch.zeros(1, 4, 9, 9)).shape == (1, 3, 9, 9)
