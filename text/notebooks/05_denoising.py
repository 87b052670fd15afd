# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 · Denoising: learn the residual, not the image
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/notebooks/05_denoising.ipynb)
#
# **Is it easier to say what is wrong with a picture than to repaint it?**
#
# A photograph taken in little light is covered in grain. Classical methods take the grain off by rules, networks learn
# to. You write the two rulers that decide who is better, and let four classical methods set the standard. Then you
# build a small network and vary what it starts from: from nothing, from the noisy picture, from a classical answer.
#
# | | |
# |---|---|
# | **You build** | PSNR as the benchmarks take it, SSIM, a residual denoiser, one that corrects a classical method, and one that never sees a clean picture |
# | **You need** | chapters 00 and 01 (PSNR, residual blocks); mean and variance, the normal distribution |
# | **Computing time** | about 55 seconds on two CPU cores (not yet measured on a GPU) |

# %%
# On Colab this fetches the course's library and leaves Colab's own torch alone. Elsewhere it does nothing.
try:
    import course_lib
except ImportError:
    # %pip install -q "residual-imaging @ git+https://github.com/residual-imaging/residual-imaging"
    pass

# %%
import math

import torch
from torch import nn
from torch.nn import functional

from course_lib import check, display
from course_lib.data import load
from course_lib.expect import expect, scorecard
from course_lib.images import eight_bits
from course_lib.runs import load_model
from course_lib.system import device

SEED = 0  # every random number of this chapter follows from it
compute = device.pick()

# %% [markdown]
# Six photographs to learn from, three that are only measured on. `clean_photographs` shrinks those that were stored as
# JPEG, because JPEG leaves faults of its own in a picture. `GaussianNoise` then spoils them: it adds to every number a
# random error of standard deviation 25/255, a tenth of the way from black to white.

# %%
from course_lib.data import clean_photographs
from course_lib.degradations import GaussianNoise
from course_lib.metrics import mean_psnr

SIGMA = 25 / 255
train, test = (clean_photographs(load("photos", split), compute) for split in ("train", "test"))
noise = GaussianNoise(SIGMA)
noisy = [noise(photo, generator=torch.Generator().manual_seed(SEED)) for photo in test]
print("to learn from: ", [tuple(photo.shape[2:]) for photo in train])
print("to measure on: ", [tuple(photo.shape[2:]) for photo in test])

# %% [markdown]
# This is where the chapter ends: parts of two of the three, with noise, cleaned by the best classical method of section
# 3 (*non-local means*), by a network, and as they really are. Look at the fur, at the roof's edges, and at the sky.
# Which of the two in the middle would you rather have?

# %%
longer, card = load_model("denoise", compute)


def parts(photos):
    """The same two places of the test photographs, 72×72 pixels: the cat's eye and fur, the temple's roof and the sky."""
    return [photos[0][0, :, 110:182, 140:212], photos[1][0, :, 51:123, 146:218]]


def compare(columns, title):
    """Pictures of the whole test set by name → their parts, a column each."""
    cells = [parts(photos) for photos in columns.values()]
    rows = [cell[row] for row in range(2) for cell in cells]
    display.show_images(rows, [*columns, *[""] * len(columns)], columns=len(columns), title=title)


with torch.no_grad():
    by_longer = [longer(y) for y in noisy]
by_nlm = [noise.baseline(y) for y in noisy]
compare({"noisy": noisy, "non-local means": by_nlm, "network": by_longer, "the truth": test}, "Never seen in training")

# %% [markdown]
# Non-local means paints the fur smooth. The network keeps more of the hairs, though not all. The sky is easier, and it
# matters as well: a trace of noise shows nowhere more. So what is "better"? Before anything is learned, two things have
# to be clear: what exactly the noise is, and how answers are measured.
#
# ## 1. One frame for three chapters
#
# A picture $x$ was spoiled, and what you hold is
#
# $$ y = A(x) + n. $$
#
# $A$ is an operator: something known that happened to the picture. $n$ is noise: something random. In this chapter $A$
# mostly does nothing. In chapter 06 it shrinks the picture, in 07 it cuts holes. To each operator belongs a classical
# answer $S(y)$, its *baseline* (in the library: `noise.baseline`), and a network adds what is missing: $S(y) + F(y)$.
# That is chapter 01's block with a whole network as its branch.
#
# The noise here: each number, that is each colour of each pixel, gets a normally distributed error of its own, of mean
# 0 and standard deviation σ. Papers write "σ = 25", and mean 25 of 255 grey levels. Pictures here are in [0,1], so σ is
# 25/255. The mean squared error of $y$ against $x$ is the variance of the noise, σ². So the PSNR of $y$ has a closed
# form, whatever the photograph: $10 \log_{10}(1 / \sigma^2) = -20 \log_{10} \sigma$.

# %%
PHOTOS = "photos, test split, N = 3 (JPEG files at 0.6 of their size), RGB, σ = 25 of 255"
print(f"closed form: {-20 * math.log10(SIGMA):.2f} dB")
expect("PSNR of the noisy photographs", mean_psnr(noisy, test), low=20.1, high=20.24, unit="dB",
       protocol=f"{PHOTOS}, not clipped, not rounded, mean of PSNR per image")

# %% [markdown]
# **The noise is not clipped.** Black plus noise is below 0 in half of all cases. A file could not hold that, so a
# program that stores $y$ cuts it off. What does that do? Take all places where the truth is darker than 20 of 255, and
# look at the mean of what was added there.

# %%
clipped = [y.clamp(0, 1) for y in noisy]


def brighter_in_the_dark(pictures):
    """How much brighter than the truth pictures are where the truth is below 20, in levels of 255."""
    x, y = (torch.cat([photo.flatten() for photo in photos]) for photos in (test, pictures))
    return 255 * (y - x)[x < 20 / 255].mean()


expect("dark areas, noise as it is: too bright by", brighter_in_the_dark(noisy), low=-0.5, high=0.3, unit="of 255",
       protocol=f"{PHOTOS}, values below 20 of 255, not clipped")
expect("dark areas, clipped: too bright by", brighter_in_the_dark(clipped), low=6.5, high=8.5, unit="of 255",
       protocol=f"{PHOTOS}, values below 20 of 255, clipped to [0,1]")
expect("PSNR of the clipped photographs", mean_psnr(clipped, test), low=20.6, high=20.9, unit="dB",
       protocol=f"{PHOTOS}, clipped, mean of PSNR per image")

# %% [markdown]
# Clipped, the noise no longer has mean 0: dark areas are about 7 levels too bright. At the same time the PSNR is better
# by half a decibel, since many errors in dark and in bright areas are cut. So two programs that both say "σ = 25" solve
# two different problems. The benchmarks do not clip, and neither do we. (A camera does clip. Whoever works with its
# files has to know that; section 7 shows what clipping does to a training.)
#
# ## 2. Two rulers
#
# **PSNR** you know. Two choices hide in "the PSNR of a test set". First, a result is stored before it is looked at, so
# it is rounded to the 256 levels of a file: `eight_bits` clamps and rounds. Second, the mean over several pictures.
# Take the mean of their PSNRs? Or average their squared errors first, in one pool, and take the PSNR of that? Try both
# on what non-local means gave for the opening picture.

