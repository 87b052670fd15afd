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
# # 04 · Exercises: evaluating
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/exercises/04_evaluating.ipynb)
#
# Each exercise is a cell to fill in and a cell that checks it. Replace the line that raises `NotImplementedError`, run
# your cell, then run the check. A tick says what was tried; otherwise you read what is wrong, often with a hint. (*Run All* stops at
# the first cross.) The dots say how
# difficult (●○○ to ●●●) and how important an exercise is, and each has a hint that unfolds.
#
# Read [chapter 04](../notebooks/04_evaluating.ipynb) first. All seven together take about 70 minutes. None needs
# the answer to another, so you may skip one. The chapter wrote some of this out. Write it without looking back; that is the
# exercise. Write it without `course_lib.metrics`, too: these lines *are* the lesson. PyTorch, NumPy and SciPy are welcome, and a
# number may be a Python float, a NumPy number or a tensor of one number.
#
# An *extractor* turns a picture into a *feature*, here one vector of $d$ numbers. A set of $n$ pictures becomes a table
# n×d, one row a feature. All that follows compares two such tables.

# %%
# On Colab this fetches the course's library and leaves Colab's own torch alone. Elsewhere it does nothing.
try:
    import course_lib
except ImportError:
    # %pip install -q "residual-imaging @ git+https://github.com/residual-imaging/residual-imaging"
    pass

# %%
import numpy as np
import torch

from course_lib import check
from course_lib.data import load
from course_lib.evaluation import extract_features, fd_clf, garments
from course_lib.metrics import FeatureStats, frechet_distance

# %% [markdown]
# ## 1. Fifty thousand pictures, batch by batch
#
# *difficulty ●●○ · importance ●●● · 10 minutes · 2 points*
#
# The Fréchet distance needs the mean and the covariance of all features $x_1, \dots, x_n$, and they come in batches:
#
# $$\mu = \frac1n \sum_{i=1}^{n} x_i, \qquad \Sigma = \frac{1}{n-1} \sum_{i=1}^{n} (x_i - \mu)(x_i - \mu)^\top .$$
#
# Dividing by $n - 1$ is a *choice*. It makes $\Sigma$ an unbiased estimate; `torch.cov`, `np.cov` and the published FID make
# the same choice. Dividing by $n$ would describe these $n$ pictures alone.
#
# Write the class `Stats`. `Stats(dim)` starts empty, `dim` is $d$. `update(batch)` takes one batch, k×d, float32. `mean` (d) and
# `cov` (d×d) may be asked for at any time from the second feature on. What you gave back stays as it is when the next batch comes.
#
# - Batches differ in size; one may hold a single feature.
# - Work in float64. Features often share a large offset: about 1000, say, with a spread of 1. Sums of squares
#   are then about a million times $n$, and float32 keeps seven digits.
# - What the object keeps must not grow with $n$. The batch you are given stays as it is, and after the
#   call its owner may write the next batch into the same memory.
#
# <details><summary>Hint</summary>
#
# Three sums are enough: the number of features, $\sum x_i$ and $\sum x_i x_i^\top$. The last, for a batch, is `batch.T @ batch`. Multiply the definition of $\Sigma$ out: what
# has to come off $\sum x_i x_i^\top$? Convert with `batch.double()` *before* the first sum.
# </details>

# %% nbgrader={"grade": false, "grade_id": "stats", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Stats:
    """Mean and covariance (over n − 1) of features that come in batches."""

    def __init__(self, dim):
        ### BEGIN SOLUTION
        self.n = 0
        self.total = torch.zeros(dim, dtype=torch.float64)
        self.products = torch.zeros(dim, dim, dtype=torch.float64)
        ### END SOLUTION

    def update(self, batch):
        ### BEGIN SOLUTION
        batch = batch.double()
        self.n += len(batch)
        self.total += batch.sum(dim=0)
        self.products += batch.T @ batch
        ### END SOLUTION

    @property
    def mean(self):
        ### BEGIN SOLUTION
        return self.total / self.n
        ### END SOLUTION

    @property
    def cov(self):
        ### BEGIN SOLUTION
        return (self.products - self.n * torch.outer(self.mean, self.mean)) / (self.n - 1)
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_stats", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.stats(Stats)

