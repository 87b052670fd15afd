"""A small image in, a large one out: bicubic enlargement plus a residual network's correction."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.data import AlignedCrops, clean_photographs, load
from course_lib.degradations import Downsample, modcrop
from course_lib.images import eight_bits, recoloured
from course_lib.metrics import mean_psnr
from course_lib.networks import super_resolver
from course_lib.recipes.recipe import Metric, Recipe, Run
from course_lib.training import supervised

CROP, BATCH_SIZE, LEARNING_RATE = 24, 16, 1.5e-3
LONGEST = 0.003  # longest gradient, by norm; none of the first 400 is longer, but one odd batch can ruin a long run


def train(data: str, device: torch.device, seed: int, scale: int = 2) -> Run:
    """Twice as many pixels a side: mean squared error, Adam, a learning rate on a cosine schedule.

    `data` is a set of photographs, "photos" or "folder:PATH"; the test split is used for evaluation only, with the
    benchmarks' protocol: small images by antialiased bicubic, 8 bits, PSNR on luma, `scale` pixels shaved. Chapter 06.
    """
    small, originals = shrunk_photographs(data, "train", device, scale)
    config = {"scale": scale, "channels": 3, "width": 32, "depth": 4}
    model = super_resolver(**config)
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    batches = AlignedCrops([y[0] for y in small], [x[0] for x in originals], CROP, BATCH_SIZE, seed, scale)
    trainer = supervised(model, optimiser, loss, batches, device, LONGEST)
    return Run(model, trainer, partial(evaluate, model, data, device), {"cpu": 2_500, "gpu": 60_000}, config)


def shrunk_photographs(data: str, split: str, device: torch.device, scale: int) -> tuple[list[Tensor], list[Tensor]]:
    """Photographs 1×3×h×w downsampled by `scale` and rounded to 8 bits, and their originals."""
    originals = [modcrop(photo, scale) for photo in clean_photographs(load(data, split), device)]
    shrink = Downsample(scale, rounded=True)
    return [shrink(photo) for photo in originals], originals


def loss(network: nn.Module, small: Tensor, originals: Tensor) -> Tensor:
    """Mean squared error of the enlarged crops, after one random permutation of both crops' colour channels."""
    small, originals = recoloured(small, originals)
    return functional.mse_loss(network(small), originals)


@torch.no_grad()
def evaluate(model: nn.Module, data: str, device: torch.device) -> list[Metric]:
    """PSNR of bicubic enlargement and of the network's output."""
    scale = model.scale
    small, originals = shrunk_photographs(data, "test", device, scale)
    protocol = (
        f"{data}, test split, N = {len(originals)} (JPEG files at 0.6 of their size), ×{scale} antialiased bicubic, "
        f"8 bits, Y channel, shave {scale}, mean of PSNR per image"
    )
    bicubic = Downsample(scale).baseline
    outputs = {
        "PSNR bicubic": [eight_bits(bicubic(y)) for y in small],
        "PSNR network": [eight_bits(model(y)) for y in small],
    }
    values = {name: mean_psnr(preds, originals, luma=True, shave=scale) for name, preds in outputs.items()}
    return [Metric(name, value, "dB", protocol) for name, value in values.items()]


super_resolution = Recipe("super_resolution", "restorer", "photos", super_resolver, train, evaluate)
