"""Measuring in float32, one photograph after the other, until the time is over. Pictures: 1×3×H×W in [0,1]."""

import io
import random
import time

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lib.course import eight_bits, modcrop, psnr, resize
from lib.fill import PyramidFill
from lib.masks import KINDS, mask


class Means(dict):
    def add(self, key: str, value: float) -> None:
        self.setdefault(key, []).append(value)

    def table(self) -> dict[str, float]:
        return {key: round(float(np.mean(values)), 3) for key, values in self.items()} | {
            "N": max((len(v) for v in self.values()), default=0)
        }


def jpeg_file(x: Tensor, quality: int) -> Tensor:
    buffer = io.BytesIO()
    Image.fromarray((x[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()).save(buffer, "JPEG", quality=quality)
    buffer.seek(0)
    return torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1)[None].float().to(x.device) / 255


def detail(x: Tensor) -> float:
    """How much there is of what only the finest scale holds: standard deviation of a 3×3 Laplacian of the mean colour."""
    gray = x.mean(1, keepdim=True)
    return (4 * gray[..., 1:-1, 1:-1] - gray[..., 2:, 1:-1] - gray[..., :-2, 1:-1] - gray[..., 1:-1, 2:] - gray[..., 1:-1, :-2]).std().item()


@torch.no_grad()
def super_resolution(net, pictures, scale, until=float("inf")) -> dict:
    means = Means()
    for x in pictures:
        if time.time() > until:
            break
        x = modcrop(x, scale)
        y = eight_bits(resize(x, size=(x.shape[2] // scale, x.shape[3] // scale)))
        answer, bicubic = eight_bits(net(y)), eight_bits(resize(y, scale))
        means.add("network", psnr(answer, x, scale, True))
        means.add("bicubic", psnr(bicubic, x, scale, True))
        means.add("detail network / original", detail(answer) / detail(x))
        means.add("detail bicubic / original", detail(bicubic) / detail(x))
    return means.table()


@torch.no_grad()
def mixed(net, pictures, scale=2, until=float("inf")) -> dict:
    means = Means()
    for x in pictures:
        if time.time() > until:
            break
        x = modcrop(x, scale)
        small = eight_bits(resize(x, size=(x.shape[2] // scale, x.shape[3] // scale)))
        noise = torch.randn(small.shape, generator=torch.Generator().manual_seed(0)).to(small.device)
        spoiled = {"clean": small, "noise 5": eight_bits(small + noise * 5 / 255)}
        spoiled |= {f"jpeg {quality}": jpeg_file(small, quality) for quality in (90, 75, 50)}
        for name, y in spoiled.items():
            means.add(f"{name} network", psnr(eight_bits(net(y)), x, scale, True))
            means.add(f"{name} bicubic", psnr(eight_bits(resize(y, scale)), x, scale, True))
    return means.table()


@torch.no_grad()
def denoise(net, pictures, until=float("inf")) -> dict:
    means = Means()
    for x in pictures:
        if time.time() > until:
            break
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x.device)
        for sigma in (5, 15, 25, 50):
            y = x + noise * (sigma / 255)
            answer = net(y, torch.full((1, 1, 1, 1), sigma / 255, device=x.device))
            means.add(f"sigma {sigma} network", psnr(eight_bits(answer), x))
            means.add(f"sigma {sigma} input", psnr(y, x))
    return means.table()


@torch.no_grad()
def inpaint(net, pictures, until=float("inf"), size=256, classical=None, kinds=KINDS) -> dict:
    """PSNR in the hole, all holes of a kind together. classical(picture H×W×3 float64, hole) → H×W×3, if wished."""
    errors, counts, rng, fill, n = {}, {}, random.Random(1), PyramidFill(), 0
    for x in pictures:
        x = x[..., (x.shape[2] - size) // 2 :, (x.shape[3] - size) // 2 :][..., :size, :size]
        for kind in kinds:
            hole = torch.from_numpy(mask(x.shape[-1], kind, rng)[: x.shape[2]]).float()[None, None].to(x.device)
            if time.time() > until:
                break
            y = torch.cat([x * (1 - hole), hole], 1)
            answers = {"network": eight_bits(net(y)), "pyramid": eight_bits(fill(y))}
            if classical is not None:
                filled = classical(y[0, :3].permute(1, 2, 0).double().cpu().numpy(), hole[0, 0].cpu().numpy() == 1)
                answers["biharmonic"] = eight_bits(torch.from_numpy(filled).float().permute(2, 0, 1)[None].to(x.device))
            counts[kind] = counts.get(kind, 0) + 3 * hole.sum().item()
            n += 1
            for name, answer in answers.items():
                error = ((answer - x).double().square() * hole).sum().item()
                errors[f"{kind} {name}"] = errors.get(f"{kind} {name}", 0) + error
    table = {key: round(-10 * np.log10(error / counts[key.split()[0]]), 3) for key, error in errors.items()}
    return table | {"N": n}
