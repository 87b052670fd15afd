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
# # 01 · Residual blocks
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/notebooks/01_residual_blocks.ipynb)
#
# **Why would a deeper network be worse on its own training data?**
#
# A deeper network can do everything that a shallower one can: its extra layers only have to pass their input on. So
# it should never do worse on the pictures it was trained on. You first watch one do worse, and mend it by adding two
# characters to its code: `x +`. The rest of the chapter asks why that helps. The block that you get that way carries
# the whole course.
#
# | | |
# |---|---|
# | **You build** | the residual block, its five variants, ResNet-18, and a classifier that later chapters measure with |
# | **You need** | chapter 00; Python; what a convolution, a gradient and a loss are |
# | **Computing time** | about 75 seconds on two CPU cores (not yet measured on a GPU) |

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

from course_lib import check, display
from course_lib.data import load
from course_lib.expect import expect, scorecard
from course_lib.system import device

SEED = 0  # every random number of this chapter follows from it
compute = device.pick()

# %% [markdown]
# ## The puzzle, in one experiment
#
# The data first: ten thousand small photographs of garments, 28×28 pixels each, and what each shows.

# %%
train, test = load("fashion_mnist_mini", "train"), load("fashion_mnist_mini", "test")
images, labels = (part.to(compute) for part in train.tensors())
print("pictures", tuple(images.shape), " values from", images.min().item(), "to", images.max().item())
display.show_images(images[:8], [train.classes[label] for label in labels[:8]])

# %% [markdown]
# Now two kinds of block. Both send a picture's features `x` through the same small stack $F$, the *branch*:
# convolution, normalisation, ReLU, convolution, normalisation. *Batch normalisation* (BN) brings each channel to mean 0
# and standard deviation 1 over the batch, then gives it a learned scale and shift. A *ReLU* sets what is negative to
# zero. Both blocks end in a ReLU. Find the one difference.

# %%
def branch(width):
    """F: two 3×3 convolutions, each followed by batch normalisation, with a ReLU between them."""
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width),
    )

# %%
class PlainBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.branch = branch(width)

    def forward(self, x):
        return functional.relu(self.branch(x))


class ShortcutBlock(PlainBlock):  # has the same branch; only forward is new
    def forward(self, x):
        return functional.relu(x + self.branch(x))

# %% [markdown]
# The difference is `x +`. It adds no weights: the two have the same number of parameters, whatever the depth.
#
# A network is a *stem* that turns a picture into features (here 16 channels of 7×7), a row of blocks, and a *head*
# that averages over the picture and gives ten *logits*, one score a class. Its depth counts the layers with weights
# in a row: one in the stem, two a block, one in the head.

# %%
def network(block, blocks, width=16):
    torch.manual_seed(SEED)
    stem = nn.Sequential(nn.Conv2d(1, width, 4, stride=4, bias=False), nn.BatchNorm2d(width), nn.ReLU())
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))
    return nn.Sequential(stem, *[block(width) for _ in range(blocks)], head).to(compute)

