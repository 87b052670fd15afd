"""What turns images into the vectors that metrics compare, with everything that a score must say about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor


class ScoreNames(NamedTuple):
    """What the distances and the score of one extractor are called: FID, KID and IS are the standard Inception's.

    Chapter 04.
    """

    frechet: str = "FD"
    kernel: str = "KD"
    inception: str = "IS"


@dataclass(frozen=True)
class Extractor:
    """One way from images to features. A score is comparable only with scores by the same one.

    Args:
        name: how a protocol names it, for example "course classifier, 128 features".
        dim: numbers in a feature vector.
        resize: how images come to the size that the network wants, antialiasing named.
        names: what scores by it are called; FID, KID and IS for the standard Inception network only.
        features: images N×C×H×W in [0,1] → N×dim; they are rounded to 8 bits first, as they are in a file.
        probabilities: features N×dim → N×K, a softmax in each row, for the Inception Score; None where there is none.
    Chapter 04.
    """

    name: str
    dim: int
    resize: str
    features: Callable[[Tensor], Tensor]
    probabilities: Callable[[Tensor], Tensor] | None = None
    names: ScoreNames = field(default_factory=ScoreNames)
