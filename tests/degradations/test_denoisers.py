"""The classical denoisers against direct calls of scikit-image, picture by picture."""

import importlib.util

import numpy as np
import pytest
import torch
from scipy.ndimage import median_filter as scipy_median
from skimage import filters, restoration

from course_lib.degradations import denoisers, gaussian_filter, median_filter, non_local_means, wavelet
from course_lib.errors import CourseError

SIGMA = 25 / 255


@pytest.fixture
def noisy():
    """Smooth colour pictures with noise, beyond [0,1] in places: 2×3×24×20."""
    slope = torch.linspace(0, 1, 20).expand(2, 3, 24, 20) * torch.tensor([1.0, 0.6, 0.3]).view(3, 1, 1)
    return slope + SIGMA * torch.randn(2, 3, 24, 20, generator=torch.Generator().manual_seed(0))


def directly(y, function):
    """function(H×W×C) of each picture, clamped."""
    pictures = y.permute(0, 2, 3, 1).numpy()
    answers = np.stack([function(picture).reshape(picture.shape) for picture in pictures])
    return torch.from_numpy(answers).permute(0, 3, 1, 2).float().clamp(0, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_gaussian(noisy, channels):
    y = noisy[:, :channels]
    wanted = directly(y, lambda p: np.stack([filters.gaussian(p[..., c], 1.5) for c in range(channels)], -1))
    torch.testing.assert_close(gaussian_filter(y, 1.5), wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_median(noisy, channels):
    y = noisy[:, :channels]
    wanted = directly(y, lambda p: np.stack([scipy_median(p[..., c], 5, mode="nearest") for c in range(channels)], -1))
    assert torch.equal(median_filter(y, 5), wanted)


@pytest.mark.parametrize("channels", [1, 3])
def test_non_local_means(noisy, channels):
    y, sigmas = noisy[:, :channels], [SIGMA, SIGMA / 2]
    settings = {"patch_size": 5, "patch_distance": 6, "fast_mode": True, "channel_axis": -1}
    wanted = torch.cat(
        [
            directly(y[i : i + 1], lambda p, s=s: restoration.denoise_nl_means(p, h=0.6 * s, sigma=s, **settings))
            for i, s in enumerate(sigmas)
        ]
    )
    found = non_local_means(y, torch.tensor(sigmas, dtype=torch.float64))
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(non_local_means(y[:1], SIGMA), wanted[:1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_wavelet(noisy, channels):
    pytest.importorskip("pywt")
    y = noisy[:, :channels]
    wanted = directly(
        y,
        lambda p: restoration.denoise_wavelet(
            p, SIGMA, "db1", "soft", method="BayesShrink", convert2ycbcr=channels == 3, channel_axis=-1
        ),
    )
    torch.testing.assert_close(wavelet(y, SIGMA), wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(wavelet(y, 0.0), y.clamp(0, 1))


def test_wavelet_without_its_package(noisy, monkeypatch):
    monkeypatch.setattr(denoisers, "find_spec", lambda name: None if name == "pywt" else importlib.util.find_spec(name))
    with pytest.raises(CourseError, match="pip install PyWavelets"):
        wavelet(noisy, SIGMA)


def test_type_and_gradient(noisy):
    found = non_local_means(noisy.double().requires_grad_(), SIGMA)
    assert found.dtype == torch.float64 and not found.requires_grad and found.is_contiguous()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda y: gaussian_filter(y, 0), "sigma is 0"),
        (lambda y: gaussian_filter(y[0], 1), "wanted N×C×H×W"),
        (lambda y: median_filter(y, 4), "size is 4"),
        (lambda y: non_local_means(y, 25), "e.g. 25/255"),
        (lambda y: non_local_means(y, torch.rand(3)), "or 2: one per image"),
        (lambda y: non_local_means((y * 255).byte(), 0.1), "divide bytes by 255"),
    ],
)
def test_bad_input(noisy, call, said):
    with pytest.raises(CourseError, match=said):
        call(noisy)
