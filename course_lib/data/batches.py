"""Endless batches of images in an order that is fixed by a seed and can be resumed exactly.

A data set goes in once, as a whole tensor on the device; (images, labels) pairs come out.
"""

from typing import Any, Protocol

import torch
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.images import turned
from course_lib.system.processes import share


class Batches(Protocol):
    """Where a trainer gets its batches, one pair of tensors at a time; the position can be saved. Chapter 01."""

    def next(self) -> tuple[Tensor, Tensor]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class ShuffledBatches:
    """Endless (images, labels) batches, reshuffled every epoch; an incomplete last batch is dropped.

    Args:
        images, labels: N×C×H×W float in [0,1] and (N,), already on the training device.
        batch_size: 1 … N, over all processes together; each gets its share.
        seed: fixes the order, independently of all other random numbers.
    `next()` returns a batch; `state_dict()` and `load_state_dict()` resume the order exactly. Chapter 01.
    """

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int, seed: int = 0):
        if not 1 <= batch_size <= len(images):
            raise CourseError(f"batch_size is {batch_size}, wanted 1 … {len(images)}, the number of images")
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
    """Endless batches of square crops, half of them mirrored, from photographs of different sizes.

    Args:
        photos: list of C×H×W float tensors in [0,1]; each side at least `size`.
        size: side of a crop in pixels. Photographs are drawn by area, so that every pixel is equally likely.
        batch_size: over all processes together; each gets its share.
    `next()` returns (crops, indices of the photographs). Chapter 00.
    """

    def __init__(self, photos: list[Tensor], size: int, batch_size: int, seed: int = 0):
        small = [i for i, photo in enumerate(photos) if min(photo.shape[-2:]) < size]
        if not photos:
            raise CourseError("RandomCrops: got no photographs; give at least one")
        if small:
            raise CourseError(
                f"RandomCrops: {len(small)} of {len(photos)} photographs are smaller than {size}×{size} pixels; "
                "use a smaller size or larger photographs"
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
    """Endless batches of crops from pairs of a degraded image and its ground truth, at the same position in both.

    Args:
        degraded, originals: lists of C×h×w and C'×(scale·h)×(scale·w) tensors in [0,1], pair by pair.
        size: side of a crop of the degraded image, in pixels; that of the original is scale · size.
        batch_size: over all processes together; each gets its share.
        seed: fixes positions and order. Pairs are drawn by area; each crop gets one of eight orientations.
    `next()` returns (degraded crops, original crops). Raises CourseError for pairs that do not match. Chapter 06.
    """

    def __init__(
        self, degraded: list[Tensor], originals: list[Tensor], size: int, batch_size: int, seed: int = 0, scale: int = 1
    ):
        for small, large in zip(degraded, originals, strict=True):
            if large.shape[1:] != (scale * small.shape[1], scale * small.shape[2]) or min(small.shape[1:]) < size:
                raise CourseError(
                    f"AlignedCrops: got a pair of {tuple(small.shape)} and {tuple(large.shape)}; "
                    f"wanted the second {scale} times as large, and the first at least {size}×{size}"
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
