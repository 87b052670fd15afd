"""Check of chapter 06: what an enlarger adds to bicubic. It is learned, it has new pixels, each in its own place."""

import torch
from torch import Tensor, nn

from course_lib.check.report import fail
from course_lib.images import resize

FAR = 30  # pixels: farther than any stack of a few 3×3 convolutions looks
STEP = 0.1  # of the first step, in the weight that moves most


def learns(name: str, network: nn.Module, got: Tensor, y: Tensor, scale: int, where: str) -> None:
    """A cross unless one step of gradient descent gives two pictures corrections of their own."""
    if not got.requires_grad:
        fail(name, f"no gradient comes back{where}", "no .detach(), no no_grad: the correction is to be learned")
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    gradients = torch.autograd.grad(got.square().sum(), weights, allow_unused=True)
    largest = max((g.abs().max().item() for g in gradients if g is not None), default=0.0)
    if not largest:
        hint = "zero the last layer, and only that one; let it learn, and put no ReLU after it"
        fail(name, f"all gradients are zero{where}: it stays bicubic for ever", hint)
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            if gradient is not None:
                weight -= STEP / largest * gradient
        first, second = network(y) - resize(y, scale)
    if (first - second).abs().max() < 1e-5:
        fail(
            name,
            f"after a step all pictures get the same correction{where}: only a bias has moved",
            "is the head zero, too? Then the tail sees only zeros, and its weights get no gradient",
        )


@torch.no_grad()
def corrects(name: str, network: nn.Module, scale: int, where: str) -> None:
    """With other weights: a correction of its own for each colour and pixel, near what caused it."""
    dice = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        weight.copy_(0.1 * torch.randn(weight.shape, generator=dice))
    y, other = torch.rand(2, 1, 3, 80, 72, generator=dice)

    def correction(x: Tensor) -> Tensor:
        return network(x) - resize(x, scale)

    added = correction(y)
    _near(name, network, y, scale, where)
    if added.std() < 1e-5:
        fail(name, f"with other weights it is still bicubic{where}: the correction is not added")
    if (added[:, 0] - added[:, 1]).abs().max() < 1e-5:
        fail(name, f"one correction for all three colours{where}", "the tail gives 3 · scale² channels, not scale²")
    # Rows that an enlargement puts between others are mixtures of them: no more than y has are independent.
    if torch.linalg.matrix_rank(added[0].permute(1, 0, 2).flatten(1).double(), rtol=1e-4) <= y.shape[2] + 1:
        fail(
            name,
            f"the correction is itself an enlarged small picture{where}: it has no pixels of its own",
            "the tail gives 3 · scale² channels, and pixel shuffle makes pixels of them",
        )
    bent = correction(y + other) + correction(torch.zeros_like(y)) - added - correction(other)
    if bent.abs().max() < 1e-4 * added.abs().max():
        fail(name, f"the correction is one linear filter{where}: no ReLU is in it", "between head and tail: two blocks")


def _near(name: str, network: nn.Module, y: Tensor, scale: int, where: str) -> None:
    row, column = 10, 60  # far from where a mirrored or turned picture would have it
    moved = y.clone()
    moved[..., row, column] += 1
    change = (network(moved) - network(y)).abs().sum((0, 1))
    rows, columns = torch.nonzero(change > 1e-6, as_tuple=True)
    if not len(rows):
        fail(name, f"one pixel of the small picture changes nothing{where}")
    if len(rows) > 0.9 * change.numel():
        hint = "no mean over a whole picture: it forgets how bright the picture was"
        fail(name, f"one pixel of the small picture changes all of the answer{where}: a norm?", hint)
    places = torch.stack([rows, columns], 1) + 0.5
    if (places - torch.tensor([row + 0.5, column + 0.5]) * scale).abs().max() > FAR * scale:
        fail(
            name,
            f"one pixel of the small picture changes the answer in far places{where}: misfiled",
            "nn.PixelShuffle brings channels to their places; reshape, view or flip do not",
        )
