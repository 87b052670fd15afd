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
# # 00 · Start here
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/notebooks/00_start_here.ipynb)
#
# **What is an image to a network, and what is a residual?**
#
# A network never sees a picture. It sees a block of numbers, and most first mistakes in this field are numbers in the
# wrong place or in the wrong range. This chapter makes you sure of both. Then it shows the one idea that the
# whole course is built on: do not paint a picture anew, work out what must be *added* to the one you have.
#
# | | |
# |---|---|
# | **You build** | pictures as tensors, a ruler for them, and a network of 11,000 numbers that sharpens photographs |
# | **You need** | Python; nothing about neural networks |
# | **Computing time** | about 30 seconds on two CPU cores (not yet measured on a GPU) |

# %%
# On Colab this fetches the course's library and leaves Colab's own torch alone. Elsewhere it does nothing.
try:
    import course_lib
except ImportError:
    # %pip install -q "residual-imaging @ git+https://github.com/residual-imaging/residual-imaging"
    pass

# %% [markdown]
# Here is where the chapter ends. A photograph was blurred; a small network looked at the blurred picture and worked
# out a correction (gray means "add nothing"); blurred plus correction is the third picture. The network has never
# seen the fourth, nor any other picture of this cat. You need not follow the code yet: run each cell with
# **Shift+Enter** and look at what comes.

# %%
import torch

from course_lib import check, display
from course_lib.data import load
from course_lib.degradations import GaussianBlur
from course_lib.runs import load_model
from course_lib.system import device

compute = device.pick()
photo, _ = load("photos", "test")[0]
cat = photo[:, 55:155, 123:227]
blurred = GaussianBlur(sigma=1.5)(cat[None])[0]
longer, card = load_model("sharpen", compute)
with torch.no_grad():
    answer = longer(blurred[None].to(compute))[0].cpu()

# %%
display.show_images(
    [blurred, answer - blurred + 0.5, answer, cat],
    ["blurred", "+ correction", "= the network's answer", "the real one"],
    title="The first residual of the course",
)

# %% [markdown]
# ## JupyterLab in five minutes
#
# This page is a *notebook*: cells of text and cells of code. Click into a code cell and press **Shift+Enter**. The
# code runs, its output appears below, and the next cell is selected. Try it here; then change a number and run the
# cell again.

# %%
pixels_of_a_garment = 28 * 28
print(pixels_of_a_garment)

# %% [markdown]
# - The number in brackets at a cell's left counts the runs. Cells run in the order in which *you* run them, not in the
#   order on the page, and all share the same variables. Most odd errors in notebooks come from a cell that was skipped
#   or run twice.
# - The cure: the menu **Kernel → Restart Kernel and Run All Cells**. It forgets everything and runs the page from top
#   to bottom. Each chapter of this course is verified in exactly that way.
# - **Tab** completes a name, **Shift+Tab** shows what a function wants, **Esc** then **B** opens a new cell below.
# - Break things. Nothing you do here changes the library, and a fresh copy of a chapter is one click away.
#
# ## 1. Your machine
#
# A training takes seconds or hours depending on where it runs. The course looks once for the best device: an NVIDIA
# GPU (`cuda`), an Apple GPU (`mps`) or the processor (`cpu`). Each training has a *budget* of steps for the CPU and a
# larger one for a GPU. The output of the next two cells differs from machine to machine.

# %% tags=["nbval-ignore-output"]
for key, value in device.describe(compute).items():
    print(f"{key:10} {value}")
print(f"{'budget':10} {device.budget(compute)}")

# %% [markdown]
# Two more things belong to every run: `device.seed_everything` starts all random numbers at a known place, so that a
# second run gives the same numbers, and `device.Throughput` counts pictures per second, after waiting (`synchronise`)
# for the device to finish. On GPUs that can, `device.autocast` computes the large products with half the bits.

