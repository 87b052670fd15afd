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
# # 05 · Exercises: denoising
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/exercises/05_denoising.ipynb)
#
# Each exercise is a cell to fill in and a cell that checks it. Replace the line that raises `NotImplementedError`, run
# your cell, then run the check. A tick says what was tried; otherwise you read what is wrong, often with a hint. (*Run All* stops at
# the first cross.) The dots say how
# difficult (●○○ to ●●●) and how important an exercise is, and each has a hint that unfolds.
#
# Read [chapter 05](../notebooks/05_denoising.ipynb) first. All seven together take about 70 minutes. None needs
# the answer to another, so you may skip one. Write them without `course_lib.metrics` and `course_lib.degradations`: these lines *are* the
# lesson. A number may be a Python float or a tensor of one number.
#
# Pictures are N×C×H×W, float, in [0,1]; $y = x + n$ is the noisy picture, $x$ the clean one.

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
from course_lib.networks import denoiser

# %% [markdown]
# ## 1. Noise as the benchmarks add it
#
# *difficulty ●○○ · importance ●●● · 5 minutes · 1 point*
#
# Write `add_noise(x, sigma)`: white Gaussian noise of standard deviation σ on pictures in [0,1].
#
# - `sigma` comes as papers write it, in grey levels of 255: for "σ = 25" it is 25.
# - Every number of the batch gets an error of its own. The result is neither clipped nor rounded.
# - Leave `x` as it is, and set no seed: that is the caller's business.
#
# <details><summary>Hint</summary>
#
# `torch.randn_like(x)` has mean 0 and standard deviation 1 and the shape of `x`. A level of 255 is how much in [0,1]?
# </details>

# %% nbgrader={"grade": false, "grade_id": "add_noise", "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_noise(x, sigma):
    """N×C×H×W in [0,1], σ of 255 → the noisy pictures, the same shape."""
    ### BEGIN SOLUTION
    return x + sigma / 255 * torch.randn_like(x)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_add_noise", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.add_noise(add_noise)

# %% [markdown]
# ## 2. The PSNR of a test set
#
# *difficulty ●○○ · importance ●●● · 8 minutes · 1 point*
#
# Write `benchmark_psnr(preds, targets)` for two lists of pictures C×H×W; sizes differ from picture to picture.
#
# - A result is judged as a file would hold it: values below 0 become 0, above 1 become 1, and everything is rounded to the nearest of the 256 steps
#   $0, \tfrac{1}{255}, \dots, 1$. The targets are in these steps already.
# - For each picture, take the mean squared error over all its numbers and $10 \log_{10}(1 / \text{error})$. The 1 is the peak, of dull pictures too.
# - Return the mean of these decibels, one number. Every picture counts once.
#
# <details><summary>Hint</summary>
#
# `(pred.clamp(0, 1) * 255).round() / 255`. Where is the logarithm: before or after the mean over the pictures?
# </details>

# %% nbgrader={"grade": false, "grade_id": "benchmark_psnr", "locked": false, "schema_version": 3, "solution": true, "task": false}
def benchmark_psnr(preds, targets):
    """Two lists of C×H×W → the mean of their PSNRs in dB."""
    ### BEGIN SOLUTION
    decibels = []
    for pred, target in zip(preds, targets):
        stored = (pred.clamp(0, 1) * 255).round() / 255
        decibels.append(-10 * (stored - target).square().mean().log10())
    return torch.stack(decibels).mean()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_benchmark_psnr", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.benchmark_psnr(benchmark_psnr)

# %% [markdown]
# After the tick, a closed form to try: all errors are exactly one grey level. What is the PSNR?

# %%
target = torch.full((3, 8, 8), 100 / 255)
print(f"{float(benchmark_psnr([target + 1 / 255], [target])):.2f} dB")

