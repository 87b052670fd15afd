"""Check of chapter 06: the Y channel, against scikit-image."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_lib.check.report import attempt, close, fail, is_tensor, leaves_random_numbers_alone, passed

HINT = "Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, with R, G, B from 0 to 255"
STUDIO = (65.481 / 255, 128.553 / 255, 24.966 / 255)
FULL, BT709 = (0.299, 0.587, 0.114), (0.2126, 0.7152, 0.0722)


@leaves_random_numbers_alone
def y_channel(function: Callable) -> None:
    """`function(pictures)`: uint8 N×3×H×W → Y of BT.601, 16 … 235, N×1×H×W floats. Chapter 06."""
    from skimage.color import rgb2ycbcr  # imported late: it takes a second

    name = "y_channel"
    ends = torch.tensor([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=torch.uint8)
    for what, pictures in (
        ("black, white, red, green and blue", ends.T.reshape(1, 3, 1, 5)),
        ("noise", noise(2, 5, 4)),
    ):
        given = pictures.clone()
        got = attempt(name, function, given, where=f" on {what}")
        axis = "add the three weighted colours up" if _not_summed(got, pictures) else "keep the channel axis"
        is_tensor(name, got, (len(pictures), 1, *pictures.shape[2:]), f"the result on {what}", axis)
        if not got.is_floating_point():
            fail(
                name, f"the result is {got.dtype}: Y is not rounded here", "convert the bytes first: pictures.double()"
            )
        want = torch.from_numpy(rgb2ycbcr(pictures.permute(0, 2, 3, 1).numpy())[..., :1]).permute(0, 3, 1, 2)
        _name_the_mistake(name, got, want, pictures.double(), f" (on {what})")
        if not torch.equal(given, pictures):
            fail(name, "your code changes the pictures it was given")
    passed(name, "black and white at 16 and 235, pure colours and noise: equal to scikit-image's rgb2ycbcr")


def _name_the_mistake(name: str, got: Tensor, want: Tensor, rgb: Tensor, where: str) -> None:
    if close(got, want, 1e-4):
        return

    def mixed(weights: Sequence[float], offset: float = 0.0) -> Tensor:
        return (rgb * torch.tensor(weights).double().view(1, 3, 1, 1)).sum(1, keepdim=True) + offset

    wrong = [
        (mixed(STUDIO), "the offset 16 is missing: black is at 16"),
        (mixed(FULL), "luma from 0 to 255, as JPEG has it; the papers' runs from 16 to 235"),
        (mixed(FULL, 16), "the offset is added, but the weights are those of the full range: white is above 235"),
        (mixed(BT709), "the weights of BT.709, the standard of HD television; the papers use BT.601"),
        (
            mixed([w * 219 / 255 for w in BT709], 16),
            "the weights of BT.709 in the range of BT.601",
        ),
        (mixed(STUDIO[::-1], 16), "red and blue are exchanged: BGR, as OpenCV reads pictures"),
        (mixed([1 / 3] * 3), "the mean of the colours: the eye sees green as brighter than blue"),
        (mixed([w * 255 for w in STUDIO], 16), "the weights want colours in [0,1]: divide by 255"),
        (mixed(STUDIO, 48), "16 is added to each colour, so three times: add it once, after the sum"),
        (mixed(STUDIO) / 3 + 16, "the mean of the weighted colours, wanted their sum: the weights do the rest"),
        (mixed(FULL) / 255, "luma from 0 to 1; the papers' runs from 16 to 235"),
        (mixed(STUDIO, 16 / 255), "the offset is 16, not 16/255: only the sum is divided by 255"),
        (want / 255, "the result runs from 0 to 1, wanted 16 to 235"),
        (want.round(), "rounded: Y stays as it is"),
    ]
    for value, message in wrong:
        if close(got, value, 1e-4):
            fail(name, f"{message}{where}", HINT)
    off = (got.double() - want).abs().max().item()
    fail(name, f"differs from scikit-image by up to {off:.3g}{where}", HINT)


def _not_summed(got: object, pictures: Tensor) -> bool:
    return isinstance(got, Tensor) and got.shape == pictures.shape


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Bytes 3×H×W, or N×3×H×W."""
    shape = shape if len(shape) == 3 and shape[0] == 3 else (shape[0], 3, *shape[1:])
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, shape, generator=dice).to(torch.uint8)
