"""Pictures in, labels out: the classifier whose features later chapters measure with."""

import torch
from torch import Tensor
from torch.nn import functional

from course_lib import metrics
from course_lib.batches import ShuffledBatches
from course_lib.classifier import Classifier
from course_lib.data import load
from course_lib.device import pick, seed_everything
from course_lib.errors import CourseError
from course_lib.recipes.common import Metric, Run, descending, prepared


def classifier(data: str = "fashion_mnist_mini", device: torch.device | None = None, seed: int = 0) -> Run:
    """The small residual classifier on a labelled set: cross-entropy, AdamW, pictures mirrored at random.

    `data` is any labelled set of `course_lib.data.load`; the test split is only measured on. Chapter 01.
    """
    device = device or pick()
    seed_everything(seed)
    train, test = load(data, "train"), load(data, "test")
    if isinstance(train.images, list):
        raise CourseError(f"{data} has pictures of their own sizes and no labels; give fashion_mnist_mini or cifar10")
    model = Classifier(len(train.classes), channels=train.images.shape[1])
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    accelerator, model, optimiser = prepared(device, model, optimiser)

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(model(_mirrored(images)), labels)

    def evaluate() -> list[Metric]:
        images, labels = (part.to(device) for part in test.tensors())
        value = metrics.accuracy(model, images, labels)
        return [Metric("accuracy", value, "", f"{data}, test split, N = {len(test)}")]

    images, labels = (part.to(device) for part in train.tensors())
    batches = ShuffledBatches(images, labels, batch_size=64, seed=seed)
    trainer = descending(accelerator, model, optimiser, loss, batches, device)
    return Run(model, trainer, evaluate, {"cpu": 280, "gpu": 3_000})


def _mirrored(images: Tensor) -> Tensor:
    chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(chosen, images.flip(-1), images)
