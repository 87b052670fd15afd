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
# # 03 · Training a residual GAN
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/notebooks/03_training_a_residual_gan.ipynb)
#
# **How do you get a GAN from noise to garments in a minute, and how do you know it is going well?**
#
# GANs are said to be slow and unstable, and their losses are hard to read. You train three of them here in about the same
# time, take one apart to see what keeps it from collapsing, and read the instruments. Then you see four failures, and
# which instrument shows each.
#
# | | |
# |---|---|
# | **You build** | a residual generator that starts from the best Gaussian; the training step of a GAN; its average; its instruments |
# | **You need** | chapter 01 (the block), chapter 02 (the losses and penalties) |
# | **Computing time** | about 60 seconds on two CPU cores (not yet measured on a GPU) |

# %%
# On Colab this fetches the course's library and leaves Colab's own torch alone. Elsewhere it does nothing.
try:
    import course_lib
except ImportError:
    # %pip install -q "residual-imaging @ git+https://github.com/residual-imaging/residual-imaging"
    pass

# %%
import torch
from torch import nn
from torch.nn import functional

from course_lib import check, display, recipes
from course_lib.data import load
from course_lib.expect import expect, scorecard
from course_lib.images import to_signed, to_unit
from course_lib.system import device

SEED = 0  # every random number of this chapter follows from it
compute = device.pick()

# %% [markdown]
# This is where it leads. The residual GAN of this chapter has drawn these garments, after ten minutes of training on one CPU
# core. (Section 8 asks whether it copied them, and "What more computing buys" comes back to that run; the chapter itself
# trains for seconds.)

# %%
from course_lib.data import data_dir
from course_lib.runs import load_model
from course_lib.sampling import sample_images

longer, card = load_model("residual_gan", compute)
display.show_images(
    sample_images(longer, 24, SEED), columns=12, title="Drawn by this chapter's residual GAN, after ten minutes"
)

# %% [markdown]
# ## The garments, and a ruler
#
# The generator ends in a *tanh*, which gives numbers between −1 and 1, so the real pictures must come in that range
# too. `to_signed` brings them there, `to_unit` brings pictures back.

# %%
train, test = load("fashion_mnist_mini", "train"), load("fashion_mnist_mini", "test")
images = train.tensors()[0].to(compute)
real_pictures = to_signed(images)
print("values from", real_pictures.min().item(), "to", real_pictures.max().item())

# %% [markdown]
# How good is a generator? Neither player's loss says so: each only says how the other one is doing. You need a ruler
# from outside. A classifier like chapter 01's, trained for longer and kept in `data/checkpoints`, turns each picture into
# 128 features. Take many pictures, and compare the mean and the covariance of their features with those of the test
# set. How far apart the two are, as one number, is the *Fréchet distance*. The features are the course's own, so we
# call it **FD-clf**.
#
# 0 means equal means and covariances; the pictures themselves may still differ. Chapter 04 takes this ruler apart; here you
# only read it. A ruler needs its two ends first.

# %%
from course_lib.evaluation import extract_features, fd_clf, garments

reference = extract_features(test.tensors()[0], garments(compute))
PROTOCOL = "FD-clf of 2,000 pictures against fashion_mnist_mini test (its 2,000 pictures), course classifier"

torch.manual_seed(SEED)
noise_score = fd_clf(reference, torch.rand(2_000, 1, 28, 28), compute)
real_score = fd_clf(reference, images[:2_000], compute)
expect("FD-clf of pure noise", noise_score, low=90, high=102, protocol=PROTOCOL)
expect("FD-clf of real training pictures", real_score, low=0.1, high=0.25, protocol=PROTOCOL)

# %% [markdown]
# Noise is about a hundred away. Real training pictures are not at 0: the two samples differ by chance, and the classifier
# has seen one of them in its training. With 2,000 pictures, do not expect a score much below theirs.

# %% [markdown]
# ## 1. A generator that is good before it is trained
#
# The usual generator begins as a random network and spends its first minutes learning that garments sit in the middle
# and the background is black. You know that already. So does the oldest generator of all, a *Gaussian*: take the mean
# of all pictures and the directions in which they vary most, the *principal components*. A picture drawn from it is
# the mean plus each component times a random number: the generator's noise $z$.
#
# $$ S(z) = \mu + \sum_{k=1}^{64} z_k \sqrt{\lambda_k}\, v_k, \qquad z_k \sim \mathcal N(0, 1) $$
#
# with $\mu$ the mean picture, $v_k$ the eigenvectors of the pixels' covariance and $\lambda_k$ the variance of the pictures along
# $v_k$. No other Gaussian of 64 directions keeps more of the pictures' variance. How much is that?

# %%
pixels = real_pictures.flatten(1).cpu()
mean = pixels.mean(0)
variances, directions = torch.linalg.eigh(torch.cov(pixels.T.double()))  # in ascending order
basis = (directions[:, -64:] * variances[-64:].clamp(min=0).sqrt()).T.float()  # 64 × 784
print(f"variance kept by 64 of {len(variances)} components: {variances[-64:].sum() / variances.sum():.0%}")

noise = torch.randn(2_000, 64)
ghosts = (mean + noise @ basis).unflatten(1, (1, 28, 28))

# %% [markdown]
# Look for sharp edges in the second row.

# %%
display.show_images(
    torch.cat([images[:10].cpu(), to_unit(ghosts[:10])]),
    display.row_titles(["real", "Gaussian"], 10), columns=10,
    title="What the best Gaussian knows of garments",
)

