"""The residual block, y = S(x) + F(x), and the small functions that build its variants.

Each builder returns a `Residual`; nothing else in the course defines a shortcut. A block maps a feature map
N×C×H×W to a feature map and does not depend on labels, losses or devices.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.errors import CourseError

Norm = Callable[[int], nn.Module]
Activation = Callable[[], nn.Module]


class Residual(nn.Module):
    """y = after(shortcut(x) + scale · branch(x)): a shortcut S plus a learned correction F.

    Args:
        branch: F, any module. Its output must have the shape of the shortcut's output.
        shortcut: S, by default `nn.Identity()`. Where the shape changes, use a projection (1×1 convolution).
        scale: factor on the branch; a float, or an `nn.Parameter` to learn it.
        after: applied to the sum, by default `nn.Identity()`; the original block of 2015 has a ReLU here.

    Shapes: any x that both paths accept → the output shape of both paths; in this course N×C×H×W.
    Raises CourseError if the two output shapes differ, because PyTorch would silently broadcast some such sums.
    Paper: He et al. 2015, "Deep Residual Learning for Image Recognition". Chapter 01 builds it.
    """

    def __init__(
        self,
        branch: nn.Module,
        shortcut: nn.Module | None = None,
        scale: float | nn.Parameter = 1.0,
        after: nn.Module | None = None,
    ):
        super().__init__()
        self.branch = branch
        self.shortcut = nn.Identity() if shortcut is None else shortcut
        self.scale = scale
        self.after = nn.Identity() if after is None else after

    def forward(self, x: Tensor) -> Tensor:
        kept, correction = self.paths(x)
        return self.after(kept + self.scale * correction)

    def paths(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """shortcut(x) and branch(x), checked to have the same shape."""
        kept, correction = self.shortcut(x), self.branch(x)
        if kept.shape != correction.shape:
            raise CourseError(
                f"Residual: the shortcut gives {tuple(kept.shape)} but the branch {tuple(correction.shape)}; "
                "both must agree, so give the shortcut a projection, e.g. shortcut=conv1x1(in, out, stride)"
            )
        return kept, correction


def conv3x3(inputs: int, outputs: int, stride: int = 1, bias: bool = False) -> nn.Conv2d:
    """A 3×3 convolution that keeps H×W (divided by the stride). No bias, because a norm usually follows. Chapter 01."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=bias)


def conv1x1(inputs: int, outputs: int, stride: int = 1, bias: bool = False) -> nn.Conv2d:
    """A 1×1 convolution: the same matrix applied at every pixel; the usual projection shortcut. Chapter 01."""
    return nn.Conv2d(inputs, outputs, 1, stride, bias=bias)


def projection(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    """The shortcut of the original block: the identity if the shape stays, else a 1×1 convolution and batch norm.

    He et al. 2015 call this option B. Chapter 01.
    """
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs))


def basic_block(inputs: int, outputs: int | None = None, stride: int = 1) -> Residual:
    """conv–BN–ReLU–conv–BN plus shortcut, then ReLU: the block of ResNet-18 and -34.

    N×inputs×H×W → N×outputs×H/stride×W/stride. Paper: He et al. 2015. Chapter 01.
    """
    outputs = outputs or inputs
    branch = nn.Sequential(
        conv3x3(inputs, outputs, stride),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        conv3x3(outputs, outputs),
        nn.BatchNorm2d(outputs),
    )
    return Residual(branch, projection(inputs, outputs, stride), after=nn.ReLU())


def bottleneck_block(inputs: int, outputs: int | None = None, stride: int = 1, squeeze: int = 4) -> Residual:
    """1×1 down to outputs/squeeze channels, 3×3 there, 1×1 back up; then ReLU: the block of ResNet-50.

    The stride is in the 3×3 convolution, as in torchvision (the paper put it in the first 1×1).
    N×inputs×H×W → N×outputs×H/stride×W/stride. Paper: He et al. 2015. Chapter 01.
    """
    outputs = outputs or inputs
    if outputs % squeeze:
        raise CourseError(f"bottleneck_block: outputs={outputs} is not divisible by squeeze={squeeze}; change one")
    narrow = outputs // squeeze
    branch = nn.Sequential(
        conv1x1(inputs, narrow),
        nn.BatchNorm2d(narrow),
        nn.ReLU(),
        conv3x3(narrow, narrow, stride),
        nn.BatchNorm2d(narrow),
        nn.ReLU(),
        conv1x1(narrow, outputs),
        nn.BatchNorm2d(outputs),
    )
    return Residual(branch, projection(inputs, outputs, stride), after=nn.ReLU())