# %% [markdown]
# (The library's `FeatureStats` does the same for chapter 03's FD-clf. It sums about the running mean instead, and so keeps its
# digits even where the offset is a million times the spread.)
#
# ## 2. The Fréchet distance
#
# *difficulty ●●● · importance ●●● · 15 minutes · 3 points*
#
# Two sets of features are described by their means $\mu_1, \mu_2$ (d) and their covariances $\Sigma_1, \Sigma_2$ (d×d, symmetric,
# no eigenvalue below 0). Write `frechet(mu1, sigma1, mu2, sigma2)`, the squared Fréchet distance of the two Gaussians:
#
# $$\lVert \mu_1 - \mu_2 \rVert^2 + \operatorname{Tr} \Sigma_1 + \operatorname{Tr} \Sigma_2
#   - 2 \operatorname{Tr}\, (\Sigma_1 \Sigma_2)^{1/2}.$$
#
# Here $\operatorname{Tr}$ is the sum of the diagonal, and $(\cdot)^{1/2}$ the root of a *matrix*, not of its entries. Its trace is
# $\sum_j \sqrt{\lambda_j}$, where the $\lambda_j$ are the eigenvalues of $\Sigma_1 \Sigma_2$. That product is not symmetric. The symmetric
# matrix $R^\top \Sigma_2 R$ has the same eigenvalues, for any square $R$ with $R R^\top = \Sigma_1$.
#
# - All four are float64 tensors; stay in float64. Return one number.
# - A covariance may be singular: $d$ features or fewer, of $d$ numbers each, give one. It may even be 0.
# - Any correct way passes. SciPy's `scipy.linalg.sqrtm` is one; the symmetric form is quicker, and never complex.
#
# <details><summary>Hint</summary>
#
# `values, vectors = torch.linalg.eigh(sigma1)` gives $\Sigma_1 = V \operatorname{diag}(\text{values})\, V^\top$, the eigenvectors in the *columns* of $V$. `vectors * values.sqrt()`
# multiplies each column by its root; that is an $R$. Where an eigenvalue should be 0, rounding gives 1e-16 or −1e-16, and the root of the latter is NaN: clamp at 0 first, both times.
# `torch.linalg.eigvalsh` gives the eigenvalues of a symmetric matrix.
# </details>

# %% nbgrader={"grade": false, "grade_id": "frechet", "locked": false, "schema_version": 3, "solution": true, "task": false}
def frechet(mu1, sigma1, mu2, sigma2):
    """(d,), (d, d), (d,), (d, d) → the squared Fréchet distance, one number."""
    ### BEGIN SOLUTION
    values, vectors = torch.linalg.eigh(sigma1)
    root = vectors * values.clamp(min=0).sqrt()
    overlap = torch.linalg.eigvalsh(root.T @ sigma2 @ root).clamp(min=0).sqrt().sum()
    apart = (mu1 - mu2).square().sum()
    return apart + sigma1.trace() + sigma2.trace() - 2 * overlap
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_frechet", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.frechet(frechet)