# %% [markdown]
# Shirts, shoes and trousers shine through each other; nothing is sharp, and the background is dirty. But it is no longer
# noise, and it cost one matrix. You know what to do with a good start that needs a correction: **y = S(x) + F(x)**.
# Let the Gaussian be the shortcut and a small convolutional network the branch. `PrincipalComponents` in `course_lib` is
# your Gaussian. Its mean and basis are trainable; they start at your values. Is it the same Gaussian? Eigenvectors may
# differ in sign, so compare the covariances, basisᵀ·basis, and not the bases.

# %%
from course_lib.networks import PrincipalComponents

shortcut = PrincipalComponents(to_signed(images), 64)
gap = (shortcut.basis.T @ shortcut.basis - basis.T @ basis).abs().max()
print("same covariance to 1e-4:", bool(gap < 1e-4))

# %% [markdown]
# Now the branch. Two decisions make it quick:
#
# - **Many channels only where the picture is small.** A 3×3 convolution costs 9 · channels² multiplications *for each
#   pixel*. At 7×7 there are 49 pixels, at 28×28 there are 784: sixteen times as many.
# - **The last step is no convolution at full size.** *Sub-pixel convolution* makes four numbers for each pixel of a
#   14×14 picture, and `PixelShuffle` lays them out as 2×2 pixels.
#
# Two more decisions come from chapter 01 and from experience. There is no normalisation; the blocks start as the identity
# instead (`zero_last`). And `leaky` is a LeakyReLU: below zero it still lets a fifth of the signal through, so no unit is
# ever quite dead.

# %%
from course_lib.blocks import Residual, linear_block, preact_block, zero_last
from course_lib.networks import leaky


def block(width):
    return zero_last(preact_block(width, norm=nn.Identity, activation=leaky))


branch = nn.Sequential(
    nn.Linear(64, 32 * 7 * 7), nn.Unflatten(1, (32, 7, 7)), block(32),
    nn.Conv2d(32, 64, 3, padding=1), nn.PixelShuffle(2), block(16),  # 64 × 7×7 → 16 × 14×14
    leaky(), nn.Conv2d(16, 4, 3, padding=1), nn.PixelShuffle(2),  # 4 × 14×14 → 1 × 28×28
)
generator = nn.Sequential(zero_last(Residual(branch, shortcut)), nn.Tanh())

# %% [markdown]
# `zero_last` also sets the branch's last convolution to zero. So before training the generator is the Gaussian, squeezed
# by the tanh (which takes black, −1, to −0.76, a dark grey), and not one pixel away from it:

# %%
with torch.no_grad():
    start = generator(noise)
print("starts as tanh(S):", torch.equal(start, torch.tanh(shortcut(noise))))
start_score = fd_clf(reference, to_unit(start), compute)
expect("FD-clf before any training", start_score, low=20, high=40, protocol=PROTOCOL)

# %% [markdown]
# The way from noise to real garments is shorter already, without a single step.
#
# The discriminator sees 28×28 numbers. Two convolutions with stride 2 take it to 7×7. What then? A *linear* layer that sees the
# whole picture uses each of its weights once per picture; a convolution uses each weight at every pixel. So a linear layer
# with many weights is still cheap. And garments are centred, so there is no need to look for them everywhere. `linear_block`
# is the block of chapter 01 with linear layers. No batch normalisation here, for a reason that section 4 shows.

# %%
discriminator = nn.Sequential(
    nn.Conv2d(1, 16, 4, stride=2, padding=1), leaky(), nn.Conv2d(16, 32, 4, stride=2, padding=1), leaky(),
    nn.Flatten(), nn.Linear(32 * 7 * 7, 256),
    zero_last(linear_block(256, activation=leaky)), zero_last(linear_block(256, activation=leaky)),
    leaky(), nn.Linear(256, 1), nn.Flatten(0),
)
for name, network in (("generator", generator), ("discriminator", discriminator)):
    print(f"{name}: {sum(weight.numel() for weight in network.parameters()):,} weights")

# %% [markdown]
# `course_lib.residual_gan` holds the same two as `residual_generator` and `residual_discriminator`.

# %% [markdown]
# ## 2. The loop, written out
#
# One step has two turns. From here on you train the networks of the recipe `residual_gan`, the same two that you built, so
# that you can compare with the library to the last digit. The recipe also brings the optimisers' settings: a learning rate of
# 2e-3, and Adam with a first beta of 0. (A beta of 0 means no memory of old gradients. They were computed against an opponent
# that has changed since.)

# %%
from course_lib.training import adam

run = recipes.residual_gan("fashion_mnist_mini", compute, seed=SEED)
plan = recipes.RESIDUAL_PLAN
generator, discriminator = run.trainer.networks["generator"], run.trainer.networks["discriminator"]
adam_g = adam(generator, plan.learning_rate, plan.betas, compute)
adam_d = adam(discriminator, plan.learning_rate, plan.betas, compute)

# %% [markdown]
# **The discriminator's turn.** The loss is chapter 02's relativistic one: a real picture should have a larger logit than
# a generated one. Real and generated pictures go through in one pass. `detach` cuts the generated
# pictures off from the generator, which must not be moved by this loss.
#
# On every eighth step the penalties R1 and R2 are added, eight times as strong: *lazy regularisation*. Together they are γ/2
# times the mean squared slope at real pictures plus γ/2 times that at generated ones. Both halves are equally large, so this
# equals γ times the mean over the joint batch.

# %%
from course_lib.losses import r1_penalty


def discriminators_turn(real, fake, step, gamma=0.2, every=8):
    fake = fake.detach()
    real_logits, fake_logits = discriminator(torch.cat([real, fake])).chunk(2)
    loss = functional.softplus(fake_logits - real_logits).mean()
    if step % every == 0:
        loss = loss + every * gamma * r1_penalty(discriminator, torch.cat([real, fake]))
    adam_d.zero_grad()
    loss.backward()
    adam_d.step()

