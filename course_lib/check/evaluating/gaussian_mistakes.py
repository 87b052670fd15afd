"""What well-known mistakes make of a mean and a covariance that come in batches, for the check of chapter 04."""

from collections.abc import Sequence

import torch
from torch import Tensor


def wrong_means(batches: Sequence[Tensor]) -> list[tuple[Tensor, str]]:
    batches = [batch.double() for batch in batches]
    x, each = torch.cat(batches), torch.stack([batch.mean(0) for batch in batches])
    longer = torch.cat([batch for batch in batches if len(batch) > 1])
    running = each[0]
    for one in each[1:]:
        running = (running + one) / 2
    halved = torch.zeros_like(running)
    for one in each:
        halved = (halved + one) / 2
    return [
        (each.mean(0), "the mean of the batches' means: a batch of one feature counts as much as a batch of thirty"),
        (each[-1], "that of the last batch alone (`=` for `+=`?)"),
        (batches[-1].sum(0) / len(x), "the sum is of the last batch alone (`=` for `+=`?), n is of all features"),
        (x.sum(0) / len(batches[-1]), "the sum is of all features, n is of the last batch (`=` for `+=`?)"),
        (each[0], "only the first batch counts"),
        (x.sum(0), "the sum of all features is not divided by their number"),
        (x.sum(0) / len(batches), "the sum of all features is divided by the number of batches"),
        (each.sum(0), "the batches' means are added up, not averaged"),
        (x.sum(0) / x.numel(), "divided by n·d, the number of numbers: len(batch) counts features"),
        (longer.mean(0), "batches of one feature are left out"),
        (running, "half old, half new: the first batches are forgotten"),
        (halved, "half old, half new: the first batches are forgotten"),
        (x.sum(0) / (len(x) - 1), "divided by n − 1: only the covariance is"),
        (torch.zeros_like(running), "still 0: update leaves no trace"),
    ]


def wrong_covariances(batches: Sequence[Tensor]) -> list[tuple[Tensor, str]]:
    batches = [batch.double() for batch in batches]
    x = torch.cat(batches)
    n, mean, second = len(x), x.mean(0), x.T @ x
    each = torch.stack([batch.mean(0) for batch in batches])
    scatters = torch.stack([(b - b.mean(0)).T @ (b - b.mean(0)) for b in batches])
    counts = torch.tensor([float(len(b)) for b in batches], dtype=torch.float64)[:, None, None]
    covs, flat = scatters / (counts - 1), scatters / counts
    scatter = (x - mean).T @ (x - mean)
    spread = scatter.diagonal().sqrt()
    seen, online = torch.zeros_like(mean), torch.zeros_like(scatter)
    for i, batch in enumerate(batches):  # the mean as far as it is known, before or after this batch
        seen = torch.cat(batches[: i + 1]).mean(0)
        online = online + (batch - seen).T @ (batch - seen)
    about_first = (x - each[0]).T @ (x - each[0])
    last, outer, squares = batches[-1], torch.outer(mean, mean), x.square().sum(0)
    number = "μμᵀ is d×d (`torch.outer`); `mean @ mean` is one number"
    diagonal = "only the squares are summed, the diagonal: Σ xxᵀ is d×d (`batch.T @ batch`)"
    inside = "the covariances of single batches: how far the batches' means lie apart is lost"
    return [
        (scatter / n, "divided by n, wanted n − 1 as in np.cov, torch.cov and the FID of the papers"),
        (scatter, "the sum is not divided by n − 1"),
        (scatter / (n - len(batches)), "divided by n minus the number of batches"),
        (covs[-1], "that of the last batch alone (`=` for `+=`?)"),
        (flat[-1], "that of the last batch alone (`=` for `+=`?)"),
        ((last.T @ last - n * outer) / (n - 1), "Σ xxᵀ is of the last batch alone (`=` for `+=`?)"),
        (covs[0], "only the first batch counts"),
        (covs.mean(0), f"the mean of {inside}"),
        (flat.mean(0), f"the mean of {inside}"),
        ((covs * counts).sum(0) / n, f"the weighted mean of {inside}"),
        (scatters.sum(0) / n, f"the weighted mean of {inside}"),
        (scatters.sum(0) / (n - 1), f"put together from {inside}"),
        (scatters.sum(0) / (n - len(batches)), f"the weighted mean of {inside}"),
        (covs.sum(0), f"the sum of {inside}"),
        (online / (n - 1), "every batch is measured from the mean known so far, and the mean moves on afterwards"),
        (online / n, "every batch is measured from the mean known so far, and the mean moves on afterwards"),
        (about_first / (n - 1), "every feature is measured from the first batch's mean"),
        (about_first / n, "every feature is measured from the first batch's mean"),
        (second / n, "the mean is not taken off: μμᵀ is missing"),
        (second / (n - 1), "the mean is not taken off: μμᵀ is missing"),
        (second / (n - 1) - outer, "subtract n·μμᵀ first, then divide by n − 1"),
        ((second - outer) / (n - 1), "μμᵀ is taken off once, wanted n times"),
        ((second - n * (mean @ mean)) / (n - 1), number),
        (second / n - mean @ mean, number),
        (second / (n - 1) - mean @ mean, number),
        ((second - n * mean * mean) / (n - 1), "μμᵀ is d×d (`torch.outer`); `mean * mean` is d numbers"),
        ((squares - n * outer) / (n - 1), diagonal),
        ((squares.diag() - n * outer) / (n - 1), diagonal),
        (squares / n - outer, diagonal),
        (squares / (n - 1) - outer, diagonal),
        ((second - torch.outer(x.sum(0), x.sum(0))) / (n - 1), "n·μμᵀ is the outer product of the sums, divided by n"),
        (scatter / torch.outer(spread, spread), "that is the correlation: every variance is 1"),
        (torch.diag(scatter.diagonal() / (n - 1)), "only the variances: how two numbers vary together is lost"),
        ((each - each.mean(0)).T @ (each - each.mean(0)) / max(len(each) - 1, 1), "only the batches' means enter"),
        (torch.zeros_like(scatter), "still 0: update leaves no trace"),
    ]