# %% [markdown]
# <details><summary>Answer</summary>
#
# $20 \log_{10} 255 = 48.13$ dB. Rounding alone makes errors of up to half a level, with a mean square of $\tfrac{1}{12}$: 58.9 dB. Nothing that is stored in 8 bits can be
# measured to be better than that against a target that is not.
# </details>
#
# ## 3. SSIM with another window
#
# *difficulty ●●○ · importance ●●○ · 14 minutes · 2 points*
#
# Two papers report SSIM, and their numbers differ for the same picture. A usual reason: scikit-image's *default* is not the published window. Write that default, `flat_ssim(x, y)`:
#
# - The window is flat, 7×7: all 49 weights are equal. Only whole windows count, so a picture of H×W has (H−6)×(W−6) of them.
# - Variances and covariance are divided by $49 - 1$, not by 49: *sample* variances. (The means are ordinary means.)
# - The formula is the chapter's, with $C_1 = 0.01^2$ and $C_2 = 0.03^2$:
#
# $$ \frac{2 \mu_x \mu_y + C_1}{\mu_x^2 + \mu_y^2 + C_1} \cdot \frac{2 \sigma_{xy} + C_2}{\sigma_x^2 + \sigma_y^2 + C_2}. $$
#
# `x` and `y` are N×C×H×W in [0,1], float32. Return N values: the mean over all windows and channels of a picture. Work in float64.
#
# <details><summary>Hint</summary>
#
# `functional.avg_pool2d(images, 7, stride=1)` is the mean of every whole 7×7 window. The variance over 49 is the mean of the squares minus the square of the mean. What factor makes of it the one over 48?
# </details>

# %% nbgrader={"grade": false, "grade_id": "flat_ssim", "locked": false, "schema_version": 3, "solution": true, "task": false}
def flat_ssim(x, y):
    """N×C×H×W in [0,1], twice → N values."""
    ### BEGIN SOLUTION
    x, y = x.double(), y.double()
    mean_x, mean_y, square_x, square_y, product = (
        functional.avg_pool2d(images, 7, stride=1) for images in (x, y, x * x, y * y, x * y)
    )
    variances = 49 / 48 * (square_x - mean_x**2 + square_y - mean_y**2)
    covariance = 49 / 48 * (product - mean_x * mean_y)
    means_agree = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    patterns_agree = (2 * covariance + 0.03**2) / (variances + 0.03**2)
    return (means_agree * patterns_agree).mean(dim=(1, 2, 3))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_flat_ssim", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.flat_ssim(flat_ssim)

# %% [markdown]
# After the tick: can SSIM be negative? Compare a picture with its negative.

