"""The metrics against torchmetrics, an independent implementation, on the same features and the same pictures."""

import pytest
import torch
from torch import nn
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from course_lib.metrics import FeatureStats, Gaussian, frechet_distance, inception_score, kernel_distance, psnr, ssim

pytestmark = [
    pytest.mark.filterwarnings("ignore:Metric .* will save all extracted features"),
    pytest.mark.filterwarnings(r"ignore:std\(\)"),  # of one split there is no deviation
]


class AsTheyAre(nn.Module):
    """An extractor for torchmetrics that is given features already."""

    def __init__(self, dim):
        super().__init__()
        self.num_features = dim

    def forward(self, features):
        return features


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def apart(n, dim):
    """n vectors in the first half of the directions, n in the second."""
    one, other = torch.zeros(2, n, dim, dtype=torch.float64)
    one[:, : dim // 2], other[:, dim // 2 :] = normal(n, dim // 2), 3 * normal(n, dim - dim // 2, seed=1)
    return one, other


# As many of both in each pair: torchmetrics' kernel distance wants it. The last number is the absolute tolerance of the
# Fréchet distance, where the covariances are singular: torchmetrics takes the roots of the eigenvalues of Σ₁Σ₂, and
# rounding makes 1e-8 of a zero before the root is taken; ours roots no zero.
SETS = {
    "random": (normal(300, 16), 1.5 * normal(300, 16, seed=1) + 0.3, 1e-9),
    "rank-deficient": (normal(60, 5) @ normal(5, 32, seed=2), normal(60, 7, seed=1) @ normal(7, 32, seed=3), 1e-4),
    "fewer vectors than features": (normal(10, 64), normal(10, 64, seed=1), 1e-4),
    "two vectors each": (normal(2, 6), normal(2, 6, seed=1), 1e-5),
    "identical": (normal(100, 12), normal(100, 12), 1e-9),
    "disjoint": (*apart(80, 10), 1e-5),
    "far from zero": (normal(200, 8) + 50, normal(200, 8, seed=1) + 51, 1e-8),
    "one feature": (normal(40, 1), normal(40, 1, seed=1), 1e-12),
}


@pytest.mark.parametrize("name", SETS)
def test_frechet_distance(name):
    one, other, tolerance = SETS[name]
    theirs = FrechetInceptionDistance(feature=AsTheyAre(one.shape[1])).set_dtype(torch.float64)
    theirs.update(one[:1], real=True), theirs.update(one[1:], real=True), theirs.update(other, real=False)
    wanted = theirs.compute().item()
    first, second = (FeatureStats(f.shape[1]).update(f) for f in (one, other))
    found = frechet_distance(first.mean, first.cov, second.mean, second.cov)
    assert found == pytest.approx(wanted, rel=1e-9, abs=tolerance)
    assert Gaussian.of(one).distance(Gaussian.of(other)) == pytest.approx(wanted, rel=1e-9, abs=tolerance)


@pytest.mark.parametrize("name", SETS)
def test_kernel_distance(name):
    """One subset that is the whole set: then theirs is the unbiased estimate over all pairs, as ours is."""
    one, other, _ = SETS[name]
    theirs = KernelInceptionDistance(feature=AsTheyAre(one.shape[1]), subsets=1, subset_size=len(one))
    theirs.update(one, real=True), theirs.update(other, real=False)
    wanted, size = theirs.compute()[0].item(), (torch.cat([one, other]).square().mean(1).max() + 1).item() ** 3
    assert kernel_distance(one, other).value == pytest.approx(wanted, rel=1e-9, abs=1e-13 * size)


def test_the_mean_over_subsets_is_the_same_up_to_its_noise():
    one, other, _ = SETS["random"]
    torch.manual_seed(0)
    theirs = KernelInceptionDistance(feature=AsTheyAre(16), subsets=200, subset_size=50)
    theirs.update(one, real=True), theirs.update(other, real=False)
    mean, deviation = theirs.compute()
    assert abs(kernel_distance(one, other).value - mean) < 4 * deviation / 200**0.5


@pytest.mark.parametrize(("n", "k"), [(2, 2), (3, 10), (500, 10), (40, 1008)])
@pytest.mark.parametrize("sureness", [0.1, 3.0, 30.0])
def test_inception_score(n, k, sureness):
    logits = sureness * normal(n, k)
    theirs = InceptionScore(feature=AsTheyAre(k), splits=1)
    theirs.update(logits)
    wanted = theirs.compute()[0].item()
    assert inception_score(logits.softmax(1)) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("logits", [normal(1, 10).repeat(20, 1), 100 * torch.eye(10, dtype=torch.float64).repeat(3, 1)])
def test_inception_score_at_its_ends(logits):
    theirs = InceptionScore(feature=AsTheyAre(10), splits=1)
    theirs.update(logits)
    wanted = theirs.compute()[0].item()
    assert inception_score(logits.softmax(1)) == pytest.approx(wanted, rel=1e-12)
    assert wanted == pytest.approx(1, rel=1e-12) or wanted == pytest.approx(10, rel=1e-12)


def pictures(n, c, height, width, noise):
    target = torch.rand(n, c, height, width, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    return (target + noise * normal(n, c, height, width)).clamp(0, 1), target


SHAPES = [(4, 3, 24, 20), (1, 1, 11, 11), (3, 1, 32, 17)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("noise", [1e-4, 0.1, 2.0])
def test_psnr(shape, noise):
    pred, target = pictures(*shape, noise)
    # Without `dim` theirs pools the whole batch.
    wanted = peak_signal_noise_ratio(pred, target, data_range=1.0, reduction="none", dim=(1, 2, 3))
    torch.testing.assert_close(psnr(pred, target), wanted, rtol=1e-6, atol=0)
    in_bytes = peak_signal_noise_ratio(255 * pred, 255 * target, data_range=255.0, reduction="none", dim=(1, 2, 3))
    torch.testing.assert_close(psnr(255 * pred, 255 * target, data_range=255), in_bytes, rtol=1e-6, atol=0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.1, 2.0])
def test_ssim(shape, noise):
    """Theirs counts windows beyond the border as well, filled by mirroring; its map without them is Wang's and ours."""
    pred, target = pictures(*shape, noise)
    wanted, windows = structural_similarity_index_measure(
        pred, target, data_range=1.0, reduction="none", return_full_image=True
    )
    torch.testing.assert_close(ssim(pred, target), windows[..., 5:-5, 5:-5].mean((1, 2, 3)), rtol=0, atol=1e-9)
    assert torch.allclose(ssim(pred, target), wanted.reshape(-1), rtol=0, atol=1e-3) == (noise < 0.1)