# %% [markdown]
# **The generator's turn.** The same comparison the other way round, judged by the discriminator as it is now. The
# gradient must pass *through* the discriminator to the pictures, but its weights need none: `requires_grad_(False)`
# keeps PyTorch from computing them.

# %%
def generators_turn(real, fake):
    discriminator.requires_grad_(False)
    with torch.no_grad():
        real_logits = discriminator(real)
    loss = functional.softplus(real_logits - discriminator(fake)).mean()
    adam_g.zero_grad()
    loss.backward()
    adam_g.step()
    discriminator.requires_grad_(True)

# %% [markdown]
# **The average.** At a constant learning rate the generator's weights keep moving about. Their *exponential moving average* (EMA)
# moves less. It is what you sample from; training never looks at it.

# %%
import copy

average = copy.deepcopy(generator).requires_grad_(False)


def update_average(step, decay=0.998):
    decay = min(decay, (1 + step) / (10 + step))  # a short memory at first: the start is soon forgotten
    with torch.no_grad():
        for mine, theirs in zip(average.parameters(), generator.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)

# %% [markdown]
# And the loop. The learning rate is left constant here; twenty-four steps are enough to compare.

# %%
STEPS_BY_HAND = 24
torch.manual_seed(SEED)
for step in range(STEPS_BY_HAND):
    real = to_signed(run.trainer.batches.next()[0])
    fake = generator(torch.randn(len(real), 64).to(compute))
    discriminators_turn(real, fake, step)
    generators_turn(real, fake)
    update_average(step)

# %% [markdown]
# `course_lib` has the same step once for all GANs: `GanStep`, and `EMA`. It judges real and generated pictures `together`
# in one pass as you did, or `apart` where batch norm must not mix them; its penalties are `r1_r2`, yours, and
# `one_lipschitz`, chapter 02's gradient penalty. The trainer of chapter 01 runs it. Does it do what you wrote?

# %%
again = recipes.residual_gan("fashion_mnist_mini", compute, seed=SEED)
again.trainer.schedule = lambda progress: 1.0
torch.manual_seed(SEED)
again.trainer.run(steps=STEPS_BY_HAND)

pairs = zip(average.parameters(), again.model.parameters(), strict=True)
worst = max((mine - theirs).abs().max().item() for mine, theirs in pairs)
expect("largest difference between your loop and the library's", worst, low=0, high=1e-6,
       protocol=f"averaged weights after {STEPS_BY_HAND} steps, same seed")

# %% [markdown]
# ## 3. Three GANs, about the same time
#
# Three recipes stand in `course_lib`, each with its `GanPlan` (loss, batch, learning rate and how it changes, penalty):
#
# | recipe | networks | loss | batch, learning rate | source |
# |---|---|---|---|---|
# | `mlp_gan` | a *multi-layer perceptron*, no convolution: `mlp_generator`, `mlp_discriminator` | non-saturating | 64, 2e-4 | Goodfellow et al. 2014 |
# | `dcgan` | *deep convolutional*, transposed convolutions and batch norm, at half its paper's width: `dcgan_generator`, `dcgan_discriminator`, weights as the paper starts them (`dcgan_start`) | non-saturating | 64, 2e-4 | Radford et al. 2015 |
# | `residual_gan` | yours | relativistic, lazy R1 + R2 | 32, 2e-3, fading to 0 over the second half (`fading`) | this chapter |
#
# A step costs them very different amounts, so equal *steps* would not be fair. The numbers of steps below take about
# the same time, some seconds, on one CPU core; the cell after next prints them. While each trains, its average draws the
# same eight garments again and again.

# %%
STEPS = {"mlp_gan": 240, "dcgan": 75, "residual_gan": 180}
if device.budget(compute) == "gpu":
    STEPS = {name: 20 * steps for name, steps in STEPS.items()}

