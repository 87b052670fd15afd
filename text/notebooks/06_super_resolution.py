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
# # 06 · Super-resolution
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/notebooks/06_super_resolution.ipynb)
#
# **Where can detail come from when the pixels are gone?**
#
# A photograph is shrunk to half its width and half its height: three of four numbers are gone. *Super-resolution* asks for them back. You
# build the network that does it, learn to distrust the number that judges it, and then teach a network to please the eye instead, and see
# what that costs.
#
# | | |
# |---|---|
# | **You build** | antialiased shrinking, pixel shuffle, a network that starts as bicubic enlargement, the self-ensemble, an adversarial fine-tuning |
# | **You need** | PSNR (chapter 00), the zero-initialised last layer (01), the relativistic loss (02), a GAN's step (03) |
# | **Computing time** | about 55 seconds on two CPU cores (not yet measured on a GPU) |

# %%
# On Colab this fetches the course's library and leaves Colab's own torch alone. Elsewhere it does nothing.
try:
    import course_lib
except ImportError:
    # %pip install -q "residual-imaging @ git+https://github.com/residual-imaging/residual-imaging"
    pass

# %%
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional

from course_lib import check, display, metrics
from course_lib.data import clean_photographs, load
from course_lib.degradations import Downsample, modcrop
from course_lib.expect import expect, scorecard
from course_lib.images import eight_bits, resize
from course_lib.runs import load_model
from course_lib.system import device

SEED = 0  # every random number of this chapter follows from it
compute = device.pick()
longer = 20 if device.budget(compute) == "gpu" else 1  # how many times as many steps a GPU makes

# %% [markdown]
# Here is where the chapter goes. The first picture is all that is given, every pixel drawn as a square. The second is the usual
# enlargement, *bicubic*: each new pixel is a weighted mean of old ones around it. The third comes from section 4's network after a longer
# training. Look at the rim of the eye and at the hairs around it: what does the third picture have that the second has not? And the
# fourth that the third has not?

# %%
train_photos, test_photos = (clean_photographs(load("photos", split), compute) for split in ("train", "test"))
long_run, card = load_model("super_resolution", compute)


@torch.no_grad()
def enlarged_by(network, pictures):
    """A network's answers, in 8 bits as a file holds them."""
    return [eight_bits(network(picture)) for picture in pictures]


halve = Downsample(2, rounded=True)  # to half the width and height, then to 8 bits
cat = modcrop(test_photos[0], 2)  # cropped to even sides
small_cat = halve(cat)
views = {
    "a quarter of the pixels": functional.interpolate(small_cat, scale_factor=2, mode="nearest"),
    "bicubic": halve.baseline(small_cat),
    "network": enlarged_by(long_run, [small_cat])[0],
    "the original": cat,
}

# %%
WINDOW = (..., slice(70, 174), slice(120, 226))
display.show_images([view[WINDOW][0] for view in views.values()], list(views), title="A held-out photograph, ×2")

# %% [markdown]
# The network has never seen this cat. It draws edges that bicubic enlargement smears, and it leaves out the finest hairs. Both
# observations come back: the first in section 4, the second in section 6.

# %% [markdown]
# ## 1. The degradation is part of the problem
#
# $y = A(x)$: a small picture $y$ comes from a large one $x$ by an operator $A$, the *degradation*. It decides what is lost. Papers use one
# operator, *antialiased bicubic*, with the rules of MATLAB's `imresize`. In words:
#
# - Pixels are squares. The centre of a new pixel lies in the middle of the block of old pixels that it replaces.
# - Each new pixel is a weighted mean of old ones. How much an old one counts depends on its distance, by a curve made of cubic
#   polynomials (Keys 1981).
# - When shrinking by $s$, the curve is stretched by $s$, so that *all* old pixels count. That is the *antialiasing*.
# - The weights are divided by their sum. Beyond its border the picture goes on mirrored.
#
# Rows are treated first, columns then (*bi*-cubic), so one row of numbers shows it all.

# %%
def keys(distance):
    """Keys's curve with a = -1/2: 1 at 0, then 0 at 1, 2 and beyond."""
    d = distance.abs()
    near = 1.5 * d**3 - 2.5 * d**2 + 1
    far = -0.5 * (d**3 - 5 * d**2 + 8 * d - 4)
    return torch.where(d <= 1, near, torch.where(d < 2, far, 0.0))


def shrink_row(row, scale):
    """A row of n numbers, n and scale even → n / scale of them."""
    reach = 2 * scale  # the stretched curve is 0 from here on
    distances = torch.arange(-reach, reach) + 0.5  # from a new centre to the old ones around it
    weights = keys(distances / scale)
    weights = weights / weights.sum()
    beyond = reach - scale // 2
    mirrored = torch.cat([row[:beyond].flip(0), row, row[-beyond:].flip(0)])
    return mirrored.unfold(0, 2 * reach, scale) @ weights


check.shrink_row(shrink_row)

# %% [markdown]
# The library's `resize` does this in both directions, for any scale. `Downsample` is the operator built on it.

