"""A recipe is a value: the data, the network, how it is trained and how the result is evaluated.

`recipe(data, device, seed)` gives a `Run` that is ready to train; the notebooks and the command line use the same.
`recipe.network(**config)` builds the network alone: no data, no optimiser.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from course_lib.data import load
from course_lib.sampling import sample_images
from course_lib.system.device import pick, seed_everything
from course_lib.training import Trainer

Config = dict[str, int]


@dataclass(frozen=True)
class Metric:
    """A value with the protocol that produced it (data, split, N, …); never one without the other. Chapter 01."""

    name: str
    value: float
    unit: str
    protocol: str


@dataclass
class Run:
    """A recipe that is set up: `trainer.run(...)` trains `model`, `evaluate()` gives its metrics. Chapter 01.

    `steps` is the planned length per budget, {"cpu": …, "gpu": …}. `config` holds the arguments that the recipe's
    network was built with; None for a network from elsewhere.
    """

    model: nn.Module
    trainer: Trainer
    evaluate: Callable[[], list[Metric]]
    steps: dict[str, int]
    config: Config | None = None

    def sample(self, n: int, seed: int) -> Tensor:
        """n generated images N×C×H×W in [0,1], by `sample_images`."""
        return sample_images(self.model, n, seed)


@dataclass(frozen=True)
class Recipe:
    """How a network is trained, from data to metrics.

    Args:
        name: of the file in course_lib/recipes, and of the recipe on the command line.
        kind: "classifier" (images → labels), "generator" (latent vectors → images) or "restorer" (images → images).
        data: the default data set (see `course_lib.data.load`).
        network: integers → the untrained network whose weights a finished run keeps.
        train: (data, device, seed, **options) → Run. Its docstring is also the recipe's.
        evaluate: (network, data, device) → metrics on the test split of `data`.
    Calling it seeds all random generators with `seed` and gives a Run. Chapter 01.
    """

    name: str
    kind: Literal["classifier", "generator", "restorer"]
    data: str
    network: Callable[..., nn.Module]
    train: Callable[..., Run]
    evaluate: Callable[[nn.Module, str, torch.device], list[Metric]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.train.__doc__)  # what help() and a notebook's `?` show

    def __call__(
        self, data: str | None = None, device: torch.device | None = None, seed: int = 0, **options: Any
    ) -> Run:
        seed_everything(seed)
        load(data or self.data, "test")  # refuse unsuitable test data now, not after training
        return self.train(data or self.data, device or pick(), seed, **options)
