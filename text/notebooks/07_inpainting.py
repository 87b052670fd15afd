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
# # 07 · Inpainting
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/notebooks/07_inpainting.ipynb)
#
# **What may a network invent?**
#
# A denoiser and a super-resolver have something of every pixel to start from. In a hole there is nothing. What a
# network puts there was never measured: it is made up, from what is known around the hole and from other pictures.
# *Inpainting* is filling such holes. You fill them by two formulas, by several networks, and with pieces of other
# pictures. You measure the error where it counts. And you see why the filling with the smallest error is often not the
# most believable one.
#
# | | |
# |---|---|
# | **You build** | a ruler for holes, a network that cannot touch known pixels, partial convolution, a search for plausible answers, an adversarial refinement |
# | **You need** | chapters 01 (residual blocks), 03 (training a GAN), 04 (Fréchet distance), 05 (the frame, folding) |
# | **Computing time** | about 55 seconds on two CPU cores (not yet measured on a GPU) |

# %%
# On Colab this fetches the course's library and leaves Colab's own torch alone. Elsewhere it does nothing.
try:
    import course_lib
except ImportError:
    # %pip install -q "residual-imaging @ git+https://github.com/residual-imaging/residual-imaging"
    pass

# %%
import copy
import math

import torch
from torch import nn
from torch.nn import functional

from course_lib import check, display
from course_lib.data import ShuffledBatches, load
from course_lib.degradations import Holes, biharmonic, mean_fill
from course_lib.expect import expect, scorecard
from course_lib.images import split_hole, with_hole
from course_lib.runs import load_model
from course_lib.system import device

SEED = 0  # every random number of this chapter follows from it
compute = device.pick()
LONGER = 20 if device.budget(compute) == "gpu" else 1  # how many times as many steps a GPU makes

# %% [markdown]
# Here is what comes out at the end. In the first row, what is missing is orange. The second row is a classical filling,
# by a formula. The third is a residual network's, and the fourth is the original. In which columns would you have
# noticed the network's repair?

# %%
train_pictures, train_labels = (part.to(compute) for part in load("fashion_mnist_mini", "train").tensors())
test_pictures = load("fashion_mnist_mini", "test").tensors()[0].to(compute)
boxes = Holes("box", share=(0.15, 0.3))
y_first = boxes(test_pictures[:200], generator=torch.Generator().manual_seed(0))
checkpoint, card = load_model("inpaint", compute)
with torch.no_grad():
    by_checkpoint = checkpoint(y_first[:9]).clamp(0, 1)


def in_rows(title, **rows):
    """Show each row of grey or coloured pictures under its name."""
    pictures = torch.cat([row.expand(-1, 3, -1, -1).cpu() for row in rows.values()])
    columns = len(next(iter(rows.values())))
    names = [name.replace("_", " ") for name in rows]
    display.show_images(pictures, display.row_titles(names, columns), columns=columns, title=title)


in_rows(
    "Not picked: the first nine test garments", hole=display.mark_hole(test_pictures[:9], y_first[:9, 1:]),
    biharmonic=boxes.baseline(y_first[:9]), network=by_checkpoint, original=test_pictures[:9],
)

# %% [markdown]
# In most columns the network continues the outline as it should. (The sandal in the last column gets a dim cloud.) But
# the print of the second garment and the checked cloth of the eighth end at the hole, and what stands there is smooth.
# By the end of this chapter you know why, and that it is not for want of training alone.
#
# ## 1. Holes
#
# `hole` is a picture of its own, N×1×H×W: **1 where a pixel is missing**, 0 where it is known. Many programs use a
# `mask` with the opposite meaning, 1 for "known" or "valid". Nothing in a file says which. Ask, or look.
#
# `Holes` makes three kinds: *boxes*, *free-form strokes* (thick, as if by hand) and *scratches* (thin and long), each
# covering a *share* of the area that you choose. Find in each picture the missing pixel that is farthest from any known
# one. Which kind do you expect to be the hardest to fill?

# %%
SHARES = {"box": (0.15, 0.3), "strokes": (0.15, 0.3), "scratches": (0.02, 0.06)}
by_kind = {}
for kind, share in SHARES.items():
    by_kind[kind] = Holes(kind, share)(test_pictures[:200], generator=torch.Generator().manual_seed(0))
in_rows("Three kinds of hole", **{kind: display.mark_hole(*split_hole(y[:9])) for kind, y in by_kind.items()})

# %%
for kind, y in by_kind.items():
    hole = y[:, 1:]
    touching = functional.max_pool2d(1 - hole, 3, stride=1, padding=1) * hole  # is one of the 3×3 around it known?
    print(f"{kind:9} {touching.sum() / hole.sum():.0%} of the missing pixels touch a known one")

# %% [markdown]
# In a scratch nearly every missing pixel touches a known one. In a box most do not, and half are more than two pixels
# away from all that is known. Keep this in mind for section 6.
#
# In the frame of chapter 05, $y = A(x) + n$, the operator $A$ now sets pixels to 0, and there is no noise. But a
# missing pixel and a black one would look alike. So $y$ carries the hole along as its last channel: it has one channel
# more than the picture. `with_hole` puts the two together, `split_hole` takes them apart.

# %%
y = by_kind["box"]
picture, hole = split_hole(y)
print("picture", tuple(test_pictures[:200].shape), "→ y", tuple(y.shape))
print("with_hole gives the same:", torch.equal(with_hole(test_pictures[:200], hole), y))
print("shares from", round(hole.mean((1, 2, 3)).min().item(), 3), "to", round(hole.mean((1, 2, 3)).max().item(), 3))

# %% [markdown]
# Two fillings need neither training nor other pictures. *Mean fill* puts the mean of the known pixels into the hole.
# *Biharmonic* filling reads grey values as heights, and looks for the surface $u$ that continues what surrounds the
# hole and bends the least. How much it bends is the sum of $(\Delta u)^2$ over the hole. Here
# $\Delta u = u_{xx} + u_{yy}$ is the sum of the second derivatives across and down. The surface with the smallest sum
# solves $\Delta(\Delta u) = 0$ in the hole, written $\Delta^2 u = 0$. On pixels that is a system of linear equations,
# which scikit-image solves. (`boxes.baseline(y)` is this filling.)
#
# Look at the boot's sole and at the legs of the trousers.

# %%
x = test_pictures[:200]
mean_filled, bent = mean_fill(picture, hole), biharmonic(picture, hole)
in_rows(
    "Two fillings without learning", hole=display.mark_hole(x[:9], hole[:9]), mean_fill=mean_filled[:9],
    biharmonic=bent[:9],
)

