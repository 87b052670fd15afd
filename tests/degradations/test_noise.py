"""The noise by its statistics and by what it must not depend on; low light; the noise level, guessed."""

import pytest
import torch

from course_lib.data import load
from course_lib.degradations import GaussianNoise, LowLight, noise_level
from course_lib.errors import CourseError
from course_lib.metrics import psnr

SIGMA = 25 / 255


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def test_mean_spread_and_shape_of_the_noise():
    x = torch.full((4, 3, 100, 100), 0.5, dtype=torch.float64)
    noise = GaussianNoise(SIGMA)(x, generator=dice()) - x
    n = noise.numel()
    assert abs(noise.mean()) < 4 * SIGMA / n**0.5
    assert abs(noise.std() / SIGMA - 1) < 4 / (2 * n) ** 0.5
    # Normal: 68.27 % within one sigma, 95.45 % within two.
    for sigmas, share in {1: 0.6827, 2: 0.9545}.items():
        assert abs((noise.abs() < sigmas * SIGMA).double().mean() - share) < 0.006
    # White: neighbours and channels have nothing to do with one another.
    for one, other in ((noise[..., 1:], noise[..., :-1]), (noise[:, 1:], noise[:, :-1])):
        assert abs((one * other).mean()) < 4 * SIGMA**2 / one.numel() ** 0.5


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_not_clipped(value):
    y = GaussianNoise(SIGMA)(torch.full((1, 1, 100, 100), value), generator=dice())
    assert abs((y > value).float().mean() - 0.5) < 0.03 and abs(y.mean() - value) < 0.005


@pytest.mark.parametrize("sigma", [SIGMA, (0.0, 55 / 255)])
def test_the_seed_decides_and_nothing_else(sigma):
    op, x = GaussianNoise(sigma), torch.rand(5, 3, 9, 7)
    y = op(x, generator=dice(3))
    assert torch.equal(y, op(x, generator=dice(3)))
    assert not torch.equal(y, op(x, generator=dice(4)))
    noise = y - x
    assert not torch.allclose(noise[0] / noise[0].std(), noise[1] / noise[1].std(), atol=0.1)
    # A batch in two parts, and other number types, get the same.
    running = dice(3)
    torch.testing.assert_close(torch.cat([op(x[:2], generator=running), op(x[2:], generator=running)]), y)
    torch.testing.assert_close(op(x.double(), generator=dice(3)).float(), y)
    assert op(x.half(), generator=dice(3)).dtype == torch.float16


def test_without_a_generator_torchs_own_seed_decides():
    x = torch.rand(2, 1, 8, 8)
    torch.manual_seed(5)
    y = GaussianNoise(SIGMA)(x)
    torch.manual_seed(5)
    assert torch.equal(y, GaussianNoise(SIGMA)(x))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_same_noise_on_the_gpu():
    x = torch.rand(2, 3, 16, 16)
    y = GaussianNoise(SIGMA)(x.cuda(), generator=dice())
    assert y.is_cuda
    torch.testing.assert_close(y.cpu(), GaussianNoise(SIGMA)(x, generator=dice()))
    assert GaussianNoise(SIGMA)(x, generator=torch.Generator("cuda").manual_seed(0)).device == x.device


def test_a_level_for_each_picture():
    x = torch.zeros(300, 1, 30, 30)
    levels = GaussianNoise((0.1, 0.3))(x, generator=dice()).flatten(1).std(dim=1)
    assert levels.min() > 0.09 and levels.max() < 0.32
    # Even: the mean of the range, and its width over √12.
    assert abs(levels.mean() - 0.2) < 0.01 and abs(levels.std() - 0.2 / 12**0.5) < 0.006


def test_no_noise_and_no_pictures():
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(GaussianNoise(0)(x), x)
    assert torch.equal(GaussianNoise(0).baseline(x), x)
    assert GaussianNoise(SIGMA)(x[:0]).shape == (0, 3, 8, 8)
    assert GaussianNoise(SIGMA).baseline(x[:0]).shape == (0, 3, 8, 8)


@pytest.mark.parametrize(
    ("sigma", "said"),
    [
        (25, "did you mean sigma/255, 25/255?"),
        ((0, 55), "did you mean sigma/255, 55/255?"),
        (-0.1, "wanted a number from 0 to 1"),
        (float("nan"), "wanted a number from 0 to 1"),
        ("0.1", "wanted a number from 0 to 1"),
        ((0.2, 0.1), "low <= high"),
        ((0.1, 0.2, 0.3), "low <= high"),
    ],
)
def test_bad_sigma(sigma, said):
    with pytest.raises(CourseError) as error:
        GaussianNoise(sigma)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_bad_pictures():
    with pytest.raises(CourseError, match=r"wanted N×C×H×W"):
        GaussianNoise(SIGMA)(torch.rand(3, 8, 8))
    with pytest.raises(CourseError, match="divide bytes by 255"):
        GaussianNoise(SIGMA)(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


@pytest.mark.parametrize("level", [15, 25, 50])
def test_the_noise_level_is_found(level):
    x = load("photos", "test", limit=1)[0][0][None, :, 60:188, 100:228]
    found = noise_level(torch.cat([x, GaussianNoise(level / 255)(x, generator=dice())]))
    assert found.shape == (2,) and found[0] < 6 / 255
    assert abs(found[1] * 255 / level - 1) < 0.1


def test_the_noise_level_by_hand():
    # Checkerboards of height σ·0.6745/2: every 2×2 has the diagonal coefficient 2·(σ·0.6745/2).
    board = ((torch.arange(6)[:, None] + torch.arange(5)) % 2 * 2 - 1.0)[None, None]
    torch.testing.assert_close(noise_level(board * 0.1 * 0.6745 / 2), torch.tensor([0.1]))
    with pytest.raises(CourseError, match="no 2×2 block"):
        noise_level(torch.rand(1, 3, 1, 8))


@pytest.mark.parametrize("sigma", [SIGMA, (10 / 255, 40 / 255)])
def test_the_baseline_helps(sigma):
    x = load("photos", "test", limit=1)[0][0][:, 60:124, 100:164].expand(2, -1, -1, -1)
    op = GaussianNoise(sigma)
    y = op(x, generator=dice())
    better = op.baseline(y)
    assert better.shape == x.shape and better.min() >= 0 and better.max() <= 1
    assert (psnr(better, x) > psnr(y.clamp(0, 1), x) + 5).all()


def test_low_light():
    x = load("photos", "test", limit=1)[0][0][None, :, 60:124, 100:164]
    op = LowLight(gain=0.2, sigma=0.02)
    y = op(x, generator=dice())
    torch.testing.assert_close(y, GaussianNoise(0.02)(0.2 * x, generator=dice()))
    assert psnr(op.baseline(y), x) > psnr((y / 0.2).clamp(0, 1), x) + 5
    torch.testing.assert_close(LowLight(0.2, 0).baseline(0.2 * x), x)
    for gain, sigma, said in (
        (0, 0.01, "gain is 0"),
        (2, 0.01, "gain is 2"),
        (0.2, 5, "sigma/255"),
        (0.1, 0.2, "above"),
    ):
        with pytest.raises(CourseError, match=said):
            LowLight(gain, sigma)
