"""Peak signal-to-noise ratio: compares predictions with their targets, one value per image."""

import torch
from torch import Tensor

from course_lib.errors import CourseError

# ITU-R BT.601 luma with "studio" offsets (16 … 235 of 255): what super-resolution papers call the Y channel.
LUMA_WEIGHTS = (65.481 / 255, 128.553 / 255, 24.966 / 255)
LUMA_OFFSET = 16 / 255


def rgb_to_luma(images: Tensor) -> Tensor:
    """RGB N×3×H×W in [0,1] → Y of BT.601, N×1×H×W in [16/255, 235/255]. Chapter 00 (and 06)."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise CourseError(
            f"rgb_to_luma: got shape {tuple(images.shape)}, wanted N×3×H×W; for gray images leave out luma"
        )
    weights = images.new_tensor(LUMA_WEIGHTS).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True) + LUMA_OFFSET


def psnr(pred: Tensor, target: Tensor, *, data_range: float = 1.0, shave: int = 0, luma: bool = False) -> Tensor:
    """Peak signal-to-noise ratio of each image, in dB: 10·log10(data_range² / mean squared error).

    Args:
        pred, target: N×C×H×W, same shape, values in [0, data_range].
        data_range: largest possible value: 1.0 for [0,1], 2.0 for [-1,1], 255 for bytes.
        shave: border in pixels left out on every side (super-resolution papers use the scale).
        luma: compare the Y channel of BT.601 only (N×3×H×W in [0,1]).
    Returns a tensor (N,); average it afterwards. Identical images give inf.
    Raises CourseError for other shapes, numbers that are not finite, or a border that leaves no pixels. Chapter 00.
    """
    pred, target = comparable("psnr", pred, target, shave, luma)
    error = (pred.double() - target.double()).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(data_range**2 / error)


def comparable(asker: str, pred: Tensor, target: Tensor, shave: int, luma: bool) -> tuple[Tensor, Tensor]:
    """Check pred and target, convert them to luma if asked, and cut off their border."""
    if pred.shape != target.shape or pred.ndim != 4:
        raise CourseError(
            f"{asker}: pred is {tuple(pred.shape)}, target {tuple(target.shape)}; both must be the same N×C×H×W "
            "(a single image needs a leading axis: image[None])"
        )
    for name, images in {"pred": pred, "target": target}.items():
        if not images.isfinite().all():
            raise CourseError(f"{asker}: nan or inf in {name}; check the network that made it, or the data")
    if luma:
        pred, target = rgb_to_luma(pred), rgb_to_luma(target)
    if shave:
        pred, target = (images[..., shave:-shave, shave:-shave] for images in (pred, target))
    if pred.numel() == 0:
        raise CourseError(f"{asker}: nothing is left to compare (shave={shave}); use a smaller border or larger images")
    return pred, target