# %% [markdown]
# The first leaves a box of one grey. The second continues what crosses the border of a hole, and turns into a soft blob
# where the hole is wide: it knows nothing about garments.
#
# ## 2. The ruler
#
# How good is that, in numbers? Chapter 00's PSNR is $-10 \log_{10}$ of the mean squared error (MSE), for values in
# [0,1]. Over the whole picture it also counts the known pixels, which were given. So count only missing ones: an error
# for each picture, its PSNR, then the mean of these.

# %%
def psnr_in_the_hole(pred, target, hole):
    missing = hole.sum(dim=(1, 2, 3)) * target.shape[1]  # numbers, not pixels: a colour has three
    error = ((pred - target).square() * hole).sum(dim=(1, 2, 3)) / missing
    return (-10 * error.log10()).mean()

# %%
check.hole_psnr(psnr_in_the_hole)

# %%
from course_lib.metrics import hole_psnr

BOXES = "fashion_mnist_mini test, first 200, one box of 15 to 30 % each, seed 0; error in the hole, mean of PSNR per image"
print("as the library's:", abs(psnr_in_the_hole(bent.double(), x.double(), hole).item() - hole_psnr(bent, x, hole)) < 1e-6)
expect("mean fill, PSNR in the hole", hole_psnr(mean_filled, x, hole), low=9.2, high=9.5, unit="dB", protocol=BOXES)
expect("biharmonic, PSNR in the hole", hole_psnr(bent, x, hole), low=13.2, high=13.6, unit="dB", protocol=BOXES)

# %% [markdown]
# **What the whole picture says instead.** Let $s$ be the share of the area that is missing. Where known pixels are
# exact, their error is 0, and
#
# $$\mathrm{MSE}_\text{whole} = s \cdot \mathrm{MSE}_\text{hole}, \qquad
#   \mathrm{PSNR}_\text{whole} = \mathrm{PSNR}_\text{hole} - 10 \log_{10} s .$$
#
# For the same filling, the whole picture's PSNR is 6 dB larger than the hole's if a quarter is missing, and 17 dB
# larger if a fiftieth is. Test it: square boxes of growing size in the middle of each garment, filled by `biharmonic`.
# Which curve would you print in an advertisement?

# %%
sides, whole, inside = (3, 5, 8, 11, 14, 18), [], []
for side in sides:
    middle, start = torch.zeros(1, 1, 28, 28), 14 - side // 2
    middle[..., start : start + side, start : start + side] = 1
    part, its_hole = split_hole(with_hole(x[:60].double(), middle))
    error = (biharmonic(part, its_hole) - x[:60]).square()
    inside.append(error[its_hole == 1].mean().item())
    whole.append(error.mean().item())
shares = [side**2 / 28**2 for side in sides]
print("MSE of the whole picture = share · MSE of the hole:",
      all(math.isclose(a, share * b, rel_tol=1e-6) for a, share, b in zip(whole, shares, inside)))

# %%
def decibels(errors):
    return [-10 * math.log10(error) for error in errors]


canvas, axes = display.figure(height=2.8)
percent = [100 * share for share in shares]
axes.plot(percent, decibels(whole), "--", color=display.COLOURS["baseline"], label="whole picture")
axes.plot(percent, decibels(inside), "o-", color=display.COLOURS["ours"], label="hole only")
axes.set(title="The same fillings, two rulers", xlabel="share of the picture that is missing, %", ylabel="PSNR, dB",
         ylim=(8, 36))
axes.legend()
display.plt.show()

# %% [markdown]
# The dashed curve promises a perfect repair as the hole gets small. What lifts it there are the pixels that nobody had
# to repair. The distance between the two is $-10 \log_{10} s$ everywhere. (Beyond 15 % the solid curve stops falling.
# The larger boxes also take in more of the black background around the garment.) **From here on, only the hole
# counts.**
#
# One more ruler. Some thin or small holes lie in the black background and are filled without any error. The PSNR of
# such a picture is infinite, and so is a mean with it. The two curves avoid that: they pool the squared errors of all
# pictures first. For numbers that must serve any kind of hole, we take the root of the pooled error (RMSE), in grey
# levels of 255: black is 0, white is 255.

# %%
def rmse_in_the_hole(pred, target, hole):
    """Root of the mean squared error over all missing pixels of all pictures, in grey levels of 255. Lower is better."""
    missing = hole.expand_as(target)
    return 255 * ((pred - target).square() * missing).sum().div(missing.sum()).sqrt()

# %% [markdown]
# ## 3. The network
#
# The course's one idea is a shortcut plus a correction, $S(y) + F(y)$. The shortcut $S$ is the mean fill, as a layer
# `MeanFill`. The branch $F$ sees the picture *and* the hole. It folds patches of 4×4 pixels into channels, as chapter
# 05's denoiser does with 2×2, and the weights of its last layer start at zero. So before training the network *is* the
# mean fill.
#
# Around it stands `KeepKnown`. It takes the network's answer in the hole, and the picture everywhere else:
#
# $$\hat x = S(y) + F(y) \text{ where the hole is 1}, \qquad \hat x = \text{the picture in } y \text{ where it is 0}.$$
#
# The library's `inpainter` is this:

# %%
from course_lib.networks import KeepKnown, MeanFill, inpainter

torch.manual_seed(SEED)
network = inpainter(channels=1, width=32, depth=3, fold=4).to(compute)
print(f"{sum(weight.numel() for weight in network.parameters()):,} weights")
with torch.no_grad():
    print("step 0 is the mean fill, bit for bit:", torch.equal(network(y), MeanFill()(y)))

# %% [markdown]
# **Bit for bit** is a promise that arithmetic keeps only sometimes. There are three common ways to put an answer into a
# hole: choose with `torch.where`, blend the two with weights 0 and 1, or add the weighted difference. With `known` for
# $1 - \text{hole}$, the second and the third are the same formula on paper. Let the answer be random numbers. The blend
# is tried twice more: in 16 bits, and with one nan ("not a number", which an overflow may leave) in the answer at a
# known pixel. The choice gets that nan as well. How many known pixels come back changed?

