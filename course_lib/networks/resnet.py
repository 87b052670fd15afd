"""ResNet-18 built from the course's basic block: layer for layer torchvision's network."""

from collections import OrderedDict

from torch import Tensor, nn

from course_lib.blocks import basic_block
from course_lib.errors import CourseError


def resnet18(classes: int = 1000, channels: int = 3) -> nn.Sequential:
    """ResNet-18: stem (÷4), four stages of two basic blocks, pooled linear head. 11,689,512 parameters.

    N×channels×H×W, H and W at least 32 → logits N×classes. Paper: He et al. 2015. Chapter 01.
    """
    stem = nn.Sequential(
        nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    stages = ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
    body = [
        block
        for inputs, outputs, stride in stages
        for block in (basic_block(inputs, outputs, stride), basic_block(outputs))
    ]
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))
    return nn.Sequential(OrderedDict(stem=stem, body=nn.Sequential(*body), head=head))


def copy_weights(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Copy weights that come in the same order under other names (torchvision's, say) into a network.

    Raises CourseError, before anything is changed, if their number or shapes differ. Chapter 01.
    """
    ours = model.state_dict()
    if len(ours) != len(state):
        raise CourseError(f"copy_weights: got {len(state)} tensors, wanted {len(ours)}; is it the same network?")
    for (name, mine), (other, theirs) in zip(ours.items(), state.items(), strict=True):
        if mine.shape != theirs.shape:
            raise CourseError(f"copy_weights: {other} is {tuple(theirs.shape)}, wanted {tuple(mine.shape)} for {name}")
    model.load_state_dict(dict(zip(ours, state.values(), strict=True)))
