"""Accelerate for the device and the number of processes, and fused Adam."""

import torch
from accelerate import Accelerator
from torch import nn


def accelerator_for(device: torch.device) -> Accelerator:
    """Accelerate's autocast and backward for `device`, with gradients averaged over several processes. Chapter 06.

    Mixed precision is bfloat16 on GPUs that support it natively; everything else runs in float32.
    """
    bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return Accelerator(cpu=device.type == "cpu", mixed_precision="bf16" if bf16 else "no")


def adam(
    network: nn.Module, learning_rate: float, betas: tuple[float, float], device: torch.device
) -> torch.optim.Adam:
    """Adam, fused (one call for all weights) where supported: in small networks Adam takes a tenth of a step.

    Paper: Kingma and Ba 2014. Chapter 03.
    """
    fused = device.type in ("cpu", "cuda")
    return torch.optim.Adam(network.parameters(), lr=learning_rate, betas=betas, fused=fused)
