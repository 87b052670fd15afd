"""Holes: shares kept by every seed, known pixels untouched; the fillings by their definitions."""

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_erosion, label
from skimage.restoration import inpaint_biharmonic

from course_lib.data import load
from course_lib.degradations import Holes, biharmonic, mean_fill
from course_lib.errors import CourseError
from course_lib.images import split_hole, with_hole
from course_lib.metrics import psnr

KINDS = ("box", "strokes", "scratches")


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "share"), [((28, 28), (0.1, 0.25)), ((33, 57), (0.05, 0.06)), ((17, 5), (0.3, 0.7))])
def test_every_hole_has_its_share(kind, size, share):
    op = Holes(kind, share)
    for seed in range(20):
        hole = op.hole((10, 3, *size), dice(seed))
        assert hole.shape == (10, 1, *size) and hole.dtype == torch.float32
        assert ((hole == 0) | (hole == 1)).all()
        counts = hole.sum(dim=(1, 2, 3)) / (size[0] * size[1])
        assert counts.min() >= share[0] - 1e-6 and counts.max() <= share[1] + 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_shares_spread_over_the_range(kind):
    shares = Holes(kind, (0.1, 0.3)).hole((400, 3, 32, 32), dice()).mean(dim=(1, 2, 3))
    assert abs(shares.mean() - 0.2) < 0.012 and abs(shares.std() - 0.2 / 12**0.5) < 0.008


@pytest.mark.parametrize("kind", KINDS)
def test_one_share_exactly(kind):
    assert (Holes(kind, (0.25, 0.25)).hole((8, 3, 20, 20), dice()).sum(dim=(1, 2, 3)) == 100).all()
    # 0.07 · 10 · 10 is 7.000000000000001 to a computer, 0.57 · 10 · 10 is 56.99999999999999.
    for percent in (7, 57):
        share = (percent / 100, percent / 100)
        assert (Holes("strokes", share).hole((2, 1, 10, 10), dice()).sum(dim=(1, 2, 3)) == percent).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_and_nothing_else(kind):
    op, x = Holes(kind), torch.rand(5, 3, 24, 20)
    y = op(x, generator=dice(3))
    assert torch.equal(y, op(x, generator=dice(3)))
    assert not torch.equal(y, op(x, generator=dice(4)))
    assert torch.equal(split_hole(y)[1], op.hole(x.shape, dice(3)))
    running = dice(3)
    assert torch.equal(torch.cat([op(x[:2], generator=running), op(x[2:], generator=running)]), y)
    holes = [tuple(hole.flatten().tolist()) for hole in split_hole(y)[1]]
    assert len(set(holes)) == len(holes)


def test_boxes_are_boxes_everywhere():
    holes = Holes("box", (0.1, 0.3)).hole((2000, 1, 20, 30), dice())[:, 0]
    for hole in holes.numpy():
        rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert hole.sum() == height * width and max(height / width, width / height) <= 2
    # Reached are all pixels, the corners as well, and the middle most often.
    often = holes.mean(dim=0)
    assert often.min() > 0 and often[10, 15] > 3 * often[0, 0]


def test_strokes_are_thick_and_scratches_thin():
    strokes, scratches = (Holes(kind, (0.05, 0.1)).hole((20, 1, 64, 64), dice())[:, 0] == 1 for kind in KINDS[1:])

    def inner(holes):
        """Share of missing pixels all of whose neighbours are missing."""
        return np.mean([binary_erosion(hole, np.ones((3, 3))).sum() / hole.sum() for hole in holes.numpy()])

    assert inner(strokes) > 0.3 and inner(scratches) < 0.05
    # A line hangs together: few pieces, not dots.
    assert np.mean([label(h, np.ones((3, 3)))[1] for h in scratches.numpy()]) < 6


def test_the_last_dab_is_cut_round():
    # Five pixels of a disc are its middle and the four beside it, unless the border is near.
    holes = Holes("strokes", (5 / 4096, 5 / 4096)).hole((50, 1, 64, 64), dice())[:, 0]
    crosses = [np.ptp(np.argwhere(hole), axis=0).tolist() == [2, 2] for hole in holes.numpy()]
    assert holes.sum() == 250 and np.mean(crosses) > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_known_pixels_are_untouched_and_missing_ones_gone(kind):
    x = torch.rand(3, 3, 24, 24)
    y = Holes(kind)(x, generator=dice())
    assert y.shape == (3, 4, 24, 24)
    picture, hole = split_hole(y)
    missing = (hole == 1).expand_as(x)
    assert torch.equal(picture[~missing], x[~missing]) and (picture[missing] == 0).all()


@pytest.mark.parametrize("fill", [mean_fill, biharmonic])
@pytest.mark.parametrize("kind", KINDS)
def test_fillings_return_known_pixels_bit_for_bit(kind, fill):
    # Also beyond [0,1], and whatever stands in the hole.
    x = torch.rand(2, 3, 24, 24) * 1.4 - 0.2
    hole = Holes(kind).hole(x.shape, dice())
    spoiled = torch.where(hole == 1, torch.tensor([float("nan"), 1e9]).view(2, 1, 1, 1), x)
    filled = fill(spoiled, hole)
    missing = (hole == 1).expand_as(x)
    assert torch.equal(filled[~missing], x[~missing]) and filled.isfinite().all()
    torch.testing.assert_close(filled, fill(x, hole))


