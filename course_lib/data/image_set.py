"""The type of every data set in the course: images in memory, with one label each."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset

from course_lib.errors import CourseError


@dataclass(eq=False, repr=False)
class Images(Dataset[tuple[Tensor, int]]):
    """Images in memory as uint8 (0…255), returned as float32 in [0,1]. What `load` returns; chapter 00.

    images: (N,C,H,W) uint8, or a list of N (C,H,W) uint8 where sizes differ (photos and folders).
    labels: (N,) int64, an index into `classes`; all 0 for photos and folders, which have one class.
    names: file names for photos, paths relative to the folder for folders, () for the labelled sets.
    dataset[i] is (image (C,H,W) float32 in [0,1], label as int).
    """

    images: Tensor | list[Tensor]
    labels: Tensor
    classes: tuple[str, ...]
    name: str
    split: str
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        size = "×".join(map(str, self.images.shape[1:])) if isinstance(self.images, Tensor) else "various sizes"
        return f"Images({self.name}, {self.split}: {len(self)} of {size})"

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if isinstance(index, slice):
            raise CourseError("dataset[i] takes one index: for several, use dataset.batch(range(16))")
        return self.images[index] / 255, int(self.labels[index])

    def batch(self, indices: Sequence[int] | Tensor) -> tuple[Tensor, Tensor]:
        """Images (n,C,H,W) float32 in [0,1] and labels (n,) int64 for n indices, in order; chapter 00.

        A bool mask of length N works too. Raises CourseError for images of different sizes or indices
        that are not whole numbers, IndexError for an index outside the set.
        """
        chosen = torch.as_tensor(indices)
        if chosen.dtype == torch.bool:
            chosen = chosen.nonzero().flatten()
        if chosen.is_floating_point() and chosen.numel():
            raise CourseError(f"batch: indices are {chosen.dtype}, wanted whole numbers")
        chosen = chosen.to("cpu", torch.int64)
        if isinstance(self.images, Tensor):
            return self.images[chosen] / 255, self.labels[chosen]
        picked = [self.images[i] for i in chosen.tolist()]
        sizes = sorted({tuple(image.shape) for image in picked})
        if len(sizes) != 1:
            if not sizes:
                raise CourseError("batch: got no indices; give at least one")
            found = " and ".join(f"{w}×{h}" for _, h, w in sizes[:2])
            raise CourseError(f"batch: images of {found} pixels do not stack: crop them to one size first")
        return torch.stack(picked) / 255, self.labels[chosen]

    def tensors(self) -> tuple[Tensor, Tensor]:
        """The whole set as one batch: (N,C,H,W) float32 in [0,1], (N,) int64. Chapter 00."""
        return self.batch(torch.arange(len(self)))

    def require_one_size(self, channels: int | None = None) -> None:
        """Raise CourseError unless all images have one size and, if given, `channels` channels."""
        if isinstance(self.images, list):
            raise CourseError(
                f"{self.name} has images of various sizes; give a set of one size: fashion_mnist_mini, cifar10"
            )
        if channels is not None and self.images.shape[1] != channels:
            raise CourseError(
                f"{self.name} has images of {self.images.shape[1]} channels, but this network takes {channels}; "
                f"give {'cifar10' if channels == 3 else 'fashion_mnist_mini'}"
            )

    def require_photographs(self) -> None:
        """Raise CourseError unless these are photographs, RGB and of various sizes."""
        if not self.names:
            raise CourseError(f"{self.name} is not a set of photographs; give photos or folder:PATH")
