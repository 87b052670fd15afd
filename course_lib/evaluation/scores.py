"""All metrics of a set of images at once: compare its features with those of real images, print the table."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from course_lib.errors import CourseError
from course_lib.evaluation.extractor import Extractor
from course_lib.evaluation.features import Features
from course_lib.metrics import inception_score, kernel_distance, precision_recall


class Scores(NamedTuple):
    """All metrics of a set of `n` images against `reference_n` real ones. Chapter 04.

    frechet_distance and kernel_distance: squared distances in units of the features, 0 for equal distributions; the
    kernel distance is unbiased and has a standard error. inception_score: 1 … K, without the reference; None
    without probabilities. precision, recall: in [0,1], by radius to the `k`-th neighbour, first `among` of each set.
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


def compare(real: Features, fake: Features, k: int = 3, among: int | None = None) -> Scores:
    """Every metric of generated images against real ones, with features of both from the same extractor.

    Args:
        k: for precision and recall: the radius of a sample is the distance to its `k`-th neighbour.
        among: precision and recall use the first `among` samples of each set, more than k; default: the size of the
            smaller set. Both metrics depend on this number: use the same for all rows of a table.
    Raises CourseError for features of different extractors, fewer than two images, or sets too small for k or
    `among`. Chapter 04.
    """
    most = min(len(real.vectors), len(fake.vectors))
    among = most if among is None else among
    if among > most:
        raise CourseError(f"compare: among = {among}, but the smaller set holds {most} images; give at most {most}")
    kernel = kernel_distance(real.vectors, fake.vectors)
    return Scores(
        len(fake.vectors),
        len(real.vectors),
        real.gaussian.distance(fake.gaussian),
        kernel.value,
        kernel.standard_error,
        None if fake.probabilities is None else inception_score(fake.probabilities),
        *precision_recall(real.vectors[:among], fake.vectors[:among], k),
        k,
        among,
    )


def score_table(rows: Mapping[str, Scores], extractor: Extractor, reference: str) -> str:
    """Scores as text, one line per name in `rows`, below the protocol that the numbers depend on.

    `reference` names the real images, for example "fashion_mnist_mini, test split". The standard Inception network's
    columns are FID, KID and IS; other extractors use their own names (FD-clf, KD-clf, IS-clf). Raises CourseError
    for no rows, or for rows with different references, k or `among`. Chapter 04.
    """
    shared = {(scores.reference_n, scores.k, scores.among) for scores in rows.values()}
    if len(shared) != 1:
        raise CourseError(
            f"score_table: rows of {len(shared)} protocols (reference N, k, among: {sorted(shared)}); give one or more "
            "rows, all by `compare` with the same reference, k and among"
        )
    reference_n, k, among = shared.pop()
    frechet, kernel, inception = extractor.names
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


def _with_error(value: float, error: float) -> str:
    """value ± error, with as many decimals as show the error's first two digits."""
    exponent = int(f"{error:.1e}".partition("e")[2]) if 0 < error < math.inf else -2
    places = min(max(1 - exponent, 0), 6)
    return f"{value:,.{places}f} ± {error:,.{places}f}"
