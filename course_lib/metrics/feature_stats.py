"""The mean and covariance of the features of many images, updated batch by batch."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.system import processes
from course_lib.system.checkpoint import load_tree, save_tree


class FeatureStats:
    """Mean and covariance of features that arrive in batches, in float64.

    Args:
        dim: length of a feature vector.
    `update(features)` takes N×dim; `mean` is (dim,), `cov` (dim, dim) over n − 1 like torch.cov, `n` the count. `merge`
    adds the statistics of other features to these; `over_processes` returns those of all processes together. `save`
    and `load` use a safetensors file. The sums are taken about the running mean (Chan et al. 1983), so that large
    means cost no precision. Raises CourseError for other shapes, numbers that are not finite, a covariance of fewer
    than two vectors, a file that cannot be written, and a file with other content. Chapter 03.
    """

    def __init__(self, dim: int):
        if dim < 1:
            raise CourseError(f"FeatureStats: dim = {dim}; give the length of a feature vector, at least 1")
        self.dim, self.n = dim, 0
        self.mean = torch.zeros(dim, dtype=torch.float64)
        self._scatter = torch.zeros(dim, dim, dtype=torch.float64)

    def update(self, features: Tensor) -> "FeatureStats":
        if features.ndim != 2 or features.shape[1] != self.dim:
            raise CourseError(f"FeatureStats: got features {tuple(features.shape)}, wanted N×{self.dim}")
        features = features.detach().cpu().double()
        if not features.isfinite().all():
            raise CourseError("FeatureStats: nan or inf in the features; check the images or the extractor")
        if len(features):
            mean = features.mean(0)
            self._add(len(features), mean, (features - mean).T @ (features - mean))
        return self

    def merge(self, other: "FeatureStats") -> "FeatureStats":
        """Add the features seen by `other` to these statistics; `other` is unchanged."""
        if other.dim != self.dim:
            raise CourseError(
                f"FeatureStats: cannot merge vectors of length {other.dim} into length {self.dim}; use one extractor"
            )
        if other.n:
            self._add(other.n, other.mean, other._scatter)
        return self

    def over_processes(self) -> "FeatureStats":
        """New statistics of the features of all processes, the same in each. Call it in every process."""
        whole = FeatureStats(self.dim)
        whole.n = int(processes.total(torch.tensor(self.n)))
        if whole.n:
            whole.mean = processes.total(self.mean * (self.n / whole.n))
            shift = self.mean - whole.mean
            whole._scatter = processes.total(self._scatter + self.n * torch.outer(shift, shift))
        return whole

    def _add(self, n: int, mean: Tensor, scatter: Tensor) -> None:
        total, shift = self.n + n, mean - self.mean
        self._scatter += scatter + torch.outer(shift, shift) * (self.n * n / total)
        self.mean = self.mean + shift * (n / total)
        self.n = total

    @property
    def cov(self) -> Tensor:
        if self.n < 2:
            raise CourseError(f"FeatureStats: a covariance needs at least 2 vectors, got {self.n}; update with more")
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
            raise CourseError(f"{path} holds no feature statistics; make a new file with FeatureStats.save")
        stats = cls(len(state["mean"]))
        stats.n, stats.mean, stats._scatter = state["n"], state["mean"], state["scatter"]
        return stats
