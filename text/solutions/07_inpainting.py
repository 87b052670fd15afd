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
# # 07 · Exercises: inpainting
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/exercises/07_inpainting.ipynb)
#
# Each exercise is a cell to fill in and a cell that checks it. Replace the line that raises `NotImplementedError`, run
# your cell, then run the check. A tick says what was tried; otherwise you read what is wrong, often with a hint. (*Run All* stops at
# the first cross.) The dots say how
# difficult (●○○ to ●●●) and how important an exercise is, and each has a hint that unfolds.
#
# Read [chapter 07](../notebooks/07_inpainting.ipynb) first. All seven together take about 70 minutes. None needs
# the answer to another, so you may skip one. The chapter wrote some of this out. Write it without looking back; that is the
# exercise. Write it without `course_lib`, too: these lines *are* the lesson.
#
# In all of them `picture` is N×C×H×W in [0,1], and `hole` is N×1×H×W, **1 where a pixel is missing** and 0 where it is known. One hole serves all
# channels of its picture. Leave the tensors that you are given as they are.

# %%
# On Colab this fetches the course's library and leaves Colab's own torch alone. Elsewhere it does nothing.
try:
    import course_lib
except ImportError:
    # %pip install -q "residual-imaging @ git+https://github.com/residual-imaging/residual-imaging"
    pass

# %%
import torch
from torch.nn import functional

from course_lib import check, display
from course_lib.data import load
from course_lib.degradations import Holes
from course_lib.images import split_hole

# %% [markdown]
# ## 1. The mean of what is known
#
# *difficulty ●○○ · importance ●●○ · 7 minutes · 1 point*
#
# The cheapest filling is one colour: in the hole, each channel of each picture gets the mean of its own *known* pixels. Write
# `mean_fill(picture, hole)`.
#
# - Return N×C×H×W. Known pixels stay exactly as they are.
# - Anything may stand in the hole of `picture`: 0, old numbers, even nan. It must not reach the result.
# - Each picture has at least one known pixel. A known pixel may be black, too: 0 does not mean missing.
#
# <details><summary>Hint</summary>
#
# `torch.where(hole == 1, 0.0, picture)` has zeros in the holes, so its sum over rows and columns is the sum of the known pixels. How many are they? `sum(dim=(2, 3), keepdim=True)` keeps
# the shape N×C×1×1, which fits to the picture again.
# </details>

# %% nbgrader={"grade": false, "grade_id": "mean_fill", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_fill(picture, hole):
    """N×C×H×W and N×1×H×W → N×C×H×W: the mean of the known pixels in place of the missing ones."""
    ### BEGIN SOLUTION
    known = (1 - hole).sum(dim=(2, 3), keepdim=True)
    mean = torch.where(hole == 1, 0.0, picture).sum(dim=(2, 3), keepdim=True) / known
    return torch.where(hole == 1, mean, picture)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_mean_fill", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.mean_fill(mean_fill)

# %% [markdown]
# ## 2. Known pixels are never changed
#
# *difficulty ●○○ · importance ●●● · 6 minutes · 1 point*
#
# A network has answered for every pixel. Only its answer in the hole is wanted. Write `keep_known(picture, hole, answer)`.
#
# - Return N×C×H×W: `answer` where a pixel is missing, `picture` where it is known, *bit for bit*. Neither is cut or rounded.
# - `picture` may hold anything in the hole, and `answer` anything outside of it: very large numbers, even nan.
#
# <details><summary>Hint</summary>
#
# It is a choice, pixel by pixel, and PyTorch has a function for that. Arithmetic is not safe: `0 * nan` is nan, and `a + (y - a)` is only nearly `y`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "keep_known", "locked": false, "schema_version": 3, "solution": true, "task": false}
def keep_known(picture, hole, answer):
    """N×C×H×W, N×1×H×W, N×C×H×W → N×C×H×W: the answer in the hole, the picture elsewhere."""
    ### BEGIN SOLUTION
    return torch.where(hole == 1, answer, picture)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_keep_known", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.keep_known(keep_known)