def recorder(run, steps, shots=5):
    """A list that fills up with eight pictures of the same noise while `run` trains, and what has to watch it."""
    timeline = [run.sample(8, SEED)]

    def watch(trainer):
        if trainer.steps % (steps // shots) == 0:
            timeline.append(run.sample(8, SEED))

    return timeline, watch

# %%
runs, timelines = {}, {}
for name, steps in STEPS.items():
    runs[name] = recipes.RECIPES[name]("fashion_mnist_mini", compute, seed=SEED)
    timelines[name], watch = recorder(runs[name], steps)
    runs[name].trainer.run(steps=steps, watch=watch)

# %% tags=["nbval-ignore-output"]
for name, run in runs.items():
    print(f"{name:13} {run.trainer.seconds:5.1f} s for {run.trainer.steps} steps")

# %% [markdown]
# Which row could you name garments in?

# %%
rows = torch.cat([runs[name].sample(12, SEED) for name in STEPS])
display.show_images(
    rows, display.row_titles(STEPS, 12), columns=12,
    title="Three GANs after some seconds each: not picked, the first twelve",
)

# %%
BANDS = {"mlp_gan": (15, 60), "dcgan": (15, 60), "residual_gan": (9, 22)}
scores = {}
for name, (low, high) in BANDS.items():
    scores[name] = fd_clf(reference, runs[name].sample(2_000, 1), compute)
    expect(f"FD-clf of {name}", scores[name], low=low, high=high,
           protocol=f"{PROTOCOL}; {STEPS[name]} steps")

# %%
rivals = min(scores["mlp_gan"], scores["dcgan"])
expect("residual_gan over the better of the other two", scores["residual_gan"] / rivals, low=0.3, high=0.8,
       protocol=PROTOCOL)

# %%
ladder = {"noise": noise_score, "Gaussian start": start_score} | scores | {"real": real_score}
kinds = ["baseline", "baseline", "other", "other", "ours", "real"]
canvas, axes = display.figure(height=2.6)
bars = axes.barh(list(ladder), list(ladder.values()), color=[display.COLOURS[kind] for kind in kinds])
axes.bar_label(bars, fmt="%.1f", padding=3)
axes.set(title="A few seconds of training each", xlabel="FD-clf (lower is better)", xscale="log")
axes.invert_yaxis()
display.plt.show()

# %% [markdown]
# The residual GAN is ahead. But look at the second bar: the two others have hardly reached the Gaussian that it started from.
# So far this race measures a head start. (The fine grid of dots in the residual GAN's pictures is sub-pixel convolution's: the
# four numbers of a 2×2 patch come from different weights, and these soon differ. Chapter 01's checkerboard is a relative.)
#
# ### A whole minute each
#
# Does the lead last? `benchmarks/gan_race.py` lets the usual recipes train for a minute each, and besides them four versions
# of `residual_gan` with one thing taken out. That takes most of an hour, so the chapter shows its saved results. All are averaged
# (EMA) and judged alike. Some of the names: *SNGAN* holds the discriminator by spectral norm (chapter 02); "hinge residual GAN" and
# "relativistic, R1 + R2" are two networks of chapter 01's up- and down-blocks.

# %%
import json
import statistics

race = json.loads((data_dir() / "gan_race.json").read_text())
print(f"{race['protocol']}; {race['machine']['device']}, {race['machine']['threads']} threads")
distances, steps_made = {}, {}
for result in race["results"]:
    distances.setdefault(result["name"], []).append(result["fd_clf"])
    steps_made.setdefault(result["name"], []).append(result["steps"])
for name, of_its_seeds in steps_made.items():
    print(f"{name:31} {statistics.median(of_its_seeds):5,} steps in its minute")
medians = {name: statistics.median(of_its_seeds) for name, of_its_seeds in distances.items()}
contenders = list(medians)
ours = contenders.index("residual_gan")  # rivals stand before it, what lacks one part behind it

# %% [markdown]
# Compare the blue bar with the best of the grey ones above it, and with each of the orange ones below it. A dot is one seed.

# %%
canvas, axes = display.figure(height=4.2)
kinds = ["baseline"] * ours + ["ours"] + ["other"] * (len(contenders) - ours - 1)
axes.barh(contenders, list(medians.values()), color=[display.COLOURS[kind] for kind in kinds])
for place, name in enumerate(contenders):
    axes.plot(distances[name], [place] * len(distances[name]), "k.", markersize=5)
    axes.text(max(distances[name]) + 0.3, place, f"{medians[name]:.1f}", va="center")
axes.set(title="A minute of training each, on two CPU cores", xlabel="FD-clf, median of the seeds (lower is better)")
axes.invert_yaxis()
display.plt.show()

# %%
best_rival = min(medians[name] for name in contenders[:ours])
expect("a minute each: residual_gan over its best rival", medians["residual_gan"] / best_rival, low=0.25, high=0.5,
       protocol="saved results of benchmarks/gan_race.py, medians of three seeds")
expect("a minute each: residual_gan over the best with a part taken out",
       medians["residual_gan"] / min(medians[name] for name in contenders[ours + 1 :]), low=0.6, high=1,
       protocol="saved results of benchmarks/gan_race.py, medians of three seeds")

# %% [markdown]
# Of the usual recipes the oldest comes furthest. Linear layers are so cheap that the MLP GAN makes four thousand steps in its
# minute, where the networks with convolutions at full size make three or four hundred. `residual_gan` makes three thousand, with
# convolutions: that is what cheap places for the channels buy. It ends at 0.4 of the MLP GAN's distance.
#
# And the orange bars? No single part makes the lead: with any one taken out the median rises, and still stays below every
# rival. Three seeds are few, and the fading learning rate makes no more difference than they do. The shortcut matters most
# to luck: without it one seed ends nearly as well as with it, another far behind.
#
# ### The shortcut, taken away
#
# In that race the version without the Gaussian recovers in the end. Its first steps are another matter. Watch them: the same
# branch, without the shortcut behind it. (Its last layer must then not begin at zero, or all pictures would be the same grey.)

# %%
from dataclasses import replace

from course_lib.networks import as_generator, residual_discriminator, residual_generator

BARE_STEPS = 40


def without_shortcut(images):
    generator = residual_generator(images)
    generator.tail.reset_parameters()  # the last convolution, which starts at zero
    return as_generator(nn.Sequential(generator.branch, nn.Tanh()), 64), residual_discriminator()


def with_shortcut(images):
    return residual_generator(images), residual_discriminator()

# %% [markdown]
# One run proves little here, so take three of each, with other seeds. *Diversity* is the standard deviation of a pixel over a
# batch of generated pictures, averaged over the pixels. Below 0.1 we call a run collapsed.

# %%
from course_lib.training import constant

short_plan = replace(recipes.RESIDUAL_PLAN, schedule=constant)
trials = {"without": [], "with": []}
for name, networks in (("without", without_shortcut), ("with", with_shortcut)):
    for seed in (3 * SEED, 3 * SEED + 1, 3 * SEED + 2):
        trial = recipes.gan(networks, short_plan, "fashion_mnist_mini", compute, seed)
        trial.trainer.run(steps=BARE_STEPS)
        trials[name].append(trial)

# %%
real_diversity = real_pictures.std(0).mean().item()
print(f"diversity of real pictures: {real_diversity:.2f}")
for name in trials:
    at_the_start = [f"{trial.trainer.history['diversity'][0]:.2f}" for trial in trials[name]]
    print(f"{name} the shortcut, at the first step: {', '.join(at_the_start)}")

# %%
for name, low, high in (("without", 1, 3), ("with", 0, 0)):
    collapsed = sum(trial.trainer.history["diversity"][-1] < 0.1 for trial in trials[name])
    expect(f"collapsed runs of three, {name} the shortcut", collapsed, low=low, high=high,
           protocol=f"diversity below 0.1 after {BARE_STEPS} steps at a constant rate")

# %%
rows = torch.cat([trial.sample(12, SEED) for name in trials for trial in trials[name]])
display.show_images(
    rows, display.row_titles(["without the shortcut", "", "", "with it", "", ""], 12), columns=12,
    title=f"Three runs each, {BARE_STEPS} steps; every row is one run",
)

# %% [markdown]
# Without the shortcut most runs give nearly the same picture for every noise. Chapter 02 called leaving out some heaps *mode
# collapse*; this is its extreme form. The diversities of the first step suggest a reason: without the shortcut all pictures
# start alike, so their arrows (chapter 02) are alike too, and they move together. The shortcut spreads the pictures out from the first
# step, so each gets its own correction. You met this in chapter 01: a shortcut makes the easy thing easy, here "different
# noise, different picture".

# %% [markdown]
# ## 4. Is it going well?
#
# The losses of a GAN do not fall the way a classifier's does; you will see one. What tells more, step by step:
#
# - the **logit gap**: how much larger the logits of real pictures are than those of generated ones. Near 0: the discriminator
#   cannot tell them apart, or has learned nothing. Growing without end: it is winning, and the generator no longer follows;
# - the **gradient norm** of each player: how hard it is being pulled;
# - the **diversity**: falling towards 0 it means mode collapse. A large value proves nothing: pure noise is diverse.

# %%
def series_of(run):
    """What the instruments show of a run: a name for each panel, a number for each step."""
    history = run.trainer.history
    gap = [real - fake for real, fake in zip(history["logit real"], history["logit fake"], strict=True)]
    curves = {"logit gap": gap, "gradient of G": history["gradient G"], "diversity": history["diversity"]}
    return {"loss of D": history["loss D"]} | curves if "loss D" in history else curves


def instruments(named_runs, colours, shown=("logit gap", "gradient of G", "diversity")):
    canvas, panels = display.figure(1, len(shown), height=3.0)
    for (name, run), colour in zip(named_runs.items(), colours, strict=True):
        series = series_of(run)
        for axes, title in zip(panels, shown, strict=True):
            values = display.smooth(series[title])
            share_of_the_run = torch.linspace(0, 1, len(values))
            axes.plot(share_of_the_run, values, color=display.COLOURS[colour], label=name)
            axes.set(title=title, xlabel="share of the run")
    canvas.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(named_runs))
    display.plt.show()