# %% tags=["nbval-ignore-output"]
SEED = 0
device.seed_everything(SEED)
meter = device.Throughput(compute)
with device.autocast(compute), torch.no_grad():
    for _ in range(20):
        longer(torch.rand(4, 3, 64, 64, device=compute))
        meter.add(4)
print(f"{meter.rate:,.0f} pictures of 64×64 a second through the small network")

# %% [markdown]
# And the data. Two sets come with the course and need no internet. The larger ones download when you first ask for
# them, and `load("folder:PATH")` reads your own pictures.

# %%
for name in ("fashion_mnist_mini", "photos"):
    for split in ("train", "test"):
        pictures = load(name, split)
        first, label = pictures[0]
        print(f"{name:19} {split:6} {len(pictures):6,} pictures, the first {tuple(first.shape)}")

# %% [markdown]
# If something is missing on your machine, the command `course doctor` says what, and how to mend it.
#
# ## 2. A picture is a block of numbers
#
# A photograph on disk is rows of pixels, each with three bytes from 0 to 255: red, green, blue. As an array it has
# the shape height × width × 3. Networks of this course want something else: the colour first, and numbers from 0 to 1.

# %%
from course_lib import images

pixels = images.to_uint8(cat).permute(1, 2, 0)  # as a file holds it
print("in a file ", tuple(pixels.shape), pixels.dtype, "top left pixel:", pixels[0, 0].tolist())

picture = pixels.permute(2, 0, 1).float() / 255
print(
    "as tensor ", tuple(picture.shape), picture.dtype, "top left pixel:",
    [round(v, 3) for v in picture[:, 0, 0].tolist()],
)

# %% [markdown]
# `permute` moves axes: the channel axis C comes first, then the height H and the width W. Each channel on its own is
# a gray picture. Look at the fur around the eye: which channel is the brightest there, which the darkest?

# %%
channels = [picture[c : c + 1] for c in range(3)]
display.show_images(
    [picture, *channels], ["colour", "red", "green", "blue"],
    title="One colour picture is three gray ones",
)

# %% [markdown]
# Brown fur is bright in red and dark in blue. Networks take many pictures at once, so there is one axis more, at
# the front. **N×C×H×W** is the order throughout: number, channels, height, width.

# %%
batch = torch.stack([picture, picture.flip(2)])
print("two pictures:", tuple(batch.shape))
one = picture[None]  # None adds an axis of length 1 in front
print("one picture, as a batch:", tuple(one.shape))

# %% [markdown]
# `reshape` gives the same *shape* as `permute` and raises no error. What does it do to the picture?

# %%
shape_only = pixels.reshape(3, 100, 104).float() / 255
display.show_images(
    [picture, shape_only], ["permute", "reshape"],
    title="The right shape is not the right picture",
)

# %% [markdown]
# `reshape` deals the same bytes out anew, in the order in which they lie in memory. Remember the stripes and the false
# colours. You will meet this picture again on a bad day.
#
# ## 3. The two ranges, and the bug each mix-up makes
#
# In the library, pictures lie in [0,1]. Networks that *make* pictures, generators, end in a function called tanh whose
# values lie in [-1,1], so they are trained on pictures stretched to that range. One pair of functions converts, and
# nothing else in the course does: `images.to_signed` and `images.to_unit`.

# %%
signed = images.to_signed(picture)
print(f"[0,1]:  {picture.min():.2f} … {picture.max():.2f}     [-1,1]: {signed.min():.2f} … {signed.max():.2f}")
print("and back:", torch.allclose(images.to_unit(signed), picture, atol=1e-6))

# %% [markdown]
# Now break it, four times. Before you read on, match each picture to one of these mistakes: `to_signed` used twice; shown in
# [-1,1], without `to_unit`; `to_unit` used although the picture was in [0,1] already; numbers too large for a byte that
# wrapped round from 255 to 0.

# %%
wrapped = ((picture * 1.6 * 255).long() % 256).float() / 255
display.show_images(
    [picture, signed, images.to_unit(picture), images.to_signed(signed), wrapped],
    ["right", "A", "B", "C", "D"], columns=3, title="Four ways to show the wrong range",
)

