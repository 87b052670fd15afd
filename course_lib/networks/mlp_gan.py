"""The first GAN: two multilayer perceptrons, which do not know which pixels are neighbours."""

from torch import nn

from course_lib.networks.facts import as_generator

MLP_LATENT = 100


def mlp_generator(channels: int = 1, size: int = 28) -> nn.Module:
    """Latent vectors N×100 → images N×channels×size×size in [-1,1]: three hidden layers with batch norm, then tanh.

    Papers: Goodfellow et al. 2014; batch norm as in Ioffe and Szegedy 2015. Chapter 03.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in ((MLP_LATENT, 256), (256, 512), (512, 1024)):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.LeakyReLU(0.2)]
    network = nn.Sequential(
        *layers, nn.Linear(1024, channels * size**2), nn.Tanh(), nn.Unflatten(1, (channels, size, size))
    )
    return as_generator(network, MLP_LATENT)


def mlp_discriminator(channels: int = 1, size: int = 28) -> nn.Module:
    """Images N×channels×size×size in [-1,1] → logits N: two hidden layers, no normalisation. Chapter 03."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * size**2, 512),
        nn.LeakyReLU(0.2),
        nn.Linear(512, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 1),
        nn.Flatten(0),
    )
