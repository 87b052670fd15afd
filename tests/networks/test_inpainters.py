"""Two more inpainters: an encoder–decoder of partial and one of gated convolutions, both from the mean fill on."""

import sys

import pytest
import torch
from toy_pictures import pictures, shaken

from course_lib import recipes
from course_lib.degradations import Holes, mean_fill
from course_lib.images import split_hole, with_hole
from course_lib.networks import EncoderDecoder, GatedLayer, PartialLayer, gated_inpainter, inpainter, partial_inpainter

CPU = torch.device("cpu")
BOTH = [partial_inpainter, gated_inpainter]


def with_box(x, seed=0):
    return Holes("box", share=(0.2, 0.3))(x, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("made", BOTH)
@pytest.mark.parametrize("size", [(28, 28), (27, 29), (4, 5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_known_pixels_stay_and_missing_ones_are_filled(made, size, channels):
    x = pictures(3, channels, *size)
    y = with_box(x, 1)
    answer, hole = shaken(made(channels, width=4))(y), split_hole(y)[1].expand_as(x) == 1
    assert answer.shape == x.shape and answer.isfinite().all()
    assert torch.equal(answer[~hole], x[~hole])
    assert not torch.equal(answer[hole], mean_fill(*split_hole(y))[hole])


@pytest.mark.parametrize("made", BOTH)
def test_untrained_they_are_the_mean_fill(made):
    y = with_box(pictures(4, 1, 28, 28))
    assert torch.equal(made(width=4)(y), mean_fill(*split_hole(y)))


@pytest.mark.parametrize("what", [float("nan"), float("inf"), 1e9])
def test_what_stands_in_the_hole_cannot_reach_the_partial_answer(what):
    network, y = shaken(partial_inpainter(width=4)), with_box(pictures(2, 1, 28, 28))
    spoiled = torch.cat([torch.where(y[:, 1:] == 1, what, y[:, :1]), y[:, 1:]], dim=1)
    assert torch.equal(network(spoiled), network(y))


def test_what_stands_in_the_hole_reaches_the_gated_answer_and_no_known_pixel():
    """It learns what a hole is, and nothing forces it; but whatever it says, known pixels stay."""
    x = pictures(2, 1, 28, 28)
    network, y = shaken(gated_inpainter(width=4)), with_box(x)
    known = y[:, 1:] == 0
    spoiled = torch.cat([torch.where(known, y[:, :1], 1.0), y[:, 1:]], dim=1)
    answer = network(spoiled)
    assert not torch.equal(answer, network(y)) and torch.equal(answer[known], x[known])


def test_the_hole_shrinks_layer_by_layer_until_nothing_is_left():
    body = EncoderDecoder(PartialLayer, 1, 2)
    hole = torch.zeros(1, 1, 28, 28)
    hole[..., 6:22, 6:22] = 1
    seen = []
    for layer in [body.head, *body.down, *body.bottom, *body.up]:
        layer.register_forward_hook(lambda _, given, answer: seen.append((given[1].mean(), answer[1].mean())))
    features, left = body(pictures(1, 1, 28, 28), hole)
    assert features.shape == (1, 2, 28, 28) and not left.any()
    shares = [share.item() for pair in seen for share in pair]
    assert seen[0][1] < seen[0][0] and shares == sorted(shares, reverse=True)


def test_far_inside_a_hole_that_is_too_wide_the_mean_stays():
    x = pictures(1, 1, 96, 96)
    hole = torch.zeros(1, 1, 96, 96)
    hole[..., 4:92, 4:92] = 1
    y = with_hole(x, hole)
    answer, mean = shaken(partial_inpainter(width=4))(y), mean_fill(*split_hole(y))
    assert torch.equal(answer[..., 44:52, 44:52], mean[..., 44:52, 44:52])
    assert not torch.equal(answer[..., 4:8, 4:8], mean[..., 4:8, 4:8])


def test_gated_layers_see_no_hole_but_their_input():
    layer, x = GatedLayer(2, 3), pictures(1, 2, 8, 8)
    one, none = layer(x, torch.ones(1, 1, 8, 8)), layer(x, torch.zeros(1, 1, 8, 8))
    assert torch.equal(one[0], none[0]) and not one[1].any()


def test_the_three_have_about_as_many_weights():
    counts = [sum(weight.numel() for weight in made().parameters()) for made in (inpainter, *BOTH)]
    assert max(counts) < 1.25 * min(counts)


@pytest.mark.parametrize("made", BOTH)
def test_a_few_steps_help(made, monkeypatch):
    monkeypatch.setattr(sys.modules["course_lib.recipes.inpaint"], "JUDGED", 40)
    torch.manual_seed(0)
    run = recipes.inpaint(device=CPU, network=made(width=8))
    before = {metric.name: metric.value for metric in run.evaluate()}
    run.trainer.run(steps=30)
    after = {metric.name: metric.value for metric in run.evaluate()}
    assert before["PSNR network"] == before["PSNR mean fill"] == after["PSNR mean fill"]
    assert after["PSNR network"] > before["PSNR network"] + 0.5
    assert run.config is None and recipes.inpaint(device=CPU).config is not None