# %%
def fit(model, steps=200, learning_rate=0.02):
    """Train on random batches of 64; give back the loss of every batch."""
    optimiser = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
    dice = torch.Generator().manual_seed(SEED)
    losses = []
    for _ in range(steps):
        chosen = torch.randint(len(images), (64,), generator=dice).to(compute)
        loss = functional.cross_entropy(model(images[chosen]), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses

# %% [markdown]
# Three networks, the same 200 batches in the same order: a shallow plain one (6 layers), a deep plain one (42
# layers), and the deep one with shortcuts (42 layers).

# %%
shallow_plain, deep_plain = network(PlainBlock, 2), network(PlainBlock, 20)
deep_shortcut = network(ShortcutBlock, 20)
losses = {
    "plain, 6 layers": fit(shallow_plain),
    "plain, 42 layers": fit(deep_plain),
    "shortcuts, 42 layers": fit(deep_shortcut),
}

# %% [markdown]
# The dashed curve is the same in both panels: the shallow plain network. Compare where each pair stands at its right
# edge. This is the loss on *training* batches, so nothing here can be blamed on overfitting, on a network that knows its
# training pictures by heart and fails on others.

# %%
canvas, (left, right) = display.figure(1, 2)
smoothed = {name: display.smooth(values) for name, values in losses.items()}
display.curves(
    left, {"6 layers": smoothed["plain, 6 layers"], "42 layers": smoothed["plain, 42 layers"]},
    colours=["baseline", "plain"], styles=["--", "-"], ylim=(0, 5),
    title="Plain: depth hurts", xlabel="training step", ylabel="training loss (mean of 20 steps)",
)
display.curves(
    right, {"6, plain": smoothed["plain, 6 layers"], "42 layers": smoothed["shortcuts, 42 layers"]},
    colours=["baseline", "residual"], styles=["--", "-"], ylim=(0, 5),
    title="With x +: it does not", xlabel="training step",
)

# %%
def final_loss(name):
    return sum(losses[name][-50:]) / 50

# %%
PROTOCOL = "training loss, last 50 of 200 batches of 64, learning rate 0.02, fashion_mnist_mini train"
expect("loss, plain, 6 layers", final_loss("plain, 6 layers"), low=0.6, high=0.9, protocol=PROTOCOL)
expect("loss, plain, 42 layers", final_loss("plain, 42 layers"), low=1.1, high=2.2, protocol=PROTOCOL)
expect(
    "loss, shortcuts, 42 layers", final_loss("shortcuts, 42 layers"), low=0.5, high=0.75,
    protocol=PROTOCOL,
)

# %% [markdown]
# That is the puzzle, and what mends it, in one picture. The deep plain network learns far less than the shallow one,
# although it contains it: let 18 of its blocks pass their input on, and it *is* the shallow one. So good weights
# exist, and training does not find them. He and colleagues made this effect famous in 2015 and called it the
# *degradation problem*. With `x +`, the same 42 layers start higher and end
# lower than 6.
#
# Each `expect` line above shows a measured number and the band it must fall in; the scorecard at the end collects
# them. Three questions remain, and the chapter takes them in turn. Does it get worse step by step with depth? What
# does the shortcut change for the gradient? And what does a network with shortcuts become?

# %% [markdown]
# ## 1. The deeper, the worse
#
# One point between 6 and 42 tells whether this is a cliff or a slope. We add 18 layers, for both kinds, and the
# missing shallow network with shortcuts.

# %%
middle_plain, middle_shortcut = network(PlainBlock, 8), network(ShortcutBlock, 8)
losses["plain, 18 layers"] = fit(middle_plain)
losses["shortcuts, 18 layers"] = fit(middle_shortcut)
losses["shortcuts, 6 layers"] = fit(network(ShortcutBlock, 2))

# %%
canvas, panels = display.figure(1, 2)
titles = {"plain": "Plain: the deeper, the worse", "shortcuts": "With x +: depth costs nothing"}
for axes, (kind, title), colour in zip(panels, titles.items(), ("plain", "residual")):
    named = {f"{depth} layers": display.smooth(losses[f"{kind}, {depth} layers"]) for depth in (6, 18, 42)}
    display.curves(
        axes, named, colours=["baseline", "other", colour], styles=["--", "-.", "-"], ylim=(0, 5), title=title,
        xlabel="training step", ylabel="training loss (mean of 20 steps)" if kind == "plain" else "",
    )
display.plt.show()

# %% [markdown]
# It is a slope: over these 200 steps, more plain layers mean a higher loss. With shortcuts the order at the right edge is
# turned round.
#
# Think about what a plain *block* has to learn in order to do no harm: to copy its input through two convolutions and
# a ReLU, exactly. That is a precise setting of thousands of weights. A block with a shortcut does no harm when its
# branch gives zero. He and colleagues supposed that this is the reason: a small correction to what is there is easier to
# learn than to paint it all anew. You will meet this thought again in every chapter.

# %%
expect(
    "price of depth, plain", final_loss("plain, 42 layers") - final_loss("plain, 6 layers"), low=0.3, high=1.4,
    protocol="difference of those losses, 42 against 6 layers",
)
expect(
    "price of depth, shortcuts", final_loss("shortcuts, 42 layers") - final_loss("shortcuts, 6 layers"),
    low=-0.2, high=0, protocol="difference of those losses, 42 against 6 layers",
)

# %% [markdown]
# ## 2. Follow the gradient
#
# Training moves a layer's weights by the gradient that reaches the layer. So measure it: before any training, how
# large is the gradient of the loss at the output of each block? (`retain_grad` asks PyTorch to keep it.)

# %%
def gradient_norms(model):
    """Norm of the loss gradient at the output of the stem and of every block, first to last."""
    x, outputs = images[:256], []
    for part in model:
        x = part(x)
        x.retain_grad()
        outputs.append(x)
    functional.cross_entropy(x, labels[:256]).backward()
    return [output.grad.norm().item() for output in outputs[:-1]]


plain_norms = gradient_norms(network(PlainBlock, 20))
shortcut_norms = gradient_norms(network(ShortcutBlock, 20))

# %% [markdown]
# The axis below is logarithmic: a straight line means that each block multiplies the gradient by the same factor. The
# gradient travels from right to left, from the loss back to the stem. You might expect it to vanish on its way. Does it?

# %%
canvas, axes = display.figure()
display.curves(
    axes, {"plain": plain_norms, "shortcuts": shortcut_norms},
    colours=["plain", "residual"], styles=["s-", "o-"],
    title="How large the gradient is along the depth", yscale="log",
    xlabel="position (1: output of the stem, 2 … 21: of the blocks)", ylabel="gradient norm at initialisation",
)

# %%
AT_START = "20 blocks at initialisation, 256 training pictures, batch statistics"
per_block = (plain_norms[0] / plain_norms[-1]) ** (1 / 20)
expect("gradient growth per plain block", per_block, low=1.33, high=1.45, unit="×", protocol=AT_START)
per_block = (shortcut_norms[0] / shortcut_norms[-1]) ** (1 / 20)
expect("gradient growth per shortcut block", per_block, low=1.12, high=1.2, unit="×", protocol=AT_START)
expect(
    "spread of gradient, plain", plain_norms[0] / plain_norms[-1], low=250, high=2000, unit="×",
    protocol=AT_START,
)
expect(
    "spread of gradient, shortcuts", shortcut_norms[0] / shortcut_norms[-1], low=10, high=40,
    unit="×", protocol=AT_START,
)

# %% [markdown]
# It does not vanish, it explodes. In the plain network each block on the way back makes it about 1.4 times larger, and
# at the stem it is hundreds of times what it was at the end. With shortcuts the spread is about twenty, most of it from
# the first five blocks. Yang and colleagues derived the growth in 2019 for wide networks at initialisation: batch
# normalisation itself causes it, whatever the scale of the initial weights.
#
# Is that the whole answer? Be careful. Take five training steps, and measure again:

# %%
young = network(PlainBlock, 20)
fit(young, steps=5)
norms = gradient_norms(young)
expect("spread of gradient, plain, after 5 steps", norms[0] / norms[-1], low=1.5, high=60, unit="×",
       protocol="20 blocks after 5 of the 200 steps, 256 training pictures, batch statistics")

# %% [markdown]
# The explosion is a matter of the first few steps: normalisation soon evens it out, and the network still does not
# catch up. So it is one part of the answer. The shape of the gradient, in section 6, is another.
#
# ### What the shortcut does to the gradient
#
# Leave the last ReLU out for a moment. Write $x_l$ for the features before block $l$, and $F_l$ for its branch:
#
# $$x_{l+1} = x_l + F_l(x_l).$$
#
# Put one equation into the next, from block $l$ up to the end of the row, where the features are $x_L$:
#
# $$x_L = x_l + \sum_{i=l}^{L-1} F_i(x_i).$$
#
# Every later $x_L$ is an earlier $x_l$ plus a *sum*, where a plain network has a *product* of layers. Differentiate,
# with $\mathcal{L}$ for the loss:
#
# $$\frac{\partial \mathcal{L}}{\partial x_l}
#   = \frac{\partial \mathcal{L}}{\partial x_L}
#     \left(I + \frac{\partial}{\partial x_l} \sum_{i=l}^{L-1} F_i(x_i)\right).$$
#
# The $I$ is the point. Whatever the branches do, the gradient at the end arrives at block $l$ undamped, through the
# shortcuts alone; what comes through the branches is added to it. So it cannot vanish by passing many layers. Why does
# it not explode either? The features grow with each sum, and the BN of each branch divides by their size: each further
# branch counts for less. That is why the curve with shortcuts is steep at the first blocks and flat at the last.
#
# You need not believe the algebra. Compute both sides. `autograd.grad(y, x, g)` gives the gradient at `x` when the
# gradient `g` arrives at `y`:

# %%
torch.manual_seed(SEED)
branches = [branch(16).eval() for _ in range(10)]
x_l = torch.rand(1, 16, 7, 7, requires_grad=True)

x, corrections = x_l, torch.zeros_like(x_l)
for F_l in branches:
    correction = F_l(x)
    x, corrections = x + correction, corrections + correction

gradient_at_L = torch.randn_like(x)  # stands for ∂L/∂x_L
(left,) = torch.autograd.grad(x, x_l, gradient_at_L, retain_graph=True)
(through_the_branches,) = torch.autograd.grad(corrections, x_l, gradient_at_L)
print("both sides agree:", torch.allclose(left, gradient_at_L + through_the_branches, atol=1e-5))

# %% [markdown]
# ## 3. Build the block
#
# Now write the block down once and for all. It has a *branch* $F$, which learns, and a *shortcut* $S$, which is the
# identity unless the shape changes: $y = S(x) + F(x)$.

# %%
class Residual(nn.Module):
    def __init__(self, branch, shortcut=None):
        super().__init__()
        self.branch = branch
        self.shortcut = nn.Identity() if shortcut is None else shortcut

    def forward(self, x):
        return self.shortcut(x) + self.branch(x)


check.residual(Residual)

# %% [markdown]
# The library's `course_lib.blocks.Residual` is the same with two additions: a factor `scale` on the branch, and a
# module `after` for what follows the sum. It also refuses to add paths of different shapes, where PyTorch would
# sometimes stretch one silently. On the same branch, both give the same:

# %%
from course_lib import blocks

torch.manual_seed(SEED)
learned, x = branch(16), torch.rand(4, 16, 7, 7)
print("same as the library's Residual:", torch.equal(Residual(learned)(x), blocks.Residual(learned)(x)))
with_relu = blocks.Residual(learned, after=nn.ReLU())
print(
    "ShortcutBlock is Residual with a ReLU after it:",
    torch.equal(functional.relu(x + learned(x)), with_relu(x)),
)

# %% [markdown]
# ### One block, many branches
#
# What people call different residual blocks are different branches in the same wrapper. Read each as a line.
# (Generators make pictures, discriminators judge them: chapters 02 and 03.)
#
# | builder | branch | after the sum | from |
# |---|---|---|---|
# | `basic_block` | conv–BN–ReLU–conv–BN | ReLU | ResNet-18, -34 (2015) |
# | `bottleneck_block` | 1×1 down, 3×3, 1×1 up, a BN after each | ReLU | ResNet-50 (2015) |
# | `preact_block` | BN–ReLU–conv–BN–ReLU–conv | nothing | "pre-activation" (2016) |
# | `down_block` | ReLU–conv–ReLU–conv, halved by averaging | nothing | discriminators (2017) |
# | `up_block` | BN–ReLU–resize ×2–conv–BN–ReLU–conv | nothing | generators (2017) |
#
# Where a block changes the number of channels or the size, its shortcut cannot be the identity. It becomes a
# `projection`: a 1×1 convolution (`conv1x1`), which is one small matrix applied at every pixel.

# %%
def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


x = torch.rand(2, 64, 16, 16)
for builder, arguments in (
    (blocks.basic_block, (64,)), (blocks.bottleneck_block, (64,)), (blocks.preact_block, (64,)),
    (blocks.basic_block, (64, 128, 2)), (blocks.down_block, (64, 128)), (blocks.up_block, (64, 32)),
):
    block = builder(*arguments)
    shape = str(tuple(block(x).shape))
    print(f"{builder.__name__:16} {arguments!s:12} {shape:18} {parameters(block):>7,} parameters")

# %% [markdown]
# The bottleneck's one 3×3 convolution works on a quarter of the channels: 2,304 weights where the basic block has 73,728.
# With its two 1×1 convolutions it comes to a sixteenth of the parameters. The deepest networks use it.
#
# What if you forget the projection where it is needed? PyTorch may stretch one path over the other without a word. The
# library's block says it instead:

# %%
from course_lib.errors import CourseError

try:
    blocks.Residual(nn.Conv2d(16, 1, 1))(torch.rand(2, 16, 7, 7))
except CourseError as refusal:
    print(refusal)

# %% [markdown]
# ### Start as the identity
#
# A row of blocks with nothing after the sum, whose branches begin at zero, is the identity: the network begins shallow
# and grows deeper as it learns. Two ways to do it are a zero-initialised last layer (`zero_last`) and a factor on the
# branch, also learned.

# %%
x = torch.rand(2, 16, 7, 7)
row = nn.Sequential(*[blocks.zero_last(blocks.preact_block(16)) for _ in range(50)])
print("50 zero-initialised blocks change x by at most", (row(x) - x).abs().max().item())

row(x).square().mean().backward()
still_learning = all(block.branch[-1].weight.grad.abs().sum() > 0 for block in row)
print("and the last layer of each still gets a gradient:", still_learning)

# %%
gate = nn.Parameter(torch.zeros(()))
gated = blocks.Residual(branch(16), scale=gate)
print("a block with a learned gate, at 0, changes it by", (gated(x) - x).abs().max().item())

# %% [markdown]
# The zero does not stop learning: the last layer gets a gradient, and after one step its branch is no longer zero.
# (Behind a gate at zero, the gate moves first.) Later chapters rest on this: a network that enlarges pictures will start
# *exactly* as good as the classical method, and has only the correction to learn.
#
# ### ResNet-18, from the same block
#
# A claim is easy; here is a test. Build ResNet-18 from `basic_block`, copy the weights of torchvision's own
# network into it, and compare.

# %%
import torchvision

from course_lib.networks import copy_weights, resnet18

torch.manual_seed(SEED)
reference = torchvision.models.resnet18(weights=None).eval()
ours = resnet18().eval()
copy_weights(ours, reference.state_dict())

pictures = torch.rand(2, 3, 64, 64)
with torch.no_grad():
    difference = (ours(pictures) - reference(pictures)).abs().max().item()
print(f"parameters: {parameters(ours):,}   same outputs to 1e-6: {difference < 1e-6}")

# %% [markdown]
# ## 4. What a convolution is, and what its gradient does to pictures
#
# Generators must turn small feature maps into large pictures. To see why `up_block` first resizes and then
# convolves, look at a convolution as what it is: a matrix product.
#
# `unfold` takes the 3×3 neighbourhood of each pixel and lays it out as a column. One row of weights times that
# column is one output pixel; all of them together are one matrix product.

# %%
def convolve(x, weight):
    """3×3 convolution with padding 1: x (N,C,H,W), weight (D,C,3,3) → (N,D,H,W)."""
    columns = functional.unfold(x, kernel_size=3, padding=1)  # (N, C·9, H·W)
    rows = weight.flatten(1)                         # (D, C·9)
    return (rows @ columns).unflatten(2, x.shape[2:])


torch.manual_seed(SEED)
x, weight = torch.rand(2, 3, 8, 8), torch.randn(5, 3, 3, 3)
print(
    "same as functional.conv2d:",
    torch.allclose(convolve(x, weight), functional.conv2d(x, weight, padding=1), atol=1e-5),
)

# %% [markdown]
# Now write a whole convolution with stride 2 as one large matrix $A$, from all pixels of the large input to all pixels
# of the small output. Its transpose $A^\top$ maps a small picture to a large one, and backpropagation multiplies by
# exactly that transpose. So the gradient of a strided convolution *is* an up-sampling layer, and it has a name:
# transposed convolution.

# %%
large, small = torch.rand(1, 1, 8, 8, requires_grad=True), torch.rand(1, 1, 4, 4)
kernel = torch.rand(1, 1, 3, 3)
shrunk = functional.conv2d(large, kernel, stride=2, padding=1)
(gradient,) = torch.autograd.grad(shrunk, large, small)
transposed = functional.conv_transpose2d(small, kernel, stride=2, padding=1, output_padding=1)
print(
    "gradient of a convolution = transposed convolution:",
    torch.allclose(gradient, transposed, atol=1e-6),
)

# %% [markdown]
# Each small pixel stamps its 3×3 kernel on the large picture, two pixels apart. Stamps of width 3 at distance 2
# overlap in every other pixel, and there the picture gets more. Give both ways of up-sampling the dullest input
# there is, a constant gray, and the same random kernel, and show both at the same mean brightness. Look for a pattern
# that the input does not have.

# %%
gray = torch.full((1, 1, 12, 12), 1.0)
torch.manual_seed(SEED)
kernel = torch.rand(1, 1, 3, 3)
stamped = functional.conv_transpose2d(gray, kernel, stride=2, padding=1, output_padding=1)
resized = functional.conv2d(
    functional.interpolate(gray, scale_factor=2, mode="nearest"), kernel, padding=1,
)
pair = [picture[0, :, 2:-2, 2:-2] for picture in (stamped, resized)]
shown = [0.5 * picture / picture.mean() for picture in pair]  # the same mean gray for both
display.show_images(
    shown, ["transposed convolution", "resize, then convolve"], zoom=12,
    title="A constant input, up-sampled in two ways",
)

# %%
def contrast(picture):
    """Standard deviation over the mean: 0 for a constant picture."""
    return (picture.std() / picture.mean()).item()


INPUT = "constant 12×12 input, one random 3×3 kernel, border of 2 left out"
expect("checkerboard, transposed", contrast(pair[0]), low=0.2, high=1.2, protocol=INPUT)
expect("checkerboard, resized", contrast(pair[1]), low=0.0, high=1e-5, protocol=INPUT)

# %% [markdown]
# The checkerboard on the left is not learned and not noise: it is in the operation. Training can reduce it, but must
# spend weights on it. On the right a constant stays constant. This is why `up_block` resizes on both of its paths,
# by nearest neighbour, and convolves afterwards.

# %% [markdown]
# ## 5. What does a residual network become? Remove a block
#
# Open the trained 18-layer networks from section 1 and take out one block, without training again (such damage on
# purpose is called a *lesion study*). In the plain network each block feeds the next, so the loss of any one should
# hurt. What do you expect with shortcuts?
#
# Section 1 stopped both trainings at their full learning rate, where the test accuracy still jumps from step to step. So
# first, forty steps at a tenth of that rate let both networks settle.

# %%
from course_lib.metrics import accuracy

test_images, test_labels = (part.to(compute) for part in test.tensors())


def lesions(model):
    """Test accuracy of the whole network, and with each block in turn replaced by the identity."""
    whole, without = accuracy(model, test_images, test_labels), []
    for position in range(1, len(model) - 1):
        block = model[position]
        model[position] = nn.Identity()
        without.append(accuracy(model, test_images, test_labels))
        model[position] = block  # put it back
    return whole, without


for model in (middle_plain, middle_shortcut):
    fit(model, steps=40, learning_rate=0.002)
plain_whole, plain_without = lesions(middle_plain)
shortcut_whole, shortcut_without = lesions(middle_shortcut)

# %% [markdown]
# The dashed lines are the whole networks, the dots what is left when one block is gone. The dotted gray line is
# guessing.

# %%
canvas, axes = display.figure()
for name, whole, without, colour, marker in (
    ("plain", plain_whole, plain_without, "plain", "s"),
    ("shortcuts", shortcut_whole, shortcut_without, "residual", "o"),
):
    axes.axhline(whole, color=display.COLOURS[colour], linestyle="--", linewidth=1)
    axes.plot(
        range(1, 9), without, marker, color=display.COLOURS[colour],
        label=f"{name}, one block removed",
    )
axes.axhline(0.1, color=display.COLOURS["baseline"], linestyle=":")
axes.set(
    title="Take out one block: the plain network guesses, the other mostly works on", ylim=(0, 1),
    xlabel="block removed (1 is the first)", ylabel="test accuracy",
)
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
display.plt.show()

# %%
def mean(values):
    return sum(values) / len(values)


LESION = "18 layers, mean over 8 removals, fashion_mnist_mini test, N = 2000"
expect("accuracy, plain, a block removed", mean(plain_without), low=0.07, high=0.25, protocol=LESION)
expect(
    "accuracy, shortcuts, a block removed", mean(shortcut_without), low=0.45, high=0.75,
    protocol=LESION,
)

# %% [markdown]
# The plain network is a chain: one link gone, and it guesses, or does little better. The network with shortcuts loses
# little in its second half. The early blocks are dear to lose, and the first one cannot be spared at all, since all
# later corrections are computed from what it gives.
#
# The sum in section 2 says why (up to the ReLUs after the sums). Taking out $F_5$ removes one correction and disturbs the
# later ones; the rest of the sum still stands. Put differently: a path through the network goes, at each block,
# either through the branch or past it. Eight blocks give $2^8 = 256$ paths, and removing one block leaves half of them.
# Veit and colleagues read residual networks in 2016 as a committee of many paths.

# %% [markdown]
# ## 6. Shattered gradients
#
# The size of a gradient can be mended, and soon is. Its *shape* is a deeper trouble, and one input dimension is enough to
# see it. Take a network that maps a number $t$ to a number $y$, and look at the gradient $dy/dt$ as $t$ moves along a
# line. (Training follows gradients by the weights; this one is easier to draw and shows the same trouble.) A step
# along a gradient helps if the gradient is still much the same where the step ends.

# %%
def line_network(depth, scale=None, width=200):
    """A number in, a number out. scale: factor on the branches; None for a plain network."""
    def layer():
        linear = nn.Linear(width, width, bias=False)
        nn.init.kaiming_normal_(linear.weight)
        return nn.Sequential(nn.BatchNorm1d(width, momentum=None), nn.ReLU(), linear)

    rows = [layer() if scale is None else blocks.Residual(layer(), scale=scale) for _ in range(depth)]
    end = nn.BatchNorm1d(width, momentum=None), nn.ReLU(), nn.Linear(width, 1)
    return nn.Sequential(nn.Linear(1, width), *rows, *end)


def gradient_along_the_line(model, points=256):
    t = torch.linspace(-2, 2, points)[:, None].requires_grad_()
    model.train()(t)  # sets the normalisation to the statistics of the whole line
    model.eval()(t).sum().backward()  # now no point sees another, so this gives each its own dy/dt
    return t.grad[:, 0]

# %% [markdown]
# `momentum=None` makes batch normalisation keep the plain average of what it saw: here, of the one pass over the whole
# line. The last network multiplies its branches by 0.1. Compare the roughness of the curves from one point to the next.

# %%
kinds = {
    "plain, 1 layer": (1, None), "plain, 50 layers": (50, None),
    "shortcuts, 50 layers": (50, 1.0), "shortcuts × 0.1, 50 layers": (50, 0.1),
}
canvas, panels = display.figure(1, 4, height=2.6)
colours = ("baseline", "plain", "residual", "residual")
for axes, (name, (depth, scale)), colour in zip(panels, kinds.items(), colours):
    torch.manual_seed(SEED)
    gradient = gradient_along_the_line(line_network(depth, scale))
    axes.plot(
        torch.linspace(-2, 2, 256), gradient / gradient.std(), color=display.COLOURS[colour],
        linewidth=0.9,
    )
    axes.set_title(name, fontsize=10)
    axes.set(xlabel="input $t$", yticks=[])
panels[0].set_ylabel("gradient $dy/dt$, scaled")
canvas.suptitle(
    "Depth turns the gradient into noise; shortcuts keep neighbours alike", fontweight="bold",
    x=0.01, ha="left",
)
display.plt.show()

# %% [markdown]
# The second curve is close to *white noise*: the gradient at one point says nothing about the gradient next to it. That can
# be put as a number, the correlation of the gradient with itself one grid point further on: near 1 for a smooth
# curve, 0 for white noise.

# %%
def neighbour_correlation(gradient):
    centred = gradient - gradient.mean()
    return ((centred[1:] * centred[:-1]).sum() / centred.square().sum()).item()


GRID = "mean over 5 networks, width 200, 256 points on [-2, 2], lag of one point"
BANDS = {
    "plain, 1 layer": (0.93, 1.0), "plain, 50 layers": (-0.12, 0.12),
    "shortcuts, 50 layers": (0.5, 0.75), "shortcuts × 0.1, 50 layers": (0.72, 0.92),
}
for name, (low, high) in BANDS.items():
    networks = [line_network(*kinds[name]) for _ in range(5)]
    correlation = mean([neighbour_correlation(gradient_along_the_line(model)) for model in networks])
    expect(f"correlation, {name}", correlation, low=low, high=high, protocol=GRID)

# %% [markdown]
# Balduzzi and colleagues named this in 2017: the *shattered gradients* problem. A step along a shattered gradient is
# right only at the point where it was measured. Shortcuts alone mend most of it, since their $I$ adds the same smooth
# part everywhere; a small factor on the branches keeps that part the larger one, and mends more.
#
# So there are three views of one puzzle: the identity is hard to learn, the gradient has the wrong size at first, and it
# has the wrong shape. The shortcut helps with all three. Which of them matters most is still debated.

# %% [markdown]
# ## 7. Break it
#
# You know a part when you have seen what happens without it. Here are mistakes that keep every shape right, so that
# no error message comes. The first two are 20 blocks deep and get the same 200 batches.
#
# *The forgotten `x +`* you have met: it is the plain network. The second is subtler. In `LateReLUBlock` the ReLU has
# slipped inside the sum, to the end of the branch. It learns at half the rate of the others: at their rate its loss jumps
# so wildly that the last digit of one weight decides where it ends. The healthy rival is a row of `preact_block`s.

# %%
class LateReLUBlock(PlainBlock):
    def forward(self, x):
        return x + functional.relu(self.branch(x))


losses["ReLU inside the sum"] = fit(network(LateReLUBlock, 20), learning_rate=0.01)
losses["pre-activation"] = fit(network(blocks.preact_block, 20))

# %% [markdown]
# The dotted line is $\ln 10 \approx 2.3$, the loss of a network that gives all ten classes the same score. The
# axis is logarithmic. Look at the left edge: where does each network *start*?

# %%
canvas, axes = display.figure()
shown = {
    "forgot x +": "plain, 42 layers", "ReLU inside the sum": "ReLU inside the sum",
    "healthy": "pre-activation",
}
display.curves(
    axes, {name: display.smooth(losses[key], 10) for name, key in shown.items()},
    colours=["plain", "other", "residual"], styles=["-", "--", "-"], yscale="log", ylim=(0.4, 20),
    title="Two mistakes that raise no error", xlabel="training step", ylabel="training loss (mean of 10 steps)",
)
axes.axhline(torch.tensor(10.0).log(), color=display.COLOURS["baseline"], linestyle=":")
display.plt.show()

# %% [markdown]
# A classifier that has seen nothing should start near the dotted line. The healthy one starts a little above, as sums of
# many blocks do; the one with the ReLU inside the sum starts several times higher: it gives large scores before it
# has learned anything. Look inside, at the mean of the features along the depth, before training:

# %%
@torch.no_grad()
def feature_means(model):
    x, means = images[:256], []
    for part in model[:-1]:
        x = part(x)
        means.append(x.mean().item())
    return means

# %%
late, healthy = feature_means(network(LateReLUBlock, 20)), feature_means(network(blocks.preact_block, 20))
canvas, axes = display.figure(height=2.6)
display.curves(
    axes, {"ReLU inside the sum": late, "pre-activation": healthy},
    colours=["other", "residual"], styles=["s-", "o-"],
    title="A branch that cannot be negative can only add",
    xlabel="position (1: output of the stem)", ylabel="mean feature at initialisation",
)
display.plt.show()

# %%
expect("climb of the mean, ReLU inside", late[-1] - late[0], low=7.3, high=8.3, protocol=AT_START)
expect(
    "climb of the mean, pre-activation", healthy[-1] - healthy[0], low=-1, high=0.6,
    protocol=AT_START,
)
expect(
    "first loss, pre-activation", losses["pre-activation"][0], low=1.8, high=4,
    protocol="first batch of 64, before any step",
)
expect(
    "first loss, ReLU inside", losses["ReLU inside the sum"][0], low=3, high=16,
    protocol="first batch of 64, before any step",
)
expect(
    "loss, ReLU inside the sum", final_loss("ReLU inside the sum"), low=0.65, high=1.2,
    protocol=PROTOCOL.replace("0.02", "0.01"),
)
expect("loss, pre-activation", final_loss("pre-activation"), low=0.5, high=0.85, protocol=PROTOCOL)

# %% [markdown]
# A ReLU's output is never negative, so each block can only add to the features and none can take away. A correction
# must be able to have both signs. The pre-activation block of 2016 has this right by construction: its branch ends in
# a convolution, and nothing stands after the sum, so the shortcut is an identity from the first block to the last.
#
# A third mistake hides in two words. `nn.ReLU(inplace=True)` saves memory by overwriting its input. At the front of a
# branch, its input is the very `x` that the shortcut is about to add:

# %%
careless = blocks.Residual(nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(16, 16, 3, padding=1)))
x = torch.randn(2, 16, 7, 7)
before_the_block = x.clone()
careless(x)
print("x is still x after the block:", torch.equal(x, before_the_block))

