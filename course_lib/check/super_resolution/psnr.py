"""Check of chapter 06: the papers' PSNR of a set of pictures, against scikit-image."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.check.evaluating.numbers import judge
from course_lib.check.report import attempt, leaves_random_numbers_alone, passed
from course_lib.check.super_resolution.luma import BT709, FULL, STUDIO, noise

EMPTY = "do the slices leave any pixels? Cut the last two axes: [..., scale:-scale, scale:-scale]"


@leaves_random_numbers_alone
def set_psnr(function: Callable) -> None:
    """`function(answers, originals, scale)`: lists of uint8 3×H×W → the papers' PSNR of the set. Chapter 06."""
    name = "set_psnr"
    sizes = ((24, 31), (20, 18), (40, 26))
    originals = [noise(3, *size, seed=i) for i, size in enumerate(sizes)]
    spreads = (4, 40, 12)
    answers = [_spoiled(x, spread, i) for i, (x, spread) in enumerate(zip(originals, spreads, strict=True))]
    for scale, count in ((2, 3), (4, 3), (3, 1)):
        given = [part.clone() for part in (*answers[:count], *originals[:count])]
        got = attempt(name, function, given[:count], given[count:], scale, where=f" at scale {scale}")
        want = _of_the_papers(answers[:count], originals[:count], scale)
        wrong = [(v, m) for v, m in _mistakes(answers[:count], originals[:count], scale) if abs(v - want) > 1e-3]
        hint = "Y of each picture; cut `scale` pixels off each side; 10 log10(255² / MSE); then the mean over pictures"
        where = f" (scale {scale}, {count} pictures)"
        judge(name, got, want, wrong, where, hint, EMPTY, tolerance=1e-5)
    passed(name, "three pictures of unequal size and quality at scales 2 and 4, one at 3: equal to scikit-image's")


def _of_the_papers(answers: list[Tensor], originals: list[Tensor], scale: int) -> float:
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio

    values = []
    for pair in zip(originals, answers, strict=True):
        cut = [rgb2ycbcr(p.permute(1, 2, 0).numpy())[scale:-scale, scale:-scale, 0] for p in pair]
        values.append(peak_signal_noise_ratio(*cut, data_range=255))
    return float(np.mean(values))


def _mistakes(answers: list[Tensor], originals: list[Tensor], scale: int) -> list[tuple[float, str]]:
    def errors(weights: Sequence[float], border: int) -> list[np.ndarray]:
        mix = np.array(weights)[:, None, None]
        apart = [a.double().numpy() - x.double().numpy() for a, x in zip(answers, originals, strict=True)]
        whole = [(mix * one).sum(0) for one in apart]
        return [one[border : one.shape[0] - border, border : one.shape[1] - border] for one in whole]

    def db(squares: Any, peak: float = 255) -> float:
        return float(10 * np.log10(peak**2 / np.mean(squares)))

    def mean(weights: Sequence[float] = STUDIO, border: int = scale, peak: float = 255) -> float:
        return float(np.mean([db(e**2, peak) for e in errors(weights, border)]))

    right = [e**2 for e in errors(STUDIO, scale)]
    coloured = [
        db(((a.double() - x.double())[:, scale:-scale, scale:-scale] ** 2).numpy())
        for a, x in zip(answers, originals, strict=True)
    ]
    return [
        (
            db(np.concatenate([e.ravel() for e in right])),
            "one mean over all pixels of the set",
        ),
        (db([e.mean() for e in right]), "the mean squared errors are averaged: average the PSNRs of the pictures"),
        (mean(border=0), "nothing is shaved: leave `scale` pixels out on every side"),
        (mean(border=1), "one pixel is shaved, wanted `scale` of them"),
        (mean(border=2 * scale), "too much is shaved: `scale` pixels on every side, not 2 · scale"),
        (float(np.mean(coloured)), "that is the PSNR of the colours: compare Y"),
        (mean(FULL), "1.32 dB too low: luma from 0 to 255, or the peak 219 of a Y from 16 to 235"),
        (mean(BT709), "the weights of BT.709: the papers use BT.601"),
        (mean([w * 219 / 255 for w in BT709]), "the weights of BT.709: the papers use BT.601"),
        (mean(STUDIO[::-1]), "red and blue are exchanged"),
        (mean(peak=235), "the peak is 235, Y of white; the papers take 255"),
        (mean(peak=1), "the peak is 1, but the errors are those of bytes: 255"),
        (mean() / 2, "half of it: 10 log10 of the mean squared error, or 20 log10 of its root"),
        (-mean(), "the sign is wrong"),
        (mean() * np.log(10), "that is the natural logarithm: log10"),
        (mean() * len(answers), "the sum over the pictures, wanted their mean"),
        *_slips(answers, originals, scale),
    ]


