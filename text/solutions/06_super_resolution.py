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
# # 06 · Exercises: super-resolution
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/exercises/06_super_resolution.ipynb)
#
# Each exercise is a cell to fill in and a cell that checks it. Replace the line that raises `NotImplementedError`, run
# your cell, then run the check. A tick says what was tried; otherwise you read what is wrong, often with a hint. (*Run All* stops at
# the first cross.) The dots say how
# difficult (●○○ to ●●●) and how important an exercise is, and each has a hint that unfolds.
#
# Read [chapter 06](../notebooks/06_super_resolution.ipynb) first. All seven together take about 75 minutes. None needs
# the answer to another, except that the second may use the first. PyTorch and NumPy are welcome; `course_lib.metrics` and
# `course_lib.ensemble` are not, since these lines *are* the lesson.

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

from course_lib import check, display
from course_lib.blocks import conv3x3
from course_lib.data import load
from course_lib.images import resize
from course_lib.networks import Enlarge, plain_block

# %% [markdown]
# ## 1. The Y channel
#
# *difficulty ●○○ · importance ●●○ · 6 minutes · 1 point*
#
# Papers compare brightness only. With red, green and blue as bytes from 0 to 255, luma by BT.601 is
#
# $$Y = 16 + \frac{65.481\,R + 128.553\,G + 24.966\,B}{255}.$$
#
# Black is at 16, white at 235. Write `y_channel(pictures)` for bytes (`torch.uint8`), N×3×H×W in the order red, green, blue. Return floats, N×1×H×W,
# not rounded.
#
# <details><summary>Hint</summary>
#
# Bytes overflow: 200 + 100 is 44. Convert first. `weights.view(1, 3, 1, 1)` lies along the colours; `.sum(1, keepdim=True)` keeps the axis.
# </details>

# %% nbgrader={"grade": false, "grade_id": "y_channel", "locked": false, "schema_version": 3, "solution": true, "task": false}
def y_channel(pictures):
    """uint8 N×3×H×W → floats N×1×H×W from 16 to 235."""
    ### BEGIN SOLUTION
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64) / 255
    return 16 + (pictures.double() * weights.view(1, 3, 1, 1)).sum(1, keepdim=True)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_y_channel", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.y_channel(y_channel)

# %% [markdown]
# ## 2. The number in the table
#
# *difficulty ●○○ · importance ●●● · 10 minutes · 2 points*
#
# One number for a whole set: for each picture compare luma $Y$ as exercise 1 has it, not rounded, leave `scale` pixels out on every side, and compute
#
# $$\text{PSNR} = 10 \log_{10} \frac{255^2}{\text{mean squared error of } Y}.$$
#
# Then take the mean of the PSNRs. Write `set_psnr(answers, originals, scale)`: two lists of bytes, each picture 3×H×W. Pictures of a
# set differ in size, so they cannot be stacked. Return one number.
#
# Guess before you write: does the offset 16 matter here?
#
# <details><summary>Hint</summary>
#
# `zip(answers, originals)` gives the pairs; `picture[None]` adds the axis that exercise 1 wants. Slices may be negative: `[..., scale:-scale, scale:-scale]`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "set_psnr", "locked": false, "schema_version": 3, "solution": true, "task": false}
def set_psnr(answers, originals, scale):
    """Two lists of uint8 3×H×W → one number in dB."""
    ### BEGIN SOLUTION
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64).view(3, 1, 1) / 255
    values = []
    for answer, original in zip(answers, originals):
        error = ((answer.double() - original.double()) * weights).sum(0)
        error = error[scale:-scale, scale:-scale]
        values.append(10 * torch.log10(255**2 / error.square().mean()))
    return torch.stack(values).mean()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_set_psnr", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.set_psnr(set_psnr)

# %% [markdown]
# <details><summary>Answer</summary>
#
# No: it is in both pictures, and the difference cancels it. That is why a forgotten offset is never found by a PSNR.
# </details>
#
# ## 3. A pair for the benchmark
#
# *difficulty ●●○ · importance ●●● · 10 minutes · 2 points*
#
# Write `benchmark_pair(photo, scale)`. From a photograph 3×H×W in [0,1], any sides, make
#
# - the *original*: the photograph without its last rows and columns, so that `scale` divides both sides;
# - the *small* picture: the original shrunk `scale` times by antialiased bicubic, as a file of 8 bits would hold it: clamped to [0,1] and
#   rounded to the nearest of the steps 0, 1/255, …, 1.
#
# Return small, original. `resize(pictures, size=(height, width))` wants N×3×H×W, is antialiased unless you switch that off, and does not clamp.
#
# <details><summary>Hint</summary>
#
# `height - height % scale` rows are left (`[:, :-rest]` does not do: where the rest is 0, nothing is left). Divide by the scale with `//`. For 8 bits: clamp, times 255, round, divided by 255.
# </details>

