"""The Fréchet distance against SciPy's root, mpmath, closed forms and an exact transport map; each of its two ways."""

import mpmath
import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.errors import CourseError
from course_lib.metrics import FeatureStats, Gaussian, frechet_distance, textbook_frechet_distance


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def covariance(dim, rank, seed=0, scale=1.0):
    """A random Σ = AAᵀ and its factor A, dim × rank."""
    factor = scale * normal(dim, rank, seed=seed)
    return factor @ factor.T, factor


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
    assert textbook_frechet_distance(mu1, sigma1, mu2, sigma2) == pytest.approx(wanted, rel=1e-9)


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


# --- one side kept, features instead of a covariance, and which way is taken ----------------------------------------


def spd(dim, condition, seed=0):
    """Σ with eigenvalues spread evenly in the logarithm from 1 down to 1 / condition."""
    turn = torch.linalg.qr(normal(dim, dim, seed=seed)).Q
    return turn @ torch.diag(condition ** -torch.linspace(0, 1, dim, dtype=torch.float64)) @ turn.T


def pair_with_known_distance(dim, condition, stretch, seed=0):
    """Σ₁ and Σ₂ = TΣ₁T, and their distance: x → Tx is the best way there, and Tr(Σ₁Σ₂)^½ = Tr(Σ₁T)."""
    sigma = spd(dim, condition, seed)
    turn = torch.linalg.qr(normal(dim, dim, seed=seed + 1)).Q
    way = turn @ torch.diag(torch.linspace(1 / stretch, stretch, dim, dtype=torch.float64)) @ turn.T
    # ‖(1 − T)Σ₁^½‖², without the difference of large numbers.
    left = torch.eye(dim, dtype=torch.float64) - way
    return sigma, way @ sigma @ way, (left @ sigma @ left).trace().item()


def noted(monkeypatch, *names):
    """A list that fills up with the names of these functions of torch.linalg, as they are called."""
    called = []
    for name in names:
        original = getattr(torch.linalg, name)
        monkeypatch.setattr(
            torch.linalg, name, lambda matrix, name=name, original=original: called.append(name) or original(matrix)
        )
    return called


@pytest.fixture
def ways(monkeypatch):
    """Which of the two ways was taken, in order."""
    return noted(monkeypatch, "eigvalsh", "svdvals")


@pytest.mark.parametrize("dim", [2, 16, 128])
@pytest.mark.parametrize("condition", [1, 1e2, 1e4])
def test_well_conditioned_takes_the_quick_way_to_1e_8(dim, condition, ways):
    sigma1, sigma2, wanted = pair_with_known_distance(dim, condition, stretch=2, seed=dim)
    mu = normal(dim)
    reference = Gaussian(mu, sigma1)
    assert reference.distance(Gaussian(mu, sigma2)) == pytest.approx(wanted, rel=1e-8)
    assert ways == ["eigvalsh"]
    assert reference.distance(Gaussian(mu + 2, sigma2)) == pytest.approx(wanted + 4 * dim, rel=1e-8)


@pytest.mark.parametrize("dim", [30, 200])
@pytest.mark.parametrize("condition", [1e4, 1e5, 1e6, 1e7, 1e9])
@pytest.mark.parametrize("stretch", [2, 1.1, 1.01])
def test_whichever_way_is_taken_eight_digits_are_right(dim, condition, stretch, ways):
    sigma1, sigma2, wanted = pair_with_known_distance(dim, condition, stretch)
    mu = torch.zeros(dim, dtype=torch.float64)
    assert frechet_distance(mu, sigma1, mu, sigma2) == pytest.approx(wanted, rel=1e-8)
    assert ways[0] == "eigvalsh"


