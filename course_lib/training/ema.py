"""The exponential moving average (EMA) of the weights of a network in training."""

import copy
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from course_lib.errors import CourseError


class EMA:
    """After each step, average ← decay · average + (1 − decay) · weights; buffers are copied unchanged.

    Args:
        network: copied once; pass its later weights to `update`.
        decay: in [0, 1); the average covers about the last 1/(1 − decay) steps. At the start the decay is
            smaller, min(decay, (1 + n)/(10 + n)) after n updates, so that the initial weights are soon forgotten.
    `network` is the averaged copy, in evaluation mode and without gradients; `updates` counts updates. `state_dict`
    and `load_state_dict` work as for a module. Raises CourseError for a decay out of range.
    Papers: Polyak and Juditsky 1992; Yazıcı et al. 2019, "The Unusual Effectiveness of Averaging in GAN Training".
    Chapter 03.
    """

    def __init__(self, network: nn.Module, decay: float = 0.998):
        if not 0 <= decay < 1:
            raise CourseError(f"EMA: decay is {decay}, wanted 0 ≤ decay < 1; 0.998 averages over about 500 steps")
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay, self.updates = decay, 0
        self._averaged = list(self.network.parameters())
        self._buffers = list(self.network.buffers())

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Update the average with the current weights of `network`."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        # One fused call over all tensors; a Python loop would cost as much as a small layer.
        get_ema_multi_avg_fn(decay)(self._averaged, list(network.parameters()), self.updates)
        for mine, theirs in zip(self._buffers, network.buffers(), strict=True):
            mine.copy_(theirs)
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.updates = state["updates"]