# %%
torch.manual_seed(SEED)
answer, known = torch.rand(picture.shape), 1 - hole.cpu()
given, half = picture.cpu(), torch.bfloat16
spoiled = answer.clone()
spoiled[0, 0, 0, 0] = torch.nan  # a known pixel
ways = {
    "choice, one nan in the answer": torch.where(known == 0, spoiled, given),
    "hole · answer + known · picture": (1 - known) * answer + known * given,
    "answer + known · (picture − answer)": answer + known * (given - answer),
    "the second, in 16 bits": ((1 - known).to(half) * answer.to(half) + known.to(half) * given.to(half)).float(),
    "the second, one nan in the answer": (1 - known) * spoiled + known * given,
}
for name, result in ways.items():
    changed = ((result != given) & (known == 1)).sum().item()
    print(f"{name:36} {changed:6,} of {int(known.sum()):,} known pixels changed")

# %% [markdown]
# The blend is exact only for a hole of exact zeros and ones, in full precision, and for finite answers. The third
# formula rounds: it subtracts the answer and adds it again. Only a *choice* depends on nothing. (`hole == 1` and
# `known == 0` choose the same.) That is what `KeepKnown` does:

# %%
class Kept(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, y):
        picture, hole = split_hole(y)
        return torch.where(hole == 1, self.network(y), picture)


with torch.no_grad():
    print("as the library's:", torch.equal(Kept(network.network)(y), KeepKnown(network.network)(y)))

# %% [markdown]
# **Training.** Draw garments, put a new box into each, fill, and lower the squared error in the hole. The learning rate
# rises, then falls along a cosine. A gradient longer than 3 is cut to that length.

# %%
def in_the_hole(answer, x, hole):
    """Mean squared error over the missing pixels of the batch."""
    return ((answer - x).square() * hole).sum() / hole.sum()


def train(network, steps, make_hole=boxes.hole, loss=in_the_hole, batch_size=32, learning_rate=2e-3):
    """Train a network that takes picture and hole; a new hole for every picture, every time."""
    steps = steps * LONGER
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.1)
    batches = ShuffledBatches(train_pictures, train_labels, batch_size, seed=SEED)
    torch.manual_seed(SEED)
    for _ in range(steps):
        x, _ = batches.next()
        hole = make_hole(tuple(x.shape)).to(compute)
        optimiser.zero_grad()
        loss(network(with_hole(x, hole)), x, hole).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 3.0)
        optimiser.step()
        schedule.step()
    return network.eval()

# %%
train(network, 400)
with torch.no_grad():
    filled = network(y).clamp(0, 1)
TRAINED = f"{400 * LONGER} steps of 32"
by_network, by_bending = hole_psnr(filled, x, hole), hole_psnr(bent, x, hole)
expect("network, PSNR in the hole", by_network, low=14.4, high=15.4, unit="dB", protocol=f"{BOXES}; {TRAINED}")
expect("network over biharmonic", by_network - by_bending, low=1, high=2, unit="dB", protocol=f"{BOXES}; {TRAINED}")

# %% [markdown]
# After some seconds of training it is ahead of the smoothest surface. What has it learned that the surface cannot know?
# Compare the second row with the third: the trousers in columns 3, 4 and 6, and the shirt's sleeve in column 8.

# %%
in_rows(
    f"After {400 * LONGER} steps", hole=display.mark_hole(x[:9], hole[:9]), biharmonic=bent[:9], network=filled[:9],
    original=x[:9],
)

# %% [markdown]
# The trousers get legs, with a dark gap between them where the surface has a blob. The shirt gets a second sleeve with
# an edge. No border of a hole says so; other garments do. And it draws almost no detail: the sleeve is grey, not
# checked. Keep that in mind for section 5.
#
# ### A loss over the hole, or over the picture?
#
# The loss above counts the hole alone. Would the whole picture be better? It depends on what is trained.
#
# - *Inside* `KeepKnown` the known pixels have no error, and the loss sends no gradient through them. So the two losses
#   differ by a factor, the share of the hole, and Adam hardly feels a factor.
# - *Without it*, on the inner network (`inpainter(…).network`), they ask for different things. The loss over the hole
#   never looks at a known pixel. The loss over the picture spends part of the training on copying.
#
# One of the four cases needs no training of its own. With the loss over the hole, the gradient is the same inside and
# outside:

# %%
torch.manual_seed(SEED)
one = inpainter(1, 32, 3, 4).to(compute)
kept_loss, bare_loss = (in_the_hole(answer(y[:32]), x[:32], hole[:32]) for answer in (one, one.network))
weights = list(one.parameters())
gradients = zip(torch.autograd.grad(kept_loss, weights), torch.autograd.grad(bare_loss, weights))
print("the same gradient for every weight:", all(torch.allclose(a, b, atol=1e-7) for a, b in gradients))

# %%
def over_the_picture(answer, x, hole):
    return (answer - x).square().mean()


trials = {}
for name, loss in (("kept, hole", in_the_hole), ("kept, picture", over_the_picture), ("bare, picture", over_the_picture)):
    torch.manual_seed(SEED)
    trials[name] = inpainter(1, 32, 3, 4).to(compute)
    train(trials[name].network if name.startswith("bare") else trials[name], 120, loss=loss)

# %% [markdown]
# Two numbers for each of the other three: the error in the hole, and what the *inner* network makes of known pixels.
# Which of the three would you let near a photograph without `KeepKnown`?

# %%
LOSS_BANDS = {"kept, hole": ((56, 66), (37, 57)), "kept, picture": ((56, 66), (37, 57)), "bare, picture": ((59, 70), (6.8, 10))}
SHORT = f"grey levels of 255; 200 boxes, {120 * LONGER} steps of 32"
for name, ((low, high), (low_known, high_known)) in LOSS_BANDS.items():
    with torch.no_grad():
        inner = trials[name].network(y).clamp(0, 1)
    expect(f"{name}: RMSE in the hole", rmse_in_the_hole(inner, x, hole), low=low, high=high, protocol=SHORT)
    expect(f"{name}: RMSE of known pixels, inner network", rmse_in_the_hole(inner, x, 1 - hole),
           low=low_known, high=high_known, protocol=SHORT)

# %% [markdown]
# Inside `KeepKnown` the two losses give nearly the same network, and its inner network changes known pixels by some 45
# grey levels: nobody asked it to keep them. Trained without it, the loss over the picture keeps them to within some 8
# grey levels, and pays for that in the hole. That is not "never changed". So: the loss over the hole, and a layer that
# forbids the rest.
#
# ## 4. Partial convolution
#
# An ordinary convolution does not know what is missing. Beside a hole its window holds zeros that mean nothing, more of
# them in one place than in another. Liu et al. (2018) count. A window has $k \times k$ places. Let $K$ be those that
# are known, and $n$ their number. The *partial convolution* is
#
# $$\text{out} = \frac{k^2}{n} \sum_{p \in K} w_p \cdot x_p + b, \qquad \text{and 0 where } n = 0 .$$
#
# ($w_p \cdot x_p$ is summed over the channels at place $p$.) The factor $k^2/n$ is the *window factor*: it scales what
# is there up to a whole window. The *mask update* follows: where $n \ge 1$ something is known now, so with each layer
# the hole loses a rim as wide as half the window, one pixel for $k = 3$.