# %%
row = cat[:, :1, 100:101, :].cpu()  # one colour of one row
print("the library agrees:", torch.allclose(shrink_row(row[0, 0, 0], 2), resize(row, size=(1, row.shape[-1] // 2))[0, 0, 0], atol=1e-6))
weights = torch.stack([shrink_row(one_pixel, 2) for one_pixel in torch.eye(16)])  # old × new
print("what the old pixels give to new pixel 4 (the first is 0), times 256:", (256 * weights[:, 4]).round().int().tolist())

# %% [markdown]
# Some weights are negative: they keep edges steep, and at edges they overshoot, below 0 and above 1. So clamp before you round
# to a file's 256 steps (`eight_bits`).
#
# Why bother? Shrink a test pattern whose rings get finer towards the border: once by `Downsample`, once by taking every second pixel.
# Look for rings that are not there in the original. (The small pictures are drawn with pixels twice as wide.)

# %%
side = torch.arange(-128, 128) + 0.5
radius = side[:, None].square() + side.square()
rings = (0.5 + 0.5 * torch.cos(torch.pi * radius / 256))[None, None]
shrunk = {"every second pixel": rings[..., ::2, ::2], "antialiased bicubic": Downsample(2)(rings)}
drawn = [functional.interpolate(picture, scale_factor=2, mode="nearest")[0] for picture in shrunk.values()]
display.show_images([rings[0], *drawn], ["the pattern", *shrunk], zoom=1, title="Too fine to be held: turned into something else, or into grey")

# %% [markdown]
# The finest stripes that pixels can hold are one pixel light, one pixel dark. Finer ones come back as coarser ones: *aliasing*. Every
# second pixel shows centres of rings at the sides and in the corners that nobody drew. The antialiased picture is nearly grey there: the
# detail is gone, and only faint false rings took its place, since no weights so few in number cut off sharply.
#
# ### Trained on one degradation, used on another
#
# The network at the top was trained on `Downsample`. Now give it the same photographs shrunk in four other ways, and compare it with
# bicubic enlargement of the same small pictures. `benchmark_psnr` measures as the papers do, on brightness (*luma*) alone; section 2 takes
# it apart. Each bar will be the network's PSNR minus bicubic's. Guess first: where will the network win?

# %%
import io

import numpy as np
from PIL import Image

from course_lib.images import to_uint8


def as_jpeg(picture, quality=50):
    """1×3×H×W through a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(to_uint8(picture[0].cpu()).permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)[None].to(picture) / 255


def benchmark_psnr(answers, originals, scale):
    """The papers' number: luma, 8 bits, `scale` pixels of border left out, PSNR of each picture, then the mean."""
    values = [metrics.psnr(eight_bits(a), x, luma=True, shave=scale) for a, x in zip(answers, originals)]
    return torch.cat(values).mean().item()

# %%
originals = [modcrop(photo, 4) for photo in test_photos]
degradations = {
    "antialiased (as trained)": (halve, 2.05, 2.2),
    "mean of 2×2 pixels": (lambda x: eight_bits(functional.avg_pool2d(x, 2)), 0.5, 0.7),
    "antialiased, then JPEG": (lambda x: as_jpeg(halve(x)), -0.33, -0.2),
    "bicubic, not antialiased": (lambda x: eight_bits(resize(x, size=(x.shape[2] // 2, x.shape[3] // 2), antialias=False)), -1.9, -1.45),
    "every second pixel": (lambda x: x[..., ::2, ::2], -3.0, -2.45),
}
gains = {}
for name, (degrade, low, high) in degradations.items():
    given = [degrade(x) for x in originals]
    bicubic = benchmark_psnr([resize(y, 2) for y in given], originals, 2)
    gains[name] = benchmark_psnr(enlarged_by(long_run, given), originals, 2) - bicubic
    expect(f"network over bicubic, {name}", gains[name], low=low, high=high, unit="dB",
           protocol="photos, test split, N = 3, ×2, checkpoint super_resolution, Y, shave 2, 8 bits, mean of PSNR per image")

# %%
canvas, axes = display.figure(height=2.4)
bars = axes.barh(list(gains), list(gains.values()), color=[display.COLOURS["ours" if gain > 0 else "plain"] for gain in gains.values()])
axes.bar_label(bars, fmt="%+.1f", padding=3)
axes.axvline(0, color="black", linewidth=0.8)
axes.set(title="One network, five ways to shrink", xlabel="dB over bicubic enlargement", xlim=(-3.6, 2.8))
axes.invert_yaxis()
display.plt.show()

# %% [markdown]
# Blue is better than bicubic, orange is worse: same network, same photographs. `Downsample` weakens fine detail by a certain amount, and
# the network has learned to strengthen it by just that amount. Where detail was weakened less, the network strengthens it too much; and
# of aliasing and JPEG blocks it makes edges. If a published network does worse than bicubic on your pictures, look here first. (Taking
# every second pixel also moves the picture by a quarter of a small pixel, which neither enlargement knows of.)
#
# ### The training pictures have a degradation too
#
# JPEG cuts a picture into blocks of 8×8 pixels. Where two blocks meet, neighbours differ a little more than they should.
# `clean_photographs` therefore shrinks each photograph that comes as JPEG to 0.6 of its size. Compare the jumps where two blocks meet
# with the mean of all other jumps, before and after. (Blocks shrink too: afterwards they are 4.8 pixels wide.)

# %%
def block_jump(photo, block):
    """Mean step from column to column where two blocks meet, over the mean of all other steps; about 1 without blocks."""
    steps = (photo[..., 1:] - photo[..., :-1]).abs().mean(dim=(0, 1, 2))
    borders = (block * torch.arange(1, int(len(steps) / block) + 1)).round().long() - 1  # step i leads to column i + 1
    at_border = torch.zeros(len(steps), dtype=torch.bool)
    at_border[borders] = True
    return (steps[at_border].mean() / steps[~at_border].mean()).item()


flower = load("photos", "test")[2][0][None]
expect("jump at block borders, the flower as it comes", block_jump(flower, 8), low=1.07, high=1.13, protocol="flower.jpg, RGB, columns")
expect("jump at block borders, the flower shrunk", block_jump(test_photos[2].cpu(), 4.8), low=0.95, high=1.05, protocol="flower.jpg at 0.6, RGB, columns")

# %% [markdown]
# A tenth more at the borders before, nothing that stands out after. A network that learns from pictures with blocks learns to draw
# blocks. Where its training pictures come from is part of a degradation, too.

# %% [markdown]
# ## 2. The number: a protocol, choice by choice
#
# `benchmark_psnr` above makes five choices. Papers make the same ones, and seldom say so:
#
# 1. **Luma.** Only brightness is compared: $Y = 16 + 65.481\,R + 128.553\,G + 24.966\,B$ for colours in [0,1] (BT.601). It runs from 16
#    to 235 of 255.
# 2. **8 bits.** Both pictures are rounded first, as files are.
# 3. **Shave.** A border of `scale` pixels is left out, because what lies beyond it had to be guessed.
# 4. **Peak 255.** PSNR is $10 \log_{10}(255^2 / \text{MSE})$, although $Y$ spans only 219 steps.
# 5. **Mean of PSNRs.** Each picture gets its own number; these are averaged.
#
# Change one choice at a time: all colours; luma that spans all 255 steps; no shave; one mean over the pixels of all pictures. (Rounding
# comes after.) In the figure, compare the dots from row to row, then the lengths of the lines. Which choice moves the number most, which
# one the *difference* between network and bicubic?

# %%
FULL_RANGE = torch.tensor([0.299, 0.587, 0.114], device=compute).view(1, 3, 1, 1)  # the same luma from 0 to 255
PAPERS = {"luma": True, "shave": 2}


def full_range(pictures):
    return [(picture * FULL_RANGE).sum(1, keepdim=True) for picture in pictures]


def pooled_psnr(answers, pictures):
    """One mean squared error over the pixels of all pictures, then one PSNR."""
    errors = [(metrics.rgb_to_luma(a) - metrics.rgb_to_luma(x))[..., 2:-2, 2:-2].flatten() for a, x in zip(answers, pictures)]
    return -10 * torch.cat(errors).square().mean().log10().item()


def mean_psnr(answers, pictures, **how):
    return torch.cat([metrics.psnr(a, x, **how) for a, x in zip(answers, pictures)]).mean().item()


protocols = {
    "the papers'": lambda a, x: mean_psnr(a, x, **PAPERS),
    "RGB": lambda a, x: mean_psnr(a, x, shave=2),
    "luma from 0 to 255": lambda a, x: mean_psnr(full_range(a), full_range(x), shave=2),
    "nothing shaved": lambda a, x: mean_psnr(a, x, luma=True),
    "all pixels in one mean": pooled_psnr,
}

# %%
small = [halve(x) for x in originals]
by_bicubic, by_network = ([eight_bits(a) for a in answers] for answers in
                          ([resize(y, 2) for y in small], enlarged_by(long_run, small)))
BANDS = {"the papers'": (34.2, 34.45), "RGB": (32.65, 32.95), "luma from 0 to 255": (32.85, 33.15),
         "nothing shaved": (34.25, 34.55), "all pixels in one mean": (32.3, 32.6)}
values = {}
for name, judge in protocols.items():
    values[name] = judge(by_bicubic, originals), judge(by_network, originals)
    low, high = BANDS[name]
    expect(f"PSNR of the network, protocol: {name}", values[name][1], low=low, high=high, unit="dB",
           protocol=f"photos, test split, N = 3, ×2; {name}, all other choices as in the papers")

# %%
canvas, axes = display.figure(height=2.6)
for place, (bicubic, network) in enumerate(values.values()):
    axes.plot([bicubic, network], [place, place], color=display.COLOURS["baseline"], linewidth=1)
    axes.plot(bicubic, place, "s", color=display.COLOURS["baseline"])
    axes.plot(network, place, "o", color=display.COLOURS["ours"])
    axes.text((bicubic + network) / 2, place - 0.12, f"+{network - bicubic:.2f}", ha="center", fontsize=9)
axes.set(title="Same pictures, five numbers", xlabel="PSNR in dB: bicubic (square), network (dot)", xlim=(30, 35.5),
         yticks=range(5), yticklabels=values, ylim=(4.4, -0.6))
display.plt.show()

# %% [markdown]
# Almost two decibels from the lowest dot to the highest, with not one pixel changed. Luma from 0 to 255 is lower by exactly
# $20 \log_{10}(255/219) = 1.32$ dB: the same errors are 255/219 times as large on the longer scale, and the peak is 255 on both. RGB is
# lower by about 1.5 dB. It too spans all 255 steps, so 1.3 of these come from the scale, and errors of colour cost only about 0.2. And
# one mean over all pixels lowers even the *difference*: the hardest picture, the temple, then has most of the error and decides for the
# most part, and there the network gains less.

# %%
gap = values["the papers'"][1] - values["luma from 0 to 255"][1]
print("the luma's range explains all of its difference:", abs(gap - 20 * np.log10(255 / 219)) < 1e-4)
unrounded = mean_psnr([resize(y, 2) for y in small], originals, **PAPERS)
print("rounding the answers changes less than 0.01 dB: ", abs(unrounded - values["the papers'"][0]) < 0.01)

# %% [markdown]
# Rounding hardly matters at this height; at 50 dB it would. Published numbers, for the scale of things: bicubic 33.66 dB, the first
# network, SRCNN, 36.66 dB, a much larger one, EDSR, 38.11 dB, all ×2 on *Set5*, five pictures, by the papers' protocol (Dong et al. 2014,
# journal version; Lim et al. 2017). Ours are three other photographs. **The two sets of numbers do not belong in one table.**

# %% [markdown]
# ## 3. SRCNN: enlarge, then repaint
#
# The first network for the task (Dong et al. 2014) enlarges by bicubic and sends the result through three convolutions of 9×9, 5×5 and
# 5×5. What comes out *is* the answer: the picture is painted anew. `srcnn` builds it; the paper gave it luma, we give it three colours.
#
# One loop trains everything in sections 3 to 5. `AlignedCrops` cuts the same place out of the small picture and out of the original, and
# turns or mirrors both in the same one of eight ways. A gradient that is too long is cut to a fixed length. The rate rises for a tenth of
# the steps (*warm-up*), then falls to 0.

# %%
from course_lib.blocks import Residual, conv3x3, zero_last
from course_lib.data import AlignedCrops
from course_lib.networks import Enlarge, plain_block, srcnn, super_resolver
from course_lib.training import cosine

CROP, BATCH = 24, 8  # a crop's side in pixels of the small picture; crops a step
LONGEST = 0.003  # no gradient is longer than this
LOOKS = 6  # how often the gain is measured during a training


def pairs(photos, scale):
    """Small pictures and their originals."""
    large = [modcrop(photo, 4) for photo in photos]
    return [Downsample(scale, rounded=True)(x) for x in large], large


def middle(picture, side):
    """The middle of a picture, side×side: enough to follow a training by."""
    top, left = (picture.shape[-2] - side) // 2, (picture.shape[-1] - side) // 2
    return picture[..., top : top + side, left : left + side]


# %%
def gain(network, scale, side=None):
    """PSNR over bicubic on the held-out photographs, whole or in their middle."""
    large = originals if side is None else [middle(x, side) for x in originals]
    small = [Downsample(scale, rounded=True)(x) for x in large]
    network.eval()
    answers, bicubic = enlarged_by(network, small), [resize(y, scale) for y in small]
    network.train()
    return benchmark_psnr(answers, large, scale) - benchmark_psnr(bicubic, large, scale)


def train(network, scale, steps, learning_rate=1.5e-3):
    small, large = pairs(train_photos, scale)
    batches = AlignedCrops([y[0] for y in small], [x[0] for x in large], CROP, BATCH, SEED, scale)
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    curve = [gain(network, scale, side=128)]
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = learning_rate * cosine(step / steps)
        y, x = batches.next()
        loss = functional.mse_loss(network(y), x)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), LONGEST)
        optimiser.step()
        if (step + 1) % (steps // LOOKS) == 0:
            curve.append(gain(network, scale, side=128))
    return curve

# %% [markdown]
# Two networks with the same three convolutions. One repaints. For the other the convolutions make a *correction* that is added to the
# bicubic picture, with the last layer zero at the start. With $y$ the small picture and $S$ the bicubic enlargement, the answer is
# $S(y) + F(y)$: the course's one idea once more (Kim et al. 2016, VDSR, is a deep network of this form).

# %%
STEPS = {"repaint": 70 * longer, "correct": 70 * longer, "sub-pixel": 210 * longer}
networks, curves = {}, {}
torch.manual_seed(SEED)
networks["repaint"] = srcnn(2, channels=3).to(compute)
torch.manual_seed(SEED)
networks["correct"] = zero_last(Residual(srcnn(2, channels=3), Enlarge(2))).to(compute)
print("at step 0 the second is bicubic, bit for bit:", torch.equal(networks["correct"](small_cat), resize(small_cat, 2)))
for name, network in networks.items():
    curves[name] = train(network, 2, STEPS[name])

# %%
PROTOCOL = "photos, test split, N = 3 (JPEG files at 0.6 of their size), ×{scale}, Y, shave {scale}, 8 bits, mean of PSNR per image"
gained = {}
for name, (low, high) in {"repaint": (-7, -2.5), "correct": (0.5, 0.9)}.items():
    gained[name] = gain(networks[name], 2)
    expect(f"over bicubic, {name}, {STEPS[name]} steps", gained[name], low=low, high=high, unit="dB", protocol=PROTOCOL.format(scale=2))

# %% [markdown]
# The same layers, the same photographs, the same steps, and several decibels between them. The first spends its time on learning to pass
# on what bicubic already had. With a training many thousands of times as long it gets there: the paper reports three decibels over
# bicubic on Set5. The second had only to learn what is missing. That is chapter 01's idea, and most networks since have such a shortcut
# around them, from the enlarged picture or from features of the small one.

# %% [markdown]
# ## 4. Work small, enlarge last
#
# SRCNN works on the enlarged picture, so each convolution is computed at four times as many places as there are pixels to learn from. Shi
# et al. 2016 keep everything at the small size. The last convolution gives $3 s^2$ channels, and *pixel shuffle* lays them out: channel
# $c s^2 + i s + j$ at $(h, w)$ becomes colour $c$ at $(hs + i,\, ws + j)$, for $i$ and $j$ from 0 to $s - 1$. No number is changed; each
# finds its place.

# %%
def pixel_shuffle(channels, scale):
    """N×(C·s²)×H×W → N×C×(s·H)×(s·W)."""
    n, c, height, width = channels.shape
    colours = c // scale**2
    blocks = channels.reshape(n, colours, scale, scale, height, width)  # n, colour, i, j, h, w
    blocks = blocks.permute(0, 1, 4, 2, 5, 3)  # n, colour, h, i, w, j
    return blocks.reshape(n, colours, scale * height, scale * width)


check.pixel_shuffle(pixel_shuffle)

# %% [markdown]
# (`nn.PixelShuffle` is the same.) Now the network. A *head* takes the picture in, a *body* of residual blocks works on features, a *tail*
# makes pixels. The blocks are those of EDSR (Lim et al. 2017): no norm. And the tail starts at zero, so before the first step the answer
# is bicubic enlargement.
#
# One thing is not EDSR's. We train on six photographs. They hold few colours, and on a green that none of them has, a network may do
# anything. Yet we know what is right where a picture is *flat*, of one colour: bicubic is exact, the correction is 0. So build that in.
# Let the branch see only differences between neighbours, in three steps:
#
# - Each filter of the head has nine weights for each of the three colours. Subtract their mean from the nine, so that they sum to 0.
# - On a flat place such a filter gives (sum of the weights) × (the colour) = 0.
# - From 0, convolutions without bias and ReLUs make 0 again. So no layer of the branch has a bias, as in chapter 05's network without
#   biases.
#
# The correction of a flat place is then 0 with *any* weights, trained or not, whatever the colour. At the border the head repeats the
# picture outwards: zeros there would be an edge that nobody photographed.

# %%
class ZeroMeanConv(nn.Conv2d):
    """A 3×3 convolution whose filters sum to 0, colour by colour; no bias; the border is repeated outwards."""

    def __init__(self, channels, width):
        super().__init__(channels, width, 3, bias=False)

    def forward(self, x):
        sum_zero = self.weight - self.weight.mean(dim=(2, 3), keepdim=True)
        return functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), sum_zero)


def sub_pixel_network(scale, width=32, depth=4, bias=False):
    blocks = [zero_last(plain_block(width, bias)) for _ in range(depth)]
    branch = OrderedDict(
        head=conv3x3(3, width, bias=True) if bias else ZeroMeanConv(3, width),
        body=Residual(nn.Sequential(*blocks, conv3x3(width, width, bias=bias))),
        tail=nn.Sequential(conv3x3(width, 3 * scale**2, bias=bias), nn.PixelShuffle(scale)),
    )
    return zero_last(Residual(nn.Sequential(branch), Enlarge(scale)))


torch.manual_seed(SEED)
networks["sub-pixel"] = sub_pixel_network(2).to(compute)
print("at step 0 it is bicubic, bit for bit:", torch.equal(networks["sub-pixel"](small_cat), resize(small_cat, 2)))

# %% [markdown]
# What does a pixel of the answer cost? Count *multiplications*: each weight is used once at every place where its convolution looks. At the
# small size there are $s^2$ times fewer places.

# %%
def multiplications(network, scale, at_large_size):
    """Of the convolutions, for one pixel of the answer."""
    weights = sum(layer.weight.numel() for layer in network.modules() if isinstance(layer, nn.Conv2d))
    return weights if at_large_size else weights // scale**2


print("three convolutions at the large size: ", f"{multiplications(networks['correct'], 2, True):,} for a pixel")
print("eleven convolutions at the small size:", f"{multiplications(networks['sub-pixel'], 2, False):,} for a pixel")

# %% [markdown]
# A third of the cost, so a training of about the same cost has room for 210 steps instead of 70. The curves below begin before the first
# step. Where does each begin, and which is still rising at its end?

# %%
curves["sub-pixel"] = train(networks["sub-pixel"], 2, STEPS["sub-pixel"])
gained["sub-pixel"] = gain(networks["sub-pixel"], 2)
expect(f"over bicubic, sub-pixel, {STEPS['sub-pixel']} steps", gained["sub-pixel"], low=1.2, high=1.5, unit="dB",
       protocol=PROTOCOL.format(scale=2))
canvas, axes = display.figure()
for (name, curve), colour, style, offset in zip(curves.items(), ("plain", "other", "ours"), (":", "--", "-"), (0, -5, 6)):
    share = torch.linspace(0, 100, len(curve))
    axes.plot(share, curve, style, color=display.COLOURS[colour])
    axes.annotate(name, (100, curve[-1]), (4, offset), textcoords="offset points", color=display.COLOURS[colour], va="center", annotation_clip=False)
axes.axhline(0, color="black", linewidth=0.8)
axes.set(title="Repaint, correct, or correct at the small size", xlabel="share of the training, %", ylabel="dB over bicubic",
         ylim=(-6, 2))
display.plt.show()

# %% [markdown]
# The repainting curve begins far below the frame and still rises when its time is over. The two others begin at 0, which is bicubic, and
# level off above it. The gap between the dashed and the solid line is what more and cheaper layers buy for about the same computing. (The
# points are measured in the middle of the held-out photographs, the numbers above on the whole.)
#
# Does the library's `super_resolver` do the same? Give it your weights:

# %%
library = super_resolver(2).to(compute)
library.load_state_dict(networks["sub-pixel"].state_dict())
print("same answer from the library's network:", torch.equal(library(small_cat), networks["sub-pixel"](small_cat)))

# %% [markdown]
# ### Break it: five ways to go wrong
#
# **1. An ordinary head**, with biases everywhere, as in EDSR. Train it for as many steps. Then show both networks what no photograph here
# shows: flat squares of 27 colours. The right correction of each is 0. In the figure a bar stands for each colour, painted in it: by how
# many of 255 grey levels does the ordinary network change it? The blue line is the network of above.

# %%
LEVELS = 255
steps_of_red, steps_of_green, steps_of_blue = torch.meshgrid(*[torch.tensor([0.0, 0.5, 1.0])] * 3, indexing="ij")
colours = torch.stack([steps_of_red, steps_of_green, steps_of_blue], dim=-1).view(27, 3, 1, 1)
squares = colours.expand(-1, -1, 24, 24).to(compute)


@torch.no_grad()
def painted_on_flat(network):
    """The largest correction of each colour, away from the border, in grey levels: 27 numbers."""
    corrections = (network(squares) - resize(squares, 2))[..., 8:-8, 8:-8]
    return LEVELS * corrections.abs().amax(dim=(1, 2, 3)).cpu()


torch.manual_seed(SEED)
ordinary = sub_pixel_network(2, bias=True).to(compute)
train(ordinary, 2, STEPS["sub-pixel"])
expect(f"over bicubic, ordinary head, {STEPS['sub-pixel']} steps", gain(ordinary, 2), low=1.05, high=1.3, unit="dB",
       protocol=PROTOCOL.format(scale=2))
expect("painted on flat colours, ordinary head", painted_on_flat(ordinary).max(), low=1, high=8, unit="levels",
       protocol="27 colours, red, green, blue each 0, 0.5 or 1; the largest")
print("painted on flat colours by differences only: none:", (painted_on_flat(networks["sub-pixel"]) < 1e-3).all().item())

# %%
canvas, axes = display.figure(height=2.2)
axes.bar(range(27), painted_on_flat(ordinary), color=colours.view(27, 3).tolist(), edgecolor="black", linewidth=0.5)
axes.plot(painted_on_flat(networks["sub-pixel"]), color=display.COLOURS["ours"], linewidth=3)
axes.set(title="What an ordinary head paints where there is nothing to add", ylabel="grey levels of 255", xticks=[], ylim=(-0.15, None),
         xlabel="27 flat colours: the ordinary head (bars), differences only (line)")
display.plt.show()

# %% [markdown]
# The ordinary network paints on nearly every colour, here most of all on a bright green; the other adds nothing, trained or not. A few
# levels seem little. But at 40 dB, usual for a soft photograph, the whole error is 2.6 levels (root mean square). What is painted on a
# leaf of one bright green can cost more than was gained at the leaf's edge. No PSNR of three held-out photographs tells you so, since
# they have few of these colours. So test what must hold for *all* pictures, too.
#
# The ordinary head also gains a little less in the same steps: it has to learn what the other has built in, that what is flat needs
# nothing.
#
# The next two change one thing each, and get 60 steps:
#
# - **2. Tail alive**: the last convolution starts with random weights, as PyTorch makes them. Once with an ordinary head, once with one
#   for differences only.
# - **3. Misfiled**: in place of pixel shuffle the channels are only *reshaped* to the large size, so most of them land in the wrong place.
#
# Which will be worst off before the first step, which at the end?

# %%
class Misfiled(nn.Module):
    """N×12×H×W → N×3×2H×2W in the order in which the numbers lie in memory: not pixel shuffle."""

    def forward(self, x):
        return x.reshape(len(x), x.shape[1] // 4, 2 * x.shape[2], 2 * x.shape[3])


def started(how):
    torch.manual_seed(SEED)
    network = sub_pixel_network(2, bias="ordinary head" in how)
    if "tail alive" in how:
        network.branch.tail[0].reset_parameters()
    if how == "misfiled":
        network.branch.tail[1] = Misfiled()
    return network.to(compute)

# %%
BROKEN = {"healthy": (0.9, 1.15), "tail alive": (0.85, 1.1), "tail alive, ordinary head": (0.3, 0.7), "misfiled": (-0.008, 0.004)}
AT_START = {"tail alive": (-1.5, -0.1), "tail alive, ordinary head": (-18, -3)}
for how, (low, high) in BROKEN.items():
    network = started(how)
    at_start = train(network, 2, 60 * longer)[0]
    if how in AT_START:
        expect(f"over bicubic before the first step, {how}", at_start, low=AT_START[how][0], high=AT_START[how][1], unit="dB",
               protocol=f"{PROTOCOL.format(scale=2)}, middle 128×128")
    expect(f"over bicubic after {60 * longer} steps, {how}", gain(network, 2), low=low, high=high, unit="dB",
           protocol=PROTOCOL.format(scale=2))

# %% [markdown]
# With an ordinary head, a live tail starts many decibels below bicubic: random weights repaint every place. The network first has to
# unlearn what nobody taught it, and after 60 steps it has about half of the healthy gain. A head that sees only differences hides the
# same mistake almost entirely, because most of a photograph is nearly flat: only at edges there is something to spoil. It starts less
# than a decibel too low, and you would hardly notice it at the end.
#
# The misfiled network gains nothing: its corrections land in other parts of the picture, and no convolution can undo that. What does a
# misfiled picture look like? Take a picture apart (`pixel_unshuffle`), and put it together in both ways. How often do you find the eye?

# %%
apart = functional.pixel_unshuffle(cat[WINDOW], 2)
display.show_images([pixel_shuffle(apart, 2)[0], Misfiled()(apart)[0]], ["pixel shuffle", "misfiled: reshaped"], zoom=2)

# %% [markdown]
# Eight times. Each of a colour's four channels fills a quarter of the height, with two of its rows side by side in each row of the large
# picture. A milder mistake is to exchange $i$ and $j$, rows and columns *inside* a block. A network learns to live with that one; it
# shows only when the weights are loaded into a network that shuffles in the usual order.
#
# **4. A norm** subtracts a mean and divides by a spread, and so forgets how bright a picture was, and how strong its contrast:

# %%
norm = nn.InstanceNorm2d(3)
print("a darker, flatter cat is the same to a norm:", torch.allclose(norm(cat), norm(0.5 * cat + 0.1), atol=0.01))

# %% [markdown]
# A correction has to know the contrast: half the contrast needs half the correction. (Brightness is no loss here, since it goes past the
# branch in the bicubic picture.) Batch norm forgets less, for it divides by the spread of a whole batch; but it computes two different
# functions in training and in evaluation. EDSR's authors took it out of the blocks, and report better results with less memory.
#
# **5. A rate that is too high.** The tail is zero, so nothing seems to be able to go wrong. But Adam's first step has the length of the
# rate in *every* weight that has a gradient, however small. By what factor is the error larger or smaller after that one step, without
# warm-up?

# %%
FIRST_STEPS = {("ordinary head", 1e-2): (350, 2500), ("ordinary head", 1e-4): (1, 1.2), ("differences only", 1e-2): (1, 1.6),
               ("differences only", 1e-4): (0.98, 1)}
for (how, rate), (low, high) in FIRST_STEPS.items():
    network = started(how)
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    before = functional.mse_loss(network(small_cat), cat)
    before.backward()
    optimiser.step()
    factor = functional.mse_loss(network(small_cat), cat).item() / before.item()
    expect(f"error after one step at {rate:g}, over that of bicubic, {how}", factor, low=low, high=high,
           protocol="Adam, no warm-up, whole held-out photograph chelsea, ×2")

# %% [markdown]
# About a thousand times the error with an ordinary head: its features are large wherever the picture is bright, and at each pixel
# hundreds of small changes of the tail's weights add up. Even at a rate of 0.0001 the first step makes it worse. With differences the
# features are near 0 in most places; the high rate still does harm, though little. The warm-up in `train` makes the first steps short.

# %% [markdown]
# | symptom | likely cause |
# |---|---|
# | bicubic's PSNR before the first step, far below it after | rate too high, or no warm-up: Adam's first steps are of full length in all weights |
# | far below bicubic before the first step | the tail is not zero; or the bicubic picture is not added |
# | PSNR stays at bicubic's, the loss does not fall | channels reshaped, not shuffled; or small picture and original not from the same place |
# | the answer is twice as large as the original | up-sampled twice: the branch was given the enlarged picture, *and* shuffles |
# | good in training mode, worse in evaluation mode; brightness drifts | norm layers: a norm forgets brightness and contrast |
# | good on its own test pictures, worse than bicubic on yours | another degradation (section 1) |
# | a faint tint on flat places | an ordinary head, and colours that were not in the training pictures |
# | blocks or halos are drawn sharply | JPEG in the training pictures, or in yours |

# %% [markdown]
# ## 5. Four times, and eight looks
#
# ### ×4 by the same code
#
# Now 15 of 16 numbers are gone. Only `scale` changes: the tail has 48 channels instead of 12. Will it gain more over bicubic, or less?

# %%
torch.manual_seed(SEED)
pixels_only = sub_pixel_network(4).to(compute)
train(pixels_only, 4, 160 * longer)
expect(f"over bicubic, ×4, {160 * longer} steps", gain(pixels_only, 4), low=0.6, high=0.8, unit="dB", protocol=PROTOCOL.format(scale=4))

# %% [markdown]
# About half of what ×2 gained. Bicubic itself is lower, so there is more to gain, but the small picture says less about what is missing.
# At ×2 an edge can be placed to a fraction of a pixel; at ×4 whole textures are gone, and no calculation finds them. Section 6 looks into
# that.
#
# ### The geometric self-ensemble
#
# A photograph that is turned or mirrored is still a photograph. So ask the network about the picture in all eight ways in which it can
# lie, turn the eight answers *back*, and take their mean. Errors that depend on how the picture lies cancel in part. It costs eight times
# the computing, and no training. The inverse of "mirror, then turn" is "turn back, then mirror": the order is reversed.

# %%
from course_lib.images import self_ensemble, turned, turned_back


def eight_looks(network, picture):
    answers = []
    for mirror in (False, True):
        for quarters in range(4):
            asked = torch.rot90(picture.flip(-1) if mirror else picture, quarters, (-2, -1))
            answer = torch.rot90(network(asked), -quarters, (-2, -1))
            answers.append(answer.flip(-1) if mirror else answer)
    return torch.stack(answers).mean(0)


with torch.no_grad():
    mine, theirs = (ensemble(long_run, small_cat) for ensemble in (eight_looks, self_ensemble))
print("the library agrees:", torch.allclose(mine, theirs, atol=1e-5))
print("turned and turned back is the picture:", all(torch.equal(turned_back(turned(cat, way), way), cat) for way in range(8)))

# %%
def eight_ways(network):
    """The same network, asked in eight ways."""
    return lambda y: self_ensemble(network, y)


def extra(network, scale):
    small = [Downsample(scale, rounded=True)(x) for x in originals]
    one, eight = (benchmark_psnr(enlarged_by(fn, small), originals, scale) for fn in (network, eight_ways(network)))
    return eight - one


expect("self-ensemble over one answer, checkpoint ×2", extra(long_run, 2), low=0.1, high=0.19, unit="dB", protocol=PROTOCOL.format(scale=2))
expect("self-ensemble over one answer, trained above, ×4", extra(pixels_only.eval(), 4), low=0.0, high=0.06, unit="dB",
       protocol=PROTOCOL.format(scale=4))

# %% [markdown]
# The long-trained network gains more than a tenth of a decibel, the one trained for seconds only hundredths. A network that has learned little
# differs little from bicubic, and bicubic gives the same answer whichever way the picture lies. In tables such results carry a plus: EDSR+.

# %% [markdown]
# ## 6. From PSNR to looks
#
# ### The mean of all plausible answers
#
# Two pictures of fine stripes, one with light and dark exchanged. Shrunk to a quarter, both become the same grey. What should a network
# answer when it is given that grey?

# %%
stripes = torch.tensor([1.0, 1.0, 0.0, 0.0]).repeat(16).expand(1, 1, 64, 64)
exchanged = 1 - stripes
one, other = (Downsample(4)(picture)[..., 3:-3] for picture in (stripes, exchanged))
print("away from the border both shrink to 0.5:", torch.allclose(one, torch.full_like(one, 0.5)), torch.allclose(other, one))
guess = (functional.mse_loss(stripes, stripes) + functional.mse_loss(stripes, exchanged)) / 2
grey = functional.mse_loss(torch.full_like(stripes, 0.5), stripes)
print(f"mean squared error: guess one of the two {guess:.2f}, answer grey {grey:.2f}")

# %% [markdown]
# Guess one of the two, and half the time everything is wrong. Grey is never right, and has half the error: 3 dB more PSNR. In general: if
# many originals $x$ are possible for one $y$, the answer with the smallest mean squared error is their mean $\mathbb{E}[x \mid y]$, and a
# mean of many sharp pictures is a blurred one. The cat's finest hairs are missing at the top of this chapter *because* the network is
# good at what it was asked.
#
# A guess that is drawn at random from all originals that are possible for this $y$, each as often as it is likely, has exactly twice the
# smallest error, here as everywhere: 3 dB less (Blau and Michaeli 2018). So there are two aims. *Distortion*: how far an answer is from
# its original, here PSNR. *Perception*: how unlike photographs the answers are as a crowd, whichever answer belongs to which original.
#
# `patch_distance` measures the second: it takes the detail that a picture four times smaller cannot hold, cuts it into patches of 7×7,
# and compares the crowd of patches with the original's by chapter 02's Wasserstein distance, along 64 fixed directions. Which patch is
# where does not count. Its unit is one of 255 grey levels; 0 is best.

# %%
shrink_4, given_4 = Downsample(4, rounded=True), [Downsample(4, rounded=True)(x) for x in originals]


def place_of(network):
    """Where a method stands: PSNR, and the distance of its patches from the originals'."""
    answers = enlarged_by(network, given_4)
    apart = [metrics.patch_distance(a, x, scale=4, shave=4) for a, x in zip(answers, originals)]
    return benchmark_psnr(answers, originals, 4), LEVELS * torch.cat(apart).mean().item()


PATCHES = "photos, test split, N = 3, ×4, luma, shave 4, 8 bits, 7×7 patches, mean over images"
places = {"bicubic": place_of(shrink_4.baseline), "pixels only": place_of(pixels_only)}
expect("patch distance of bicubic", places["bicubic"][1], low=4.4, high=4.9, unit="levels", protocol=PATCHES)
expect("patch distance, trained on pixels", places["pixels only"][1], low=3.3, high=3.7, unit="levels", protocol=PATCHES)

# %% [markdown]
# ### A critic that looks at texture
#
# Bicubic stands at more than 4 levels, the network trained on pixels lower: it is nearer to the originals *and* nearer to photographs. To
# go further towards the second aim, two terms join the error of the pixels, both from a discriminator $D$. `PatchDiscriminator` gives one logit
# for each neighbourhood of 42 pixels a side, so it judges texture and not what a picture shows.
#
# - **Features.** On its way $D$ computes maps. `feature_distance` is the mean difference of the maps of answer and original, each in
#   units of the original's. This is a *perceptual loss*: two pictures are alike when a network sees the same in them. (SRGAN takes the
#   maps of VGG, trained on a million photographs; nothing is fetched here, so the features are our own critic's, and it learns
#   meanwhile.)
# - **Adversarial.** The generator's part of chapter 02's relativistic game: the answer should pass for an original.

# %%
from course_lib.networks import PatchDiscriminator, feature_distance

torch.manual_seed(SEED)
critic = PatchDiscriminator().to(compute)
pictures = torch.cat([middle(x, 96) for x in originals]) * 2 - 1  # a discriminator is shown [-1,1]
print("logits:", tuple(critic(pictures).shape), "  features:", [tuple(maps.shape[1:]) for maps in critic.features(pictures)])
print("an original and itself are 0 apart:", feature_distance(critic.features(pictures), critic.features(pictures)).item() == 0)

# %% [markdown]
# Chapter 03's `GanStep` takes its pairs from a function: `from_degraded` puts a low-resolution image in the place of the
# latent vector. Its generator loss is a function, too: `perceptual_loss`, here for the generator $G$:
#
# $$ |G(y) - x| \; + \; \lambda_f \cdot \text{features} \; + \; \lambda_a \cdot \text{adversarial}. $$
#
# Start twice from the ×4 network above: once with features only, once with both. Each keeps a moving average of its weights (chapter 03's
# EMA) as its result, and $D$ has chapter 02's gradient penalties. The recipe `srgan` holds the same in finished form.

# %%
import copy

from course_lib.losses import GAN_LOSSES
from course_lib.training import EMA, GanStep, accelerator_for, from_degraded, perceptual_loss, r1_r2


def tuned(steps, **weights):
    torch.manual_seed(SEED)
    players = {"generator": copy.deepcopy(pixels_only).train(), "discriminator": PatchDiscriminator().to(compute)}
    optimisers = {name: torch.optim.Adam(player.parameters(), 1e-3, (0.0, 0.99)) for name, player in players.items()}
    average = EMA(players["generator"], 0.95)
    step = GanStep(
        accelerator_for(compute), **players, optimisers=optimisers, loss=GAN_LOSSES["relativistic"],
        average=average, make_pair=from_degraded(), generator_loss=perceptual_loss(GAN_LOSSES["relativistic"], **weights),
        penalty=r1_r2(0.001), every=8,
    )
    small, large = pairs(train_photos, 4)
    batches = AlignedCrops([y[0] for y in small], [x[0] for x in large], 16, BATCH, SEED + 1, 4)
    for _ in range(steps):
        step(*batches.next())
    return average.network


with_features = tuned(40 * longer, feature_weight=0.1)
with_critic = tuned(160 * longer, feature_weight=0.1, adversarial_weight=0.2)

# %%
JUDGED = {"+ features": (with_features, (28.9, 29.2), (3.3, 3.9)), "+ critic": (with_critic, (28.2, 29.0), (1.8, 2.9))}
for name, (network, (worst, best), (near, far)) in JUDGED.items():
    places[name] = place_of(network)
    expect(f"PSNR ×4, {name}", places[name][0], low=worst, high=best, unit="dB", protocol=PROTOCOL.format(scale=4))
    expect(f"patch distance, {name}", places[name][1], low=near, high=far, unit="levels", protocol=PATCHES)

# %% [markdown]
# Between two networks lies a whole line of answers: blend the two pictures, with a share from 0 to 1. Now draw it all. To the right is
# nearer to the original, down is nearer to photographs, so the best corner is at the bottom right. Who is there?

# %%
def blended(share):
    return lambda y: (1 - share) * pixels_only(y) + share * with_critic(y)


path = [places["pixels only"], *(place_of(blended(share)) for share in (0.25, 0.5, 0.75)), places["+ critic"]]


def plane(places, path):
    canvas, axes = display.figure(height=3.6)
    axes.plot(*zip(*path), ".--", color=display.COLOURS["baseline"], linewidth=1, label="blends of two networks")
    for (name, (psnr, patches)), marker in zip(places.items(), "sDv^oP"):
        colour = {"bicubic": "baseline", "pixels only": "other"}.get(name, "ours")
        axes.plot(psnr, patches, marker, color=display.COLOURS[colour], markersize=8, label=name)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set(title="Nearer to the original, or nearer to photographs", xlabel="PSNR, dB (right: nearer to the original)",
             ylabel="patch distance, levels\n(down: nearer to photographs)", xlim=(28, 29.4), ylim=(0, 5))
    display.plt.show()


plane(places, path)

# %% [markdown]
# Nobody. From bicubic to "pixels only" both numbers improve. "+ features" hardly moves: the features of a critic that has trained for
# seconds say little that pixels do not. "+ critic" brings the patches nearer and loses PSNR; how far it gets in a few seconds differs
# from seed to seed. The blends lead from one to the other. The first of them may gain in both, since a training of seconds does not find
# the best there is; from there on each step down is paid with a step to the left.
#
# Blau and Michaeli prove that for every measure of distortion there is a line of this kind, which no method crosses. Which point on it is
# best depends on who asks: a film wants the lower end, a doctor the right one. Now the pictures. Look at the rim of the eye and at the
# fur: which differences between "pixels only" and "+ critic" are in the original, too?

# %%
last = {"bicubic": shrink_4.baseline, "pixels only": pixels_only, "+ critic": with_critic}
columns = {name: enlarged_by(network, given_4[:1])[0] for name, network in last.items()} | {"the original": originals[0]}
display.show_images([view[WINDOW][0] for view in columns.values()], list(columns), title="×4: fewest errors, or most like a photograph?")

# %% [markdown]
# "Pixels only" is smooth. "+ critic" is crisper and has grain, and much of the grain is where no hair was. **It is invented.** The
# network cannot know; it can only do as the training photographs do. Whoever reads a number plate out of such a picture reads what the
# network made up.
#
# After seconds of training it invents coarsely: along the rim stands a grid of dots. The channels that pixel shuffle lays side by side
# differ a little too much, a relative of chapter 01's checkerboard. Your eye may well prefer "pixels only". `patch_distance` does not,
# since the dots have about as much contrast as the missing hairs had. A measure of perception is a measure too: it sees what it was built
# to see, and the last word is a look at the pictures.

# %% [markdown]
# ## 7. Your own photograph
#
# On the command line: `course restore super_resolution mine.jpg --out large.png`. A photograph of any size goes through
# the network in tiles, each with as much of its surroundings as the network looks at. `by_tiles` is what it calls. Here the flower, not
# shrunk at all:

# %%
from course_lib.images import by_tiles

mine = flower[0, :, 130:290, 230:400]
large = by_tiles(long_run, mine, tile=96, device=compute)
with torch.no_grad():
    whole = long_run(mine[None].to(compute))[0].cpu()
print(f"{tuple(mine.shape)} → {tuple(large.shape)}; the tiles leave no seam:", torch.allclose(large, whole, atol=1e-5))

# %% [markdown]
# There is no original, so no PSNR: look. With a running notebook you can draw the line between them to and fro; on paper the
# two pictures stand side by side. Look at the edges of the petals.

# %%
display.before_after(resize(mine[None], 2)[0].clamp(0, 1), large.clamp(0, 1), ("bicubic", "network"))

# %% [markdown]
# The edges are firmer on the right. But this photograph came as JPEG, and a camera is no `Downsample`: expect less than section 4's
# decibels, and look for blocks. For your own folder of sharp pictures, `course train super_resolution --data folder:PATH --out runs/mine`
# learns your kind of photograph.

# %% [markdown]
# ## What more computing buys
#
# Two longer runs: `super_resolution`, the ×2 network at the top of this chapter, and `srgan` at ×4. The second starts from bicubic
# instead of a network trained on pixels, and weighs the adversarial term half as much as we did. Where on the plane will it stand?

# %%
srgan, srgan_card = load_model("srgan", compute)
for which, of_run in {"super_resolution": card, "srgan": srgan_card}.items():
    print(f"{which}: {of_run['seconds'] / 60:.0f} minutes on {of_run['device']['device']}, {of_run['steps']:,} steps")
places["srgan, long run"] = place_of(srgan)
expect("over bicubic, ×2, long run", gain(long_run, 2), low=2.05, high=2.2, unit="dB", protocol=PROTOCOL.format(scale=2))
expect("PSNR ×4, srgan, long run", places["srgan, long run"][0], low=28.35, high=28.65, unit="dB", protocol=PROTOCOL.format(scale=4))
expect("patch distance, srgan, long run", places["srgan, long run"][1], low=1.8, high=2.1, unit="levels", protocol=PATCHES)
plane(places, path)

# %% [markdown]
# And what does it draw where the fine-tuned network drew its grid?

# %%
columns = {"pixels only": columns["pixels only"], "+ critic": columns["+ critic"],
           "srgan, long run": enlarged_by(srgan, given_4[:1])[0], "the original": originals[0]}
display.show_images([view[WINDOW][0] for view in columns.values()], list(columns), title="×4, seconds against minutes")

# %% [markdown]
# At ×2 the long training adds more than half a decibel to what seconds gave. At ×4 the long run lies below the line of the blends: it
# looks more like photographs than any blend, and is nearer to the original than bicubic. The grid is gone. The rim is firm, and there is
# fur again, in strands that are not the original's. Longer training has brought the method nearer to the line that none crosses. It does
# not lead out of the trade-off: "pixels only", after seconds, still has the better PSNR.

# %% [markdown]
# ## Scorecard

# %%
scorecard()

# %% [markdown]
# ## Summary
#
# - **The question** was where detail can come from when the pixels are gone. **The answer:** from the degradation, whose smearing can be
#   undone in part when it is known; and from other photographs, which tell what is likely. What only the second tells is a guess.
# - The degradation is part of the problem. On another one, a network can be worse than bicubic.
# - PSNR means nothing without luma, range, rounding, shave and the order of means. The same pictures gave numbers almost two decibels
#   apart.
# - Add to bicubic, start at zero, compute at the small size, shuffle last. What must hold for all pictures (flat stays flat) is better
#   built in than learned.
# - Eight looks are better than one, if PSNR is the aim.
# - The answer with the smallest mean squared error is a blurred picture. Near the best possible methods, looks cost PSNR.
#
# **You could now build** an enlarger for your own photographs, judge it by a protocol that others can repeat, and say which part of its
# detail is a guess.
#
# | in `course_lib` | what it holds from this chapter |
# |---|---|
# | `degradations` | `Downsample`, `modcrop` |
# | `images` | `resize`, `eight_bits`; `turned`, `turned_back`, `self_ensemble` |
# | `metrics` | `rgb_to_luma`, `psnr`, `patch_distance` |
# | `networks` | `Enlarge`, `srcnn`, `ZeroMeanConv`, `super_resolver`; `PatchDiscriminator`, `feature_distance` |
# | `data` | `AlignedCrops`, `clean_photographs` |
# | `training` | `from_degraded` and `perceptual_loss`, which make chapter 03's `GanStep` restore; `accelerator_for` |
# | `recipes` | `super_resolution`, `srgan` |
# | `display` | `before_after` |
#
# ## Questions
#
# Answer first, then unfold.
#
# <details><summary>1. A network reports 38 dB on one page and yours 34 dB on another. What do you ask before you believe that it is better?</summary>
#
# Which pictures, which scale, which degradation, luma of which range or RGB, how much shaved, and whether PSNRs or errors were averaged.
# Then measure both by one program.
# </details>
#
# <details><summary>2. Why is the tail zero at the start, and not the head?</summary>
#
# A zero tail makes the correction zero whatever the body says, and the tail's own gradient is not zero, since the features before it are
# not. With a zero head and no biases all features would be zero, and the tail's weights would get no gradient; with head *and* tail zero
# nothing would ever learn.
# </details>
#
# <details><summary>3. What would a network learn whose training pairs were cut from places one pixel apart?</summary>
#
# To move the picture by that pixel. Its loss falls; at the test its PSNR is below bicubic's, because nothing there is moved.
# </details>
#
# <details><summary>4. Why does pixel shuffle not lose anything, and what does it save?</summary>
#
# It moves numbers and changes none. It saves computing: all convolutions before it work at the small size, at $s^2$ times fewer places.
# </details>
#
# <details><summary>5. PSNR says A, all your colleagues prefer B. Who is right?</summary>
#
# Both. PSNR answers how far from the original, the colleagues how much like a photograph. Near the best possible methods one is paid with
# the other.
# </details>
#
# <details><summary>6. Your network sharpens every JPEG block of your holiday pictures. Why, and what can you do?</summary>
#
# It was trained on clean pictures: an edge is an edge for it. Train on small pictures that went through JPEG, with the originals as they
# were, so that removing blocks is part of the task.
# </details>
#
# <details><summary>7. Does the self-ensemble always help?</summary>
#
# Not if the network already commutes with turns and mirrors: then all eight answers are equal. The mean squared error of the mean answer
# is never above the mean of the eight errors, though one of the eight may be better still. For looks it hurts: a mean of eight different
# textures is smoother than each.
# </details>
#
# <details><summary>8. A network gains 2 dB on your test pictures and puts a faint tint on clear skies. How do you exclude that, and how would you have found it?</summary>
#
# Exclude it by construction: filters of the head that sum to zero, no biases after it, so that a flat place gets no correction. Find it
# by a test of a property that holds for all pictures (flat colours stay as they are); a mean over few test pictures does not show what
# they do not contain.
# </details>
#
# ## Exercises and reading
#
# The exercises of this chapter are in [`exercises/06_super_resolution.ipynb`](../exercises/06_super_resolution.ipynb).
#
# - Dong et al. 2014 (journal version 2016), [Image Super-Resolution Using Deep Convolutional Networks](https://arxiv.org/abs/1501.00092):
#   SRCNN; read how classical methods become convolutions.
# - Shi et al. 2016,
#   [Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network](https://arxiv.org/abs/1609.05158):
#   section 4's pixel shuffle.
# - Lim et al. 2017, [Enhanced Deep Residual Networks for Single Image Super-Resolution](https://arxiv.org/abs/1707.02921): EDSR, why
#   blocks lose their norm, and the self-ensemble.
# - Ledig et al. 2017,
#   [Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network](https://arxiv.org/abs/1609.04802): SRGAN; its
#   first figure is section 6 in one picture.
# - Blau and Michaeli 2018, [The Perception-Distortion Tradeoff](https://arxiv.org/abs/1711.06077): the proof, in two pages, that the
#   corner is empty.
