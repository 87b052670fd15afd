"""What well-known mistakes in a Fréchet distance give, for the check of chapter 04."""

import math
from typing import NamedTuple

import numpy as np
from numpy.linalg import eigh, eigvalsh, norm


class Features(NamedTuple):
    """Features in float64 by their mean, their covariance Σ, and a root of it: AᵀA = Σ."""

    mu: np.ndarray
    sigma: np.ndarray
    root: np.ndarray


def of(features: np.ndarray) -> Features:
    n, dim = features.shape
    mu, sigma = features.mean(0), np.cov(features, rowvar=False).reshape(dim, dim)
    return Features(mu, sigma, (features - mu) / math.sqrt(n - 1))


def mistakes(one: Features, two: Features, apart: float, traces: float, overlap: float) -> list[tuple[float, str]]:
    (mu1, s1, a1), (mu2, s2, a2), shift = one, two, one.mu - two.mu
    spread, product = traces - 2 * overlap, s1 @ s2
    r1, r2 = _symmetric_root(s1), _symmetric_root(s2)
    values, vectors = eigh(s1)
    factor = vectors * np.sqrt(values.clip(0))
    lower, upper = eigvalsh(product), eigvalsh(product, UPLO="U")
    singular = np.linalg.svd(product, compute_uv=False)
    not_symmetric = "eigvalsh wants a symmetric matrix, and Σ₁Σ₂ is none: it reads one triangle and guesses the other"
    commuting = "Tr √Σ₁√Σ₂ is Tr (Σ₁Σ₂)^½ only where Σ₁Σ₂ = Σ₂Σ₁"
    elementwise = "the square root of each entry is not the square root of a matrix"
    sorted_pairs = (
        "you multiplied the sorted eigenvalues of Σ₁ and Σ₂: that is right only if both have the same eigenvectors"
    )
    turned = "either R has its roots on the rows, or the product is RΣ₂Rᵀ: wanted RᵀΣ₂R with RRᵀ = Σ₁"
    covariances = [  # what stands in place of Tr (Σ₁Σ₂)^½
        (_roots(lower), not_symmetric),
        (_roots(upper), not_symmetric),
        (np.sqrt(np.abs(lower)).sum(), not_symmetric),
        (_roots(eigvalsh((product + product.T) / 2)), "making Σ₁Σ₂ symmetric by its transpose changes its eigenvalues"),
        (np.trace(r1 @ r2), commuting),
        (np.trace(r1) * np.trace(r2), "Tr √Σ₁ · Tr √Σ₂ is a product of traces, wanted the trace of one root"),
        (_roots(eigvalsh(s1 + s2)), "the root is taken of Σ₁ + Σ₂, wanted of the product Σ₁Σ₂"),
        (np.sqrt(product.clip(0)).trace(), elementwise),
        (np.sqrt(np.abs(product)).trace(), elementwise),
        (np.sqrt(s1.diagonal() * s2.diagonal()).sum(), "only the variances enter: the covariances are more than those"),
        (np.sqrt((s1 * s2).clip(0)).sum(), "Σ₁ * Σ₂ multiplies entry by entry: `@` is the product of matrices"),
        (_roots(eigvalsh(s1 * s2)), "Σ₁ * Σ₂ multiplies entry by entry: `@` is the product of matrices"),
        (np.trace(product), "the square root is missing: that is Tr Σ₁Σ₂"),
        (np.sqrt(max(np.trace(product), 0)), "the root of the trace is not the trace of the root"),
        (overlap**2, "the root of the trace is not the trace of the root; this is neither: the overlap is squared"),
        (np.sqrt(overlap), "the square root is taken twice: of the eigenvalues, and of their sum"),
        (_roots(values.clip(0) * eigvalsh(s2)), sorted_pairs),
        (_roots(eigvalsh(factor @ s2 @ factor.T)), turned),
        (_roots(eigvalsh((vectors * values).T @ s2 @ (vectors * values))), "R is V·√λ, not V·λ: RRᵀ must be Σ₁"),
        (_roots(eigvalsh(factor @ s2 @ factor)), "RΣ₂R for RᵀΣ₂R: R is not symmetric"),
        (_roots(np.linalg.eigvals(factor @ s2 @ factor).real), "RΣ₂R for RᵀΣ₂R: R is not symmetric"),
        (np.sqrt(singular).sum(), "the singular values of Σ₁Σ₂ are not its eigenvalues"),
        (singular.sum(), "the singular values of Σ₁Σ₂ are not its eigenvalues, and the root is missing"),
        (_roots(eigvalsh(vectors.T @ s2 @ vectors)), "the eigenvalues of Σ₁ are left out: R is V·√λ"),
        (eigvalsh(factor.T @ s2 @ factor).sum(), "the eigenvalues are summed without their square root"),
        (np.sqrt(eigvalsh(factor.T @ s2 @ factor).clip(0)).max(), "only the largest eigenvalue counts"),
        (norm(a1 @ a2.T), "that is a Frobenius norm: the root comes before the sum, not after it"),
    ]  # fmt: skip
    means = [  # what stands in place of ‖μ₁ − μ₂‖²
        (norm(shift), "the distance of the means is not squared"),
        ((shift**2).mean(), "the squares of μ₁ − μ₂ are averaged, wanted their sum"),
        (np.abs(shift).sum(), "the differences of the means are not squared"),
        (shift.sum() ** 2, "the differences of the means are added before they are squared"),
        ((shift**2).sum() / 2, "half of ‖μ₁ − μ₂‖²"),
        (abs((mu1**2).sum() - (mu2**2).sum()), "the squares are taken before the difference of the means"),
        ((mu1**2).sum() - (mu2**2).sum(), "the squares are taken before the difference of the means"),
        (((mu1 + mu2) ** 2).sum(), "the means are added, wanted their difference"),
        (0.0, "the distance of the means is missing"),
    ]  # fmt: skip
    whole = apart + spread
    return [
        (apart + traces - overlap, "the factor 2 is missing before the trace of the root"),
        (apart + traces + 2 * overlap, "the sign before the trace of the root is wrong"),
        (apart + traces - 4 * overlap, "the trace of the root is taken off four times, wanted twice"),
        (apart + traces, "the trace of the root is missing"),
        (apart + np.trace(s1) - 2 * overlap, "Tr Σ₂ is missing"),
        (apart + np.trace(s2) - 2 * overlap, "Tr Σ₁ is missing"),
        (np.sqrt(max(whole, 0)), "that is the square root of the distance; FID is the squared one"),
        (apart, "only the means: the covariances do not enter"),
        (apart + ((s1 - s2) ** 2).sum(), "‖Σ₁ − Σ₂‖² is another distance of covariances"),
        (apart + norm(s1 - s2), "‖Σ₁ − Σ₂‖ is another distance of covariances"),
        (apart + spread / len(mu1), "the trace is a sum of the diagonal, not its mean"),
        (whole / 2, "half of the distance"),
        (whole / len(mu1), "divided by d: the distance is a sum"),
        (apart + (s1 + s2).sum() - 2 * _all_entries(r1, product), "all entries are added up: a trace is the diagonal"),
        *((apart + traces - 2 * value, message) for value, message in covariances),
        *((value + spread, message) for value, message in means),
        *((np.sqrt(max(apart + traces - 2 * value, 0)), message) for value, message in covariances[:5]),
    ]  # fmt: skip


def _symmetric_root(sigma: np.ndarray) -> np.ndarray:
    values, vectors = eigh(sigma)
    return vectors * np.sqrt(values.clip(0)) @ vectors.T


def _roots(eigenvalues: np.ndarray) -> float:
    return float(np.sqrt(eigenvalues.clip(0)).sum())


def _all_entries(root: np.ndarray, product: np.ndarray) -> float:
    """The sum of all entries of (Σ₁Σ₂)^½ = √Σ₁ (√Σ₁Σ₂√Σ₁)^½ √Σ₁⁻¹; nan where Σ₁ has no inverse."""
    if eigvalsh(root)[0] < 1e-6:
        return math.nan
    inverse = np.linalg.inv(root)
    return float((root @ _symmetric_root(inverse @ product @ root) @ inverse).sum())
