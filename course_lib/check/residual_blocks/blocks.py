"""Checks of chapter 01: the residual block and its gated variant."""

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.blocks import Residual
from course_lib.check.probes import branch_module, random, same_gradients, untouched
from course_lib.check.report import attempt, equals, fail, leaves_random_numbers_alone, passed


@leaves_random_numbers_alone
def residual(block: type[nn.Module]) -> None:
    """A class `block(branch, shortcut=None)` with y = shortcut(x) + branch(x). Chapter 01."""
    name = "residual"
    cases = ((3, 3, 1, 5, True), (4, 4, 1, 6, False), (3, 8, 2, 6, False), (4, 2, 1, 5, False))
    for inputs, outputs, stride, size, same in cases:
        branch = branch_module(inputs, outputs, stride)
        torch.manual_seed(1)
        shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride)
        module = attempt(name, block, branch) if same else attempt(name, block, branch, shortcut)
        if not isinstance(module, nn.Module):
            fail(name, f"the block is a {type(module).__name__}, wanted a module", "class Residual(nn.Module): …")
        x = random(2, inputs, size, size)
        before = x.clone()
        got = attempt(name, module, x, where=f" on an input of shape {tuple(x.shape)}")
        untouched(name, x, before)
        correction, kept = branch(x), x if same else shortcut(x)
        mistakes = [
            (correction, "the shortcut is missing: the output is the branch alone"),
            (kept, "the branch is missing: the output is the shortcut alone"),
            (kept - correction, "the branch is subtracted"),
            (kept + F.relu(correction), "there is a ReLU at the end of the branch: it can only add"),
            (F.relu(kept + correction), "there is a ReLU after the sum"),
            (kept * correction, "the paths are multiplied, not added"),
            (2 * correction, "the branch is added to itself"),
        ]
        if not same and inputs == outputs and stride == 1:
            mistakes.append((x + correction, "the shortcut that was given is not used"))
        equals(name, got, kept + correction, mistakes, hint="y = S(x) + F(x)")
        registered = {id(parameter) for parameter in module.parameters()}
        if not all(id(parameter) in registered for parameter in branch.parameters()):
            fail(name, "the branch's weights are not among the block's parameters", "keep it as self.branch")
        if not same and not all(id(parameter) in registered for parameter in shortcut.parameters()):
            fail(name, "the shortcut's weights are not among the block's parameters", "keep it as self.shortcut")
        x = x.clone().requires_grad_()
        sources = {"the branch": branch[0].weight, "x": x} | ({} if same else {"the shortcut": shortcut.weight})
        want = (x if same else shortcut(x)) + branch(x)
        same_gradients(name, attempt(name, module, x), want, sources, "no .detach(), .data or no_grad in forward")
    passed(name, "identity and projection, four shapes, values, parameters, input left alone")


@leaves_random_numbers_alone
def gated_residual(block: type[nn.Module]) -> None:
    """A class `block(branch)` with y = x + α·branch(x), α learned and 0 at the start. Chapter 01."""
    name = "gated_residual"
    branch = branch_module(3, 3)
    start = [parameter.detach().clone() for parameter in branch.parameters()]
    module = attempt(name, block, branch)
    if not isinstance(module, nn.Module):
        fail(name, f"the block is a {type(module).__name__}, wanted a module", "class GatedResidual(nn.Module): …")
    if not all(torch.equal(a, b) for a, b in zip(start, branch.parameters(), strict=True)):
        fail(name, "your block changes the branch's weights", "leave the branch as it is: α makes it silent")
    if any(isinstance(part, Residual) for part in module.modules()):
        fail(name, "write the block without the library's Residual", "forward needs one line: x + α · branch(x)")
    x = random(2, 3, 6, 6)
    before = x.clone()
    got = attempt(name, module, x, where=f" on an input of shape {tuple(x.shape)}")
    untouched(name, x, before)
    correction = branch(x)
    equals(
        name,
        got,
        x,
        [
            (x + correction, "at the start the block must be the identity, but α begins at 1"),
            (correction, "at the start only the branch comes out: x is missing, or α stands at x"),
            (F.relu(x), "at the start the block must be the identity: there is a ReLU after the sum"),
            (x + 0.5 * correction, "at the start the branch has the weight ½: does α pass through a sigmoid?"),
            (torch.zeros_like(x), "the output is all zero: α multiplies the sum (or the shortcut is missing)"),
        ],
        otherwise="at the start the block must be the identity: α begins at 0",
    )
    inside = {id(parameter) for parameter in branch.parameters()}
    gates = [parameter for parameter in module.parameters() if id(parameter) not in inside]
    if not inside <= {id(parameter) for parameter in module.parameters()}:
        fail(name, "the branch's weights are not among the block's parameters", "keep it as self.branch")
    if sum(gate.numel() for gate in gates) != 1:
        fail(
            name,
            f"beside the branch there are {sum(g.numel() for g in gates)} learned numbers, wanted one, α",
            "nn.Parameter(torch.zeros(())) is a number that the optimiser sees",
        )
    (alpha,) = gates
    if not alpha.requires_grad:
        fail(name, "α cannot learn: its requires_grad is False", "leave requires_grad as it is")
    for value in (1.0, -0.5, 3.0):
        with torch.no_grad():
            alpha.fill_(value)
        given = x.clone()
        got = attempt(name, module, given)
        untouched(name, given, x)
        mistakes = [
            (value * (x + correction), "α multiplies the sum, wanted only the branch"),
            (value * x + correction, "α multiplies the shortcut, wanted the branch"),
            (x + correction, "α is there, but forward does not use it"),
            (x + abs(value) * correction, "α has lost its sign"),
            (x + max(value, 0) * correction, "negative α is cut off: α may have both signs"),
            (x - value * correction, "the branch is subtracted"),
            (x + value * F.relu(correction), "there is a ReLU on the branch"),
            ((1 - value) * x + value * correction, "α also takes from the shortcut, wanted x itself"),
            (x, "the output stays x whatever α is"),
        ]
        equals(
            name,
            got,
            x + value * correction,
            mistakes,
            otherwise=f"wrong output for α = {value}",
            hint="y = x + α · F(x)",
        )
    x = x.clone().requires_grad_()
    for value in (3.0, 0.0):
        with torch.no_grad():
            alpha.fill_(value)
        want = x + alpha.reshape(()) * branch(x)
        sources = {"α": alpha} | ({"the branch": branch[0].weight, "x": x} if value else {})
        hint = (
            "use the parameter itself, not .item(), .data or .detach()"
            if value
            else "α = 0 must learn too: always run the branch"
        )
        same_gradients(name, attempt(name, module, x), want, sources, hint)
    passed(name, "identity at the start, four values of α, its gradient, input left alone")