def test_a_small_difference_of_ill_conditioned_covariances_takes_the_slow_way(ways):
    sigma1, sigma2, _ = pair_with_known_distance(60, 1e6, stretch=1.01)
    mu = torch.zeros(60, dtype=torch.float64)
    frechet_distance(mu, sigma1, mu, sigma2)
    frechet_distance(mu + 1, sigma1, mu, sigma2)  # with the means apart, the same rounding is a smaller share
    assert ways == ["eigvalsh", "svdvals", "eigvalsh"]


def test_a_skew_within_rounding_is_averaged_away():
    sigma1, sigma2, _ = pair_with_known_distance(20, 1e2, stretch=2)
    mu, skew = torch.zeros(20, dtype=torch.float64), 1e-7 * normal(20, 20)
    wanted = frechet_distance(mu, sigma1 + (skew + skew.T) / 2, mu, sigma2)
    assert frechet_distance(mu, sigma1 + skew, mu, sigma2) == pytest.approx(wanted, rel=1e-12)
    assert frechet_distance(mu, sigma2, mu, sigma1 + skew) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("condition", [1e8, 1e11])
@pytest.mark.parametrize("stretch", [1.5, 1.001])
def test_what_rounding_could_move_takes_the_slow_way(condition, stretch, ways):
    sigma1, sigma2, wanted = pair_with_known_distance(60, condition, stretch)
    mu = torch.zeros(60, dtype=torch.float64)
    # What is left of the traces after the subtraction: the digits that any way can still have.
    digits = 1e-14 * (sigma1.trace() + sigma2.trace()).item()
    assert frechet_distance(mu, sigma1, mu, sigma2) == pytest.approx(wanted, rel=1e-8, abs=digits)
    assert ways[-1] == "svdvals"


def by_mpmath(sigma1, sigma2):
    """Tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½) with 50 digits, by the root of Σ₁."""
    with mpmath.workdps(50):
        one, other = (mpmath.matrix(((s + s.T) / 2).tolist()) for s in (sigma1, sigma2))
        values, vectors = mpmath.eigsy(one)
        root = vectors * mpmath.diag([mpmath.sqrt(value) for value in values]) * vectors.T
        values = mpmath.eigsy(root * other * root, eigvals_only=True)
        traces = sum(one[i, i] + other[i, i] for i in range(len(sigma1)))
        return float(traces - 2 * sum(mpmath.sqrt(value) for value in values))


@pytest.mark.parametrize("condition", [1, 1e3, 1e7, 1e12])
@pytest.mark.parametrize("apart", [1.0, 1e-3])
def test_fifty_digits_agree(condition, apart):
    """Against the same roots taken by mpmath, for covariances of any condition that differ by much or little."""
    dim = 6
    sigma1, sigma2 = (
        spd(dim, condition, seed=1),
        spd(dim, condition, seed=2) * apart + (1 - apart) * spd(dim, condition, 1),
    )
    mu = torch.zeros(dim, dtype=torch.float64)
    assert frechet_distance(mu, sigma1, mu, sigma2) == pytest.approx(by_mpmath(sigma1, sigma2), rel=1e-8, abs=1e-13)


@pytest.mark.parametrize("largest", ["first", "last"])
def test_scales_far_apart_in_either_order(largest):
    """With the largest scale last the quick way is wrong in the seventh digit here; the doubt must say so."""
    dim = 30
    scale = torch.logspace(0, -3.5, dim, dtype=torch.float64)
    scale = scale if largest == "first" else scale.flip(0)
    factors = (scale[:, None] * normal(dim, 3 * dim, seed=seed) / (3 * dim) ** 0.5 for seed in (1, 2))
    sigma1, sigma2 = (factor @ factor.T for factor in factors)
    sigma2 = sigma1 + 0.1 * (sigma2 - sigma1)
    mu = torch.zeros(dim, dtype=torch.float64)
    assert frechet_distance(mu, sigma1, mu, sigma2) == pytest.approx(by_mpmath(sigma1, sigma2), rel=1e-8)


