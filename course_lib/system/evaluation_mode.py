"""Temporary evaluation mode: afterwards every module of the network is back in its previous mode."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """`with evaluating(network):` batch norm and dropout in evaluation mode, no gradients; modes are restored after.

    Each module's mode is restored separately, because some layers may stay in evaluation mode during training.
    Chapter 03.
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
