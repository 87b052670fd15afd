"""Several processes train one network: each draws the same random numbers and takes its own share.

Started by `accelerate launch`; in a single process, everything here does nothing. Shares are interleaved (every second
image for two processes), so that n processes together see exactly the batch that one process would see.
"""

import torch
from torch import Tensor, distributed

from course_lib.errors import CourseError


def count() -> int:
    """The number of processes that train together; 1 without `accelerate launch`. Chapter 03."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def first() -> bool:
    """True in the one process that writes files and prints. Chapter 03."""
    return count() == 1 or distributed.get_rank() == 0


def share(batch: Tensor) -> Tensor:
    """This process's part of a batch that all processes have drawn: N×… → N/count×…; CourseError if N does not divide.

    Chapter 03.
    """
    if count() == 1:
        return batch
    if len(batch) % count():
        raise CourseError(
            f"a batch of {len(batch)} cannot be shared by {count()} processes; choose a number that divides it"
        )
    return batch[distributed.get_rank() :: count()]


def total(numbers: Tensor) -> Tensor:
    """The sum of a tensor over all processes, returned in each; the tensor itself in a single one. Chapter 04."""
    if count() == 1:
        return numbers
    # On GPUs the processes communicate through NCCL, which only supports GPU tensors.
    sums = numbers.cuda() if distributed.get_backend() == "nccl" else numbers.clone()
    distributed.all_reduce(sums)
    return sums.to(numbers.device)


def agree(numbers: list[float]) -> list[float]:
    """The mean of each number over the processes, so that all make the same decision (stop, save). Chapter 03."""
    if count() == 1:
        return numbers
    return (total(torch.tensor(numbers, dtype=torch.float64)) / count()).tolist()


def wait() -> None:
    """A barrier: no process reads what the first is still writing. Chapter 03."""
    if count() > 1:
        distributed.barrier()
