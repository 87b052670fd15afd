"""Partial convolution by its definition, pixel by pixel; gated convolution by its formula."""

import pytest
import torch
from torch.nn import functional

from course_lib.networks import GatedConv, PartialConv


def case(seed=0, stride=1):
    dice = torch.Generator().manual_seed(seed)
    x = torch.rand(2, 3, 9, 8, generator=dice)
    hole = (torch.rand(2, 1, 9, 8, generator=dice) < 0.6).float()
    hole[0, :, :5, :5] = 1  # wide enough for windows without a known pixel
    layer = PartialConv(3, 4, 3, stride)
    with torch.no_grad():
        layer.bias.uniform_(-1, 1, generator=dice)
    return x, hole, layer


@pytest.mark.parametrize("stride", [1, 2])
def test_partial_convolution_is_its_definition(stride):
    x, hole, layer = case(stride=stride)
    got, left = layer(x, hole)
    weight, bias = layer.conv.weight, layer.bias
    for n in range(2):
        for i, j in ((0, 0), (1, 1), (2, 3), (3, 2), (4, 3)):
            top, first = stride * i - 1, stride * j - 1
            total, known = torch.zeros(4), 0
            for a in range(3):
                for b in range(3):
                    row, column = top + a, first + b
                    if 0 <= row < 9 and 0 <= column < 8 and hole[n, 0, row, column] == 0:
                        total += weight[:, :, a, b] @ x[n, :, row, column]
                        known += 1
            want = total * 9 / known + bias if known else torch.zeros(4)
            torch.testing.assert_close(got[n, :, i, j], want)
            assert left[n, 0, i, j] == (known == 0)


def test_what_lies_in_a_hole_cannot_reach_the_output():
    x, hole, layer = case()
    clean, _ = layer(x, hole)
    spoiled, _ = layer(torch.where(hole == 1, torch.nan, x), hole)
    assert torch.equal(clean, spoiled)


def test_a_constant_stays_a_constant_beside_a_hole():
    _, hole, layer = case(1)
    with torch.no_grad():
        layer.conv.weight.fill_(1 / 27)
        layer.bias.zero_()
    got, left = layer(torch.full((2, 3, 9, 8), 0.7), hole)
    torch.testing.assert_close(got, (0.7 * (1 - left)).expand_as(got))


def test_a_hole_shrinks_by_the_radius():
    hole = torch.zeros(1, 1, 9, 9)
    hole[..., 2:7, 2:7] = 1
    _, left = PartialConv(1, 1)(torch.rand(1, 1, 9, 9), hole)
    assert left[..., 3:6, 3:6].all() and left.sum() == 9


def test_without_a_hole_inside_it_is_a_convolution():
    layer, x = PartialConv(2, 3), torch.rand(1, 2, 7, 7)
    got, left = layer(x, torch.zeros(1, 1, 7, 7))
    want = functional.conv2d(x, layer.conv.weight, layer.bias)
    torch.testing.assert_close(got[..., 1:-1, 1:-1], want)
    assert not left.any()


def test_gated_convolution_is_its_formula():
    layer, x = GatedConv(3, 4, stride=2), torch.rand(2, 3, 8, 8)
    both = functional.conv2d(x, layer.both.weight, layer.both.bias, 2, 1)
    want = functional.elu(both[:, :4]) * torch.sigmoid(both[:, 4:])
    torch.testing.assert_close(layer(x), want)
    assert layer(x).shape == (2, 4, 4, 4)
