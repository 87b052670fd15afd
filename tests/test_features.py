"""Feature statistics against torch.cov and NumPy; the Fréchet distance against SciPy's root and closed forms."""

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.classifier import FEATURES, Classifier
from course_lib.errors import CourseError
from course_lib.metrics import FeatureStats, extract, frechet_distance


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def covariance(dim, rank, seed=0, scale=1.0):
    """A random Σ = AAᵀ and its factor A, dim × rank."""
    factor = scale * normal(dim, rank, seed=seed)
    return factor @ factor.T, factor


# --- FeatureStats ---------------------------------------------------------------------------------------------------

SETS = {
    "random": normal(301, 7) @ normal(7, 7, seed=1) + normal(7, seed=2),
    "rank-deficient": normal(300, 3) @ normal(3, 20, seed=1),
    "fewer vectors than dimensions": normal(9, 40),
    "two vectors": normal(2, 5),
    "huge mean": normal(400, 6) + 1e7 * torch.arange(1, 7),
    "scales far apart": normal(200, 4) * torch.tensor([1e-6, 1.0, 1e3, 1e6]),
}
CUTS = {
    "at once": lambda n: [n],
    "one by one": lambda n: [1] * n,
    "uneven": lambda n: [0, 1, n // 2, 0, n - n // 2 - 1],
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", SETS)
def test_mean_and_covariance_are_torchs_however_they_come(name, cut):
    features = SETS[name]
    stats = FeatureStats(features.shape[1])
    for batch in features.split(CUTS[cut](len(features))):
        stats.update(batch)
    assert stats.n == len(features)
    torch.testing.assert_close(stats.mean, features.mean(0), rtol=1e-14, atol=1e-14)
    # In units of each feature's own spread. A mean cannot be told to less than ε|mean|; that may be lost, and not
    # its square, as in E[x²] − mean². NumPy is a second opinion, in long double.
    spread = features.std(0)
    units, room = torch.outer(spread, spread), 1e-12 + 1e-15 * (features.mean(0).abs() / spread).max()
    assert ((stats.cov - torch.cov(features.T)) / units).abs().max() < room
    exact = features.numpy().astype(np.longdouble)
    centred = exact - exact.mean(0)
    wanted = torch.from_numpy((centred.T @ centred / (len(exact) - 1)).astype(float))
    assert ((stats.cov - wanted) / units).abs().max() < room


@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=8), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_any_cut_gives_the_same(sizes, seed):
    features = normal(sum(sizes) + 2, 3, seed=seed)
    stats = FeatureStats(3)
    for batch in features.split([*sizes, 2]):
        stats.update(batch)
    torch.testing.assert_close(stats.cov, torch.cov(features.T), rtol=1e-11, atol=1e-13)


def test_float32_and_gradients_are_taken_as_they_come():
    features = normal(50, 3).float().requires_grad_()
    stats = FeatureStats(3).update(features)
    assert stats.mean.dtype == stats.cov.dtype == torch.float64 and not stats.mean.requires_grad
    torch.testing.assert_close(stats.cov, torch.cov(features.detach().double().T))


def test_saved_and_loaded_it_goes_on_where_it_was(tmp_path):
    features = normal(30, 4)
    FeatureStats(4).update(features[:11]).save(tmp_path / "stats.safetensors")
    stats = FeatureStats.load(tmp_path / "stats.safetensors")
    assert (stats.n, stats.dim) == (11, 4)
    straight = FeatureStats(4).update(features[:11]).update(features[11:])
    stats.update(features[11:])
    assert torch.equal(stats.mean, straight.mean) and torch.equal(stats.cov, straight.cov)


def loads_another_file(tmp_path):
    from course_lib.checkpoint import save_tree

    save_tree({"networks": {}, "n": 3}, tmp_path / "state.safetensors")
    FeatureStats.load(tmp_path / "state.safetensors")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda _: FeatureStats(3).update(torch.zeros(5, 4)), r"\(5, 4\), wanted N×3"),
        (lambda _: FeatureStats(3).update(torch.zeros(3)), "wanted N×3"),
        (lambda _: FeatureStats(3).update(torch.zeros(2, 3, 1, 1)), "wanted N×3"),
        (lambda _: FeatureStats(2).update(torch.tensor([[1.0, float("nan")]])), "nan or inf"),
        (lambda _: FeatureStats(2).update(torch.tensor([[1.0, float("inf")]])), "nan or inf"),
        (lambda _: FeatureStats(2).cov, "at least 2 vectors, 0 came"),
        (lambda _: FeatureStats(2).update(torch.zeros(1, 2)).cov, "at least 2 vectors, 1 came"),
        (lambda _: FeatureStats(0), "dim = 0"),
        (lambda folder: FeatureStats.load(folder / "none.safetensors"), "no checkpoint"),
        (loads_another_file, "no feature statistics"),
        (lambda folder: FeatureStats(2).save(folder / "none" / "stats.safetensors"), "cannot write"),
    ],
)
def test_bad_features_get_one_line(call, words, tmp_path):
    with pytest.raises(CourseError, match=words) as error:
        call(tmp_path)
    assert "\n" not in str(error.value)