def test_mean_fill_by_hand():
    y = torch.tensor([[[[0.1, 0.3], [0.8, 9.0]], [[0.0, 0.0], [0.6, 9.0]]]])
    hole = torch.tensor([[[[0.0, 0.0], [0.0, 1.0]]]])
    wanted = torch.tensor([[[[0.1, 0.3], [0.8, 0.4]], [[0.0, 0.0], [0.6, 0.2]]]])
    torch.testing.assert_close(mean_fill(y, hole), wanted)


@pytest.mark.parametrize("channels", [1, 3])
def test_biharmonic_is_scikit_images(channels):
    x = torch.rand(2, channels, 20, 24)
    op = Holes("strokes")
    y = op(x, generator=dice())
    picture, hole = split_hole(y)
    for i, answer in enumerate(op.baseline(y)):
        known = picture[i].permute(1, 2, 0).double().numpy()
        wanted = inpaint_biharmonic(known, hole[i, 0].numpy() == 1, channel_axis=-1)
        torch.testing.assert_close(answer, torch.tensor(wanted).permute(2, 0, 1).float(), atol=1e-6, rtol=0)


def test_biharmonic_is_exact_enough_for_wide_holes():
    x, hole = torch.rand(1, 1, 90, 90, generator=dice()), torch.zeros(1, 1, 90, 90)
    hole[..., 10:80, 10:80] = 1
    wanted = torch.tensor(inpaint_biharmonic(x[0, 0].double().numpy(), hole[0, 0].numpy() == 1))
    torch.testing.assert_close(biharmonic(x, hole)[0, 0], wanted.float(), atol=1e-6, rtol=0)


def test_biharmonic_mends_scratches_best_and_a_slope_exactly():
    slope = torch.linspace(0, 1, 24).expand(1, 1, 24, 24) * 0.5 + torch.linspace(0, 1, 24)[:, None] * 0.5
    hole = torch.zeros(1, 1, 24, 24)
    hole[..., 6:14, 8:16] = 1
    torch.testing.assert_close(biharmonic(slope, hole), slope, atol=1e-5, rtol=0)
    x = load("photos", "test", limit=1)[0][0][None, :, 60:124, 100:164]
    y = Holes("scratches", (0.04, 0.05))(x, generator=dice())
    assert psnr(biharmonic(*split_hole(y)), x) > psnr(mean_fill(*split_hole(y)), x) + 8


def test_nothing_missing():
    x, hole = torch.rand(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    assert torch.equal(mean_fill(x, hole), x) and torch.equal(biharmonic(x, hole), x)


def test_a_hole_of_your_own():
    x = torch.rand(2, 3, 8, 8, requires_grad=True)
    hole = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    hole[..., 2:4, 2:4] = True
    y = with_hole(x, hole)
    assert y.shape == (2, 4, 8, 8) and (y[:, -1].sum(dim=(1, 2)) == 4).all()
    y[:, :3].sum().backward()
    assert torch.equal(x.grad, (~hole).float().expand_as(x))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_holes_on_the_gpu(kind):
    x = torch.rand(2, 3, 16, 16)
    y = Holes(kind)(x.cuda(), generator=dice())
    assert y.is_cuda and torch.equal(y.cpu(), Holes(kind)(x, generator=dice()))
    for fill in (mean_fill, biharmonic):
        torch.testing.assert_close(fill(*split_hole(y)).cpu(), fill(*split_hole(y.cpu())))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Holes("circle"), "wanted one of box, strokes, scratches"),
        (lambda: Holes("box", (0.3, 0.2)), "0 < low <= high < 1"),
        (lambda: Holes("box", (0, 0.2)), "0 < low <= high < 1"),
        (lambda: Holes("box", (0.5, 1)), "0 < low <= high < 1"),
        (lambda: Holes("box", 0.2), "0 < low <= high < 1"),
        (lambda: Holes("box", (0.29, 0.29)).hole((1, 3, 10, 10)), "no box of whole pixels"),
        (lambda: Holes("strokes", (0.001, 0.002)).hole((1, 3, 10, 10)), "no strokes of whole pixels"),
        (lambda: Holes()(torch.rand(3, 8, 8)), "wanted N×C×H×W"),
        (lambda: with_hole(torch.rand(2, 3, 8, 8), torch.zeros(2, 3, 8, 8)), "wanted N×1×H×W"),
        (lambda: with_hole(torch.rand(2, 3, 8, 8), torch.zeros(3, 1, 8, 8)), "wanted N×1×H×W"),
        (lambda: with_hole(torch.rand(1, 3, 8, 8), torch.full((1, 1, 8, 8), 0.5)), "mask > 0.5"),
        (lambda: split_hole(torch.rand(1, 1, 8, 8)), "image and hole"),
        (lambda: mean_fill(torch.rand(1, 3, 8, 8), torch.zeros(1, 8, 8)), "wanted N×1×H×W"),
        (lambda: mean_fill(torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8)), "upside down"),
        (lambda: biharmonic(torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8)), "upside down"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(CourseError, match=said):
        call()