# %% [markdown]
# ## 3. The ruler
#
# *difficulty ●●○ · importance ●●● · 9 minutes · 2 points*
#
# Write `hole_psnr(pred, target, hole)`: the PSNR over the missing pixels alone. Let $H_i$ be the missing numbers of picture $i$ (each missing pixel has
# $C$ of them). Then
#
# $$\mathrm{MSE}_i = \frac{1}{|H_i|} \sum_{p \in H_i} (\mathrm{pred}_{p} - \mathrm{target}_{p})^2, \qquad
#   \text{result} = \frac1N \sum_{i=1}^{N} -10 \log_{10} \mathrm{MSE}_i .$$
#
# - Values are in [0,1], so the peak is 1. Return one number.
# - `pred` may differ from `target` outside the hole, too. That does not count.
# - Every picture has a hole, and none is filled perfectly.
#
# <details><summary>Hint</summary>
#
# First one error per picture, a vector of N; then the logarithm; then the mean. `((pred - target).square() * hole).sum(dim=(1, 2, 3))` is the sum for each picture. By what do you divide when C
# is 3?
# </details>

# %% nbgrader={"grade": false, "grade_id": "hole_psnr", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hole_psnr(pred, target, hole):
    """Two times N×C×H×W and N×1×H×W → the mean over pictures of the PSNR in the hole, in dB."""
    ### BEGIN SOLUTION
    squares = ((pred - target).square() * hole).sum(dim=(1, 2, 3))
    missing = hole.sum(dim=(1, 2, 3)) * target.shape[1]
    return (-10 * (squares / missing).log10()).mean()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_hole_psnr", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.hole_psnr(hole_psnr)

# %% [markdown]
# After the tick: two pictures, one with a small error in its hole and one with a large error. What does the mean of the two PSNRs say, and what does one PSNR of
# both holes together say? Guess first.

# %%
flat, whole_hole = torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4)
errors = torch.tensor([0.01, 0.5]).view(2, 1, 1, 1)
together = -10 * errors.square().mean().log10()
print(f"picture by picture: {float(hole_psnr(flat + errors, flat, whole_hole)):.1f} dB, together: {together:.1f} dB")

# %% [markdown]
# <details><summary>Answer</summary>
#
# 40 dB and 6 dB: the mean is 23 dB. Together it is 9 dB: the large error drowns the small one. Papers do both; a table has to say which.
# </details>
#
# ## 4. A loss with two parts
#
# *difficulty ●●○ · importance ●●○ · 9 minutes · 2 points*
#
# The chapter trains on the hole alone, because `KeepKnown` takes care of the rest. Liu et al. (2018) have no such layer while they train. Their loss asks for both
# parts, and for the hole with more weight. Write `hole_loss(answer, target, hole, weight)`, here with each mean over its own numbers:
#
# $$\text{weight} \cdot \frac{1}{|H|} \sum_{p \in H} |\mathrm{answer}_{p} - \mathrm{target}_{p}|
#   \;+\; \frac{1}{|K|} \sum_{p \in K} |\mathrm{answer}_{p} - \mathrm{target}_{p}| .$$
#
# $H$ holds all missing numbers of the whole batch, $K$ all known ones. (The paper divides both sums by $|H| + |K|$: then a small hole hardly counts.)
#
# - Return a tensor of one number through which the gradient reaches `answer`.
#
# <details><summary>Hint</summary>
#
# `missing = hole.expand_as(target)` has as many channels as the picture. Then `(difference.abs() * missing).sum() / missing.sum()` is the first mean. What marks the known ones?
# </details>

# %% nbgrader={"grade": false, "grade_id": "hole_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hole_loss(answer, target, hole, weight):
    """N×C×H×W twice, N×1×H×W, a number → weight · mean |difference| in the hole + mean |difference| outside."""
    ### BEGIN SOLUTION
    difference, missing = (answer - target).abs(), hole.expand_as(target)
    known = 1 - missing
    return weight * (difference * missing).sum() / missing.sum() + (difference * known).sum() / known.sum()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_hole_loss", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.hole_loss(hole_loss)