# %% [markdown]
# | symptom | cause |
# |---|---|
# | deeper is worse on the training data; at the start, gradient norms change by a constant factor a block | no shortcut: `x +` is missing |
# | first loss several times $\ln(\text{classes})$; feature means climb block by block | the branch cannot go negative: a ReLU at its end |
# | it trains, but the block changes its own input | an in-place operation in the branch overwrites the $x$ that the shortcut needs |
# | an error, or silent stretching, when channels or size change | the shortcut needs a projection |

# %% [markdown]
# ## 8. Train the classifier that the course measures with
#
# Later chapters ask whether generated garments look like real ones. They will ask this network: a stem, five
# `preact_block`s, and a linear head over 128 averaged features. It is `course_lib.classifier.Classifier`. The
# recipe puts data, network, loss and optimiser together, and the trainer (`course_lib.training.Trainer`) runs the
# loop that you wrote as `fit`, with progress, a learning rate that rises and falls (`cosine`), and saving.

# %%
from course_lib import recipes

run = recipes.classifier("fashion_mnist_mini", compute, seed=SEED)
before = run.evaluate()[0].value
run.trainer.run(steps=run.steps[device.budget(compute)])
after = run.evaluate()[0]

# %%
expect("accuracy before training", before, low=0.05, high=0.15, protocol=after.protocol)
expect("accuracy of the classifier", after.value, low=0.85, high=0.95, protocol=after.protocol)