# %% [markdown]
# | picture | symptom | cause |
# |---|---|---|
# | A | all that was darker than mid-gray is black, the rest has too much contrast | [-1,1] shown as [0,1]: everything below 0 is clipped |
# | B | pale, no blacks | [0,1] taken for [-1,1] and converted: black became mid-gray |
# | C | black, but for the very brightest spots (here, next to none) | converted to [-1,1] twice, then shown |
# | D | patches of false colour in the brightest parts, with hard edges | too large for a byte, wrapped round instead of clamped |
#
# `images.to_uint8` is the safe way to bytes: it clamps, then rounds to the nearest.
#
# ## 4. A ruler: PSNR
#
# To say that one picture is closer to the truth than another we need a number. The oldest is the *peak signal-to-noise
# ratio* (PSNR): the mean squared error, put on a logarithmic scale in decibels (dB), so that larger is better. Call the
# picture to be judged the *prediction* and the true one the *target*:
#
# $$\mathrm{PSNR} = 10 \log_{10} \frac{1}{\mathrm{mean}\,(\mathrm{pred} - \mathrm{target})^2}$$
#
# Halving the difference at every pixel makes the squared error four times smaller and adds 10 log₁₀ 4 ≈ 6 dB.

# %%
def psnr(pred, target):
    """dB for each picture of a batch N×C×H×W in [0,1]; the peak is 1."""
    squared_error = (pred - target).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(1 / squared_error)


check.psnr(psnr)

# %% [markdown]
# That line with the tick is a *check*. It ran the function on inputs that you did not see and compared it with
# scikit-image. A check is only worth something if it catches wrong answers, so try it with one. This version averages
# over the whole batch:

# %%
from course_lib.errors import CheckFailed


def pooled_psnr(pred, target):
    return 10 * torch.log10(1 / (pred - target).square().mean())


try:
    check.psnr(pooled_psnr)
except CheckFailed as cross:
    print(cross)

# %% [markdown]
# In an exercise you see that message in the place of an error. It names the mistake and points at a way out. (Here
# `try … except` catches it, so that the page runs on.)
#
# How large is a decibel to the eye? Add noise of four strengths, each half of the one before, and measure with `course_lib.metrics.psnr`, which is
# the function above with a few options.

# %%
from course_lib import metrics

torch.manual_seed(SEED)
noise = torch.randn(picture.shape)
noisy = [(picture + strength * noise).clamp(0, 1) for strength in (0.2, 0.1, 0.05, 0.025)]
values = [metrics.psnr(view[None], picture[None]).item() for view in noisy]
display.show_images(
    noisy, [f"{value:.1f} dB" for value in values],
    title="Halving the noise adds about six decibels",
)

# %%
from course_lib.expect import expect, scorecard

CAT = "one crop of the cat (chelsea), 104×100, RGB, noise clamped to [0,1]"
# expect prints a measured number, the band it must fall in, and a tick; protocol says how it was measured.
expect("gain from halving the noise", values[3] - values[2], low=5.8, high=6.1, unit="dB", protocol=CAT)
print(
    "ours and the library's agree to 0.001 dB:",
    abs(psnr(noisy[0][None], picture[None]).item() - values[0]) < 1e-3,
)

# %% [markdown]
# At 15 dB the damage leaps to the eye; at 32 dB you have to look for it. PSNR has blind spots, which later chapters will
# show. `metrics.rgb_to_luma` is there for papers that measure brightness only.
#
# ## 5. The first residual, by hand
#
# Blur a photograph, and subtract: sharp minus blurred. That difference is the *residual*. Gray is zero in the
# picture below, brighter is "add", darker is "take away". Where is the residual not gray?

# %%
blur = GaussianBlur(sigma=1.5)  # each pixel becomes a mean of its neighbourhood, some 1.5 pixels wide
blurred = blur(picture[None])[0]
residual = picture - blurred
display.show_images(
    [blurred, residual + 0.5, blurred + residual], ["blurred", "residual", "blurred + residual"],
    title="A blurred photograph plus a correction is a sharp one",
)

