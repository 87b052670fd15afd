"""Checks of chapter 01: where a gradient comes through, and what exchanging blocks does."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.blocks import Residual
from course_lib.check.probes import branch_module, random
from course_lib.check.report import attempt, close, equals, fail, is_tensor, leaves_random_numbers_alone, passed


@leaves_random_numbers_alone
def split_gradient(function: Callable) -> None:
    """`function(block, x, gradient)` → (through the shortcut, through the branch); exact. Chapter 01."""
    name = "split_gradient"
    cases = [
        Residual(branch_module(3, 3)),
        Residual(branch_module(3, 3), scale=0.1),
        Residual(branch_module(3, 3), nn.Conv2d(3, 3, 1), scale=0.5),
        Residual(branch_module(3, 5), nn.Conv2d(3, 5, 1)),
        Residual(branch_module(3, 4, 2), nn.Conv2d(3, 4, 1, stride=2), scale=-2.0),
    ]
    for block in cases:
        x = random(2, 3, 6, 6)
        with torch.no_grad():
            gradient = random(*block(x).shape, seed=5)
        where = f" for shortcut {type(block.shortcut).__name__}, scale {block.scale}"
        given = x.clone()
        before = (block.training, block.scale, [p.requires_grad for p in block.parameters()])
        got = attempt(name, function, block, given, gradient.clone(), where=where)
        if before != (block.training, block.scale, [p.requires_grad for p in block.parameters()]):
            fail(name, "your function changes the block", "leave its mode, its scale and requires_grad as they are")
        if given.requires_grad or given.grad is not None:
            fail(
                name,
                "your function changes the x it was given",
                "x.detach().requires_grad_() is one of your own",
            )
        if not (isinstance(got, tuple | list) and len(got) == 2):
            fail(name, f"wanted two tensors, got {type(got).__name__}", "return through_shortcut, through_branch")
        kept = torch.autograd.functional.vjp(block.shortcut, x, gradient)[1]
        raw = torch.autograd.functional.vjp(block.branch, x, gradient)[1]
        ones = torch.autograd.functional.vjp(block.branch, x, torch.ones_like(gradient))[1]
        learned = block.scale * raw
        for part in got:
            is_tensor(name, part, x.shape, "a part", "both parts are gradients at x, so they have the shape of x")
        if close(got[0], learned) and close(got[1], kept):
            fail(name, "the two parts have changed places", "first the shortcut's, then the branch's")
        equals(
            name,
            got[0],
            kept,
            [
                (kept + learned, "the first part is the whole gradient, wanted what comes through the shortcut"),
                (gradient if gradient.shape == kept.shape else kept + 9, "the shortcut is not always the identity"),
                (
                    torch.autograd.functional.vjp(block.shortcut, x, torch.ones_like(gradient))[1],
                    "the gradient from above is not used: a sum was differentiated instead",
                ),
                (block.scale * kept, "the scale was put on the shortcut"),
            ],
            otherwise=f"the shortcut's part is wrong{where}",
            hint="backpropagate `gradient` through block.shortcut alone",
        )
        equals(
            name,
            got[1],
            learned,
            [
                (raw, "the branch's part lacks the factor `scale`"),
                (kept + learned, "the second part is the whole gradient, wanted what comes through the branch"),
                (block.scale * ones, "the gradient from above is not used: a sum was differentiated instead"),
                (ones, "the gradient from above is not used: a sum was differentiated instead"),
            ],
            otherwise=f"the branch's part is wrong{where}",
            hint="backpropagate `gradient` through block.branch, times scale",
        )
        if any(p.grad is not None and p.grad.any() for p in block.parameters()):
            fail(
                name,
                "the block's weights now hold gradients",
                "torch.autograd.grad gives gradients without storing any",
            )
    passed(name, "five blocks: identity and projection, four scales; no gradient left behind")


class _Place(nn.Module):
    """Appends its digit: the order of the blocks can be read off the output."""

    def __init__(self, digit: int):
        super().__init__()
        self.digit = digit

    def forward(self, x: Tensor) -> Tensor:
        return x * 10 + self.digit


@leaves_random_numbers_alone
def swap_lesion(function: Callable) -> None:
    """`function(model, score)`: scores with each pair of neighbouring blocks exchanged; model restored. Chapter 01."""
    name = "swap_lesion"
    for blocks in (3, 5):
        model = nn.Sequential(*[_Place(digit) for digit in range(1, blocks + 3)])  # stem, blocks, head
        order = list(model)

        def score(network: nn.Module) -> float:
            return float(network(torch.zeros((), dtype=torch.float64)))

        got = attempt(name, function, model, score, where=f" on a network of {blocks} blocks")
        want = []
        for position in range(1, blocks):
            digits = list(range(1, blocks + 3))
            digits[position], digits[position + 1] = digits[position + 1], digits[position]
            want.append(float("".join(map(str, digits))))
        if not isinstance(got, list | tuple):
            fail(name, f"got {type(got).__name__}, wanted a list of scores", "append each score to a list")
        if any(callable(value) for value in got):
            fail(name, "the list holds functions, wanted numbers", "call score(model)")
        got = [attempt(name, float, value, where=f" for the score {value!r}") for value in got]
        if len(set(model)) < len(order):
            fail(name, "a block is lost: the same block now stands in two places", "exchange in one line: a, b = b, a")
        if not all(module.training for module in order):
            fail(name, "the network is left in evaluation mode", "the mode is not yours to change")
        if len(got) == len(want) and [module for module in model] != order and got != want:
            fail(
                name,
                "the network is not put back between two exchanges, so the damage adds up",
                "exchange them back after scoring",
            )
        whole = "".join(str(digit) for digit in range(1, blocks + 3))
        orders = [f"{value:.0f}" for value in got]
        if orders and all(seen == whole for seen in orders):
            fail(name, "every score is that of the whole network", "score it while the two are exchanged")
        for seen in orders:
            if seen[0] != whole[0]:
                fail(name, "the stem was exchanged with a block", "blocks are model[1] … model[len(model) - 2]")
            if seen[-1] != whole[-1]:
                fail(name, "the head was exchanged with a block", "blocks are model[1] … model[len(model) - 2]")
            if seen == whole:
                fail(name, "one of the scores is that of the untouched network", "score only while two are exchanged")
        if len(got) != len(want):
            fail(
                name,
                f"{len(got)} scores came for {blocks} blocks, wanted {len(want)}",
                "n blocks have n − 1 neighbouring pairs; is `return` inside the loop?",
            )
        if got != want:
            seen, wanted = next((a, f"{b:.0f}") for a, b in zip(orders, want, strict=True) if float(a) != b)
            fail(
                name,
                f"order of the parts {' '.join(seen)}, wanted {' '.join(wanted)}",
                "exchange block i and block i + 1, nothing else",
            )
        if list(model) != order:
            fail(name, "the network is left with its blocks in another order", "exchange the last pair back as well")
    passed(name, "networks of 3 and 5 blocks: every neighbouring pair, one at a time, network as before")
