"""Chapter 06's checks: right answers in unusual dress, and slips beyond the exercises' own table."""

import numpy as np
import torch
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio
from torch.nn import functional

from course_lib.degradations import Downsample, modcrop
from course_lib.images import resize
from course_lib.metrics import psnr

# shrink_row


def by_resize(row, scale):
    return resize(row.view(1, 1, 1, -1), size=(1, len(row) // scale)).flatten()


def by_convolution(row, scale):
    """The same weights, as a strided convolution in float64."""
    reach = 2 * scale
    d = (torch.arange(-reach, reach) + 0.5).double().abs() / scale
    weights = torch.where(
        d <= 1, 1.5 * d**3 - 2.5 * d**2 + 1, torch.where(d < 2, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2, 0.0)
    )
    beyond = reach - scale // 2
    padded = torch.cat([row[:beyond].flip(0), row, row[-beyond:].flip(0)]).double()
    return functional.conv1d(padded.view(1, 1, -1), (weights / weights.sum()).view(1, 1, -1), stride=scale).flatten()


def with_pillow(row, scale):
    picture = Image.fromarray(row.numpy()[None])
    return torch.from_numpy(np.array(picture.resize((len(row) // scale, 1), Image.Resampling.BICUBIC)))[0]


# pixel_shuffle, pixel_unshuffle


def by_slices(x, s):
    n, c, h, w = x.shape
    out = x.new_empty(n, c // s**2, s * h, s * w)
    for i in range(s):
        for j in range(s):
            out[..., i::s, j::s] = x[:, i * s + j :: s**2]
    return out


def back_by_slices(x, s):
    return torch.stack([x[..., i::s, j::s] for i in range(s) for j in range(s)], 2).flatten(1, 2)


def back_by_unfold(x, s):
    n, c, h, w = x.shape
    return functional.unfold(x, s, stride=s).view(n, c * s**2, h // s, w // s)


# y_channel, set_psnr


def with_skimage(pictures):
    return torch.from_numpy(rgb2ycbcr(pictures.permute(0, 2, 3, 1).numpy())[..., 0])[:, None]


def in_floats(pictures):
    red, green, blue = pictures.float().div(255).split(1, 1)
    return 65.481 * red + 128.553 * green + 24.966 * blue + 16


def set_by_library(answers, originals, scale):
    pairs = zip(answers, originals, strict=True)
    return np.mean([psnr(a[None] / 255, x[None] / 255, luma=True, shave=scale).item() for a, x in pairs])


def set_by_skimage(answers, originals, scale):
    cut = (..., slice(scale, -scale), slice(scale, -scale))
    pairs = [
        (with_skimage(x[None])[cut].numpy(), with_skimage(a[None])[cut].numpy())
        for a, x in zip(answers, originals, strict=True)
    ]
    return float(np.mean([peak_signal_noise_ratio(*pair, data_range=255) for pair in pairs]))


def set_with(border=lambda s: s, finish=lambda values: sum(values) / len(values), peak=255.0):
    def answer(answers, originals, scale):
        values, b = [], border(scale)
        for a, x in zip(answers, originals, strict=True):
            error = (with_skimage(a[None]) - with_skimage(x[None]))[..., b:-b, b:-b]
            values.append(10 * np.log10(peak**2 / error.square().mean().item()))
        return finish(values)

    return answer


# benchmark_pair


def pair_by_operator(photo, scale):
    original = modcrop(photo[None], scale)
    return Downsample(scale, rounded=True)(original)[0], original[0]


def pair_with(small, original=lambda photo, h, w: photo[:, :h, :w]):
    def answer(photo, scale):
        h, w = (side - side % scale for side in photo.shape[1:])
        cut = original(photo, h, w)
        return small(cut[None], (h // scale, w // scale))[0], cut

    return answer


def bytes_of(x):
    return (x.clamp(0, 1) * 255).round() / 255


def plain_small(x, size):
    return bytes_of(resize(x, size=size))


RIGHT = {
    "shrink_row": [by_resize, by_convolution],
    "pixel_shuffle": [functional.pixel_shuffle, by_slices],
    "pixel_unshuffle": [functional.pixel_unshuffle, back_by_slices, back_by_unfold],
    "y_channel": [with_skimage, in_floats],
    "set_psnr": [set_by_library, set_by_skimage],
    "benchmark_pair": [pair_by_operator, pair_with(lambda x, size: bytes_of(resize(x.double(), size=size)))],
}

WRONG = [
    ("shrink_row", "Pillow", with_pillow, "differs from MATLAB's rules"),
    ("shrink_row", "every second", lambda row, s: row[::s], "differs from MATLAB's rules"),
    (
        "shrink_row",
        "not antialiased",
        lambda row, s: resize(row.view(1, 1, 1, -1), size=(1, len(row) // s), antialias=False).flatten(),
        "the curve is not stretched",
    ),
    ("shrink_row", "means", lambda row, s: row.unfold(0, s, s).mean(-1), "the mean of each group"),
    ("shrink_row", "too long", lambda row, s: row, "has shape"),
    ("pixel_shuffle", "reshaped", lambda x, s: x.reshape(len(x), -1, s * x.shape[2], s * x.shape[3]), "only reshaped"),
    (
        "pixel_shuffle",
        "exchanged",
        lambda x, s: functional.pixel_shuffle(x.unflatten(1, (-1, s, s)).transpose(2, 3).flatten(1, 3), s),
        "rows and columns of a block are exchanged",
    ),
    (
        "pixel_shuffle",
        "colour innermost",
        lambda x, s: functional.pixel_shuffle(x.unflatten(1, (s * s, -1)).transpose(1, 2).flatten(1, 2), s),
        "the colour must count slowest",
    ),
    (
        "pixel_shuffle",
        "last pixel first",
        lambda x, s: functional.pixel_shuffle(x.unflatten(1, (-1, s * s)).flip(2).flatten(1, 2), s),
        "from its last pixel",
    ),
    ("pixel_unshuffle", "in place", lambda x, s: functional.pixel_unshuffle(x.mul_(1.0).add_(0.1), s), "differ"),
    ("y_channel", "rounded", lambda x: with_skimage(x).round(), "rounded: Y stays as it is"),
    ("y_channel", "bytes", lambda x: with_skimage(x).to(torch.uint8), "Y is not rounded here"),
    ("y_channel", "unit", lambda x: with_skimage(x) / 255, "from 0 to 1"),
    ("y_channel", "overflow", lambda x: ((x[:, :1] + x[:, 1:2] + x[:, 2:]) // 3).float(), "differs from scikit-image"),
    ("set_psnr", "sum", set_with(finish=sum), "the sum over the pictures"),
    ("set_psnr", "shaved twice", set_with(border=lambda s: 2 * s), "too much is shaved"),
    ("set_psnr", "one pixel", set_with(border=lambda s: 1), "one pixel is shaved"),
    ("set_psnr", "peak 219", set_with(peak=219.0), "or the peak 219"),
    ("set_psnr", "peak 1", set_with(peak=1.0), "the peak is 1"),
    ("set_psnr", "nothing left", set_with(border=lambda s: 20), "do the slices leave any pixels"),
    ("set_psnr", "all of them", set_with(finish=lambda values: np.array(values)), "wanted one number"),
    (
        "benchmark_pair",
        "means",
        pair_with(lambda x, size: bytes_of(functional.adaptive_avg_pool2d(x, size))),
        "the mean of each block",
    ),
    (
        "benchmark_pair",
        "from 0 to 255",
        pair_with(lambda x, size: 255 * bytes_of(resize(x, size=size))),
        "runs from 0 to 255",
    ),
    ("benchmark_pair", "exchanged", lambda photo, s: pair_with(plain_small)(photo, s)[::-1], "exchanged?"),
    ("benchmark_pair", "a batch", lambda photo, s: [x[None] for x in pair_with(plain_small)(photo, s)], "batch axis"),
    ("benchmark_pair", "both rounded", pair_with(plain_small, lambda x, h, w: bytes_of(x[:, :h, :w])), "is rounded"),
    (
        "benchmark_pair",
        "black and white",
        pair_with(lambda x, size: resize(x, size=size).clamp(0, 1).round()),
        "0 and 1",
    ),
    (
        "benchmark_pair",
        "256 steps",
        pair_with(lambda x, size: (resize(x, size=size).clamp(0, 1) * 256).floor() / 256),
        "steps of 1/256",
    ),
    ("benchmark_pair", "one", lambda photo, s: photo, "wanted two pictures"),
]
