"""The Fréchet distance of two Gaussians; the expensive parts are computed once for each and kept."""

from functools import cached_property

import torch
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.metrics.pairs import feature_sets

EPSILON = torch.finfo(torch.float64).eps
# The share of the distance that rounding may move before the slower way is taken.
TOLERANCE = 1e-8
# Into how many parts a triangle is cut on each side, to skip its zeros.
BLOCKS = 8


class Gaussian:
    """A mean and a covariance Σ, ready for many Fréchet distances: keep that of the real images.

    Args:
        mu: (d,); sigma: (d, d), symmetric, no negative eigenvalue. Kept in float64.
        called: what an error message calls sigma.
    `Gaussian.of(features)` takes N×d, N ≥ 2; while N ≤ d it makes no covariance, and N decides the cost (the Gram
    form). `distance(other)` is the squared Fréchet distance to another Gaussian, as `frechet_distance` gives it.
    Raises CourseError for other shapes, numbers that are not finite, one vector, and matrices that are no covariance
    (a negative eigenvalue is found by `distance`).
    Papers: Dowson and Landau 1982; Heusel et al. 2017 (FID). Chapter 04.
    """

    def __init__(self, mu: Tensor, sigma: Tensor, called: str = "sigma"):
        if mu.ndim != 1 or sigma.shape != (len(mu), len(mu)) or not len(mu):
            raise CourseError(f"Gaussian: mu is {tuple(mu.shape)}, sigma {tuple(sigma.shape)}; wanted (d,), (d, d)")
        mu, sigma = mu.detach().cpu().double(), sigma.detach().cpu().double()
        largest, skew = _largest(sigma), sigma - sigma.T
        if not (mu.isfinite().all() and largest.isfinite()):
            raise CourseError("frechet_distance: nan or inf in a mean or covariance; look at the features")
        # This tolerance and that of `root` let through what was computed in float32, and nothing wrong by design.
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
        """The Cholesky factor L, LLᵀ = Σ; None where Σ is singular, or is but for rounding."""
        lower, failed = torch.linalg.cholesky_ex(self.sigma)
        pivots = lower.diagonal().square()
        return None if failed or pivots.min() <= len(pivots) * EPSILON * self.sigma.diagonal().max() else lower

    @cached_property
    def root(self) -> Tensor:
        """R with RRᵀ = Σ, a column per eigenvalue; those that are zero but for rounding are left out."""
        values, vectors = torch.linalg.eigh(self.sigma)
        if values[0] < -1e-4 * values.abs().max():
            raise CourseError(
                f"frechet_distance: {self.called} has the eigenvalue {values[0]:.3g}; give a covariance, which has "
                "none below 0"
            )
        keep = values > values[-1] * len(values) * EPSILON
        return vectors[:, keep] * values[keep].sqrt()

    def distance(self, other: "Gaussian") -> float:
        if len(self.mu) != len(other.mu):
            raise CourseError(
                f"frechet_distance: {len(self.mu)} numbers a vector against {len(other.mu)}; use one extractor for both"
            )
        apart = (self.mu - other.mu).square().sum() + self.trace + other.trace
        # Few features have neither a covariance nor a Cholesky factor.
        if self.lower is not None and hasattr(other, "sigma"):
            overlap, doubt = _overlap_and_doubt(self, other)
            if 2 * doubt <= TOLERANCE * (apart - 2 * overlap):
                return (apart - 2 * overlap).item()
        # Tr(Σ₁Σ₂)^½ is the sum of the singular values of R₁ᵀR₂ for any such roots: slower, and no zero is rooted.
        overlap = torch.linalg.svdvals(self.root.T @ other.root).sum()
        return (apart - 2 * overlap).clamp(min=0).item()


def _overlap_and_doubt(one: Gaussian, other: Gaussian) -> tuple[Tensor, Tensor]:
    """Tr(Σ₁Σ₂)^½ = Σ√λ, λ the eigenvalues of LᵀΣ₂L with LLᵀ = Σ₁, and how far rounding may have moved it.

    The product Σ₁Σ₂ has the same eigenvalues but is not symmetric, which costs several times as much. Rounding moves
    each λ by up to ε‖Σ₁‖‖Σ₂‖, and the root of a small λ by a lot: 1e-16 becomes 1e-8. Up and down cancel but for a
    share of 1/√d. Where a λ may be 0 they do not cancel, and the doubt is infinite.
    """
    values = torch.linalg.eigvalsh(_congruence(one.lower, other.sigma))
    rounding = EPSILON * torch.linalg.matrix_norm(one.sigma) * torch.linalg.matrix_norm(other.sigma)
    if values[0] <= rounding:
        return values.new_tensor(0), values.new_tensor(torch.inf)
    return values.sqrt().sum(), rounding * (1 / values).mean().sqrt()


def _congruence(lower: Tensor, sigma: Tensor) -> Tensor:
    """LᵀΣL, its lower triangle only: by blocks, past the zeros of L, a third of the work of two whole products."""
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
    """The largest absolute value, by one pass; nan where there is one."""
    return torch.linalg.vector_norm(matrix, torch.inf)


def frechet_distance(mu1: Tensor, sigma1: Tensor, mu2: Tensor, sigma2: Tensor) -> float:
    """Squared Fréchet distance of two Gaussians: ‖μ₁ − μ₂‖² + Tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½), at least 0.

    Args:
        mu1, mu2: (d,); sigma1, sigma2: (d, d), symmetric, no negative eigenvalue. Computed in float64.
    Singular covariances are welcome (fewer images than features give one). Raises CourseError for shapes that
    disagree, numbers that are not finite, and matrices that are no covariance.
    Papers: Dowson and Landau 1982; Heusel et al. 2017 (FID). Chapter 03.
    """
    parts = (mu1, sigma1, mu2, sigma2)
    square = (*mu1.shape, *mu1.shape)
    if mu1.ndim != 1 or mu1.shape != mu2.shape or not sigma1.shape == sigma2.shape == square or 0 in square:
        shapes = ", ".join(str(tuple(part.shape)) for part in parts)
        raise CourseError(f"frechet_distance: shapes {shapes} disagree; wanted (d,), (d, d), (d,), (d, d)")
    return Gaussian(mu1, sigma1, "sigma1").distance(Gaussian(mu2, sigma2, "sigma2"))
