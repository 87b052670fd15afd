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
# # 01 · Exercises: residual blocks
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/exercises/01_residual_blocks.ipynb)
#
# Each exercise is a cell to fill in and a cell that checks it. Replace the line that raises `NotImplementedError`, run
# your cell, then run the check. A tick says what was tried; otherwise you read what is wrong and a hint. (So *Run All* stops at the first check.) The dots say how
# difficult (●○○ to ●●●) and how important an exercise is, and each has a hint that unfolds.
#
# Read [chapter 01](../notebooks/01_residual_blocks.ipynb) first. All six together take about 50 minutes.

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

from course_lib import check
from course_lib.blocks import Residual

# %% [markdown]
# ## 1. A block that opens its own gate
#
# *difficulty ●○○ · importance ●●● · 5 minutes · 1 point*
#
# Write a residual block with a gate: $y = x + \alpha \cdot \text{branch}(x)$. The gate $\alpha$ is *one learned number*, the same for all channels
# and pixels. At the start $\alpha = 0$, so that the block is the identity, and training opens it as far as it likes.
# (Bachlechner and colleagues proposed this in 2020 as *ReZero*.) Write it as a module of its own, without the library's
# `Residual`. Do not change `x` in place: others still need it.
#
# <details><summary>Hint</summary>
#
# `nn.Parameter(torch.zeros(()))` is a single number that the optimiser sees. Multiply the branch by the parameter itself; `.item()` would cut off its gradient.
# </details>

# %% nbgrader={"grade": false, "grade_id": "gated_residual", "locked": false, "schema_version": 3, "solution": true, "task": false}
class GatedResidual(nn.Module):
    """y = x + α · branch(x), with α learned and 0 at the start."""

    def __init__(self, branch):
        super().__init__()
        ### BEGIN SOLUTION
        self.branch = branch
        self.gate = nn.Parameter(torch.zeros(()))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return x + self.gate * self.branch(x)
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_gated_residual", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.gated_residual(GatedResidual)

# %% [markdown]
# ## 2. The pre-activation block
#
# *difficulty ●●○ · importance ●●● · 12 minutes · 2 points*
#
# Write `preact_block(inputs, outputs, stride)`, which returns a `Residual`:
#
# - branch: BN – ReLU – 3×3 convolution – BN – ReLU – 3×3 convolution. The first convolution changes the number of
#   channels and has the stride. No convolution of the branch has a bias.
# - shortcut: the identity where neither the number of channels nor the size changes; otherwise a 1×1 convolution with
#   that stride, applied to `x` itself.
#
# `Residual(branch, shortcut)` is imported above; without a second argument its shortcut is the identity.
#
# <details><summary>Hint</summary>
#
# The first norm sees x, so it has `inputs` channels; the second sees the first convolution's output. `padding=1` keeps the size of a 3×3 convolution. Nothing follows the last convolution, and nothing follows the sum.
# </details>

# %% nbgrader={"grade": false, "grade_id": "preact_block", "locked": false, "schema_version": 3, "solution": true, "task": false}
def preact_block(inputs, outputs, stride=1):
    """N×inputs×H×W → N×outputs×H/stride×W/stride."""
    ### BEGIN SOLUTION
    branch = nn.Sequential(
        nn.BatchNorm2d(inputs),
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
    )
    if inputs == outputs and stride == 1:
        return Residual(branch)
    return Residual(branch, nn.Conv2d(inputs, outputs, 1, stride))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_preact_block", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.preact_block(preact_block)

# %% [markdown]
# ## 3. Two ways home for the gradient
#
# *difficulty ●●○ · importance ●●● · 12 minutes · 2 points*
#
# A block gives `shortcut(x) + scale · branch(x)`. A gradient $g$ arrives at its output. On its way back to `x` it splits in
# two: one part comes through the shortcut, the other through the branch. Write `split_gradient(block, x, gradient)`
# that returns both parts as a pair, the shortcut's first. The block has the attributes `shortcut`, `branch` and `scale`.
# Leave `x` and the block as they are; the block's weights must not hold gradients afterwards.
#
# <details><summary>Hint</summary>
#
# `torch.autograd.grad(output, x, gradient)` is the gradient at x when `gradient` arrives at the output; it stores nothing in the weights. Make `x` a fresh leaf first: `x = x.detach().requires_grad_()`. The shortcut need not be the identity.
# </details>

# %% nbgrader={"grade": false, "grade_id": "split_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def split_gradient(block, x, gradient):
    """(through the shortcut, through the branch), each of the shape of x."""
    ### BEGIN SOLUTION
    x = x.detach().requires_grad_()
    (through_shortcut,) = torch.autograd.grad(block.shortcut(x), x, gradient)
    (through_branch,) = torch.autograd.grad(block.scale * block.branch(x), x, gradient)
    return through_shortcut, through_branch
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_split_gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.split_gradient(split_gradient)