FEATURES = {
    "random": (normal(90, 20), normal(70, 20, seed=1) + 0.5),
    "few against many": (normal(90, 20), normal(7, 20, seed=1)),
    "few against few": (normal(9, 20), normal(7, 20, seed=1)),
    "two vectors each": (normal(2, 20), normal(2, 20, seed=1)),
    "as many as dimensions": (normal(20, 20), normal(21, 20, seed=1)),
    "rank-deficient": (normal(90, 3) @ normal(3, 20, seed=2), normal(70, 20, seed=1) @ normal(20, 20, seed=3)),
    "all alike": (torch.ones(30, 20, dtype=torch.float64), normal(9, 20)),
    "one number a vector": (normal(30, 1), 2 * normal(20, 1, seed=1)),
}


@pytest.mark.parametrize("name", FEATURES)
def test_features_give_what_their_covariances_give(name):
    one, other = FEATURES[name]
    stats = [FeatureStats(one.shape[1]).update(features) for features in (one, other)]
    wanted = frechet_distance(stats[0].mean, stats[0].cov, stats[1].mean, stats[1].cov)
    straight = [Gaussian.of(features) for features in (one, other)]
    by_covariance = [Gaussian(s.mean, s.cov) for s in stats]
    for left in (straight[0], by_covariance[0]):
        for right in (straight[1], by_covariance[1]):
            assert left.distance(right) == pytest.approx(wanted, rel=1e-8)
            assert right.distance(left) == pytest.approx(wanted, rel=1e-8)


def test_identical_features_are_at_zero_and_disjoint_ones_add_their_traces():
    for n in (5, 300):
        features = normal(n, 20)
        assert 0 <= Gaussian.of(features).distance(Gaussian.of(features)) < 1e-12
    one, other = torch.zeros(2, 9, 20, dtype=torch.float64)
    one[:, :10], other[:, 10:] = normal(9, 10), normal(9, 10, seed=1)
    wanted = (one.mean(0) - other.mean(0)).square().sum() + one.var(0).sum() + other.var(0).sum()
    assert Gaussian.of(one).distance(Gaussian.of(other)) == pytest.approx(wanted.item(), rel=1e-12)


def test_few_features_never_make_a_covariance(ways):
    few = Gaussian.of(normal(5, 400))
    many = Gaussian(torch.zeros(400), torch.eye(400))
    many.distance(few)
    assert not hasattr(few, "sigma") and ways == ["svdvals"]


def test_a_kept_side_is_made_ready_once(monkeypatch):
    made = noted(monkeypatch, "eigh", "cholesky_ex")
    reference = Gaussian(torch.zeros(8), torch.eye(8))
    generators = [Gaussian.of(normal(5, 8, seed=seed)) for seed in range(4)]
    for generator in generators:
        reference.distance(generator)
    assert made == ["cholesky_ex", "eigh"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Gaussian(torch.zeros(2), torch.eye(3)), r"mu is \(2,\), sigma \(3, 3\)"),
        (lambda: Gaussian(torch.zeros(0), torch.zeros(0, 0)), r"wanted \(d,\)"),
        (lambda: Gaussian(MU, SIGMA / 0), "nan or inf"),
        (lambda: Gaussian(MU, SIGMA).distance(Gaussian(torch.zeros(3), torch.eye(3))), "vectors of length 2 and 3"),
        (lambda: Gaussian(MU, SIGMA).distance(Gaussian(MU, -SIGMA)), "sigma has the eigenvalue -1;"),
        (lambda: Gaussian.of(torch.zeros(1, 4)), "holds 1 vectors; give at least 2"),
        (lambda: Gaussian.of(torch.zeros(0, 4)), "holds 0 vectors"),
        (lambda: Gaussian.of(torch.zeros(4)), "wanted N×d"),
        (lambda: Gaussian.of(torch.full((4, 2), float("nan"))), "nan or inf in features"),
    ],
)
def test_a_gaussian_that_is_none_gets_one_line(call, words):
    with pytest.raises(CourseError, match=words) as error:
        call()
    assert "\n" not in str(error.value)
