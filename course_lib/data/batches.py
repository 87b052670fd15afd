"""Which pictures come next: endless batches whose order is fixed by a seed and can be taken up where it stopped.

A data set enters once, as a whole tensor on the device; (images, labels) pairs leave.
"""

from typing import Any, Protocol

import torch
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.images import turned
from course_lib.system.processes import share


class Batches(Protocol):
    """What a trainer takes its batches from: a pair of tensors at a time; its place can be saved. Chapter 01."""

    def next(self) -> tuple[Tensor, Tensor]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class ShuffledBatches:
    """Endless (images, labels) batches in a new random order every pass; the last short batch is left out.

    Args:
        images, labels: N×C×H×W float in [0,1] and (N,), already on the device that trains.
        batch_size: 1 … N, over all processes together; each gets its share.
        seed: fixes the order, independently of every other random number.
    `next()` gives a batch; `state_dict()` and `load_state_dict()` take up the order exactly. Chapter 01.
    """

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int, seed: int = 0):
        if not 1 <= batch_size <= len(images):
            raise CourseError(f"batch_size is {batch_size}, wanted 1 … {len(images)}, the number of pictures")
        self.images, self.labels, self.batch_size = images, labels, batch_size
        self.generator = torch.Generator().manual_seed(seed)
        self.order = torch.randperm(len(images), generator=self.generator)
        self.position = 0

    def next(self) -> tuple[Tensor, Tensor]:
        if self.position + self.batch_size > len(self.order):
            self.order = torch.randperm(len(self.order), generator=self.generator)
            self.position = 0
        chosen = share(self.order[self.position : self.position + self.batch_size]).to(self.images.device)
        self.position += self.batch_size
        return self.images[chosen], self.labels[chosen]

    def state_dict(self) -> dict[str, Any]:
        return {"order": self.order, "position": self.position, "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.order, self.position = state["order"], state["position"]
        self.generator.set_state(state["generator"])


class RandomCrops:
    """Endless batches of square crops, half of them mirrored, from photographs of unequal sizes.

    Args:
        photos: list of C×H×W float tensors in [0,1]; each side at least `size`.
        size: side of a crop in pixels. A photograph is drawn by its area, so every pixel is equally likely.
        batch_size: over all processes together; each gets its share.
    `next()` gives (crops, indices of the photographs). Chapter 00.
    """

    def __init__(self, photos: list[Tensor], size: int, batch_size: int, seed: int = 0):
        small = [i for i, photo in enumerate(photos) if min(photo.shape[-2:]) < size]
        if not photos or small:
            raise CourseError(
                f"RandomCrops: {len(small) or 'no'} photographs are {'under' if small else 'there for'} "
                f"{size}×{size} pixels; use a smaller size or larger photographs"
            )
        self.photos, self.size, self.batch_size = photos, size, batch_size
        self.areas = torch.tensor([float(photo.shape[-1] * photo.shape[-2]) for photo in photos])
        self.generator = torch.Generator().manual_seed(seed)

    def next(self) -> tuple[Tensor, Tensor]:
        chosen = share(torch.multinomial(self.areas, self.batch_size, replacement=True, generator=self.generator))
        where = share(torch.rand(self.batch_size, 3, generator=self.generator)).tolist()
        crops = []
        for i, (down, right, mirror) in zip(chosen.tolist(), where, strict=True):
            photo = self.photos[i]
            top = int(down * (photo.shape[-2] - self.size + 1))
            left = int(right * (photo.shape[-1] - self.size + 1))
            crop = photo[:, top : top + self.size, left : left + self.size]
            crops.append(crop.flip(-1) if mirror < 0.5 else crop)
        return torch.stack(crops), chosen

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.set_state(state["generator"])


class AlignedCrops:
    """Endless batches of crops from pairs of pictures, a degraded one and its original, the same place in both.

    Args:
        degraded, originals: lists of C×h×w and C'×(scale·h)×(scale·w) tensors in [0,1], pair by pair.
        size: side of a crop of the degraded picture, in pixels; that of the original is scale · size.
        batch_size: over all processes together; each gets its share.
        seed: fixes places and order. A pair is drawn by its area; a crop is turned and mirrored in one of eight ways.
    `next()` gives (degraded crops, crops of the originals). Raises CourseError for pairs that do not fit. Chapter 06.
    """

    def __init__(
        self, degraded: list[Tensor], originals: list[Tensor], size: int, batch_size: int, seed: int = 0, scale: int = 1
    ):
        for small, large in zip(degraded, originals, strict=True):
            if large.shape[1:] != (scale * small.shape[1], scale * small.shape[2]) or min(small.shape[1:]) < size:
                raise CourseError(
                    f"AlignedCrops: a pair of {tuple(small.shape)} and {tuple(large.shape)}; wanted the second {scale} "
                    f"times as large, and the first at least {size}×{size}"
                )
        self.pairs, self.size, self.batch_size, self.scale = (
            list(zip(degraded, originals, strict=True)),
            size,
            batch_size,
            scale,
        )
        self.areas = torch.tensor([float(small.shape[1] * small.shape[2]) for small in degraded])
        self.generator = torch.Generator().manual_seed(seed)

    def next(self) -> tuple[Tensor, Tensor]:
        chosen = share(torch.multinomial(self.areas, self.batch_size, replacement=True, generator=self.generator))
        where = share(torch.rand(self.batch_size, 3, generator=self.generator)).tolist()
        batch = [self._crop(self.pairs[i], *place) for i, place in zip(chosen.tolist(), where, strict=True)]
        return torch.stack([small for small, _ in batch]), torch.stack([large for _, large in batch])

    def _crop(self, pair: tuple[Tensor, Tensor], down: float, right: float, way: float) -> tuple[Tensor, Tensor]:
        top = int(down * (pair[0].shape[1] - self.size + 1))
        left = int(right * (pair[0].shape[2] - self.size + 1))
        crops = []
        for picture, factor in zip(pair, (1, self.scale), strict=True):
            rows = slice(factor * top, factor * (top + self.size))
            columns = slice(factor * left, factor * (left + self.size))
            crops.append(turned(picture[:, rows, columns], int(8 * way)))
        return crops[0], crops[1]

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.set_state(state["generator"])
