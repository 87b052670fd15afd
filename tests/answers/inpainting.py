"""Chapter 07: holes filled, measured and convolved, in unusual dress and with further slips."""

import numpy as np
import torch
from torch.nn import functional

from course_lib.degradations import mean_fill as library_mean_fill
from course_lib.metrics import hole_psnr as library_hole_psnr
from course_lib.networks import PartialConv

# 1. Mean fill


def mean_picture_by_picture(picture, hole):
    answer = picture.clone()
    for one, mask in zip(answer, hole[:, 0] == 1, strict=True):
        for channel in one:
            channel[mask] = channel[~mask].mean()
    return answer


def mean_in_numpy(picture, hole):
    mask = np.broadcast_to(hole.numpy() == 1, picture.shape)
    mean = np.nanmean(np.where(mask, np.nan, picture.double().numpy()), axis=(2, 3), keepdims=True)
    return torch.from_numpy(np.where(mask, mean, picture.numpy())).to(picture.dtype)


def one_count_for_all(picture, hole):
    zeroed = torch.where(hole == 1, 0.0, picture)
    mean = zeroed.sum((2, 3), keepdim=True) * len(picture) / (1 - hole).sum()
    return torch.where(hole == 1, mean, picture)


def mean_of_everything(picture, hole):
    return torch.where(hole == 1, picture.mean((2, 3), keepdim=True), picture)


def fills_the_known(picture, hole):
    return torch.where(hole == 0, library_mean_fill(picture, hole).mean((2, 3), keepdim=True), picture)


def mean_by_nanmean(picture, hole):
    gaps = picture.masked_fill(hole.bool(), torch.nan)
    return torch.where(hole.bool(), gaps.nanmean((2, 3), keepdim=True), picture)


def fills_in_place(picture, hole):
    picture.copy_(library_mean_fill(picture, hole))
    return picture


# 2. Known pixels


def by_index(picture, hole, answer):
    result, missing = picture.clone(), hole.bool().expand_as(picture)
    result[missing] = answer[missing]
    return result


def by_masked_scatter(picture, hole, answer):
    missing = hole.bool().expand_as(picture)
    return picture.masked_scatter(missing, answer[missing])


def by_numpy(picture, hole, answer):
    return torch.from_numpy(np.where(hole.numpy() == 1, answer.numpy(), picture.numpy()))


def by_masks_without_nan(picture, hole, answer):
    return picture.nan_to_num() * (1 - hole) + answer.nan_to_num() * hole


def in_half(answer):
    return answer.half().float()


def adds_to_the_hole(picture, hole, answer):
    return picture + hole * answer


# 3. and 4. Errors


def psnr_picture_by_picture(pred, target, hole):
    values = []
    for one, other, mask in zip(pred.double(), target.double(), hole, strict=True):
        chosen = mask.bool().expand_as(one)
        values.append(-10 * float(((one - other)[chosen] ** 2).mean().log10()))
    return sum(values) / len(values)


def psnr_of_what_is_shown(pred, target, hole):
    """Cut to [0,1] first: no harm to values that are in it."""
    return library_hole_psnr(pred.clamp(0, 1), target, hole)


def psnr_by(change):
    def psnr(pred, target, hole):
        missing = hole.expand_as(target)
        each = ((pred - target).square() * missing).sum((1, 2, 3)) / missing.sum((1, 2, 3))
        return change(each)

    return psnr


def loss_by_index(answer, target, hole, weight):
    missing = hole.bool().expand_as(target)
    return weight * functional.l1_loss(answer[missing], target[missing]) + functional.l1_loss(
        answer[~missing], target[~missing]
    )


def loss_by(part):
    """`part(difference, missing, known, weight)`"""

    def loss(answer, target, hole, weight):
        missing = hole.expand_as(target)
        return part((answer - target), missing, 1 - missing, weight)

    return loss


