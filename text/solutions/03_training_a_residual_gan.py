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
# # 03 · Exercises: training a residual GAN
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/exercises/03_training_a_residual_gan.ipynb)
#
# Each exercise is a cell to fill in and a cell that checks it. Replace the line that raises `NotImplementedError`, run
# your cell, then run the check. A tick says what was tried; otherwise you read what is wrong and a hint. (*Run All* stops at
# the first cross.) The dots say how
# difficult (●○○ to ●●●) and how important an exercise is, and each has a hint that unfolds.
#
# Read [chapter 03](../notebooks/03_training_a_residual_gan.ipynb) first. All seven together take about 70 minutes. None needs
# the answer to another, so you may skip one.

# %%
# On Colab this fetches the course's library and leaves Colab's own torch alone. Elsewhere it does nothing.
try:
    import course_lib
except ImportError:
    # %pip install -q "residual-imaging @ git+https://github.com/residual-imaging/residual-imaging"
    pass

# %%
import copy

import torch
from torch import nn
from torch.nn import functional

from course_lib import check
from course_lib.data import ShuffledBatches
from course_lib.losses import GAN_LOSSES, r1_penalty
from course_lib.system.checkpoint import load_tree, random_state, save_tree, set_random_state

# %% [markdown]
# ## 1. The step of the generator
#
# *difficulty ●●○ · importance ●●● · 10 minutes · 2 points*
#
# Write one training step of the generator, with the relativistic loss: the mean over the batch of
# $\text{softplus}\big(D(x) - D(G(z))\big)$, where $x$ are the real pictures, each paired with one fake.
#
# - `generator` takes noise of shape N×`noise_size`, standard normal. Draw it anew, one row for each real picture.
# - `discriminator` gives one logit a picture. Its weights stay as they are, and your backward pass adds no gradient to them.
#   If you freeze it, unfreeze it again.
# - `optimisers` is a dictionary with the keys `"generator"` and `"discriminator"`. Gradients of an earlier step may still lie
#   in the generator.
# - Return the loss as a plain number.
#
# <details><summary>Hint</summary>
#
# `loss.backward()` fills the gradients of *all* weights that lead to the loss. `network.requires_grad_(False)` before it and
# `requires_grad_(True)` after it leave a network out; gradients still flow *through* the network to the pictures. Do not detach the fake pictures here: the
# way from the loss to the generator leads through them. `GAN_LOSSES["relativistic"].generator(fake_logits, real_logits)` is the loss.
# </details>

# %% nbgrader={"grade": false, "grade_id": "generator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def generator_step(generator, discriminator, optimisers, real, noise_size):
    """Train the generator on one batch of real pictures (N×C×H×W in [-1,1]); give back its loss."""
    ### BEGIN SOLUTION
    discriminator.requires_grad_(False)
    fake = generator(torch.randn(len(real), noise_size))
    loss = functional.softplus(discriminator(real) - discriminator(fake)).mean()
    optimisers["generator"].zero_grad()
    loss.backward()
    optimisers["generator"].step()
    discriminator.requires_grad_(True)
    return loss.item()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_generator_step", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.generator_step(generator_step)

# %% [markdown]
# ## 2. The step of the discriminator, with a lazy penalty
#
# *difficulty ●●● · importance ●●● · 15 minutes · 3 points*
#
# Now the other player. Its loss is the mean of $\text{softplus}\big(D(G(z)) - D(x)\big)$. When `step` is a multiple of `every` (0
# is one), add the penalty R1 at the real pictures, multiplied by `gamma`/2 and by `every`, since it is applied so rarely:
#
# $$\frac{\gamma}{2} \cdot \text{every} \cdot \frac{1}{N} \sum_{i=1}^{N} \lVert \nabla_{x_i} D(x_i) \rVert^2.$$
#
# - Loss and penalty are one sum: one backward pass, one step of the optimiser. (When several processes train together they
#   exchange gradients once a backward pass.)
# - The generator's weights stay as they are, and no gradient is added to them. Gradients of an earlier step may still lie
#   in both players.
# - Leave `real` as it is. Return what you minimised, penalty included, as a plain number.
#
# Use `r1_penalty(discriminator, images)` of the library, or write the penalty out, as in chapter 02. R2, the same at the fake
# pictures, is left out here. (The chapter's γ without the ½ was R1 and R2 together.)
#
# <details><summary>Hint</summary>
#
# Here the fake pictures are data: make them under `torch.no_grad()`, or `.detach()` them. If you write the penalty out, start with `x = real.detach().requires_grad_()`, and take
# the gradient of `discriminator(x).sum()` with `create_graph=True`, or no weight feels the penalty.
# </details>