# %%
stripes = torch.arange(24).remainder(2).float().expand(1, 1, 24, 24)
for what, other in {"itself": stripes, "its negative": 1 - stripes, "grey": torch.full_like(stripes, 0.5)}.items():
    print(f"stripes against {what}: {float(flat_ssim(stripes, other)):.2f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Yes: where one is light the other is dark, so the covariance is negative. Against grey the covariance is 0 and only the constants are left.
# </details>
#
# ## 4. A network that answers the noise
#
# *difficulty ●●○ · importance ●●● · 12 minutes · 2 points*
#
# The chapter's branch answered what must be *added*. DnCNN's answers the *noise*, as it is. Write the module `NoisePredictor(branch)`:
#
# - `branch` is an `nn.Sequential` whose last layer is a convolution with a bias. For a picture it answers the noise in it.
# - `forward(y)` returns the clean picture, with its gradient. Neither clamp nor round it: that belongs to measuring.
# - A new `NoisePredictor` gives $y$ back to the last bit. Its other layers start as they were.
# - `loss(x, n)` is the mean squared error of training it on the clean picture $x$ with the noise $n$: one number, with its gradient.
#
# <details><summary>Hint</summary>
#
# `nn.init.zeros_` on the weight *and* the bias of `branch[-1]`. The loss compares the branch's answer to $x + n$ with $n$. (Or the clean answer with $x$. Write both down: it is the same number.)
# </details>

# %% nbgrader={"grade": false, "grade_id": "noise_predictor", "locked": false, "schema_version": 3, "solution": true, "task": false}
class NoisePredictor(nn.Module):
    """y − branch(y); at step 0 y itself."""

    def __init__(self, branch):
        super().__init__()
        ### BEGIN SOLUTION
        self.branch = branch
        nn.init.zeros_(branch[-1].weight)
        nn.init.zeros_(branch[-1].bias)
        ### END SOLUTION

    def forward(self, y):
        ### BEGIN SOLUTION
        return y - self.branch(y)
        ### END SOLUTION

    def loss(self, x, n):
        ### BEGIN SOLUTION
        return functional.mse_loss(self.branch(x + n), n)
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_noise_predictor", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.noise_predictor(NoisePredictor)

# %% [markdown]
# ## 5. Pairs without a clean picture
#
# *difficulty ●●○ · importance ●●○ · 9 minutes · 2 points*
#
# Write `noise2noise_loss(network, x, sigma)`. It makes two noisy copies of $x$, gives one to the network and takes the other one as the target. (In real life you would have the two
# copies and no $x$.) σ is in the units of the pictures.
#
# - The network is asked once. The loss is the mean squared error, one number with its gradient.
# - Every number of each copy gets noise of its own. Set no seed; whoever trains calls `backward`.
# - May the two noises know of each other? May anything be clipped or rounded?
#
# <details><summary>Hint</summary>
#
# Two calls of `torch.randn_like(x)`. The network's answer should come near $E[\text{target} \mid \text{input}]$; that has to be the clean picture.
# </details>

# %% nbgrader={"grade": false, "grade_id": "noise2noise_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def noise2noise_loss(network, x, sigma):
    """A network, clean pictures N×C×H×W and σ in [0,1] units → the loss."""
    ### BEGIN SOLUTION
    given = x + sigma * torch.randn_like(x)
    target = x + sigma * torch.randn_like(x)
    return functional.mse_loss(network(given), target)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_noise2noise_loss", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.noise2noise_loss(noise2noise_loss)

# %% [markdown]
# After the tick: a perfect network would know $x$. What is its loss? Guess for σ = 0.1 before you run the cell.

# %%
torch.manual_seed(0)
flat = torch.full((8, 3, 64, 64), 0.5)
print(f"the perfect answer's loss: {float(noise2noise_loss(lambda y: flat, flat, 0.1)):.4f}")
print(f"the input's own:           {float(noise2noise_loss(lambda y: y, flat, 0.1)):.4f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# σ² and 2σ². With noisy targets no loss goes below σ²; compare the differences.
# </details>
#
# ## 6. Take the biases out
#
# *difficulty ●●○ · importance ●○○ · 9 minutes · 1 point*
#
# Write `without_bias(network)`, for any network of convolutions (transposed ones too), linear layers, ReLUs and shuffles, in blocks within blocks. It returns the network without a single bias: the one it was given, changed,
# or a copy. Weights stay as they are and go on learning. Then $f(\alpha y) = \alpha f(y)$ for all $\alpha \ge 0$, and training cannot bring the biases back.
#
# <details><summary>Hint</summary>
#
# `network.modules()` visits everything, blocks within blocks too. Some layers have no bias (`None`), and some have no such attribute: `getattr(layer, "bias", None)`. A bias that is a parameter, even one
# that is zero, is learned.
# </details>

# %% nbgrader={"grade": false, "grade_id": "without_bias", "locked": false, "schema_version": 3, "solution": true, "task": false}
def without_bias(network):
    """A network → it, without biases."""
    ### BEGIN SOLUTION
    for layer in network.modules():
        if getattr(layer, "bias", None) is not None:
            layer.bias = None
    return network
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_without_bias", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.without_bias(without_bias)

# %% [markdown]
# After the tick: the course's denoiser, with random weights. How much of $f(y/4) = f(y)/4$ is true before and after?

# %%
torch.manual_seed(0)
trained = denoiser(width=8, depth=1)
with torch.no_grad():
    for weight in trained.parameters():
        weight.copy_(0.3 * torch.randn_like(weight))
    y = torch.rand(1, 3, 16, 16)
    for name, network in {"with": trained, "without": without_bias(copy.deepcopy(trained))}.items():
        print(f"{name:8} biases: equal to 1e-5:", bool(torch.allclose(network(y / 4), network(y) / 4, atol=1e-5)))

# %% [markdown]
# ## 7. The best guess of all
#
# *difficulty ●●● · importance ●●○ · 13 minutes · 2 points*
#
# A pixel has one of a few clean values $v_1, \dots, v_K$, value $v_k$ with share $p_k$. You see $y = x + n$, $n$ normal with standard deviation σ. Squared error asks for the mean of what $x$ can be, given $y$. By Bayes' rule
#
# $$ E[x \mid y] = \frac{\sum_k v_k\, p_k\, e^{-(y - v_k)^2 / 2\sigma^2}}{\sum_k p_k\, e^{-(y - v_k)^2 / 2\sigma^2}} . $$
#
# Write `best_guess(y, values, shares, sigma)`: `y` is (N,), `values` and `shares` are (K,), all float64; the shares are above 0 and add up to 1. Return (N,).
#
# - With very little noise every exponential above is rounded to 0, and 0/0 is not a number. Your function has to give the right answer there, too.
#
# <details><summary>Hint</summary>
#
# Make a table N×K with `y[:, None] - values`. The weights are $e^{a_k} / \sum_j e^{a_j}$ with $a_k = \log p_k - (y - v_k)^2 / 2\sigma^2$. That is a *softmax* of the $a_k$, and `torch.softmax` does not round to 0/0.
# </details>

# %% nbgrader={"grade": false, "grade_id": "best_guess", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_guess(y, values, shares, sigma):
    """(N,), (K,), (K,) and a number → E[x | y], (N,)."""
    ### BEGIN SOLUTION
    exponents = shares.log() - (y[:, None] - values) ** 2 / (2 * sigma**2)
    return torch.softmax(exponents, dim=1) @ values
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_best_guess", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.best_guess(best_guess)

# %% [markdown]
# After the tick: no denoiser can have a smaller mean squared error than this function. So for once the best possible PSNR is known. Black and white
# pixels, equally frequent, σ = 50 of 255, then 100 of 255:

# %%
torch.manual_seed(0)
values, shares = torch.tensor([0.0, 1.0]).double(), torch.tensor([0.5, 0.5]).double()
x = values[torch.randint(2, (100_000,))]
for sigma in (50 / 255, 100 / 255):
    y = x + sigma * torch.randn(100_000).double()
    error, nearest = (best_guess(y, values, shares, sigma) - x).square().mean(), (y.round().clamp(0, 1) - x).square().mean()
    print(f"σ = {255 * sigma:3.0f}: the best guess errs less than the nearest value: {bool(error < nearest)}; less than y: {bool(error < sigma**2)}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Both lines say True twice. At σ = 50 it is close: few pixels get past the middle, and the best guess is nearly black or nearly white for most. At σ = 100 the best guess is often grey. Always choosing black or white looks cleaner and has a
# larger squared error. That is the trade between *looking* right and being right on average, which chapter 06 draws.
# </details>
#
# One to answer without code. A colleague's denoiser reaches 31.4 dB on your three photographs at σ = 25, where yours has 30.4. Which four questions do you ask?
#
# <details><summary>Answer</summary>
#
# 1. **Was the noise clipped?** Then the problem was easier, by half a decibel at the input alone.
# 2. **Mean per image, or pooled? Colour or grey, whole pictures or parts? Rounded?** Each moves the number.
# 3. **Was a strength, or the best of many checkpoints, chosen on these photographs?**
# 4. **Were the photographs, or parts of them, in the training set?** A network that has seen the scene can remember it.
# </details>
#
# Seven ticks: you can set a denoising problem, measure an answer, and build networks that start from a good one.
#
# **To go further**, without a check:
#
# - Put `wavelet` in the place of non-local means in the chapter's corrector. Where does it end?
# - Train two blind networks on σ = 2 … 25, with and without biases, for 300 steps and for 10,000, and measure both at 50 and 75. From when on do they differ?
# - Take two photographs of one scene with a tripod, and train `noise2noise_loss`'s idea on them.