def preact_block(
    inputs: int,
    outputs: int | None = None,
    stride: int = 1,
    norm: Norm = nn.BatchNorm2d,
    activation: Activation = nn.ReLU,
) -> Residual:
    """norm–ReLU–conv–norm–ReLU–conv plus shortcut, nothing after the sum: the shortcut path has no activation.

    `norm=nn.Identity` removes normalisation; the convolutions then get a bias. `activation` builds the replacement for
    the ReLU. Where the shape changes, the shortcut is a 1×1 convolution without a norm.
    N×inputs×H×W → N×outputs×H/stride×W/stride.
    Paper: He et al. 2016, "Identity Mappings in Deep Residual Networks". Chapter 01.
    """
    outputs = outputs or inputs
    bias = norm is nn.Identity
    branch = nn.Sequential(
        norm(inputs),
        activation(),
        conv3x3(inputs, outputs, stride, bias),
        norm(outputs),
        activation(),
        conv3x3(outputs, outputs, bias=bias),
    )
    same = inputs == outputs and stride == 1
    return Residual(branch, None if same else conv1x1(inputs, outputs, stride, bias=True))


def linear_block(width: int, activation: Activation = nn.ReLU) -> Residual:
    """activation–linear–activation–linear plus shortcut: the pre-activation block for vectors, N×width → N×width.

    Paper: He et al. 2016, with linear layers in place of convolutions. Chapter 03.
    """
    return Residual(nn.Sequential(activation(), nn.Linear(width, width), activation(), nn.Linear(width, width)))


def down_block(inputs: int, outputs: int, norm: Norm = nn.Identity) -> Residual:
    """Halves H and W by average pooling on both paths: the block of residual discriminators.

    N×inputs×H×W → N×outputs×H/2×W/2, H and W even. Paper: Gulrajani et al. 2017, "Improved Training of
    Wasserstein GANs" (also Miyato et al. 2018, SNGAN). Chapter 01.
    """
    bias = norm is nn.Identity
    branch = nn.Sequential(
        norm(inputs),
        nn.ReLU(),
        conv3x3(inputs, outputs, bias=bias),
        norm(outputs),
        nn.ReLU(),
        conv3x3(outputs, outputs, bias=True),
        nn.AvgPool2d(2),
    )
    # A 1×1 convolution commutes with average pooling; pooling first costs a quarter as much.
    return Residual(branch, nn.Sequential(nn.AvgPool2d(2), conv1x1(inputs, outputs, bias=True)))


def up_block(inputs: int, outputs: int, norm: Norm = nn.BatchNorm2d) -> Residual:
    """Doubles H and W by nearest-neighbour resizing, then convolves, which avoids checkerboard patterns.

    N×inputs×H×W → N×outputs×2H×2W. Papers: Gulrajani et al. 2017; Odena et al. 2016, "Deconvolution and
    Checkerboard Artifacts". Chapter 01.
    """
    bias = norm is nn.Identity
    branch = nn.Sequential(
        norm(inputs),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode="nearest"),
        conv3x3(inputs, outputs, bias=bias),
        norm(outputs),
        nn.ReLU(),
        conv3x3(outputs, outputs, bias=True),
    )
    # A 1×1 convolution also commutes with nearest-neighbour resizing; convolving first costs a quarter as much.
    return Residual(branch, nn.Sequential(conv1x1(inputs, outputs, bias=True), nn.Upsample(scale_factor=2)))


def zero_last(block: Residual) -> Residual:
    """Set the branch's last layer with weights to zero, so that F(x) = 0 and the block starts as its shortcut.

    Changes the block in place and returns it. Raises CourseError if the branch has no weights.
    Papers: Goyal et al. 2017, "Accurate, Large Minibatch SGD" (zero γ); Zhang et al. 2019, Fixup. Chapter 01.
    """
    layers = [layer for layer in block.branch.modules() if isinstance(getattr(layer, "weight", None), Tensor)]
    if not layers:
        raise CourseError("zero_last: the branch has no layer with weights; give a block whose branch has some")
    with torch.no_grad():
        layers[-1].weight.zero_()
        if layers[-1].bias is not None:
            layers[-1].bias.zero_()
    return block