# %% [markdown]
# ## 3. The Inception Score
#
# *difficulty ●○○ · importance ●●○ · 8 minutes · 1 point*
#
# A classifier looks at each of $N$ generated pictures and answers with $K$ probabilities. Row $i$ of the table is $p(y \mid x_i)$; the
# *marginal* $p(y)$ is the mean of all rows. Write `inception_score(probabilities)`, from all $N$ pictures at once:
#
# $$\exp\Big( \frac1N \sum_{i=1}^{N} \sum_{y=1}^{K} p(y \mid x_i)\, \log \frac{p(y \mid x_i)}{p(y)} \Big).$$
#
# - `probabilities` is N×K, float32 or float64; each row adds up to 1. $\log$ is the natural logarithm.
# - A probability may be exactly 0. Its term is 0, since $t \log t \to 0$ as $t \to 0$. A whole column may be 0: a class never
#   given.
# - Return one number. The right answer is asked for to six digits, so a small number added inside the logarithm has to be
#   very small.
#
# <details><summary>Hint</summary>
#
# The inner sum is $\sum_y p(y \mid x_i) \log p(y \mid x_i) - \sum_y p(y \mid x_i) \log p(y)$. `torch.xlogy(a, b)` is $a \log b$, and 0 where $a$ is 0, as long as $b$ is a number.
# If a class never occurs, $p(y \mid x) / p(y)$ is 0/0: take the two logarithms apart. Which axis counts the pictures?
# </details>

# %% nbgrader={"grade": false, "grade_id": "inception_score", "locked": false, "schema_version": 3, "solution": true, "task": false}
def inception_score(probabilities):
    """N×K, each row adding up to 1 → one number from 1 to K."""
    ### BEGIN SOLUTION
    marginal = probabilities.mean(dim=0)
    divergence = torch.xlogy(probabilities, probabilities) - torch.xlogy(probabilities, marginal)
    return divergence.sum(dim=1).mean().exp()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_inception_score", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.inception_score(inception_score)

# %% [markdown]
# Guess three scores before you look: answers that are sure and varied over five classes, answers that are undecided, and one
# class only. In none of the three was a picture needed. After the tick, run this cell. What does the score not see?

