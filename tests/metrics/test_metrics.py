"""PSNR and luma against scikit-image; accuracy by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio
from torch import nn

from course_lib.errors import CourseError
from course_lib.metrics import accuracy, psnr, rgb_to_luma


def pair(n=3, c=3, h=12, w=10, seed=0):
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(n, c, h, w, generator=generator)
    return (target + 0.1 * torch.randn(target.shape, generator=generator)).clamp(0, 1), target


@given(seed=st.integers(0, 10_000), c=st.sampled_from([1, 3]), shave=st.integers(0, 4))
@settings(max_examples=20, deadline=None)
def test_psnr_is_scikit_images_picture_by_picture(seed, c, shave):
    pred, target = pair(c=c, seed=seed)
    inner = slice(shave, -shave or None)
    wanted = [
        peak_signal_noise_ratio(t[:, inner, inner].double().numpy(), p[:, inner, inner].double().numpy(), data_range=1)
        for p, t in zip(pred, target, strict=True)
    ]
    np.testing.assert_allclose(psnr(pred, target, shave=shave).numpy(), wanted, rtol=1e-9)


def test_data_range_moves_the_peak():
    pred, target = pair()
    torch.testing.assert_close(psnr(pred * 255, target * 255, data_range=255), psnr(pred, target), atol=1e-4, rtol=0)
    torch.testing.assert_close(psnr(pred, target, data_range=2.0), psnr(pred, target) + 20 * np.log10(2))


def test_luma_is_the_y_of_bt601():
    pred, target = pair()
    wanted = torch.from_numpy(rgb2ycbcr(target.permute(0, 2, 3, 1).numpy())[..., 0]) / 255
    torch.testing.assert_close(rgb_to_luma(target)[:, 0].double(), wanted.double(), atol=1e-6, rtol=0)
    by_hand = psnr(rgb_to_luma(pred), rgb_to_luma(target))
    torch.testing.assert_close(psnr(pred, target, luma=True), by_hand)
    assert not torch.allclose(by_hand, psnr(pred, target))


def test_identical_pictures_are_infinitely_close():
    _, target = pair()
    assert torch.isinf(psnr(target, target)).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p, t: psnr(p[0], t[0]), "leading axis"),
        (lambda p, t: psnr(p, t[:, :1]), "both must be the same"),
        (lambda p, t: psnr(p, t, shave=6), "nothing is left"),
        (lambda p, t: psnr(p[:0], t[:0]), "nothing is left"),
        (lambda p, t: psnr(p * float("nan"), t), "nan or inf in pred"),
        (lambda p, t: psnr(p, t / 0), "nan or inf in target"),
        (lambda p, t: psnr(p[:, :1], t[:, :1], luma=True), "N×3×H×W"),
    ],
)
def test_bad_input_gets_one_line(call, words):
    with pytest.raises(CourseError, match=words) as error:
        call(*pair())
    assert "\n" not in str(error.value)


def test_accuracy_counts_and_leaves_the_mode_alone():
    class FirstPixelSays(nn.Module):
        def forward(self, x):
            assert not self.training
            return nn.functional.one_hot(x[:, 0, 0, 0].long(), 5).float()

    images = torch.zeros(1001, 1, 2, 2)
    images[:, 0, 0, 0] = torch.arange(1001) % 5
    labels = (torch.arange(1001) % 5).clone()
    labels[:1] += 1
    model = FirstPixelSays().train()
    assert accuracy(model, images, labels) == 1000 / 1001
    assert model.training
