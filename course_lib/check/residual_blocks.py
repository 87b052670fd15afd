"""Checks of chapter 01: the block and its variants, convolution as a product, gradients, stamps, lesions."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.blocks import Residual
from course_lib.check.report import attempt, close, equals, fail, is_tensor, passed


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _branch(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    torch.manual_seed(inputs + outputs)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.Tanh(), nn.Conv2d(outputs, outputs, 1))


def _untouched(name: str, x: Tensor, before: Tensor) -> None:
    if not torch.equal(x, before):
        fail(name, "the block changes the x it was given", "write x + …, not x += …: others still need x")


def residual(block: type[nn.Module]) -> None:
    """A class `block(branch, shortcut=None)` with y = shortcut(x) + branch(x). Chapter 01."""
    name = "residual"
    for inputs, outputs, stride, size in ((3, 3, 1, 5), (4, 4, 1, 6), (3, 8, 2, 6), (4, 2, 1, 5)):
        branch = _branch(inputs, outputs, stride)
        same = inputs == outputs and stride == 1
        torch.manual_seed(1)
        shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride)
        module = attempt(name, block, branch) if same else attempt(name, block, branch, shortcut)
        x = _random(2, inputs, size, size)
        before = x.clone()
        got = attempt(name, module, x, where=f" on an input of shape {tuple(x.shape)}")
        _untouched(name, x, before)
        correction, kept = branch(x), x if same else shortcut(x)
        mistakes = [
            (correction, "the shortcut is missing: the output is the branch alone"),
            (kept, "the branch is missing: the output is the shortcut alone"),
            (kept - correction, "the branch is subtracted"),
            (F.relu(kept + correction), "there is a ReLU after the sum"),
            (kept * correction, "the paths are multiplied, not added"),
            (2 * correction, "the branch is added to itself"),
        ]
        if not same and inputs == outputs:
            mistakes.append((x + correction, "the shortcut that was given is not used"))
        equals(name, got, kept + correction, mistakes, hint="y = S(x) + F(x)")
        registered = {id(parameter) for parameter in module.parameters()}
        if not all(id(parameter) in registered for parameter in branch.parameters()):
            fail(name, "the branch's weights are not among the block's parameters", "keep it as self.branch")
    passed(name, "identity and projection, four shapes, values, parameters, input left alone")


def gated_residual(block: type[nn.Module]) -> None:
    """A class `block(branch)` with y = x + α·branch(x), α learned and 0 at the start. Chapter 01."""
    name = "gated_residual"
    branch = _branch(3, 3)
    module = attempt(name, block, branch)
    x = _random(2, 3, 6, 6)
    before = x.clone()
    got = attempt(name, module, x, where=f" on an input of shape {tuple(x.shape)}")
    _untouched(name, x, before)
    correction = branch(x)
    equals(
        name,
        got,
        x,
        [
            (x + correction, "at the start the block must be the identity, but α begins at 1"),
            (correction, "the shortcut is missing: the output is the branch alone"),
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
        got = attempt(name, module, x)
        mistakes = [
            (value * (x + correction), "α multiplies the sum, wanted only the branch"),
            (value * x + correction, "α multiplies the shortcut, wanted the branch"),
            (x + correction, "α is there, but forward does not use it"),
            (x, "the output stays x whatever α is"),
            (x + abs(value) * correction, "α has lost its sign"),
        ]
        equals(
            name,
            got,
            x + value * correction,
            mistakes,
            otherwise=f"wrong output for α = {value}",
            hint="y = x + α · F(x)",
        )
    module.zero_grad()
    attempt(name, module, x).sum().backward()
    if alpha.grad is None or not close(alpha.grad, correction.sum()):
        fail(name, "α gets no gradient, or a wrong one", "use the parameter itself, not .item(), .data or .detach()")
    passed(name, "identity at the start, four values of α, its gradient, input left alone")


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


def preact_block(builder: Callable) -> None:
    """`builder(inputs, outputs, stride)` → BN–ReLU–conv–BN–ReLU–conv plus shortcut; in both modes. Chapter 01."""
    name = "preact_block"
    for inputs, outputs, stride in ((4, 4, 1), (4, 6, 1), (4, 8, 2), (4, 4, 2)):
        where = f" for inputs={inputs}, outputs={outputs}, stride={stride}"
        module = attempt(name, builder, inputs, outputs, stride, where=where)
        if not isinstance(module, nn.Module):
            fail(name, f"the builder gives a {type(module).__name__}, wanted a module", "return Residual(…)")
        x = _random(5, inputs, 6, 6)
        before = x.clone()
        got = attempt(name, module, x, where=f" on an input of shape {tuple(x.shape)}{where}")
        _untouched(name, x, before)
        is_tensor(
            name,
            got,
            (5, outputs, 6 // stride, 6 // stride),
            f"the output{where}",
            "the stride belongs in the first convolution and in the shortcut",
        )
        ours = _reference_preact(inputs, outputs, stride)
        theirs = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d | nn.Conv2d)]
        norms = [layer for layer in theirs if isinstance(layer, nn.BatchNorm2d)]
        wide = [layer for layer in theirs if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)]
        narrow = [layer for layer in theirs if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1)]
        shared = isinstance(norms, list) and len(norms) == 1
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
        if (wide[0].stride, wide[1].stride) != ((stride, stride), (1, 1)):
            fail(
                name,
                f"the 3×3 convolutions have strides {wide[0].stride[0]} and {wide[1].stride[0]}{where}",
                "the stride belongs in the first",
            )
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
                ours["shortcut"].bias.copy_(narrow[0].bias) if narrow[0].bias is not None else ours[
                    "shortcut"
                ].bias.zero_()
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
                    (branch, "the shortcut is missing"),
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


def convolve(function: Callable) -> None:
    """`function(x, weight, stride=1)`: padding kernel//2, equal to torch's own convolution. Chapter 01."""
    name = "convolve"
    strided = function.__code__.co_argcount > 2 if hasattr(function, "__code__") else True
    cases = [(2, 3, 5, 3, 8, 8, 1), (1, 1, 1, 3, 5, 7, 1), (3, 4, 2, 3, 6, 4, 1)]
    cases += [(2, 3, 5, 3, 8, 8, 2), (2, 2, 3, 5, 9, 12, 3), (1, 3, 4, 1, 6, 4, 2)] if strided else []
    for n, c, d, k, height, width, stride in cases:
        x, weight = _random(n, c, height, width), _random(d, c, k, k, seed=1)
        where = f" for x {tuple(x.shape)}, weight {tuple(weight.shape)}, stride {stride}"
        got = attempt(name, function, x, weight, *([stride] if strided else []), where=where)
        want = F.conv2d(x, weight, stride=stride, padding=k // 2)
        if isinstance(got, Tensor) and got.ndim == 3:
            fail(
                name,
                f"the pixels are still in one row: shape {tuple(got.shape)}{where}",
                "unfold gives H·W columns: give them back their rows and columns",
            )
        if stride > 1 and isinstance(got, Tensor) and got.shape == F.conv2d(x, weight, padding=k // 2).shape:
            fail(name, f"the stride is not used{where}", "unfold takes the stride as well")
        if isinstance(got, Tensor) and got.shape[2:] == F.conv2d(x, weight, stride=stride).shape[2:] != want.shape[2:]:
            fail(name, f"the padding is missing{where}: {tuple(got.shape)}", "padding = kernel size // 2")
        if isinstance(got, Tensor) and got.shape == want.transpose(2, 3).shape != want.shape:
            fail(name, f"height and width of the output have changed places{where}", "N×D×H'×W'")
        mistakes = [
            (
                F.conv2d(x, weight.flip(2, 3), stride=stride, padding=k // 2),
                "the kernel is flipped: deep learning's convolution does not flip",
            ),
            (
                F.conv2d(x, weight.transpose(2, 3), stride=stride, padding=k // 2),
                "rows and columns of the kernel have changed places",
            ),
        ]
        equals(
            name,
            got,
            want,
            mistakes,
            otherwise=f"the numbers differ from torch's{where}",
            hint="the order of the columns is (channel, row, column)",
        )
    passed(name, f"{len(cases)} shapes, equal to torch.nn.functional.conv2d")


def split_gradient(function: Callable) -> None:
    """`function(block, x, gradient)` → (through the shortcut, through the branch); exact. Chapter 01."""
    name = "split_gradient"
    cases = [
        Residual(_branch(3, 3)),
        Residual(_branch(3, 3), scale=0.1),
        Residual(_branch(3, 5), nn.Conv2d(3, 5, 1)),
        Residual(_branch(3, 4, 2), nn.Conv2d(3, 4, 1, stride=2), scale=-2.0),
    ]
    for block in cases:
        x = _random(2, 3, 6, 6)
        with torch.no_grad():
            gradient = _random(*block(x).shape, seed=5)
        where = f" for shortcut {type(block.shortcut).__name__}, scale {block.scale}"
        got = attempt(name, function, block, x.clone(), gradient.clone(), where=where)
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
        if any(p.grad is not None for p in block.parameters()):
            fail(
                name,
                "the block's weights now hold gradients",
                "torch.autograd.grad gives gradients without storing any",
            )
    passed(name, "four blocks: identity and projection, three scales; no gradient left behind")


def stamps(function: Callable) -> None:
    """`function(size, kernel, stride)`: how many inputs of a transposed convolution reach each output. Chapter 01."""
    name = "stamps"
    for size, kernel, stride in ((4, 3, 2), (5, 4, 2), (3, 2, 2), (4, 5, 3), (1, 3, 2), (6, 3, 1), (3, 2, 3)):
        where = f" for size={size}, kernel={kernel}, stride={stride}"
        got = attempt(name, function, size, kernel, stride, where=where)
        length = (size - 1) * stride + kernel
        counts = [sum(i * stride <= o < i * stride + kernel for i in range(size)) for o in range(length)]
        got = torch.as_tensor(got).double() if isinstance(got, list | tuple | Tensor) else got
        want = torch.tensor(counts, dtype=torch.float64)
        if isinstance(got, Tensor) and got.ndim == 1 and len(got) == size * stride != length:
            fail(
                name,
                f"{len(got)} outputs came{where}, wanted {length}",
                "the last stamp may reach past size·stride, or not so far: (size − 1)·stride + kernel",
            )
        if isinstance(got, Tensor) and got.shape == (max((size - kernel) // stride + 1, 0),) != (length,):
            fail(
                name,
                f"{len(got)} outputs came{where}: that is a convolution, wanted its transpose",
                "the transpose makes the picture larger",
            )
        hint = "each of the `size` inputs adds one to `kernel` neighbouring outputs, starting at i·stride"
        is_tensor(name, got, want.shape, f"the result{where}", hint)
        mistakes = [
            ((want > 0).double(), "only reached or not is said: count how often"),
            (want / want.max(), "these are shares, wanted counts"),
        ]
        short = [sum(i * stride <= o < i * stride + kernel - 1 for i in range(size)) for o in range(length)]
        mistakes.append((torch.tensor(short).double(), f"each stamp reaches kernel − 1 outputs, wanted kernel{where}"))
        equals(name, got, want, mistakes, otherwise=f"wrong counts{where}", hint=hint)
    passed(name, "seven combinations of size, kernel and stride, counted one by one")


class _Place(nn.Module):
    """Appends its digit: the order of the blocks can be read off the output."""

    def __init__(self, digit: int):
        super().__init__()
        self.digit = digit

    def forward(self, x: Tensor) -> Tensor:
        return x * 10 + self.digit


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
        got = [float(value) for value in got]
        if [module for module in model] != order and got != want:
            fail(
                name,
                "the network is not put back between two exchanges, so the damage adds up",
                "exchange them back after scoring",
            )
        if len(got) == blocks + 1:
            fail(
                name,
                f"{len(got)} scores came for {blocks} blocks: the stem or the head took part",
                "blocks are model[1] … model[-2]",
            )
        if len(got) != len(want):
            fail(
                name,
                f"{len(got)} scores came for {blocks} blocks, wanted {len(want)}",
                "n blocks have n − 1 neighbouring pairs",
            )
        whole = float("".join(str(digit) for digit in range(1, blocks + 3)))
        if all(value == whole for value in got):
            fail(name, "every score is that of the whole network", "score it while the two are exchanged")
        if got != want:
            fail(name, f"scores {got[:2]} …, wanted {want[:2]} …", "exchange block i and block i + 1, nothing else")
        if list(model) != order:
            fail(name, "the network is left with its blocks in another order", "exchange the last pair back as well")
    passed(name, "networks of 3 and 5 blocks: every neighbouring pair, one at a time, network as before")