# %%
always_sure = torch.eye(5).repeat(20, 1)
undecided = torch.full((100, 5), 0.2)
one_class = torch.eye(5)[[0] * 100]
for what, answers in {"sure and varied": always_sure, "undecided": undecided, "one class": one_class}.items():
    print(f"{what:16} {float(inception_score(answers)):.1f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# 5, 1 and 1. The real pictures do not enter at all. A generator that repeats one convincing picture of each class gets the highest score there
# is: a class counts as varied when its *name* varies.
# </details>
#
# ## 4. A distance without a bias
#
# *difficulty ●●○ · importance ●●○ · 11 minutes · 2 points*
#
# The kernel of two features $x$ and $y$ of $d$ numbers each is $k(x, y) = \big(\tfrac{x \cdot y}{d} + 1\big)^3$. Two sets $x_1, \dots, x_M$ and $y_1, \dots, y_N$ are
# compared by three means:
#
# $$\frac{1}{M(M-1)} \sum_{i \ne j} k(x_i, x_j) \;+\; \frac{1}{N(N-1)} \sum_{i \ne j} k(y_i, y_j)
#   \;-\; \frac{2}{MN} \sum_{i,\,j} k(x_i, y_j).$$
#
# The first two run over pairs of *different* features of a set, $i \ne j$; both $(i, j)$ and $(j, i)$ are in the sum. The third runs over all
# pairs. That makes the estimate *unbiased*: over many draws its mean is the true value, however few the features.
#
# The *biased* estimate pairs each feature with itself, too: the first two are means over all $M^2$ and all $N^2$ pairs. Which of the two is
# larger? Always? Guess before you write.
#
# Write `kernel_distance(f1, f2)` for tables M×d and N×d, float64; M and N may differ. Return the pair (unbiased, biased), both as they are, without a
# root, and with their sign.
#
# <details><summary>Hint</summary>
#
# `f1 @ f2.T` holds all dot products, M×N. Take the kernel of the whole table, number by number. `kernel.sum() - kernel.trace()` is the sum without the diagonal.
# How many pairs are left then? And how many were there with it?
# </details>

# %% nbgrader={"grade": false, "grade_id": "kernel_distance", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kernel_distance(f1, f2):
    """M×d and N×d → the squared kernel distance, (unbiased, biased)."""
    ### BEGIN SOLUTION
    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(features):
        own, n = kernel(features, features), len(features)
        return (own.sum() - own.trace()) / (n * (n - 1))

    across = kernel(f1, f2).mean()
    unbiased = within(f1) + within(f2) - 2 * across
    biased = kernel(f1, f1).mean() + kernel(f2, f2).mean() - 2 * across
    return unbiased, biased
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_kernel_distance", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.kernel_distance(kernel_distance)

# %% [markdown]
# After the tick: a squared distance below 0? Draw two sets from the *same* law, a thousand times over.

# %%
draws = torch.Generator().manual_seed(0)
pairs = torch.randn(1000, 2, 20, 8, generator=draws, dtype=torch.float64)
values = torch.tensor([[float(value) for value in kernel_distance(*pair)] for pair in pairs])
for name, of_draws in zip(("unbiased", "biased"), values.T):
    print(f"{name:9} mean {of_draws.mean():.2f}, below 0 in {(of_draws < 0).double().mean():.0%} of the draws")
print(f"the biased one is larger in every draw: {bool((values[:, 1] > values[:, 0]).all())}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Yes, in about every second draw. The true distance is 0, and an estimate that never errs below it has to be too large on average. A table that prints a KID of
# −0.001 is honest; one in which no value is ever below 0 may have used the biased formula.
#
# The biased one is always at least as large. Its additional pairs are each feature with itself, and for two features $x, y$ this kernel has $k(x, x) + k(y, y) \ge 2\, k(x, y)$. So on
# average they are the largest of all.
# </details>
#
# ## 5. Precision, recall and coverage
#
# *difficulty ●●○ · importance ●●○ · 13 minutes · 2 points*
#
# One number cannot tell ugly from monotonous. Two can. Each real feature has a *reach*: the distance to its $k$-th nearest
# neighbour among the *other* real features. Likewise, each fake feature has a reach among the other fakes.
#
# - *Precision* is the share of fakes that lie within the reach of at least one real feature.
# - *Recall* is the share of real features that lie within the reach of at least one fake.
# - *Coverage* (Naeem et al. 2020) is the share of real features that have at least one fake within their *own* reach. How
#   far a stray fake reaches does not matter to it. The chapter names it and leaves the code to you.
#
# A distance equal to the reach is within it. Write `precision_recall(real, fake, k)` for tables M×d and N×d, float64, with $k$ smaller than M
# and N. The distance is $\sqrt{\sum (a - b)^2}$ over the $d$ numbers. Return (precision, recall, coverage), three shares from 0 to 1.
#
# <details><summary>Hint</summary>
#
# `torch.cdist(real, real)` holds all distances, M×M, and each row contains the 0 of a feature to itself: the $k$-th nearest *other* one is the (k+1)-th smallest of the row,
# `.kthvalue(k + 1, dim=1).values`. In `torch.cdist(real, fake)` row $i$ belongs to real feature $i$: so its reach belongs to the row, not to the column. Precision and coverage start
# from the same table of True and False; what differs is the side that you count.
# </details>

# %% nbgrader={"grade": false, "grade_id": "precision_recall", "locked": false, "schema_version": 3, "solution": true, "task": false}
def precision_recall(real, fake, k):
    """M×d and N×d → (precision, recall, coverage)."""
    ### BEGIN SOLUTION
    def within(targets, visitors):
        reach = torch.cdist(targets, targets).kthvalue(k + 1, dim=1, keepdim=True).values
        return torch.cdist(targets, visitors) <= reach

    of_real, of_fake = within(real, fake), within(fake, real)
    return tuple(hit.double().mean() for hit in (of_real.any(dim=0), of_fake.any(dim=0), of_real.any(dim=1)))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_precision_recall", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.precision_recall(precision_recall)

# %% [markdown]
# ## 6. What would infinitely many pictures say?
#
# *difficulty ●●○ · importance ●●○ · 7 minutes · 1 point*
#
# The Fréchet distance of $N$ pictures is too large, on average by an amount close to $b / N$ with some $b$ that depends on the
# generator. So measured distances lie near a straight line over $t = 1/N$:
#
# $$\text{distance}(N) \approx a + b\, t, \qquad t = \frac1N,$$
#
# and $a$ is the distance for $N \to \infty$ (Chong and Forsyth 2020 call it FID∞). Write `unbiased_limit(sizes, distances)`, which fits $a$ and $b$ by
# least squares, every point with the same weight, and returns $a$.
#
# - `sizes` holds the $N$, and `distances` what was measured: two float64 tensors of the same length, at least two, in any order.
# - Return one number, with its sign: noise may carry it a little below 0.
#
# <details><summary>Hint</summary>
#
# `np.polyfit(t, distances, 1)` fits a line and returns slope and height, in this order. By hand: the slope is $\sum (t - \bar t)(y - \bar y) \big/ \sum (t - \bar t)^2$ with the means
# $\bar t$ and $\bar y$, and the line passes through $(\bar t, \bar y)$.
# </details>

# %% nbgrader={"grade": false, "grade_id": "unbiased_limit", "locked": false, "schema_version": 3, "solution": true, "task": false}
def unbiased_limit(sizes, distances):
    """Numbers of pictures and the distances measured with them → the distance for N → ∞."""
    ### BEGIN SOLUTION
    t = 1 / sizes
    from_mean = t - t.mean()
    slope = (from_mean * (distances - distances.mean())).sum() / from_mean.square().sum()
    return distances.mean() - slope * t.mean()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_unbiased_limit", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.unbiased_limit(unbiased_limit)

# %% [markdown]
# After the tick: two samples of one law, so the true distance is 0. How much of what is measured with 1600 features is bias?
# (`FeatureStats` and `frechet_distance` are the library's counterparts of your `Stats` and `frechet`; chapter 03 scores with them.)

# %%
draws = torch.Generator().manual_seed(1)


def distance_of_two_samples(n, dim=32):
    first, second = (FeatureStats(dim).update(torch.randn(n, dim, generator=draws, dtype=torch.float64)) for _ in range(2))
    return frechet_distance(first.mean, first.cov, second.mean, second.cov)


sizes = torch.tensor([200, 400, 800, 1600]).double()
distances = torch.tensor([distance_of_two_samples(int(n)) for n in sizes]).double()
limit = float(unbiased_limit(sizes, distances))
for n, distance in zip(sizes.tolist(), distances.tolist()):
    print(f"{n:5.0f} features: {distance:.2f}")
print(f"the limit: {limit:.3f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Nearly all of it. With twice as many features the distance is about halved, and the truth has not changed. So two scores at different $N$ say nothing about which generator is
# better; and since $b$ depends on the generator, even an equal $N$ favours one of them a little.
# </details>
#
# ## 7. Ready for the extractor
#
# *difficulty ●●○ · importance ●●● · 9 minutes · 2 points*
#
# Real pictures come out of files, and a file holds whole numbers from 0 to 255. A fair comparison sends the generated ones
# through the same gate. Write `as_file(signed)`:
#
# - `signed` is what the generator gave: N×1×28×28, float32, from −1 (black) to 1 (white), now and then slightly beyond.
# - Return what you would get if you saved the picture to a file and read it back: N×1×28×28, floating point, from 0 to 1, every
#   value one of the 256 steps $0, \tfrac{1}{255}, \dots, 1$. Round to the *nearest* step. Values below 0 become 0, values above 1
#   become 1.
#
# Leave `signed` as it is.
#
# <details><summary>Hint</summary>
#
# Move to [0,1], then `.clamp(0, 1)`, multiply by 255, `.round()`. You need no uint8 for this; if you go through it, remember that `.to(torch.uint8)` cuts the fraction off and that 256 does
# not fit into it.
# </details>

# %% nbgrader={"grade": false, "grade_id": "as_file", "locked": false, "schema_version": 3, "solution": true, "task": false}
def as_file(signed):
    """N×1×28×28, about [-1,1] → N×1×28×28 in [0,1], in steps of 1/255."""
    ### BEGIN SOLUTION
    unit = ((signed + 1) / 2).clamp(0, 1)
    return (unit * 255).round() / 255
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_as_file", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.as_file(as_file)

# %% [markdown]
# After the tick, measure the two famous faults, with chapter 03's ruler: `extract_features` gives the features of a set
# of images, and `fd_clf` the Fréchet distance of another set to it. Take 500 real garments to [-1,1], and bring them back three ways: yours;
# truncated, so that every value goes *down* to the next step; and stretched by 1% without a clamp, so that what is above 255 starts again at 0, and what is below 0 at 255. The FD-clf
# of a set and itself should be 0. The yardstick is its FD-clf to 500 *other* real garments. Which fault do you expect to
# matter?

# %%
cpu = torch.device("cpu")
pictures = load("fashion_mnist_mini", "test").tensors()[0][:1000]
own, other = extract_features(pictures[:500], garments(cpu)), pictures[500:]
signed = pictures[:500] * 2 - 1
steps = (signed + 1) / 2 * 255
wrapped = (1.01 * signed + 1) / 2 * 255

yours = fd_clf(own, as_file(signed), cpu)
truncated = fd_clf(own, steps.floor() / 255, cpu)
unclamped = fd_clf(own, wrapped.round().remainder(256) / 255, cpu)
yardstick = fd_clf(own, other, cpu)
print(f"yours      {yours:.4f}")
print(f"truncated  {truncated:.4f}")
print(f"yardstick  {yardstick:.2f}")
print(f"no clamp   {unclamped:.0f}")
print(f"pixels that wrap round: {((wrapped.round() < 0) | (wrapped.round() > 255)).double().mean():.0%}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# These pictures *came* from files, so every value should land on its own step again. But (x + 1) / 2 · 255 gives 9.999999 for 10, say, and truncation makes 9 of it: about one
# pixel in eleven is darker by one step. It can be measured, and here it hardly matters. A generator's values lie between the steps, so truncation
# darkens nearly all of them, by half a step on average. Wrapping round is of another kind: half of all pixels wrap, since
# the black background becomes white. You would see it at once, *if* you looked at the pictures that the extractor is given. Look at them.
# </details>
#
# One to answer without code. Your generator's score is better than the one in the paper. Which five questions do you ask before
# you tell anyone?
#
# <details><summary>Answer</summary>
#
# 1. **How many pictures**, of both sets? The bias falls like 1/N: more pictures give a better score for the same generator.
# 2. **Which extractor**, and which weights? FD-clf and FID share a formula, not a scale.
# 3. **Which way into the extractor**: resized how, with or without antialiasing, range, rounding, file format?
# 4. **Which real pictures**: training or test split? Against the training set, a generator that copies it does best.
# 5. **How sure** is it: how far does the score move with another seed, another training run? Was the best of many checkpoints
#    picked by this very score?
#
# And a sixth, which costs a minute: what do real-against-real and pure noise score in *your* set-up?
# </details>
#
# Seven ticks: you can write every number of an evaluation table yourself, and you know what must stand beside it.
#
# **To go further**, without a check:
#
# - Give your `Stats` and the library's `FeatureStats` float64 features with an offset of 10⁴, 10⁶ and 10⁸. How many digits are left
#   at each, and why does the other's last longer?
# - Time your `frechet` for d = 64, 512 and 2048, against `scipy.linalg.sqrtm`.
# - Precision and recall lean on single features. Add one outlier to the real set, far from all others. What happens to the precision, and
#   what to the coverage?
