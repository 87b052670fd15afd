"""JPEG as libjpeg does it, for batches on any device: what it does to the picture, without the bits."""

import math

import torch
from torch import Tensor
from torch.nn import functional

LUMINANCE = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""
CHROMINANCE = """17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99"""


class Jpeg:
    """jpeg(x, quality, chroma): N×3×H×W in [0,1], H and W multiples of 16 → the same after JPEG, in 8 bits.

    quality: N numbers from 1 to 100. chroma: N bools, True where the colours have half the resolution (4:2:0).
    """

    def __init__(self, device):
        n, k = torch.arange(8, dtype=torch.float64), torch.arange(8, dtype=torch.float64)[:, None]
        dct = torch.cos((2 * n + 1) * k * math.pi / 16) / 2
        dct[0] /= math.sqrt(2)
        self.dct = dct.float().to(device)
        self.tables = torch.stack(
            [torch.tensor([int(v) for v in t.split()], dtype=torch.float32).view(8, 8) for t in (LUMINANCE, CHROMINANCE)]
        ).to(device)
        there = [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]]
        back = [[1, 0, 1.402], [1, -0.344136286, -0.714136286], [1, 1.772, 0]]
        self.there, self.back = (torch.tensor(m, dtype=torch.float32, device=device) for m in (there, back))
        self.offset = torch.tensor([0.0, 128.0, 128.0], device=device).view(1, 3, 1, 1)

    def __call__(self, x: Tensor, quality: Tensor, chroma: Tensor) -> Tensor:
        height, width = x.shape[2:]
        factor = torch.where(quality < 50, torch.floor(5000 / quality), 200 - 2 * quality).view(-1, 1, 1, 1)
        tables = torch.floor((self.tables * factor + 50) / 100).clamp(1, 255)  # N×2×8×8
        x = (x.clamp(0, 1) * 255).round()
        ycc = (self._mix(self.there, x) + self.offset).round().clamp(0, 255)
        bright = self._blocks(ycc[:, :1], tables[:, :1])
        whole = self._blocks(ycc[:, 1:], tables[:, 1:])
        half = self._blocks(functional.avg_pool2d(ycc[:, 1:], 2).round(), tables[:, 1:])
        # libjpeg's "fancy" way back, weights ¾ and ¼, is this interpolation.
        half = functional.interpolate(half, size=(height, width), mode="bilinear", align_corners=False).round()
        colour = torch.where(chroma.view(-1, 1, 1, 1), half, whole)
        rgb = self._mix(self.back, torch.cat([bright, colour], 1) - self.offset)
        return rgb.round().clamp(0, 255) / 255

    @staticmethod
    def _mix(matrix: Tensor, x: Tensor) -> Tensor:
        return (matrix @ x.flatten(2)).view(x.shape)

    def _blocks(self, x: Tensor, tables: Tensor) -> Tensor:
        n, c, height, width = x.shape
        b = (x - 128).reshape(n, c, height // 8, 8, width // 8, 8).transpose(3, 4)  # N×C×h×w×8×8
        q = tables[:, :, None, None]
        b = torch.round(self.dct @ b @ self.dct.T / q) * q
        b = self.dct.T @ b @ self.dct
        return (b.transpose(3, 4).reshape(x.shape).round() + 128).clamp(0, 255)
