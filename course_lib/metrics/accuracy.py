"""The accuracy of a classifier on labelled images."""

from torch import Tensor, nn

from course_lib.system.evaluation_mode import evaluating


def accuracy(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int = 500) -> float:
    """Share of images whose largest logit is that of their label, in [0,1], with the model in evaluation mode.

    images N×C×H×W in [0,1], labels (N,). The model's mode (train or eval) is restored afterwards. Chapter 01.
    """
    right = 0
    with evaluating(model):
        for batch, wanted in zip(images.split(batch_size), labels.split(batch_size), strict=True):
            right += (model(batch).argmax(1) == wanted).sum().item()
    return right / len(images)
