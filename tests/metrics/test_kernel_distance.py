"""The kernel distance against scikit-learn, loops in fractions, and all the samples that a small world can give."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel

from course_lib.errors import CourseError
from course_lib.metrics import kernel_distance, pairs
from course_lib.metrics.kernel_distance import _sums, _variance


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_scikit_learn(one, other):
    """MMD² from whole kernel matrices, no vector paired with itself."""
    kernel = {"degree": 3, "coef0": 1}  # gamma is 1/d when it is not given
    within = [polynomial_kernel(f, **kernel) for f in (one, other)]
    means = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in within]
    return sum(means) - 2 * polynomial_kernel(one, other, **kernel).mean()


SETS = {
    "random": (normal(60, 12), normal(80, 12, seed=1)),
    "shifted": (normal(60, 12), normal(80, 12, seed=1) + 1),
    "rank-deficient": (normal(60, 2) @ normal(2, 40, seed=2), normal(80, 3) @ normal(3, 40, seed=3)),
    "two vectors each": (normal(2, 5), normal(2, 5, seed=1)),
    "one number a vector": (normal(9, 1), normal(7, 1, seed=1)),
    "disjoint": (torch.eye(20)[:9].double(), 3 * torch.eye(20)[9:].double()),
    "identical": (normal(30, 6), normal(30, 6)),
    "far from zero": (normal(30, 6) + 100, normal(40, 6, seed=1) + 100),
}


@pytest.mark.parametrize("name", SETS)
def test_the_value_is_that_of_whole_kernel_matrices(name):
    one, other = SETS[name]
    wanted, size = by_scikit_learn(one.numpy(), other.numpy()), polynomial_kernel(one, degree=3, coef0=1).max()
    assert kernel_distance(one, other).value == pytest.approx(wanted, rel=1e-10, abs=1e-14 * size)
    assert kernel_distance(other, one) == pytest.approx(kernel_distance(one, other), rel=1e-9, nan_ok=True)


def test_the_value_is_exact_in_fractions():
    one, other = (torch.randint(-3, 4, (n, 3), generator=torch.Generator().manual_seed(n)) for n in (5, 4))

    def kernel(x, y):
        return (Fraction(int((x * y).sum()), 3) + 1) ** 3

    def within(f):
        return sum(kernel(f[i], f[j]) for i in range(len(f)) for j in range(len(f)) if i != j) / (len(f) * (len(f) - 1))

    across = sum(kernel(x, y) for x in one for y in other) / (len(one) * len(other))
    wanted = within(one) + within(other) - 2 * across
    assert kernel_distance(one, other).value == pytest.approx(float(wanted), rel=1e-13)


@pytest.mark.parametrize("gap", [0.0, 0.4, 2.0])
def test_over_every_sample_there_is_the_value_and_its_variance_are_right_on_average(gap, monkeypatch):
    """Draws of five and four from two coins: all 2⁹ samples, each with its probability, need no luck."""
    heads, tails = torch.tensor([1.0 + gap, 0.3]), torch.tensor([-0.5, 1.2])
    coins = ((0.5, heads, tails), (0.4, heads - gap, tails))
    values, variances, clamped, weights = [], [], [], []
    for draw in product([0, 1], repeat=9):
        sets, weight = [], 1.0
        for (p, a, b), outcome in zip(coins, (draw[:5], draw[5:]), strict=True):
            sets.append(torch.stack([a if bit else b for bit in outcome]))
            weight *= p ** sum(outcome) * (1 - p) ** (len(outcome) - sum(outcome))
        value, error = kernel_distance(*sets)
        values.append(value)
        clamped.append(error**2)
        weights.append(weight)
        with monkeypatch.context() as patch:  # what is kept above 0 is right on average without that only
            patch.setattr(torch.Tensor, "clamp", lambda number, min: number)
            one, other = (features.double() for features in sets)
            sums = (
                _sums(one, one, itself=True),
                _sums(other, other, itself=True),
                _sums(one, other),
            )
            variances.append(_variance(*sums).item())
    values, variances, clamped, weights = map(np.array, (values, variances, clamped, weights))

    def mean_kernel(one, other):
        return sum(
            p * q * ((x @ y).item() / 2 + 1) ** 3
            for p, x in ((one[0], one[1]), (1 - one[0], one[2]))
            for q, y in ((other[0], other[1]), (1 - other[0], other[2]))
        )

    truth = mean_kernel(coins[0], coins[0]) + mean_kernel(coins[1], coins[1]) - 2 * mean_kernel(*coins)
    assert weights @ values == pytest.approx(truth, rel=1e-6, abs=1e-6)
    variance = weights @ (values - truth) ** 2
    assert weights @ variances == pytest.approx(variance, rel=1e-6)
    assert weights @ clamped > weights @ variances


@pytest.mark.parametrize(("m", "n", "shift"), [(40, 40, 0.5), (30, 90, 0.5), (30, 60, 0.0)])
def test_the_error_is_the_spread_over_many_draws(m, n, shift):
    draws = [kernel_distance(normal(m, 6, seed=2 * s), normal(n, 6, seed=2 * s + 1) + shift) for s in range(400)]
    values, errors = np.array(draws).T
    assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.15 if shift else 0.5)


def test_it_is_unbiased_where_the_frechet_distance_is_not():
    """One law sampled twice: about 0 at any N, within what 300 draws of the mean allow."""
    for n in (5, 20):
        values = np.array(
            [kernel_distance(normal(n, 6, seed=2 * s), normal(n, 6, seed=2 * s + 1)).value for s in range(300)]
        )
        assert abs(values.mean()) < 4 * values.std() / 300**0.5


@pytest.mark.parametrize("block", [1, 170, 4000])
def test_blocks_of_any_size_give_the_same(block, monkeypatch):
    one, other = SETS["shifted"]
    whole = kernel_distance(one, other)
    monkeypatch.setattr(pairs, "BLOCK", block)
    assert kernel_distance(one, other) == pytest.approx(whole, rel=1e-10)


def test_below_four_vectors_there_is_a_value_and_no_error():
    for m, n in ((3, 9), (9, 3), (2, 2)):
        value, error = kernel_distance(normal(m, 4), normal(n, 4, seed=1))
        assert np.isfinite(value) and np.isnan(error)
    assert np.isfinite(kernel_distance(normal(4, 4), normal(4, 4, seed=1))).all()


def test_constant_features_are_sure_of_their_distance():
    same = torch.ones(20, 3)
    value, error = kernel_distance(same, 2 * same)
    assert value == pytest.approx(8 + 125 - 2 * 27) and error < 1e-5
    assert kernel_distance(same, same) == pytest.approx((0, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((normal(9, 3), normal(9, 4)), r"f1 \(9, 3\), f2 \(9, 4\); wanted N×d"),
        ((normal(9), normal(9)), "wanted N×d"),
        ((normal(0, 3), normal(9, 3)), "f1 holds 0 vectors; give at least 2"),
        ((normal(9, 3), normal(1, 3)), "f2 holds 1 vectors; give at least 2"),
        ((normal(9, 3) * float("nan"), normal(9, 3)), "nan or inf in f1"),
    ],
)
def test_bad_input_gets_one_line(arguments, words):
    with pytest.raises(CourseError, match=words) as error:
        kernel_distance(*arguments)
    assert "\n" not in str(error.value)
