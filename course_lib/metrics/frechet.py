"""The Fréchet distance between two Gaussians; the expensive parts are computed once per Gaussian and kept."""

from functools import cached_property

import torch
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.metrics.pairs import feature_sets

EPSILON = torch.finfo(torch.float64).eps
# The relative rounding error of the distance above which the slower method is used.
TOLERANCE = 1e-8
# The number of blocks along each side of a triangular matrix, to skip its zeros.
BLOCKS = 8


class Gaussian:
    """A mean and a covariance Σ for many Fréchet distances: keep the one of the real images and reuse it.

    Args:
        mu: (d,); sigma: (d, d), symmetric, no negative eigenvalue. Kept in float64.
        called: the name of sigma in error messages.
    `Gaussian.of(features)` takes N×d, N ≥ 2; if N ≤ d it forms no covariance, and the cost depends on N (the Gram
    form). `distance(other)` is the squared Fréchet distance to another Gaussian, as `frechet_distance` returns it.
    Raises CourseError for other shapes, numbers that are not finite, a single vector, and matrices that are not
    covariances (`distance` finds negative eigenvalues).
    Papers: Dowson and Landau 1982; Heusel et al. 2017 (FID). Chapter 04.
    """

    def __init__(self, mu: Tensor, sigma: Tensor, called: str = "sigma"):
        if mu.ndim != 1 or sigma.shape != (len(mu), len(mu)) or not len(mu):
            raise CourseError(f"Gaussian: mu is {tuple(mu.shape)}, sigma {tuple(sigma.shape)}; wanted (d,), (d, d)")
        mu, sigma = mu.detach().cpu().double(), sigma.detach().cpu().double()
        largest, skew = _largest(sigma), sigma - sigma.T
        if not (mu.isfinite().all() and largest.isfinite()):
            raise CourseError("frechet_distance: nan or inf in a mean or covariance; check the features")
        # This tolerance and the one in `root` allow for float32 rounding, but not for a matrix that is no covariance.
        if _largest(skew) > 1e-5 * largest:
            raise CourseError(
                f"frechet_distance: {called} is not symmetric; give a covariance, such as FeatureStats.cov"
            )
        self.mu, self.sigma, self.called = mu, sigma.sub(skew, alpha=0.5), called
        self.trace = sigma.trace()

    @classmethod
    def of(cls, features: Tensor) -> "Gaussian":
        (features,) = feature_sets("Gaussian.of", 2, features=features)
        mu = features.mean(0)
        root = (features - mu).T / (len(features) - 1) ** 0.5
        if len(features) > len(mu):
            return cls(mu, root @ root.T)
        few = cls.__new__(cls)
        few.mu, few.root, few.lower, few.trace = mu, root, None, root.square().sum()
        return few

    @cached_property
    def lower(self) -> Tensor | None:
        """The Cholesky factor L, LLᵀ = Σ; None if Σ is singular up to rounding."""
        lower, failed = torch.linalg.cholesky_ex(self.sigma)
        pivots = lower.diagonal().square()
        return None if failed or pivots.min() <= len(pivots) * EPSILON * self.sigma.diagonal().max() else lower

    @cached_property
    def root(self) -> Tensor:
        """R with RRᵀ = Σ, one column per eigenvalue, without those that are zero up to rounding."""
        values, vectors = torch.linalg.eigh(self.sigma)
        if values[0] < -1e-4 * values.abs().max():
            raise CourseError(
                f"frechet_distance: {self.called} has the eigenvalue {values[0]:.3g}; give a covariance, which has "
                "no negative eigenvalue"
            )
        keep = values > values[-1] * len(values) * EPSILON
        return vectors[:, keep] * values[keep].sqrt()

    def distance(self, other: "Gaussian") -> float:
        if len(self.mu) != len(other.mu):
            raise CourseError(
                f"frechet_distance: vectors of length {len(self.mu)} and {len(other.mu)}; use one extractor for both"
            )
        apart = (self.mu - other.mu).square().sum() + self.trace + other.trace
        # Gaussians made from N ≤ d features have neither a covariance nor a Cholesky factor.
        if self.lower is not None and hasattr(other, "sigma"):
            overlap, doubt = _overlap_and_doubt(self, other)
            if 2 * doubt <= TOLERANCE * (apart - 2 * overlap):
                return (apart - 2 * overlap).item()
        # Tr(Σ₁Σ₂)^½ is the sum of the singular values of R₁ᵀR₂ for any such R: slower, but takes no roots near 0.
        overlap = torch.linalg.svdvals(self.root.T @ other.root).sum()
        return (apart - 2 * overlap).clamp(min=0).item()


def _overlap_and_doubt(one: Gaussian, other: Gaussian) -> tuple[Tensor, Tensor]:
    """Tr(Σ₁Σ₂)^½ = Σ√λ, λ the eigenvalues of LᵀΣ₂L with LLᵀ = Σ₁, and an estimate of its rounding error.

    The product Σ₁Σ₂ has the same eigenvalues but is not symmetric, so it costs several times as much. Rounding changes
    each λ by up to ε‖Σ₁‖‖Σ₂‖, and the root of a small λ by much more: 1e-16 becomes 1e-8. Positive and negative errors
    cancel except for a share of 1/√d. If a λ may be 0 they do not cancel, and the estimate is infinite.
    """
    values = torch.linalg.eigvalsh(_congruence(one.lower, other.sigma))
    rounding = EPSILON * torch.linalg.matrix_norm(one.sigma) * torch.linalg.matrix_norm(other.sigma)
    if values[0] <= rounding:
        return values.new_tensor(0), values.new_tensor(torch.inf)
    return values.sqrt().sum(), rounding * (1 / values).mean().sqrt()


def _congruence(lower: Tensor, sigma: Tensor) -> Tensor:
    """LᵀΣL, lower triangle only: blocks skip the zeros of L, for a third of the work of two full products."""
    product = torch.zeros_like(sigma)
    size = -(-len(sigma) // BLOCKS)
    starts = range(0, len(sigma), size)
    for start in starts:
        half = sigma[start:, start:] @ lower[start:, start : start + size]
        for row in starts[start // size :]:
            block = lower[row:, row : row + size].T @ half[row - start :]
            product[row : row + size, start : start + size] = block
    return product


def _largest(matrix: Tensor) -> Tensor:
    """The largest absolute value, in one pass; nan if there is a nan."""
    return torch.linalg.vector_norm(matrix, torch.inf)


def frechet_distance(mu1: Tensor, sigma1: Tensor, mu2: Tensor, sigma2: Tensor) -> float:
    """Squared Fréchet distance between two Gaussians: ‖μ₁ − μ₂‖² + Tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½), at least 0.

    Args:
        mu1, mu2: (d,); sigma1, sigma2: (d, d), symmetric, no negative eigenvalue. Computed in float64.
    Singular covariances are allowed (fewer images than features give one). Raises CourseError for shapes that
    disagree, numbers that are not finite, and matrices that are not covariances.
    Papers: Dowson and Landau 1982; Heusel et al. 2017 (FID). Chapter 03.
    """
    parts = (mu1, sigma1, mu2, sigma2)
    square = (*mu1.shape, *mu1.shape)
    if mu1.ndim != 1 or mu1.shape != mu2.shape or not sigma1.shape == sigma2.shape == square or 0 in square:
        shapes = ", ".join(str(tuple(part.shape)) for part in parts)
        raise CourseError(f"frechet_distance: shapes {shapes} disagree; wanted (d,), (d, d), (d,), (d, d)")
    return Gaussian(mu1, sigma1, "sigma1").distance(Gaussian(mu2, sigma2, "sigma2"))
