"""Which pictures come next: endless batches whose order is fixed by a seed and can be taken up where it stopped.

A data set enters once, as a whole tensor on the device; (images, labels) pairs leave.
"""

from typing import Any

import torch
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.processes import share


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
        chosen = torch.multinomial(self.areas, self.batch_size, replacement=True, generator=self.generator)
        where = torch.rand(self.batch_size, 3, generator=self.generator).tolist()
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