# %%
errors = torch.stack([(eight_bits(pred) - photo).double().square().mean() for pred, photo in zip(by_nlm, test)])
per_image, pooled = -10 * errors.log10().mean(), -10 * errors.mean().log10()
MEASURED = f"{PHOTOS}, not clipped, result in 8 bits"
expect("non-local means, mean of PSNR per image", per_image, low=29.7, high=30, unit="dB", protocol=MEASURED)
expect("non-local means, PSNR of the mean error", pooled, low=29.2, high=29.5, unit="dB", protocol=MEASURED)
print("the library takes the first:", abs(mean_psnr([eight_bits(p) for p in by_nlm], test) - per_image.item()) < 1e-6)

# %% [markdown]
# The same pictures, and about half a decibel between the two. It must be that way round. The function $-\log$ is
# convex, it curves upwards, so the mean of $-\log$ of the errors is at least $-\log$ of their mean (*Jensen's
# inequality*): in the pool the hardest picture, with the largest error, counts most. Papers on denoising take the mean
# per image.
#
# **SSIM**, *structural similarity* (Wang et al. 2004), does not add up errors of pixels. It lays a small window on both
# pictures, at the same place, and asks: are the means alike? Do light and dark rise and fall together? With the means
# $\mu$, the variances $\sigma^2$ and the covariance $\sigma_{xy}$ of the pixels in the window (this σ is not the
# noise's),
#
# $$ \mathrm{SSIM} = \frac{2 \mu_x \mu_y + C_1}{\mu_x^2 + \mu_y^2 + C_1} \cdot \frac{2 \sigma_{xy} + C_2}{\sigma_x^2 + \sigma_y^2 + C_2}, $$
#
# averaged over all places and channels. The first factor is 1 where the means are equal, the second where the patterns
# are, and less otherwise. $C_1 = 0.01^2$ and $C_2 = 0.03^2$ keep a black window from dividing by 0. The window has
# 11×11 pixels, weighted by a Gaussian of standard deviation 1.5 pixels. All that the code needs are weighted means: the
# variance is the mean of $x^2$ minus the square of the mean of $x$, and the covariance likewise.

# %%
def ssim_by_hand(x, y):
    """N×C×H×W in [0,1], twice → N values, 1 where the pictures are equal."""
    offsets = torch.arange(-5, 6, dtype=torch.float64, device=x.device)
    weights = torch.exp(-(offsets**2) / (2 * 1.5**2))
    window = torch.outer(weights, weights) / weights.sum() ** 2

    def local_mean(images):
        planes = functional.conv2d(images.flatten(0, 1)[:, None], window[None, None])
        return planes.squeeze(1).unflatten(0, images.shape[:2])

    x, y = x.double(), y.double()
    mean_x, mean_y = local_mean(x), local_mean(y)
    variances = local_mean(x * x) - mean_x**2 + local_mean(y * y) - mean_y**2
    covariance = local_mean(x * y) - mean_x * mean_y
    means_agree = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    patterns_agree = (2 * covariance + 0.03**2) / (variances + 0.03**2)
    return (means_agree * patterns_agree).mean(dim=(1, 2, 3))


check.ssim(ssim_by_hand)

# %%
from course_lib.metrics import ssim

pair = torch.stack(parts(by_nlm)), torch.stack(parts(test))
print("the library agrees:", bool(torch.allclose(ssim(*pair), ssim_by_hand(*pair))))

# %% [markdown]
# What does SSIM notice that PSNR does not? Give one photograph (at a little less contrast, so that nothing has to be
# clipped) two kinds of damage with exactly the same mean squared error: a constant 0.05 added, and noise. Which of the
# two looks worse?

# %%
photo = 0.1 + 0.8 * test[0]
constant = photo + 0.05
grain = torch.randn(photo.shape, generator=torch.Generator().manual_seed(SEED)).to(photo)
grain = photo + 0.05 * grain / grain.square().mean().sqrt()
equal = mean_psnr([constant], [photo]) - mean_psnr([grain], [photo])
print("the same PSNR, 26.02 dB:", abs(equal) < 1e-3)
damaged = {"the photograph": photo, "brighter by 0.05": constant, "noise of 0.05": grain}
display.show_images([parts([y, y])[0] for y in damaged.values()], list(damaged), title="Two damages, one PSNR")

# %%
ONE = "chelsea.png in [0.1, 0.9], RGB, both damages of root mean square 0.05"
expect("SSIM, brighter by 0.05", ssim(constant, photo), low=0.99, high=0.996, protocol=ONE)
expect("SSIM, noise of 0.05", ssim(grain, photo), low=0.48, high=0.51, protocol=ONE)

# %% [markdown]
# To PSNR both are equally bad. To most eyes, and to SSIM, the brighter picture is nearly perfect. Neither ruler is
# *the* right one: where brightness is what you measure, SSIM is far too mild. Print both.
#
# ## 3. What can be had without learning
#
# A mean over neighbours makes noise smaller: independent errors cancel. It makes edges softer as well. The classical
# methods differ in whom they take for a neighbour:
#
# - a *Gaussian filter*: everybody nearby;
# - a *median*: the middle one of the values nearby, so that a single wild one does not count;
# - *wavelets*: write the picture as sums and differences at several sizes. A picture needs few large differences, noise
#   makes many small ones: shrink the small ones towards 0;
# - *non-local means*: of the pixels within 6 to each side, those whose *surroundings* look alike, wherever they lie;
#   the more alike, the more they count.
#
# Each has a strength to choose, and whoever chooses it on the test photographs cheats. So choose it on parts of the
# training photographs. The strength is the standard deviation of the Gaussian, in pixels; the side of the median's
# window, in pixels; and for the last two, which have to be told σ, a factor on it.

# %%
from course_lib.degradations import gaussian_filter, median_filter, noise_level, non_local_means, wavelet

METHODS = {
    "Gaussian": (gaussian_filter, (0.6, 0.8, 1.0, 1.2, 1.4)),
    "median": (median_filter, (3, 5, 7)),
    "wavelets": (lambda y, factor: wavelet(y, factor * SIGMA), (0.8, 0.9, 1.0, 1.1, 1.2)),
    "non-local means": (lambda y, factor: non_local_means(y, factor * SIGMA), (0.8, 0.9, 1.0, 1.1, 1.2)),
}
practice = [photo[..., 100:228, 100:228] for photo in train]
dice = torch.Generator().manual_seed(SEED + 1)
spoiled = [noise(photo, generator=dice) for photo in practice]
tried = {
    name: [mean_psnr([eight_bits(method(y, strength)) for y in spoiled], practice) for strength in strengths]
    for name, (method, strengths) in METHODS.items()
}