# %%
instruments(
    runs, ["other", "baseline", "ours"], shown=("loss of D", "logit gap", "gradient of G", "diversity")
)

# %% [markdown]
# All three are healthy, and look very different. The loss alone would not have told you which draws the best garments. The
# residual GAN's gap comes down again after an early peak. The discriminator of the DCGAN runs ahead, and diversity stays low
# until its generator catches up. Gaps of different losses have different scales. Compare a gap only with its own past.
#
# A picture says more than a curve if it always shows *the same noise*. Each row below is one moment of the training.
# Follow one column downwards.

# %%
moments = display.row_titles([f"{share} %" for share in (0, 20, 40, 60, 80, 100)], 8)
display.show_images(
    torch.cat(timelines["residual_gan"][:6]), moments, columns=8, zoom=2,
    title="The same noise, while the GAN trains",
)

# %% [markdown]
# First the background turns from dark grey to black, then outlines appear. Some columns know early what they want to be, others
# change their garment late in the run: the two players still chase each other.
#
# While you train yourself, let the `Dashboard` show all this live: progress with the time left, the curves, the samples.
# Outside a notebook it becomes a line of text.

# %% tags=["nbval-ignore-output"]
extra = recipes.residual_gan("fashion_mnist_mini", compute, seed=SEED + 1)
with display.Dashboard(lambda: extra.sample(16, SEED), every=2) as dashboard:
    extra.trainer.run(steps=10, watch=dashboard)

# %% [markdown]
# **What the average buys.** At a high rate the averaged weights change less than the last ones (Yazıcı and colleagues, in the
# reading list, measure how much that helps). Here the rate has faded to zero, so the weights have come to rest by themselves.
# Sample the same run once from its last weights and once from their average. What do you expect of the ratio?

# %%
from course_lib.sampling import sample_images

raw = runs["residual_gan"].trainer.networks["generator"]
raw_score = fd_clf(reference, sample_images(raw, 2_000, 1), compute)
expect("FD-clf of the last weights, over that of the average", raw_score / scores["residual_gan"],
       low=0.8, high=1.5, protocol=f"{PROTOCOL}; residual_gan")

# %% [markdown]
# Near 1: at the end of a fading rate the average buys little or nothing. It is there for when you stop early, or when the rate
# stays high.
#
# **What batch norm does to a discriminator.** Put one real picture into three different batches and ask for its logit.

# %%
def logits_of_the_first(network, neighbours):
    batches = [torch.cat([real_pictures[:1], others]) for others in neighbours]
    with torch.no_grad():
        return torch.stack([network(batch)[0] for batch in batches])


neighbours = [real_pictures[1:32], real_pictures[100:131], real_pictures[200:231]]
spread = {name: logits_of_the_first(runs[name].trainer.networks["discriminator"], neighbours)
          for name in ("dcgan", "residual_gan")}
for name, logits in spread.items():
    print(f"{name}: the logit of one picture differs between batches:", bool(logits.max() - logits.min() > 1e-3))

