"""Chapter 05: right answers in unusual dress, and slips beyond the exercises' own table."""

import copy

import numpy as np
import torch
from skimage.metrics import structural_similarity
from torch import nn
from torch.nn import functional

from course_lib.degradations import GaussianNoise
from course_lib.images import eight_bits
from course_lib.metrics import mean_psnr
from course_lib.metrics import ssim as library_ssim

# 1. add_noise


def in_numpy(x, sigma):
    return x + torch.from_numpy(np.random.normal(0, sigma / 255, x.shape)).to(x)


def picture_by_picture(x, sigma):
    return torch.stack([one.clone().add_(torch.normal(0.0, sigma / 255, one.shape)) for one in x])


def brighter(x, sigma):
    return x + sigma / 255 * (torch.randn_like(x) + 0.1)


def two_levels(x, sigma):
    return x + sigma / 255 * torch.randn_like(x).sign()


def one_row(x, sigma):
    return x + sigma / 255 * torch.randn_like(x[..., :1, :])


def one_number(x, sigma):
    return x + sigma / 255 * torch.randn(())


# 2. benchmark_psnr


def by_library(preds, targets):
    return mean_psnr([eight_bits(pred)[None] for pred in preds], [target[None] for target in targets])


def psnr_by(error=lambda p, t: (p - t).square().mean(), total=lambda values: values.mean()):
    def made(preds, targets):
        stored = [(pred.clamp(0, 1) * 255).round() / 255 for pred in preds]
        return total(torch.stack([-10 * error(p, t).log10() for p, t in zip(stored, targets, strict=True)]))

    return made


# 3. ssim, flat_ssim


def by_skimage(x, y, **settings):
    pairs = zip(x.double().numpy(), y.double().numpy(), strict=True)
    return np.array([structural_similarity(a, b, data_range=1.0, channel_axis=0, **settings) for a, b in pairs])


def gaussian_by_skimage(x, y):
    return by_skimage(x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)


def flat_by_unfold(x, y):
    """Every window as a column."""
    values = []
    for a, b in zip(x.double(), y.double(), strict=True):
        a, b = (functional.unfold(p[:, None], 7) for p in (a, b))
        covariance = ((a - a.mean(1, keepdim=True)) * (b - b.mean(1, keepdim=True))).sum(1) / 48
        means = (2 * a.mean(1) * b.mean(1) + 1e-4) / (a.mean(1) ** 2 + b.mean(1) ** 2 + 1e-4)
        values.append((means * (2 * covariance + 9e-4) / (a.var(1) + b.var(1) + 9e-4)).mean())
    return torch.stack(values)


