"""The discriminator: is this neighbourhood of a photograph real? Spectrally normalised, by patches."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class SNConv(nn.Conv2d):
    """A convolution divided by its largest singular value (Miyato et al. 2018); `refresh` once a step."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1):
        super().__init__(inputs, outputs, kernel, stride, padding=(kernel - 1) // 2 if stride == 1 else 1)
        nn.init.orthogonal_(self.weight)
        nn.init.zeros_(self.bias)
        self.register_buffer("u", functional.normalize(torch.randn(outputs), dim=0))
        self.register_buffer("v", functional.normalize(torch.randn(inputs * kernel**2), dim=0))
        self.refresh(10)

    @torch.no_grad()
    def refresh(self, rounds: int = 1) -> None:
        w = self.weight.flatten(1)
        for _ in range(rounds):
            self.v.copy_(functional.normalize(w.T @ self.u, dim=0))
            self.u.copy_(functional.normalize(w @ self.v, dim=0))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            # copies: the buffers change in place before the next step's backward
            size = self.u.clone() @ (self.weight.flatten(1) @ self.v.clone())
            weight = self.weight / size
        return self._conv_forward(x, weight, self.bias)


class Critic(nn.Module):
    """N×3×H×W in [-1,1] → (features, logits N×1×H/8×W/8); a logit sees about 60 pixels a side."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.stages = nn.ModuleList()
        inputs = 3
        for k in range(3):
            here = width * 2**k
            self.stages.append(nn.Sequential(SNConv(inputs, here, 3), _leaky(), SNConv(here, 2 * here, 4, 2), _leaky()))
            inputs = 2 * here
        self.tail = nn.Sequential(SNConv(inputs, inputs, 3), _leaky(), SNConv(inputs, 1, 3))

    def refresh(self) -> None:
        for layer in self.modules():
            if isinstance(layer, SNConv):
                layer.refresh()

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features, self.tail(x).float()


def _leaky() -> nn.Module:
    return nn.LeakyReLU(0.2)


def feature_distance(fake: list[Tensor], real: list[Tensor]) -> Tensor:
    parts = [(f.float() - r.float()).abs().mean() / r.float().abs().mean().clamp(min=1e-6) for f, r in zip(fake, real)]
    return torch.stack(parts).mean()
