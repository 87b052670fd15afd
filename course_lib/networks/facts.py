"""What a network says of itself: how far it looks, what it enlarges by, how long its noise is.

A program that uses a network reads these from it; a number that is copied elsewhere is wrong after the next change.
"""

from typing import Protocol

from torch import Tensor, nn

from course_lib.errors import CourseError


class Generator(Protocol):
    """A network that draws: noise N×latent_size → images N×C×H×W in [-1,1]. Chapter 03."""

    latent_size: int

    def __call__(self, noise: Tensor) -> Tensor: ...


class Restorer(Protocol):
    """A network that restores images of any size: N×C×H×W in [0,1] → N×C×(scale·H)×(scale·W), not clamped.

    context: radius of its receptive field, in pixels of the input: nothing further away changes an output pixel.
    channels: C, 3 for RGB, 1 for a network that is given each colour by itself.
    needs_mask: it is given the hole (1 where missing) as one more channel, the last; the others are 0 there. What is
        known stays as it was.
    minimum, multiple: of a side that it can take, in pixels. Chapter 05.
    """

    context: int
    scale: int
    channels: int
    needs_mask: bool
    minimum: int
    multiple: int

    def __call__(self, y: Tensor) -> Tensor: ...


def as_generator(network: nn.Module, latent_size: int) -> nn.Module:
    """The same network, which now says how long its noise is: the facts of a `Generator`. Chapter 03."""
    network.latent_size = latent_size
    return network


def latent_size_of(network: nn.Module) -> int:
    """The length of the noise that a generator takes; CourseError where it does not say."""
    size = getattr(network, "latent_size", None)
    if not isinstance(size, int):
        raise CourseError(
            f"{type(network).__name__} does not say how long its noise is; as_generator(network, latent_size) tells it"
        )
    return size


def as_restorer(
    network: nn.Module,
    context: int,
    scale: int = 1,
    channels: int = 3,
    needs_mask: bool = False,
    minimum: int = 1,
    multiple: int = 1,
) -> nn.Module:
    """The same network, which now states the facts of a `Restorer`. Chapter 05."""
    network.context, network.scale, network.channels = context, scale, channels
    network.needs_mask, network.minimum, network.multiple = needs_mask, minimum, multiple
    return network
