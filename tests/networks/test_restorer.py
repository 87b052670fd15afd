"""The networks that mend: untrained they give the classical answer exactly, tiles change nothing, and they learn."""

import pytest
import torch
from toy_pictures import pictures, shaken

from course_lib import recipes
from course_lib.data import AlignedCrops, clean_photographs
from course_lib.degradations import Downsample, Holes, mean_fill
from course_lib.errors import CourseError
from course_lib.images import by_tiles, eight_bits, recoloured, resize, split_hole, turned, turned_back
from course_lib.metrics import hole_psnr
from course_lib.networks import AnySize, ZeroMeanConv, denoiser, inpainter, long_body, srcnn, super_resolver

CPU = torch.device("cpu")


@pytest.mark.parametrize("size", [(24, 24), (25, 31), (2, 2), (1, 1)])
def test_an_untrained_denoiser_gives_the_noisy_picture_back(size):
    y = pictures(2, 3, *size) + 0.1
    assert torch.equal(denoiser(width=8, depth=1)(y), y)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_an_untrained_super_resolver_is_bicubic(scale):
    y = pictures(2, 3, 13, 9)
    assert torch.equal(super_resolver(scale, width=8, depth=1)(y), resize(y, scale))


def test_an_untrained_inpainter_is_the_mean_fill():
    y = Holes("box", share=(0.2, 0.3))(pictures(4, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    assert torch.equal(inpainter(width=8, depth=1)(y), mean_fill(*split_hole(y)))


@pytest.mark.parametrize("size", [(28, 28), (27, 29)])
def test_known_pixels_come_back_bit_for_bit(size):
    x = pictures(3, 3, *size)
    y = Holes("strokes", share=(0.2, 0.3))(x, generator=torch.Generator().manual_seed(1))
    answer, hole = shaken(inpainter(3, width=8, depth=1))(y), split_hole(y)[1].expand_as(x) == 1
    assert torch.equal(answer[~hole], x[~hole])
    assert not torch.equal(answer[hole], x[hole])


def test_what_stands_in_a_hole_does_not_matter():
    network = shaken(inpainter(width=8, depth=1))
    y = Holes("box", share=(0.2, 0.3))(pictures(2, 1, 28, 28), generator=torch.Generator().manual_seed(2))
    picture, hole = split_hole(y)
    assert torch.equal(picture * hole, torch.zeros_like(picture))
    assert network(y).isfinite().all()


def test_any_size_crops_what_it_has_added():
    seen = []

    def network(y):
        seen.append(tuple(y.shape))
        return y.repeat_interleave(2, -1).repeat_interleave(2, -2)

    y = pictures(1, 3, 5, 6)
    got = AnySize(network, multiple=4, scale=2)(y)
    assert seen == [(1, 3, 8, 8)] and torch.equal(got, network(y))


def test_srcnn_has_the_papers_weights_and_size():
    assert sum(weight.numel() for weight in srcnn().parameters()) == 57_281
    assert srcnn(3)(pictures(1, 1, 6, 7)).shape == (1, 1, 18, 21)


def test_the_long_shortcut_carries_the_input():
    body = long_body(4, 2)
    with torch.no_grad():
        body.branch[-1].weight.zero_(), body.branch[-1].bias.zero_()
    x = pictures(1, 4, 5, 5)
    assert torch.equal(body(x), x)


@pytest.mark.parametrize("name", ["denoise", "super_resolution"])
def test_tiles_are_the_whole_and_one_pixel_less_of_context_is_not(name):
    run = recipes.RECIPES[name](device=CPU)
    network, picture = shaken(run.model), pictures(3, 70, 75, seed=3)

    def tiled(context):
        limits = {"scale": network.scale, "multiple": network.multiple, "tile": 16, "overlap": context}
        with torch.no_grad():
            return by_tiles(network, picture, **limits)

    with torch.no_grad():
        whole = network(picture[None])[0]
    torch.testing.assert_close(tiled(network.context), whole, atol=1e-5, rtol=0)
    # Tiles begin at multiples, so less context means at least a multiple less.
    assert (tiled(network.context - network.multiple) - whole).abs().max() > 1e-5


@pytest.mark.parametrize("way", range(8))
def test_turning_back_undoes_turning(way):
    x = pictures(2, 3, 4, 5)
    assert torch.equal(turned_back(turned(x, way), way), x)


def test_the_eight_ways_are_eight():
    x = pictures(1, 1, 3, 3)
    ways = [turned(x, way) for way in range(8)]
    assert all(not torch.equal(ways[i], ways[j]) for i in range(8) for j in range(i))


@pytest.mark.parametrize("scale", [1, 2])
def test_aligned_crops_show_the_same_place(scale):
    large = [pictures(3, 20 * scale, 24 * scale, seed=seed) for seed in range(2)]
    small = [photo[:, ::scale, ::scale] for photo in large]
    batches = AlignedCrops(small, large, size=6, batch_size=16, seed=5, scale=scale)
    y, x = batches.next()
    assert y.shape == (16, 3, 6, 6) and x.shape == (16, 3, 6 * scale, 6 * scale)
    # A turned crop holds each kept pixel at another corner of its block; sorted, the blocks must hold it somewhere.
    blocks = x.unfold(2, scale, scale).unfold(3, scale, scale).flatten(4)
    assert (blocks == y[..., None]).any(-1).all()
    state = batches.state_dict()
    following = batches.next()
    batches.load_state_dict(state)
    assert all(torch.equal(one, other) for one, other in zip(following, batches.next(), strict=True))


@pytest.mark.parametrize(
    ("small", "large", "size"), [((3, 8, 8), (3, 16, 15), 4), ((3, 8, 8), (3, 16, 16), 9), ((3, 8, 8), (3, 8, 8), 4)]
)
def test_pairs_that_do_not_fit(small, large, size):
    with pytest.raises(CourseError, match="wanted the second 2 times as large"):
        AlignedCrops([torch.zeros(small)], [torch.zeros(large)], size, 2, scale=2)


def test_jpegs_are_shrunk_and_others_are_not():
    from course_lib.data import load

    data = load("photos", "test")
    photos = dict(zip(data.names, clean_photographs(data, CPU), strict=True))
    whole = dict(zip(data.names, data.images, strict=True))
    assert torch.equal(photos["chelsea.png"][0], whole["chelsea.png"] / 255)
    assert photos["china.jpg"].shape[-1] == -(-whole["china.jpg"].shape[-1] * 6 // 10)
    assert torch.equal(eight_bits(photos["china.jpg"]), photos["china.jpg"])
    with pytest.raises(CourseError, match="not a set of photographs"):
        clean_photographs(load("fashion_mnist_mini", "test", limit=2), CPU)


def test_hole_psnr_looks_into_the_hole_only():
    target, hole = torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4)
    hole[:, :, :2] = 1
    pred = target + 0.1 * hole + 5 * (1 - hole)
    assert hole_psnr(pred, target, hole) == pytest.approx(20.0)


@pytest.mark.parametrize(("name", "steps", "gain"), [("denoise", 60, 4.0), ("super_resolution", 60, 0.1)])
def test_a_few_steps_help(name, steps, gain):
    run = recipes.RECIPES[name](device=CPU)
    before = run.evaluate()[-1].value
    run.trainer.run(steps=steps)
    assert run.evaluate()[-1].value > before + gain


def test_a_few_steps_of_inpainting_help():
    run = recipes.inpaint(device=CPU)
    before = {metric.name: metric.value for metric in run.evaluate()}
    run.trainer.run(steps=25)
    after = {metric.name: metric.value for metric in run.evaluate()}
    assert after["PSNR network"] > before["PSNR network"] + 0.5
    assert after["PSNR biharmonic"] == before["PSNR biharmonic"]


def test_inpainting_wants_pictures_of_one_size():
    with pytest.raises(CourseError, match="various sizes"):
        recipes.inpaint("photos", CPU)


def test_the_small_picture_is_the_benchmarks():
    x = pictures(1, 3, 8, 8)
    assert torch.equal(Downsample(2, rounded=True)(x), eight_bits(resize(x, 0.5)))


def test_a_zero_mean_convolution_gives_nothing_on_flat_pictures_and_is_blind_to_levels():
    conv = ZeroMeanConv(3, 5)
    flat = torch.tensor([0.1, 0.9, 0.4]).view(1, 3, 1, 1).expand(-1, -1, 6, 7)
    assert conv(flat).abs().max() < 1e-6
    x, level = torch.rand(2, 3, 6, 7), torch.tensor([0.3, -0.2, 0.5]).view(1, 3, 1, 1)
    torch.testing.assert_close(conv(x + level), conv(x), atol=1e-6, rtol=0)
    assert conv(x).abs().max() > 0.1  # blind to levels, not blind


def test_a_super_resolver_adds_nothing_to_flat_places_and_the_same_to_brighter_pictures():
    network, y = shaken(super_resolver(2, width=8, depth=2)), torch.rand(1, 3, 8, 9)
    assert (network(y) - resize(y, 2)).abs().max() > 1e-3
    flat = torch.tensor([0.0, 1.0, 0.4]).view(1, 3, 1, 1).expand(-1, -1, 8, 9)
    torch.testing.assert_close(network(flat), resize(flat, 2), atol=1e-6, rtol=0)
    correction = network(y) - resize(y, 2)
    torch.testing.assert_close(network(0.5 * y + 0.2) - resize(0.5 * y + 0.2, 2), 0.5 * correction, atol=1e-5, rtol=0)


def test_a_denoiser_without_biases_is_homogeneous_and_one_with_biases_is_not():
    y = torch.rand(1, 3, 8, 8)
    for bias in (False, True):
        network = shaken(denoiser(width=8, depth=2, bias=bias))
        assert torch.allclose(network(4 * y), 4 * network(y), atol=1e-5) is not bias


def test_recoloured_pictures_keep_their_pixels_and_a_pair_keeps_one_order():
    torch.manual_seed(0)
    x = torch.arange(3.0).view(1, 3, 1, 1).expand(64, 3, 2, 2).contiguous()
    small, large = recoloured(x, 10 * x)
    assert torch.equal(large, 10 * small)
    assert torch.equal(small.sort(dim=1).values, x)
    assert len({tuple(order) for order in small[:, :, 0, 0].tolist()}) == 6