# %% [markdown]
# With batch norm (in training mode, as it is used) the discriminator does not judge a picture but a picture among its
# neighbours. The slope penalties need each picture's own logit and lose their meaning. That is why yours has none.

# %% [markdown]
# ## 5. Break it
#
# Section 3 has shown one failure, the collapse. Here are three more. The victims are the MLP GAN's networks, since they are
# quick; all runs have the same seed and the same number of steps. The healthy one has the residual GAN's loss and penalty, a
# rate of 5e-4, and an average that remembers about a hundred steps.

# %%
from course_lib.networks import mlp_discriminator, mlp_generator

BROKEN_STEPS = 75
healthy_plan = replace(recipes.RESIDUAL_PLAN, learning_rate=5e-4, decay=0.99)


def linear_networks(images):
    return mlp_generator(), mlp_discriminator()


def short_run(plan, spoil=None):
    run = recipes.gan(linear_networks, plan, "fashion_mnist_mini", compute, SEED)
    if spoil:
        spoil(run)
    run.trainer.run(steps=BROKEN_STEPS)
    return run


broken = {"healthy": short_run(healthy_plan)}

# %% [markdown]
# **1. Nothing holds the discriminator's slope**: a Wasserstein critic, and no penalty ("no leash"). Chapter 02 saw such a
# critic become steeper and steeper.

# %%
broken["no leash"] = short_run(replace(healthy_plan, loss="wasserstein", penalty=None))

# %% [markdown]
# **2. The wrong range**: real pictures in [0,1], while the generator's tanh gives [-1,1].

# %%
def unsigned(run):
    run.trainer.batches.images = to_unit(images)  # [0.5,1]; the step's to_signed then gives [0,1], not [-1,1]


broken["[0,1] data"] = short_run(healthy_plan, unsigned)

# %% [markdown]
# **3. The missing detach**: the discriminator's loss leaves a gradient in the generator as well. If it is not cleared, the
# generator's own is added to it. With the minimax loss, where the one player minimises what the other maximises, the two
# cancel, up to the one step that the discriminator has moved in between. So that nothing else differs, there is a control: minimax,
# no penalty, *with* the detach.

# %%
def attached(run):
    game, latent = run.trainer.step, run.trainer.step.generator.latent_size

    def without_detach(real, labels):
        real, fake = to_signed(real), game.generator(torch.randn(len(real), latent).to(compute))
        real_logits, fake_logits = game.discriminator(torch.cat([real, fake])).chunk(2)
        for optimiser in game.optimisers.values():
            optimiser.zero_grad()
        loss = game.loss.discriminator(real_logits, fake_logits)
        loss.backward(retain_graph=True)  # no detach: this reaches the generator, and is not cleared
        game.optimisers["discriminator"].step()
        game.loss.generator(game.discriminator(fake)).backward()
        gradient = torch.nn.utils.get_total_norm([weight.grad for weight in game.generator.parameters()])
        game.optimisers["generator"].step()
        game.average.update(game.generator)
        return {"logit real": real_logits.detach().mean(), "logit fake": fake_logits.detach().mean(),
                "gradient G": gradient, "diversity": fake.detach().std(0).mean()}

    run.trainer.step = without_detach


minimax_plan = replace(healthy_plan, loss="minimax", penalty=None)
broken["minimax"] = short_run(minimax_plan)
broken["no detach"] = short_run(minimax_plan, attached)

# %% [markdown]
# Look at the pictures first. Which rows would you have let run on?

# %%
rows = torch.cat([run.sample(10, SEED) for run in broken.values()])
display.show_images(
    rows, display.row_titles(broken, 10), columns=10, zoom=2,
    title=f"Healthy, broken twice, a control and its broken twin: {BROKEN_STEPS} steps each",
)

# %% [markdown]
# Now the instruments. The collapsed run of section 3 is among them; it has other networks and fewer steps.

# %%
instruments(
    broken | {"collapsed": trials["without"][0]}, ["ours", "plain", "other", "baseline", "real", "fake"]
)

# %%
BROKEN_BANDS = {"healthy": (15, 40), "no leash": (15, 60), "[0,1] data": (65, 120), "minimax": (15, 60),
                "no detach": (65, 120)}
for name, (low, high) in BROKEN_BANDS.items():
    score = fd_clf(reference, broken[name].sample(2_000, 1), compute)
    expect(f"FD-clf, {name}", score, low=low, high=high, protocol=f"{PROTOCOL}; {BROKEN_STEPS} steps")

# %% [markdown]
# | symptom | likely cause |
# |---|---|
# | the generator's gradient swells and jumps, although pictures still come | nothing holds the discriminator's slope |
# | grey fog instead of black | the data is in [0,1], the tanh gives [-1,1] |
# | the gap grows, the generator's gradient is nearly 0, its pictures stay noise | no `detach`: the two losses cancel in the generator |
# | diversity 0, every picture the same | mode collapse |
#
# The run without a leash still draws garments, and its distance could pass for bad luck. Only its generator's gradient shows the
# fault. That is why one looks at several instruments.

# %% [markdown]
# ## 6. Stop half way, and go on
#
# A long training will be interrupted, and going on must change nothing. The trainer writes networks, both optimisers, the average, the
# order of the pictures and the state of every random number generator as one file: every thirty seconds, and when you press
# stop. So twelve steps without a stop must give the same weights as six, a stop, fresh networks, and six more. The same to the
# last bit, not "about". (Stop is pressed after step 5; the trainer finishes the step that follows, then saves and stops.)

# %%
import signal
import tempfile
from pathlib import Path


def press_stop(trainer):
    if trainer.steps == 5:
        signal.raise_signal(signal.SIGINT)


whole = recipes.residual_gan("fashion_mnist_mini", compute, seed=SEED)
whole.trainer.run(steps=12)

