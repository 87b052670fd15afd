"""DCGAN: transposed convolutions in the generator, strided ones in the discriminator, batch norm in both."""

from torch import nn

from course_lib.networks.facts import as_generator

DCGAN_LATENT = 100


def dcgan_generator(width: int = 64, channels: int = 1) -> nn.Module:
    """Latent vectors N×100 → images N×channels×28×28 in [-1,1]; 4·width channels at 7×7, 2·width at 14×14.

    Paper: Radford et al. 2015, "Unsupervised Representation Learning with DCGANs"; 28 pixels need one stage fewer than
    the paper's 64. Chapter 03.
    """
    network = nn.Sequential(
        nn.Unflatten(1, (DCGAN_LATENT, 1, 1)),
        nn.ConvTranspose2d(DCGAN_LATENT, 4 * width, 7, bias=False),
        nn.BatchNorm2d(4 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, channels, 4, 2, 1),
        nn.Tanh(),
    )
    return as_generator(network.apply(dcgan_start), DCGAN_LATENT)


def dcgan_discriminator(width: int = 64, channels: int = 1) -> nn.Module:
    """Images N×channels×28×28 in [-1,1] → logits N; batch norm after the second convolution. Chapter 03."""
    network = nn.Sequential(
        nn.Conv2d(channels, width, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 1, 7),
        nn.Flatten(0),
    )
    return network.apply(dcgan_start)


def dcgan_start(layer: nn.Module) -> None:
    """The paper's weight initialisation, for `network.apply`: standard deviation 0.02 around 0, around 1 for norms.

    Chapter 03.
    """
    weight = getattr(layer, "weight", None)
    if weight is not None and weight.is_meta:
        return  # its weights will come from a file; initialising meta tensors costs torch seconds for nothing
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
