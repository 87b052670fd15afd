"""Spoiled pictures in, mended pictures out: an operator, its baseline, and a network that corrects it."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.batches import RandomCrops
from course_lib.data import Images, load
from course_lib.degradations import GaussianBlur
from course_lib.device import pick, seed_everything
from course_lib.recipes.common import Metric, Restorer, Run, descending, prepared
from course_lib.recipes.photographs import mean_psnr
from course_lib.sharpener import sharpener


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
    accelerator, model, optimiser = prepared(device, model, optimiser)

    def loss(sharp: Tensor, _: Tensor) -> Tensor:
        return functional.mse_loss(model(blur(sharp)), sharp)

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
        return [Metric(name, mean_psnr(preds, photos), "dB", protocol) for name, preds in answers.items()]

    batches = RandomCrops([photo.to(device) for photo in _photos(train)], size=48, batch_size=16, seed=seed)
    trainer = descending(accelerator, model, optimiser, loss, batches, device)
    # Three 3×3 convolutions look three pixels far; another network may look further.
    mends = Restorer(model, context=3) if network is None else None
    return Run(model, trainer, evaluate, {"cpu": 400, "gpu": 10_000}, restore=mends)


def _photos(data: Images) -> list[Tensor]:
    return [data[i][0] for i in range(len(data))]