with tempfile.TemporaryDirectory() as folder:
    half = recipes.residual_gan("fashion_mnist_mini", compute, seed=SEED)
    try:
        half.trainer.run(steps=12, out=Path(folder), watch=press_stop)
    except KeyboardInterrupt:
        print("stopped after step", half.trainer.steps)
    resumed = recipes.residual_gan("fashion_mnist_mini", compute, seed=99)  # everything different …
    resumed.trainer.load(Path(folder))  # … until here
resumed.trainer.run(steps=12)

# %%
def weights_of(run):
    players = run.trainer.networks
    return {"average": run.model, "generator": players["generator"], "discriminator": players["discriminator"]}


for name, network in weights_of(whole).items():
    pairs = zip(network.state_dict().values(), weights_of(resumed)[name].state_dict().values(), strict=True)
    print(f"{name}: the same to the last bit:", all(torch.equal(one, other) for one, other in pairs))

# %% [markdown]
# On the command line the same is `course train residual_gan --seconds 60 --out runs/mine`, then Ctrl-C, then the same line
# with `--resume`; `course sample runs/mine --n 64 --out garments.png` draws from it.

# %% [markdown]
# ## 7. Where the time goes, and what a GPU changes
#
# The recipe looks for a GPU by itself (`device.pick`) and then computes in *bfloat16*, numbers of half the length, where the GPU knows
# them (*autocast*). Your hand-written loop does not, so on such a GPU the two would differ a little. Measured on your machine just
# now:

# %% tags=["nbval-ignore-output"]
about = device.describe(compute)
print(f"{about['name']}, {about['threads']} thread(s)")
for name, run in runs.items():
    step_time = 1000 * run.trainer.seconds / run.trainer.steps
    print(f"{name:13} {run.trainer.images_per_second:6.0f} pictures a second, {step_time:5.1f} ms a step")

# %% [markdown]
# The convolutions cost the time: the residual GAN, whose channels are at low resolution, is at its small batch as quick as the
# DCGAN or quicker; the linear layers of the MLP GAN are much cheaper than either.
#
# Two more switches are made for large networks and GPUs: `network.to(memory_format=torch.channels_last)` stores the channels
# of a pixel side by side; `torch.compile(network)` joins many small operations into one and pays for that by compiling
# first. Whether either is worth it for networks as small as these has to be measured. `Throughput` counts pictures a second:

# %% tags=["nbval-ignore-output"]
for layout in (torch.contiguous_format, torch.channels_last):
    network = residual_discriminator().to(compute, memory_format=layout)
    network(real_pictures[:32].to(memory_format=layout))  # the first call sets things up
    meter = device.Throughput(compute)
    for _ in range(8):
        network(real_pictures[:32].to(memory_format=layout)).sum().backward()
        meter.add(32)
    print(f"{str(layout):26} {meter.rate:7.0f} pictures a second")

# %% [markdown]
# Several processes, each with a GPU of its own, can share a batch: `accelerate launch -m course_lib train residual_gan …`. The module
# `system.processes` keeps them together: they all draw the same random numbers, each takes its `share` of the pictures, and they `agree`
# on every number that decides something; `count` says how many they are, the `first` one writes the files, the others `wait`. A
# test checks that two processes give the same result as one.

# %% [markdown]
# ## 8. What the generator has learned
#
# Does it know garments, or pictures by heart? Put the question to the longer run, which has had the time for either. First
# test: walk from one noise vector to another and see whether everything between is a garment too. Noise in 64 dimensions lies close to a sphere, so the walk goes along the
# sphere (*spherical interpolation*, `slerp`), not through the inside.

# %%
def generate(noise):
    with torch.no_grad():
        return to_unit(longer(noise.to(compute)))


display.show_interpolation(generate, latent_size=64, seed=SEED, title="From one noise to another")

# %% [markdown]
# One garment turns into another by way of things that are, mostly, garments too. Four walks with one seed prove little; a generator
# that knew only single pictures would have to show something else in between.
#
# Second test: beside each generated picture, the training picture that is nearest to it in pixels. A generator that copies would
# show the same picture twice, and its distance to the nearest would be smaller than that of new real pictures.

# %%
mine = sample_images(longer, 100, 3)
distances = torch.cdist(mine.flatten(1).to(compute), images.flatten(1))
nearest = images[distances.argmin(1)].cpu()
display.show_images(
    torch.cat([mine[:10], nearest[:10]]), display.row_titles(["generated", "nearest"], 10), columns=10,
    title="Generated garments, and the training pictures nearest to them",
)

# %%
generated_gap = distances.min(1).values.mean()
test_pictures = test.tensors()[0][:500].to(compute)
test_gap = torch.cdist(test_pictures.flatten(1), images.flatten(1)).min(1).values.mean()
expect("distance to the nearest training picture, over that of test pictures", generated_gap / test_gap,
       low=0.9, high=1.3, protocol="longer run, mean pixel distance, 100 generated, 500 fashion_mnist_mini test")

# %% [markdown]
# By heart? Both tests speak against it: copies would have brought the ratio well below 1. But they cannot settle it. Speckled
# or wrong pictures bring the ratio above 1, so it is a test for copies and for nothing else; and the longer run was trained on all
# 60,000 pictures, of which only 10,000 are searched here.

# %% [markdown]
# Third: turn the knobs yourself. The sliders follow the directions in which the pictures change most (`latent_directions`).

# %% tags=["nbval-ignore-output"]
display.latent_explorer(generate, latent_size=64, seed=SEED)

# %% [markdown]
# ## What more computing buys
#
# The garments at the top of the chapter come from the same recipe, trained longer and on the full Fashion-MNIST (60,000
# pictures). It is kept in `data/checkpoints`; its card says how it was made.