def test_a_refused_batch_leaves_the_sums_alone():
    stats = FeatureStats(2).update(normal(5, 2))
    before = stats.n, stats.mean.clone(), stats.cov.clone()
    with pytest.raises(CourseError):
        stats.update(torch.full((3, 2), float("nan")))
    assert stats.n == before[0] and torch.equal(stats.mean, before[1]) and torch.equal(stats.cov, before[2])


# --- the Fréchet distance -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 16, 128])
@pytest.mark.parametrize("seed", range(3))
def test_distance_is_the_textbook_formula_with_scipys_root(dim, seed):
    (sigma1, _), (sigma2, _) = (covariance(dim, 2 * dim, seed=10 * seed + k) for k in (1, 2))
    mu1, mu2 = normal(dim, seed=seed), normal(dim, seed=seed + 100)
    # Only the first argument: SciPy 1.18 took `disp` away.
    root = scipy.linalg.sqrtm((sigma1 @ sigma2).numpy())
    wanted = ((mu1 - mu2) ** 2).sum().item() + np.trace(sigma1 + sigma2).item() - 2 * np.trace(root).real
    assert frechet_distance(mu1, sigma1, mu2, sigma2) == pytest.approx(wanted, rel=1e-9)
    assert frechet_distance(mu2, sigma2, mu1, sigma1) == pytest.approx(wanted, rel=1e-9)


@given(m1=st.floats(-9, 9), m2=st.floats(-9, 9), s1=st.floats(0, 9), s2=st.floats(0, 9))
@settings(max_examples=50, deadline=None)
def test_in_one_dimension_it_is_two_squares(m1, m2, s1, s2):
    one = [torch.tensor(value, dtype=torch.float64) for value in ([m1], [[s1**2]], [m2], [[s2**2]])]
    assert frechet_distance(*one) == pytest.approx((m1 - m2) ** 2 + (s1 - s2) ** 2, abs=1e-12, rel=1e-12)


def test_diagonal_and_commuting_covariances_compare_their_deviations():
    deviations = normal(2, 12).abs()
    deviations[0, :3], deviations[1, 2:5] = 0, 0  # some directions are missing in one, or in both
    wanted = (deviations[0] - deviations[1]).square().sum().item()
    mu = torch.zeros(12, dtype=torch.float64)
    turn = torch.linalg.qr(normal(12, 12, seed=3)).Q
    for basis in (torch.eye(12, dtype=torch.float64), turn):
        sigmas = [basis @ torch.diag(d.square()) @ basis.T for d in deviations]
        assert frechet_distance(mu, sigmas[0], mu, sigmas[1]) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    ("dim", "rank", "scale"), [(16, 16, 1), (128, 128, 10), (128, 9, 10), (300, 20, 30), (5, 0, 1)]
)
def test_identical_is_zero(dim, rank, scale):
    sigma, _ = covariance(dim, rank, scale=scale)
    mu = 100 * normal(dim)
    assert 0 <= frechet_distance(mu, sigma, mu, sigma) <= 1e-6


