"""The small residual classifier: later chapters use its 128 features to compare sets of images."""

from torch import Tensor, nn

from course_lib.blocks import conv3x3, preact_block

FEATURES = 128


class Classifier(nn.Module):
    """Stem, five pre-activation residual blocks, linear head; about 0.5 million parameters.

    forward(x): N×channels×H×W in [0,1] → logits N×classes; H and W at least 8 (28×28 and 32×32 in the course).
    features(x): the N×128 pooled features that the head receives: the course's feature extractor (scores: "FD-clf").
    Chapter 01 trains it; later chapters use it in their metrics.
    """

    def __init__(self, classes: int = 10, channels: int = 1):
        super().__init__()
        self.classes, self.channels = classes, channels
        self.stem = conv3x3(channels, 32, stride=2)
        self.body = nn.Sequential(
            preact_block(32),
            preact_block(32, 64, stride=2),
            preact_block(64),
            preact_block(64, FEATURES, stride=2),
            preact_block(FEATURES),
        )
        self.pool = nn.Sequential(nn.BatchNorm2d(FEATURES), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(FEATURES, classes)

    def features(self, x: Tensor) -> Tensor:
        return self.pool(self.body(self.stem(x)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))
