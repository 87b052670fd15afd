"""A picture of fewer pixels in, one of more out: bicubic enlargement plus what a residual network adds to it."""

import torch
from torch import Tensor
from torch.nn import functional

from course_lib.batches import AlignedCrops, recoloured
from course_lib.data import load
from course_lib.degradations import Downsample, modcrop
from course_lib.device import pick, seed_everything
from course_lib.images import eight_bits
from course_lib.recipes.common import Metric, Restorer, Run, descending, prepared
from course_lib.recipes.photographs import clean_photographs, mean_psnr
from course_lib.restorer import super_resolver

CROP, BATCH, RATE = 24, 16, 1.5e-3
WIDTH, DEPTH = 32, 4
LONGEST = 0.003  # of a gradient; none of the first 400 is longer, but one odd batch can end a long run


def super_resolution(data: str = "photos", device: torch.device | None = None, seed: int = 0, scale: int = 2) -> Run:
    """Twice as many pixels a side: mean squared error, Adam, a rate that falls along a cosine.

    `data` is a set of photographs, "photos" or "folder:PATH"; the test split is only measured on, by the benchmarks'
    protocol: small pictures by antialiased bicubic, 8 bits, PSNR in luma, `scale` pixels shaved. Chapter 06.
    """
    device = device or pick()
    seed_everything(seed)
    shrink = Downsample(scale, rounded=True)
    train, test = (
        [modcrop(photo, scale) for photo in clean_photographs(load(data, split), device)] for split in ("train", "test")
    )
    model = super_resolver(scale, width=WIDTH, depth=DEPTH)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    accelerator, model, optimiser = prepared(device, model, optimiser)

    def loss(small: Tensor, original: Tensor) -> Tensor:
        small, original = recoloured(small, original)
        return functional.mse_loss(model(small), original)

    @torch.no_grad()
    def evaluate() -> list[Metric]:
        protocol = (
            f"{data}, test split, N = {len(test)} (JPEG files at 0.6 of their size), ×{scale} antialiased bicubic, "
            f"8 bits, Y channel, shave {scale}, mean of PSNR per image"
        )
        small = [shrink(photo) for photo in test]
        answers = {
            "PSNR bicubic": [eight_bits(shrink.baseline(y)) for y in small],
            "PSNR network": [eight_bits(model(y)) for y in small],
        }
        values = {name: mean_psnr(preds, test, luma=True, shave=scale) for name, preds in answers.items()}
        return [Metric(name, value, "dB", protocol) for name, value in values.items()]

    pairs = [(shrink(photo)[0], photo[0]) for photo in train]
    batches = AlignedCrops([y for y, _ in pairs], [x for _, x in pairs], CROP, BATCH, seed, scale)
    trainer = descending(accelerator, model, optimiser, loss, batches, device, LONGEST)
    # Bicubic looks 2 pixels far, the network one for each 3×3 convolution: head, two a block, one after, the tail.
    mends = Restorer(model, context=2 * DEPTH + 3, scale=scale)
    return Run(model, trainer, evaluate, {"cpu": 2_500, "gpu": 60_000}, restore=mends)
