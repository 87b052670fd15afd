"""The geometric self-ensemble: what commutes with turns stays, what does not is made to, at any size and scale."""

import pytest
import torch
from torch import nn
from toy_pictures import pictures, shaken

from course_lib.degradations import Holes
from course_lib.images import resize, self_ensemble, split_hole, turned
from course_lib.networks import denoiser, inpainter, super_resolver

NETWORKS = {
    "same size": lambda: shaken(denoiser(width=8, depth=1)),
    "twice": lambda: shaken(super_resolver(2, width=8, depth=1)),
    "four times": lambda: shaken(super_resolver(4, width=8, depth=1)),
}


def test_it_is_the_mean_of_eight_written_out():
    network, y = nn.Conv2d(1, 1, 3, padding=1).requires_grad_(False), pictures(2, 1, 5, 7)
    answers = []
    for quarter in range(4):
        for mirror in (False, True):
            asked = y.flip(-1) if mirror else y
            answer = torch.rot90(network(torch.rot90(asked, quarter, (2, 3))), -quarter, (2, 3))
            answers.append(answer.flip(-1) if mirror else answer)
    torch.testing.assert_close(self_ensemble(network, y), torch.stack(answers).mean(0))


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_what_commutes_with_turns_is_left_as_it_is(scale):
    y = pictures(2, 3, 9, 14)
    got = self_ensemble(lambda x: resize(x, scale), y)
    assert got.shape == (2, 3, 9 * scale, 14 * scale)
    torch.testing.assert_close(got, resize(y, scale), atol=1e-6, rtol=0)
    # Pixel by pixel there is nothing to round: the sum in pairs gives eight equal numbers back bit for bit.
    assert torch.equal(self_ensemble(torch.sqrt, y), y.sqrt())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(12, 12), (11, 14)])
def test_the_ensemble_commutes_with_turns_and_its_network_does_not(name, size):
    network, y = NETWORKS[name](), pictures(1, 3, *size)
    whole = self_ensemble(network, y)
    for way in range(1, 8):
        torch.testing.assert_close(self_ensemble(network, turned(y, way)), turned(whole, way), atol=1e-6, rtol=0)
        assert (network(turned(y, way)) - turned(network(y), way)).abs().max() > 1e-4


def test_it_is_never_further_off_than_the_eight_are_on_average():
    """Squared error is convex, so the mean's is at most the mean of errors: what the ensemble rests on."""
    network, y, target = NETWORKS["twice"](), pictures(1, 3, 10, 12), pictures(1, 3, 20, 24, seed=1)
    errors = [(network(turned(y, way)) - turned(target, way)).square().mean() for way in range(8)]
    assert (self_ensemble(network, y) - target).square().mean() < torch.stack(errors).mean()


def test_known_pixels_stay_bit_for_bit():
    x = pictures(2, 1, 28, 28)
    y = Holes("box", share=(0.2, 0.3))(x, generator=torch.Generator().manual_seed(1))
    known = split_hole(y)[1] == 0
    assert torch.equal(self_ensemble(shaken(inpainter(width=8, depth=1)), y)[known], x[known])
