"""One step of a network that learns from pairs: predict, compare, descend."""

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
    """Called with a batch (inputs, targets), takes one step down the loss and returns {"loss": …}.

    Args:
        accelerator: gives autocast and backward that fit the device and the number of processes.
        network, optimiser: as Accelerate prepared them.
        loss: (network, inputs, targets) → scalar.
        longest: a gradient with a larger norm over all weights is cut to it, so that one odd batch cannot throw a
            network without norms; None for no limit. Paper: Pascanu et al. 2013.
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
    """A trainer for one network and one loss, with a learning rate that falls along a cosine. Chapter 01."""
    accelerator = accelerator_for(device)
    # Under several processes the wrapped network averages gradients; the bare one is saved, measured and used.
    wrapped, optimiser = accelerator.prepare(network, optimiser)
    step = SupervisedStep(accelerator, wrapped, optimiser, loss, longest)
    return Trainer(step, {"model": network}, {"optimiser": optimiser}, batches, device, cosine)