def mean_over(values, mask):
    return (values * mask).sum() / mask.sum()


# 5. and 6. Partial convolution


def left_by_pooling(hole, kernel):
    return 1 - functional.max_pool2d(1 - hole, kernel, 1, kernel // 2)


def left_by_unfold(hole, kernel):
    padded = functional.pad(hole, [kernel // 2] * 4, value=1)
    windows = functional.unfold(padded, kernel)
    return windows.all(dim=1).view_as(hole)


def left_by_replicated_borders(hole, kernel):
    """Copies of what the window holds already: no new pixel is known."""
    known = functional.pad(1 - hole, [kernel // 2] * 4, mode="replicate")
    return 1 - functional.max_pool2d(known, kernel, 1)


def left_by_inner_windows(hole, kernel):
    missing = functional.avg_pool2d(hole, kernel, 1, kernel // 2, count_include_pad=False)
    return missing > 1 - 0.5 / kernel**2


def left_in_a_cross(hole, kernel):
    ones = torch.ones(1, 1, kernel, 1)
    known = functional.conv2d(1 - hole, ones, padding=(kernel // 2, 0))
    known = known + functional.conv2d(1 - hole, ones.mT, padding=(0, kernel // 2))
    return (known == 0).float()


def by_the_library(x, hole, weight, bias):
    layer = PartialConv(weight.shape[1], weight.shape[0], weight.shape[-1])
    with torch.no_grad():
        layer.conv.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer(x, hole)[0]


def by_unfold(x, hole, weight, bias):
    n, _, height, width = x.shape
    k = weight.shape[-1]
    clean = torch.where(hole == 1, 0.0, x)
    columns = functional.unfold(clean, k, padding=k // 2)
    count = functional.unfold(1 - hole, k, padding=k // 2).sum(1, keepdim=True)
    total = weight.flatten(1) @ columns
    answer = torch.where(count > 0, total * k * k / count.clamp(min=1) + bias[:, None], 0.0)
    return answer.view(n, -1, height, width)


def count_by_channel(x, hole, weight, bias):
    """C·k² over a count of all channels: the same."""
    k, channels = weight.shape[-1], x.shape[1]
    known = (1 - hole).expand_as(x)
    total = functional.conv2d(torch.where(hole == 1, 0.0, x), weight, padding=k // 2)
    count = functional.conv2d(known, torch.ones(1, channels, k, k), padding=k // 2)
    answer = total * channels * k**2 / count.clamp(min=1) + bias.view(1, -1, 1, 1)
    return torch.where(count > 0, answer, 0.0)


def as_published(x, hole, weight, bias):
    """The authors' own order: the bias comes with the sum, is taken off, and put back after the factor."""
    k, channels = weight.shape[-1], x.shape[1]
    known, shift = (1 - hole).expand_as(x), bias.view(1, -1, 1, 1)
    count = functional.conv2d(known, torch.ones_like(weight), padding=k // 2)
    raw = functional.conv2d(torch.where(hole == 1, 0.0, x), weight, bias, padding=k // 2)
    update = count.clamp(0, 1)
    return ((raw - shift) * (channels * k**2 / (count + 1e-8) * update) + shift) * update


def partial_by(finish):
    """`finish(total, count, k, bias)` for all but the empty windows."""

    def partial(x, hole, weight, bias):
        k = weight.shape[-1]
        total = functional.conv2d(torch.where(hole == 1, 0.0, x), weight, padding=k // 2)
        count = functional.conv2d(1 - hole, torch.ones(1, 1, k, k), padding=k // 2)
        return torch.where(count > 0, finish(total, count.clamp(min=1), k, bias.view(1, -1, 1, 1)), 0.0)

    return partial


# 7. Every garment votes


def one_by_one(picture, hole, gallery, temperature):
    known = hole.expand_as(picture) == 0
    distances = torch.stack([(one[known] - picture[known]).square().mean() for one in gallery]).double()
    weights = (-(distances - distances.min()) / temperature).exp()
    mean = sum(weight * one for weight, one in zip(weights / weights.sum(), gallery.double(), strict=True))
    return torch.where(known, picture, mean.to(picture.dtype))


def by_an_expanded_square(picture, hole, gallery, temperature):
    """a² − 2ab; b² is the same for all of the gallery and drops out of the weights."""
    known = hole.expand_as(picture) == 0
    g, p = gallery[:, known].double(), picture[known].double()
    log_weights = (2 * g @ p - g.square().sum(1)) / (len(p) * temperature)
    weights = (log_weights - log_weights.logsumexp(0)).exp().to(picture.dtype)
    return torch.where(known, picture, torch.tensordot(weights, gallery, 1))


def votes_by(weigh):
    """`weigh(squares M×C×H×W with 0 in the hole, number of known numbers, temperature)` → M weights."""

    def soft_fill(picture, hole, gallery, temperature):
        squares = torch.where(hole == 1, 0.0, gallery - picture).square()
        weights = weigh(squares, (1 - hole).expand_as(picture).sum(), temperature)
        mean = (weights.view(-1, 1, 1, 1) * gallery).sum(0)
        return torch.where(hole == 1, mean, picture)

    return soft_fill


def mean_squares(squares, known):
    return squares.sum((1, 2, 3)) / known


RIGHT = {
    "mean_fill": [library_mean_fill, mean_picture_by_picture, mean_in_numpy, mean_by_nanmean],
    "keep_known": [by_index, by_masked_scatter, by_numpy, by_masks_without_nan],
    "hole_psnr": [
        library_hole_psnr,
        psnr_picture_by_picture,
        psnr_of_what_is_shown,
        lambda *a: np.float64(psnr_picture_by_picture(*a)),
    ],
    "hole_loss": [
        loss_by_index,
        loss_by(lambda d, h, k, w: w * mean_over(d.abs(), h) + mean_over(d.abs(), k)),
        lambda *a: loss_by_index(*a).double().reshape(1),
    ],
    "hole_left": [left_by_pooling, left_by_unfold, left_by_replicated_borders, left_by_inner_windows],
    "partial_conv": [by_the_library, by_unfold, count_by_channel, as_published],
    "soft_fill": [
        one_by_one,
        by_an_expanded_square,
        votes_by(lambda s, n, t: torch.softmax(-mean_squares(s, n) / t, 0)),
    ],
}
WRONG = [
    ("mean_fill", "one count for all pictures", one_count_for_all, "divided by the mean number of known pixels"),
    ("mean_fill", "the hole in the mean", mean_of_everything, "those in the hole included"),
    ("mean_fill", "fills the known pixels", fills_the_known, "the mask is upside down"),
    ("mean_fill", "nothing filled", lambda p, h: torch.where(h == 1, 0.0, p), "the hole holds 0"),
    ("mean_fill", "in place", fills_in_place, "changes the tensors it was given"),
    ("mean_fill", "N×C×1×1", lambda p, h: library_mean_fill(p, h).mean((2, 3), keepdim=True), "has shape (3, 1, 1, 1)"),
    (
        "mean_fill",
        "sum",
        lambda p, h: torch.where(h == 1, torch.where(h == 1, 0.0, p).sum((2, 3), True), p),
        "that is the sum of the known pixels",
    ),
    ("keep_known", "in half", lambda p, h, a: torch.where(h == 1, in_half(a), p), "as it came, in its own type"),
    ("keep_known", "added", adds_to_the_hole, "the answer is added to what stands in the hole"),
    ("keep_known", "the picture", lambda p, h, a: p.clone(), "the hole is not filled"),
    ("keep_known", "the mean", lambda p, h, a: (p + a) / 2, "the mean of both"),
    ("keep_known", "doubled", lambda p, h, a: torch.where(h == 1, 2 * a, p), "in the hole stands something else"),
    ("keep_known", "black", lambda p, h, a: torch.where(h == 1, 0.0, p), "the hole holds 0: the answer is not there"),
    ("hole_psnr", "sign", psnr_by(lambda each: 10 * each.log10().mean()), "the sign is wrong"),
    ("hole_psnr", "20", psnr_by(lambda each: -20 * each.log10().mean()), "20·log10 belongs to the root"),
    ("hole_psnr", "root and 10", psnr_by(lambda each: -10 * each.sqrt().log10().mean()), "the root is taken"),
    ("hole_psnr", "median", psnr_by(lambda each: np.median(-10 * each.log10().numpy())), "that is the median"),
    ("hole_psnr", "sum", psnr_by(lambda each: -10 * each.log10().sum()), "the sum over the pictures"),
    ("hole_psnr", "MSE", psnr_by(torch.mean), "that is the mean squared error"),
    (
        "hole_psnr",
        "whole, pooled",
        lambda p, t, h: -10 * (p - t).square().mean().log10(),
        "one PSNR of whole pictures, pooled",
    ),
    (
        "hole_psnr",
        "diluted, pooled",
        lambda p, t, h: -10 * ((p - t).square() * h).mean().log10(),
        "the better it looks; and pooled",
    ),
    ("hole_psnr", "255", psnr_by(lambda each: 10 * (255**2 / each).log10().mean()), "the peak is 1, not 255"),
    (
        "hole_psnr",
        "brightest",
        lambda p, t, h: library_hole_psnr(p, t, h) + 20 * t.max().log10(),
        "whatever the brightest pixel is",
    ),
    (
        "hole_psnr",
        "of each brightest",
        lambda p, t, h: library_hole_psnr(p, t, h) + 20 * t.amax((1, 2, 3)).log10().mean(),
        "whatever a picture's brightest pixel is",
    ),
    (
        "hole_psnr",
        "by pixel",
        lambda p, t, h: -10 * (p - t).square()[h.expand_as(t) == 1].log10().mean(),
        "a logarithm for each pixel",
    ),
    (
        "hole_loss",
        "smooth",
        loss_by(
            lambda d, h, k, w: (
                w * functional.smooth_l1_loss(d[h == 1], 0 * d[h == 1])
                + functional.smooth_l1_loss(d[k == 1], 0 * d[k == 1])
            )
        ),
        "that is the smooth L1 loss",
    ),
    (
        "hole_loss",
        "1 + weight",
        loss_by(lambda d, h, k, w: ((1 + w * h) * d.abs()).mean()),
        "with weight + 1 in the hole",
    ),
    (
        "hole_loss",
        "1 − weight",
        loss_by(lambda d, h, k, w: w * mean_over(d.abs(), h) + (1 - w) * mean_over(d.abs(), k)),
        "the weight 1 − weight",
    ),
    ("hole_loss", "known only", loss_by(lambda d, h, k, w: mean_over(d.abs(), k)), "only the known pixels count"),
    ("hole_loss", "no weight", loss_by(lambda d, h, k, w: mean_over(d.abs(), h) + mean_over(d.abs(), k)), "is missing"),
    (
        "hole_loss",
        "the hole by all",
        loss_by(lambda d, h, k, w: w * (d.abs() * h).mean() + mean_over(d.abs(), k)),
        "the hole's sum is divided by all pixels",
    ),
    (
        "hole_loss",
        "the known by all",
        loss_by(lambda d, h, k, w: w * mean_over(d.abs(), h) + (d.abs() * k).mean()),
        "the known sum is divided by all pixels",
    ),
    (
        "hole_loss",
        "the second part is everything",
        loss_by(lambda d, h, k, w: w * mean_over(d.abs(), h) + d.abs().mean()),
        "the second part is the whole picture",
    ),
    (
        "hole_loss",
        "signed",
        loss_by(lambda d, h, k, w: w * mean_over(d, h) + mean_over(d, k)),
        "the absolute value is missing",
    ),
    ("hole_loss", "sums", loss_by(lambda d, h, k, w: (d.abs() * (w * h + k)).sum()), "sums, wanted means"),
    ("hole_loss", "hole detached", lambda a, *b: loss_by_index(a.detach(), *b), "no gradient can flow"),
    ("hole_left", "a cross", left_in_a_cross, "only the window's middle row and column"),
    ("hole_left", "two layers", lambda h, k: left_by_pooling(left_by_pooling(h, k), k), "as after two such layers"),
    ("hole_left", "counts", lambda h, k: (1 - left_by_pooling(h, k)) * h, "only the pixels that become known"),
    ("partial_conv", "upside down", partial_by(lambda s, n, k, b: s * n / k**2 + b), "the factor is upside down"),
    ("partial_conv", "k", partial_by(lambda s, n, k, b: s * k / n + b), "the factor is k / known"),
    ("partial_conv", "9", partial_by(lambda s, n, k, b: s * 9 / n + b), "the factor is for 3×3 windows"),
    (
        "partial_conv",
        "factor in the hole only",
        lambda x, h, w, b: torch.where(
            h == 0,
            functional.conv2d(torch.where(h == 1, 0.0, x), w, b, padding=w.shape[-1] // 2),
            by_unfold(x, h, w, b),
        ),
        "the factor stands only where the pixel itself is missing",
    ),
    ("hole_loss", "always 6", lambda a, t, h, w: loss_by_index(a, t, h, 6), "wanted"),
    ("partial_conv", "bias divided", partial_by(lambda s, n, k, b: (s + b) / n), "with the bias, and k·k forgotten"),
    (
        "partial_conv",
        "whole windows",
        partial_by(lambda s, n, k, b: torch.where(n == k**2, s + b, 0.0)),
        "0 wherever something in the window is missing",
    ),
    ("partial_conv", "no bias", partial_by(lambda s, n, k, b: s * k**2 / n), "the bias is missing"),
    ("partial_conv", "root", partial_by(lambda s, n, k, b: s * k / n.sqrt() + b), "the root of the factor"),
    (
        "partial_conv",
        "plain",
        lambda x, h, w, b: functional.conv2d(x, w, b, padding=w.shape[-1] // 2) + 0 * h.sum(),
        "the window factor is forgotten, and a window",
    ),
    ("soft_fill", "all alike", votes_by(lambda s, n, t: torch.ones(len(s)) / len(s)), "all count alike"),
    ("soft_fill", "2τ", votes_by(lambda s, n, t: torch.softmax(-mean_squares(s, n) / (2 * t), 0)), "divided by 2τ"),
    ("soft_fill", "τ²", votes_by(lambda s, n, t: torch.softmax(-mean_squares(s, n) / t**2, 0)), "divided by τ²"),
    ("soft_fill", "× τ", votes_by(lambda s, n, t: torch.softmax(-mean_squares(s, n) * t, 0)), "all count alike"),
    (
        "soft_fill",
        "no τ",
        votes_by(lambda s, n, t: torch.softmax(-mean_squares(s, n), 0)),
        "the temperature is forgotten",
    ),
    (
        "soft_fill",
        "nan to even",
        votes_by(lambda s, n, t: torch.nan_to_num((e := (-mean_squares(s, n) / t).exp()) / e.sum(), nan=1 / len(s))),
        "every exp(−d/τ) has rounded to 0",
    ),
    ("soft_fill", "sums", votes_by(lambda s, n, t: torch.softmax(-s.sum((1, 2, 3)) / t, 0)), "the sum of the squares"),
    (
        "soft_fill",
        "absolute",
        votes_by(lambda s, n, t: torch.softmax(-s.sqrt().sum((1, 2, 3)) / n / t, 0)),
        "the absolute difference",
    ),
]
