"""The blur against torchvision's and by its properties; its baseline by its formula."""

import pytest
import torch
from torchvision.transforms.functional import gaussian_blur

from course_lib.degradations import GaussianBlur
from course_lib.errors import CourseError


@pytest.mark.parametrize("sigma", [0.7, 1.5, 2.0])
def test_blur_is_torchvisions(sigma):
    blur, x = GaussianBlur(sigma), torch.rand(2, 3, 20, 17)
    size = 2 * blur.radius + 1
    torch.testing.assert_close(blur(x), gaussian_blur(x, [size, size], [sigma, sigma]), atol=1e-6, rtol=1e-5)


def test_a_constant_stays_and_a_point_spreads_evenly():
    blur = GaussianBlur(1.0)
    torch.testing.assert_close(blur(torch.full((1, 1, 9, 9), 0.3)), torch.full((1, 1, 9, 9), 0.3))
    point = torch.zeros(1, 1, 15, 15)
    point[..., 7, 7] = 1
    spread = blur(point)
    torch.testing.assert_close(spread.sum(), torch.tensor(1.0))
    torch.testing.assert_close(spread, spread.transpose(2, 3))
    torch.testing.assert_close(spread, spread.flip(2))


def test_baseline_is_unsharp_masking():
    blur, y = GaussianBlur(1.0), torch.rand(1, 3, 12, 12)
    torch.testing.assert_close(blur.baseline(y, 1.5), (y + 1.5 * (y - blur(y))).clamp(0, 1))


@pytest.mark.parametrize("sigma", [0, -1, float("nan")])
def test_bad_sigma(sigma):
    with pytest.raises(CourseError, match="sigma is"):
        GaussianBlur(sigma)


def test_a_picture_smaller_than_the_border():
    with pytest.raises(CourseError, match="too small for the mirrored border of 5 pixels"):
        GaussianBlur(1.5)(torch.rand(1, 1, 5, 20))