# %% nbgrader={"grade": false, "grade_id": "discriminator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discriminator_step(generator, discriminator, optimisers, real, noise_size, step, every, gamma):
    """Train the discriminator on one batch of real pictures (N×C×H×W in [-1,1]); give back its loss."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        fake = generator(torch.randn(len(real), noise_size))
    loss = functional.softplus(discriminator(fake) - discriminator(real)).mean()
    if step % every == 0:
        loss = loss + gamma / 2 * every * r1_penalty(discriminator, real)
    optimisers["discriminator"].zero_grad()
    loss.backward()
    optimisers["discriminator"].step()
    return loss.item()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_discriminator_step", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.discriminator_step(discriminator_step)

# %% [markdown]
# ## 3. A calmer copy
#
# *difficulty ●●○ · importance ●●● · 8 minutes · 2 points*
#
# The generator in training jumps about; you sample from its average. Write the class `EMA`. Its attribute `network` is a copy
# of the given network. The copy is in evaluation mode, and its weights ask for no gradients. `update(network)` is called
# after every step of training:
#
# - every *parameter* of the copy becomes `decay` · (its old value) + (1 − `decay`) · (the network's value);
# - every *buffer* (batch norm's running statistics and its count of batches) becomes the network's. The statistics are
#   averages already, and the count must stay whole.
#
# The network in training stays as it is. (The chapter's average forgets faster during its first steps, so that the weights of the
# start are soon out of it. Leave that out here.)
#
# <details><summary>Hint</summary>
#
# `copy.deepcopy(network)`, then `.eval()` and `.requires_grad_(False)`. `zip(self.network.parameters(), network.parameters())` pairs old and new; `.buffers()` does the same for buffers.
# Change the copy in place (`mul_` and `add_`, or `lerp_`, or `copy_`), under `torch.no_grad()`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "ema", "locked": false, "schema_version": 3, "solution": true, "task": false}
class EMA:
    """The exponential moving average of a network over its training, in `.network`."""

    def __init__(self, network, decay):
        ### BEGIN SOLUTION
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        ### END SOLUTION

    def update(self, network):
        ### BEGIN SOLUTION
        with torch.no_grad():
            for mine, new in zip(self.network.parameters(), network.parameters()):
                mine.mul_(self.decay).add_(new, alpha=1 - self.decay)
            for mine, new in zip(self.network.buffers(), network.buffers()):
                mine.copy_(new)
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_ema", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.ema(EMA)

# %% [markdown]
# ## 4. Draw pictures, and leave no trace
#
# *difficulty ●●○ · importance ●●● · 8 minutes · 2 points*
#
# Write `sample(generator, n, noise_size, seed)`: `n` pictures of the generator, ready to be shown.
#
# - The generator ends in a tanh. The pictures you return are in [0,1].
# - They are drawn in evaluation mode, and afterwards the generator is in the mode in which it came. They carry no graph.
# - The same seed gives the same pictures, another seed gives others. Your call does not touch torch's own
#   random numbers: `torch.randn` afterwards gives what it would have given without it.
#
# <details><summary>Hint</summary>
#
# `torch.Generator().manual_seed(seed)` is a source of random numbers of your own; `torch.randn(…, generator=…)` draws from it. `generator.training` tells the mode, and `generator.train(mode)` sets it.
# </details>

# %% nbgrader={"grade": false, "grade_id": "sample", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample(generator, n, noise_size, seed):
    """n pictures, n×C×H×W in [0,1]."""
    ### BEGIN SOLUTION
    noise = torch.randn(n, noise_size, generator=torch.Generator().manual_seed(seed))
    mode = generator.training
    generator.eval()
    with torch.no_grad():
        signed = generator(noise)
    generator.train(mode)
    return (signed + 1) / 2
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_sample", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.sample(sample)

# %% [markdown]
# ## 5. Walk on the arc
#
# *difficulty ●●○ · importance ●○○ · 9 minutes · 1 point*
#
# A noise of $d$ standard normal numbers has a length of about $\sqrt d$. The point half way on the straight line between two of
# them is shorter, about $\sqrt{d/2}$, and in training the generator hardly ever saw so short a noise. *Spherical* interpolation walks
# on the arc instead. Split each noise into its length and its direction, $z_0 = \ell_0 u_0$ and $z_1 = \ell_1 u_1$, with $\omega$ for the
# angle between the two. The direction turns evenly, and the length goes evenly from one to the other:
#
# $$u_t = \frac{\sin\big((1-t)\,\omega\big)}{\sin\omega}\, u_0 + \frac{\sin(t\,\omega)}{\sin\omega}\, u_1, \qquad
#   z_t = \big((1-t)\,\ell_0 + t\,\ell_1\big)\, u_t.$$
#
# Write `spherical(start, end, t)` for a batch: `start` and `end` are N×d, every row has an angle of its own, and `t` is a number
# from 0 to 1. Where the angle is 0, both fractions are 0/0: take the straight line there. A row of `start` is never
# exactly opposite to its row of `end`.
#
# <details><summary>Hint</summary>
#
# `start.norm(dim=1, keepdim=True)` is N×1, so it divides and multiplies row by row; without `keepdim` the lengths have shape N, and PyTorch lines them up with the columns. The cosine of the
# angle is the dot product of the two directions. Rounding can make it a little larger than 1, and `acos` of that is NaN: clamp it. `torch.where(condition, a, b)` chooses row by row.
# </details>

# %% nbgrader={"grade": false, "grade_id": "spherical", "locked": false, "schema_version": 3, "solution": true, "task": false}
def spherical(start, end, t):
    """N×d and N×d → N×d, at the share t of the way."""
    ### BEGIN SOLUTION
    first, second = (noise.norm(dim=1, keepdim=True) for noise in (start, end))
    u, v = start / first, end / second
    angle = (u * v).sum(dim=1, keepdim=True).clamp(-1, 1).acos()
    direction = (torch.sin((1 - t) * angle) * u + torch.sin(t * angle) * v) / torch.sin(angle)
    arc = ((1 - t) * first + t * second) * direction
    return torch.where(angle < 1e-3, (1 - t) * start + t * end, arc)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_spherical", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.spherical(spherical)

# %% [markdown]
# After the tick, run this cell. How long is the middle of the way, on the line and on the arc? And how much do the noises
# themselves differ in length?

# %%
start, end = torch.randn(2, 1000, 64, generator=torch.Generator().manual_seed(0))
middles = {"noise": start, "line": (start + end) / 2, "arc": spherical(start, end, 0.5)}
for name, noise in middles.items():
    lengths = noise.norm(dim=1)
    print(f"{name:5}  mean length {lengths.mean():.1f}, standard deviation {lengths.std():.1f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The noises are about $\sqrt{64} = 8$ long and differ by less than one; the middle of the line is about $\sqrt{32} \approx 5.7$ long, several standard
# deviations shorter. The middle of the arc is as long as a noise.
# </details>
#
# ## 6. Collapse, or copies?
#
# *difficulty ●○○ · importance ●●○ · 8 minutes · 2 points*
#
# A generator can cheat in two ways: it paints the same picture again and again, or it repeats training pictures. Write
# `collapse_or_copies(samples, training)` for two batches of pictures, n×C×H×W and m×C×H×W. It returns a pair:
#
# 1. the *diversity*, one number: the distance between two different samples, averaged over all pairs;
# 2. the *nearest*: for each sample the index of the training picture that is closest to it.
#
# The distance of two pictures is $\sqrt{\sum (a - b)^2}$, summed over all channels, rows and columns. (The chapter's
# diversity is a cheaper relative: the standard deviation of each pixel over the batch, averaged.)
#
# <details><summary>Hint</summary>
#
# `torch.cdist(a, b)` gives all distances between the rows of `a` and of `b`; make each picture one row with `.flatten(1)`. Of the n² distances among the samples, n are those
# of a picture to itself. How many are left to average over?
# </details>

# %% nbgrader={"grade": false, "grade_id": "collapse_or_copies", "locked": false, "schema_version": 3, "solution": true, "task": false}
def collapse_or_copies(samples, training):
    """(mean distance of two different samples, index of the training picture nearest to each sample)."""
    ### BEGIN SOLUTION
    samples, training = samples.flatten(1), training.flatten(1)
    n = len(samples)
    diversity = torch.cdist(samples, samples).sum() / (n * (n - 1))
    return diversity, torch.cdist(samples, training).argmin(dim=1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_collapse_or_copies", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.collapse_or_copies(collapse_or_copies)

# %% [markdown]
# ## 7. Stop, and go on as if nothing had happened
#
# *difficulty ●●○ · importance ●●● · 12 minutes · 3 points*
#
# Here is the training of a very small GAN, whole. Read it, and ask of every line: what does the *next* step depend on? You need
# not change anything in it.

# %%
class Training:
    def __init__(self, seed):
        torch.manual_seed(seed)
        self.generator = nn.Sequential(
            nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 36), nn.Tanh()
        )
        self.discriminator = nn.Sequential(nn.Linear(36, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.optimisers = {
            "generator": torch.optim.Adam(self.generator.parameters(), lr=1e-2),
            "discriminator": torch.optim.Adam(self.discriminator.parameters(), lr=1e-2),
        }
        pictures = torch.rand(80, 36, generator=torch.Generator().manual_seed(0)) * 2 - 1
        self.batches = ShuffledBatches(pictures, torch.zeros(80), batch_size=16, seed=seed)
        self.steps = 0

    def step(self):
        game, (real, _) = GAN_LOSSES["relativistic"], self.batches.next()
        fake = self.generator(torch.randn(len(real), 8)).detach()
        loss = game.discriminator(self.discriminator(real), self.discriminator(fake))
        if self.steps % 4 == 0:
            loss = loss + 4 * 0.5 * r1_penalty(self.discriminator, real)
        self.descend("discriminator", loss)
        fake = self.generator(torch.randn(len(real), 8))
        self.descend("generator", game.generator(self.discriminator(fake), self.discriminator(real)))
        for mine, new in zip(self.average.parameters(), self.generator.parameters()):
            mine.lerp_(new.detach(), 0.1)
        for mine, new in zip(self.average.buffers(), self.generator.buffers()):
            mine.copy_(new)
        self.steps += 1

    def descend(self, who, loss):
        self.optimisers[who].zero_grad()
        loss.backward()
        self.optimisers[who].step()

# %% [markdown]
# Give it two methods. `save(path)` writes one file. `load(path)` is called on a *new* object, made with any seed, in another
# program perhaps; after it the training goes on exactly as if it had never stopped: the same weights, to the last bit. The random numbers are put
# back last, since making things draws some. Saving must not change the
# course of the training either.
#
# `save_tree(tree, path)` writes a dictionary of dictionaries, lists, tensors, numbers and text; `load_tree(path)` gives it back. `random_state()` is the
# state of the program's random numbers, as such a dictionary, and `set_random_state(state)` puts it back. Networks,
# optimisers and `ShuffledBatches` have `state_dict()` and `load_state_dict(state)`.
#
# <details><summary>Hint</summary>
#
# Seven things change from step to step: three networks, two optimisers, the order of the data, the number of steps. The eighth is no attribute of the object: from where does the noise come?
# </details>

# %% nbgrader={"grade": false, "grade_id": "resumable", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Resumable(Training):
    """A training that can be stopped and taken up again without a trace."""

    def save(self, path):
        ### BEGIN SOLUTION
        parts = ("generator", "discriminator", "average", "batches")
        state = {part: getattr(self, part).state_dict() for part in parts}
        state["optimisers"] = {who: optimiser.state_dict() for who, optimiser in self.optimisers.items()}
        save_tree(state | {"steps": self.steps, "random": random_state()}, path)
        ### END SOLUTION

    def load(self, path):
        ### BEGIN SOLUTION
        state = load_tree(path)
        for part in ("generator", "discriminator", "average", "batches"):
            getattr(self, part).load_state_dict(state[part])
        for who, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][who])
        self.steps = state["steps"]
        set_random_state(state["random"])
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_resumable", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.resumable(Resumable)

# %% [markdown]
# Seven ticks: you could write the loop of chapter 03 from an empty page, stop it at any moment, and trust what it says.
#
# **To go further**, without a check, in a copy of chapter 03:
#
# - Put your two steps in place of the chapter's own. How far do the curves move, and how far do they move from one seed to the next?
# - Apply the penalty in every step, with `every = 1`, for the same number of *seconds*. What do you gain a step, and what do you
#   lose a minute?
# - Take the diversity of a hundred generated garments, and of a hundred test garments. Whose is larger, and by how much?
