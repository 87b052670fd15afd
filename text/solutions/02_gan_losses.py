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
# # 02 · Exercises: GAN losses
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/exercises/02_gan_losses.ipynb)
#
# Each exercise is a cell to fill in and a cell that checks it. Replace the line that raises `NotImplementedError`, run
# your cell, then run the check. A tick says what was tried; otherwise you read what is wrong and a hint. (So *Run All* stops at the first check.) The dots say how
# difficult (●○○ to ●●●) and how important an exercise is, and each has a hint that unfolds.
#
# Read [chapter 02](../notebooks/02_gan_losses.ipynb) first. All seven together take about 70 minutes. None needs the answer to
# another, so you may skip one. Write them with PyTorch alone, without `course_lib.losses`: these lines *are* the lesson.
#
# A *logit* is what the discriminator $D$ says of a picture before any sigmoid: large means "real". $G$ is the generator, $z$ its
# noise. Every loss is something to *minimise*.

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

from course_lib import check

# %% [markdown]
# ## 1. The hinge
#
# *difficulty ●○○ · importance ●●● · 6 minutes · 1 point*
#
# With the hinge loss the discriminator no longer cares about a picture once it is right by a margin of 1: a real logit counts
# only below 1, a fake logit only above −1. The generator has no margin.
#
# $$L_D = \frac1N \sum_i \max\big(0,\, 1 - D(x_i)\big) + \frac1M \sum_j \max\big(0,\, 1 + D(G(z_j))\big), \qquad
#   L_G = -\frac1M \sum_j D(G(z_j)).$$
#
# Write `hinge_losses(real_logits, fake_logits)`, which returns the pair $(L_D, L_G)$. The two batches may differ in size.
#
# <details><summary>Hint</summary>
#
# `functional.relu(x)` is $\max(0, x)$, number by number. Take the mean after it, and of each batch by itself.
# </details>

# %% nbgrader={"grade": false, "grade_id": "hinge_losses", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hinge_losses(real_logits, fake_logits):
    """Logits of N real and M fake pictures → (the discriminator's loss, the generator's loss)."""
    ### BEGIN SOLUTION
    real_loss = functional.relu(1 - real_logits).mean()
    fake_loss = functional.relu(1 + fake_logits).mean()
    return real_loss + fake_loss, -fake_logits.mean()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_hinge_losses", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.hinge_losses(hinge_losses)

# %% [markdown]
# ## 2. In pairs
#
# *difficulty ●●○ · importance ●●● · 8 minutes · 2 points*
#
# The relativistic loss does not ask "is this real?" but "which of these two is more real?". It puts the $i$-th real picture
# beside the $i$-th fake one. With $\text{softplus}(t) = \log(1 + e^t)$:
#
# $$L_D = \frac1N \sum_i \text{softplus}\big(D(G(z_i)) - D(x_i)\big), \qquad
#   L_G = \frac1N \sum_i \text{softplus}\big(D(x_i) - D(G(z_i))\big).$$
#
# Write `relativistic_losses(real_logits, fake_logits)` → $(L_D, L_G)$. Two things to take care of:
#
# - Some discriminators give logits of shape (N,), others (N, 1), and the two batches may come in different dress. Both hold
#   N numbers, in the same order.
# - Logits of ±10,000 must give a finite loss.
#
# <details><summary>Hint</summary>
#
# What shape has a tensor of shape (5, 1) minus one of shape (5,)? Try it. `.flatten()` gives both one axis. `functional.softplus` computes
# $\log(1 + e^t)$ without computing $e^t$.
# </details>

# %% nbgrader={"grade": false, "grade_id": "relativistic_losses", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relativistic_losses(real_logits, fake_logits):
    """Logits of shape (N,) or (N, 1) → (the discriminator's loss, the generator's loss)."""
    ### BEGIN SOLUTION
    gap = real_logits.flatten() - fake_logits.flatten()
    return functional.softplus(-gap).mean(), functional.softplus(gap).mean()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_relativistic_losses", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.relativistic_losses(relativistic_losses)