# %% nbgrader={"grade": false, "grade_id": "benchmark_pair", "locked": false, "schema_version": 3, "solution": true, "task": false}
def benchmark_pair(photo, scale):
    """3×H×W in [0,1] → small 3×h×w in steps of 1/255, original 3×(scale·h)×(scale·w)."""
    ### BEGIN SOLUTION
    height, width = photo.shape[1] // scale, photo.shape[2] // scale
    original = photo[:, : height * scale, : width * scale]
    small = resize(original[None], size=(height, width))[0]
    return (small.clamp(0, 1) * 255).round() / 255, original
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_benchmark_pair", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.benchmark_pair(benchmark_pair)

# %% [markdown]
# After the tick: the same photograph with and without antialiasing. Which one looks sharper? And which one says the truth about the roof?

# %%
temple = load("photos", "test")[1][0][:, 60:260, 180:430]
small, _ = benchmark_pair(temple, 4)
jagged = resize(temple[None], size=small.shape[1:], antialias=False)[0].clamp(0, 1)
display.show_images([small, jagged], ["antialiased", "not antialiased"], zoom=4)

# %% [markdown]
# <details><summary>Answer</summary>
#
# The second looks sharper, and part of its sharpness is false: the fine tiles of the roof come back as coarse stripes, and thin posts as dots. A network trained on
# antialiased pictures takes them for real and sharpens them.
# </details>
#
# ## 4. Pixel shuffle, backwards
#
# *difficulty ●●○ · importance ●●○ · 10 minutes · 2 points*
#
# The chapter laid channels out as pixels. Now take a picture apart: every $s \times s$ block of pixels becomes $s^2$ channels at one place. Pixel
# $(hs + i,\, ws + j)$ of colour $c$ goes to channel $c s^2 + i s + j$ at $(h, w)$. Write `pixel_unshuffle(pictures, scale)`:
# N×C×(s·H)×(s·W) → N×(C·s²)×H×W. Write it without `nn.PixelUnshuffle` and its function.
#
# (A network for large pictures may start with this: it then works at a lower resolution, and nothing is lost. Chapter 05's denoiser does.)
#
# <details><summary>Hint</summary>
#
# First split both sides: reshape to six axes, n, c, h, i, w, j. Then `permute` to the order that the channel's formula asks for, then reshape. Slices do it too:
# `pictures[..., i::scale, j::scale]` is one channel of each colour.
# </details>

# %% nbgrader={"grade": false, "grade_id": "pixel_unshuffle", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pixel_unshuffle(pictures, scale):
    """N×C×(s·H)×(s·W) → N×(C·s²)×H×W."""
    ### BEGIN SOLUTION
    n, colours, height, width = pictures.shape
    h, w = height // scale, width // scale
    blocks = pictures.reshape(n, colours, h, scale, w, scale)
    return blocks.permute(0, 1, 3, 5, 2, 4).reshape(n, colours * scale**2, h, w)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_pixel_unshuffle", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.pixel_unshuffle(pixel_unshuffle)

# %% [markdown]
# ## 5. A network that starts as bicubic
#
# *difficulty ●●○ · importance ●●● · 15 minutes · 3 points*
#
# Write `enlarger(scale)`. It returns a network N×3×H×W → N×3×(s·H)×(s·W), $y = S(x) + F(x)$:
#
# - $S$ is bicubic enlargement (`Enlarge(scale)`); before any training, the whole network gives it exactly.
# - $F$ has a head, two blocks (`plain_block(16)`) and a tail. All convolutions work at the small size; pixels are made at the very end.
# - No norm, and the answer is not clamped.
# - It must be able to learn: after the first step, $F$ is no longer zero.
#
# Do not use `super_resolver`. Write a class, or use the course's `Residual`; both pass.
#
# <details><summary>Hint</summary>
#
# The tail is `conv3x3(16, 3 * scale**2, bias=True)`, then `nn.PixelShuffle(scale)`. Set the weight *and* the bias of that convolution to zero: `nn.init.zeros_(…)`. Of the head nothing
# may be zero. What does $F$ get: the small picture, or the enlarged one?
# </details>

