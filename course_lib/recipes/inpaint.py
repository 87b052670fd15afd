"""Images with holes in, complete ones out: known pixels stay, and a network corrects the mean fill."""

from functools import partial

import torch
from torch import Tensor, nn

from course_lib.data import ShuffledBatches, load
from course_lib.degradations import Holes, mean_fill
from course_lib.images import split_hole
from course_lib.metrics import hole_psnr
from course_lib.networks import inpainter
from course_lib.recipes.recipe import Metric, Recipe, Run
from course_lib.training import supervised

SHARE = (0.15, 0.3)
HOLES = Holes("box", share=SHARE)
JUDGED = 200  # biharmonic filling is slow
LONGEST = 3.0  # longest gradient, by norm; nine in ten are shorter


def train(data: str, device: torch.device, seed: int, network: nn.Module | None = None) -> Run:
    """Fill box-shaped holes of 15 to 30 % of an image: mean squared error in the hole, Adam, a cosine schedule.

    `data` is a set of images of one size; the test split is used for evaluation only, hole by hole. `network` replaces
    `inpainter()`, for comparisons: N×(C+1)×H×W, the hole last → N×C×H×W, known pixels unchanged. Chapter 07.
    """
    images = load(data, "train")
    images.require_one_size()
    config = {"channels": images.images.shape[1], "width": 64, "depth": 6, "fold": 2}
    model = network or inpainter(**config)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    batches = ShuffledBatches(*(part.to(device) for part in images.tensors()), batch_size=64, seed=seed)
    trainer = supervised(model, optimiser, loss, batches, device, LONGEST)
    measured = partial(evaluate, model, data, device)
    return Run(model, trainer, measured, {"cpu": 500, "gpu": 20_000}, config if network is None else None)


def loss(network: nn.Module, images: Tensor, _: Tensor) -> Tensor:
    """Mean squared error over the missing values."""
    y = HOLES(images)
    missing = split_hole(y)[1].sum() * images.shape[1]
    # Known pixels come back unchanged, so their error is 0 and the sum is over the missing values only.
    return (network(y) - images).square().sum() / missing


@torch.no_grad()
def evaluate(model: nn.Module, data: str, device: torch.device) -> list[Metric]:
    """PSNR in the holes for the mean fill, for biharmonic filling and for the network."""
    test = load(data, "test")
    test.require_one_size(getattr(model, "channels", None))
    originals = test.batch(range(min(JUDGED, len(test))))[0].to(device)
    y = HOLES(originals, generator=torch.Generator().manual_seed(0))
    protocol = (
        f"{data}, test split, the first {len(originals)}, one box of {SHARE[0]:.0%} to {SHARE[1]:.0%} of the area, "
        "seed 0; error in the hole only, mean of PSNR per image"
    )
    hole = split_hole(y)[1]
    outputs = {
        "PSNR mean fill": mean_fill(*split_hole(y)),
        "PSNR biharmonic": HOLES.baseline(y),
        "PSNR network": model(y).clamp(0, 1),
    }
    return [Metric(name, hole_psnr(pred, originals, hole), "dB", protocol) for name, pred in outputs.items()]


inpaint = Recipe("inpaint", "restorer", "fashion_mnist_mini", inpainter, train, evaluate)
