"""Pictures with holes in, whole ones out: known pixels stay, a network adds to the mean of the known what it lacks."""

import torch
from torch import Tensor, nn

from course_lib.batches import ShuffledBatches
from course_lib.data import load
from course_lib.degradations import Holes, mean_fill, split_hole
from course_lib.device import pick, seed_everything
from course_lib.errors import CourseError
from course_lib.inpainter import inpainter
from course_lib.recipes.common import Metric, Restorer, Run, descending, prepared

SHARE = (0.15, 0.3)
JUDGED = 200  # biharmonic filling takes its time
WIDTH, DEPTH, FOLD = 64, 6, 2
LONGEST = 3.0  # of a gradient; nine in ten are shorter


def inpaint(
    data: str = "fashion_mnist_mini",
    device: torch.device | None = None,
    seed: int = 0,
    network: nn.Module | None = None,
) -> Run:
    """Box-shaped holes of 15 to 30 % of a picture filled: mean squared error in the hole, Adam, a cosine.

    `data` is a set of pictures of one size; the test split is only measured on, hole by hole. `network` puts another
    one in the place of `inpainter()`, for comparisons: N×(C+1)×H×W, the hole last → N×C×H×W, known pixels kept.
    Chapter 07.
    """
    device = device or pick()
    seed_everything(seed)
    train, test = load(data, "train"), load(data, "test")
    if isinstance(train.images, list):
        raise CourseError(
            f"{data} has pictures of their own sizes; give a set of one size: fashion_mnist_mini, cifar10"
        )
    holes = Holes("box", share=SHARE)
    channels = train.images.shape[1]
    model = network or inpainter(channels, WIDTH, DEPTH, FOLD)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    accelerator, model, optimiser = prepared(device, model, optimiser)

    def loss(images: Tensor, _: Tensor) -> Tensor:
        y = holes(images)
        missing = split_hole(y)[1].sum() * channels
        # Known pixels come back untouched, so their error is 0, and only the holes' share of the mean is left.
        return (model(y) - images).square().sum() / missing

    @torch.no_grad()
    def evaluate() -> list[Metric]:
        originals = test.batch(range(min(JUDGED, len(test))))[0].to(device)
        y = holes(originals, generator=torch.Generator().manual_seed(0))
        protocol = (
            f"{data}, test split, the first {len(originals)}, one box of {SHARE[0]:.0%} to {SHARE[1]:.0%} of the area, "
            "seed 0; error in the hole only, mean of PSNR per image"
        )
        hole = split_hole(y)[1]
        answers = {
            "PSNR mean fill": mean_fill(*split_hole(y)),
            "PSNR biharmonic": holes.baseline(y),
            "PSNR network": model(y).clamp(0, 1),
        }
        return [Metric(name, hole_psnr(pred, originals, hole), "dB", protocol) for name, pred in answers.items()]

    images, labels = (part.to(device) for part in train.tensors())
    batches = ShuffledBatches(images, labels, batch_size=64, seed=seed)
    trainer = descending(accelerator, model, optimiser, loss, batches, device, LONGEST)
    # How far another network looks, only its maker knows.
    context = FOLD * (2 * DEPTH + 3)
    own = Restorer(model, context, channels=channels, needs_mask=True, multiple=FOLD)
    return Run(model, trainer, evaluate, {"cpu": 500, "gpu": 20_000}, restore=own if network is None else None)


def hole_psnr(pred: Tensor, target: Tensor, hole: Tensor) -> float:
    """PSNR over the missing pixels alone, picture by picture, then their mean, in dB. Chapter 07.

    pred, target: N×C×H×W in [0,1]; hole: N×1×H×W, 1 where missing, in every picture somewhere.
    """
    missing = hole.sum(dim=(1, 2, 3)) * pred.shape[1]
    error = ((pred.double() - target.double()).square() * hole).sum(dim=(1, 2, 3)) / missing
    return (-10 * error.log10()).mean().item()