# %%
print("blurred + residual is the photograph:", torch.allclose(blurred + residual, picture, atol=1e-6))
share = residual.square().mean() / (picture - picture.mean()).square().mean()
expect("share of the residual in the picture's energy", 100 * share, low=3, high=5, unit="%",
       protocol="one crop of the cat (chelsea), 104×100, RGB, σ = 1.5, mean removed")

# %% [markdown]
# In flat places, like the pupil, the residual is nearly nothing; it lives on edges and hairs. It carries a few hundredths
# of the picture's energy (its squared differences from the mean). That is what makes it worth learning: the blurred
# picture has most of the answer already, and a network that learns only the rest starts with it.
#
# Of course we cheated: we used the sharp picture to find the residual. Can the *blurred* picture alone tell where
# something must be added? Photographers have known a way since the days of film. Blur the picture once more, and
# subtract that from the blurred picture. The difference resembles the residual. Add it, times some amount. This is
# called *unsharp masking*.

# %%
def sharpen(y, blur, amount):
    """A residual without learning: y plus `amount` times what another blur would take away."""
    return (y + amount * (y - blur(y))).clamp(0, 1)


check.sharpen(sharpen)

# %% [markdown]
# Which amount? We may choose it on the six training photographs, and must not look at the three held-out ones.

# %%
def mean_psnr(photos, restore):
    values = [metrics.psnr(restore(blur(x[None])), x[None]).item() for x in photos]
    return sum(values) / len(values)


train_photos, test_photos = ([photo for photo, _ in load("photos", split)] for split in ("train", "test"))
amounts = [0, 0.5, 1, 1.5, 2, 2.5, 3, 4]
scores = []
for amount in amounts:
    scores.append(mean_psnr(train_photos, lambda y: sharpen(y, blur, amount)))
best = amounts[scores.index(max(scores))]

# %%
canvas, axes = display.figure(height=2.6)
axes.plot(amounts, scores, "o-", color=display.COLOURS["baseline"])
axes.set(
    title="Too little correction leaves blur, too much overshoots", xlabel="amount",
    ylabel="mean PSNR in dB, train",
)
display.plt.show()
print("best amount on the training photographs:", best)

# %%
HELD_OUT = "photos test, N = 3, RGB, σ = 1.5, no noise, no border left out, mean of PSNR per image"
blurred_db = mean_psnr(test_photos, lambda y: y)
unsharp_db = mean_psnr(test_photos, lambda y: sharpen(y, blur, best))
expect("blurred", blurred_db, low=27.8, high=27.9, unit="dB", protocol=HELD_OUT)
expect("unsharp mask", unsharp_db, low=29.65, high=29.75, unit="dB", protocol=HELD_OUT)

# %% [markdown]
# One number, the amount, buys nearly two decibels. But the same amount is used everywhere, in the fur as in the sky. A
# network can do better because it can look first.
#
# ## 6. Let a network write the residual
#
# A *convolution* computes each number of its output as a weighted sum of a 3×3 neighbourhood of its input, with the same
# weights everywhere. Three of them in a row, with a cut at zero between them, are our network $F$; its weights are the
# 11,000 numbers. *Training* means: show it blurred pictures, measure the squared error of its answer (the *loss*), and
# move each weight a little in the direction that makes the loss smaller. That is one *step*.
#
# The network's output is *added* to its input: `blurred + F(blurred)`. You will build that wrapper yourself in chapter
# 01. The weights of the last convolution start at zero. What, then, does the network do before it has learned
# anything? (A *recipe* holds a network and all that its training needs.)

# %%
from course_lib import recipes

run = recipes.sharpen("photos", compute, seed=SEED)
with torch.no_grad():
    start = run.model(blurred[None].to(compute))[0].cpu()
