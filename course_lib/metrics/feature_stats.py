"""Features of many images enter, batch by batch; their mean and covariance leave."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.system import processes
from course_lib.system.checkpoint import load_tree, save_tree


class FeatureStats:
    """Mean and covariance of features that come in batches, in float64.

    Args:
        dim: numbers in one feature vector.
    `update(features)` takes N×dim; `mean` is (dim,), `cov` (dim, dim) over n − 1 like torch.cov, `n` the count. `merge`
    adds the statistics of other features to these; `over_processes` returns those of all processes together. `save`
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
        features = features.detach().cpu().double()
        if not features.isfinite().all():
            raise CourseError("FeatureStats: features with nan or inf; look at the images or the extractor")
        if len(features):
            mean = features.mean(0)
            self._add(len(features), mean, (features - mean).T @ (features - mean))
        return self

    def merge(self, other: "FeatureStats") -> "FeatureStats":
        """As if this had seen the other's features too; the other stays as it is."""
        if other.dim != self.dim:
            raise CourseError(
                f"FeatureStats: cannot merge {other.dim} numbers a vector into {self.dim}; use one extractor for both"
            )
        if other.n:
            self._add(other.n, other.mean, other._scatter)
        return self

    def over_processes(self) -> "FeatureStats":
        """New statistics of what all processes have seen, the same in each; call it in every one of them."""
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
