"""The Inception network that FID is defined by: torchvision's, but for how it pools, its head and its weights."""

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
    """The mean of each 3×3 window over the pixels that exist; torchvision's counts zeros beyond the border as well."""
    return avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=False)


def largest(x: Tensor) -> Tensor:
    """The maximum of each 3×3 window: probably a slip in the 2015 network, but every FID was measured with it."""
    return max_pool2d(x, kernel_size=3, stride=1, padding=1)


class _Pools:
    """A torchvision block with another pooling in its last branch.

    Torchvision's own pooled branch is computed and dropped: a twentieth of the time, and none of its code repeated.
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
    """TensorFlow's Inception of 2015-12-05, its weights random as yet: `load_inception` fills them.

    Takes N×3×299×299, about [-1,1]; 75×75 is the least that passes. The names in its state are torchvision's, and the
    released port's. Papers: Szegedy et al. 2016; Heusel et al. 2017. Behind `inception`, chapter 04.
    """

    def __init__(self):
        blocks = [BasicConv2d, AverageA, InceptionB, AverageC, InceptionD, AverageE, InceptionAux]
        super().__init__(CLASSES, aux_logits=False, inception_blocks=blocks, init_weights=False)
        self.Mixed_7c = LargestE(2048)

    def features(self, pictures: Tensor) -> Tensor:
        """What FID compares: the mean over the last feature maps, N×2048, none below 0."""
        *layers, _dropout, _head = self.children()
        for layer in layers:
            pictures = layer(pictures)
        return pictures.flatten(1)

    def probabilities(self, features: Tensor) -> Tensor:
        """What the Inception Score compares: N×2048 → N×1008, a softmax over features × weights, *without the bias*.

        The score's original code takes the head's matrix alone out of the graph (Salimans et al. 2016; torch-fidelity
        calls it "logits_unbiased"); published scores are of that kind. Classes 0 and above 1000 mean nothing.
        """
        return (features @ self.fc.weight.T).softmax(1)