# %% [markdown]
# After 280 batches most garments have their right name. The features are worth a look. For each test picture,
# find the nearest *training* picture, once by the distance of feature vectors and once by the distance of pixels. Which
# of the two finds a garment of the same kind more often?

# %%
with torch.no_grad():
    run.model.eval()
    features = torch.cat([run.model.features(part) for part in images.split(500)])
    test_features = torch.cat([run.model.features(part) for part in test_images.split(500)])
by_features = torch.cdist(test_features, features).argmin(1)
by_pixels = torch.cdist(test_images.flatten(1), images.flatten(1)).argmin(1)

rows = torch.cat([test_images[:10], images[by_features[:10]], images[by_pixels[:10]]])
names = ["test"] * 10 + ["features"] * 10 + ["pixels"] * 10
display.show_images(
    rows, names, columns=10,
    title="Test pictures, and their nearest neighbours in the training set",
)

# %%
for name, nearest, low, high in (("features", by_features, 0.812, 0.88), ("pixels", by_pixels, 0.75, 0.85)):
    same_kind = (labels[nearest] == test_labels).float().mean()
    expect(f"nearest by {name} is of the same class", same_kind, low=low, high=high,
           protocol="share of fashion_mnist_mini test, N = 2000, nearest of 10,000 train")

# %% [markdown]
# The features find the right kind a little more often (over six seeds by one to three points in a hundred), although
# nobody told them what "near" means: the network put garments of
# a kind close together because that made them easy to name. That is what makes the features a ruler for chapter 04.
#
# Saving keeps the weights as `safetensors`, plain numbers that no one can hide code in; loading gives the same network.

