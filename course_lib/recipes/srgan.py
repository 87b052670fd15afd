"""Super-resolution that would rather look right than be right on average: pixels, features and a critic."""

import torch
from torch import Tensor

from course_lib import metrics
from course_lib.adversarial import r1_r2
from course_lib.adversarial_restorer import RestoringStep
from course_lib.averaging import EMA
from course_lib.batches import AlignedCrops
from course_lib.data import load
from course_lib.degradations import Downsample, modcrop
from course_lib.device import pick, seed_everything
from course_lib.images import eight_bits
from course_lib.losses import GAN_LOSSES
from course_lib.photo_critic import PhotoCritic
from course_lib.recipes.common import Metric, Restorer, Run, accelerator_for
from course_lib.recipes.generation import adam
from course_lib.recipes.photographs import clean_photographs
from course_lib.restorer import super_resolver
from course_lib.training import Trainer, fading

SCALE = 4
CROP, BATCH = 24, 8
WIDTH, DEPTH = 32, 4
RATE, BETAS, DECAY = 1e-3, (0.0, 0.99), 0.99
GAMMA, EVERY = 0.001, 8
# Beside the mean absolute error of the pixels, about 0.03. After 300 steps (PSNR in dB, patch distance): both 0 gave
# 28.85 and 4.0; 0.1 and 0, 28.89 and 3.7; both 0.1, 28.49 and 2.8 (bicubic 28.36 and 4.7; one seed).
FEATURE_WEIGHT, ADVERSARIAL_WEIGHT = 0.1, 0.1


def srgan(
    data: str = "photos",
    device: torch.device | None = None,
    seed: int = 0,
    feature_weight: float = FEATURE_WEIGHT,
    adversarial_weight: float = ADVERSARIAL_WEIGHT,
) -> Run:
    """Four times as many pixels a side: |error| + features + a relativistic game with lazy R1 and R2, Adam.

    `data` is a set of photographs, "photos" or "folder:PATH"; the test split is only measured on. The weights are for
    comparisons: both 0 is a network trained on pixels alone, the other end of the perception–distortion plane.
    The features are the discriminator's own. SRGAN takes those of VGG, which has seen a million photographs; here
    nothing is fetched, and the one network of ours that has to look closely at photographs in colour is the one that
    learns in this game what tells real from restored. So both terms follow one judge: what it overlooks, both do. A
    first training on pixels is not needed: SRGAN's generator would start with noise, this one starts with bicubic,
    exactly. The run's model is the averaged generator.
    Papers: Ledig et al. 2017; Wang et al. 2018, pix2pixHD (feature matching); Huang et al. 2024 (the game). Chapter 06.
    """
    device = device or pick()
    seed_everything(seed)
    shrink = Downsample(SCALE, rounded=True)
    train, test = (
        [modcrop(photo, SCALE) for photo in clean_photographs(load(data, split), device)] for split in ("train", "test")
    )
    players = {
        "generator": super_resolver(SCALE, width=WIDTH, depth=DEPTH).to(device),
        "discriminator": PhotoCritic().to(device),
    }
    optimisers = {name: adam(player, RATE, BETAS, device) for name, player in players.items()}
    average = EMA(players["generator"], DECAY)
    step = RestoringStep(
        accelerator_for(device),
        **players,
        optimisers=optimisers,
        loss=GAN_LOSSES["relativistic"],
        average=average,
        penalty=r1_r2(GAMMA),
        every=EVERY,
        feature_weight=feature_weight,
        adversarial_weight=adversarial_weight,
    )

    @torch.no_grad()
    def evaluate() -> list[Metric]:
        small = [shrink(photo) for photo in test]
        answers = {
            "bicubic": [eight_bits(shrink.baseline(y)) for y in small],
            "network": [eight_bits(average.network(y)) for y in small],
        }
        return [metric for name, preds in answers.items() for metric in _judged(name, preds, test, data)]

    pairs = [(shrink(photo)[0], photo[0]) for photo in train]
    batches = AlignedCrops([y for y, _ in pairs], [x for _, x in pairs], CROP, BATCH, seed, SCALE)
    trainer = Trainer(step, players, optimisers, batches, device, schedule=fading, averages={"average": average})
    mends = Restorer(average.network, context=2 * DEPTH + 3, scale=SCALE)
    return Run(average.network, trainer, evaluate, {"cpu": 700, "gpu": 30_000}, restore=mends)


def _judged(name: str, preds: list[Tensor], photos: list[Tensor], data: str) -> list[Metric]:
    """How far from the originals (PSNR, SSIM), and how unlike photographs (patches); the first two want to be high."""
    protocol = (
        f"{data}, test split, N = {len(photos)} (JPEG files at 0.6 of their size), ×{SCALE} antialiased bicubic, "
        f"8 bits, Y channel, shave {SCALE}, mean over images"
    )
    pairs = list(zip(preds, photos, strict=True))

    def mean(values: list[Tensor]) -> float:
        return torch.cat(values).mean().item()

    how = {"luma": True, "shave": SCALE}
    return [
        Metric(f"PSNR {name}", mean([metrics.psnr(*pair, **how) for pair in pairs]), "dB", protocol),
        Metric(f"SSIM {name}", mean([metrics.ssim(*pair, **how) for pair in pairs]), "", protocol),
        Metric(
            f"patch distance {name}",
            255 * mean([metrics.patch_distance(*pair, scale=SCALE, shave=SCALE) for pair in pairs]),
            "levels of 255",
            f"{protocol}; 7×7 patches of what a picture {SCALE} times smaller cannot hold, lower is better",
        ),
    ]
