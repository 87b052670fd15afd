"""The Inception network that defines FID: torchvision's, except for its pooling, its head and its weights."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d
from torchvision.models.inception import (
    BasicConv2d,
    Inception3,
    InceptionA,
    InceptionAux,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE,
)

FEATURES, CLASSES = 2048, 1008


def average(x: Tensor) -> Tensor:
    """The mean of each 3×3 window over the pixels that exist; torchvision also counts zeros beyond the border."""
    return avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=False)


def largest(x: Tensor) -> Tensor:
    """The maximum of each 3×3 window: probably a mistake in the 2015 network, but part of every published FID."""
    return max_pool2d(x, kernel_size=3, stride=1, padding=1)


class _Pools:
    """A torchvision block with different pooling in its last branch.

    Torchvision's own pooled branch is computed and discarded: it costs 5 % of the time and avoids repeating its code.
    """

    def forward(self, x: Tensor) -> Tensor:
        width = self.branch_pool.conv.out_channels
        return torch.cat([super().forward(x)[:, :-width], self.branch_pool(self.pool(x))], 1)


class AverageA(_Pools, InceptionA):
    pool = staticmethod(average)


class AverageC(_Pools, InceptionC):
    pool = staticmethod(average)


class AverageE(_Pools, InceptionE):
    pool = staticmethod(average)


class LargestE(_Pools, InceptionE):
    pool = staticmethod(largest)


class InceptionNetwork(Inception3):
    """TensorFlow's Inception of 2015-12-05 with random weights; `load_inception` loads the released ones.

    Takes N×3×299×299, about [-1,1]; 75×75 is the smallest size that works. Its state dict uses the names of
    torchvision and the released port. Papers: Szegedy et al. 2016; Heusel et al. 2017. Behind `inception`, chapter 04.
    """

    def __init__(self):
        blocks = [BasicConv2d, AverageA, InceptionB, AverageC, InceptionD, AverageE, InceptionAux]
        super().__init__(CLASSES, aux_logits=False, inception_blocks=blocks, init_weights=False)
        self.Mixed_7c = LargestE(2048)

    def features(self, pictures: Tensor) -> Tensor:
        """The features that FID compares: the spatial mean of the last feature maps, N×2048, none below 0."""
        *layers, _dropout, _head = self.children()
        for layer in layers:
            pictures = layer(pictures)
        return pictures.flatten(1)

    def probabilities(self, features: Tensor) -> Tensor:
        """The input of the Inception Score: N×2048 → N×1008, a softmax over features × weights, *without the bias*.

        The score's original code uses only the weight matrix of the head (Salimans et al. 2016; torch-fidelity calls it
        "logits_unbiased"), and so do published scores. Class 0 and the classes above 1000 have no meaning.
        """
        return (features @ self.fc.weight.T).softmax(1)
