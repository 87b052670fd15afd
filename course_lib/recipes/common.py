"""What every recipe is made of: a Run to hand out, a Metric to report, the step of one network and one loss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from course_lib.training import Step, Trainer, cosine


@dataclass(frozen=True)
class Metric:
    """A measured number with how it was measured (data, split, N, …); never one without the other. Chapter 01."""

    name: str
    value: float
    unit: str
    protocol: str


@dataclass(frozen=True)
class Restorer:
    """How a network mends a picture of any size, tile by tile. Chapter 05.

    Args:
        network_fn: N×C×h×w float32 in [0,1], on the run's device → N×C×(scale·h)×(scale·w), C = `channels`.
        context: pixels that the network looks at in each direction: the radius of its receptive field.
        channels: 3 for RGB, 1 for a network that is given each colour by itself.
        needs_mask: the network is given the hole (1 where missing) as one more channel, the last; the others are 0
            there. What is known stays as it was, so `scale` is 1.
        minimum, multiple: of a side that the network can take, in pixels.
    """

    network_fn: Callable[[Tensor], Tensor]
    context: int
    scale: int = 1
    channels: int = 3
    needs_mask: bool = False
    minimum: int = 1
    multiple: int = 1


@dataclass
class Run:
    """A recipe made ready: `trainer.run(...)` trains `model`, `evaluate()` measures it. Chapter 01.

    `steps` is the planned length per budget, {"cpu": …, "gpu": …}. `sample(n, seed)` makes n new pictures, N×C×H×W
    in [0,1]; None where the network makes none. `restore` says how a given picture is mended; None where none is.
    """

    model: nn.Module
    trainer: Trainer
    evaluate: Callable[[], list[Metric]]
    steps: dict[str, int]
    sample: Callable[[int, int], Tensor] | None = None
    restore: Restorer | None = None


def accelerator_for(device: torch.device) -> Accelerator:
    # Accelerate gives autocast and backward that fit the device, and averages gradients over several processes.
    bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return Accelerator(cpu=device.type == "cpu", mixed_precision="bf16" if bf16 else "no")


def prepared(device: torch.device, model: nn.Module, optimiser: torch.optim.Optimizer) -> tuple:
    # Accelerate places the network and wraps the optimiser.
    accelerator = accelerator_for(device)
    return accelerator, *accelerator.prepare(model, optimiser)


def descent(
    accelerator: Accelerator,
    optimiser: torch.optim.Optimizer,
    loss: Callable[..., Tensor],
    longest: float | None = None,
) -> Step:
    """The step of every recipe with one network and one loss.

    A gradient longer than `longest` is cut to that length: one odd batch must not throw a network without norms.
    """
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]

    def step(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        with accelerator.autocast():
            value = loss(images, labels)
        optimiser.zero_grad()
        accelerator.backward(value)
        if longest is not None:
            accelerator.clip_grad_norm_(weights, longest)
        optimiser.step()
        return {"loss": value.detach()}

    return step


def descending(
    accelerator: Accelerator,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss: Callable[..., Tensor],
    batches: Any,
    device: torch.device,
    longest: float | None = None,
) -> Trainer:
    """The trainer of every recipe with one network and one loss: its step, and a rate that falls along a cosine."""
    step = descent(accelerator, optimiser, loss, longest)
    return Trainer(step, {"model": model}, {"optimiser": optimiser}, batches, device, cosine)
