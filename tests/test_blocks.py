"""The block and its builders, against torchvision's own modules, written-out layers and properties."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from course_lib import blocks
from course_lib.blocks import Residual
from course_lib.errors import CourseError


def randomise(module: nn.Module) -> nn.Module:
    """Random norms as well: at initialisation they are the identity, which would hide a wrong order."""
    torch.manual_seed(0)
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.dtype.is_floating_point:
                tensor.copy_(torch.rand_like(tensor) + 0.1)
    return module


def same_weights(ours: nn.Module, theirs: nn.Module) -> None:
    ours.load_state_dict(dict(zip(ours.state_dict(), randomise(theirs).state_dict().values(), strict=True)))


def test_residual_adds_scale_and_after():
    branch = nn.Conv2d(3, 3, 3, padding=1)
    x = torch.randn(2, 3, 5, 5)
    block = Residual(branch, nn.Tanh(), scale=0.3, after=nn.ReLU())
    torch.testing.assert_close(block(x), F.relu(torch.tanh(x) + 0.3 * branch(x)))
    torch.testing.assert_close(Residual(branch)(x), x + branch(x))


def test_a_learned_scale_is_a_parameter_and_learns():
    gate = nn.Parameter(torch.zeros(()))
    block = Residual(nn.Conv2d(2, 2, 1), scale=gate)
    assert any(parameter is gate for parameter in block.parameters())
    block(torch.ones(1, 2, 3, 3)).sum().backward()
    assert gate.grad is not None and gate.grad != 0


@pytest.mark.parametrize("branch", [nn.Conv2d(4, 1, 1), nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1)])
def test_shapes_that_torch_would_broadcast_or_not_are_refused_in_one_line(branch):
    with pytest.raises(CourseError, match=r"shortcut gives \(1, 4, 6, 6\) but the branch") as error:
        Residual(branch)(torch.rand(1, 4, 6, 6))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(8, 8, 1), (8, 16, 2), (8, 16, 1), (8, 8, 2)])
def test_basic_block_is_torchvisions(inputs, outputs, stride):
    down = None
    if inputs != outputs or stride != 1:
        down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    theirs, ours = BasicBlock(inputs, outputs, stride, down), blocks.basic_block(inputs, outputs, stride)
    same_weights(ours, theirs)
    x = torch.randn(3, inputs, 8, 8)
    for mode in (True, False):
        torch.testing.assert_close(ours.train(mode)(x), theirs.train(mode)(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_bottleneck_is_torchvisions(stride):
    down = nn.Sequential(nn.Conv2d(16, 32, 1, stride, bias=False), nn.BatchNorm2d(32))
    theirs, ours = Bottleneck(16, 8, stride, down), blocks.bottleneck_block(16, 32, stride)
    same_weights(ours, theirs)
    x = torch.randn(3, 16, 8, 8)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), atol=1e-5, rtol=1e-5)


def test_bottleneck_that_cannot_be_squeezed_is_refused():
    with pytest.raises(CourseError, match="squeeze=4"):
        blocks.bottleneck_block(6)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, nn.Identity])
def test_preact_block_is_the_same_layers_written_out(norm):
    block = randomise(blocks.preact_block(4, 6, 2, norm=norm)).eval()
    n1, _, c1, n2, _, c2 = block.branch
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(block(x), block.shortcut(x) + c2(F.relu(n2(c1(F.relu(n1(x)))))))
    assert isinstance(block.shortcut, nn.Conv2d) and isinstance(blocks.preact_block(4).shortcut, nn.Identity)
    assert (c1.bias is None) == (norm is nn.BatchNorm2d)


def test_preact_and_linear_blocks_take_another_activation():
    block = randomise(blocks.preact_block(4, norm=nn.Identity, activation=nn.Tanh))
    _, _, c1, _, _, c2 = block.branch
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(block(x), x + c2(torch.tanh(c1(torch.tanh(x)))))
    block = randomise(blocks.linear_block(5, activation=nn.Tanh))
    _, l1, _, l2 = block.branch
    x = torch.randn(3, 5)
    torch.testing.assert_close(block(x), x + l2(torch.tanh(l1(torch.tanh(x)))))


def test_down_block_pools_both_paths():
    block = randomise(blocks.down_block(3, 5))
    x = torch.randn(2, 3, 8, 8)
    _, _, c1, _, _, c2, _ = block.branch
    shortcut = block.shortcut[1]
    wanted = F.avg_pool2d(shortcut(x), 2) + F.avg_pool2d(c2(F.relu(c1(F.relu(x)))), 2)
    torch.testing.assert_close(block(x), wanted, atol=1e-4, rtol=1e-4)


def test_up_block_resizes_both_paths_before_it_convolves():
    block = randomise(blocks.up_block(3, 5, norm=nn.Identity))
    x = torch.randn(2, 3, 4, 4)
    convolutions = [layer for layer in block.branch if isinstance(layer, nn.Conv2d)]
    bigger = F.interpolate(F.relu(x), scale_factor=2, mode="nearest")
    wanted = F.interpolate(block.shortcut[0](x), scale_factor=2) + convolutions[1](F.relu(convolutions[0](bigger)))
    torch.testing.assert_close(block(x), wanted, atol=1e-4, rtol=1e-4)


def test_up_block_draws_no_checkerboard():
    """A constant comes out constant, away from the border: the property that transposed convolution lacks."""
    block = blocks.up_block(2, 3, norm=nn.Identity)
    inside = block(torch.ones(1, 2, 8, 8))[..., 3:-3, 3:-3]
    assert inside.flatten(2).std(-1).max() < 1e-5


@given(
    channels=st.sampled_from([4, 8]), size=st.integers(4, 9), builder=st.sampled_from(["basic", "preact", "bottleneck"])
)
@settings(max_examples=15, deadline=None)
def test_a_zeroed_block_is_its_shortcut(channels, size, builder):
    block = blocks.zero_last(getattr(blocks, f"{builder}_block")(channels))
    x = torch.rand(2, channels, size, size)
    assert torch.equal(block(x), x)
    block(x).sum().backward()
    last = [layer for layer in block.branch if hasattr(layer, "weight")][-1]
    assert last.weight.grad.abs().sum() > 0, "a zeroed layer must still learn"


def test_nothing_to_zero_is_said():
    with pytest.raises(CourseError, match="no layer with weights"):
        blocks.zero_last(Residual(nn.ReLU()))
