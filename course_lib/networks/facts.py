"""The facts a network states about itself: receptive field, enlargement factor, latent size.

Programs read these from the network, because a copy kept elsewhere would be wrong after the next change.
"""

from typing import Protocol

from torch import Tensor, nn

from course_lib.errors import CourseError


class Generator(Protocol):
    """A network that generates images: latent vectors N×latent_size → N×C×H×W in [-1,1]. Chapter 03."""

    latent_size: int

    def __call__(self, noise: Tensor) -> Tensor: ...


class Restorer(Protocol):
    """A network that restores images of any size: N×C×H×W in [0,1] → N×C×(scale·H)×(scale·W), not clamped.

    context: radius of its receptive field, in pixels of the input: nothing further away changes an output pixel.
    channels: C; 3 for RGB, 1 for a network that processes each colour channel on its own.
    needs_mask: it takes the hole (1 where missing) as an extra last channel; the others are 0 there. Known pixels are
        returned unchanged.
    minimum, multiple: the smallest side it accepts, and what every side must be a multiple of, in pixels. Chapter 05.
    """

    context: int
    scale: int
    channels: int
    needs_mask: bool
    minimum: int
    multiple: int

    def __call__(self, y: Tensor) -> Tensor: ...


def as_generator(network: nn.Module, latent_size: int) -> nn.Module:
    """The same network with the facts of a `Generator` attached: its latent size. Chapter 03."""
    network.latent_size = latent_size
    return network


def latent_size_of(network: nn.Module) -> int:
    """The length of a generator's latent vector; CourseError if the network does not state it."""
    size = getattr(network, "latent_size", None)
    if not isinstance(size, int):
        raise CourseError(
            f"{type(network).__name__} does not state its latent size; set it with as_generator(network, latent_size)"
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
    """The same network with the facts of a `Restorer` attached. Chapter 05."""
    network.context, network.scale, network.channels = context, scale, channels
    network.needs_mask, network.minimum, network.multiple = needs_mask, minimum, multiple
    return network
