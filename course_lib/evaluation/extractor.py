"""Extractors: they turn images into the vectors that metrics compare, and carry the facts a score must state."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor


class ScoreNames(NamedTuple):
    """The names of an extractor's two distances and its score; FID, KID and IS are for standard Inception only.

    Chapter 04.
    """

    frechet: str = "FD"
    kernel: str = "KD"
    inception: str = "IS"


@dataclass(frozen=True)
class Extractor:
    """A way to turn images into features. A score is comparable only with scores from the same extractor.

    Args:
        name: its name in a protocol, for example "course classifier, 128 features".
        dim: length of a feature vector.
        resize: how images are brought to the network's input size, including any antialiasing.
        names: the names of its scores; FID, KID and IS for the standard Inception network only.
        features: images N×C×H×W in [0,1] → N×dim; images are first rounded to 8 bits, as they are in a file.
        probabilities: features N×dim → N×K, a softmax in each row, for the Inception Score; None without classes.
    Chapter 04.
    """

    name: str
    dim: int
    resize: str
    features: Callable[[Tensor], Tensor]
    probabilities: Callable[[Tensor], Tensor] | None = None
    names: ScoreNames = field(default_factory=ScoreNames)
