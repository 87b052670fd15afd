"""Check of chapter 03: are the samples all alike, or copies of training pictures?"""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.check.probes import random
from course_lib.check.report import attempt, equals, fail, is_tensor, leaves_random_numbers_alone, passed


@leaves_random_numbers_alone
def collapse_or_copies(function: Callable) -> None:
    """`function(samples, training)` → (mean distance of two samples, index of each one's nearest). Chapter 03."""
    name = "collapse_or_copies"
    for count, many, channels, size in ((7, 12, 1, 3), (4, 40, 3, 5), (6, 6, 1, 4)):
        samples, training = (
            random(n, channels, size, size, seed=seed + size).mul(0.3).add(0.5)
            for n, seed in ((count, count), (many, many + 50))
        )
        samples[1] = training[2]  # a copy
        if count == many:
            samples[3] = samples[4]  # a pair at distance 0
        where = f" on {count} samples and {many} training pictures"
        got = attempt(name, function, samples.clone(), training.clone(), where=where)
        if not (isinstance(got, tuple | list) and len(got) == 2):
            fail(name, f"got {type(got).__name__}, wanted a pair", "return diversity, nearest")
        _diversity(name, got[0], samples, where)
        _nearest(name, got[1], samples, training)
    collapsed = samples[:1].expand(5, -1, -1, -1)
    diversity, _ = attempt(name, function, collapsed.clone(), training.clone(), where=" on five times the same picture")
    if not abs(float(diversity)) < 1e-2:
        fail(name, f"five times the same picture has the diversity {float(diversity):.3f}, wanted 0")
    passed(name, "three sets of samples with a copy among them, and a collapsed one")


def _distances(these: Tensor, those: Tensor, power: int = 2) -> Tensor:
    rows = [[(a - b).double().abs().pow(power).sum() ** (1 / power) for b in those] for a in these]
    return torch.tensor(rows)


def _tensor_of(got: Any) -> Any:
    """An array of numbers as a tensor; all else as it is."""
    numbers = isinstance(got, np.ndarray) and got.dtype.kind in "fiu"
    return torch.from_numpy(got.copy()) if numbers else got


def _diversity(name: str, got: Any, samples: Tensor, where: str) -> None:
    got = _tensor_of(got)
    number = isinstance(got, Real) and not isinstance(got, Integral)
    if not (number or (isinstance(got, Tensor) and got.is_floating_point() and got.numel() == 1)):
        shape = f" of shape {tuple(got.shape)}" if isinstance(got, Tensor) else ""
        fail(name, f"the diversity is a {type(got).__name__}{shape}, wanted one number", "the mean over all pairs")
    n, between = len(samples), _distances(samples, samples)
    pairs = n * (n - 1)
    flat = samples.double().flatten(1)
    mistakes = [
        (between.mean(), "each sample is also compared with itself: n of the n² distances are always 0"),
        (between.square().sum() / pairs, "the distances are squared"),
        (between.sum() / 2, "the distances are added up, wanted their mean"),
        (between.sum(), "the distances are added up, wanted their mean"),
        (between.sum() / pairs / 2, "each pair is in the sum once, and the sum is divided by n(n − 1): half as many"),
        (
            2 * between.sum() / pairs,
            "each pair is in the sum twice, and the sum is divided by n(n − 1)/2: twice as much",
        ),
        (between.sum() / (between > 0).sum(), "two equal samples are a pair too, of distance 0: it counts in the mean"),
        (between.sum() / n, "the sum is divided by the number of samples, wanted by the number of pairs"),
        (between.sum() / pairs / flat.shape[1] ** 0.5, "the distance is averaged over the pixels, wanted their sum"),
        *_of_channels(samples, pairs),
        (
            _distances(samples, samples, 1).sum() / pairs,
            "absolute differences are added up, wanted the root of squares",
        ),
        (flat.std(0).mean(), "that is the spread of each pixel over the batch, wanted the distance of pictures"),
        (flat.std(1).mean(), "the spread is taken inside each picture, wanted between pictures: the wrong axis"),
        (between.max(), "that is the largest distance, wanted the mean"),
        ((between + between.max() * torch.eye(n)).min(1).values.mean(), "only each sample's nearest is counted"),
    ]
    hint = "the mean over all pairs of two different samples"
    got, tolerance = torch.as_tensor(got).reshape(()), 1e-3
    equals(name, got, between.sum() / pairs, mistakes, f"the diversity is {float(got):.3f}{where}", hint, tolerance)


def _of_channels(samples: Tensor, pairs: int) -> list[tuple[Tensor, str]]:
    """What comes of a distance that does not add up the channels; with one channel it is the right one."""
    by_channel = torch.stack([_distances(one, one) for one in samples.split(1, dim=1)])
    grey = samples.mean(1, keepdim=True)
    return [
        (by_channel[0].sum() / pairs, "only the first channel is compared, wanted all"),
        (by_channel.mean(0).sum() / pairs, "the distance is averaged over the channels, wanted one over all of them"),
        (
            by_channel.square().mean(0).sqrt().sum() / pairs,
            "the squares are averaged over the channels, wanted their sum",
        ),
        (_distances(grey, grey).sum() / pairs, "the channels are averaged before they are compared"),
    ]


def _whole(number: Any) -> bool:
    if isinstance(number, Tensor):
        return number.ndim == 0 and not number.is_floating_point()
    return isinstance(number, Integral)  # NumPy's are


def _nearest(name: str, got: Any, samples: Tensor, training: Tensor) -> None:
    across = _distances(samples, training)
    if isinstance(got, tuple) and hasattr(got, "indices"):
        hint = "argmin gives the indices alone"
        fail(name, "the second of the pair is what min returns: (values, indices), wanted the indices", hint)
    got = _tensor_of(got)
    if isinstance(got, list | tuple) and all(_whole(one) for one in got):
        got = torch.tensor([int(one) for one in got])
    if isinstance(got, Tensor) and got.shape == (len(training),) != (len(samples),):
        fail(
            name, "one number came for each training picture, wanted one for each sample", "argmin over the other axis"
        )
    is_tensor(name, got, (len(samples),), "the second of the pair", "one index for each sample")
    if got.is_floating_point():
        fail(name, f"the nearest are {got.dtype}, wanted indices: whole numbers", "argmin, not min")
    alike = nn.functional.cosine_similarity(samples.flatten(1)[:, None], training.flatten(1)[None], dim=2)
    own = _distances(samples, samples)
    mistakes = [
        (across.argmax(1), "these are the training pictures farthest away"),
        (own.argmin(1), "these are indices of samples, each its own nearest: search among the training pictures"),
        ((own + own.max() * torch.eye(len(own))).argmin(1), "these are indices of samples, wanted training pictures"),
        (_distances(samples, training, 1).argmin(1), "nearest by absolute differences, wanted the root of squares"),
        (alike.argmax(1), "nearest by angle: brightness and contrast do not count, and here they should"),
    ]
    if len(samples) == len(training):
        mistakes.append((across.argmin(0), "these are the nearest samples of training pictures: the wrong axis"))
    got = got.cpu()
    if torch.equal(got, across.argmin(1)):
        return
    for value, message in mistakes:
        if torch.equal(got, value):
            fail(name, message)
    if got[1] != 2:
        fail(name, f"sample 1 is a copy of training picture 2, and the nearest found is {int(got[1])}")
    fail(name, f"the nearest are {got.tolist()}, wanted {across.argmin(1).tolist()}", "the distance over all pixels")
