"""One step of supervised training: predict, compute the loss, update the weights."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from course_lib.data import Batches
from course_lib.training.optimisers import accelerator_for
from course_lib.training.schedules import cosine
from course_lib.training.trainer import Trainer

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]


@dataclass
class SupervisedStep:
    """Called with a batch (inputs, targets), takes one optimiser step and returns {"loss": …}.

    Args:
        accelerator: provides autocast and backward for the device and the number of processes.
        network, optimiser: as prepared by Accelerate.
        loss: (network, inputs, targets) → scalar.
        longest: the gradient norm over all weights is clipped to this, so that one unusual batch cannot derail a
            network without normalisation; None for no clipping. Paper: Pascanu et al. 2013.
    Chapter 01.
    """

    accelerator: Accelerator
    network: nn.Module
    optimiser: Optimizer
    loss: Loss
    longest: float | None = None

    def __post_init__(self) -> None:
        self.weights = [weight for group in self.optimiser.param_groups for weight in group["params"]]

    def __call__(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        with self.accelerator.autocast():
            value = self.loss(self.network, inputs, targets)
        self.optimiser.zero_grad()
        self.accelerator.backward(value)
        if self.longest is not None:
            self.accelerator.clip_grad_norm_(self.weights, self.longest)
        self.optimiser.step()
        return {"loss": value.detach()}


def supervised(
    network: nn.Module,
    optimiser: Optimizer,
    loss: Loss,
    batches: Batches,
    device: torch.device,
    longest: float | None = None,
) -> Trainer:
    """A trainer for one network and one loss, with a cosine learning-rate schedule. Chapter 01."""
    accelerator = accelerator_for(device)
    # With several processes the wrapped network averages gradients; the unwrapped one is saved, measured and used.
    wrapped, optimiser = accelerator.prepare(network, optimiser)
    step = SupervisedStep(accelerator, wrapped, optimiser, loss, longest)
    return Trainer(step, {"model": network}, {"optimiser": optimiser}, batches, device, cosine)