# %% [markdown]
# ## 5. The hole that is left
#
# *difficulty ●●○ · importance ●●○ · 9 minutes · 1 point*
#
# A partial convolution gives a value wherever its k×k window holds *at least one* known pixel. Elsewhere the hole remains. Write
# `hole_left(hole, kernel)`: N×1×H×W → N×1×H×W, 1 where something is still missing after one such layer, else 0.
#
# - `kernel` is k, odd. The window's middle lies on the pixel, and the picture keeps its size.
# - What lies beyond the picture's border counts as missing: it cannot fill anything.
#
# <details><summary>Hint</summary>
#
# Count the known pixels in every window: a convolution of `1 - hole` with a kernel of ones. Zeros beyond the border are what `padding` gives. Or ask for the largest number of
# a window: `functional.max_pool2d(1 - hole, kernel, 1, kernel // 2)`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "hole_left", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hole_left(hole, kernel):
    """N×1×H×W, an odd number → N×1×H×W: 1 where the window around a pixel holds nothing known."""
    ### BEGIN SOLUTION
    known = functional.conv2d(1 - hole, torch.ones(1, 1, kernel, kernel), padding=kernel // 2)
    return (known == 0).float()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_hole_left", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.hole_left(hole_left)

# %% [markdown]
# After the tick: a box of 13×13 in the middle of a garment's 28×28 pixels. How many 3×3 layers does it take until nothing is missing? And with one 7×7 layer first?

# %%
def layers(hole, kernels):
    count = 0
    while hole.any():
        hole = hole_left(hole, kernels[min(count, len(kernels) - 1)]).float()
        count += 1
    return count


box = torch.zeros(1, 1, 28, 28)
box[..., 8:21, 8:21] = 1
print(f"3×3 only: {layers(box, [3])} layers; a 7×7 first: {layers(box, [7, 3])} layers")

# %% [markdown]
# <details><summary>Answer</summary>
#
# A layer takes its radius off each side: 1 of 3×3, 3 of 7×7. Between the middle of 13×13 and what is known lie 6 missing pixels: 7 layers, or 1 + 4. At a quarter of the
# size, as at the bottom of the chapter's encoder–decoder, a layer takes off four times as much.
# </details>
#
# ## 6. Partial convolution
#
# *difficulty ●●● · importance ●●○ · 14 minutes · 3 points*
#
# Write `partial_conv(x, hole, weight, bias)` with stride 1. `x` is N×C×H×W, `weight` O×C×k×k with k odd, `bias` has O numbers. For a window with $n \ge 1$ known pixels, $K$ their
# places, and for each output channel,
#
# $$\frac{k^2}{n} \sum_{c=1}^{C} \sum_{p \in K} w_{c,p}\, x_{c,p} \;+\; b ,$$
#
# and for a window without a known pixel 0.
#
# - Return N×O×H×W (padding k // 2). What lies beyond the border counts as missing.
# - Anything may stand in the hole of `x`, nan included. It must not reach the result.
#
# <details><summary>Hint</summary>
#
# Two convolutions: the sum is `functional.conv2d` of `x` with 0 in its hole, *without* bias. The count $n$ is one of `1 - hole` with a kernel of ones, N×1×H×W whatever C is.
# `count.clamp(min=1)` avoids 0/0 where nothing is known; set these to 0 at the end.
# </details>

# %% nbgrader={"grade": false, "grade_id": "partial_conv", "locked": false, "schema_version": 3, "solution": true, "task": false}
def partial_conv(x, hole, weight, bias):
    """N×C×H×W, N×1×H×W, O×C×k×k, O → N×O×H×W: the convolution of what is known, scaled up to the whole window."""
    ### BEGIN SOLUTION
    k = weight.shape[-1]
    total = functional.conv2d(torch.where(hole == 1, 0.0, x), weight, padding=k // 2)
    count = functional.conv2d(1 - hole, torch.ones(1, 1, k, k), padding=k // 2)
    answer = total * k**2 / count.clamp(min=1) + bias.view(1, -1, 1, 1)
    return torch.where(count > 0, answer, 0.0)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_partial_conv", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.partial_conv(partial_conv)

# %% [markdown]
# ## 7. Every garment votes
#
# *difficulty ●●● · importance ●●○ · 15 minutes · 3 points*
#
# The chapter takes the few nearest garments. Here all of a gallery vote, the nearer ones with more weight. For *one* picture C×H×W, its hole 1×H×W and a gallery M×C×H×W, write
# `soft_fill(picture, hole, gallery, temperature)`:
#
# $$d_i = \text{mean of } (\mathrm{gallery}_i - \mathrm{picture})^2 \text{ over the known numbers}, \qquad
#   w_i = \frac{e^{-d_i/\tau}}{\sum_j e^{-d_j/\tau}},$$
#
# and in the hole stands $\sum_i w_i\, \mathrm{gallery}_i$. $\tau$ is the temperature. (If every picture of the gallery were equally likely, and what is known had come with normal noise of a
# variance proportional to $\tau$, these weights would be the probabilities of each, and the sum would be their *posterior mean*: the best answer for squared error.)
#
# - Return C×H×W. Known pixels stay bit for bit. What stands in the hole of `picture` must not tell, nan included.
# - $\tau$ may be as small as 1e-5. Then every $e^{-d/\tau}$ is 0 in floating point, and the weights must still be right.
#
# <details><summary>Hint</summary>
#
# `torch.where(hole == 1, 0.0, gallery - picture)` is M×C×H×W; its squares, summed over all but the first axis and divided by the number of known numbers, are the $d_i$. `torch.softmax(-d / tau, dim=0)`
# takes off the largest exponent before it raises e to it. The weighted sum: weights of shape M×1×1×1.
# </details>

# %% nbgrader={"grade": false, "grade_id": "soft_fill", "locked": false, "schema_version": 3, "solution": true, "task": false}
def soft_fill(picture, hole, gallery, temperature):
    """C×H×W, 1×H×W, M×C×H×W, a number → C×H×W: the gallery's weighted mean in the hole."""
    ### BEGIN SOLUTION
    known = (1 - hole).expand_as(picture).sum()
    squares = torch.where(hole == 1, 0.0, gallery - picture).square()
    weights = torch.softmax(-squares.sum(dim=(1, 2, 3)) / known / temperature, dim=0)
    mean = (weights.view(-1, 1, 1, 1) * gallery).sum(dim=0)
    return torch.where(hole == 1, mean, picture)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_soft_fill", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.soft_fill(soft_fill)

# %% [markdown]
# After the tick: three garments, four temperatures, 5,000 training garments as the gallery. Which picture of a row would you take, if you were judged by squared error? And which if a
# stranger had to believe it?

# %%
gallery = load("fashion_mnist_mini", "train").tensors()[0][:5_000]
garments = load("fashion_mnist_mini", "test").tensors()[0][[0, 5, 9]]
y = Holes("box", (0.2, 0.3))(garments, generator=torch.Generator().manual_seed(3))
temperatures = [1e-5, 0.002, 0.01, 1.0]
rows = []
for x, part, hole in zip(garments, *split_hole(y)):
    filled = [soft_fill(part, hole, gallery, tau).expand(3, -1, -1) for tau in temperatures]
    rows += [display.mark_hole(x[None], hole[None])[0], *filled, x.expand(3, -1, -1)]
titles = ["hole", *(f"τ = {tau:g}" for tau in temperatures), "original"]
display.show_images(rows, titles + [""] * 12, columns=6)

# %% [markdown]
# <details><summary>Answer</summary>
#
# At the lowest temperature one garment has nearly all of the weight: sharp, and somebody else's. At the highest all count alike, and the hole holds the mean of all garments. Squared error
# wants something between: a mean over those that fit. A stranger believes the left ones sooner.
# </details>
#
# One to answer without code. An inpainting service returns a photograph in which a face was covered. Which three sentences should stand beside it?
#
# <details><summary>Answer</summary>
#
# 1. What was missing, exactly: the mask belongs to the result.
# 2. What stands there now is *invented*: it is one of many answers that fit to what is known, and it was chosen by the training pictures.
# 3. Everything else is unchanged, bit for bit, and this was checked.
# </details>
#
# Seven ticks: you can fill a hole, judge the filling, and say what of it is knowledge.
#
# **To go further**, without a check:
#
# - Give `partial_conv` a stride, and return the hole that is left as well. Compare with `PartialConv`.
# - Choose the temperature of `soft_fill` on 200 training garments (leave each out of its own gallery), then measure once on test garments.
# - Replace the squared difference of `soft_fill` by the distance of features of a trained classifier. What do "near" garments look like now?