# %% [markdown]
# ## 3. The discriminator's turn
#
# *difficulty ●○○ · importance ●●● · 8 minutes · 2 points*
#
# Train the discriminator for one step, with the cross-entropy of the original GAN:
#
# $$L_D = \frac1N \sum_i \text{softplus}\big(-D(x_i)\big) + \frac1N \sum_i \text{softplus}\big(D(G(z_i))\big).$$
#
# - `optimiser` holds the discriminator's weights. Gradients of an earlier step may still lie in them.
# - It is not the generator's turn. Its weights stay, and no gradient may even *travel* back into it: that would cost
#   time, and the generator's own step would find it there.
# - Leave both networks as they are otherwise. Return the loss as a plain number.
#
# <details><summary>Hint</summary>
#
# `generator(noise).detach()` is a batch of pictures without a past. `.detach()` on the *logits* would cut off the discriminator, too. The order is `optimiser.zero_grad()`, `loss.backward()`, `optimiser.step()`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "update_discriminator", "locked": false, "schema_version": 3, "solution": true, "task": false}
def update_discriminator(generator, discriminator, optimiser, real, noise):
    """One step of the discriminator, on real pictures and on the generator's → its loss."""
    ### BEGIN SOLUTION
    fake = generator(noise).detach()
    real_loss = functional.softplus(-discriminator(real)).mean()
    fake_loss = functional.softplus(discriminator(fake)).mean()
    loss = real_loss + fake_loss
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_update_discriminator", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.update_discriminator(update_discriminator)

# %% [markdown]
# ## 4. Two slopes
#
# *difficulty ●●● · importance ●●● · 14 minutes · 3 points*
#
# R1 makes the discriminator flat at the real pictures, R2 at the fake ones. Strong small GANs use both. Write
# `r1_r2(discriminator, real, fake, gamma)`:
#
# $$\frac{\gamma}{2} \left( \frac1N \sum_{i=1}^{N} \big\lVert \nabla_{x} D(x_i) \big\rVert^2
#   + \frac1M \sum_{j=1}^{M} \big\lVert \nabla_{x} D(G(z_j)) \big\rVert^2 \right).$$
#
# - $\lVert\cdot\rVert^2$ is the sum of squares over all numbers of a picture. `real` and `fake` are N×… and M×…, with any number
#   of further axes; the discriminator gives one logit a picture, which depends on that picture alone.
# - The penalty trains the discriminator, so its weights must feel it.
# - `fake` comes straight from the generator. The generator must not feel the penalty.
# - Leave `real` as it is, and no gradient in anybody's weights.
#
# <details><summary>Hint</summary>
#
# Do it for one batch in a small function, and call it twice. `x = pictures.detach().requires_grad_()` is a batch of your own that asks for a gradient. `torch.autograd.grad(output, x, create_graph=True)` gives a
# tuple of one: the gradient of a *single number* at x. Which single number made of the logits has, in the place of picture $i$, the slope at picture $i$?
# </details>
#
# <details><summary>A second hint</summary>
#
# The sum of the logits: in its gradient, the place of picture $i$ holds $\nabla_x D(x_i)$ and nothing else. (The mean would make each slope N times too small.) Without `create_graph=True` the slope is a number that nobody can change.
# </details>