# %% [markdown]
# ## 4. Convolution with a stride, as a matrix product
#
# *difficulty ●●○ · importance ●●○ · 10 minutes · 1 point*
#
# The chapter's `convolve` was for 3×3 kernels and stride 1. Write it for any odd kernel size $k$ and any stride, with
# padding $\lfloor k/2 \rfloor$: `x` is N×C×H×W, `weight` is D×C×k×k. Use `functional.unfold` and one matrix product, not `functional.conv2d`.
#
# <details><summary>Hint</summary>
#
# `functional.unfold` takes `kernel_size`, `padding` and `stride`. How many windows of width k, `stride` apart, fit into a padded side? That is the number of rows, and of columns, of the output. It need not divide anything.
# </details>

# %% nbgrader={"grade": false, "grade_id": "convolve", "locked": false, "schema_version": 3, "solution": true, "task": false}
def convolve(x, weight, stride=1):
    """N×C×H×W and D×C×k×k → N×D×H'×W', padding k // 2."""
    ### BEGIN SOLUTION
    k = weight.shape[-1]
    height, width = ((size + 2 * (k // 2) - k) // stride + 1 for size in x.shape[2:])
    columns = functional.unfold(x, kernel_size=k, padding=k // 2, stride=stride)
    return (weight.flatten(1) @ columns).view(len(x), len(weight), height, width)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_convolve", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.convolve(convolve)

# %% [markdown]
# ## 5. Count the stamps
#
# *difficulty ●○○ · importance ●●○ · 6 minutes · 1 point*
#
# A transposed convolution without padding, in one dimension: input $i$ stamps its kernel on the outputs
# $i \cdot \text{stride},\ \dots,\ i \cdot \text{stride} + \text{kernel} - 1$. Write `stamps(size, kernel, stride)`: for each of the
# $(\text{size} - 1) \cdot \text{stride} + \text{kernel}$ outputs, how many of the `size` inputs stamp on it. Return a tensor of one axis.
#
# After the tick, run the cell below it. Away from the borders, which kernel sizes give every output the same number
# of stamps at stride 2?
#
# <details><summary>Hint</summary>
#
# A loop over the inputs that adds one to a slice is enough.
# </details>

# %% nbgrader={"grade": false, "grade_id": "stamps", "locked": false, "schema_version": 3, "solution": true, "task": false}
def stamps(size, kernel, stride):
    """How many of the inputs of a transposed convolution reach each output."""
    ### BEGIN SOLUTION
    counts = torch.zeros((size - 1) * stride + kernel)
    for i in range(size):
        counts[i * stride : i * stride + kernel] += 1
    return counts
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_stamps", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.stamps(stamps)

# %%
for kernel in (2, 3, 4, 5, 6):
    print(kernel, [int(count) for count in stamps(6, kernel, 2)])

# %% [markdown]
# <details><summary>Answer</summary>
#
# The multiples of the stride: 2, 4 and 6. They can still draw a checkerboard, if their weights are uneven. A kernel of
# another size draws one unless its weights happen to balance (½, 1, ½ does), and nothing makes training find such weights.
# </details>
#
# ## 6. Exchange two blocks
#
# *difficulty ●●○ · importance ●●○ · 8 minutes · 2 points*
#
# The lesion study removed a block. Veit and colleagues also *reordered* blocks: in a committee most members do not mind. Write
# `swap_lesion(model, score)`. `model` is an `nn.Sequential` of a stem, $n$ blocks and a head; `score(model)` gives a number. For each of
# the $n - 1$ neighbouring pairs, exchange the two blocks, score, and exchange them back. Return the list of scores; the
# model must be as before afterwards.
#
# <details><summary>Hint</summary>
#
# Blocks are `model[1]` to `model[len(model) - 2]`, so the last pair begins at `len(model) - 3`. An `nn.Sequential` lets you assign to its places.
# </details>

# %% nbgrader={"grade": false, "grade_id": "swap_lesion", "locked": false, "schema_version": 3, "solution": true, "task": false}
def swap_lesion(model, score):
    """The score with blocks i and i+1 exchanged, for each i; the model is restored."""
    ### BEGIN SOLUTION
    scores = []
    for i in range(1, len(model) - 2):
        model[i], model[i + 1] = model[i + 1], model[i]
        scores.append(score(model))
        model[i], model[i + 1] = model[i + 1], model[i]
    return scores
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_swap_lesion", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.swap_lesion(swap_lesion)

# %% [markdown]
# Six ticks: you own the block that the rest of the course is made of.
#
# **To go further**, without a check, in a copy of chapter 01:
#
# - `swap_lesion(middle_shortcut, lambda model: accuracy(model, test_images, test_labels))`, and the same for
#   `middle_plain`. Which pairs may be exchanged, and in which network?
# - `model = network(lambda width: GatedResidual(branch(width)), 20)`, then `fit(model)`, and print the gate of each block in
#   `model[1:-1]`. How many are negative? Is it the same with another seed?
