"""Evaluation mode for a while; afterwards every part of the network is in the mode it had before."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """`with evaluating(network):` batch norm and dropout in evaluation mode, no gradients; modes are restored after.

    Part by part, since a network may be trained with some of its layers held in evaluation mode. Chapter 03.
    """
    training = [part for part in network.modules() if part.training]
    try:
        for part in training:
            part.training = False
        with torch.no_grad():
            yield
    finally:
        for part in training:
            part.training = True
