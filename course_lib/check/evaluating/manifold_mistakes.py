"""Precision, recall and coverage by scikit-learn's neighbours, and what well-known mistakes would give instead."""

import numpy as np
import torch
from torch import Tensor

PARTS = ("precision", "recall", "coverage")


def reaches(vectors: Tensor, k: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors  # imported late: it takes seconds

    # Asked without vectors, it leaves each one itself out.
    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(vectors.numpy()).kneighbors()[0][:, -1]


def between(these: Tensor, those: Tensor) -> np.ndarray:
    return (these[:, None] - those[None]).norm(dim=2).numpy()


def share_within(targets: Tensor, visitors: Tensor, k: int) -> float:
    """The share of `visitors` that lie within the reach of some of the `targets`."""
    return float((between(targets, visitors) <= reaches(targets, k)[:, None]).any(0).mean())


def coverage_of(real: Tensor, fake: Tensor, k: int) -> float:
    """The share of real features that have a fake within their own reach."""
    return float((between(real, fake) <= reaches(real, k)[:, None]).any(1).mean())


def mistakes_of_coverage(
    real: Tensor, fake: Tensor, k: int, precision: float, recall: float
) -> list[tuple[float, str]]:
    apart, reach, of_fakes = between(real, fake), reaches(real, k)[:, None], reaches(fake, k)[None]
    inside, sorted_fakes = apart <= reach, np.sort(apart, 1)
    itself = np.sort(between(real, real), 1)[:, k - 1 : k]
    wrong = [
        ((apart < reach).any(1), "a distance equal to the reach is within it: <=, not <"),
        (recall, "that is the recall once more, with the fakes' reach: here each real feature's own reach decides"),
        (precision, "that is the precision once more, a share of the fakes: coverage is a share of the real features"),
        ((apart <= of_fakes).any(0), "each fake's own reach, and a share of the fakes: both sides are exchanged"),
        (inside.any(1).sum() / len(fake), "divided by the number of fakes: coverage is a share of the real features"),
        (inside.any(0).sum() / len(real), "the fakes are counted: coverage counts real features"),
        (
            sorted_fakes[:, 0] <= of_fakes[0][apart.argmin(1)],
            "the nearest fake's reach is asked: here each real feature's own reach decides",
        ),
        ((apart <= itself).any(1), "each feature counts as its own first neighbour, so every reach is that of k − 1"),
        ((apart <= np.median(reach)).any(1), "one median reach for all: each real feature has its own"),
        ((apart <= reach.mean()).any(1), "one mean reach for all: each real feature has its own"),
        ((apart <= reach.max()).any(1), "one largest reach for all: each real feature has its own"),
        ((apart <= sorted_fakes[:, k - 1 : k]).any(1), "the k-th neighbour is sought among the fakes"),
        (sorted_fakes[:, min(k, len(fake)) - 1] <= reach[:, 0], "k fakes within the reach: one is enough"),
        (inside.mean(keepdims=True), "the mean over all pairs: one fake within the reach is enough"),
        (inside.sum(1), "fakes are counted several times: a real feature is covered or not"),
        (inside.sum() / (k * len(fake)), "that is density: how many reaches a fake lies in, divided by k"),
        (inside.any(1).sum(keepdims=True), "a count, wanted a share from 0 to 1"),
        (~inside.any(1), "that is the share that is not covered"),
        ((apart > reach).any(1), "nearly all are covered: is the comparison the wrong way round?"),
        (inside.all(1), "all fakes within the reach, wanted one (or `//`, which cuts every share down to 0)"),
        ((precision + recall) / 2, "that is the mean of precision and recall"),
        (precision * recall, "that is the product of precision and recall"),
    ]
    return [(float(np.mean(value)), message) for value, message in wrong]


def mistakes_of_share(targets: Tensor, visitors: Tensor, k: int, part: str = PARTS[0]) -> list[tuple[float, str]]:
    visitor, others = ("fake", "real features") if part == PARTS[0] else ("real feature", "fakes")
    apart, reach = between(targets, visitors), reaches(targets, k)[:, None]
    inside, own = apart <= reach, reaches(visitors, k)
    everyone = np.sort(apart, 1)
    itself = np.sort(between(targets, targets), 1)[:, k - 1 : k]
    most = len(targets) - 1
    neighbours = np.sort(between(targets, targets), 1)[:, 1 : k + 1]
    city = torch.cdist(targets, visitors, p=1).numpy()
    city_reach = np.sort(torch.cdist(targets, targets, p=1).numpy(), 1)[:, k : k + 1]
    nearest = apart.argmin(0)
    visitor_near = np.sort(between(visitors, visitors), 1)[:, k - 1]
    counted = "each feature counts as its own first neighbour, so every reach is that of k − 1"
    its_own = f"you compare with the {visitor}'s own reach; for {part} the {others}' reach decides"
    squared = "distances are compared with squared distances"
    wrong = [
        ((apart <= itself).any(0), counted),
        ((apart <= own).any(0), its_own),
        ((apart <= visitor_near).any(0), f"{its_own}; and {counted}"),
        (inside.any(1), "you counted discs that contain a feature; count features that lie in a disc"),
        ((apart <= everyone[:, k - 1 : k]).any(0), "the k-th neighbour is sought in the other set"),
        ((apart <= reaches(targets, min(k + 1, most))[:, None]).any(0), "the reach is one neighbour too far"),
        ((apart <= reach**2).any(0), squared),
        ((apart**2 <= reach).any(0), squared),
        ((apart <= itself**2).any(0), f"{squared}; and {counted}"),
        ((apart**2 <= itself).any(0), f"{squared}; and {counted}"),
        (inside.mean(keepdims=True), "the mean over all pairs: one reach is enough for a feature to count"),
        ((apart < reach).any(0), "a distance equal to the reach is within it: <=, not <"),
        (inside.all(0), "within the reach of all, wanted of one (or `//`, which cuts every share down to 0)"),
        (inside.sum(0) / k, "how many reaches a feature lies in, divided by k: that is density"),
        (inside.sum(0), "how many reaches a feature lies in: it counts once"),
        (apart.min(0) <= reach[nearest, 0], "only the nearest one's reach is asked: a farther one may reach farther"),
        ((apart <= reach.mean()).any(0), "one mean reach for all: each feature has its own"),
        ((apart <= reach.max()).any(0), "one largest reach for all: each feature has its own"),
        ((apart <= np.median(reach)).any(0), "one median reach for all: each feature has its own"),
        (
            (apart > reach).any(0),
            "nearly all are within: is the comparison the wrong way round, or the reach too long?",
        ),
        (~inside.any(0), "that is the share outside"),
        ((apart <= neighbours.mean(1, keepdims=True)).any(0), "the reach is the mean distance of the k neighbours"),
        ((city <= city_reach).any(0), "distances are sums of absolute differences, wanted the root of squares"),
        (inside.sum(0) >= k, "within k reaches, wanted within one"),
    ]
    return [(float(np.mean(value)), message) for value, message in wrong]
