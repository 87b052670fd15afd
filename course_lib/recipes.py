"""What is trained, on what, by which step: a recipe puts data, network, loss and optimiser together.

`RECIPES[name](data, device, seed)` gives a `Run` that is ready to go; the notebooks and the command line use the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn

from course_lib import metrics
from course_lib.batches import RandomCrops, ShuffledBatches
from course_lib.classifier import Classifier
from course_lib.data import Images, load
from course_lib.degradations import GaussianBlur
from course_lib.device import pick, seed_everything
from course_lib.sharpener import sharpener
from course_lib.training import Step, Trainer, cosine


@dataclass(frozen=True)
class Metric:
    """A measured number with how it was measured (data, split, N, …); never one without the other. Chapter 01."""

    name: str
    value: float
    unit: str
    protocol: str


@dataclass
class Run:
    """A recipe made ready: `trainer.run(...)` trains `model`, `evaluate()` measures it. Chapter 01.

    `steps` is the planned length per budget, {"cpu": …, "gpu": …}.
    """

    model: nn.Module
    trainer: Trainer
    evaluate: Callable[[], list[Metric]]
    steps: dict[str, int]


def classifier(data: str = "fashion_mnist_mini", device: torch.device | None = None, seed: int = 0) -> Run:
    """The small residual classifier on a labelled set: cross-entropy, AdamW, pictures mirrored at random.

    `data` is any labelled set of `course_lib.data.load`; the test split is only measured on. Chapter 01.
    """
    device = device or pick()
    seed_everything(seed)
    train, test = load(data, "train"), load(data, "test")
    model = Classifier(len(train.classes), channels=train.images.shape[1])
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    accelerator, model, optimiser = _prepared(device, model, optimiser)

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(model(_mirrored(images)), labels)

    def evaluate() -> list[Metric]:
        images, labels = (part.to(device) for part in test.tensors())
        value = metrics.accuracy(model, images, labels)
        return [Metric("accuracy", value, "", f"{data}, test split, N = {len(test)}")]

    images, labels = (part.to(device) for part in train.tensors())
    batches = ShuffledBatches(images, labels, batch_size=64, seed=seed)
    trainer = Trainer(
        _descent(accelerator, optimiser, loss), {"model": model}, {"optimiser": optimiser}, batches, device, cosine
    )
    return Run(model, trainer, evaluate, {"cpu": 400, "gpu": 3_000})


def sharpen(
    data: str = "photos", device: torch.device | None = None, seed: int = 0, network: nn.Module | None = None
) -> Run:
    """The first residual of the course: undo a Gaussian blur of σ = 1.5 pixels; mean squared error, Adam.

    `data` is a set of photographs, "photos" or "folder:PATH"; the test split is only measured on. `network` puts
    another one in the place of `sharpener()`, for comparisons: N×3×H×W → N×3×H×W. Chapter 00.
    """
    device = device or pick()
    seed_everything(seed)
    train, test = load(data, "train"), load(data, "test")
    blur = GaussianBlur(sigma=1.5)
    model = network or sharpener()
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    accelerator, model, optimiser = _prepared(device, model, optimiser)

    def loss(sharp: Tensor, _: Tensor) -> Tensor:
        return F.mse_loss(model(blur(sharp)), sharp)

    @torch.no_grad()
    def evaluate() -> list[Metric]:
        protocol = f"{data}, test split, N = {len(test)}, RGB, σ = 1.5, no noise, no shave, mean of PSNR per image"
        photos = [photo[None].to(device) for photo in _photos(test)]
        blurred = [blur(photo) for photo in photos]
        answers = {
            "PSNR blurred": blurred,
            "PSNR unsharp mask": [blur.baseline(y) for y in blurred],
            "PSNR network": [model(y).clamp(0, 1) for y in blurred],
        }
        return [Metric(name, _mean_psnr(preds, photos), "dB", protocol) for name, preds in answers.items()]

    batches = RandomCrops([photo.to(device) for photo in _photos(train)], size=48, batch_size=16, seed=seed)
    trainer = Trainer(
        _descent(accelerator, optimiser, loss), {"model": model}, {"optimiser": optimiser}, batches, device, cosine
    )
    return Run(model, trainer, evaluate, {"cpu": 400, "gpu": 10_000})


RECIPES: dict[str, Callable[..., Run]] = {"classifier": classifier, "sharpen": sharpen}


def _prepared(device: torch.device, model: nn.Module, optimiser: torch.optim.Optimizer) -> tuple:
    # Accelerate places the network, wraps the optimiser, and gives autocast and backward that fit the device.
    bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="bf16" if bf16 else "no")
    return accelerator, *accelerator.prepare(model, optimiser)


def _descent(accelerator: Accelerator, optimiser: torch.optim.Optimizer, loss: Callable[..., Tensor]) -> Step:
    """The step of every recipe with one network and one loss."""

    def step(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        with accelerator.autocast():
            value = loss(images, labels)
        optimiser.zero_grad()
        accelerator.backward(value)
        optimiser.step()
        return {"loss": value.detach()}

    return step


def _mirrored(images: Tensor) -> Tensor:
    chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(chosen, images.flip(-1), images)


def _photos(data: Images) -> list[Tensor]:
    return [data[i][0] for i in range(len(data))]


def _mean_psnr(preds: list[Tensor], targets: list[Tensor]) -> float:
    values = [metrics.psnr(pred, target).mean() for pred, target in zip(preds, targets, strict=True)]
    return torch.stack(values).mean().item()
