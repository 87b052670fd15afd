"""Check of chapter 04: the Fréchet distance of two Gaussians."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg import eigvalsh, norm
from torch import Tensor, from_numpy

from course_lib.check.evaluating.frechet_mistakes import Features, mistakes, of
from course_lib.check.evaluating.numbers import judge, near, number, untouched
from course_lib.check.report import attempt, fail, leaves_random_numbers_alone, passed
from course_lib.errors import CheckFailed

HINT = "‖μ₁ − μ₂‖² + Tr Σ₁ + Tr Σ₂ − 2 Tr (Σ₁Σ₂)^½; the last is the sum of the roots of the eigenvalues of RᵀΣ₂R"
LOST = "rounding leaves an eigenvalue of −1e-16 where 0 is meant, and its root is NaN: clamp at 0 first"
FEW_DIGITS = (
    "only the first digits are right: a part of it is computed in float32, or something small is added, "
    "or eigenvalues are clamped above 0"
)


def _features(n: int, dim: int, seed: int) -> np.ndarray:
    dice = np.random.default_rng(seed)
    return dice.normal(size=(n, dim)) @ dice.normal(size=(dim, dim)) * 1.5 / dim**0.5 + dice.normal(size=dim)


@leaves_random_numbers_alone
def frechet(function: Callable) -> None:
    """`function(mu1, sigma1, mu2, sigma2)` → the squared Fréchet distance of two Gaussians. Chapter 04."""
    name = "frechet"
    full, other = of(_features(40, 5, 1)), of(_features(60, 5, 2))
    longer, few = _features(90, 24, 3), of(_features(8, 24, 6))
    one_picture = full._replace(sigma=0 * full.sigma, root=0 * full.root)
    cases = [
        ("two covariances of full rank", full, other, 1e-7),
        ("the same, changed round", other, full, 1e-7),
        ("one dimension", of(_features(9, 1, 4)), of(_features(7, 1, 5)), 1e-7),
        ("equal covariances, other means", full, full._replace(mu=other.mu), 1e-7),
        ("equal means, other covariances", full, other._replace(mu=full.mu), 1e-7),
        ("a Gaussian and itself", full, full, 1e-7),
        ("features that are 1% longer", of(longer), of(1.01 * longer), 1e-9),
        ("few features: 8 and 10, of 24 numbers each", few, of(_features(10, 24, 7)), 1e-6),
        ("the same few features twice", few, few, 1e-6),
        ("few features against many", of(_features(6, 16, 8)), of(_features(70, 16, 9)), 1e-6),
        ("a generator that paints one picture: covariance 0", other, one_picture, 1e-6),
    ]  # fmt: skip
    for what, one, two, tolerance in cases:
        given = [from_numpy(part.copy()) for part in (one.mu, one.sigma, two.mu, two.sigma)]
        before = [part.clone() for part in given]
        got = _attempt(name, function, given, what)
        untouched(name, given, before, "means or covariances")
        scale = np.trace(one.sigma) + np.trace(two.sigma)
        _judge(name, got, one, two, what, tolerance, float(scale))
    passed(name, "eleven pairs of Gaussians, equal, singular and of one dimension, against SciPy and closed forms")


def _attempt(name: str, function: Callable, given: list[Tensor], what: str) -> Any:
    """What the learner's function gives; what stops it on a singular covariance is named."""
    try:
        return attempt(name, function, *given, where=f" on {what}")
    except CheckFailed as error:
        if "failed to converge" in str(error):
            fail(name, f"an eigenvalue problem with NaN in it (on {what})", LOST)
        if "not positive" in str(error):
            fail(name, f"cholesky wants a covariance of full rank (on {what})", "eigh takes any: V·√λ, clamped at 0")
        if "singular" in str(error):
            fail(name, f"a singular covariance has no inverse (on {what})", "the formula needs none: V·√λ is a root")
        raise


def _judge(
    name: str, got: float | Tensor, one: Features, two: Features, what: str, tolerance: float, scale: float
) -> None:
    from scipy.linalg import sqrtm  # imported late: it takes a second

    singular = min(eigvalsh(one.sigma)[0], eigvalsh(two.sigma)[0]) < 1e-9
    # Tr (Σ₁Σ₂)^½ from the features themselves: the sum of the singular values of A₁A₂ᵀ.
    overlap = norm(one.root @ two.root.T, "nuc") if singular else np.trace(sqrtm(one.sigma @ two.sigma)).real
    apart = ((one.mu - two.mu) ** 2).sum()
    want = float(apart + scale - 2 * overlap)
    value, where = number(name, got), f" (on {what})"
    if singular:
        lost = LOST
    else:
        lost = "no eigenvalue is near 0 here. eigvalsh of Σ₁Σ₂? That wants a symmetric matrix, and the product is none"
    if not near(value, want, tolerance, scale):
        for wrong, message in mistakes(one, two, float(apart), scale, float(overlap)):
            # With one dimension, or equal means, a mistake may give what is right: it is none there.
            if near(value, wrong, 1e-6, scale) and not near(wrong, want, 1e-5, scale):
                fail(name, f"{message}{where}")
        if abs(value - want) < 1e-3 * scale:
            hint = "float64 from the first line to the last, nothing on the diagonal, and clamp at 0 exactly"
            fail(name, f"{FEW_DIGITS}{where}", hint)
    judge(name, value, want, (), where, HINT, lost, tolerance, scale)