print("parameters:", f"{sum(parameter.numel() for parameter in run.model.parameters()):,}")
print("before training it returns its input:", torch.equal(start, blurred))

# %% [markdown]
# Exactly nothing, and that is a good place to start: it is as good as the blurred picture, and training has only the
# correction to learn. Each step takes sixteen random crops of 48×48 pixels from the six training photographs.

# %%
budget = device.budget(compute)
run.trainer.run(steps=run.steps[budget])
network_db = run.evaluate()[-1].value
best_case = {"cpu": 31.2, "gpu": 34}[budget]  # a GPU's budget is 25 times as many steps
expect("network", network_db, low=30.2, high=best_case, unit="dB", protocol=HELD_OUT)
expect(
    "gain of the network over unsharp mask", network_db - unsharp_db, low=0.5,
    high=best_case - 29.7, unit="dB", protocol=HELD_OUT,
)

# %% [markdown]
# ### Break it: take the shortcut away
#
# The same three convolutions, the same crops, the same number of steps. But now the network must give the sharp picture
# itself, not what to add. (Its last layer starts at random: from zero it would start with a black picture.)

# %%
from course_lib.networks import sharpener

torch.manual_seed(SEED)
without_shortcut = sharpener().branch  # F alone
without_shortcut[-1].reset_parameters()
repaint = recipes.sharpen("photos", compute, seed=SEED, network=without_shortcut)
repaint.trainer.run(steps=repaint.steps[budget])
repaint_db = repaint.evaluate()[-1].value
expect("network without shortcut", repaint_db, low=24.5, high=best_case, unit="dB", protocol=HELD_OUT)
expect("what the shortcut buys", network_db - repaint_db, low=1, high=6.5, unit="dB", protocol=HELD_OUT)

# %% [markdown]
# Compare both curves with the dotted line: the error of the blurred picture as it is, at the first step. Who does
# better than doing nothing, and when?

# %%
canvas, axes = display.figure()
display.curves(
    axes,
    {
        "without": display.smooth(repaint.trainer.history["loss"]),
        "with shortcut": display.smooth(run.trainer.history["loss"]),
    },
    colours=["plain", "residual"], styles=["--", "-"], yscale="log",
    title="Repainting starts far behind and barely reaches its own input",
    xlabel="training step (batches of 16 crops)", ylabel="squared error (mean of 20 steps)",
)
axes.axhline(run.trainer.history["loss"][0], color=display.COLOURS["baseline"], linestyle=":")
display.plt.show()

# %% [markdown]
# The network with the shortcut begins at the line, wavers for some forty steps, and goes down. The other one begins a
# hundred times above it. After all its steps it has learned little more than to copy: on the held-out photographs it is
# still *worse than the blurred picture it was given*. (So it was with all six seeds that we tried.) Copying is what the shortcut
# gives for nothing.
#
# | symptom | cause |
# |---|---|
# | a restoring network is worse than its own input, at first or for long | no shortcut: it must learn to copy before it can correct |
# | with a shortcut, the first step already spoils the picture | the last layer does not start at zero |
#
# ## Scorecard

# %%
scorecard()

# %% [markdown]
# Every number stands beside the band it must fall in and the way it was measured. We ran the chapter with six seeds; each
# band holds all six results, with some room. When the course is tested, this page runs again from top to bottom, and a
# number that leaves its band stops the test.
#
# ## What more computing buys
#
# The network at the top of this page is the same one, trained longer. Its *card* says how.

# %%
longer_db = recipes.sharpen.evaluate(longer, "photos", compute)[-1].value
print(f"recipe {card['recipe']}, data photos train, {card['steps']:,} steps, "
      f"{card['seconds'] / 60:.0f} minutes on {card['device']['device']} ({card['device']['threads']} thread)")
expect("network, longer run", longer_db, low=33.3, high=33.5, unit="dB", protocol=HELD_OUT)

# %% [markdown]
# Look at the rim of the pupil and at the lashes above it.