# %% [markdown]
# Look for the top of each curve. Too weak leaves noise, too strong takes the picture away.

# %%
canvas, all_axes = display.figure(1, 4, height=2.4)
for axes, (name, (_, strengths)) in zip(all_axes, METHODS.items()):
    axes.plot(strengths, tried[name], "o-", color=display.COLOURS["baseline"], markersize=4)
    axes.set(title=name, ylim=(22, 31), xticks=strengths, xlabel="factor on σ" if max(strengths) == 1.2 else "pixels")
all_axes[0].set_ylabel("PSNR, dB (training parts)")
display.plt.show()

# %% [markdown]
# Three curves have their top inside the range that was tried, and the factor on σ is best at 1: both methods do what
# they promise when they are told the truth. The median is as good at 3 pixels as at 5; no smaller window exists. The
# best strength of each now meets the test photographs.

# %%
chosen = {name: strengths[max(range(len(strengths)), key=tried[name].__getitem__)] for name, (_, strengths) in METHODS.items()}
classical = {name: [eight_bits(method(y, chosen[name])) for y in noisy] for name, (method, _) in METHODS.items()}
BANDS = {"Gaussian": ((27.3, 27.8), (0.66, 0.73)), "median": ((25.5, 26.3), (0.5, 0.65)),
         "wavelets": ((27.7, 28.4), (0.68, 0.75)), "non-local means": ((29.6, 30.1), (0.81, 0.86))}
for name, (of_psnr, of_ssim) in BANDS.items():
    value = torch.cat([ssim(pred, photo) for pred, photo in zip(classical[name], test)]).mean()
    expect(f"{name}: PSNR", mean_psnr(classical[name], test), low=of_psnr[0], high=of_psnr[1], unit="dB", protocol=MEASURED)
    expect(f"{name}: SSIM", value, low=of_ssim[0], high=of_ssim[1], protocol=MEASURED)

# %% [markdown]
# Each method leaves marks of its own. Look at the sky for what is left of the noise, at the fur and the roof for what
# is lost of the picture.

# %%
compare({"noisy": noisy} | classical, "Four classical methods")

# %% [markdown]
# The Gaussian filter leaves soft blotches and soft edges. The median leaves more of the noise, as blotches. Wavelets
# leave small blocks and pale colours. Non-local means is clearly ahead of the three others, by both rulers: flat areas
# are clean and edges are sharp. What it loses is fine texture: the fur is painted over. It is the method to beat.
#
# It needs to know σ. Where nobody tells, σ can be estimated. In each square of 2×2 pixels, take the sum of one diagonal
# minus the sum of the other: that cancels what is smooth and leaves noise. `noise_level` takes the median size of it,
# which a few edges hardly move.

# %%
guessed = torch.cat([noise_level(y) for y in noisy])
expect("estimated noise level, mean of three photographs", 255 * guessed.mean(), low=25, high=27, unit="of 255", protocol=PHOTOS)

# %% [markdown]
# Slightly too high, by about 1 of 255, since fine texture is taken for noise.
#
# ## 4. The residual network
#
# **What should it answer?** A network $f$ that is trained with the mean squared error against $x$ will, at best, answer
# the mean of all clean pictures that could have become this noisy one, each counted as often as it did:
# $f(y) = E[x \mid y]$. The reason is one line: of all answers $a$, the mean squared distance $E[(x - a)^2]$ is smallest
# where its derivative $2(a - E[x])$ is 0. A toy with one pixel shows it. The clean value is 0.3 or 0.7, equally often,
# and σ is 0.2. By Bayes' rule, each of the two weighs as much as its density at $y$. And without any rule: draw many
# pairs $(x, y)$, collect those with nearly the same $y$, and average their $x$.

# %%
def best_answer(y, sigma=0.2):
    densities = [torch.exp(-((y - value) ** 2) / (2 * sigma**2)) for value in (0.3, 0.7)]
    return (0.3 * densities[0] + 0.7 * densities[1]) / sum(densities)


torch.manual_seed(SEED)
clean = torch.where(torch.rand(200_000) < 0.5, 0.3, 0.7)
seen = clean + 0.2 * torch.randn(200_000)
middles = torch.linspace(0, 1, 11)
averages = torch.stack([clean[(seen - middle).abs() < 0.02].mean() for middle in middles])
expect("largest gap between Bayes' rule and averages", (averages - best_answer(middles)).abs().max(), low=0, high=0.02,
       protocol="one pixel of 0.3 or 0.7, σ = 0.2, 200,000 draws in 11 bins")

# %% [markdown]
# Left: the best answer as a curve, what 200,000 draws give as points, and the noisy value itself as a dashed line.
# Right: what has to be *added* to $y$. Look at the sign: where is the correction positive?

# %%
canvas, (left, right) = display.figure(1, 2, height=2.6)
line = torch.linspace(0, 1, 101)
left.plot(line, best_answer(line), color=display.COLOURS["ours"])
left.plot(middles, averages, "o", color=display.COLOURS["real"], markersize=5)
left.plot([0, 1], [0, 1], "--", color=display.COLOURS["baseline"], linewidth=1)
left.set(title="the best answer E[x | y]", xlabel="noisy value y", ylabel="clean value x")
right.plot(line, best_answer(line) - line, color=display.COLOURS["ours"])
right.axhline(0, color=display.COLOURS["baseline"], linewidth=1)
right.set(title="the correction E[x | y] − y", xlabel="noisy value y", ylabel="to be added to y")
display.plt.show()

# %% [markdown]
# A dark $y$ is probably too dark, and the correction is positive; a bright $y$ is probably too bright, and it is
# negative. It is the expected noise *with its sign turned*: $x = y - n$, so $E[x \mid y] - y = -E[n \mid y]$. In the
# middle, at 0.5, nothing tells the two clean values apart, and the best answer is a grey that no clean picture has. So
# these two networks have the same task:
#
# - *direct*: $f(y)$ is the clean picture. Its numbers are of the size of a picture.
# - *residual*: $f(y) = y + F(y)$. Its branch $F$ answers the noise, negated. Its numbers are of the size of σ, and
#   "nothing is wrong" is the answer 0.
#
# **The network.** Three parts, as in all of the next chapters: a *head* takes the picture in, a *body* of residual
# blocks works, a *tail* makes pixels again. One device keeps it quick: *folding*. `PixelUnshuffle` turns each square of
# 2×2 pixels into one place with four times as many channels. Nothing is lost, and every convolution that follows has a
# quarter of the places to visit and sees twice as far. `PixelShuffle` unfolds at the end.

# %%
from collections import OrderedDict