# %% nbgrader={"grade": false, "grade_id": "r1_r2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def r1_r2(discriminator, real, fake, gamma):
    """γ/2 · (R1 at real + R2 at fake): a scalar that the discriminator's weights feel."""
    ### BEGIN SOLUTION
    def squared_slope(pictures):
        x = pictures.detach().requires_grad_()
        (slopes,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        return slopes.flatten(1).square().sum(1).mean()

    return gamma / 2 * (squared_slope(real) + squared_slope(fake))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_r1_r2", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.r1_r2(r1_r2)

# %% [markdown]
# ## 5. A slope of one, in between
#
# *difficulty ●●● · importance ●●○ · 12 minutes · 2 points*
#
# A Wasserstein critic must not be steeper than 1 anywhere. WGAN-GP asks for a slope of exactly 1, at random points on the lines from
# fake to real pictures:
#
# $$\frac1N \sum_{i=1}^{N} \Big( \big\lVert \nabla_{x} D(\hat x_i) \big\rVert - 1 \Big)^2, \qquad
#   \hat x_i = u_i\, x_i + (1 - u_i)\, G(z_i), \qquad u_i \text{ uniform in } [0, 1].$$
#
# Write `gradient_penalty(discriminator, real, fake)`. Both batches are N×…, with any number of further axes. $u_i$ is *one*
# number for the whole picture $i$, and every picture has its own. $\lVert\cdot\rVert$ is the root of the sum of squares over all numbers of a picture. As before, the
# discriminator's weights must feel the penalty, the generator must not, and `real` stays as it is. (The factor 10 of the paper belongs to the training step.)
#
# <details><summary>Hint</summary>
#
# `torch.rand(N, 1, 1, 1)` fits N×C×H×W; `torch.rand(len(real), *[1] * (real.ndim - 1))` fits any number of axes. Give each picture's slope one row, `.flatten(1)`, before you take `.norm(dim=1)`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "gradient_penalty", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gradient_penalty(discriminator, real, fake):
    """Mean of (‖slope‖ − 1)² at random points between: a scalar that D's weights feel."""
    ### BEGIN SOLUTION
    u = torch.rand(len(real), *[1] * (real.ndim - 1))
    x = (u * real + (1 - u) * fake).detach().requires_grad_()
    (slopes,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return (slopes.flatten(1).norm(dim=1) - 1).square().mean()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_gradient_penalty", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.gradient_penalty(gradient_penalty)

# %% [markdown]
# ## 6. How far can a layer stretch?
#
# *difficulty ●●○ · importance ●●○ · 12 minutes · 2 points*
#
# Spectral normalisation divides a layer's weight $W$ by its largest singular value $\sigma$, the most by which the matrix $W$ can stretch a
# vector. Write `spectral_norm(weight, steps)`, which returns $\sigma$, found by power iteration. Start from a random vector $u$, then repeat
# `steps` times:
#
# $$v \leftarrow \frac{W^\top u}{\lVert W^\top u \rVert}, \qquad u \leftarrow \frac{W v}{\lVert W v \rVert},
#   \qquad\text{and at the end}\quad \sigma = u^\top W v.$$
#
# - `weight` belongs to a linear layer (outputs × inputs) or to a convolution (outputs × inputs × k × k). A convolution's is seen as the matrix
#   with one row for each output channel.
# - The weight must get its gradient through $\sigma = u^\top W v$; $u$ and $v$ count as constants there.
# - Use products only, no decomposition from `torch.linalg`.
#
# <details><summary>Hint</summary>
#
# `weight.flatten(1)` is the matrix, and `functional.normalize(x, dim=0)` divides a vector by its length. Put the loop under `torch.no_grad()` and the last line outside of it. Why a random start? A vector of ones may be orthogonal to the
# one you look for.
# </details>

# %% nbgrader={"grade": false, "grade_id": "spectral_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def spectral_norm(weight, steps=50):
    """Largest singular value of outputs×inputs or outputs×inputs×k×k, a scalar with a gradient."""
    ### BEGIN SOLUTION
    matrix = weight.flatten(1)
    with torch.no_grad():
        u = torch.randn(len(matrix))
        for _ in range(steps):
            v = functional.normalize(matrix.T @ u, dim=0)
            u = functional.normalize(matrix @ v, dim=0)
    return u @ matrix @ v
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_spectral_norm", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.spectral_norm(spectral_norm)

# %% [markdown]
# ## 7. The smallest GAN, and its fate
#
# *difficulty ●●○ · importance ●●○ · 10 minutes · 2 points*
#
# The Dirac-GAN again. The data are the single point 0, the generator gives the single point $\theta$, and the discriminator is $D(x) = \psi x$. With
# Wasserstein's loss, and R1 at the data with the factor γ/2, the two players minimise
#
# $$L_D = \psi\theta + \frac{\gamma}{2}\,\psi^2, \qquad L_G = -\psi\theta.$$
#
# ($D(0) = 0$ drops out, and $\psi$ is the slope of $D$ everywhere.) Write `dirac_step(theta, psi, rate, gamma)`: one step of gradient descent with learning rate `rate` for
# *both at once*, each with the other's *old* value. Work the two derivatives out on paper; no autograd. `theta` and `psi` are
# tensors of one shape, many games played side by side. Return both after the step, and leave the given ones as they are.
#
# <details><summary>Hint</summary>
#
# Each player goes down its *own* loss: $\theta$ by $\partial L_G / \partial \theta$, $\psi$ by $\partial L_D / \partial \psi$. The second has two terms.
# </details>

# %% nbgrader={"grade": false, "grade_id": "dirac_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dirac_step(theta, psi, rate, gamma):
    """(θ, ψ) after one simultaneous step of both players."""
    ### BEGIN SOLUTION
    return theta + rate * psi, psi - rate * (theta + gamma * psi)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_dirac_step", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.dirac_step(dirac_step)

# %% [markdown]
# After the tick, and *before* you run the next cell, predict. The rate is 0.1, and all games start at a distance of 1 from the goal
# $(0, 0)$. Which γ brings the game home? Is there a border, and is more always better?
#
# <details><summary>Hint</summary>
#
# A step is a product with a 2×2 matrix. The game comes home when both eigenvalues are smaller than 1 in absolute value. For a pair of conjugate
# complex eigenvalues, the square of that value is the determinant.
# </details>

# %%
gammas = torch.tensor([0, 0.05, 0.1, 0.2, 1, 2, 10, 19, 21], dtype=torch.float64)
theta, psi = torch.ones_like(gammas), torch.zeros_like(gammas)
for _ in range(200):
    theta, psi = dirac_step(theta, psi, 0.1, gammas)
for gamma, distance in zip(gammas.tolist(), torch.hypot(theta, psi).tolist()):
    print(f"γ = {gamma:5}: distance {distance:8.1e} after 200 steps")

# %% [markdown]
# <details><summary>Answer</summary>
#
# With $h$ for the rate, one step multiplies $(\theta, \psi)$ by
#
# $$M = \begin{pmatrix} 1 & h \\ -h & 1 - \gamma h \end{pmatrix}, \qquad \det M = 1 - \gamma h + h^2, \qquad
#   \lambda = 1 - \frac{\gamma h}{2} \pm h \sqrt{\frac{\gamma^2}{4} - 1}.$$
#
# - For γ < 2 the eigenvalues are complex, and $|\lambda|^2 = \det M$. Without penalty that is $1 + h^2$: the game spirals *outward*, the
#   faster, the larger the steps. The border is γ = h, here 0.1, where it goes round for ever.
# - γ = 2 is the quickest way home: both eigenvalues are $1 - h$.
# - Beyond, they are real, and one comes back towards 1: $\psi$ is held down so firmly that θ hardly hears from it.
#   That is a discriminator with too strong a penalty.
# - Beyond γ = 2/h + h/2, here 20.05, the other one is below −1: every step overshoots, and the game explodes.
# </details>
#
# Seven ticks: you could write the losses, the penalties and the discriminator's half of a GAN from an empty page.
#
# **To go further**, without a check, in a copy of chapter 02:
#
# - Let the Dirac-GAN's players step one *after* the other, `psi` with the new `theta`. Is the game without penalty still lost? Look at the determinant.
# - Petzka and colleagues punish slopes above 1 only: $\max(0, \lVert\nabla D\rVert - 1)^2$. Change `gradient_penalty` in one place, and compare it with
#   the original on a 2-D toy.
# - Take the spectral norm of every layer of a trained discriminator. Multiply them: how much could it stretch at most? And how
#   steep is it really, at real pictures?
