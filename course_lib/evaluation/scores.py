"""All measures of a set of pictures at once: look at the pictures, compare with real ones, print the table."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn
from tqdm import tqdm

from course_lib.errors import CourseError
from course_lib.evaluation import Extractor
from course_lib.metrics import Gaussian, inception_score, kernel_distance, precision_recall
from course_lib.system.evaluation_mode import evaluating


@dataclass(frozen=True, eq=False)
class Features:
    """What an extractor sees in a set of pictures, on the CPU: keep those of the reference for many comparisons.

    vectors: N×d. probabilities: N×K, a softmax in each row; None where the extractor has no classes. `gaussian` is
    their mean and covariance, computed when first asked for and kept. Chapter 04.
    """

    vectors: Tensor
    probabilities: Tensor | None = None

    @cached_property
    def gaussian(self) -> Gaussian:
        return Gaussian.of(self.vectors)


def look(images: Tensor, extractor: Extractor, batch_size: int = 100) -> Features:
    """The extractor's features of pictures N×C×H×W in [0,1], N ≥ 1, batch by batch on the extractor's own device.

    Its network is in evaluation mode meanwhile, without gradients, and as before afterwards. Raises CourseError for
    no pictures, or (from the extractor) for pictures that it cannot look at. Chapter 04.
    """
    if not len(images):
        raise CourseError("look: no pictures came; give N×C×H×W with N of at least 1")
    network = getattr(extractor.features, "__self__", extractor.features)
    network = network if isinstance(network, nn.Module) else nn.Identity()
    device = next((weight.device for weight in network.parameters()), images.device)
    vectors, probabilities = [], []
    with evaluating(network):
        # For those who wait at a terminal only: a notebook or a log gets no bar.
        for batch in tqdm(images.split(batch_size), extractor.score, delay=5, leave=False, disable=None):
            seen = extractor.features(batch.to(device))
            vectors.append(seen.cpu())
            if extractor.probabilities:
                probabilities.append(extractor.probabilities(seen).cpu())
    return Features(torch.cat(vectors), torch.cat(probabilities) if probabilities else None)


class Scores(NamedTuple):
    """How near `n` pictures come to `reference_n` real ones, by every measure of sets. Chapter 04.

    frechet_distance and kernel_distance: squared distances in units of the features, 0 for equal laws; the kernel's is
    unbiased and comes with its standard error. inception_score: 1 … K; None without probabilities; the reference has
    no part in it. precision, recall: in [0,1], by reach to the `k`-th neighbour among the first `among` of each set.
    """

    n: int
    reference_n: int
    frechet_distance: float
    kernel_distance: float
    kernel_standard_error: float
    inception_score: float | None
    precision: float
    recall: float
    k: int
    among: int


def compare(pictures: Features, reference: Features, k: int = 3, among: int | None = None) -> Scores:
    """Every measure of `pictures` against `reference`, real pictures seen by the same extractor.

    Args:
        k: of precision and recall: how many neighbours far a picture reaches.
        among: how many of each set, the first ones, enter precision and recall, more than k; default: as many as
            both sets have. These two change with the number: give all rows of a table the same.
    Raises CourseError for features of different extractors, fewer than two pictures, or sets too small for k or
    `among`. Chapter 04.
    """
    most = min(len(pictures.vectors), len(reference.vectors))
    among = most if among is None else among
    if among > most:
        raise CourseError(f"compare: among = {among}, and the smaller set holds {most} pictures; give at most that")
    kernel = kernel_distance(pictures.vectors, reference.vectors)
    seen = pictures.probabilities
    return Scores(
        len(pictures.vectors),
        len(reference.vectors),
        reference.gaussian.distance(pictures.gaussian),
        kernel.value,
        kernel.standard_error,
        None if seen is None else inception_score(seen),
        *precision_recall(reference.vectors[:among], pictures.vectors[:among], k),
        k,
        among,
    )


def score_table(rows: Mapping[str, Scores], extractor: Extractor, reference: str) -> str:
    """Scores as text, a line for each name in `rows`, below the protocol without which no number means anything.

    `reference` names the real pictures, for example "fashion_mnist_mini, test split". The standard Inception network's
    columns are FID, KID and IS; other extractors' keep their own names (FD-clf, KD-clf, IS-clf). Raises CourseError
    for no rows, or rows of different references, k or `among`. Chapter 04.
    """
    shared = {(scores.reference_n, scores.k, scores.among) for scores in rows.values()}
    if len(shared) != 1:
        raise CourseError(
            f"score_table: rows of {len(shared)} protocols (reference N, k, among: {sorted(shared)}); give one or more "
            "rows, all by `compare` with the same reference, k and among"
        )
    reference_n, k, among = shared.pop()
    frechet, kernel, inception = _names(extractor.score)
    cells = [["", "N", frechet, f"{kernel} ×1000", inception, "precision", "recall"]]
    for name, row in rows.items():
        distance = _with_error(1000 * row.kernel_distance, 1000 * row.kernel_standard_error)
        sure = "–" if row.inception_score is None else f"{row.inception_score:.2f}"
        shares = f"{row.precision:.3f}", f"{row.recall:.3f}"
        cells.append([name, f"{row.n:,}", f"{row.frechet_distance:,.3f}", distance, sure, *shares])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        [
            f"against {reference}, N = {reference_n:,}",
            f"by {extractor.name}; resize: {extractor.resize}; pictures rounded to 8 bits",
            f"± is one standard error; precision and recall: k = {k}, the first {among:,} of each set",
            "",
            *("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in cells),
        ]
    )


def _names(score: str) -> tuple[str, str, str]:
    """The Fréchet distance's name, and after it those of the kernel distance and the Inception Score."""
    own = "FID" if "FID" in score else "FD"
    return score, score.replace(own, own.replace("F", "K"), 1), score.replace(own, "IS", 1)


def _with_error(value: float, error: float) -> str:
    """As many decimals as the first two digits of the error have."""
    exponent = int(f"{error:.1e}".partition("e")[2]) if 0 < error < math.inf else -2
    places = min(max(1 - exponent, 0), 6)
    return f"{value:,.{places}f} ± {error:,.{places}f}"