# %% nbgrader={"grade": false, "grade_id": "enlarger", "locked": false, "schema_version": 3, "solution": true, "task": false}
def enlarger(scale):
    """→ a network N×3×H×W → N×3×(s·H)×(s·W), bicubic before training."""
    ### BEGIN SOLUTION
    class Enlarger(nn.Module):
        def __init__(self):
            super().__init__()
            self.bicubic = Enlarge(scale)
            self.head = conv3x3(3, 16, bias=True)
            self.body = nn.Sequential(plain_block(16), plain_block(16))
            self.tail = conv3x3(16, 3 * scale**2, bias=True)
            self.shuffle = nn.PixelShuffle(scale)
            nn.init.zeros_(self.tail.weight)
            nn.init.zeros_(self.tail.bias)

        def forward(self, y):
            return self.bicubic(y) + self.shuffle(self.tail(self.body(self.head(y))))

    return Enlarger()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_enlarger", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.enlarger(enlarger)

# %% [markdown]
# ## 6. Eight looks
#
# *difficulty ●●○ · importance ●●○ · 10 minutes · 2 points*
#
# Write `eight_looks(network, pictures)`, the geometric self-ensemble: ask the network about the pictures, mirrored or not, in all four quarter
# turns; bring each answer back to where the picture was; return the mean. `network` takes N×C×H×W of any height and width, and its
# answer may be larger.
#
# <details><summary>Hint</summary>
#
# `x.flip(-1)` mirrors, `torch.rot90(x, k, (-2, -1))` makes k quarter turns, and `-k` undoes them. Shoes and socks: what was put on last comes off first.
# </details>

# %% nbgrader={"grade": false, "grade_id": "eight_looks", "locked": false, "schema_version": 3, "solution": true, "task": false}
def eight_looks(network, pictures):
    """N×C×H×W → the mean of the network's eight answers."""
    ### BEGIN SOLUTION
    answers = []
    for mirror in (False, True):
        for quarters in range(4):
            asked = pictures.flip(-1) if mirror else pictures
            answer = network(torch.rot90(asked, quarters, (-2, -1)))
            answer = torch.rot90(answer, -quarters, (-2, -1))
            answers.append(answer.flip(-1) if mirror else answer)
    return torch.stack(answers).mean(0)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_eight_looks", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.eight_looks(eight_looks)

# %% [markdown]
# ## 7. What a network sees in a window
#
# *difficulty ●●● · importance ●●○ · 14 minutes · 3 points*
#
# A perceptual loss compares what a network sees in two pictures. To save computing, it looks at a window only. Write
# `perceptual_loss(features, answer, original, top, left, size)`:
#
# - `answer` and `original` are N×3×H×W. Out of both, cut the window of size×size pixels whose first row is `top` and whose first column is
#   `left`.
# - `features(pictures)` gives a list of maps, tensors of several sizes. For each map take the mean of |difference| over all its numbers; then the mean over the
#   maps.
# - Return a scalar tensor whose gradient goes into the answer. The original's maps are the target, and constants: no gradient goes through them.
#
# <details><summary>Hint</summary>
#
# Cut pictures, not maps: a map may be smaller than the picture. Which of the two lists of maps has to be detached? And why would it not do to compute the answer's features under `torch.no_grad()`?
# </details>

# %% nbgrader={"grade": false, "grade_id": "perceptual_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def perceptual_loss(features, answer, original, top, left, size):
    """Mean over the maps of the mean |difference| of the window's features; a scalar."""
    ### BEGIN SOLUTION
    window = (..., slice(top, top + size), slice(left, left + size))
    with torch.no_grad():
        wanted = features(original[window])
    parts = [(mine - target).abs().mean() for mine, target in zip(features(answer[window]), wanted)]
    return torch.stack(parts).mean()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_perceptual_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.perceptual_loss(perceptual_loss)

# %% [markdown]
# A last question. In a restoration the original is a constant anyway: it has no parameters, and a gradient that goes into it changes nothing. So why insist?
#
# <details><summary>Answer</summary>
#
# Because `features` has parameters. Without the detached target they get a second gradient through the original's features, which is computed, stored and paid for. And if anybody trains `features` with this loss, both
# sides would move towards each other: a network that sees nothing at all makes the loss 0.
# </details>