# %%
with torch.no_grad():
    short = run.model(blurred[None].to(compute))[0].cpu()
by_hand = sharpen(blurred[None], blur, best)[0]
eye = [view[:, 20:80, 5:85] for view in (blurred, by_hand, short, answer, picture)]
display.show_images(
    eye, ["blurred", "unsharp mask", "this chapter", "longer run", "the real one"],
    title="The same correction, better and better",
)

# %% [markdown]
# ## Summary
#
# - **To a network an image is** a block of numbers N×C×H×W, in [0,1] or, for generators, in [-1,1]. The right shape is not
#   the right picture: look at what you feed.
# - **A residual is** what must be added to what you already have. It is small, it lives on edges, and a network that
#   learns it starts as good as its input. Asking for the whole picture instead wastes the training on copying.
# - PSNR measures how far a picture is from the truth; a check catches wrong answers, and a number without its protocol
#   is worth nothing.
#
# **You could now build** a ruler for restored pictures, a sharpener by hand, and, from the recipe, a trained one for your own
# photographs (`recipes.sharpen("folder:PATH")`). What is in that wrapper, and how deep may such a network be? That is
# chapter 01.
#
# | in `course_lib` | what it holds from this chapter |
# |---|---|
# | `system.device` | `pick`, `describe`, `budget`, `seed_everything`, `Throughput`, `synchronise`, `autocast` |
# | `data` | `load` gives `Images`; `data_dir`; `RandomCrops` |
# | `images`, `display` | `to_signed`, `to_unit`, `to_uint8`, `save_image`; `show_images` |
# | `degradations`, `metrics` | `GaussianBlur`; `psnr`, `rgb_to_luma` |
# | `networks`, `recipes`, `runs` | `sharpener`; `sharpen`; `load_model`, `find_run`, `read_card` |
# | `check`, `expect`, `errors` | checks and `CheckFailed`; `expect` and `scorecard` (and `judged`, `forget`); `CourseError`, the course's way to say no in one line |
#
# ## Questions
#
# Answer first, then unfold.
#
# <details><summary>1. What is the shape of a batch of 16 colour pictures, 32 pixels high and 48 wide?</summary>
#
# 16×3×32×48: N×C×H×W.
# </details>
#
# <details><summary>2. A generator's samples look pale, without any black. What do you check first?</summary>
#
# Whether [0,1] was taken for [-1,1] and converted once too often: that turns black into mid-gray (picture B).
# </details>
#
# <details><summary>3. Why does reshape give the right shape and the wrong picture?</summary>
#
# It deals the numbers out anew in memory order. Moving axes needs permute (or transpose).
# </details>
#
# <details><summary>4. One method has 30 dB, another 33 dB. By what factor does the mean squared error differ?</summary>
#
# By 10^(3/10), which is about 2.
# </details>
#
# <details><summary>5. Why is PSNR averaged over pictures, and not computed from the mean error of the batch?</summary>
#
# The logarithm of a mean is not the mean of logarithms: pooling lets the worst picture dominate. Papers average per image.
# </details>
#
# <details><summary>6. Why must the amount of unsharp masking not be chosen on the held-out photographs?</summary>
#
# Then they would no longer be unseen, and the score would be better than on the next new photograph.
# </details>
#
# ## Exercises and reading
#
# Four short exercises are in [`exercises/00_start_here.ipynb`](../exercises/00_start_here.ipynb). Then go on to
# [chapter 01](01_residual_blocks.ipynb).
#
# - [The JupyterLab interface](https://jupyterlab.readthedocs.io/en/stable/user/interface.html): what all the panels are for.
# - [Deep Learning with PyTorch: a 60-minute blitz](https://docs.pytorch.org/tutorials/beginner/deep_learning_60min_blitz.html): tensors and gradients, if
#   they are new to you.
# - Zhang et al. 2017, [Beyond a Gaussian Denoiser](https://arxiv.org/abs/1608.03981): denoising by learning the residual, the
# subject of chapter 05.
