"""Photographs on the device, once, as bytes; crops of them drawn there, whole batches at a time."""

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

ENDINGS = {".jpg", ".jpeg", ".png"}


def read(path: Path) -> Tensor:
    """A file → 3×H×W uint8 on the CPU."""
    with Image.open(path) as picture:
        return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1).contiguous()


def read_folder(folder: Path) -> list[Tensor]:
    files = sorted(f for f in Path(folder).iterdir() if f.suffix.lower() in ENDINGS) if Path(folder).is_dir() else []
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(read, files))


def toy_photographs() -> list[Tensor]:
    """For smoke tests only."""
    import skimage.data

    return [torch.from_numpy(p.copy()).permute(2, 0, 1).contiguous() for p in (skimage.data.astronaut(), skimage.data.cat())]


class Photographs:
    """crops(n, size) → N×3×size×size float32 in [0,1]: random places, flips, turns, colours."""

    def __init__(self, pictures: list[Tensor], device, least: int, scales=(1.0, 0.75, 0.6)):
        flat, starts, heights, widths, at = [], [], [], [], 0
        for picture in pictures:
            whole = picture.to(device)
            for scale in scales:
                x = whole
                if scale != 1:
                    size = [round(side * scale) for side in whole.shape[1:]]
                    x = functional.interpolate(whole[None].float(), size=size, mode="bicubic", antialias=True)[0]
                    x = x.round().clamp(0, 255).to(torch.uint8)
                height, width = x.shape[1:]
                if min(height, width) < least:
                    continue
                flat.append(x.permute(1, 2, 0).reshape(-1, 3))
                starts.append(at), heights.append(height), widths.append(width)
                at += height * width
        if not flat:
            raise ValueError("no photograph is large enough")
        self.pixels = torch.cat(flat)
        self.starts, self.heights, self.widths = (torch.tensor(v, device=device) for v in (starts, heights, widths))
        self.shares = torch.cumsum((self.heights * self.widths).double(), 0) / at
        turned = [[[float(a == b) for b in range(3)] for a in order] for order in permutations(range(3))]
        self.turned = torch.tensor(turned, device=device)  # 6×3×3, the identity first
        self.device, self.count = device, len(flat)

    def crops(self, n: int, size: int, colours: bool = True) -> Tensor:
        r = torch.rand(n, 12, device=self.device)
        i = torch.searchsorted(self.shares, r[:, 0].double()).clamp(max=self.count - 1)
        x = gather(self.pixels, self.starts[i], self.heights[i], self.widths[i], r[:, 1:6], size)
        x = x.permute(0, 3, 1, 2).contiguous().float() / 255
        if not colours:
            return x
        order = torch.where(r[:, 6] < 0.4, (r[:, 7] * 6).long().clamp(max=5), 0)
        gains = torch.where(r[:, 8:9] < 0.3, 0.7 + 0.3 * r[:, 9:12], 1.0)
        return ((self.turned[order] * gains[:, :, None]) @ x.flatten(2)).view(x.shape)


def gather(flat: Tensor, start: Tensor, height: Tensor, width: Tensor, r: Tensor, size: int) -> Tensor:
    """size×size squares out of flattened pictures, at random places, turned and flipped: indices only, no loop."""
    top = torch.minimum((r[:, 0] * (height - size + 1)).long(), height - size)
    left = torch.minimum((r[:, 1] * (width - size + 1)).long(), width - size)
    turned = r[:, 2] < 0.5
    one = torch.ones_like(width)
    down, across = torch.where(turned, one, width), torch.where(turned, width, one)
    start = start + top * width + left
    flip = r[:, 3] < 0.5
    start, down = torch.where(flip, start + down * (size - 1), start), torch.where(flip, -down, down)
    flip = r[:, 4] < 0.5
    start, across = torch.where(flip, start + across * (size - 1), start), torch.where(flip, -across, across)
    along = torch.arange(size, device=flat.device)
    return flat[start[:, None, None] + down[:, None, None] * along[:, None] + across[:, None, None] * along]
