"""Images in, labels out: the classifier whose features later chapters use in their metrics."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib import metrics
from course_lib.data import ShuffledBatches, load
from course_lib.networks import Classifier
from course_lib.recipes.recipe import Metric, Recipe, Run
from course_lib.training import supervised


def train(data: str, device: torch.device, seed: int) -> Run:
    """The small residual classifier on a labelled set: cross-entropy, AdamW, random horizontal flips.

    `data` is any labelled set of `course_lib.data.load`; the test split is used for evaluation only. Chapter 01.
    """
    images = load(data, "train")
    images.require_one_size()
    config = {"classes": len(images.classes), "channels": images.images.shape[1]}
    model = Classifier(**config)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    batches = ShuffledBatches(*(part.to(device) for part in images.tensors()), batch_size=64, seed=seed)
    trainer = supervised(model, optimiser, loss, batches, device)
    return Run(model, trainer, partial(evaluate, model, data, device), {"cpu": 280, "gpu": 3_000}, config)


def loss(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, with each image flipped horizontally with probability ½."""
    chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return functional.cross_entropy(network(torch.where(chosen, images.flip(-1), images)), labels)


def evaluate(model: nn.Module, data: str, device: torch.device) -> list[Metric]:
    """The accuracy on the test split."""
    test = load(data, "test")
    test.require_one_size(model.channels)
    images, labels = (part.to(device) for part in test.tensors())
    value = metrics.accuracy(model, images, labels)
    return [Metric("accuracy", value, "", f"{data}, test split, N = {len(test)}")]


classifier = Recipe("classifier", "classifier", "fashion_mnist_mini", Classifier, train, evaluate)
