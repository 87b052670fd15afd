"""What the networks are trained on: batches of (spoiled, original), made on the device."""

import random

import torch
from torch import Tensor

from lib.course import eight_bits, matrix
from lib.jpeg import Jpeg
from lib.photographs import Photographs, gather

MARGIN = 2  # small pixels beyond the border that the bicubic kernel needs


def shrink(x: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """Crops with a margin → (bicubic small ones, not rounded; the originals), both without the margin."""
    size = x.shape[-1]
    a = matrix(size, size // scale, 1 / scale, True, torch.float32, x.device)[MARGIN:-MARGIN]
    cut = MARGIN * scale
    return a @ x @ a.T, x[..., cut:-cut, cut:-cut]


def sr_pairs(photographs: Photographs, n: int, size: int, scale: int):
    def draw():
        y, x = shrink(photographs.crops(n, (size + 2 * MARGIN) * scale), scale)
        return eight_bits(y), x

    return draw


def blur(x: Tensor, sigma: Tensor, reach: int = 4) -> Tensor:
    """Each picture with its own Gaussian, N×3×H×W → 2·reach fewer pixels a side. sigma 0: unchanged."""
    taps = torch.arange(-reach, reach + 1, device=x.device)
    kernel = torch.exp(-(taps**2) / (2 * sigma[:, None].clamp(min=1e-2) ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True))[:, :, None, None, None]
    height, width = (side - 2 * reach for side in x.shape[2:])
    x = sum(kernel[:, k] * x[:, :, k : k + height] for k in range(2 * reach + 1))
    return sum(kernel[:, k] * x[..., k : k + width] for k in range(2 * reach + 1))


def mixed_pairs(photographs: Photographs, n: int, size: int, scale: int):
    """blur (half of them) → bicubic → noise (half) → JPEG (70 %), 8 bits. `size` is a multiple of 16, less 16 in the end."""
    jpeg, reach = Jpeg(photographs.device), 4
    whole = size + 16

    def draw():
        r = torch.rand(n, 8, device=photographs.device)
        x = photographs.crops(n, (whole + 2 * MARGIN) * scale + 2 * reach)
        spoiled = blur(x, torch.where(r[:, 0] < 0.5, 1.2 * r[:, 1], 0.0), reach)
        y, _ = shrink(spoiled, scale)
        _, x = shrink(x[..., reach:-reach, reach:-reach], scale)
        sigma = torch.where(r[:, 2] < 0.5, r[:, 3] * 10 / 255, 0.0).view(-1, 1, 1, 1)
        level = torch.where(r[:, 4].view(-1, 1, 1, 1) < 0.5, 1.0, 1.4 * y.clamp(0, 1).sqrt())
        y = eight_bits(y + sigma * level * torch.randn_like(y))
        quality = (30 + 66 * r[:, 5]).floor().clamp(max=95)
        y = torch.where(r[:, 6].view(-1, 1, 1, 1) < 0.7, jpeg(y, quality, r[:, 7] < 0.5), y)
        top, left = random.randrange(17), random.randrange(17)  # the 8×8 grid lies anywhere
        y = y[..., top : top + size, left : left + size]
        top, left = top * scale, left * scale
        return y, x[..., top : top + size * scale, left : left + size * scale]

    return draw


def noisy_pairs(photographs: Photographs, n: int, size: int):
    """((noisy, sigma map), clean): sigma 0 … 55 of 255, one in ten below 3; one map in four a little wrong."""

    def draw():
        x = photographs.crops(n, size)
        r = torch.rand(n, 4, device=x.device)
        sigma = torch.where(r[:, 0] < 0.1, 3 * r[:, 1], 55 * r[:, 1]) / 255
        told = sigma * torch.where(r[:, 2] < 0.25, 0.9 + 0.25 * r[:, 3], 1.0)
        y = x + sigma.view(-1, 1, 1, 1) * torch.randn_like(x)
        return (y, told.view(-1, 1, 1, 1).expand(n, 1, size, size)), x

    return draw


def holed_pairs(photographs: Photographs, masks: Tensor, n: int, size: int):
    """(picture and hole, original); masks: M×S×S uint8 on the device."""
    many, side, _ = masks.shape
    flat = masks.reshape(-1)

    def draw():
        x = photographs.crops(n, size)
        r = torch.rand(n, 6, device=x.device)
        start = (r[:, 5] * many).long().clamp(max=many - 1) * side**2
        sides = torch.full_like(start, side)
        hole = gather(flat, start, sides, sides, r, size)[:, None].float()
        return torch.cat([x * (1 - hole), hole], 1), x

    return draw
