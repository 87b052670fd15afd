"""The kernel distance between two sets of features (KID): unbiased for any N, with its standard error."""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.metrics.pairs import feature_sets, row_blocks


class KernelDistance(NamedTuple):
    """A squared distance, whose estimate can be negative, and its standard error (nan below 4 vectors)."""

    value: float
    standard_error: float


class _Sums(NamedTuple):
    """Of a kernel matrix: the sum of each row, the sum of each column, and the sum of all squares."""

    rows: Tensor
    columns: Tensor
    squares: Tensor


def kernel_distance(f1: Tensor, f2: Tensor) -> KernelDistance:
    """Squared kernel distance between two sets of features: MMD² with the kernel (x·y/d + 1)³, and its standard error.

    Args:
        f1, f2: M×d and N×d, at least 2 of each. Computed in float64; the time grows with (M + N)²d.
    Returns (value, standard_error). The value is the unbiased estimate over all pairs of different images (the
    U-statistic); near 0 it can be negative. The paper averages the same estimate over random subsets instead, which
    has the same mean and more noise. The standard error is the root of an unbiased estimate of the value's variance,
    with the part due to single images clamped at 0; it needs 4 vectors of each, else it is nan.
    Raises CourseError for other shapes, numbers that are not finite, or a set of one.
    Papers: Bińkowski et al. 2018 (KID); Gretton et al. 2012; Sutherland and Deka 2019 (the variance). Chapter 04.
    """
    f1, f2 = feature_sets("kernel_distance", 2, f1=f1, f2=f2)
    within1, within2, across = _sums(f1, f1, itself=True), _sums(f2, f2, itself=True), _sums(f1, f2)
    m, n = len(f1), len(f2)
    mean1, mean2 = within1.rows.sum() / (m * (m - 1)), within2.rows.sum() / (n * (n - 1))
    value = mean1 + mean2 - 2 * across.rows.sum() / (m * n)
    error = _variance(within1, within2, across).sqrt() if min(m, n) >= 4 else torch.tensor(torch.nan)
    return KernelDistance(value.item(), error.item())


def _sums(one: Tensor, other: Tensor, itself: bool = False) -> _Sums:
    """`itself`: both sets are the same, so the diagonal (each vector with itself) is left out."""
    rows, columns, squares = [], one.new_zeros(len(other)), one.new_zeros(())
    for start, block in row_blocks(one, other):
        inner = (block @ other.T).div_(one.shape[1]).add_(1)
        kernel = inner * inner * inner
        if itself:
            kernel.diagonal(start).zero_()
        rows.append(kernel.sum(1))
        columns += kernel.sum(0)
        squares += kernel.square().sum()
    return _Sums(torch.cat(rows), columns, squares)


def _variance(within1: _Sums, within2: _Sums, across: _Sums) -> Tensor:
    """Var MMD², by Hoeffding's decomposition: the variance due to single images plus that due to pairs."""
    m, n = len(within1.rows), len(within2.rows)
    pairs1, pairs2, pairs12 = _pairs_within(within1), _pairs_within(within2), _pairs_across(across)
    # How much nearer each image is to its own set than to the other; the variance due to pairs is subtracted.
    nearer1 = within1.rows / (m - 2) - across.rows / n
    nearer2 = within2.rows / (n - 2) - across.columns / m
    single1 = (nearer1.var() - pairs1 / (m - 2) - pairs12 / n).clamp(min=0)
    single2 = (nearer2.var() - pairs2 / (n - 2) - pairs12 / m).clamp(min=0)
    of_pairs = 2 * pairs1 / (m * (m - 1)) + 2 * pairs2 / (n * (n - 1)) + 4 * pairs12 / (m * n)
    return 4 * single1 / m + 4 * single2 / n + of_pairs


def _pairs_within(sums: _Sums) -> Tensor:
    """Unbiased variance of k(x, x') beyond what x and x' alone explain (Székely and Rizzo 2014, U-centring)."""
    n, total = len(sums.rows), sums.rows.sum()
    left = sums.squares - 2 * sums.rows.square().sum() / (n - 2) + total.square() / ((n - 1) * (n - 2))
    return left.clamp(min=0) / (n * (n - 3))


def _pairs_across(sums: _Sums) -> Tensor:
    """The same for k(x, y): the residual of a two-way analysis of variance."""
    m, n, total = len(sums.rows), len(sums.columns), sums.rows.sum()
    left = sums.squares - sums.rows.square().sum() / n - sums.columns.square().sum() / m + total.square() / (m * n)
    return left.clamp(min=0) / ((m - 1) * (n - 1))
