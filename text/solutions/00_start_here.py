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
# # 00 · Exercises: pictures as numbers
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/exercises/00_start_here.ipynb)
#
# Each exercise is a cell to fill in and a cell that checks it. Replace the line that raises `NotImplementedError`, run
# your cell, then run the check. A tick says what was tried; otherwise you read what is wrong and a hint. (So *Run All* stops at the first check.) The dots say how
# difficult (●○○ to ●●●) and how important an exercise is, and each has a hint that unfolds.
#
# Read [chapter 00](../notebooks/00_start_here.ipynb) first. All four together take about 15 minutes.

# %%
# On Colab this fetches the course's library and leaves Colab's own torch alone. Elsewhere it does nothing.
try:
    import course_lib
except ImportError:
    # %pip install -q "residual-imaging @ git+https://github.com/residual-imaging/residual-imaging"
    pass

# %%
import torch

from course_lib import check

# %% [markdown]
# ## 1. From bytes to a batch
#
# *difficulty ●○○ · importance ●●● · 4 minutes · 1 point*
#
# Write `to_batch(pixels)`. It gets one picture as a NumPy array of bytes, height × width × 3, as
# `np.array(Image.open(…).convert("RGB"))` gives it. It returns a batch of one picture, 1×3×H×W, of type `torch.float32`, with values from 0 to 1.
#
# <details><summary>Hint</summary>
#
# `torch.from_numpy(pixels)` makes a tensor of bytes. Move the channel axis to the front with `permute`, add an axis with `[None]`, and bring 0 … 255 to 0 … 1 by dividing by 255.
# </details>

# %% nbgrader={"grade": false, "grade_id": "to_batch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def to_batch(pixels):
    """H×W×3 bytes (NumPy) → 1×3×H×W float32 in [0,1]."""
    ### BEGIN SOLUTION
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_to_batch", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.to_batch(to_batch)

# %% [markdown]
# ## 2. From a generator's output to bytes
#
# *difficulty ●●○ · importance ●●● · 5 minutes · 1 point*
#
# A generator gives values in [-1,1], now and then a little outside. Write `to_bytes(signed)`: a tensor of the same shape
# and of type `torch.uint8`, with −1 as 0 and 1 as 255. Round to the nearest byte, and let nothing wrap round. Leave the
# input as it is.
#
# <details><summary>Hint</summary>
#
# The change of type cuts decimals off and wraps what does not fit, so it comes last, after everything that repairs both.
# </details>

# %% nbgrader={"grade": false, "grade_id": "to_bytes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def to_bytes(signed):
    """[-1,1] float, any shape → bytes of the same shape."""
    ### BEGIN SOLUTION
    return ((signed + 1) / 2 * 255).round().clamp(0, 255).to(torch.uint8)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_to_bytes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.to_bytes(to_bytes)

# %% [markdown]
# ## 3. PSNR, from memory
#
# *difficulty ●○○ · importance ●●● · 3 minutes · 1 point*
#
# Write `psnr(pred, target)` without looking back: two batches N×C×H×W in [0,1], one number of decibels for each picture.
#
# <details><summary>Hint</summary>
#
# The mean of the squared error over channels, rows and columns, but not over the pictures; then 10 · log₁₀(1 / error).
# </details>

# %% nbgrader={"grade": false, "grade_id": "psnr", "locked": false, "schema_version": 3, "solution": true, "task": false}
def psnr(pred, target):
    """dB for each picture of a batch in [0,1]: a tensor of shape (N,)."""
    ### BEGIN SOLUTION
    squared_error = (pred - target).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(1 / squared_error)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_psnr", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.psnr(psnr)

# %% [markdown]
# ## 4. The first residual, by hand
#
# *difficulty ●○○ · importance ●●○ · 4 minutes · 1 point*
#
# Write `sharpen(y, blur, amount)`. It adds to the batch `y` what `blur` takes away from `y`, times `amount`. Keep
# the result in [0,1], and leave `y` as it is. `blur` is a function from a batch to a batch.
#
# <details><summary>Hint</summary>
#
# What is taken away is a difference with both signs; clamp the sum, not the difference. Adding in place (`+=`) would change the caller's picture.
# </details>

# %% nbgrader={"grade": false, "grade_id": "sharpen", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sharpen(y, blur, amount):
    """Unsharp masking: N×C×H×W in [0,1] → the same shape and range."""
    ### BEGIN SOLUTION
    return (y + amount * (y - blur(y))).clamp(0, 1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_sharpen", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.sharpen(sharpen)

# %% [markdown]
# Four ticks? Then go on to [chapter 01](../notebooks/01_residual_blocks.ipynb).
