"""Set against set: features of many pictures enter, become a mean and a covariance, and two of those a distance."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from course_lib.checkpoint import load_tree, save_tree
from course_lib.errors import CourseError
from course_lib.evaluating import evaluating


class FeatureStats:
    """Mean and covariance of features that come in batches, in float64.

    Args:
        dim: numbers in one feature vector.
    `update(features)` takes N×dim; `mean` is (dim,), `cov` (dim, dim) over n − 1 like torch.cov, `n` the count. `save`
    and `load` go by file (safetensors). The sums are taken about the running mean (Chan et al. 1983), so that large
    means cost no digits. Raises CourseError for another shape, numbers that are not finite, a covariance of less
    than two vectors, a file that cannot be written or is another's. Chapter 03.
    """

    def __init__(self, dim: int):
        if dim < 1:
            raise CourseError(f"FeatureStats: dim = {dim}; give how many numbers one feature vector has")
        self.dim, self.n = dim, 0
        self.mean = torch.zeros(dim, dtype=torch.float64)
        self._scatter = torch.zeros(dim, dim, dtype=torch.float64)

    def update(self, features: Tensor) -> "FeatureStats":
        if features.ndim != 2 or features.shape[1] != self.dim:
            raise CourseError(f"FeatureStats: got features {tuple(features.shape)}, wanted N×{self.dim}")
        features = features.detach().double().cpu()
        if not features.isfinite().all():
            raise CourseError("FeatureStats: features with nan or inf; look at the pictures or the extractor")
        if len(features):
            mean = features.mean(0)
            self._merge(len(features), mean, (features - mean).T @ (features - mean))
        return self

    def _merge(self, n: int, mean: Tensor, scatter: Tensor) -> None:
        total, shift = self.n + n, mean - self.mean
        self._scatter += scatter + torch.outer(shift, shift) * (self.n * n / total)
        self.mean = self.mean + shift * (n / total)
        self.n = total

    @property
    def cov(self) -> Tensor:
        if self.n < 2:
            raise CourseError(f"FeatureStats: a covariance needs at least 2 vectors, {self.n} came; update with more")
        return self._scatter / (self.n - 1)

    def save(self, path: str | Path) -> None:
        try:
            save_tree({"n": self.n, "mean": self.mean, "scatter": self._scatter}, path)
        except (OSError, SafetensorError) as error:
            raise CourseError(f"cannot write {path} ({error}); choose another folder") from error

    @classmethod
    def load(cls, path: str | Path) -> "FeatureStats":
        state = load_tree(path)
        if not isinstance(state, dict) or state.keys() != {"n", "mean", "scatter"}:
            raise CourseError(f"{path} holds no feature statistics; make it anew with FeatureStats.save")
        stats = cls(len(state["mean"]))
        stats.n, stats.mean, stats._scatter = state["n"], state["mean"], state["scatter"]
        return stats


def frechet_distance(mu1: Tensor, sigma1: Tensor, mu2: Tensor, sigma2: Tensor) -> float:
    """Squared Fréchet distance of two Gaussians: ‖μ₁ − μ₂‖² + Tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½), at least 0.

    Args:
        mu1, mu2: (d,); sigma1, sigma2: (d, d), symmetric, no negative eigenvalue. Computed in float64.
    Singular covariances are welcome (fewer pictures than features give one). Raises CourseError for shapes that
    disagree, numbers that are not finite, and matrices that are no covariance.
    Papers: Dowson and Landau 1982; Heusel et al. 2017 (FID). Chapter 03.
    """
    parts = [part.detach().double().cpu() for part in (mu1, sigma1, mu2, sigma2)]
    mu1, sigma1, mu2, sigma2 = parts
    if mu1.ndim != 1 or mu1.shape != mu2.shape or any(s.shape != (*mu1.shape, *mu1.shape) for s in (sigma1, sigma2)):
        shapes = ", ".join(str(tuple(part.shape)) for part in parts)
        raise CourseError(f"frechet_distance: shapes {shapes} disagree; wanted (d,), (d, d), (d,), (d, d)")
    if not all(part.isfinite().all() for part in parts):
        raise CourseError("frechet_distance: nan or inf in a mean or covariance; look at the features")
    # With Σ = RRᵀ, Tr(Σ₁Σ₂)^½ is the sum of the singular values of R₁ᵀR₂. Eigenvalues of Σ₁Σ₂ or of R₁ᵀΣ₂R₁ would
    # do on paper, but there the rounding of a zero is rooted: 1e-16 becomes 1e-8, once for each missing dimension.
    overlap = torch.linalg.svdvals(_root(sigma1, "sigma1").T @ _root(sigma2, "sigma2")).sum()
    distance = (mu1 - mu2).square().sum() + sigma1.trace() + sigma2.trace() - 2 * overlap
    return distance.clamp(min=0).item()


def _root(sigma: Tensor, name: str) -> Tensor:
    """R with RRᵀ = Σ, a column per eigenvalue; those that are zero but for rounding are zero."""
    # The tolerances let through what was computed in float32, and nothing that is wrong by design.
    if not torch.allclose(sigma, sigma.T, rtol=0, atol=1e-5 * sigma.abs().max().item()):
        raise CourseError(f"frechet_distance: {name} is not symmetric; give a covariance, such as FeatureStats.cov")
    values, vectors = torch.linalg.eigh((sigma + sigma.T) / 2)
    if values[0] < -1e-4 * values.abs().max():
        raise CourseError(
            f"frechet_distance: {name} has the eigenvalue {values[0]:.3g}; give a covariance, which has none below 0"
        )
    zero = values[-1] * len(values) * torch.finfo(values.dtype).eps
    return vectors * torch.where(values > zero, values, 0).sqrt()


@torch.no_grad()
def extract(features: Callable[[Tensor], Tensor], images: Tensor, dim: int, batch_size: int = 500) -> FeatureStats:
    """The statistics of `features(images)`, batch by batch: images N×C×H×W in [0,1] → FeatureStats(dim).

    `features` is a network or a method of one (`classifier.features`); the network is in evaluation mode meanwhile, so
    that the batch size changes nothing, and as before afterwards. Chapter 03.
    """
    network = getattr(features, "__self__", features)
    stats = FeatureStats(dim)
    with evaluating(network) if isinstance(network, nn.Module) else nullcontext():
        for batch in images.split(batch_size):
            stats.update(features(batch))
    return stats
