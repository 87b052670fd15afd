"""Answers against labels: a classifier and labelled pictures enter, a share leaves."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int = 500) -> float:
    """Share of pictures whose largest logit is at their label, in [0,1]; the model is in evaluation mode.

    images N×C×H×W in [0,1], labels (N,). Its mode (train or eval) is as before afterwards. Chapter 01.
    """
    was_training = model.training
    model.eval()
    right = 0
    for start in range(0, len(images), batch_size):
        logits = model(images[start : start + batch_size])
        right += (logits.argmax(1) == labels[start : start + batch_size]).sum().item()
    model.train(was_training)
    return right / len(images)