def ssim_with(window, prepare=lambda images: images.double(), pad=None, c1=1e-4, c2=9e-4, sample=(1, 1), step=1):
    """SSIM with any part exchanged; `sample`: factors of the variances and of the covariance."""

    def made(x, y):
        x, y = prepare(x), prepare(y)

        def mean(images):
            planes = images.flatten(0, 1)[:, None]
            planes = functional.pad(planes, (window.shape[-1] // 2,) * 4, mode=pad) if pad else planes
            planes = functional.conv2d(planes, window.to(planes)[None, None], stride=step)
            return planes.squeeze(1).unflatten(0, images.shape[:2])

        mx, my = mean(x), mean(y)
        variances, covariance = mean(x * x) - mx**2 + mean(y * y) - my**2, mean(x * y) - mx * my
        patterns = (2 * sample[1] * covariance + c2) / (sample[0] * variances + c2)
        return ((2 * mx * my + c1) / (mx**2 + my**2 + c1) * patterns).mean(dim=(1, 2, 3))

    return made


def gaussian(sigma=1.5, size=11, power=2):
    weights = torch.exp(-((torch.arange(size).double() - size // 2) ** 2) / (2 * sigma**2))
    return torch.outer(weights, weights) / weights.sum() ** power


FLAT, SAMPLE = torch.full((7, 7), 1 / 49).double(), (49 / 48, 49 / 48)


# 4. noise_predictor


class ByTheImage(nn.Module):
    """The branch is copied, and the loss compares pictures: the same number."""

    def __init__(self, branch):
        super().__init__()
        self.inner = copy.deepcopy(branch)
        for weight in self.inner[-1].parameters():
            weight.data.zero_()

    def forward(self, y):
        return y + self.inner(y).neg()

    def loss(self, x, n):
        return (self(x + n) - x).square().mean()


def predictor(loss=None, forward=None, begin=None):
    class Predictor(ByTheImage):
        pass

    if begin:
        Predictor.__init__ = begin
    if loss:
        Predictor.loss = loss
    if forward:
        Predictor.forward = forward
    return Predictor


class LastLayerFirst(ByTheImage):
    """Keeps the last layer by name, too, before the rest."""

    def __init__(self, branch):
        nn.Module.__init__(self)
        self.last = branch[-1]
        self.inner = branch
        for weight in self.last.parameters():
            nn.init.constant_(weight, 0)


class WithAGain(ByTheImage):
    def __init__(self, branch):
        super().__init__(branch)
        self.gain = nn.Parameter(torch.ones(()))


class WithoutModule:
    def __init__(self, branch):
        self.branch = branch


class WithoutLoss(nn.Module):
    def __init__(self, branch):
        super().__init__()
        self.branch = branch
        for weight in branch[-1].parameters():
            weight.data.zero_()

    def forward(self, y):
        return y - self.branch(y)


def unused(self, y):
    return y + 0 * self.inner(y)


def other_weights(self, branch):
    ByTheImage.__init__(self, branch)
    self.inner[0].reset_parameters()


def steps_itself(self, x, n):
    loss = functional.mse_loss(self.inner(x + n), n)
    loss.backward()
    return loss


# 5. noise2noise_loss


def by_operator(network, x, sigma):
    noise = GaussianNoise(sigma)
    return (network(noise(x)) - noise(x)).pow(2).mean()


def one_draw_halved(network, x, sigma):
    first, second = (sigma * torch.randn(2, *x.shape)).unbind(0)
    return functional.mse_loss(network(x + first), x + second)


def pairs_by(given, target, measure=functional.mse_loss):
    def made(network, x, sigma):
        return measure(network(given(x, sigma)), target(x, sigma))

    return made


def noisy(x, sigma):
    return x + sigma * torch.randn_like(x)


def both_ways(network, x, sigma):
    one, other = noisy(x, sigma), noisy(x, sigma)
    return functional.mse_loss(network(one), other) + functional.mse_loss(network(other), one)


def same_every_step(network, x, sigma):
    torch.manual_seed(0)
    return functional.mse_loss(network(noisy(x, sigma)), noisy(x, sigma))


def backward_inside(network, x, sigma):
    loss = functional.mse_loss(network(noisy(x, sigma)), noisy(x, sigma))
    loss.backward()
    return loss


def takes_off(network, x, sigma):
    given = noisy(x, sigma)
    return functional.mse_loss(given - network(given), noisy(x, sigma))


def answer_clamped(network, x, sigma):
    return functional.mse_loss(network(noisy(x, sigma)).clamp(0, 1), noisy(x, sigma))


# 6. without_bias


def in_a_copy(network):
    bare = copy.deepcopy(network)
    for layer in bare.modules():
        if "bias" in layer._parameters:
            layer.register_parameter("bias", None)
    return bare


def frozen_at_zero(network):
    for name, weight in network.named_parameters():
        if name.rpartition(".")[2] == "bias":
            weight.requires_grad_(False).zero_()
    return network


def except_linear(network):
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.bias = None
    return network


def except_transposed(network):
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.bias = None
    return network


def all_frozen(network):
    return in_a_copy(network).requires_grad_(False)


def last_only(network):
    [layer for layer in network.modules() if getattr(layer, "bias", None) is not None][-1].bias = None
    return network


# 7. best_guess


def one_by_one(y, values, shares, sigma):
    answers = []
    for one in y.tolist():
        both = zip(values.tolist(), shares.tolist(), strict=True)
        exponents = [np.log(p) - (one - v) ** 2 / (2 * sigma**2) for v, p in both]
        weights = [np.exp(e - max(exponents)) for e in exponents]
        answers.append(sum(w * v for w, v in zip(weights, values.tolist(), strict=True)) / sum(weights))
    return np.array(answers)


def guess_by(power):
    def made(y, values, shares, sigma):
        return torch.softmax(shares.log() - power(y[:, None] - values, sigma), dim=1) @ values

    return made


RIGHT = {
    "add_noise": [in_numpy, picture_by_picture, lambda x, sigma: GaussianNoise(sigma / 255)(x)],
    "benchmark_psnr": [by_library, psnr_by(), psnr_by(total=lambda values: values.numpy().mean())],
    "ssim": [library_ssim, gaussian_by_skimage, ssim_with(gaussian())],
    "flat_ssim": [by_skimage, flat_by_unfold],
    "noise_predictor": [
        ByTheImage,
        LastLayerFirst,
        predictor(loss=lambda self, x, n: (self.inner(n + x) - n).pow(2).mean()),
    ],
    "noise2noise_loss": [by_operator, one_draw_halved],
    "without_bias": [in_a_copy, frozen_at_zero],
    "best_guess": [one_by_one, guess_by(lambda d, s: d**2 / (2 * s**2))],
}

WRONG = [
    ("add_noise", "brighter", brighter, "the noise has mean"),
    ("add_noise", "two levels", two_levels, "is not normal"),
    ("add_noise", "one row", one_row, "neighbouring rows share their noise"),
    ("add_noise", "twice", lambda x, sigma: x + 2 * sigma / 255 * torch.randn_like(x), "twice as strong"),
    ("add_noise", "divided twice", lambda x, sigma: x + sigma / 255**2 * torch.randn_like(x), "255 times too weak"),
    ("add_noise", "none", lambda x, sigma: x.clone(), "there is no noise"),
    ("add_noise", "with light", lambda x, s: x + 2 * x.sqrt() * s / 255 * torch.randn_like(x) * 0.5**0.5, "on black"),
    ("add_noise", "one number", one_number, "one random number for the whole batch"),
    ("add_noise", "absolute", lambda x, s: x + s / 255 * torch.randn_like(x).abs(), "the noise has mean"),
    ("add_noise", "in levels", lambda x, s: 255 * x + s * torch.randn_like(x), "255 times too strong"),
    ("benchmark_psnr", "best", psnr_by(total=torch.max), "the best of the pictures"),
    ("benchmark_psnr", "last", psnr_by(total=lambda values: values[-1]), "the last picture only"),
    ("benchmark_psnr", "channels", psnr_by(lambda p, t: (p - t).square().sum(0).mean()), "channels' errors are added"),
    ("benchmark_psnr", "sum", psnr_by(total=torch.sum), "the sum over the pictures"),
    ("benchmark_psnr", "median", psnr_by(total=torch.median), "the median of the pictures"),
    ("benchmark_psnr", "absolute", psnr_by(lambda p, t: (p - t).abs().mean()), "absolute errors"),
    ("benchmark_psnr", "sign", psnr_by(total=lambda values: -values.mean()), "the sign"),
    ("benchmark_psnr", "20 log", psnr_by(total=lambda values: 2 * values.mean()), "20 · log10"),
    ("ssim", "flat window", by_skimage, "the flat 7×7 window: wanted the Gaussian one"),
    ("ssim", "dissimilarity", lambda x, y: 1 - library_ssim(x, y), "that is 1 − SSIM"),
    ("ssim", "of 255", lambda x, y: library_ssim(x, y, data_range=255), "the constants are for values of 255"),
    ("ssim", "cross", lambda x, y: library_ssim(x, y).mean(), "one number for the whole batch"),
    ("ssim", "float32", ssim_with(gaussian(), prepare=lambda images: images), "nearly right, but rounded: in float32"),
    ("ssim", "reflected border", ssim_with(gaussian(), pad="reflect"), "windows over the border"),
    ("ssim", "divided once", ssim_with(gaussian(power=1)), "in one direction only"),
    ("ssim", "not divided", ssim_with(gaussian(power=0)), "the window does not add up to 1"),
    ("ssim", "9×9", ssim_with(gaussian(size=9)), "the window ends too early"),
    ("ssim", "σ = 2", ssim_with(gaussian(2)), "a Gaussian of 2 pixels"),
    ("ssim", "C₁ twice", ssim_with(gaussian(), c2=1e-4), "C₁ stands in both factors"),
    ("ssim", "C₂ not squared", ssim_with(gaussian(), c2=0.03), "C₂ is not squared"),
    ("ssim", "grey", ssim_with(gaussian(), lambda i: i.double().mean(1, keepdim=True)), "channels are averaged first"),
    ("ssim", "255", ssim_with(gaussian(), lambda images: 255 * images.double()), "far too small for values in [0,1]"),
    ("flat_ssim", "one by one", ssim_with(FLAT, sample=(49 / 48, 1)), "the covariance is not"),
    ("flat_ssim", "7 / 6", ssim_with(FLAT, sample=(7 / 6, 7 / 6)), "a window has 49 numbers"),
    ("flat_ssim", "side by side", ssim_with(FLAT, sample=SAMPLE, step=7), "windows side by side"),
    ("flat_ssim", "without 2", ssim_with(FLAT, sample=(49 / 48, 49 / 96)), "the 2 in 2σxy is missing"),
    ("flat_ssim", "over 49", lambda x, y: by_skimage(x, y, use_sample_covariance=False), "variances over n"),
    ("flat_ssim", "9×9", lambda x, y: by_skimage(x, y, win_size=9), "a flat 9×9 window"),
    ("noise_predictor", "no module", WithoutModule, "wanted a module"),
    ("noise_predictor", "a gain", WithAGain, "other weights than its branch"),
    ("noise_predictor", "no loss", WithoutLoss, "no method `loss`"),
    ("noise_predictor", "unused branch", predictor(forward=unused), "does not use its branch"),
    (
        "noise_predictor",
        "detached",
        predictor(loss=lambda self, x, n: (self.inner(x + n) - n).square().mean().detach()),
        "no gradient comes out of the loss",
    ),
    (
        "noise_predictor",
        "summed",
        predictor(loss=lambda self, x, n: (self.inner(x + n) - n).square().sum()),
        "the sum of the squares",
    ),
    (
        "noise_predictor",
        "noisy target",
        predictor(loss=lambda self, x, n: (self.inner(x + n) - x - n).square().mean()),
        "the target is the noisy picture",
    ),
    ("noise_predictor", "new weights", predictor(begin=other_weights), "numbers of the other layers are new"),
    ("noise_predictor", "backward", predictor(loss=steps_itself), "calls backward itself"),
    (
        "noise_predictor",
        "no gradient",
        predictor(
            forward=lambda self, y: y - self.inner(y).detach(),
            loss=lambda s, x, n: (s.inner(x + n) - n).square().mean(),
        ),
        "the answer of forward carries no gradient",
    ),
    (
        "noise_predictor",
        "clean against noise",
        predictor(loss=lambda self, x, n: functional.mse_loss(self(x + n), n)),
        "compare branch(x + n) with n, or self(x + n) with x",
    ),
    (
        "noise_predictor",
        "nothing to do",
        predictor(loss=lambda self, x, n: functional.mse_loss(self(x + n), x + n)),
        "the target is the noisy picture",
    ),
    (
        "noise_predictor",
        "clean given",
        predictor(loss=lambda self, x, n: functional.mse_loss(self(x), x)),
        "the network is given the clean picture",
    ),
    (
        "noise_predictor",
        "rounded",
        predictor(forward=lambda self, y: eight_bits(y - self.inner(y))),
        "the answer is rounded",
    ),
    ("noise2noise_loss", "same every step", same_every_step, "two calls give the same noise"),
    ("noise2noise_loss", "backward", backward_inside, "calls backward itself"),
    ("noise2noise_loss", "takes it off", takes_off, "the difference of two noisy pictures"),
    ("noise2noise_loss", "answer clamped", answer_clamped, "is not the mean squared error"),
    (
        "noise2noise_loss",
        "one for all",
        pairs_by(lambda x, s: x + s * torch.randn_like(x[:1]), noisy),
        "share their noise",
    ),
    (
        "noise2noise_loss",
        "rounded",
        pairs_by(noisy, lambda x, s: (255 * noisy(x, s)).round() / 255),
        "target is rounded",
    ),
    ("noise2noise_loss", "half", pairs_by(noisy, noisy, lambda a, b: (a - b).square().mean() / 2), "half the mean"),
    ("noise2noise_loss", "both ways", both_ways, "was asked 2 times"),
    (
        "noise2noise_loss",
        "of bytes",
        pairs_by(lambda x, s: noisy(x, s / 255), lambda x, s: noisy(x, s / 255)),
        "has noise of standard deviation",
    ),
    ("noise2noise_loss", "brighter", pairs_by(noisy, lambda x, s: noisy(x, s) + 0.05), "of mean"),
    (
        "noise2noise_loss",
        "root",
        pairs_by(noisy, noisy, lambda a, b: functional.mse_loss(a, b).sqrt()),
        "is not the mean squared error",
    ),
    ("noise2noise_loss", "input clipped", pairs_by(lambda x, s: noisy(x, s).clamp(0, 1), noisy), "given is clipped"),
    ("without_bias", "except linear", except_linear, "linear layers keep"),
    ("without_bias", "except transposed", except_transposed, "transposed convolutions keep"),
    ("without_bias", "all frozen", all_frozen, "nothing is left to learn"),
    ("without_bias", "last only", last_only, "only the last layer"),
    ("best_guess", "(2σ)²", guess_by(lambda d, s: d**2 / (2 * s) ** 2), "(2σ)² for 2σ²"),
    ("best_guess", "sign", guess_by(lambda d, s: -(d**2) / (2 * s**2)), "a value far from y weighs little"),
    ("best_guess", "absolute", guess_by(lambda d, s: d.abs() / s), "the distance is not squared"),
    ("best_guess", "no sigma", guess_by(lambda d, s: d**2 / 2), "sigma does not enter"),
    ("best_guess", "σ⁴", guess_by(lambda d, s: d**2 / (2 * s**4)), "σ⁴ for σ²"),
    ("best_guess", "prior mean", lambda y, v, p, s: (p @ v).expand(len(y)).clone(), "whatever y is"),
    ("best_guess", "nothing done", lambda y, v, p, s: y.clone(), "y comes back as it is"),
]