# %%
import tempfile
from pathlib import Path

from course_lib.networks import Classifier
from course_lib.system.checkpoint import load_weights, save_weights

with tempfile.TemporaryDirectory() as folder:
    save_weights(run.model, Path(folder) / "model.safetensors")
    again = Classifier().to(compute)
    load_weights(again, Path(folder) / "model.safetensors")
print(
    "same accuracy after saving and loading:",
    accuracy(again, test_images, test_labels) == after.value,
)

# %% [markdown]
# ## Scorecard
#
# The chapter's numbers, each beside the band it must fall in and the way it was measured. The bands hold what six
# different seeds gave, with some room; a number out of its band stops the course's own tests.

# %%
scorecard()

# %% [markdown]
# ## What more computing buys
#
# The same recipe, trained longer on the full Fashion-MNIST (60,000 pictures), is kept in `data/checkpoints`. Its card
# says how it was made. Measured on the same 2,000 test pictures as ours:

# %%
from course_lib.runs import load_model

longer, card = load_model("classifier", compute)
print(f"recipe {card['recipe']}, data {card['arguments']['data']}, {card['steps']:,} steps, "
      f"{card['seconds'] / 60:.0f} minutes on {card['device']['device']} ({card['device']['threads']} thread)")
value = recipes.classifier.evaluate(longer, "fashion_mnist_mini", compute)[0].value
expect("accuracy of the longer run", value, low=0.93, high=0.95, protocol=after.protocol)