def _slips(answers: list[Tensor], originals: list[Tensor], scale: int) -> list[tuple[float, str]]:
    """Whole Y, with bytes taken for numbers, borders half cut, logarithms half written."""
    mix = np.array(STUDIO)[:, None, None]
    pairs = [(a.numpy(), x.numpy()) for a, x in zip(answers, originals, strict=True)]
    lumas = [((mix * a).sum(0) + 16, (mix * x).sum(0) + 16) for a, x in pairs]
    cut, rest = slice(scale, -scale), slice(None)

    def squares(errors: Any, rows: slice = cut, columns: slice = cut) -> list[float]:
        return [float((one[rows, columns] ** 2).mean()) for one in errors]

    def db(means: Sequence[float], factor: float = 10, over: float = 255**2) -> np.ndarray:
        return factor * np.log10(over / np.array(means))

    right = [a - x for a, x in lumas]
    rounded = [a.round() - x.round() for a, x in lumas]
    wrapped = [(mix * (a - x)).sum(0) for a, x in pairs]
    wrapped_luma = [(a.round().astype(np.uint8) - x.round().astype(np.uint8)).astype(float) for a, x in lumas]
    bytes_wrap = "bytes are subtracted, and 3 − 5 is 254: make floats first"
    sides = "rows or columns only: leave pixels out on all four sides"
    first, last = slice(scale, None), slice(None, -scale)
    return [
        (db(squares(wrapped)).mean(), bytes_wrap),
        (db(squares(wrapped_luma)).mean(), bytes_wrap),
        (db(squares(rounded)).mean(), "Y is rounded before it is compared; exercise 1 leaves it as it is"),
        (db(squares(right, cut, rest)).mean(), sides),
        (db(squares(right, rest, cut)).mean(), sides),
        (db(squares(right, first, first)).mean(), "shaved above and on the left only"),
        (db(squares(right, last, last)).mean(), "shaved below and on the right only"),
        (db(squares(right))[0], "only the first picture counts: does `return` stand inside the loop?"),
        (db(squares(right))[-1], "only the last picture counts: keep all values"),
        (db([abs(one[cut, cut]).mean() for one in right]).mean(), "absolute errors, wanted squared ones"),
        (db([(one[cut, cut] ** 2).sum() for one in right]).mean(), "the sum of the squared errors, wanted their mean"),
        (db(squares(right), over=255).mean(), "255 is not squared"),
        (db(squares(right), 20).mean(), "twice as much: 10 log10 of the mean squared error, 20 log10 of its root"),
        (db(squares(right), 20, 255).mean(), "20 log10 wants the root of the mean squared error"),
        (db(squares(right), over=255**4).mean(), "errors of pictures from 0 to 1 with the peak 255"),
    ]


def _spoiled(picture: Tensor, spread: int, seed: int) -> Tensor:
    dice = torch.Generator().manual_seed(100 + seed)
    error = torch.randint(-spread, spread + 1, picture.shape, generator=dice)
    # Another error near the border, and of another size in each colour: so each slip gives a number of its own.
    error = error * torch.tensor([1, 2, 3]).view(3, 1, 1)
    error[:, :1], error[:, :, :3] = error[:, :1] * 3, error[:, :, :3] * 2
    error[:, -2:], error[:, :, -1:] = error[:, -2:] * 4, error[:, :, -1:] * 2
    return (picture.long() + error).clamp(0, 255).to(torch.uint8)
