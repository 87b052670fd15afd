"""One picture asked about in eight ways: turn it, mend it, turn the answer back, and take the mean."""

from collections.abc import Callable

from torch import Tensor

from course_lib.images.augmentation import turned, turned_back


def self_ensemble(network_fn: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """The mean of a network's answers to the eight ways in which a picture can lie: the geometric self-ensemble.

    network_fn: N×C×H×W → N×C'×(s·H)×(s·W) for any H and W, since a quarter turn swaps them. pictures: N×C×H×W.
    No training and no weight is added; it takes eight times as long. The result commutes with turns and mirrors even
    where the network does not, and a network that does is left as it is. Errors that differ from way to way cancel in
    part. Papers: Timofte et al. 2016, "Seven Ways to Improve Example-Based Single Image Super Resolution"; Lim
    et al. 2017 (there "EDSR+"). Chapter 06.
    """
    answers = [turned_back(network_fn(turned(pictures, way)), way) for way in range(8)]
    # Summed in pairs, eight equal numbers have exactly their own mean: what a network passes on stays bit for bit.
    while len(answers) > 1:
        answers = [one + other for one, other in zip(answers[::2], answers[1::2], strict=True)]
    return answers[0] / 8