# %%
print(f"recipe {card['recipe']}, data {card['arguments']['data']}, {card['steps']:,} steps, "
      f"{card['seconds'] / 60:.0f} minutes on {card['device']['device']} ({card['device']['threads']} thread(s))")
longer_score = fd_clf(reference, sample_images(longer, 2_000, 1), compute)
expect("FD-clf of the longer run", longer_score, low=2, high=3, protocol=PROTOCOL)

# %%
rows = torch.cat([runs["residual_gan"].sample(12, SEED), sample_images(longer, 12, SEED)])
display.show_images(
    rows, display.row_titles(["this chapter", "longer run"], 12), columns=12,
    title="The same recipe, more computing and more data",
)

# %% [markdown]
# ## Scorecard
#
# The numbers of the chapter, each beside the band that six seeds set and the way it was measured.

# %%
scorecard()

# %% [markdown]
# ## Summary
#
# - **The question** was how to get from noise to garments in a minute. **The answer:** start near, compute where it is
#   cheap, and keep the discriminator in check. A Gaussian fitted to the data is the shortcut, a small residual network
#   corrects it, channels sit at low resolution, and a lazy penalty holds the discriminator's slope. A minute of that ends at
#   less than half the distance of the best usual recipe, and each part that was taken out cost something.
# - **How you know** that it goes well: not by the losses, but by the logit gap, the gradients, the diversity, samples of the same
#   noise, and a distance from outside.
# - Sample from the average of the weights: it is cheap, and it helps most while the learning rate is high.
# - A run that can be stopped, resumed and repeated to the last bit is a run you can debug.
#
# **You could now build** a GAN for small grey pictures, watch it train, and say which of the usual failures it suffers from.
#
# | in `course_lib` | what it holds from this chapter |
# |---|---|
# | `networks` | `PrincipalComponents`; `residual_generator` (a `ResidualGenerator`), `residual_discriminator`, `leaky`; `mlp_generator`, `mlp_discriminator`; `dcgan_generator`, `dcgan_discriminator`, `dcgan_start`; a `Generator` says how long its latent vectors are (`as_generator`) |
# | `blocks` | `linear_block` |
# | `training` | `GanStep`, made of `from_noise` (which gives a `Pair`), `together` or `apart`, `game`, `r1_r2` or `one_lipschitz`, `diversity`; `EMA`, `adam`, the learning rate `fading` |
# | `recipes` | `mlp_gan`, `dcgan`, `residual_gan`; `gan`, a `GanPlan` |
# | `sampling` | `sample_images`, `latent_noise`, `slerp`, `latent_directions`: the command `course sample` |
# | `metrics`, `evaluation` | `FeatureStats`, `frechet_distance`; `GarmentFeatures`, `fd_clf` |
# | `images` | `tiled`: images on one sheet; `write_pictures`: images as one file |
# | `system` | `evaluating`: a network in evaluation mode for a while; processes that train together: `count`, `first`, `share`, `agree`, `wait` |
# | `display` | `Dashboard`, `row_titles`, `latent_explorer`, `show_interpolation` |
#
# ## Questions
#
# Answer first, then unfold.
#
# <details><summary>1. The discriminator's loss has been constant for a thousand steps. Is the training stuck?</summary>
#
# One cannot tell from that. If both get better at the same pace, the loss stays where it is. Look at samples of the same
# noise and at a distance measured from outside.
# </details>
#
# <details><summary>2. Why is the generated picture detached in the discriminator's turn, but not in the generator's?</summary>
#
# In its own turn the discriminator changes its weights for fixed pictures; a gradient into the generator would train it to
# be found out. In the generator's turn that gradient is the only thing it learns from.
# </details>
#
# <details><summary>3. Why multiply a lazy penalty by its interval?</summary>
#
# It is added on one step of eight. Eight times the strength keeps its mean effect, so that γ means the same for any
# interval.
# </details>
#
# <details><summary>4. Your average is worse than the last weights early in the training. Why, and what helps?</summary>
#
# It still holds much of the random start. A decay that grows from small to its final value forgets that quickly.
# </details>
#
# <details><summary>5. What does batch norm in a discriminator do to the penalties on its slope?</summary>
#
# They take the gradient of each picture's logit with respect to that picture. With batch norm the logit depends on the
# neighbours too, so what is measured is no longer the slope at one picture.
# </details>
#
# <details><summary>6. Why does the Gaussian shortcut not limit what the generator can draw?</summary>
#
# It only sets where training starts. The branch can correct every pixel by any amount, so it can also undo the shortcut; and
# the shortcut's own weights are trained along.
# </details>
#
# <details><summary>7. A colleague reports an FD of 9 after a minute. What do you ask?</summary>
#
# How many samples, against which split, by which extractor; and what noise and real pictures score on the same scale.
# </details>
#
# ## Exercises and reading
#
# The exercises of this chapter are in
# [`exercises/03_training_a_residual_gan.ipynb`](../exercises/03_training_a_residual_gan.ipynb).
#
# - Goodfellow et al. 2014, [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661): the game, and the loop in its algorithm 1.
# - Radford et al. 2015, [Unsupervised Representation Learning with DCGANs](https://arxiv.org/abs/1511.06434): the rival, and where latent walks became a test.
# - Mescheder et al. 2018, [Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406): the penalty that holds the discriminator.
# - Yazıcı et al. 2019, [The Unusual Effectiveness of Averaging in GAN Training](https://arxiv.org/abs/1806.04498): section 4's average.
# - Huang et al. 2024, [The GAN is dead; long live the GAN!](https://arxiv.org/abs/2501.05441): the modern recipe that this chapter's is a small relative of.
