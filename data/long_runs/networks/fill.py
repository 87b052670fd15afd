"""A smooth classical fill of a hole, cheap and batched: a pyramid of masked means, pushed back level by level."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class PyramidFill(nn.Module):
    """N×(C+1)×H×W, picture and hole (1 where missing) → N×C×H×W: what is missing becomes smooth, the rest stays.

    Down: masked means of 2×2 pixels, until one pixel is left or `levels` are reached. Up: what is missing is taken from
    the level below by bilinear interpolation, then smoothed by `rounds` masked 3×3 means. No weights. In float32.
    """

    def __init__(self, levels: int = 8, rounds: int = 3):
        super().__init__()
        self.levels, self.rounds = levels, rounds

    def forward(self, y: Tensor) -> Tensor:
        with torch.autocast(y.device.type, enabled=False):
            y = y.float()
            picture, hole = y[:, :-1], y[:, -1:]
            known = (hole != 1).float()
            pictures, knowns = [torch.where(hole == 1, torch.zeros_like(picture), picture)], [known]
            while len(pictures) <= self.levels and max(pictures[-1].shape[-2:]) > 1:
                share = functional.avg_pool2d(knowns[-1], 2, ceil_mode=True, count_include_pad=False)
                total = functional.avg_pool2d(pictures[-1], 2, ceil_mode=True, count_include_pad=False)
                pictures.append(total / share.clamp(min=1e-3))  # 0 where nothing is known
                knowns.append((share > 0).float())
            # The coarsest level may still have holes (a very large one): the mean of all that is known there.
            mean = pictures[-1].sum(dim=(2, 3), keepdim=True)
            mean = mean / knowns[-1].sum(dim=(2, 3), keepdim=True).clamp(min=1)
            filled = torch.where(knowns[-1] > 0, pictures[-1], mean)
            for picture_here, known_here in zip(pictures[-2::-1], knowns[-2::-1]):
                finer = functional.interpolate(
                    filled, size=picture_here.shape[-2:], mode="bilinear", align_corners=False
                )
                filled = torch.where(known_here > 0, picture_here, finer)
                for _ in range(self.rounds):
                    around = functional.avg_pool2d(filled, 3, 1, 1, count_include_pad=False)
                    filled = torch.where(known_here > 0, picture_here, around)
            return torch.where(hole == 1, filled, picture)


class FromFill(nn.Module):
    """fill + F(fill, hole): the network sees the smooth start and where it is only a guess."""

    def __init__(self, branch: nn.Module):
        super().__init__()
        self.fill, self.branch = PyramidFill(), branch

    def forward(self, y: Tensor) -> Tensor:
        start = self.fill(y)
        return start + self.branch(torch.cat([start, y[:, -1:]], dim=1))
