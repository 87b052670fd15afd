"""Geometric self-ensemble: restore an image in eight orientations, undo each one, and average the outputs."""

from collections.abc import Callable

from torch import Tensor

from course_lib.images.augmentation import turned, turned_back


def self_ensemble(network_fn: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """The mean of a network's outputs over the eight orientations of an image: the geometric self-ensemble.

    network_fn: N×C×H×W → N×C'×(s·H)×(s·W) for any H and W, since a quarter turn swaps them. images: N×C×H×W.
    It needs no training and no extra weights, but takes eight times as long. The result is equivariant to quarter turns
    and mirroring even if the network is not; if it is, its output is unchanged. Errors that differ between orientations
    partly cancel. Papers: Timofte et al. 2016, "Seven Ways to Improve Example-Based Single Image Super Resolution"; Lim
    et al. 2017 (there "EDSR+"). Chapter 06.
    """
    outputs = [turned_back(network_fn(turned(pictures, way)), way) for way in range(8)]
    # Summing in pairs makes the mean of eight equal numbers exact: pixels that a network copies stay bit for bit.
    while len(outputs) > 1:
        outputs = [one + other for one, other in zip(outputs[::2], outputs[1::2], strict=True)]
    return outputs[0] / 8