from course_lib.blocks import Residual, conv3x3
from course_lib.networks import AnySize, denoiser, long_body

WIDTH, DEPTH, FOLD = 32, 2, 2


def network(shortcut=True, zero_tail=True):
    """The four versions: N×3×H×W → the same, all from the same initial weights."""
    torch.manual_seed(SEED)
    folded = 3 * FOLD**2
    branch = nn.Sequential(OrderedDict(
        head=nn.Sequential(nn.PixelUnshuffle(FOLD), conv3x3(folded, WIDTH, bias=True)),
        body=long_body(WIDTH, DEPTH),
        tail=nn.Sequential(conv3x3(WIDTH, folded, bias=True), nn.PixelShuffle(FOLD)),
    ))
    if zero_tail:
        for weight in branch.tail.parameters():
            nn.init.zeros_(weight)
    return AnySize(Residual(branch) if shortcut else branch, FOLD).to(compute)

# %% [markdown]
# `long_body` stacks blocks $x + \mathrm{conv}(\mathrm{ReLU}(\mathrm{conv}(x)))$, the `plain_block`, without
# normalisation, which would forget how bright the picture was. `AnySize` lets pictures with odd sides pass: it repeats
# their last row or column, and crops the answer. The tail of the residual version starts at zero, as in chapter 00:
# then $F(y) = 0$, and an untrained network gives the noisy picture back, to the last bit. The library's `denoiser` is
# the same network:

# %%
residual = network()
with torch.no_grad():
    print("untrained, it gives the noisy picture back:", torch.equal(residual(noisy[0]), noisy[0]))
    finished = denoiser(width=WIDTH, depth=DEPTH, fold=FOLD).to(compute)
    for weight in residual.parameters():  # any weights but zero
        weight.copy_(0.1 * torch.randn(weight.shape))
    finished.load_state_dict(residual.state_dict())
    print("and the library's is the same network:     ", torch.equal(finished(noisy[0]), residual(noisy[0])))
print(f"multiplications per pixel in a convolution of the body: {9 * WIDTH**2 // FOLD**2:,} (unfolded {9 * WIDTH**2:,})")
print(f"it sees {FOLD * (2 * DEPTH + 3)} pixels far to each side (unfolded {2 * DEPTH + 3})")

# %% [markdown]
# **Training.** `RandomCrops` cuts squares out of the training photographs, and every step draws new noise. The learning
# rate falls to 0 along a cosine. A gradient longer than 0.03 is shortened to that length (the library's recipe does so
# too): without normalisation, one odd crop can throw the network far back. `watch` looks at 24 parts of the held-out
# photographs, at the start and ten times on the way. It is for the figure; nothing is chosen by it.

# %%
from course_lib.data import RandomCrops

STEPS = 250 if device.budget(compute) == "cpu" else 5_000
CROP, BATCH, RATE = 32, 8, 2e-3