# %%
def partial(x, hole, weight, bias):
    """N×C×H×W, N×1×H×W, outputs×C×k×k, outputs → N×outputs×H×W; k odd."""
    k = weight.shape[-1]
    total = functional.conv2d(torch.where(hole == 1, 0.0, x), weight, padding=k // 2)
    n = functional.conv2d(1 - hole, torch.ones(1, 1, k, k).to(hole), padding=k // 2)  # one count, however many channels
    answer = total * k**2 / n.clamp(min=1) + bias.view(1, -1, 1, 1)
    return torch.where(n > 0, answer, 0.0)

# %%
check.partial_conv(partial)

# %%
from course_lib.networks import GatedConv, PartialConv

layer = PartialConv(1, 4)
with torch.no_grad():
    theirs, left = layer(picture.cpu(), hole.cpu())
    mine = partial(picture.cpu(), hole.cpu(), layer.conv.weight, layer.bias)
print("as PartialConv:", torch.allclose(mine, theirs, atol=1e-5))
print("hole before:", int(hole[0].sum()), "pixels, after one layer:", int(left[0].sum()))

# %% [markdown]
# ### Break it: the window factor forgotten
#
# Take a constant picture of value 0.75, a box missing, and weights that average: every weight is $1/k^2$. The sum over
# known pixels is then $0.75 \, n/k^2$. With the factor, every answer is 0.75 again. Without it, every answer is 0.75
# times the share of known pixels. Which is the smallest share above 0, and where does it stand? Predict, then look.
# (Orange is what is missing, before and after.)

# %%
constant, box = torch.full((1, 1, 28, 28), 0.75), torch.zeros(1, 1, 28, 28)
box[..., 8:20, 8:20] = 1
average, no_bias = torch.full((1, 1, 3, 3), 1 / 9), torch.zeros(1)
healthy = partial(constant, box, average, no_bias)
forgotten = functional.conv2d(constant * (1 - box), average, padding=1)
n = functional.conv2d(1 - box, torch.ones(1, 1, 3, 3), padding=1)
print("with the factor, wherever something is known, 0.75 again:", bool((healthy[n > 0] - 0.75).abs().max() < 1e-6))
print("without it, 0.75 · n/9:", torch.allclose(forgotten, 0.75 * n / 9), "; shares beside the hole:",
      sorted({round(share, 2) for share in (n / 9)[..., 3:25, 3:25].flatten().tolist() if 0 < share < 1}))

# %%
display.show_images(
    torch.cat([
        display.mark_hole(constant, box), display.mark_hole(healthy, (n == 0).float()), forgotten.expand(-1, 3, -1, -1),
    ]),
    ["constant 0.75, and a hole", "partial convolution", "factor forgotten"], columns=3, zoom=7,
)

# %% [markdown]
# In the middle the hole has lost a rim of one pixel, from 12×12 to 10×10, and nothing else has happened. On the right
# there is a dark rim around the hole. It is darkest (a share of 1/3) just inside the edge of the hole. Another rim runs
# along the picture's border, where the padding's zeros do the same. And the black square does not say that it is
# missing. A second such layer would average the rims and widen them.
#
# ### Gated convolution
#
# Partial convolution is a rule that somebody wrote down. It forgets how *much* was known: a place with one known pixel
# in its window counts as known in the next layer. *Gated convolution* (Yu et al. 2019) learns the rule. One convolution
# makes features $f$, a second one a *gate* $g$ of the same size, and
#
# $$\text{out} = \phi(f) \cdot \sigma(g), \qquad \sigma(g) = \frac{1}{1 + e^{-g}} \in (0, 1).$$
#
# $\phi$ is an activation, here the ELU: $f$ itself above 0, $e^f - 1$ below. The hole enters as a channel, and the
# network finds out for itself what to let through. The price: twice the weights.

# %%
torch.manual_seed(SEED)
gated = GatedConv(2, 4)
with torch.no_grad():
    f, g = functional.conv2d(y.cpu(), gated.both.weight, gated.both.bias, padding=1).chunk(2, dim=1)
    print("as GatedConv:", torch.allclose(functional.elu(f) * g.sigmoid(), gated(y.cpu()), atol=1e-6))

# %% [markdown]
# Both kinds of layer are used in an *encoder–decoder*. Its encoder goes down to a quarter of the size, where a window
# reaches four times as far. Its decoder goes back up, and the encoder's features of each size are added on the way.
# `EncoderDecoder` takes its layers as an argument: `PartialLayer` or `GatedLayer`. Watch the hole shrink on the way
# down. (At 14×14 a place stands for 4 pixels, at 7×7 for 16.)

# %%
from course_lib.networks import EncoderDecoder, GatedLayer, PartialLayer

for Layer, inputs in ((PartialLayer, 1), (GatedLayer, 2)):
    body = EncoderDecoder(Layer, inputs, 8)
    layers = [body.head, *body.down, *body.bottom]  # the encoder
    features, left, sizes = y[:1, :inputs].cpu(), hole[:1].cpu(), []
    for layer in layers:
        with torch.no_grad():
            features, left = layer(features, left)
        sizes.append(f"{features.shape[-1]}×{features.shape[-1]}: {int(left.sum())}")
    print(f"{Layer.__name__:13} hole before: {int(hole[0].sum())}; missing after each layer:", ", ".join(sizes))

# %% [markdown]
# At a quarter of the size two places are left, and one more layer closes them. (A gated layer has no hole to hand on:
# it gives 0.) `partial_inpainter` and `gated_inpainter` put such an encoder–decoder in the place of the branch, with
# the same shortcut and the same `KeepKnown`. Three networks of 60,000 to 80,000 weights, the same steps, the same
# batches:

# %%
from course_lib.networks import gated_inpainter, partial_inpainter

CONTEST = {
    "plain": lambda: inpainter(1, 32, 3, 4),
    "partial": lambda: partial_inpainter(1, 12),
    "gated": lambda: gated_inpainter(1, 8),
}
CONTEST_BANDS = {"plain": (11.4, 13.8), "partial": (12.3, 14.2), "gated": (10.9, 13.3)}
for name, (low, high) in CONTEST_BANDS.items():
    torch.manual_seed(SEED)
    one = train(CONTEST[name]().to(compute), 120, batch_size=16, learning_rate=4e-3)
    with torch.no_grad():
        value = hole_psnr(one(y).clamp(0, 1), x, hole)
    count = sum(weight.numel() for weight in one.parameters())
    expect(f"{name}, {count:,} weights: PSNR in the hole", value, low=low, high=high, unit="dB",
           protocol=f"{BOXES}; {120 * LONGER} steps of 16")

# %% [markdown]
# After 120 small steps all three are far ahead of the mean fill (9.4 dB), and the best is about level with the
# biharmonic surface (13.4 dB). The partial one leads: it is told what is missing. The gated one has to learn that
# first, and is usually last. But a step of the encoder–decoders, at full size, costs about three times as much as one
# of the plain network, which works on folded pixels. In the time of their 120 steps the plain one makes some 360, and
# comes out ahead of both. So we go on with it. Partial and gated convolutions were made for large photographs with
# holes of any form.
#
# ## 5. What may it invent?
#
# Which garments *could* it be? Take the question literally. Go through 10,000 training garments, compare each with the
# picture *where pixels are known*, and look at what the nearest ones have in the place of the hole. No training at all.
#
# The distance of a garment $g$ from a picture $p$ is $\sum (g - p)^2$ over the known places. Multiplied out it is
# $\sum g^2 - 2 \sum p\,g + \sum p^2$. The last sum is the same for all garments and may be left out. The first two are
# matrix products.

# %%
def nearest(y, gallery, k):
    """The k pictures of the gallery that agree best with the known pixels of each y: N×k×C×H×W."""
    picture, hole = split_hole(y)
    p, known, g = picture.flatten(1), 1 - hole.flatten(1), gallery.flatten(1)
    distance = known @ g.square().T - 2 * (known * p) @ g.T  # + known·p², the same for all
    return gallery[distance.topk(k, largest=False).indices]


judged, others = test_pictures[:1000], test_pictures[1000:]
y_judged = boxes(judged, generator=torch.Generator().manual_seed(1))
its_hole = y_judged[:, 1:]
answers = torch.where(its_hole[:, None] == 1, nearest(y_judged, train_pictures, 8), judged[:, None])
with torch.no_grad():
    by_network = network(y_judged).clamp(0, 1)

# %% [markdown]
# Four answers to each hole, then the mean of eight, the network, and the original. Cover the last row: which of the
# four answers would you rule out? (Nine of the first twelve test garments. In the three others, 4, 5 and 10, the
# answers hardly differ.)

# %%
show = [0, 1, 2, 3, 6, 7, 8, 9, 11]  # of the first twelve
in_rows(
    "Many answers to one hole", hole=display.mark_hole(judged[show], its_hole[show]), nearest=answers[show, 0],
    second=answers[show, 1], third=answers[show, 2], fourth=answers[show, 3], mean_of_eight=answers[show].mean(1),
    network=by_network[show], original=judged[show],
)

# %% [markdown]
# Some can be ruled out: none of the four has the checks of the sixth garment. But most could be true. For the boot and
# the trousers the answers agree. For the jacket, the shoes and the sandals they differ in stripes, shade and straps:
# what is known does not decide those. Their mean keeps what they agree on and blurs the rest. The network's row is
# blurred in these places, too, and more so. That is no accident. For answers $a_1, \dots, a_k$ with mean $\bar a$, and
# any picture $x$,
#
# $$\frac1k \sum_i \lVert a_i - x \rVert^2 \;=\; \lVert \bar a - x \rVert^2 + \frac1k \sum_i \lVert a_i - \bar a \rVert^2 .$$
#
# Read it with $x$ as the original: the mean has a smaller error than its members have on average, by exactly their
# variance. Now read it the other way round. Let the $a_i$ be all originals that fit what is known, and $x$ the *one*
# answer that a network must give to all of them. Then the left side is the squared error that training lowers, and it
# is smallest for $x = \bar a$. So squared error *asks for the mean of all plausible answers*. Where they differ, a mean
# is blurred.

# %%
exact = answers.double()
middle = exact.mean(1)
left_side = (exact - judged[:, None]).square().sum() / 8
right_side = (middle - judged).square().sum() + (exact - middle[:, None]).square().sum() / 8
print("both sides agree:", bool((left_side / right_side - 1).abs() < 1e-9))

# %% [markdown]
# ### Two rulers
#
# One ruler measures the distance from *this* original. Another asks whether a *set* of pictures looks like garments:
# chapter 04's Fréchet distance, here FD-clf with the course's extractor. We compare 1,000 completed garments with the
# 1,000 other test garments. No garment is in both sets. What two sets of real pictures of this size differ by is
# measured as well, as `original`: expect nothing lower.

# %%
from course_lib.evaluation import garments, extract_features

extractor = garments(compute)
reference = extract_features(others, extractor).gaussian
completed = {
    "mean fill": mean_fill(*split_hole(y_judged)), "biharmonic": boxes.baseline(y_judged), "network": by_network,
    "mean of eight": answers.mean(1), "one neighbour": answers[:, 0], "original": judged,
}


def both_rulers(pictures):
    """RMSE in the hole, FD-clf."""
    return rmse_in_the_hole(pictures, judged, its_hole).item(), extract_features(pictures, extractor).gaussian.distance(reference)


plane = {name: both_rulers(pictures) for name, pictures in completed.items()}

# %%
PROTOCOL = "first 1,000 of fashion_mnist_mini test, one box of 15 to 30 % each"
RULERS = {
    "mean fill": ((94, 99), (5, 7.5)), "biharmonic": ((63, 68), (2, 2.8)), "network": ((50, 54.5), (2, 2.75)),
    "mean of eight": ((40, 43), (0.7, 0.95)), "one neighbour": ((49, 54), (0.6, 0.8)),
}
for name, (of_error, of_distance) in RULERS.items():
    expect(f"{name}: RMSE", plane[name][0], low=of_error[0], high=of_error[1], protocol=f"{PROTOCOL}; grey levels of 255")
    expect(f"{name}: FD-clf", plane[name][1], low=of_distance[0], high=of_distance[1],
           protocol=f"{PROTOCOL}, against the other 1,000, course classifier")
expect("original: FD-clf", plane["original"][1], low=0.6, high=0.7, protocol="the 1,000 without holes, against the other 1,000")

# %% [markdown]
# One neighbour alone has about the network's RMSE, and nearly the Fréchet distance of real pictures: its fillings *are*
# pieces of real garments, of other ones. The mean of eight has a much smaller error, and is farther from looking real.
#
# And a plain search beats our small network by both rulers. A few seconds of training have not taken in what 10,000
# pictures hold. Remember such a baseline when somebody shows you a network alone.
#
# ### Adversarial refinement
#
# Can the network itself learn to prefer one believable answer to the mean? Give it a second judge: a discriminator $D$
# (chapters 02 and 03) that is shown originals and completed pictures, and pushes it towards what cannot be told apart.
# It starts from the trained network. The squared error stays in the loss, with the discriminator's part beside it:
#
# $$\text{loss} = \mathrm{MSE}_\text{hole} + \lambda \cdot \text{softplus}\bigl(D(x) - D(\hat x)\bigr), \qquad \lambda = 0.1 .$$
#
# The second term is the generator's part of chapter 03's game: relativistic, with lazy `r1_r2`, and the average of the
# weights (`EMA`) is what counts. It compares in pairs, and here a pair is an original $x$ and *its own* completion
# $\hat x$: they differ in the hole alone.

# %%
from course_lib.images import to_signed
from course_lib.losses import GAN_LOSSES
from course_lib.networks import residual_discriminator
from course_lib.training import EMA, r1_r2

GAME, WEIGHT, EVERY = GAN_LOSSES["relativistic"], 0.1, 4
penalty = r1_r2(0.1)


def judge_step(judge, optimiser, real, fake, step):
    """The discriminator's turn: tell originals from completions."""
    real_logits, fake_logits = judge(torch.cat([real, fake.detach()])).chunk(2)
    loss = GAME.discriminator(real_logits, fake_logits)
    if step % EVERY == 0:
        loss = loss + EVERY * penalty(judge, real, fake.detach())
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

# %%
def fill_step(network, judge, optimiser, answer, x, hole):
    """The generator's turn: near the original, and hard to tell from one."""
    judge.requires_grad_(False)
    with torch.no_grad():
        real_logits = judge(to_signed(x))
    game = GAME.generator(judge(to_signed(answer)), real_logits)
    optimiser.zero_grad()
    (in_the_hole(answer, x, hole) + WEIGHT * game).backward()
    optimiser.step()
    judge.requires_grad_(True)

# %%
def refine(network, steps, rates=(5e-4, 1e-3)):
    torch.manual_seed(SEED)
    judge = residual_discriminator().to(compute)
    optimisers = [torch.optim.Adam(one.parameters(), lr=rate, betas=(0.0, 0.99)) for one, rate in zip((network, judge), rates)]
    batches, average = ShuffledBatches(train_pictures, train_labels, 32, seed=SEED + 1), EMA(network, 0.98)
    for step in range(steps * LONGER):
        x, _ = batches.next()
        y = boxes(x)
        answer = network(y)
        judge_step(judge, optimisers[1], to_signed(x), to_signed(answer), step)
        fill_step(network, judge, optimisers[0], answer, x, y[:, 1:])
        average.update(network)
    return average.network

# %%
refined = refine(copy.deepcopy(network).train(), 200)
with torch.no_grad():
    completed["refined"] = refined(y_judged).clamp(0, 1)
plane["refined"] = both_rulers(completed["refined"])
changes = [after / before for after, before in zip(plane["refined"], plane["network"])]
expect("refined over network: RMSE", changes[0], low=0.99, high=1.08, protocol=f"{PROTOCOL}; {200 * LONGER} steps of 32, λ = 0.1")
expect("refined over network: FD-clf", changes[1], low=0.75, high=0.95,
       protocol=f"{PROTOCOL}, against the other 1,000; {200 * LONGER} steps of 32, λ = 0.1")

# %% [markdown]
# Every method as a point: left is nearer to the original, down is more like garments. (The mean fill lies outside, far
# up on the right.) In which direction does the refinement move the network? After that, look at the refined pictures:
# what is new in the holes?

# %%
canvas, axes = display.figure(height=3.4, width=6.4)
kinds = {"biharmonic": "baseline", "network": "ours", "refined": "fake", "mean of eight": "other", "one neighbour": "other"}
for name, kind in kinds.items():
    axes.plot(*plane[name], "o", color=display.COLOURS[kind], markersize=8)
    axes.annotate(name, plane[name], xytext=(8, 4), textcoords="offset points")
axes.axhline(plane["original"][1], color=display.COLOURS["real"], linestyle="--")
axes.annotate("originals", (60, plane["original"][1]), xytext=(0, 5), textcoords="offset points", color=display.COLOURS["real"])
axes.set(title="Error against looks", xlabel="RMSE in the hole, grey levels", ylabel="FD-clf", xlim=(39, 71), ylim=(0, 3))
display.plt.show()

# %%
in_rows(
    "The same holes, refined", hole=display.mark_hole(judged[show], its_hole[show]), network=by_network[show],
    refined=completed["refined"][show], original=judged[show],
)

# %% [markdown]
# The Fréchet distance falls by more than a tenth, and the error rises a little: down and to the right. Blau and
# Michaeli (2018) proved that the *best methods possible* face such a trade: there, less error is paid for in looks, and
# better looks in error. Our network is far from that limit: the mean of eight neighbours is better by both rulers.
#
# The step is small, as 200 steps are. The refined fillings have more contrast, and a fine grid of dots (sub-pixel
# convolution's, as in chapter 03). Prints and seams are beyond this budget. What does a larger $\lambda$ do? Try 0.3,
# with more than one seed.
#
# So, **what may a network invent?** Anything that is consistent with what is known; and it has to be *labelled* as
# invented. The mean is honest about what is not known, by being blurred. A sharp filling is *one* sample, shown without
# its rivals. Where a picture is evidence, as a medical scan is, a hole is better left open.
#
# ## 6. Where the classical method still wins
#
# Three kinds of hole, three methods. The network is the checkpoint of the first figure, trained on boxes only. Before
# you look: where does it lose?

# %%
def of_three(y):
    with torch.no_grad():
        fillings = {"mean fill": mean_fill(*split_hole(y)), "biharmonic": biharmonic(*split_hole(y)),
                    "network": checkpoint(y).clamp(0, 1)}
    return {name: rmse_in_the_hole(one, x, y[:, 1:]).item() for name, one in fillings.items()}


table = {kind: of_three(y) for kind, y in by_kind.items()}
TABLE_BANDS = {("box", "biharmonic"): (63, 65), ("box", "network"): (41, 44), ("strokes", "biharmonic"): (46, 48),
               ("strokes", "network"): (44, 47), ("scratches", "biharmonic"): (28, 30), ("scratches", "network"): (44, 47)}
for (kind, method), (low, high) in TABLE_BANDS.items():
    expect(f"{kind}, {method}: RMSE", table[kind][method], low=low, high=high,
           protocol=f"grey levels of 255; first 200 of fashion_mnist_mini test, {kind}, {SHARES[kind][0]:.0%} to {SHARES[kind][1]:.0%}")

# %%
canvas, axes = display.figure(height=2.8)
for i, (method, colour) in enumerate({"mean fill": "other", "biharmonic": "baseline", "network": "ours"}.items()):
    bars = axes.bar([k + 0.27 * (i - 1) for k in range(3)], [table[kind][method] for kind in table], 0.25,
                    color=display.COLOURS[colour], label=method)
    axes.bar_label(bars, fmt="%.0f")
axes.set(title="Error in the hole (lower is better)", ylabel="RMSE, grey levels", xticks=range(3), xticklabels=list(table), ylim=(0, 125))
axes.legend(ncols=3)
display.plt.show()

# %% [markdown]
# In wide boxes the network is far ahead. Strokes are close to a draw. In scratches the smooth surface wins clearly. You
# saw it in section 1: nearly every missing pixel there touches a known one, and so close to what is known, "smooth" is
# nearly all that is needed. The network's error in scratches is even *larger* than in boxes.
#
# Is that the fault of networks, or of this one's training? It has never seen a scratch. So train our small network on
# each of the other kinds, too, with the same steps as before. (A thousand holes of each kind, drawn once: drawing
# strokes takes longer than filling them.) In the figure, compare the bars within each group, and the lowest of the
# three networks with the grey bar.

# %%
trained_on = {"boxes": network}
for kind in ("strokes", "scratches"):
    pool = Holes(kind, SHARES[kind]).hole((1000, 1, 28, 28), torch.Generator().manual_seed(SEED))
    torch.manual_seed(SEED)
    one = inpainter(1, 32, 3, 4).to(compute)
    trained_on[kind] = train(one, 400, make_hole=lambda shape: pool[torch.randint(1000, shape[:1])])

# %%
MISMATCH = {
    "boxes": {"box": (49, 54), "strokes": (50, 59), "scratches": (46, 57)},
    "strokes": {"box": (51, 62), "strokes": (42, 47), "scratches": (34, 39)},
    "scratches": {"box": (75, 108), "strokes": (57, 76), "scratches": (30.5, 36)},
}
errors = {trained: {} for trained in MISMATCH}
for trained, bands in MISMATCH.items():
    fill = trained_on[trained]
    for kind, (low, high) in bands.items():
        holes = by_kind[kind]
        with torch.no_grad():
            filling = fill(holes).clamp(0, 1)
        errors[trained][kind] = rmse_in_the_hole(filling, x, holes[:, 1:]).item()
        expect(f"trained on {trained}, tested on {kind}: RMSE", errors[trained][kind], low=low, high=high,
               protocol=f"grey levels of 255; first 200 of fashion_mnist_mini test, {400 * LONGER} steps of 32")

# %%
canvas, axes = display.figure(height=2.8)
groups = {f"trained on {trained}": list(by_test.values()) for trained, by_test in errors.items()}
groups["biharmonic"] = [table[kind]["biharmonic"] for kind in table]
for i, ((name, heights), colour) in enumerate(zip(groups.items(), ("ours", "other", "fake", "baseline"))):
    axes.bar([k + 0.2 * (i - 1.5) for k in range(3)], heights, 0.18, color=display.COLOURS[colour], label=name)
axes.set(title="Three trainings, three kinds of hole (lower is better)", ylabel="RMSE, grey levels", ylim=(0, 130),
         xticks=range(3), xticklabels=[f"tested on {kind}" for kind in table])
axes.legend(ncols=4)
display.plt.show()

# %% [markdown]
# For each kind of hole the network that was trained on it is the best of the three. Trained on scratches, it is lost in
# wide boxes: it never had to look far. So a table of methods says little without the holes of the *training*.
#
# Then the grey bars. On strokes the network trained on strokes is ahead of the surface. On scratches even the one
# trained on scratches does not reach it with this training. If that is your task, try the classical method first: it
# needs no data and no training, and everybody can say what it does.
#
# ## 7. Break it
#
# The forgotten factor you have seen. Two more faults run without a message. In the first, the mask's *polarity* is
# swapped: someone hands over a mask in which 1 means "known". In the second, the network was trained on the hole alone,
# and then its whole answer is taken, without `KeepKnown`. Look at the third row: what was the network told?

# %%
with torch.no_grad():
    upside_down = network(with_hole(x[:9], 1 - hole[:9])).clamp(0, 1)
    overwritten = network.network(y[:9]).clamp(0, 1)
in_rows(
    "Healthy, and two faults", hole=display.mark_hole(x[:9], hole[:9]), healthy=filled[:9],
    polarity_swapped=upside_down, known_pixels_overwritten=overwritten,
)

# %%
FAULTS = {"healthy": (filled[:9], 0, 0), "polarity swapped": (upside_down, 65, 76), "overwritten": (overwritten, 34, 46)}
for name, (pictures, low, high) in FAULTS.items():
    error = rmse_in_the_hole(pictures, x[:9], 1 - hole[:9])
    expect(f"{name}: RMSE of known pixels", error, low=low, high=high, protocol="grey levels of 255; first 9 of 200 boxes")
print("with the polarity swapped the hole comes back untouched:", torch.equal(upside_down * hole[:9], x[:9] * hole[:9]))

# %% [markdown]
# With the mask upside down the program repaints all that was known and keeps the hole's content. Here that content was
# still the original, so *a PSNR in the hole would be infinite*. A test with pictures in which the hole is really empty
# finds the fault at once. In the last row the holes are filled as in the second. Everything else is off by tens of grey
# levels, here too bright.
#
# | symptom | likely cause |
# |---|---|
# | the hole comes back as it was, all else is repainted | mask polarity swapped |
# | known pixels differ in the last digits, or one is nan | arithmetic, or 16 bits, instead of a choice |
# | known pixels too bright or too dark all over | loss over the hole, and the whole answer taken (no `KeepKnown`) |
# | dark rims around holes and at the border | window factor forgotten |
# | a partial convolution's answers C times too large or too small | C·k² over a count of places, or k² over a count of numbers |
# | superb PSNR, visible boxes | measured over the whole picture |
# | good on the benchmark, poor on your holes | other kind of hole in training |
#
# Now draw your own hole. Two pixels wide, or twelve? Find one where you would prefer the biharmonic filling to the
# network's. (Where no widget can live, three fixed holes are shown. In the second, thick strokes, look at the specks in
# the network's filling: it was trained on boxes.)

# %%
display.draw_hole(lambda y: checkpoint(y.to(compute)).cpu(), test_pictures[:20].cpu())

# %% [markdown]
# ## What more computing buys
#
# The checkpoint is the recipe `inpaint`: the same idea with six times the weights, folded by 2 instead of 4.

# %%
print(f"{card['steps']} steps of 64, {card['seconds'] / 60:.0f} minutes on {card['device']['device']}, "
      f"{card['device']['threads']} thread, {card['parameters']:,} weights")
with torch.no_grad():
    completed["checkpoint"] = checkpoint(y_judged).clamp(0, 1)
plane["checkpoint"] = both_rulers(completed["checkpoint"])
with torch.no_grad():
    value = hole_psnr(checkpoint(y).clamp(0, 1), x, hole)
expect("checkpoint, PSNR in the hole", value, low=16.6, high=17.2, unit="dB", protocol=BOXES)
expect("checkpoint: RMSE", plane["checkpoint"][0], low=40, high=45, protocol=f"{PROTOCOL}; grey levels of 255")
expect("checkpoint: FD-clf", plane["checkpoint"][1], low=1.4, high=1.8,
       protocol=f"{PROTOCOL}, against the other 1,000, course classifier")

# %%
in_rows(
    "Seconds, minutes, and the original", hole=display.mark_hole(judged[show], its_hole[show]), seconds=by_network[show],
    minutes=completed["checkpoint"][show], original=judged[show],
)

# %% [markdown]
# With five minutes of training the error comes close to that of the mean of eight neighbours, without 10,000 pictures
# to carry along. The outline is surer. By the Fréchet distance the neighbours are still far ahead: the blur is not
# gone. It is the answer to the question that the loss asks.
#
# On your own picture, with a mask that is white where pixels are missing:
#
# ```
# course restore inpaint photo.png --mask mask.png --out filled.png
# ```
#
# Known pixels come back bit for bit in a `.png`. The checkpoint has seen garments only. This trains on small
# photographs in colour (the recipe wants pictures of one size):
#
# ```
# course train inpaint --data cifar10 --out runs/mine
# ```

# %% [markdown]
# ## Scorecard

# %%
scorecard()

# %% [markdown]
# ## Summary
#
# - **The question** was what a network may invent. **The answer:** what the known pixels leave open, in the hole and
#   nowhere else, labelled as invented.
# - `hole` is 1 where a pixel is missing; ask which polarity you are given. Known pixels are chosen, not computed.
# - Measure in the hole. Over the whole picture, PSNR is larger by $-10 \log_{10}$ of the missing share, for the same
#   filling.
# - A partial convolution scales the sum over a window's $n$ known pixels up by $k^2/n$. A gated one learns what to let
#   through.
# - Squared error asks for the mean of all plausible answers. A sharp filling is one of these answers. A discriminator
#   moves the network from the mean towards one of them.
# - In thin scratches the classical method won here. And a network is good at the holes that it was trained on.
#
# **You could now build** an inpainter whose promise can be tested: known pixels unchanged, error in the hole beside a
# baseline, several answers shown.
#
# | in `course_lib` | what it holds from this chapter |
# |---|---|
# | `degradations` | `Holes`; `mean_fill`, `biharmonic` |
# | `images` | `with_hole`, `split_hole` |
# | `networks` | `MeanFill`, `KeepKnown`, `inpainter`; `PartialConv`, `GatedConv`; `EncoderDecoder` of `PartialLayer` or `GatedLayer`; `PartialBranch` in `partial_inpainter`, `GatedBranch` in `gated_inpainter` |
# | `metrics` | `hole_psnr` |
# | `recipes` | `inpaint`, the whole training |
# | `display` | `draw_hole`, the widget; `mark_hole`, orange where pixels are missing |
#
# ## Questions
#
# Answer first, then unfold.
#
# <details><summary>1. A paper reports 32 dB for holes of 10 %. Another 24 dB for holes of 40 %. Which fills better?</summary>
#
# One cannot tell. If both are over whole pictures, take 10 and 4 dB off: 22 and 20 dB in the hole. And wider holes are
# mostly harder. Ask for the error in the hole, on the same holes.
# </details>
#
# <details><summary>2. Why must the hole be a channel of the input? The missing pixels are 0.</summary>
#
# So are black ones. Without it the network could not tell a hole in the background from background, or a dark garment
# from a hole.
# </details>
#
# <details><summary>3. Why does the window factor have k² and not C·k² in it?</summary>
#
# All C channels share one hole. A whole window holds C·k² numbers, of which C·n are known. The C cancels: k²/n, with n
# the count of known *places*.
# </details>
#
# <details><summary>4. Your network's fillings are blurred. Will more training make them sharp?</summary>
#
# As sharp as what is known decides, and no sharper: with squared error the best answer is the mean of all that fit.
# Another loss, or sampling, changes the question.
# </details>
#
# <details><summary>5. What does a nearest neighbour's filling have that the network's has not, and what is wrong with it?</summary>
#
# It is a real piece of a real garment: sharp, with texture. It is somebody else's; it does not join at the hole's
# border; and the training pictures must be carried along, which may be private.
# </details>
#
# <details><summary>6. Why keep the squared error in the adversarial loss?</summary>
#
# The discriminator asks only whether a completed picture looks real. Many fillings look real and are not right for this
# picture. And the squared error holds the network while the discriminator is still learning.
# </details>
#
# ## Exercises and reading
#
# The exercises of this chapter are in [`exercises/07_inpainting.ipynb`](../exercises/07_inpainting.ipynb).
#
# - Liu et al. 2018,
#   [Image Inpainting for Irregular Holes Using Partial Convolutions](https://arxiv.org/abs/1804.07723): section 4's
#   layer, and the loss of exercise 4.
# - Yu et al. 2019, [Free-Form Image Inpainting with Gated Convolution](https://arxiv.org/abs/1806.03589): learning what
#   to let through, and how to draw strokes.
# - Pathak et al. 2016, [Context Encoders](https://arxiv.org/abs/1604.07379): the first such network; it already weighs
#   squared error against an adversarial loss.
# - Blau and Michaeli 2018, [The Perception-Distortion Tradeoff](https://arxiv.org/abs/1711.06077): why one cannot have
#   both.
# - Lugmayr et al. 2022, [RePaint](https://arxiv.org/abs/2201.09865): many answers from one generative model that was
#   never trained on holes. Chapter 10 takes this up.
