"""Blurred images in, sharp images out: an operator, its baseline, and a network that corrects it."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.data import Images, RandomCrops, load
from course_lib.degradations import GaussianBlur
from course_lib.metrics import mean_psnr
from course_lib.networks import sharpener
from course_lib.recipes.recipe import Metric, Recipe, Run
from course_lib.training import supervised

BLUR = GaussianBlur(sigma=1.5)


def train(data: str, device: torch.device, seed: int, network: nn.Module | None = None) -> Run:
    """The course's first residual network: undo a Gaussian blur of σ = 1.5 pixels; mean squared error, Adam.

    `data` is a set of photographs, "photos" or "folder:PATH"; the test split is used for evaluation only. `network`
    replaces `sharpener()`, for comparisons: N×3×H×W → N×3×H×W. Chapter 00.
    """
    photos = load(data, "train")
    model = network or sharpener()
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    batches = RandomCrops([photo.to(device) for photo in _photos(photos)], size=48, batch_size=16, seed=seed)
    trainer = supervised(model, optimiser, loss, batches, device)
    measured = partial(evaluate, model, data, device)
    return Run(model, trainer, measured, {"cpu": 400, "gpu": 10_000}, {} if network is None else None)


def loss(network: nn.Module, sharp: Tensor, _: Tensor) -> Tensor:
    """Mean squared error of the network's output for blurred crops."""
    return functional.mse_loss(network(BLUR(sharp)), sharp)


@torch.no_grad()
def evaluate(model: nn.Module, data: str, device: torch.device) -> list[Metric]:
    """PSNR of the blurred photographs, of the best unsharp mask and of the network's output."""
    photos = [photo[None].to(device) for photo in _photos(load(data, "test"))]
    protocol = f"{data}, test split, N = {len(photos)}, RGB, σ = 1.5, no noise, no shave, mean of PSNR per image"
    blurred = [BLUR(photo) for photo in photos]
    outputs = {
        "PSNR blurred": blurred,
        "PSNR unsharp mask": [BLUR.baseline(y) for y in blurred],
        "PSNR network": [model(y).clamp(0, 1) for y in blurred],
    }
    return [Metric(name, mean_psnr(preds, photos), "dB", protocol) for name, preds in outputs.items()]


def _photos(data: Images) -> list[Tensor]:
    data.require_photographs()
    return [data[i][0] for i in range(len(data))]


sharpen = Recipe("sharpen", "restorer", "photos", sharpener, train, evaluate)
