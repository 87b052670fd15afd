"""Pictures and networks for tests of restoration."""

import torch
from torch import Tensor, nn


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def shaken(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network with random weights everywhere, as if it were trained: its tail is no longer zero."""
    dice = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=dice))
    return network.eval().requires_grad_(False)