@pytest.mark.parametrize(("dim", "ranks"), [(20, (3, 5)), (128, (10, 13)), (300, (40, 43)), (64, (64, 7))])
def test_rank_deficient_covariances_need_no_eigenvalue_at_all(dim, ranks):
    """With Σ = AAᵀ the trace of the root is the sum of the singular values of A₁ᵀA₂, a small matrix."""
    (sigma1, a1), (sigma2, a2) = (covariance(dim, rank, seed=rank, scale=10) for rank in ranks)
    mu = torch.zeros(dim, dtype=torch.float64)
    wanted = (sigma1.trace() + sigma2.trace() - 2 * torch.linalg.svdvals(a1.T @ a2).sum()).item()
    assert frechet_distance(mu, sigma1, mu, sigma2) == pytest.approx(wanted, rel=1e-11)


def test_disjoint_supports_add_up():
    """No common direction: nothing of one variance explains the other, so the traces are added."""
    sigma1, sigma2 = torch.zeros(2, 8, 8, dtype=torch.float64)
    sigma1[:4, :4], sigma2[4:, 4:] = covariance(4, 9)[0], covariance(4, 2, seed=1)[0]
    mu1, mu2 = normal(8), normal(8, seed=1)
    wanted = (mu1 - mu2).square().sum() + sigma1.trace() + sigma2.trace()
    assert frechet_distance(mu1, sigma1, mu2, sigma2) == pytest.approx(wanted.item(), rel=1e-12)


def test_one_law_sampled_twice_is_close_and_a_shift_adds_its_square():
    one, other = (FeatureStats(4).update(normal(4000, 4, seed=seed)) for seed in (1, 2))
    base = frechet_distance(one.mean, one.cov, other.mean, other.cov)
    assert 0 < base < 0.02
    assert frechet_distance(one.mean, one.cov, one.mean + 3, one.cov) == pytest.approx(4 * 9, rel=1e-9)


def test_float32_covariances_are_welcome():
    features = normal(60, 128).float() + 3  # singular, with eigenvalues below 0 by rounding
    mu, sigma = features.mean(0), torch.cov(features.T)
    assert frechet_distance(mu, sigma, mu, sigma) < 1e-3


MU, SIGMA = torch.zeros(2), torch.eye(2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((MU, SIGMA, torch.zeros(3), torch.eye(3)), "disagree"),
        ((MU, SIGMA, MU, torch.eye(3)), "disagree"),
        ((MU[None], SIGMA, MU[None], SIGMA), "disagree"),
        ((torch.zeros(()), torch.ones(()), torch.zeros(()), torch.ones(())), "disagree"),
        ((MU, SIGMA, MU, SIGMA * float("nan")), "nan or inf"),
        ((MU / 0, SIGMA, MU, SIGMA), "nan or inf"),
        ((MU, SIGMA, MU, torch.tensor([[1.0, 0.5], [0.0, 1.0]])), "sigma2 is not symmetric"),
        ((MU, torch.tensor([[1.0, 2.0], [2.0, 1.0]]), MU, SIGMA), "sigma1 has the eigenvalue -1;"),
        ((MU, -SIGMA, MU, SIGMA), "sigma1 has the eigenvalue -1;"),
    ],
)
def test_what_is_no_gaussian_gets_one_line(arguments, words):
    with pytest.raises(CourseError, match=words) as error:
        frechet_distance(*arguments)
    assert "\n" not in str(error.value)


# --- extract --------------------------------------------------------------------------------------------------------


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    return Classifier().train()


def test_extract_is_in_evaluation_mode_whatever_the_batch(classifier):
    classifier.body[0].eval()  # a part that was frozen stays frozen
    modes = [part.training for part in classifier.modules()]
    images = torch.rand(23, 1, 28, 28)
    whole, parts = (extract(classifier.features, images, FEATURES, batch_size=size) for size in (23, 5))
    torch.testing.assert_close(parts.cov, whole.cov, rtol=1e-4, atol=1e-6)
    assert [part.training for part in classifier.modules()] == modes and any(modes) and not all(modes)
    with torch.no_grad():
        wanted = classifier.eval().features(images)
    torch.testing.assert_close(whole.mean, wanted.double().mean(0))
    assert whole.n == 23


def test_extract_takes_networks_and_functions_and_mends_the_mode_after_an_error():
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5)).train()
    images = torch.rand(6, 1, 2, 2)
    for features in (network, lambda x: x.flatten(1)):
        torch.testing.assert_close(extract(features, images, 4).mean, images.flatten(1).double().mean(0))
    with pytest.raises(CourseError, match="wanted N×5"):
        extract(network, images, 5)
    assert network.training and network[1].training
