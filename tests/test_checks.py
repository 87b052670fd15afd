"""Checks beyond the exercises' tables: `check.residual` of the chapter, and right answers in unusual dress.

Chapters 00 and 01; each later chapter has a file test_checks_….py with a table RIGHT of its own.
"""

import ast
import itertools
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib import check
from course_lib.blocks import Residual
from course_lib.errors import CheckFailed


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


WRONG = {
    "forgets the shortcut": (block(lambda self, x: self.branch(x)), "branch alone"),
    "forgets the branch": (block(lambda self, x: self.shortcut(x)), "shortcut alone"),
    "subtracts": (block(lambda self, x: self.shortcut(x) - self.branch(x)), "subtracted"),
    "ReLU after": (block(lambda self, x: F.relu(self.shortcut(x) + self.branch(x))), "ReLU after the sum"),
    "ReLU inside": (block(lambda self, x: self.shortcut(x) + F.relu(self.branch(x))), "can only add"),
    "ignores a given shortcut": (block(lambda self, x: x + self.branch(x)), "not used"),
    "in place": (block(in_place), "changes the x"),
    "detached branch": (
        block(lambda self, x: self.shortcut(x) + self.branch(x).detach()),
        "the branch gets no gradient",
    ),
    "hidden parts": (block(lambda self, x: self.parts[1](x) + self.parts[0](x), keep=False), "parameters"),
    "no module": (lambda branch, shortcut=None: lambda x: x + branch(x), "wanted a module"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_check_residual_names_the_mistake(mistake):
    answer, says = WRONG[mistake]
    with pytest.raises(CheckFailed, match=says):
        check.residual(answer)


def test_check_residual_takes_right_answers_in_unusual_dress(capsys):
    check.residual(Residual)
    check.residual(block(lambda self, x: torch.stack([self.branch(x), self.shortcut(x)]).sum(0)))
    assert capsys.readouterr().out.count("✓ residual") == 2


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
    "convolve": einsum_convolve,
    "gated_residual": GateOfOneElement,
    "preact_block": PreactInAnotherOrder,
    "stamps": lambda size, kernel, stride: [
        sum(0 <= o - i * stride < kernel for i in range(size)) for o in range((size - 1) * stride + kernel)
    ],
    "swap_lesion": lambda model, score: [
        score(nn.Sequential(*model[:i], model[i + 1], model[i], *model[i + 2 :])) for i in range(1, len(model) - 2)
    ],
    "psnr": lambda pred, target: torch.stack(
        [-10 * ((p.double() - t.double()) ** 2).mean().log10() for p, t in zip(pred, target, strict=True)]
    ),
    "to_batch": lambda pixels: torch.stack([torch.tensor(pixels[..., c] / 255) for c in range(3)]).float().unsqueeze(0),
    "to_bytes": lambda signed: ((signed.clamp(-1, 1) * 127.5 + 127.5) + 0.5).floor().byte(),
    "sharpen": lambda y, blur, amount: torch.lerp(blur(y), y, 1 + amount).clip(0, 1),
    "split_gradient": lambda block, x, g: tuple(
        torch.autograd.functional.vjp(f, x, g)[1] for f in (block.shortcut, lambda x: block.branch(x) * block.scale)
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_in_unusual_dress_passes(name, capsys):
    getattr(check, name)(RIGHT[name])
    assert capsys.readouterr().out.startswith(f"✓ {name}: ")


def tried_elsewhere() -> set[str]:
    """The keys of RIGHT in the later chapters' files, read from their source."""
    found = set()
    for path in Path(__file__).parent.glob("test_checks_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RIGHT":
                found |= {key.value for key in node.value.keys}
    return found


def test_every_check_is_tried():
    assert set(RIGHT) | {"residual"} | tried_elsewhere() == set(check.__all__)


@pytest.mark.parametrize("name", RIGHT)
def test_a_check_leaves_random_numbers_alone(name):
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    getattr(check, name)(RIGHT[name])
    assert torch.equal(torch.rand(2), wanted)


@pytest.mark.parametrize(("name", "nonsense"), list(itertools.product(check.__all__, [None, "text", 3.0, ...])))
def test_nonsense_gets_a_cross_and_no_traceback(name, nonsense):
    for answer in (nonsense, lambda *_, **__: nonsense):
        with pytest.raises(CheckFailed) as cross:
            getattr(check, name)(answer)
        assert str(cross.value).startswith(f"✗ {name}: ")