def fit(model, batches, loss, steps=STEPS, watch=None):
    """Adam on loss(model, *batch); returns what `watch(model)` saw at the start and ten times on the way."""
    torch.manual_seed(SEED)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    history = [watch(model)] if watch else []
    for step in range(1, steps + 1):
        value = loss(model, *batches.next())
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.03)
        optimiser.step()
        decay.step()
        if watch and step % (steps // 10) == 0:
            history.append(watch(model))
    return history

# %%
def crops():
    return RandomCrops([photo[0] for photo in train], CROP, BATCH, SEED)


def fresh_noise(model, clean, _):  # the second part of a batch, which photograph each crop is from, is not needed
    return functional.mse_loss(model(clean + SIGMA * torch.randn_like(clean)), clean)


held_out = RandomCrops([photo[0] for photo in test], 64, 24, SEED).next()[0]
held_out_noisy = noise(held_out, generator=torch.Generator().manual_seed(SEED))


@torch.no_grad()
def on_held_out(model):
    return mean_psnr([model(held_out_noisy).clamp(0, 1)], [held_out])


@torch.no_grad()
def mended(model, pictures=noisy):
    return [eight_bits(model(y)) for y in pictures]

# %% [markdown]
# Two things are in the residual version: the shortcut, and the tail that starts at zero. To tell which one does what,
# train all four combinations: same initial weights otherwise, same crops, same noise, same steps.

# %%
VERSIONS = {"residual": (True, True), "residual, random tail": (True, False),
            "direct": (False, False), "direct, zero tail": (False, True)}
models = {name: network(*version) for name, version in VERSIONS.items()}
histories = {name: fit(model, crops(), fresh_noise, watch=on_held_out) for name, model in models.items()}
learned = {name: mended(model) for name, model in models.items()}

# %% [markdown]
# Blue: with the shortcut; orange: direct. Dashed: the odd one of each pair. Look at three things: where a curve starts,
# whether it rises steadily, and where it ends.

# %%
LINES = {"residual": ("ours", "-"), "residual, random tail": ("ours", "--"),
         "direct": ("plain", "-"), "direct, zero tail": ("plain", "--")}
canvas, (left, right) = display.figure(1, 2, height=3.2)
for name, (colour, style) in LINES.items():
    steps = torch.linspace(0, STEPS, len(histories[name]))
    for axes in (left, right):
        axes.plot(steps, histories[name], style, color=display.COLOURS[colour], label=name)
left.set(title="four starts", xlabel="steps", ylabel="PSNR, dB (24 held-out parts)", ylim=(5, 30))
right.set(title="the same, enlarged", xlabel="steps", xlim=(0.15 * STEPS, STEPS), ylim=(23.5, 28.5))
left.legend(loc="lower right")
display.plt.show()

# %%
FINAL = {"residual": (27.8, 28.6), "residual, random tail": (27.6, 28.4), "direct": (27.1, 28.1), "direct, zero tail": (27.2, 28.6)}
for name, (low, high) in FINAL.items():
    expect(f"{name}: PSNR", mean_psnr(learned[name], test), low=low, high=high, unit="dB", protocol=f"{MEASURED}, {STEPS} steps")
ahead = mean_psnr(learned["residual"], test) - mean_psnr(learned["direct"], test)
expect("residual over direct", ahead, low=0.1, high=1.1, unit="dB", protocol=f"{MEASURED}, {STEPS} steps")

# %% [markdown]
# - **The start.** With shortcut and zero tail, step 0 is the noisy picture. The direct ones start from nothing (about 7
#   dB) and spend the first steps on learning to copy. With a random tail the shortcut's advantage is smaller: the
#   random branch first adds noise of its own.
# - **The way.** Both versions with a shortcut rise steadily. The direct ones fall back now and then. A likely reason:
#   where a step is too large, it is the whole picture that suffers, not a small correction.
# - **The end.** The residual version is ahead of the plain direct one, by about half a decibel. But that is not the
#   shortcut's doing alone. A direct network with a zero tail ends close to the residual one. The figure shows one run;
#   over six, with six seeds, it was sometimes level and sometimes some tenths of a decibel behind.
#
# So, honestly: with this network and budget the shortcut buys the start and a calm way. At the end, either of the two,
# shortcut or zero tail, buys most of the gain, and both together little more. (The direct network has shortcuts too,
# within its body: chapter 01's blocks. Nothing here says what a stack without any would do.)
#
# And compare with section 3: a few seconds of training are enough for the residual network to pass the Gaussian filter.
# They are not enough for non-local means.
#
# ## 5. A better shortcut
#
# The shortcut decides where training starts. Then why start from the noisy picture? The best classical answer is at
# hand. Take $S(y)$ = non-local means, let the network see both pictures, the noisy one and the cleaned one, and let it
# say only what is wrong with the latter. Its answer is
#
# $$ \hat x = \mathrm{NLM}(y) + F(y, \mathrm{NLM}(y)). $$
#
# Why both? What non-local means has washed away is still in $y$. `restorer` puts shortcut, head, body and tail together
# and sets the tail to zero.

# %%
from course_lib.data import AlignedCrops
from course_lib.networks import restorer


class Classical(nn.Module):
    """The shortcut: of six channels, noisy and classical, the last three."""

    def forward(self, both):
        return both[:, 3:]


def corrector():
    torch.manual_seed(SEED)
    head = nn.Sequential(nn.PixelUnshuffle(FOLD), conv3x3(6 * FOLD**2, WIDTH, bias=True))
    tail = nn.Sequential(conv3x3(WIDTH, 3 * FOLD**2, bias=True), nn.PixelShuffle(FOLD))
    return AnySize(restorer(Classical(), head, long_body(WIDTH, DEPTH), tail), FOLD).to(compute)

# %% [markdown]
# Non-local means is too slow to run at every step. So each training photograph gets its noise once, and its classical
# answer once; `AlignedCrops` cuts the same place out of both and of the clean one. The function takes any operator of
# the library; you will see why.

# %%
def with_classical(operator, photos, seed):
    """Each photograph spoiled by `operator`, beside its baseline: 1×6×H×W."""
    dice = torch.Generator().manual_seed(seed)
    spoiled = [operator(photo, generator=dice) for photo in photos]
    gain = getattr(operator, "gain", 1)  # a darkened picture is brightened again
    return [torch.cat([y / gain, operator.baseline(y)], 1) for y in spoiled]


def against(model, given, target):
    return functional.mse_loss(model(given), target)


def corrected(operator):
    """A trained corrector for this operator, and the test photographs as it is given them."""
    given, originals = with_classical(operator, train, SEED + 1), [photo[0] for photo in train]
    pairs = AlignedCrops([both[0] for both in given], originals, CROP, BATCH, SEED)
    model = corrector()
    fit(model, pairs, against)
    return model, with_classical(operator, test, SEED)

# %%
model, both = corrected(noise)
fixed = mended(model, both)
untrained = mended(corrector(), both)
print("untrained, it is non-local means:", all(torch.equal(one, eight_bits(y[:, 3:])) for one, y in zip(untrained, both)))
gain = mean_psnr(fixed, test) - mean_psnr(untrained, test)
expect("corrected non-local means: PSNR", mean_psnr(fixed, test), low=30.2, high=30.5, unit="dB", protocol=f"{MEASURED}, {STEPS} steps")
expect("gain over non-local means", gain, low=0.4, high=0.7, unit="dB", protocol=f"{MEASURED}, {STEPS} steps")

# %% [markdown]
# The same few seconds of training, and now the result is half a decibel better than the best classical method's: it
# builds on all the work that this method has done. Where did the network find something to say? Look at the last
# column: mid-grey means "nothing to add".

# %%
added = [after - before[:, 3:] for after, before in zip(fixed, both)]
cells = [parts(photos) for photos in (classical["non-local means"], fixed, test)]
changes = [6 * part + 0.5 for part in parts(added)]
display.show_images(
    [picture for row in range(2) for picture in (*(cell[row] for cell in cells), changes[row])],
    ["non-local means", "corrected", "the truth", "what was added, ×6"] + [""] * 4, columns=4, title="Saying what is wrong",
)

# %% [markdown]
# It writes back some of what was washed away: hairs, the edges of the roof. But it is not silent in the sky, where next
# to nothing was missing. Measure it there:

# %%
def error_of(photos, part):
    """Root mean square error of a part of the temple's photograph, in levels of 255."""
    rows, columns = part
    return 255 * (photos[1] - test[1])[..., rows, columns].square().mean().sqrt()


PLACES = {"the sky": ((slice(5, 45), slice(220, 340)), 1.1, 1.8), "the temple": ((slice(60, 200), slice(50, 200)), 0.9, 0.98)}
for place, (part, low, high) in PLACES.items():
    ratio = error_of(fixed, part) / error_of(untrained, part)
    expect(f"error after over before the correction, {place}", ratio, low=low, high=high,
           protocol=f"china.jpg at 0.6 of its size, σ = 25 of 255, result in 8 bits, {STEPS} steps")

# %% [markdown]
# Above 1 it has made things worse, below 1 better. In the sky the network brings back a little of the noise that
# non-local means had taken off: in its few seconds it has not learned to tell grain from texture. The gain of half a
# decibel is a mean over both. Always look at the picture as well.
#
# **The same code, another operator.** `LowLight` is a photograph taken with a quarter of the light: now $A(x) = x/4$,
# and $n$ has σ = 5 of 255. Brightened again, the noise is $4 \cdot 5 = 20$. Its baseline is to brighten, and then
# non-local means. In the figure, the first column is what such a camera would give.

# %%
from course_lib.degradations import LowLight

low_light = LowLight(gain=0.25, sigma=5 / 255)
dark_model, dark = corrected(low_light)
DARK = "photos, test split, N = 3 (JPEG files at 0.6 of their size), RGB, LowLight(0.25, 5/255), result in 8 bits, mean of PSNR per image"
in_the_dark = {
    "brightened": [eight_bits(y[:, :3]) for y in dark],
    "baseline": [eight_bits(y[:, 3:]) for y in dark],
    "corrected": mended(dark_model, dark),
}
for (name, preds), (low, high) in zip(in_the_dark.items(), ((22.4, 22.8), (30.6, 31.2), (30.9, 31.7))):
    expect(f"low light, {name}: PSNR", mean_psnr(preds, test), low=low, high=high, unit="dB", protocol=DARK)
taken = {"as taken": [low_light.gain * y[:, :3] for y in dark]}
compare(taken | in_the_dark | {"the truth": test}, "A quarter of the light")

# %% [markdown]
# Not a line of the network or of its training was changed, and again the correction gains some tenths of a decibel over
# the baseline.
#
# ## 6. Noise of unknown strength
#
# The network of the opening picture was trained at σ = 25 and nothing else. Real noise has any level. A *blind*
# denoiser is trained on all of them: each crop draws a σ of its own, here from 2 to 50 of 255. Nobody tells it which.
#
# One more change, `bias=False`. A *bias* is a number that a layer adds, whatever comes in. Without biases a network of
# convolutions and ReLUs is *homogeneous*: $f(\alpha y) = \alpha f(y)$ for every $\alpha \ge 0$, because convolutions,
# ReLU and sums all have this property. Half the light in, the same picture at half the brightness out.

# %%
blind_noise = GaussianNoise((2 / 255, 50 / 255))


def any_noise(model, clean, _):
    return functional.mse_loss(model(blind_noise(clean)), clean)


torch.manual_seed(SEED)
blind = denoiser(width=WIDTH, depth=DEPTH, bias=False).to(compute)
fit(blind, crops(), any_noise)
with torch.no_grad():
    # 4 is a power of two: in floating point it changes exponents only, so even rounding is the same
    print("f(4y) = 4·f(y), bit for bit:", torch.equal(blind(4 * noisy[0]), 4 * blind(noisy[0])))
    print("with biases:                ", torch.equal(longer(4 * noisy[0]), 4 * longer(noisy[0])))

# %% [markdown]
# First the strength. The *specialist*, the network for 25, is measured at other levels in two ways. Once as it is. And
# once with a trick that needs no training: estimate the noise with `noise_level`, multiply the picture so that its
# noise becomes 25, and divide the answer again.

# %%
LEVELS = (5, 15, 25, 35, 50)


def rescaled(y):
    """The specialist, given the picture at the brightness at which its noise is what it knows."""
    factor = SIGMA / noise_level(y).item()
    return longer(factor * y) / factor


def at_level(level, method):
    dice = torch.Generator().manual_seed(SEED)
    pictures = [GaussianNoise(level / 255)(photo, generator=dice) for photo in test]
    with torch.no_grad():
        return mean_psnr([method(y).clamp(0, 1) for y in pictures], test)


METHODS_AT = {"noisy": lambda y: y, "specialist": longer, "rescaled": rescaled, "blind": blind}
over_levels = {name: [at_level(level, method) for level in LEVELS] for name, method in METHODS_AT.items()}

# %% [markdown]
# Then the exposure: σ = 25 again, and everything, picture and noise, times $\alpha$. It is the same photograph. Does
# the network see it that way? In the left panel look to the left of 25, then to the right. In the right panel, ask
# which line is level.

# %%
EXPOSURES = (0.1, 0.25, 1, 4)


@torch.no_grad()
def at_exposure(alpha, model):
    return mean_psnr([(model(alpha * y) / alpha).clamp(0, 1) for y in noisy], test)


over_exposures = {
    "specialist, with biases": [at_exposure(alpha, longer) for alpha in EXPOSURES],
    "blind, without": [at_exposure(alpha, blind) for alpha in EXPOSURES],
}
LOOKS = (("baseline", ":"), ("plain", "--"), ("real", "-."), ("ours", "-"))
canvas, (left, right) = display.figure(1, 2, height=3.2)
for (name, values), (colour, style) in zip(over_levels.items(), LOOKS):
    left.plot(LEVELS, values, style, marker="o", markersize=4, color=display.COLOURS[colour], label=name)
left.set(title="another noise level", xlabel="σ of 255", xticks=LEVELS, ylabel="PSNR, dB", ylim=(12, 39))
left.legend()
for (name, values), (colour, style) in zip(over_exposures.items(), LOOKS[1::2]):
    right.plot(EXPOSURES, values, style, marker="o", markersize=4, color=display.COLOURS[colour], label=name)
right.set(title="another exposure", xlabel="everything times α", xscale="log", xticks=EXPOSURES, xticklabels=EXPOSURES, ylim=(12, 39))
right.legend()
display.plt.show()

# %% [markdown]
# Left: at σ = 5 the specialist does harm. It smooths as if the noise were 25, takes off more picture than noise, and
# the result is worse than its input. At 50 it leaves noise in: it takes what is larger than 25 for picture. Rescaled,
# the same weights improve on their input at every level, by about three decibels at 5 and by more than ten at 50: the
# trick uses that this network is *not* homogeneous. (For a homogeneous one it changes nothing, since
# $f(\alpha y) / \alpha = f(y)$.)
#
# The blind network is better than the specialist at 50, and not good at 5. Seconds of training made it a compromise
# between all levels. To recognise the level by itself and act on it would take more training than that.
#
# Right: exactly level without biases. With biases, the long run loses decibels in both directions: it has learned an
# absolute scale, how large the noise is. At a quarter of the exposure the noise is about 6 of 255, and it smooths as if
# it were 25. The two networks differ in other ways too, but the level line needs no other reason than
# $f(\alpha y) = \alpha f(y)$. (Seconds of training are not enough to learn that either: section 4's networks have
# biases, too, and still hardly use them, as the numbers below say.)

# %%
AT = "photos, test split, N = 3 (JPEG files at 0.6 of their size), RGB, not clipped, result clamped, mean of PSNR per image"
BANDS = {("noisy", 5): (34, 34.6), ("specialist", 5): (31.2, 32), ("rescaled", 5): (36.8, 37.6), ("blind", 5): (29.5, 32.5),
         ("noisy", 50): (15.1, 15.4), ("specialist", 50): (21.9, 22.8), ("rescaled", 50): (27.5, 28.3), ("blind", 50): (23.5, 26)}
for (name, level), (low, high) in BANDS.items():
    expect(f"{name}, at σ = {level}: PSNR", over_levels[name][LEVELS.index(level)], low=low, high=high, unit="dB", protocol=AT)
lost = {name: values[EXPOSURES.index(1)] - values[EXPOSURES.index(0.25)] for name, values in over_exposures.items()}
expect("lost at a quarter of the exposure, with biases", lost["specialist, with biases"], low=6.9, high=7.5, unit="dB", protocol=AT)
short = at_exposure(1, models["residual"]) - at_exposure(0.25, models["residual"])
expect("lost at a quarter of the exposure, with biases, short training", short, low=-0.05, high=0.3, unit="dB", protocol=f"{AT}, {STEPS} steps")
expect("lost at a quarter of the exposure, without", lost["blind, without"], low=0, high=0.00001, unit="dB", protocol=AT)

# %% [markdown]
# (Mohan et al. 2020 found more: bias-free networks, trained long on low noise, go on working at much higher noise,
# where networks with biases fail. This chapter's budget is too small to show it.)
#
# ## 7. Learning without clean pictures
#
# Who has clean photographs of what is only ever seen noisy, through a microscope, or at night? Often one can take the
# same picture twice. Take one noisy photograph as input, $y_1 = x + n_1$, and the *other noisy one* as target,
# $y_2 = x + n_2$. The best answer to a squared error is the mean of what the target can be:
#
# $$ E[y_2 \mid y_1] = E[x \mid y_1] + E[n_2 \mid y_1] = E[x \mid y_1], $$
#
# because $n_2$ is independent of $y_1$ and has mean 0. That is the same answer as with clean targets. Noisy targets
# make the loss larger, by σ², and the gradients noisier. They do not move the goal. Training this way is called
# *Noise2Noise* (Lehtinen et al. 2018).
#
# So: two noisy photographs of each scene, each taken once. No clean picture enters, except for the rival that is to be
# compared with: it gets the same inputs, and clean targets. A third network is taught with pairs that were clipped, as
# a file would be.

# %%
dice = torch.Generator().manual_seed(SEED + 2)
first_shot, second_shot = ([noise(photo, generator=dice)[0] for photo in train] for _ in range(2))
in_a_file = [[y.clamp(0, 1) for y in shot] for shot in (first_shot, second_shot)]


def from_pairs(inputs, targets):
    model = network()
    fit(model, AlignedCrops(inputs, targets, CROP, BATCH, SEED), against)
    return model


taught = {
    "clean targets": from_pairs(first_shot, [photo[0] for photo in train]),
    "noisy targets": from_pairs(first_shot, second_shot),
    "clipped pairs": from_pairs(*in_a_file),
}

# %% [markdown]
# The third network is measured on clipped photographs, since it was trained on such. For the dark areas the answers are
# taken as they are, not rounded.

# %%
with torch.no_grad():
    answers = {name: [model(y) for y in (clipped if "clipped" in name else noisy)] for name, model in taught.items()}
results = {name: [eight_bits(answer) for answer in preds] for name, preds in answers.items()}
for (name, preds), (low, high) in zip(results.items(), ((27.8, 28.6), (27.6, 28.5), (27.1, 28.1))):
    expect(f"{name}: PSNR", mean_psnr(preds, test), low=low, high=high, unit="dB", protocol=f"{MEASURED}, {STEPS} steps")
behind = mean_psnr(results["clean targets"], test) - mean_psnr(results["noisy targets"], test)
expect("noisy targets behind clean ones", behind, low=-0.1, high=0.4, unit="dB", protocol=f"{MEASURED}, {STEPS} steps")

# %%
for name, (low, high) in {"clean targets": (0.2, 3), "noisy targets": (0.2, 3), "clipped pairs": (7, 10)}.items():
    expect(f"{name}: dark areas too bright by", brighter_in_the_dark(answers[name]), low=low, high=high, unit="of 255",
           protocol=f"{PHOTOS}, values below 20 of 255, result not rounded, {STEPS} steps")

# %% [markdown]
# Of the three networks in the middle, one was taught with clean pictures and two were not. Does it show?

# %%
compare({"noisy": noisy} | results | {"the truth": test}, "Taught with clean pictures, and without")

# %% [markdown]
# Between clean and noisy targets there are a few tenths of a decibel at most; you will hardly see a difference. The
# clipped pairs cost more, and the dark areas tell why. The first two are too bright there by 1 or 2 levels, since
# smoothing carries some light into the dark. The third is too bright by about 8. Clipped noise has no mean of 0, so the
# mean of the targets is not the clean picture. And note: whoever has only noisy pictures has nothing to measure this
# with.
#
# ### Break it: one shot instead of two
#
# Now be lazy. One noisy photograph, as input and as target. What will the loss be?

# %%
lazy = network()
fit(lazy, AlignedCrops(first_shot, first_shot, CROP, BATCH, SEED), against, steps=20)
with torch.no_grad():
    print("after 20 steps it gives its input back, bit for bit:", torch.equal(lazy(noisy[0]), noisy[0]))
    print("its loss:", against(lazy, noisy[0], noisy[0]).item())

# %% [markdown]
# A loss of exactly 0 from the first step on, and nothing learned. A residual network with a zero tail starts as the
# identity, and the identity is the perfect answer to this task. **Input and target must not share their noise.** A loss
# that is suspiciously small is a warning here, not a success.
#
# ### Break it: a sign, and a unit
#
# Two more slips, which need no training to show. Someone has a network that answers the *noise*, and adds it instead of
# taking it off. And someone reads "σ = 25" and writes 25.

# %%
from course_lib.errors import CourseError

with torch.no_grad():
    turned = [2 * y - models["residual"](y) for y in noisy]  # y + noise, where y − noise was meant
expect("sign of the residual turned: PSNR", mean_psnr(turned, test), low=14.2, high=14.9, unit="dB",
       protocol=f"{PHOTOS}, not clipped, result not rounded, {STEPS} steps")
print(f"noise of 25 on pictures in [0,1]: PSNR {-20 * math.log10(25):.2f} dB")
try:
    GaussianNoise(25)
except CourseError as error:
    print("the library says:", error)

# %% [markdown]
# With the sign turned the noise is doubled, nearly: four times the squared error, 6 dB *below* the noisy picture. That
# is worth knowing: a denoiser that makes things worse by about 6 dB is probably a good denoiser with a wrong sign.
#
# All of the chapter's failures in one table:
#
# | symptom | likely cause |
# |---|---|
# | loss exactly 0 at once, nothing changes | input and target have the same noise |
# | about 6 dB below the noisy picture | the sign of the residual |
# | PSNR below 0 | σ in grey levels, pictures in [0,1] |
# | dark areas grey, bright areas dull | noise clipped somewhere, or a target whose noise has a mean |
# | worse than the noisy picture at little noise | trained for one, higher level |
# | good, but not after the exposure is changed | biases |
# | starts far below the noisy picture | tail not zero, or no shortcut |
# | half a decibel away from somebody else's number | pooled instead of per image; noise clipped; other photographs |

# %% [markdown]
# ## Choose the noise yourself
#
# Move the slider (without a live notebook you see three levels). At which σ do you begin to prefer the classical method
# to the networks? Where does the specialist smooth too much, where too little?

# %% tags=["nbval-ignore-output"]
methods = {
    "non-local means": lambda y, sigma: non_local_means(y, sigma),
    "blind network": lambda y, sigma: blind(y.to(compute)),
    "specialist for 25": lambda y, sigma: longer(y.to(compute)),
}
display.noise_explorer(parts(test)[0][:, 8:60, 8:60], methods, seed=SEED)

# %% [markdown]
# ## What more computing buys
#
# The network of the opening picture is section 4's residual version, wider and deeper, trained by the recipe `denoise`.
# Its card says how large and how long. In the figure, compare the fur and the sky in the three columns in the middle.

# %%
small = sum(weight.numel() for weight in models["residual"].parameters())
print(f"{card['parameters']:,} parameters (section 4: {small:,})")
print(f"{card['steps']:,} steps, {card['seconds'] / 60:.0f} minutes on {card['device']['device']}, "
      f"{card['device']['threads']} thread")
table = {
    "non-local means": classical["non-local means"],
    "residual": learned["residual"],
    "corrected": fixed,
    "longer run": mended(longer),
}
compare(table | {"the truth": test}, "Seconds of training, and a longer run")

# %%
LAST = {"non-local means": (0.81, 0.86), "residual": (0.66, 0.76), "corrected": (0.82, 0.87), "longer run": (0.86, 0.89)}
for name, (low, high) in LAST.items():
    value = torch.cat([ssim(pred, photo) for pred, photo in zip(table[name], test)]).mean()
    expect(f"{name}: SSIM at the end", value, low=low, high=high, protocol=MEASURED)
expect("longer run: PSNR", mean_psnr(table["longer run"], test), low=31.1, high=31.35, unit="dB", protocol=MEASURED)
between = mean_psnr(table["longer run"], test) - mean_psnr(fixed, test)
expect("longer run over corrected", between, low=0.7, high=1, unit="dB", protocol=MEASURED)

# %% [markdown]
# More computing buys about three decibels over section 4's residual network: the same form now passes non-local means.
# The correction of non-local means, after seconds of training, has come most of that way: a good shortcut is worth many
# minutes of training. That is what PSNR says. By SSIM the correction and plain non-local means are about
# level; a likely reason is section 5's grain in the sky. Two rulers, two answers, and the longer run is ahead of
# non-local means by both. The better shortcut's price is paid at run time: every picture has to go through non-local
# means first.
#
# **Your own photograph.** `course restore denoise photo.jpg --out clean.png` restores a file of any size,
# tile by tile: `by_tiles` gives each tile as much of its surroundings as the network sees, so that no seam appears. A
# `Restorer` says how much that is: its `context` is the radius of its receptive field.

# %%
from course_lib.images import by_tiles

tiled = by_tiles(longer, noisy[0][0].cpu(), tile=96, device=compute)
print("tiles of 96 pixels give the same picture:", bool((tiled - by_longer[0][0].cpu()).abs().max() < 1e-3))

# %% [markdown]
# ## Scorecard

# %%
scorecard()

# %% [markdown]
# ## Summary
#
# - **The question** was whether it is easier to say what is wrong with a picture than to repaint it. **The answer:**
#   yes at the start and on the way. At the end it depends on how good the picture is that you correct: to start from
#   the noisy picture gained some tenths of a decibel, and a zero tail alone about as much; to start from a classical
#   answer gained about two more.
# - A zero tail makes the network begin as its shortcut, exactly. From there it can be watched getting better.
# - The best answer to a squared error is $E[x \mid y]$, a mean. That is why noisy targets teach as well as clean ones,
#   why their noise must have mean 0 and must not be the input's, and why fine texture is washed out: a mean of many
#   possible furs has no hairs.
# - The level of the noise, clipping, rounding, the way of averaging: all of it is part of a PSNR.
# - With biases a network can learn an absolute scale, and is tied to the noise it was trained on. Without them it
#   cannot: $f(\alpha y) = \alpha f(y)$.
#
# **You could now build** a denoiser for pictures of your own, from clean ones or from pairs, and say by how much, in
# which protocol, it beats the classical answer.
#
# | in `course_lib` | what it holds from this chapter |
# |---|---|
# | `degradations` | `GaussianNoise`, `LowLight`; `gaussian_filter`, `median_filter`, `wavelet`, `non_local_means`; `noise_level` |
# | `metrics` | `ssim`, `psnr`, `mean_psnr` |
# | `data` | `clean_photographs`; `RandomCrops`, `AlignedCrops` |
# | `networks` | `restorer`, a `Correction`; `plain_block`, `long_body`, `AnySize`, `denoiser`; a `Restorer` states its receptive field, its scale, and what it needs (`as_restorer`) |
# | `images` | `by_tiles`, and `each_tile` for images that do not fit into memory; `recoloured`: crops with their channels exchanged, which the recipe uses because few photographs hold few colours |
# | `recipes` | `denoise`: this chapter's residual network as a recipe |
# | `display` | `noise_explorer` |
#
# ## Questions
#
# Answer first, then unfold.
#
# <details><summary>1. Your denoiser's training loss is 0.0112 with noisy targets of σ = 25/255, and hardly goes down. Is it stuck?</summary>
#
# No. σ² is 0.0096, and no network can predict the target's noise. What it can work on is the remaining 0.0016, and that
# is 28 dB already. With noisy targets compare losses with each other, never with 0.
# </details>
#
# <details><summary>2. Suppose that after a long training residual and direct are level. Was the residual form useless?</summary>
#
# It made the beginning quick and the way steady, and at every moment the network was about as good as its input or
# better. If training is cheap and long, that may not matter. What stays is the choice of another shortcut: a direct
# network has none to improve.
# </details>
#
# <details><summary>3. Why does a network trained with squared error wash out fur?</summary>
#
# Because its best answer is the mean of all clean pictures that fit. Hairs that could lie here or there become a grey
# in between. PSNR rewards exactly that. Chapter 06 comes to losses that do not.
# </details>
#
# <details><summary>4. A paper's noisy input has 20.7 dB at σ = 25. What do you suspect?</summary>
#
# Clipping. Without it the closed form says 20.17 dB for any photographs.
# </details>
#
# <details><summary>5. Two shots of a scene, the second is brighter by 2 %. May you use them as a pair?</summary>
#
# Not as they are: the network learns to brighten by 2 %, since that is the mean of its targets. Match the exposure
# first. Or train in both directions: then brighter and darker cancel, as long as the network cannot tell which of the
# two shots it was given.
# </details>
#
# <details><summary>6. Why can a network without biases not be clamped inside, or end in a sigmoid?</summary>
#
# Both have a brightness of their own: a clamp its limit at 1, a sigmoid its value of 0.5 for an input of 0. Then f(αy)
# = αf(y) no longer holds.
# </details>
#
# ## Exercises and reading
#
# The exercises of this chapter are in [`exercises/05_denoising.ipynb`](../exercises/05_denoising.ipynb).
#
# - Zhang et al. 2017, [Beyond a Gaussian Denoiser](https://arxiv.org/abs/1608.03981): DnCNN, where the residual form of
#   denoising comes from; look at its figure 2.
# - Zhang et al. 2018, [FFDNet](https://arxiv.org/abs/1710.04026): folding, and a network that is told the noise level.
# - Lehtinen et al. 2018, [Noise2Noise](https://arxiv.org/abs/1803.04189): section 7, for many kinds of noise.
# - Mohan et al. 2020, [Robust and Interpretable Blind Image Denoising](https://arxiv.org/abs/1906.05478): what biases
#   do, and what a bias-free network computes.
# - Buades, Coll and Morel 2005, [A Non-Local Algorithm for Image Denoising](https://doi.org/10.1109/CVPR.2005.38): the
#   classical method that is still hard to beat in seconds.