# %%
canvas, axes = display.figure(height=1.8)
names = ["untrained", "this chapter", "longer run"]
axes.barh(
    names, [before, after.value, value],
    color=[display.COLOURS[c] for c in ("baseline", "residual", "real")],
)
axes.set(
    title="More data and more steps, together, buy a few points", xlim=(0, 1),
    xlabel="accuracy, fashion_mnist_mini test, N = 2000",
)
axes.invert_yaxis()
display.plt.show()

# %% [markdown]
# ## Summary
#
# - **The question** was why a deeper network would be worse on its own training data. **The answer:** not because it
#   could not represent the shallower one, but because training does not find it. Doing nothing is hard for a plain block;
#   and layer upon layer the gradient gets the wrong size (at first) and the wrong shape (for long).
# - `y = S(x) + F(x)` makes depth a *sum*. Doing nothing becomes the easy start, the gradient reaches every block undamped
#   through the shortcuts, and blocks become corrections, most of which can be spared one at a time.
# - All residual blocks of the literature are different branches in one wrapper. The branch must be free to go
#   negative, and the shortcut should be free of everything.
# - Up-sample by resizing, then convolve; a transposed convolution draws a checkerboard on a constant.
#
# **You could now build** a ResNet of any size, a generator's and a discriminator's blocks, and a feature extractor.
#
# | in `course_lib` | what it holds from this chapter |
# |---|---|
# | `blocks` | `Residual`; `basic_block`, `bottleneck_block`, `preact_block`, `down_block`, `up_block`; `conv3x3`, `conv1x1`, `projection`, `zero_last` |
# | `networks` | `resnet18`, `copy_weights`; `Classifier` |
# | `metrics` | `accuracy` |
# | `data` | `ShuffledBatches`; `Batches`, what every trainer takes its batches from |
# | `training` | `Trainer`, with the learning rates `cosine` and `constant`; `SupervisedStep` and `supervised`, for one network and one loss |
# | `system.checkpoint` | `save_weights`, `load_weights`; if you want to resume a run later: `save_tree`, `load_tree`, `random_state`, `set_random_state` |
# | `recipes`, `runs` | `classifier`, a `Recipe`; a `Run` with each `Metric`; `train`, `make_card`: the command `course train classifier --out DIR` |
# | `display` | `figure`, `curves`, `smooth` |
#
# ## Questions
#
# Answer first, then unfold.
#
# <details><summary>1. The deep plain network contains the shallow one. Why does that not help?</summary>
#
# That good weights exist says nothing about reaching them by gradient descent from random ones. The plain layers would
# have to learn an exact copy, guided by a gradient that is nearly uncorrelated from point to point. (The copy is exact
# when batch normalisation uses fixed statistics, as it does in evaluation.)
# </details>
#
# <details><summary>2. Is the degradation problem overfitting?</summary>
#
# No. Overfitting is low training loss with high test loss. Here the *training* loss of the deeper network is higher.
# </details>
#
# <details><summary>3. Write the gradient at block l of a residual row. Which term does a plain network lack?</summary>
#
# ∂L/∂x_l = ∂L/∂x_L (I + ∂/∂x_l ΣF_i(x_i)). The plain network lacks the I: its gradient is a product of the derivatives
# of all later layers and nothing else.
# </details>
#
# <details><summary>4. Why did He and colleagues move the ReLU to the front of the branch in 2016?</summary>
#
# With a ReLU after the sum the shortcut is an identity only where the sum is positive, and the equation above does not
# hold exactly. With the activations inside the branch nothing touches the path of the shortcuts.
# </details>
#
# <details><summary>5. You set the last layer of each branch to zero. Does the block ever learn?</summary>
#
# Yes. The last layer's gradient is its input times the gradient from above, which is not zero. Earlier layers of that
# branch get no gradient in the first step and do from the second on.
# </details>
#
# <details><summary>6. Where does the checkerboard of a transposed convolution come from, and which kernels avoid it?</summary>
#
# From uneven overlap: with stride s, some output pixels are reached by more kernel positions than others unless the
# kernel size is a multiple of s. Even then the weights must be balanced, which nothing enforces.
# </details>
#
# <details><summary>7. Someone compares two residual blocks by their number of parameters only. What slips through?</summary>
#
# A block that forgets `x +` has the same number, and so has one with its ReLU in the wrong place.
# </details>
#
# ## Exercises and reading
#
# The exercises of this chapter are in [`exercises/01_residual_blocks.ipynb`](../exercises/01_residual_blocks.ipynb).
#
# - He et al. 2015, [Deep Residual Learning for Image Recognition](https://arxiv.org/abs/1512.03385): the block, and the
#   puzzle of this chapter as its figure 1.
# - He et al. 2016, [Identity Mappings in Deep Residual Networks](https://arxiv.org/abs/1603.05027): why the shortcut should be clean; the
#   derivation of section 2.
# - Veit et al. 2016, [Residual Networks Behave Like Ensembles of Relatively Shallow Networks](https://arxiv.org/abs/1605.06431): the lesion study.
# - Balduzzi et al. 2017, [The Shattered Gradients Problem](https://arxiv.org/abs/1702.08591): section 6, with the theory.
# - Odena et al. 2016, [Deconvolution and Checkerboard Artifacts](https://distill.pub/2016/deconv-checkerboard/): section 4, in pictures.
