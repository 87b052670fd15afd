"""Chapters 00 and 01: right answers in unusual dress, and slips with what names them."""

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.blocks import Residual


def block(forward, keep=True):
    """A class with the given forward(self, x)."""

    class Block(nn.Module):
        def __init__(self, branch, shortcut=None):
            super().__init__()
            if keep:
                self.branch, self.shortcut = branch, nn.Identity() if shortcut is None else shortcut
            else:
                self.parts = (branch, shortcut or (lambda x: x))

    Block.forward = forward
    return Block


def in_place(self, x):
    x += self.branch(x)
    return x


def einsum_convolve(x, weight, stride=1):
    k = weight.shape[2]
    windows = F.pad(x, [k // 2] * 4).unfold(2, k, stride).unfold(3, k, stride)
    return torch.einsum("nchwij,dcij->ndhw", windows, weight)


class GateOfOneElement(nn.Module):
    def __init__(self, branch):
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(1))
        self.branch = branch

    def forward(self, x):
        return torch.addcmul(x, self.gate, self.branch(x))


class PreactInAnotherOrder(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1, self.change = nn.BatchNorm2d(inputs), inputs != outputs or stride != 1
        self.project = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if self.change else None

    def forward(self, x):
        y = self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))
        return y + (self.project(x) if self.change else x)


RIGHT = {
    "convolve": [einsum_convolve],
    "gated_residual": [GateOfOneElement],
    "preact_block": [PreactInAnotherOrder],
    "stamps": [
        lambda size, kernel, stride: [
            sum(0 <= o - i * stride < kernel for i in range(size)) for o in range((size - 1) * stride + kernel)
        ]
    ],
    "swap_lesion": [
        lambda model, score: [
            score(nn.Sequential(*model[:i], model[i + 1], model[i], *model[i + 2 :])) for i in range(1, len(model) - 2)
        ]
    ],
    "psnr": [
        lambda pred, target: torch.stack(
            [-10 * ((p.double() - t.double()) ** 2).mean().log10() for p, t in zip(pred, target, strict=True)]
        )
    ],
    "to_batch": [
        lambda pixels: torch.stack([torch.tensor(pixels[..., c] / 255) for c in range(3)]).float().unsqueeze(0)
    ],
    "to_bytes": [lambda signed: ((signed.clamp(-1, 1) * 127.5 + 127.5) + 0.5).floor().byte()],
    "sharpen": [lambda y, blur, amount: torch.lerp(blur(y), y, 1 + amount).clip(0, 1)],
    "split_gradient": [
        lambda block, x, g: tuple(
            torch.autograd.functional.vjp(f, x, g)[1] for f in (block.shortcut, lambda x: block.branch(x) * block.scale)
        )
    ],
    "residual": [Residual, block(lambda self, x: torch.stack([self.branch(x), self.shortcut(x)]).sum(0))],
}


WRONG = [
    ("residual", "forgets the shortcut", block(lambda self, x: self.branch(x)), "branch alone"),
    ("residual", "forgets the branch", block(lambda self, x: self.shortcut(x)), "shortcut alone"),
    ("residual", "subtracts", block(lambda self, x: self.shortcut(x) - self.branch(x)), "subtracted"),
    ("residual", "ReLU after", block(lambda self, x: F.relu(self.shortcut(x) + self.branch(x))), "ReLU after the sum"),
    ("residual", "ReLU inside", block(lambda self, x: self.shortcut(x) + F.relu(self.branch(x))), "can only add"),
    ("residual", "ignores a given shortcut", block(lambda self, x: x + self.branch(x)), "not used"),
    ("residual", "in place", block(in_place), "changes the x"),
    (
        "residual",
        "detached branch",
        block(lambda self, x: self.shortcut(x) + self.branch(x).detach()),
        "the branch gets no gradient",
    ),
    ("residual", "hidden parts", block(lambda self, x: self.parts[1](x) + self.parts[0](x), keep=False), "parameters"),
    ("residual", "no module", lambda branch, shortcut=None: lambda x: x + branch(x), "wanted a module"),
]
