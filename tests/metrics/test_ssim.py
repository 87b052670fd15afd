"""SSIM against scikit-image, picture by picture, and where it has a closed form."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from course_lib.errors import CourseError
from course_lib.metrics import rgb_to_luma, ssim


def pair(n=2, c=3, h=24, w=20, seed=0, noise=0.1):
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(n, c, h, w, generator=generator, dtype=torch.float64)
    return (target + noise * torch.randn(target.shape, generator=generator)).clamp(0, 1), target


def scikit_image(pred, target, data_range=1.0):
    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": data_range}
    pairs = zip(target.numpy(), pred.numpy(), strict=True)
    return [structural_similarity(t, p, channel_axis=0, **wang) for t, p in pairs]


@given(
    seed=st.integers(0, 10_000),
    c=st.sampled_from([1, 3]),
    h=st.integers(11, 40),
    w=st.integers(11, 40),
    noise=st.sampled_from([1e-3, 0.1, 1.0]),
)
@settings(max_examples=25, deadline=None)
def test_it_is_scikit_images(seed, c, h, w, noise):
    pred, target = pair(c=c, h=h, w=w, seed=seed, noise=noise)
    np.testing.assert_allclose(ssim(pred, target).numpy(), scikit_image(pred, target), rtol=1e-9, atol=1e-12)


def test_shaved_in_bytes_in_luma_in_float32():
    pred, target = pair()
    inner = [images[..., 3:-3, 3:-3] for images in (pred, target)]
    np.testing.assert_allclose(ssim(pred, target, shave=3).numpy(), scikit_image(*inner), rtol=1e-9)
    by_bytes = ssim(255 * pred, 255 * target, data_range=255)
    np.testing.assert_allclose(by_bytes.numpy(), scikit_image(255 * pred, 255 * target, data_range=255), rtol=1e-9)
    torch.testing.assert_close(by_bytes, ssim(pred, target))
    grey = rgb_to_luma(pred), rgb_to_luma(target)
    np.testing.assert_allclose(ssim(pred, target, luma=True).numpy(), scikit_image(*grey), rtol=1e-9)
    torch.testing.assert_close(ssim(pred.float(), target.float()), ssim(pred, target), rtol=0, atol=1e-6)


def test_the_uniform_window_is_another_number():
    pred, target = pair(c=1)
    uniform = structural_similarity(target[0, 0].numpy(), pred[0, 0].numpy(), data_range=1.0)
    assert abs(ssim(pred, target)[0].item() - uniform) > 1e-3


def test_identical_is_one_and_flat_pictures_compare_their_means():
    _, target = pair()
    torch.testing.assert_close(ssim(target, target), torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-12)
    dark, bright = (torch.full((1, 1, 15, 15), value, dtype=torch.float64) for value in (0.2, 0.8))
    wanted = (2 * 0.2 * 0.8 + 1e-4) / (0.2**2 + 0.8**2 + 1e-4)
    assert ssim(dark, bright).item() == pytest.approx(wanted, rel=1e-9)


def test_a_negative_is_against_the_pattern():
    _, target = pair(noise=0)
    assert (ssim(1 - target, target) < 0).all()


def test_each_picture_is_on_its_own():
    pred, target = pair(n=3)
    for i, value in enumerate(ssim(pred, target)):
        torch.testing.assert_close(ssim(pred[i : i + 1], target[i : i + 1])[0], value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p, t: ssim(p[0], t[0]), "leading axis"),
        (lambda p, t: ssim(p, t[:, :1]), "both must be the same"),
        (lambda p, t: ssim(p[:0], t[:0]), "nothing is left"),
        (lambda p, t: ssim(p, t, shave=10), "nothing is left"),
        (lambda p, t: ssim(p, t, shave=5), "14×10 pixels are left"),
        (lambda p, t: ssim(p[..., :10], t[..., :10]), "24×10 pixels are left"),
        (lambda p, t: ssim(p / 0, t), "nan or inf in pred"),
        (lambda p, t: ssim(p, t * float("nan")), "nan or inf in target"),
        (lambda p, t: ssim(p[:, :1], t[:, :1], luma=True), "N×3×H×W"),
    ],
)
def test_bad_input_gets_one_line(call, words):
    with pytest.raises(CourseError, match=words) as error:
        call(*pair())
    assert "\n" not in str(error.value)
