"""The check of chapter 01's pre-activation block: its layers, their order at work, and its numbers."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.check.probes import random, untouched
from course_lib.check.report import attempt, equals, fail, is_tensor, leaves_random_numbers_alone, passed
from course_lib.errors import CheckFailed


def _reference_preact(inputs: int, outputs: int, stride: int) -> nn.ModuleDict:
    shortcut = nn.Identity() if inputs == outputs and stride == 1 else nn.Conv2d(inputs, outputs, 1, stride)
    return nn.ModuleDict(
        dict(
            norm1=nn.BatchNorm2d(inputs),
            conv1=nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            norm2=nn.BatchNorm2d(outputs),
            conv2=nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            shortcut=shortcut,
        )
    )


def _layers(name: str, theirs: list[nn.Module], called: list[nn.Module], shape: tuple[int, int, int], where: str):
    """Norms, 3×3 and 1×1 convolutions in the order in which they work; a cross unless they are the right ones."""
    inputs, outputs, stride = shape
    norms = [layer for layer in theirs if isinstance(layer, nn.BatchNorm2d)]
    wide = [layer for layer in theirs if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)]
    narrow = [layer for layer in theirs if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1)]
    shared = len(norms) == 1 and called.count(norms[0]) > 1
    if len(norms) != 2 or len(wide) != 2:
        fail(
            name,
            f"found {len(norms)} BatchNorm2d and {len(wide)} 3×3 convolutions{where}, wanted two and two",
            "one norm used in two places shares its statistics" if shared else "BN–ReLU–conv, twice, in the branch",
        )
    same = inputs == outputs and stride == 1
    if same and narrow:
        fail(name, f"there is a 1×1 convolution{where}, where the identity would do", "the clear path is the point")
    if not same and len(narrow) != 1:
        fail(name, f"{len(narrow)} 1×1 convolutions{where}, wanted one as the shortcut")
    if norms[0].num_features != inputs:
        fail(
            name,
            f"the first norm has {norms[0].num_features} channels{where}",
            f"it sees x itself: {inputs} channels",
        )
    if norms[1].num_features != outputs or (wide[0].in_channels, wide[0].out_channels) != (inputs, outputs):
        fail(
            name,
            f"the first 3×3 convolution goes from {wide[0].in_channels} to {wide[0].out_channels} channels{where}",
            f"it goes from {inputs} to {outputs}, the second keeps {outputs}",
        )
    if any(layer.groups != 1 for layer in theirs if isinstance(layer, nn.Conv2d)):
        fail(name, f"a convolution has groups{where}", "leave groups as it is")
    if any(layer.bias is not None for layer in wide):
        fail(name, f"a convolution of the branch has a bias{where}", "bias=False")
    if any(layer.running_mean is None for layer in norms):
        fail(name, "a norm keeps no statistics for evaluation", "BatchNorm2d(channels) as it is")
    if (wide[0].stride, wide[1].stride) != ((stride, stride), (1, 1)):
        fail(
            name,
            f"the 3×3 convolutions have strides {wide[0].stride[0]} and {wide[1].stride[0]}{where}",
            "the stride belongs in the first",
        )
    return norms, wide, narrow


def _same_random_weights(name: str, ours: nn.ModuleDict, norms: list, wide: list, narrow: list) -> None:
    # The same random weights on both sides, so that outputs can be compared.
    torch.manual_seed(3)
    for mine, other in [("norm1", norms[0]), ("norm2", norms[1]), ("conv1", wide[0]), ("conv2", wide[1])]:
        if other.weight is None:
            fail(name, "a norm has no weights", "BatchNorm2d(channels) as it is")
        with torch.no_grad():
            other.weight.copy_(torch.randn_like(other.weight) * 0.5)
            ours[mine].weight.copy_(other.weight)
            if other.bias is not None:
                other.bias.zero_() if isinstance(other, nn.Conv2d) else other.bias.normal_()
                if ours[mine].bias is not None:
                    ours[mine].bias.copy_(other.bias)
    if narrow:
        with torch.no_grad():
            ours["shortcut"].weight.copy_(narrow[0].weight)
            ours["shortcut"].bias.copy_(narrow[0].bias) if narrow[0].bias is not None else ours["shortcut"].bias.zero_()


@leaves_random_numbers_alone
def preact_block(builder: Callable) -> None:
    """`builder(inputs, outputs, stride)` → BN–ReLU–conv–BN–ReLU–conv plus shortcut; in both modes. Chapter 01."""
    name = "preact_block"
    for inputs, outputs, stride in ((4, 4, 1), (4, 6, 1), (4, 8, 2), (4, 4, 2)):
        where = f" for inputs={inputs}, outputs={outputs}, stride={stride}"
        module = attempt(name, builder, inputs, outputs, stride, where=where)
        if not isinstance(module, nn.Module):
            fail(name, f"the builder gives a {type(module).__name__}, wanted a module", "return Residual(…)")
        x = random(5, inputs, 6, 6)
        before = x.clone()
        called = []

        def note(layer: nn.Module, _: tuple, called: list = called) -> None:
            called.append(layer)

        hooks = [layer.register_forward_pre_hook(note) for layer in module.modules()]
        try:
            got = attempt(name, module, x, where=f" on an input of shape {tuple(x.shape)}{where}")
        except CheckFailed:
            wide = [layer for layer in called if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)]
            if any(layer.padding == (0, 0) for layer in wide):
                fail(name, f"a 3×3 convolution has no padding{where}: the picture shrinks", "padding=1 keeps the size")
            if len(wide) == 2 and [layer.stride[0] for layer in wide] != [stride, 1]:
                fail(
                    name,
                    f"the 3×3 convolutions have strides {[layer.stride[0] for layer in wide]}{where}",
                    "the stride belongs in the first",
                )
            raise
        for hook in hooks:
            hook.remove()
        untouched(name, x, before)
        is_tensor(
            name,
            got,
            (5, outputs, 6 // stride, 6 // stride),
            f"the output{where}",
            "the stride belongs in the first convolution and in the shortcut",
        )
        ours = _reference_preact(inputs, outputs, stride)
        theirs = [
            layer for layer in dict.fromkeys(called) if isinstance(layer, nn.BatchNorm2d | nn.Conv2d)
        ]  # in the order in which they work, each once
        norms, wide, narrow = _layers(name, theirs, called, (inputs, outputs, stride), where)
        _same_random_weights(name, ours, norms, wide, narrow)
        for training in (True, False):
            ours.train(training), module.train(training)
            for mine, other in (("norm1", norms[0]), ("norm2", norms[1])):
                # Their norms have seen other batches than ours; evaluation would compare the histories.
                ours[mine].running_mean.copy_(other.running_mean)
                ours[mine].running_var.copy_(other.running_var)
            n1, c1, n2, c2, s = (ours[part] for part in ("norm1", "conv1", "norm2", "conv2", "shortcut"))
            wanted = s(x) + c2(F.relu(n2(c1(F.relu(n1(x))))))
            with torch.no_grad():
                got = attempt(name, module, x)
                branch = c2(F.relu(n2(c1(F.relu(n1(x))))))
                late = s(x) + F.relu(branch)
                mistakes = [
                    (F.relu(wanted), "there is a ReLU after the sum: nothing may stand on the path of the shortcuts"),
                    (late, "the branch ends in a ReLU, so it can only add"),
                    (branch, "the shortcut is missing: return Residual(branch, shortcut)"),
                    (s(F.relu(x)) + branch, "the shortcut passes through a ReLU; it should take x itself"),
                    (F.relu(s(x)) + branch, "the shortcut ends in a ReLU; it should be the 1×1 convolution alone"),
                    (
                        s(x) + c2(n2(F.relu(c1(F.relu(n1(x)))))),
                        "the second ReLU and norm have changed places: BN, then ReLU",
                    ),
                    (s(x) + c2(n2(c1(n1(x)))), "both ReLUs are missing"),
                    (s(x) + c2(F.relu(n2(c1(n1(x))))), "the first ReLU is missing"),
                    (s(x) + c2(n2(c1(F.relu(n1(x))))), "the second ReLU is missing"),
                    (s(F.relu(n1(x))) + branch, "the shortcut takes the normalised x; it should take x itself"),
                ]
            if inputs == outputs and stride == 1:
                early = "convolution comes first, then norm, as in 2015: here norm and ReLU come before it"
                mistakes += [
                    (s(x) + c2(n2(F.relu(c1(n1(F.relu(x)))))), "ReLU and norm have changed places: BN, then ReLU"),
                    (s(x) + n2(c2(F.relu(n1(c1(x))))), early),
                ]
            equals(
                name,
                got,
                wanted,
                mistakes,
                otherwise=f"the output differs from BN–ReLU–conv–BN–ReLU–conv{where}",
                hint="norm and activation come before each convolution",
                tolerance=1e-4,
            )
    passed(name, "four shapes, in training and in evaluation mode, against the same layers written out")
