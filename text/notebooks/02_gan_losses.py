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
# # 02 · GAN losses
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/residual-imaging/residual-imaging/blob/main/notebooks/02_gan_losses.ipynb)
#
# **What exactly does the generator learn from the discriminator?**
#
# A generator makes pictures out of noise, and it never sees a real one. All it hears is what a second network, the
# discriminator, says about its attempts. This chapter leaves pictures aside. Its "pictures" are points on a line or in
# the plane, so small that you can see everything that passes between the two: you will see the answer as arrows.
#
# | | |
# |---|---|
# | **You build** | the two-player game, six losses, two gradient penalties, R1, the power iteration behind spectral normalisation; and the measures that tell which of them work |
# | **You need** | chapter 01; probability densities and expectations; derivatives; eigenvalues and singular values of a matrix |
# | **Computing time** | about 45 seconds on two CPU cores (a GPU is not used) |

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
from course_lib.expect import expect, scorecard
from course_lib.system import device

SEED = 0  # every random number of this chapter follows from it
compute = device.pick("cpu")  # so small are points and networks that a GPU would slow them

# %% [markdown]
# ## The game, in one picture
#
# The real "pictures" are points in the plane, in eight heaps on a circle. The *generator* $G$ turns a random point $z$,
# the *noise*, into a fake point $G(z)$. It is built as you know it from chapter 01: $G(z) = z + F(z)$, a shortcut plus
# a learned correction. The *discriminator* $D$ looks at a point and gives one number, a *logit*: large means "real".
# (The sine is there to help so small a network tell close points apart. This chapter does not try it without.)

# %%
from course_lib.blocks import Residual
from course_lib.toy2d import Sine, ring


def network(outputs, width=64):
    layers = nn.Linear(2, width), Sine(), nn.Linear(width, width), nn.LeakyReLU(0.2)
    return nn.Sequential(*layers, nn.Linear(width, outputs))


torch.manual_seed(SEED)
data, generator, discriminator = ring(), Residual(network(2)), network(1)

# %% [markdown]
# The *sigmoid* $\sigma(t) = 1/(1 + e^{-t})$ makes a logit $t$ a probability. The discriminator wants the logits of real
# points up and those of fake points down. The generator wants the logits of its fake points up. Let
# $\text{softplus}(t) = \log(1 + e^t)$. Then $\text{softplus}(-t) = -\log \sigma(t)$: small when $t$ is large. Written
# with softplus, $D$'s wish becomes two loss terms and $G$'s becomes one. The players take turns, one step each:

# %%
def update(optimiser, loss):
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def play(generator, discriminator, optimisers, steps):
    """The players take turns, D first; `optimisers` are the generator's and the discriminator's."""
    of_generator, of_discriminator = optimisers
    for _ in range(steps):
        real, fake = data.sample(64), generator(torch.randn(64, 2))
        on_real = functional.softplus(-discriminator(real)).mean()
        # .detach(): the generator has no part in the discriminator's step.
        on_fake = functional.softplus(discriminator(fake.detach())).mean()
        update(of_discriminator, on_real + on_fake)
        update(of_generator, functional.softplus(-discriminator(fake)).mean())


def adam(player):
    return torch.optim.Adam(player.parameters(), lr=2e-3, betas=(0.5, 0.99))


optimisers = adam(generator), adam(discriminator)

# %% [markdown]
# How does a fake point learn where to go? Its loss depends on its place through $D$. So there is a direction in which
# the loss falls fastest, and we can draw it as an arrow at the point:

# %%
def downhill(discriminator, points):
    """−∂loss/∂x at each point: where the generator's loss sends it. N×2 → N×2."""
    points = points.detach().requires_grad_()
    loss = functional.softplus(-discriminator(points)).sum()  # a sum: each point's arrow is its own
    return -torch.autograd.grad(loss, points)[0]

# %%
from matplotlib.colors import LinearSegmentedColormap

COLOURS = display.COLOURS
VERDICT = LinearSegmentedColormap.from_list("verdict", [COLOURS["fake"], "white", COLOURS["real"]])
LINE = torch.linspace(-2.6, 2.6, 81)
PLANE = torch.cartesian_prod(LINE, LINE)  # 6561 points


def draw_verdict(axes, logits):
    """Colour a panel by what D says at the points of PLANE: pink for fake, green for real."""
    probabilities = logits.detach().sigmoid().view(81, 81).T
    axes.imshow(probabilities, cmap=VERDICT, vmin=0, vmax=1, alpha=0.55, origin="lower",
                extent=(-2.6, 2.6, -2.6, 2.6))
    axes.set(xticks=[], yticks=[], autoscale_on=False)


def headline(canvas, text):
    canvas.suptitle(text, fontweight="bold", x=0.01, ha="left")

# %% [markdown]
# Three moments of one game. The colour is what $D$ says of each place: green for "real", pink for "fake". Dots are real
# points (green) and fake ones (dark). Each panel scales its arrows for itself, so compare their directions and not
# their lengths. Follow the arrows: what do they know about the real points?

# %%
canvas, panels = display.figure(1, 3, height=3.1)
noise = torch.randn(120, 2)
played = 0
for axes, moment in zip(panels, (8, 60, 400)):
    play(generator, discriminator, optimisers, moment - played)
    played = moment
    fake = generator(noise)
    draw_verdict(axes, discriminator(PLANE))
    axes.plot(*data.sample(200).T, ".", color=COLOURS["real"], markersize=3)
    arrows = downhill(discriminator, fake)
    longest = arrows.norm(dim=1).quantile(0.9).item()
    axes.quiver(*fake.detach().T, *arrows.T, color="#333333", width=0.006, scale=12 * longest)
    axes.plot(*fake.detach().T, ".", color="#333333", markersize=3)
    axes.set_title(f"after {moment} steps", fontsize=10)
headline(canvas, "All that the generator hears: an arrow for each fake point")
display.plt.show()

# %% [markdown]
# The arrows know nothing of the real points themselves. They point up the slope of $D$, towards what $D$ calls more
# real, at the places where the fake points happen to be. And as the points move, $D$ changes its mind.
#
# That is the whole answer, and you can prove it. Call the generator's parameters $w$. By the chain rule, the direction
# in which its loss falls is
#
# $$-\frac{\partial L_G}{\partial w} = \frac1N \sum_i
#   \underbrace{\Big(-\ell'\big(D(x_i)\big)\Big)}_{\text{pull}}\;
#   \underbrace{\nabla_x D(x_i)}_{\text{slope}}\;
#   \frac{\partial x_i}{\partial w}, \qquad x_i = G(z_i).$$
#
# Here $\ell$ is the generator's loss as a function of one logit. The *pull* says how hard that loss pulls the logit up.
# The *slope* says in which direction the logit rises, and how fast. *Pull* times *slope* is the arrow. So give the
# generator the arrows alone, without any $D$, and it must get the very same gradient:

# %%
fake = generator(noise)
generator_parameters = list(generator.parameters())
loss = functional.softplus(-discriminator(fake)).mean()
through_discriminator = torch.autograd.grad(loss, generator_parameters, retain_graph=True)
arrows = downhill(discriminator, fake)
from_arrows_alone = torch.autograd.grad(fake, generator_parameters, -arrows / len(fake))
pairs = zip(through_discriminator, from_arrows_alone)
same = all(torch.allclose(a, b, atol=1e-6) for a, b in pairs)
print("the arrows alone give the same gradient:", same)

# %% [markdown]
# So two things can go wrong. The pull is the loss's affair, the slope is the discriminator's.
#
# Section 1 asks what $D$ learns. Sections 2 and 3 treat the pull: which loss gives an arrow of which length? Sections 4
# to 6 treat the slope: how steep may it be, what goes wrong when nobody limits it, and what does the limit cost? In
# section 7 all losses play, and you count.

# %% [markdown]
# ## 1. The best discriminator
#
# What would $D$ say if it could learn without limit? Write $p(x)$ for the density of real pictures and $q(x)$ for that
# of fake ones. $D(x)$ is a logit, as before, and $d(x) = \sigma(D(x))$ is its probability. $D$'s loss above is a mean
# over samples. In expectation it is $-V(D)$, with
#
# $$V(D) = \int p(x) \log d(x) + q(x) \log\big(1 - d(x)\big)\; dx.$$
#
# So the discriminator maximises $V$. Nothing ties one $x$ to another: make each integrand as large as possible by
# itself. The derivative of $p \log d + q \log(1-d)$ by $d$ is $p/d - q/(1-d)$, and it is zero at
#
# $$d^*(x) = \frac{p(x)}{p(x) + q(x)}, \qquad\text{as a logit:}\qquad D^*(x) = \log\frac{p(x)}{q(x)}.$$
#
# As a probability, the best discriminator tells the *share* of real points among all points at $x$. As a logit, it
# tells the *ratio* of the two densities. Write the share, and let the check try other values of $d$:

# %%
def best_discriminator(p, q):
    """Densities at some points → the probability of "real" there that maximises V."""
    return p / (p + q)


check.best_discriminator(best_discriminator)

# %% [markdown]
# Put $D^*$ into $V$, and write $m = (p+q)/2$ for the mixture of both:
#
# $$V(D^*) = \int p \log\frac{p}{2m} + q \log\frac{q}{2m}\; dx = -\log 4 + 2\,\mathrm{JS}(p, q), \qquad
#   \mathrm{JS} = \tfrac12 \mathrm{KL}(p \,\|\, m) + \tfrac12 \mathrm{KL}(q \,\|\, m).$$
#
# ($\mathrm{KL}(a \,\|\, b) = \int a \log(a/b)$ is the Kullback–Leibler divergence.) The *Jensen–Shannon divergence* JS
# is 0 when $p = q$ and $\log 2$ when no place has both. With a perfect discriminator, the first of the generator's
# losses that Goodfellow and colleagues gave in 2014 minimises exactly this.
#
# Does a network that sees only samples come near $D^*$? Try two densities on a line: two real heaps, one broad fake
# one.

# %%
from torch.distributions import Categorical, MixtureSameFamily, Normal

two_heaps = Normal(torch.tensor([-1.5, 1.5]), torch.tensor([0.5, 0.5]))
p = MixtureSameFamily(Categorical(torch.ones(2)), two_heaps)
q = Normal(torch.tensor(0.0), torch.tensor(1.0))

torch.manual_seed(SEED)
learner = nn.Sequential(
    nn.Linear(1, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1)
)
optimiser = torch.optim.Adam(learner.parameters(), lr=5e-3)
slower = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, total_iters=800)
for _ in range(800):
    on_real, on_fake = learner(p.sample((256, 1))), learner(q.sample((256, 1)))
    update(optimiser, functional.softplus(-on_real).mean() + functional.softplus(on_fake).mean())
    slower.step()

# %%
x_axis = torch.linspace(-5, 5, 2001)
spacing = x_axis[1] - x_axis[0]
real_density, fake_density = p.log_prob(x_axis).exp(), q.log_prob(x_axis).exp()
best = best_discriminator(real_density, fake_density)
learned = learner(x_axis[:, None]).detach().sigmoid()[:, 0]


def value(d):
    """V, from the probabilities d at the points of the axis."""
    return (real_density * d.log() + fake_density * (1 - d).log()).sum().item() * spacing.item()


mixture = (real_density + fake_density) / 2
both = real_density, fake_density
divergence = 0.5 * sum(
    (density * (density / mixture).log()).sum() * spacing for density in both
).item()
by_js = -torch.tensor(4.0).log() + 2 * divergence
print(f"V(D*) = {value(best):.4f}   −log 4 + 2·JS = {by_js:.4f}")

# %% [markdown]
# Look where the learned curve leaves the dashed one, and what the densities are there.

# %%
canvas, axes = display.figure(height=3.0)
axes.fill_between(x_axis, real_density, color=COLOURS["real"], alpha=0.25, linewidth=0)
axes.fill_between(x_axis, fake_density, color=COLOURS["fake"], alpha=0.25, linewidth=0)
axes.plot(x_axis, best, "--", color=COLOURS["baseline"])
axes.plot(x_axis, learned, color=COLOURS["ours"])
for text, place, colour in (
    ("real density p", (-2.3, 0.3), "real"), ("fake density q", (-0.45, 0.3), "fake"),
    ("learned, σ(D)", (2.9, 0.72), "ours"), ("p / (p + q)", (2.9, 0.86), "baseline"),
):
    axes.annotate(text, place, color=COLOURS[colour])
axes.set(title="Where points fall, a trained discriminator tells the share of real ones",
         xlim=(-4, 4), ylim=(0, 1), xlabel="$x$", ylabel="density, probability of “real”")
display.plt.show()

# %%
ON_A_LINE = "N(±1.5, 0.5²) against N(0, 1), 800 steps of 256 + 256, on a grid of 2001"
error = ((learned - best).abs() * mixture).sum() * spacing
expect("mean error of D", error, low=0.004, high=0.03, protocol=ON_A_LINE + ", under (p + q)/2")
shortfall = value(best) - value(learned)
expect("V short of V(D*)", shortfall, low=0.0002, high=0.015, protocol=ON_A_LINE)

# %% [markdown]
# On average over all points, real and fake, the probability is about 0.01 off. The mean hides where. In the middle the
# two curves can hardly be told apart. Outside $|x| = 2$ they part, and at $|x| = 3$, where $p/(p+q)$ is exactly one
# half, the network still says about 0.8. Few points fall there, so little corrects it, and beyond them nothing does:
# the network goes on in a straight line.
#
# Keep this in mind. The generator's arrows come from the *slope* of that curve, and out there even the direction of the
# slope is wrong: the dashed curve falls outwards, the learned one rises a little.

# %% [markdown]
# ## 2. Six losses
#
# Here are the six that the course uses.
#
# | loss | what $D$ does | what $G$ does | from |
# |---|---|---|---|
# | minimax | tells real from fake, as a classifier | makes $D$ as wrong as it can: $D$'s own loss, with a minus | Goodfellow 2014 |
# | non-saturating | the same | has its points called real | the same paper |
# | least squares | gives 1 to real points, 0 to fake ones | has 1 given to its points | Mao 2017 |
# | hinge | as a classifier, but stops caring beyond a margin of 1 | raises $D$'s output | Lim and Ye 2017 |
# | Wasserstein | drives the two mean outputs apart | raises $D$'s output | Arjovsky 2017 |
# | relativistic | says which of a *pair*, one real, one fake, is real | has the fake one chosen | Jolicoeur-Martineau 2018 |
#
# For least squares, hinge and Wasserstein, $D$'s output is a *score*: large still means "real", but its sigmoid is no
# longer a probability. The code calls it a logit all the same.
#
# Each loss is two functions: what the discriminator minimises and what the generator minimises. The generator's takes
# the fake logits first, since five of the six need nothing else:

# %%
softplus, relu = functional.softplus, functional.relu


def cross_entropy(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


mine = {  # name: (D's loss of real and fake logits, G's loss of fake and real logits)
    "minimax": (cross_entropy, lambda fake, _: -softplus(fake).mean()),
    "non_saturating": (cross_entropy, lambda fake, _: softplus(-fake).mean()),
    "least_squares": (
        lambda real, fake: (real - 1).square().mean() + fake.square().mean(),
        lambda fake, _: (fake - 1).square().mean(),
    ),
    "hinge": (
        lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(),
        lambda fake, _: -fake.mean(),
    ),
    "wasserstein": (
        lambda real, fake: fake.mean() - real.mean(),
        lambda fake, _: -fake.mean(),
    ),
    "relativistic": (
        lambda real, fake: softplus(fake - real).mean(),
        lambda fake, real: softplus(real - fake).mean(),
    ),
}

check.six_losses(mine)

# %% [markdown]
# The library keeps them in `course_lib.losses.GAN_LOSSES`, by these names, each a `GanLoss` with
# `.discriminator(real_logits, fake_logits)` and `.generator(fake_logits, real_logits)`. Yours must give the same, on
# small logits and on huge ones:

# %%
from course_lib.losses import GAN_LOSSES

torch.manual_seed(SEED)
for size in (1.0, 1e4):
    real_logits, fake_logits = size * torch.randn(2, 100)
    same = True
    for name, theirs in GAN_LOSSES.items():
        of_discriminator, of_generator = mine[name]
        same &= torch.equal(of_discriminator(real_logits, fake_logits),
                            theirs.discriminator(real_logits, fake_logits))
        same &= torch.equal(of_generator(fake_logits, real_logits),
                            theirs.generator(fake_logits, real_logits))
    print(f"all six equal the library's on logits of about {size:,.0f}:", same)

# %% [markdown]
# ### The pull, as a curve
#
# Now the first factor of the arrow. For one fake point with logit $t$, how hard does each loss pull the logit up? That
# is $-\ell'(t)$, and autograd gives it. (The relativistic pull depends on the logit of a real partner as well. We give
# that one 3.)
#
# Look at the left half. With minimax, non-saturating and hinge, that is where $D$ puts the points that it takes for
# fake. Least squares puts them at 0. For Wasserstein and the relativistic loss no single value means "fake": they only
# compare.

# %%
LOOKS = {  # one colour and one line for each loss, through the whole chapter
    "minimax": ("#D55E00", "-"), "non_saturating": ("#0072B2", "-"),
    "least_squares": ("#E69F00", "--"), "hinge": ("#000000", ":"),
    "wasserstein": ("#6E6E6E", "-."), "relativistic": ("#56B4E9", "--"),
}


def pull(name, t, partner=3.0):
    """−∂ℓ/∂t of the generator's loss, for each of the fake logits t."""
    t = t.clone().requires_grad_()
    mean_loss = GAN_LOSSES[name].generator(t, torch.full_like(t, partner))
    return -torch.autograd.grad(mean_loss * len(t), t)[0]  # a sum again: each logit's own

# %%
canvas, axes = display.figure(height=3.4)
t = torch.linspace(-6, 6, 241)
for name, (colour, style) in LOOKS.items():
    axes.plot(t, pull(name, t), style, color=colour, label=name.replace("_", "-"))
axes.axhline(0, color="#BBBBBB", linewidth=0.8, zorder=0)
axes.set(title="Minimax stops pulling where D is sure of a fake point", ylim=(-1.2, 3.2),
         xlabel="$D$'s output $t$ for a fake point (as a logit, left: sure that it is fake)",
         ylabel="pull, $-\\ell'(t)$")
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
display.plt.show()

# %%
print("pull on a fake logit      t = −8      t = 0      t = 8")
for name in GAN_LOSSES:
    at = [f"{number:10.4f}" for number in pull(name, torch.tensor([-8.0, 0.0, 8.0])).tolist()]
    print(f"{name:20}", *at)

# %% [markdown]
# - The two oldest losses have the same discriminator. Their generators differ only in where the minus stands:
#   $-\text{softplus}(t)$ against $\text{softplus}(-t)$. Minimax pulls with $\sigma(t)$, which is all but zero for a
#   rejected point: it *saturates*. Non-saturating pulls with $1 - \sigma(t)$, close to one. At $t = 0$, where $D$ is
#   undecided, the two agree.
# - Hinge and Wasserstein pull the same everywhere.
# - Least squares pulls the harder the further $t$ is from 1, and pulls *down* above 1: a fake point can be too
#   convincing for its taste.
# - The relativistic loss lets go only when the fake point is ahead of its partner.

# %% [markdown]
# ## 3. Saturation, measured
#
# The pull is one factor. The other, the slope, comes from a trained network. So train six discriminators, one a loss,
# against a generator that stands still, and measure the arrows. The real points are one heap at a distance of 4, so
# that telling real from fake is easy. (A heap of data is also called a *mode*, hence `modes=1`.)
#
# `ToyGame` plays many games at once: every layer is a `ManyLinear`, a row of independent layers computed together. All
# start from the same weights and see the same batches. `game.arrows` is your `downhill`, for the loss of each.

# %%
from course_lib.toy2d import ToyGame

far = ToyGame(ring(modes=1, radius=4.0, spread=0.3), list(GAN_LOSSES), seed=SEED)
cloud = far.points(256, seed=1).detach()
lengths = [far.arrows(cloud).norm(dim=-1).mean(1)]
for _ in range(200):
    far.step_discriminator()
    lengths.append(far.arrows(cloud).norm(dim=-1).mean(1))
lengths = torch.stack(lengths)  # 201 steps × 6 losses

# %%
canvas, axes = display.figure(height=3.4)
for (name, (colour, style)), values in zip(LOOKS.items(), lengths.T):
    axes.plot(values, style, color=colour, label=name.replace("_", "-"))
axes.set(title="As D trains, the minimax arrow all but vanishes", yscale="log",
         xlabel="steps that D has trained, G standing still", ylabel="mean length of an arrow")
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
display.plt.show()

# %%
AHEAD = "mean arrow of 256 fake points, after 200 steps of D alone over before; one heap, 4 away"
growth = dict(zip(GAN_LOSSES, (lengths[-1] / lengths[0]).tolist()))
expect("arrow left to minimax", growth["minimax"], low=0.0, high=0.1, unit="×", protocol=AHEAD)
expect("arrow of non-saturating", growth["non_saturating"], low=1, high=30, unit="×",
       protocol=AHEAD)
expect("arrow of Wasserstein", growth["wasserstein"], low=50, high=3000, unit="×", protocol=AHEAD)

# %% [markdown]
# Minimax ends with about a hundredth of its first arrow (with other seeds, up to five). Before that, the arrow grows
# for some twenty steps: at first $D$ is undecided, so the pull is a half, and the slope grows. As $D$ becomes sure, the
# generator hears less and less, as the curve said. Least squares falls too, but only to about a third. The other four
# end longer than they began.
#
# At the other end, the Wasserstein arrow has grown some five-hundredfold and is still growing: nothing here stops that
# $D$ from becoming steeper. So avoiding saturation is not enough. $D$'s slope must be limited too. Section 4 takes that
# up.
#
# Now the same six as fields. This time the real points are the ring, the fake ones the generator's first cloud around
# the centre, and $D$ has had 60 steps. Each small arrow says where a fake point *would* be sent from there. One scale
# for all panels, and very long arrows are cut. Compare the first two panels: where has the one short arrows, the other
# long ones?

# %%
from course_lib.toy2d import ManyLinear

near = ToyGame(ring(), list(GAN_LOSSES), seed=SEED)
for _ in range(60):
    near.step_discriminator()
lattice_line = torch.linspace(-2.3, 2.3, 15)
places = torch.cartesian_prod(lattice_line, lattice_line).expand(6, -1, -1)
field = near.arrows(places)
field = field * (1.2 / field.norm(dim=-1, keepdim=True)).clamp(max=1)  # none longer than 1.2
verdicts = near.discriminator(PLANE.expand(6, -1, -1)).detach()[..., 0]

# %%
canvas, panels = display.figure(2, 3, height=6.0)
for k, (axes, name) in enumerate(zip(panels.flat, GAN_LOSSES)):
    # Least squares aims at 0 and 1, so ½ is undecided; stretched to the colours of the others.
    draw_verdict(axes, 8 * (verdicts[k] - 0.5) if name == "least_squares" else verdicts[k])
    axes.quiver(*places[k].T, *field[k].T, color="#333333", scale=22, width=0.005)
    axes.plot(*near.data.centres.T, "o", color=COLOURS["real"], markersize=5)
    axes.set_title(name.replace("_", "-"), fontsize=10)
headline(canvas, "Six losses, the same points: where a fake point would be sent")
display.plt.show()

# %% [markdown]
# Every arrow points up the slope of its $D$. What the loss adds is the length. Minimax and non-saturating have *the
# same* discriminator here, so compare these two. Minimax has arrows only around the green, where $D$ already says
# "real". Non-saturating has them in the pink as well, where $D$ is sure of a fake point.
#
# There is also green where no heap is, most of it towards the edges. Few points of either kind fall there, so little
# tells $D$ what to say, as at the ends of the curve in section 1. (A Wasserstein score has no fixed zero, so in that
# panel the border between pink and green means little.)

# %% [markdown]
# ## 4. A distance that does not saturate
#
# Section 1 said that a perfect discriminator lets a minimax generator minimise JS. Move one heap away from another and
# look at JS: it climbs to $\log 2$ as soon as the two hardly overlap, and there it stays, whether they are near or far.
# A flat curve has no slope to follow.
#
# This is the story for minimax. Other losses keep arrows, but if $D$ never stops growing steeper, so do some arrows.
# What would be a reason for a limit on the slope, and for which limit? The *Wasserstein distance* $W$ gives one: slope
# 1.
#
# $W$ is the least work it takes to carry the one heap of sand over to the other, mass times way. It keeps growing as
# the heaps move apart, and Arjovsky and colleagues proposed in 2017 to train GANs with it. What makes that possible is
# its other face, which Kantorovich and Rubinstein found:
#
# $$W(p, q) = \max_{\text{slope of } f \,\le\, 1} \;\; \mathbb{E}_{x \sim p}\, f(x) - \mathbb{E}_{x \sim q}\, f(x).$$
#
# That is the Wasserstein loss: a discriminator $f$, now called the *critic*, drives two means apart, and may nowhere be
# steeper than 1.
#
# ### Two penalties
#
# How does one keep a network from being steep? One adds a penalty to its loss, at random points between real and fake
# ones.
#
# - Gulrajani and colleagues ask for a slope of *exactly* 1, from both sides:
#   $\lambda\, (\lVert \nabla f \rVert - 1)^2$, the *gradient penalty* of WGAN-GP. Why is a smaller slope punished too?
#   Because the best critic has slope 1 all along the ways on which the sand is carried, so a flatter one is not yet the
#   best.
# - Petzka and colleagues punish only what is steeper than 1: $\lambda \max(0, \lVert \nabla f \rVert - 1)^2$.
#
# On a line, $W$ can be computed exactly by sorting. So you can test whether the critics are right. Six pairs of
# densities: four shifts, a narrow heap against a broad one with the same centre, and two heaps against one between
# them.

# %%
PAIRS = ("shift 0.5", "shift 1", "shift 2", "shift 4", "narrow and broad", "two and one")


def sample_pairs(n):
    """n real and n fake numbers of each of the six pairs: two tensors 6×n×1."""
    a, b, side = torch.randn(n), torch.randn(n), torch.randint(2, (n,)) * 4 - 2
    real = torch.stack([0.3 * a] * 4 + [a, side + 0.3 * a])
    fake = torch.stack([0.3 * b + shift for shift in (0.5, 1, 2, 4)] + [0.5 * b, b])
    return real[..., None], fake[..., None]

# %% [markdown]
# The library's `slopes` gives $\nabla f$ at each point, in a form that a loss can be made of.

# %%
from course_lib.toy2d import slopes


def trained_critic(penalty, steps=500, strength=10):
    """Six critics side by side, one a pair; `penalty` turns steepness into its price."""
    torch.manual_seed(SEED)
    layers = ManyLinear(6, 1, 32), nn.LeakyReLU(0.2), ManyLinear(6, 32, 32), nn.LeakyReLU(0.2)
    critic = nn.Sequential(*layers, ManyLinear(6, 32, 1))
    optimiser = torch.optim.Adam(critic.parameters(), lr=4e-3, betas=(0.5, 0.9))
    slower = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, total_iters=steps)
    for _ in range(steps):
        real, fake = sample_pairs(128)
        where = torch.rand_like(real)
        steepness = slopes(critic, where * real + (1 - where) * fake).abs()
        losses = critic(fake) - critic(real) + strength * penalty(steepness)  # 6×128×1
        update(optimiser, losses.mean((1, 2)).sum())  # a mean for each critic; the sum trains all
        slower.step()
    return critic


two_sided = trained_critic(lambda steepness: (steepness - 1).square())
one_sided = trained_critic(lambda steepness: functional.relu(steepness - 1).square())

# %% [markdown]
# The library's `gradient_penalty` is the two-sided one, for a single network and pictures of any shape. From the same
# random numbers it gives the same:

# %%
from course_lib.losses import gradient_penalty

torch.manual_seed(SEED)
lone_critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
ring_points, noise_points = data.sample(128), torch.randn(128, 2)
where = torch.rand(128, 1, generator=torch.Generator().manual_seed(SEED))
steepness = slopes(lone_critic, where * ring_points + (1 - where) * noise_points).norm(dim=1)
ours = (steepness - 1).square().mean()
theirs = gradient_penalty(
    lone_critic, ring_points, noise_points, torch.Generator().manual_seed(SEED)
)
print("same as the library's gradient_penalty:", torch.allclose(ours, theirs))

# %% [markdown]
# Now read off what each critic says, on 20,000 fresh samples, and divide by the exact distance. A second reading
# divides the critic by its own mean steepness between the heaps, since a critic of slope 1.1 overstates everything by
# a tenth.

# %%
from scipy.stats import wasserstein_distance

torch.manual_seed(SEED)
fresh_real, fresh_fake = sample_pairs(20_000)
exact = torch.tensor([
    wasserstein_distance(a.flatten().numpy(), b.flatten().numpy())
    for a, b in zip(fresh_real, fresh_fake)
])


def readings(critic):
    """(raw, corrected) on the fresh samples: estimates over exact distances, six each."""
    where = torch.rand_like(fresh_real)
    between = where * fresh_real + (1 - where) * fresh_fake
    steepness = slopes(critic, between).abs().mean((1, 2))
    raw = (critic(fresh_real) - critic(fresh_fake)).mean((1, 2)) / exact
    return raw.detach(), (raw / steepness).detach()

# %%
def jensen_shannon(shift, spread=0.3):
    centres = torch.tensor(0.0), shift
    a, b = (Normal(centre, spread).log_prob(x_axis).exp() for centre in centres)
    m = (a + b).clamp(min=1e-30) / 2  # far out both are 0, and 0 · log 0 counts as 0
    return 0.5 * sum(torch.special.xlogy(part, part / m).sum() for part in (a, b)) * spacing


two_raw, _ = readings(two_sided)
raw, corrected = readings(one_sided)

# %% [markdown]
# Left, the two distances as a heap moves away. Right, the six pairs: which marks lie on the dashed line, and which do
# not? A square left of 0 is a critic that slopes the wrong way: it rates fake points above real ones.

# %%
shifts = torch.linspace(0, 4, 81)
canvas, (left, right) = display.figure(1, 2, height=3.6)
left.plot(shifts, [jensen_shannon(shift) for shift in shifts], color=COLOURS["plain"])
left.plot(shifts, shifts, color=COLOURS["ours"])
left.plot([0.5, 1, 2, 4], (raw * exact)[:4], "o", color=COLOURS["ours"])
left.annotate("Wasserstein\n(dots: one-sided critics)", (0.2, 3.4), color=COLOURS["ours"])
left.annotate("Jensen–Shannon", (2.2, 0.85), color=COLOURS["plain"])
left.set(title="JS is flat where W still slopes", xlabel="shift between two heaps",
         ylabel="distance")
rows = torch.arange(6)
right.plot(two_raw, rows - 0.15, "s", color=COLOURS["plain"], label="two-sided")
right.plot(raw, rows, "o", color=COLOURS["other"], label="one-sided")
right.plot(corrected, rows + 0.15, "P", color=COLOURS["ours"], label="one-sided, corrected")
right.axvline(1, color=COLOURS["baseline"], linestyle="--", linewidth=1)
right.set(title="Are the critics right?", yticks=rows, yticklabels=PAIRS, xlim=(-1.3, 1.5),
          xlabel="critic's distance / exact distance")
right.invert_yaxis()
canvas.legend(loc="outside lower right", ncols=3)
display.plt.show()

# %%
ON_PAIRS = "critic over scipy's exact W, λ = 10, 500 steps of 128 + 128, N = 20,000"
off_paper = (raw[:4] - (1 + exact[:4] / 20)).abs().max()
expect("W, one-sided, off 1 + W/2λ", off_paper, low=0.0, high=0.015,
       protocol=ON_PAIRS + ", worst of 4")
off_exact = (corrected - 1).abs().max()
expect("W, one-sided, corrected, off 1", off_exact, low=0.005, high=0.04,
       protocol=ON_PAIRS + ", worst of 6")
expect("W, two-sided, narrow and broad", two_raw[4], low=-0.1, high=0.2, unit="×",
       protocol=ON_PAIRS)

# %% [markdown]
# Three lessons lie in the right panel.
#
# 1. **The penalty is soft, so the critics exaggerate, by a known amount.** On a pure shift the critic is a straight
#    line of slope $s$. It maximises $sW - \lambda(s-1)^2$, so $s = 1 + W/2\lambda$: with $\lambda = 10$ that is 5 % too
#    much at $W = 1$ and 20 % at $W = 4$. The dots do just that.
# 2. **Corrected for its own steepness, the one-sided critic is right** to a few hundredths. For the four shifts this is
#    no test: a straight line divided by its slope gives $W$ by construction. The last two pairs do test it.
# 3. **The two-sided one fails where it has to turn round.** A broad heap around a narrow one asks for a slope of $-1$
#    on one side and $+1$ on the other. On the way from one to the other lies slope 0, and that costs $\lambda$. So the
#    critic never turns, and sees nothing. For the same reason a critic that begins with the wrong slope may keep it.
#    One of the four shifts seems to be such a case. The other three are not, so the kind of pair cannot be the cause.
#    The first weights may be; that is not tested here.
#
# In many dimensions a slope can turn round without passing 0. So what you saw need not happen there. In one dimension
# it does.

# %% [markdown]
# ## 5. The smallest GAN, and where it goes
#
# A loss that slopes, and a $D$ that is not too steep: will the game now *arrive*? Mescheder and colleagues asked that
# of the smallest GAN there is, the *Dirac-GAN*. All real data are the single point 0. The generator gives the single
# point $\theta$. The discriminator is $D(x) = \psi x$, a line through 0 with slope $\psi$. (For least squares, which is
# undecided at ½, it is $\psi x + \tfrac12$.) The goal is $(\theta, \psi) = (0, 0)$: the fake point lies on the real
# one, and $D$ has nothing more to say.
#
# One function plays this game for any loss. Pass over `gamma` and `interval` for now; they belong to the penalty below.

# %%
def dirac(name, gamma=0.0, in_turn=True, every=1, learning_rate=0.1, steps=400):
    """(steps + 1)×2: the path of (θ, ψ) from (1, 0) by gradient descent; in turn: ψ first."""
    loss = GAN_LOSSES[name]
    centre = 0.5 if name == "least_squares" else 0.0  # where it is undecided
    theta, psi = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    at_real = torch.full_like(theta, centre)  # D(0), whatever ψ is
    path = [(1.0, 0.0)]
    for step in range(steps):
        penalty = every * gamma / 2 * psi.square().sum() if step % every == 0 else 0.0
        on_psi = loss.discriminator(at_real, psi * theta + centre) + penalty
        new_psi = (psi - learning_rate * torch.autograd.grad(on_psi, psi)[0]).detach().requires_grad_()
        seen = new_psi if in_turn else psi
        on_theta = loss.generator(seen * theta + centre, at_real)
        new_theta = theta - learning_rate * torch.autograd.grad(on_theta, theta)[0]
        theta, psi = new_theta.detach().requires_grad_(), new_psi
        path.append((theta.item(), psi.item()))
    return torch.tensor(path)

# %%
paths = {("both at once", name): dirac(name, in_turn=False) for name in GAN_LOSSES}
paths |= {("in turn", name): dirac(name) for name in GAN_LOSSES}


def draw_paths(ways, height):
    """A row for each way to play, a panel for each loss: ring start, dot end, cross goal."""
    canvas, panels = display.figure(len(ways), 6, height=height)
    keys = [(way, name) for way in ways for name in GAN_LOSSES]
    for (way, name), axes in zip(keys, panels.flat):
        path = paths[way, name]
        axes.plot(*path.T, color=LOOKS[name][0], linewidth=0.9)
        axes.plot(1, 0, "o", color="#333333", markerfacecolor="white", markersize=5)
        axes.plot(0, 0, "+", color=COLOURS["real"], markersize=12, markeredgewidth=2)
        axes.plot(*path[-1], "o", color="#333333", markersize=5)
        reach = max(1.25, path.abs().max().item() * 1.08)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
        if way == ways[0]:
            axes.set_title(name.replace("_", "-"), fontsize=9)
        if way == ways[-1]:
            axes.set_xlabel("$\\theta$")
        if name == "minimax":
            axes.set_ylabel(f"{way}\n$\\psi$")
    return canvas

# %% [markdown]
# Each panel is one game of 400 steps. It starts at the open circle and ends at the filled one, and the cross is the
# goal. In the upper row both players move at once, each using the other's old value. In the lower row they move in
# turn. Which games come closer to the cross, which go round, which leave?

# %%
canvas = draw_paths(["both at once", "in turn"], 3.5)
headline(canvas, "Without a penalty none arrives within 400 steps")
display.plt.show()

# %%
IN_400 = "Dirac-GAN, distance from the goal, 1 at the start; 400 steps, rate 0.1"


def distance(way, name):
    return paths[way, name].norm(dim=1)


for name, low, high in (("wasserstein", 7.25, 7.4), ("minimax", 1.5, 1.65), ("hinge", 1.5, 1.65)):
    last = distance("both at once", name)[-1]
    expect(f"{name}, at once", last, low=low, high=high, protocol=IN_400)
for name in ("wasserstein", "minimax", "hinge"):
    way = distance("in turn", name)
    expect(f"{name}, in turn, nearest", way.min(), low=0.95, high=1, protocol=IN_400)
    expect(f"{name}, in turn, farthest", way.max(), low=1, high=1.05, protocol=IN_400)

# %%
for name, low, high in (("non_saturating", 0.35, 0.45), ("relativistic", 0.35, 0.45),
                        ("least_squares", 0.1, 0.2)):
    last = distance("in turn", name)[-1]
    expect(f"{name}, in turn", last, low=low, high=high, protocol=IN_400)

# %% [markdown]
# - If **both move at once**, Wasserstein leaves: every step with rate $h$ multiplies the distance by $\sqrt{1 + h^2}$,
#   in 400 steps by $1.01^{200} \approx 7.3$. Minimax leaves too, and so does hinge until it meets its margin. The other
#   three come inwards, but slower and slower.
# - If they move **in turn**, as in the first game of this chapter, Wasserstein, minimax and hinge go round: for 400
#   steps they keep within 3 % of the distance at which they began. The players chase each other. Non-saturating,
#   relativistic (on a single point they are the same game) and least squares creep inwards, and the nearer, the slower.
#   400 steps do not show where they end.
#
# ### R1
#
# Mescheder and colleagues' remedy is *R1*, a penalty on the slope at the *real* points only:
# $\frac{\gamma}{2}\, \mathbb{E}_{x \sim p} \lVert \nabla D(x) \rVert^2$. It says: once the points are where they should
# be, be flat. In the Dirac-GAN it is $\frac{\gamma}{2} \psi^2$. Play the games in turn once more, with $\gamma = 1$:

# %%
paths |= {("in turn, R1", name): dirac(name, gamma=1.0) for name in GAN_LOSSES}
headline(draw_paths(["in turn, R1"], 2.0), "With R1 all six arrive")
display.plt.show()
worst = max(distance("in turn, R1", name)[-1] for name in GAN_LOSSES)
expect("the worst of six, in turn, R1", worst, low=4e-7, high=6e-7, protocol=IN_400 + ", γ = 1")

# %% [markdown]
# All six come home, at least a million times closer than they began. The penalty is a brake on $\psi$, and a brake
# turns a circle into a spiral.
#
# On paper, for Wasserstein in turn: a step multiplies $(\theta, \psi)$ by a matrix of determinant $1 - \gamma h$. Its
# two eigenvalues are a complex pair, so each has size $\sqrt{1 - \gamma h}$. On average the distance shrinks by that a
# step. Is that what happened?

# %%
gamma, learning_rate = 1.0, 0.1
per_step = distance("in turn, R1", "wasserstein")[-1] ** (1 / 400)
print(f"on paper, a step shrinks the distance to {(1 - gamma * learning_rate) ** 0.5:.3f} of itself")
expect("shrinking per step, Wasserstein with R1", per_step, low=0.944, high=0.954, unit="×",
       protocol="400th root of the distance left, rate 0.1, γ = 1, in turn")

# %% [markdown]
# *R2* is the same penalty at the *fake* points. R1 says nothing about how steep $D$ may be where the generator's points
# are now. R2 does, and so limits how hard they are pushed. (The Dirac-GAN cannot tell the two apart: its $D$ has the
# same slope everywhere.)

# %% [markdown]
# ## 6. What it costs to keep a discriminator gentle
#
# ### R1 is a derivative inside a loss
#
# To train with R1, PyTorch differentiates a derivative. That is what `create_graph=True` is for: the slope is not a
# dead number, but remembers how it depends on $D$'s weights.

# %%
def r1(discriminator, real):
    """Mean of ‖∇D‖² over a batch of real pictures: one number, and D's weights feel it."""
    pictures = real.detach().requires_grad_()
    logits = discriminator(pictures).sum()  # a sum: each picture's slope is its own
    (slope,) = torch.autograd.grad(logits, pictures, create_graph=True)
    return slope.flatten(1).square().sum(1).mean()

# %% [markdown]
# How much work is that? Take a small residual discriminator of pictures, written as bare functions of its weights.
# First see that your R1 is the library's `r1_penalty` (neither has the factor $\gamma/2$).

# %%
from course_lib.losses import r1_penalty

torch.manual_seed(SEED)
stem, *body = [0.1 * torch.randn(32, inputs, 3, 3) for inputs in (1, 32, 32, 32)]
head = torch.randn(32)
for weight in (stem, *body, head):
    weight.requires_grad_()


def judge(pictures):
    x = functional.conv2d(pictures, stem, stride=2, padding=1)
    for weight in body:
        x = x + functional.conv2d(relu(x), weight, padding=1)  # chapter 01: y = x + F(x)
    return relu(x).mean((2, 3)) @ head


real_pictures, fake_pictures = torch.rand(2, 8, 1, 28, 28)
same = torch.allclose(r1(judge, real_pictures), r1_penalty(judge, real_pictures))
print("same as the library's r1_penalty:", same)

# %% [markdown]
# Then count the arithmetic of one step of $D$: without a penalty, with R1, and with R1 and R2.

# %%
from torch.utils.flop_counter import FlopCounterMode


def work(*penalised):
    """Floating-point operations of one step of D; `penalised`: batches at which D is to be flat."""
    with FlopCounterMode(display=False) as counter:
        on_real, on_fake = judge(real_pictures), judge(fake_pictures)
        loss = GAN_LOSSES["relativistic"].discriminator(on_real, on_fake)
        loss = loss + sum(r1(judge, pictures) / 2 for pictures in penalised)
        loss.backward()
    return counter.get_total_flops()

# %%
plain, with_r1, with_both = work(), work(real_pictures), work(real_pictures, fake_pictures)
AS_WORK = "arithmetic of D's step over one without, FlopCounterMode, 4 convolutions, 8 + 8 of 28×28"
expect("a step with R1", with_r1 / plain, low=1.9, high=2.2, unit="×", protocol=AS_WORK)
expect("a step with R1 and R2", with_both / plain, low=2.8, high=3.3, unit="×", protocol=AS_WORK)
every_eighth = 1 + (with_both / plain - 1) / 8
expect("R1 and R2 every 8 steps, on average", every_eighth, low=1.2, high=1.3, unit="×",
       protocol=AS_WORK + ", worked out from the number above")

# %% [markdown]
# R1 doubles the arithmetic of $D$'s step, R1 and R2 treble it.
#
# ### Lazy penalties
#
# Karras and colleagues apply the penalty only every so many steps and multiply it by that number: *lazy*
# regularisation. Every 8 steps, the extra cost shrinks to an eighth; that is the last number above, and it is
# arithmetic and no measurement. The hope is that slopes change little between two penalties. What does the smallest GAN
# say to it?

# %%
lazy_paths = {
    interval: dirac("wasserstein", gamma=1.0, every=interval) for interval in (1, 8, 16, 32)
}
canvas, axes = display.figure(height=3.2)
for (interval, path), style in zip(lazy_paths.items(), ("-", "--", "-.", ":")):
    left_over = path.norm(dim=1).clamp(min=1e-9)
    colour = COLOURS["ours" if interval < 32 else "plain"]
    axes.plot(left_over, style, color=colour, label=f"every {interval}")
axes.set(title="Lazy is fine, until the single push is too strong", yscale="log", ylim=(1e-9, 1e3),
         xlabel="step (Wasserstein in turn, R1 with γ = 1, rate 0.1)",
         ylabel="distance from the goal")
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
display.plt.show()

# %%
LAZY = IN_400 + ", γ = 1, Wasserstein"
for interval, low, high in ((8, 0.0, 1e-6), (16, 0.004, 0.009), (32, 400, 700)):
    last = lazy_paths[interval][-1].norm()
    expect(f"lazy R1, every {interval} steps", last, low=low, high=high, protocol=LAZY)

# %% [markdown]
# One lazy push takes $\psi$ to $(1 - \text{interval} \cdot \gamma h)\, \psi$. That is 0.2 at 8, a firm brake: the game
# is home sooner than with a push at every step. At 16 it is −0.6: the push overshoots, and the game still comes nearer,
# slowly. At 32 it is −2.2, so each push makes it worse. So keep interval × γ × rate well below 2. (That holds for plain
# gradient descent. Adam rescales its steps, and its border is not tested here.)
#
# ### Spectral normalisation
#
# The other way to a gentle $D$ punishes nothing. A linear layer stretches a vector at most by its weight's largest
# singular value $\sigma_1$, its *spectral norm*. Divide each weight by it, and no layer stretches at all; nor does
# ReLU, nor a chain of such layers. So $D$ is nowhere steeper than 1. Miyato and colleagues find $\sigma_1$ by *power
# iteration*: send a vector through $W$ and $W^\top$ again and again, and the direction that is stretched most wins.

# %%
def largest_singular_value(weight, steps):
    left = torch.randn(len(weight))
    for _ in range(steps):
        right = functional.normalize(weight.T @ left, dim=0)
        left = functional.normalize(weight @ right, dim=0)
    return left @ weight @ right


torch.manual_seed(SEED)
matrix = torch.randn(64, 32)
exactly = torch.linalg.matrix_norm(matrix, 2)
ON_WEIGHT = "random 64×32 weight, mean of 20 starts, against torch.linalg.matrix_norm"
for iterations, low, high in ((1, 0.15, 0.4), (10, 0.005, 0.06)):
    estimates = torch.stack([largest_singular_value(matrix, iterations) for _ in range(20)])
    short = 1 - estimates.mean() / exactly
    expect(f"σ₁, {iterations} iterations, short by", short, low=low, high=high, protocol=ON_WEIGHT)
after_500 = largest_singular_value(matrix, 500)
same = torch.allclose(after_500, exactly, rtol=1e-3)
print("after 500 iterations the same as torch.linalg's:", same)

# %% [markdown]
# It comes from below, slowly where two singular values are close. Miyato and colleagues make one iteration a training
# step and keep the vector for the next: a step moves the weight little, so the vector nearly fits already. PyTorch's
# own version works this way too. Wrap a layer in it, here with 500 iterations:

# %%
from torch.nn.utils.parametrizations import spectral_norm

layer = nn.Linear(32, 64, bias=False)
layer.weight.data = matrix.clone()
normalised = spectral_norm(layer, n_power_iterations=500).weight
same = torch.allclose(normalised, matrix / exactly, rtol=1e-3)
print("torch's spectral_norm divides by the same:", same)

# %% [markdown]
# Now wrap all layers of a $D$ with large weights, and measure how steep that $D$ is:

# %%
def steepest(wrap):
    """The steepest place in the plane of a D with large random weights."""
    torch.manual_seed(SEED)
    first, second, last = (nn.Linear(a, b) for a, b in ((2, 64), (64, 64), (64, 1)))
    for layer in (first, second, last):
        layer.weight.data *= 4
        wrap(layer)
    critic = nn.Sequential(first, nn.LeakyReLU(0.2), second, nn.LeakyReLU(0.2), last)
    return slopes(critic, PLANE).norm(dim=-1).max()

# %%
ON_PLANE = "largest of ‖∇D‖ at 81×81 points, random weights ×4, two hidden layers of 64"
bare = steepest(lambda layer: layer)
expect("steepest place, plain layers", bare, low=5, high=40, protocol=ON_PLANE)
gentle = steepest(lambda layer: spectral_norm(layer, n_power_iterations=100))
expect("steepest place, spectral norm", gentle, low=0.02, high=0.4, protocol=ON_PLANE)

# %% [markdown]
# The price is that 1 is a bound for the worst case, and here the steepest place stays far below it. A chain of layers
# reaches 1 only where each layer stretches most in the direction that the layer before it hands over. The layers'
# most-stretched directions seldom line up. So this $D$ becomes gentler than it would have to be. (Its weights are
# random; trained ones are not tested here.)

# %% [markdown]
# ## 7. Which loss finds all the heaps?
#
# Back to the plane. A generator may win by making some kinds of point very well and leaving others out. That is *mode
# collapse*. Two numbers tell. `mode_coverage` calls a point *good* when it lies within three standard deviations of a
# heap's centre. It calls a heap *found* when it has at least a quarter of its fair share of good points. With 2,500
# points and 25 heaps a fair share is 100; a heap is found if at least 25 good points lie at it.
#
# Two sets of data: the `ring` of eight, and a `grid` of 5×5; each is a `Mixture`. Six losses, each without a penalty,
# and with R1 every 4 steps. Five repetitions, each with its own weights and batches, the same for every loss. So 120
# GANs, of 200 steps each on the ring and 300 on the grid; `ToyGame` plays 30 at a time.

# %%
from course_lib.toy2d import grid, mode_coverage

PLACES = {"ring": (ring(), 64, 200), "grid": (grid(), 128, 300)}  # data, batch, steps


def tournament(place, penalty, losses=tuple(GAN_LOSSES), **more):
    """Play them all: points L·5×2500×2, heaps found L×5, share of good points L×5."""
    target, batch_size, steps = PLACES[place]
    game = ToyGame(target, losses, 5, seed=SEED, penalty=penalty, batch_size=batch_size, **more)
    game.play(steps)
    points = game.points(2500, seed=1).detach()
    found, good = mode_coverage(points, target)
    return points, found.view(-1, 5), good.view(-1, 5)


results = {
    (place, penalty): tournament(place, penalty, strength=0.1, every=4)
    for place in PLACES for penalty in ("none", "r1")
}

# %% [markdown]
# First the grid, as it looks in one repetition of the five. A green dot is a heap that was found, a black cross one
# that was not. `mode_coverage` only counts the heaps; `which_found` says which they are, by the same rule. What lies
# around the crosses: nothing, or points?

# %%
def which_found(points, target):
    """True for each heap that mode_coverage counts as found: N×2 → K."""
    good = torch.cdist(points, target.centres) <= 3 * target.spread
    return good.sum(0) >= len(points) / len(target.centres) / 4


canvas, panels = display.figure(2, 6, height=3.6)
centres = grid().centres
for row, (penalty, title) in zip(panels, (("none", "no penalty"), ("r1", "R1"))):
    points = results["grid", penalty][0][::5]  # the first repetition of each loss
    for axes, name, cloud in zip(row, GAN_LOSSES, points):
        found = which_found(cloud, grid())
        axes.plot(*cloud[:1000].T, ".", color=COLOURS["fake"], markersize=1)
        axes.plot(*centres[found].T, ".", color=COLOURS["real"], markersize=6)
        axes.plot(*centres[~found].T, "x", color="black", markersize=4)
        axes.set(xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), aspect="equal", xticks=[], yticks=[])
        axes.set_title(name.replace("_", "-") if penalty == "none" else "", fontsize=9)
    row[0].set_ylabel(title)
headline(canvas, "The 25 heaps after 300 steps: found, or not")
display.plt.show()

# %% [markdown]
# This is milder than a collapse. Around most crosses there are points, but too few of them are good.
#
# Now all the games. A dot is one repetition, a bar the median of five. Compare two distances: between the losses, and
# between the two colours.

# %%
SHORT = ["mini-\nmax", "non-\nsat.", "least\nsq.", "hinge", "Wasser-\nstein", "relati-\nvistic"]
canvas, panels = display.figure(2, 2, height=5.2)
for column, place in enumerate(PLACES):
    heaps = len(PLACES[place][0].centres)
    for penalty, look, shift in (("none", COLOURS["plain"], -0.16), ("r1", COLOURS["ours"], 0.16)):
        _, found, good = results[place, penalty]
        middle = torch.arange(6) + shift
        for axes, values in zip(panels[:, column], (found.float(), good)):
            axes.plot(middle, values, "o", color=look, markersize=3.5, alpha=0.6)
            medians = values.median(1).values
            axes.hlines(medians, middle - 0.13, middle + 0.13, look, linewidth=2.5)
    panels[0, column].set(title=f"{place}: heaps found of {heaps}", ylim=(0, heaps * 1.04))
    panels[1, column].set(title=f"{place}: share of good points", ylim=(0, 1))
for axes in panels.flat:
    axes.set_xticks(range(6), SHORT, fontsize=8)
panels[0, 1].plot([], [], "o", color=COLOURS["plain"], label="no penalty")
panels[0, 1].plot([], [], "o", color=COLOURS["ours"], label="R1")
panels[0, 1].legend(loc="lower left", ncols=2, fontsize=9)
display.plt.show()

# %%
GAMES = "median of 6 losses × 5 repetitions, 2,500 points each"
PLAYED = {"ring": "200 steps of 64 at 2e-3", "grid": "300 steps of 128 at 2e-3"}
R1_LAZY = "R1 0.1 every 4 steps"
MEDIAN_BANDS = {
    ("ring", "none"): (7, 8, 0.58, 0.72), ("ring", "r1"): (8, 8, 0.58, 0.72),
    ("grid", "none"): (15, 19, 0.38, 0.56), ("grid", "r1"): (19, 24, 0.38, 0.56),
}
for (place, penalty), (low, high, lowest, highest) in MEDIAN_BANDS.items():
    label = f"{place}, {'R1' if penalty == 'r1' else 'no penalty'}"
    protocol = f"{GAMES}; {PLAYED[place]}" + (f"; {R1_LAZY}" if penalty == "r1" else "")
    _, found, good = results[place, penalty]
    expect(f"heaps found, {label}", found.float().median(), low=low, high=high, protocol=protocol)
    expect(f"good points, {label}", good.median(), low=lowest, high=highest, protocol=protocol)

# %% tags=["nbval-ignore-output"]
print("median (lowest … highest) of 5     heaps found       share of good points")
for (place, penalty), (_, found, good) in results.items():
    for name, heaps, shares in zip(GAN_LOSSES, found, good):
        many = f"{heaps.median():2} ({heaps.min():2} … {heaps.max():2})"
        share = f"{shares.median():.2f} ({shares.min():.2f} … {shares.max():.2f})"
        print(f"{place:5} {penalty:5} {name:20} {many:20} {share}")

# %%
ONE_LOSS = f"median of 5 repetitions, grid, {PLAYED['grid']}, 2,500 points each"
for name, low, high in (
    ("minimax", 19, 25), ("non_saturating", 19, 25), ("least_squares", 17, 24), ("hinge", 18, 25),
    ("wasserstein", 14, 24), ("relativistic", 19, 25),
):
    found = results["grid", "r1"][1][list(GAN_LOSSES).index(name)].float().median()
    expect(f"heaps found, grid, R1, {name}", found, low=low, high=high,
           protocol=f"{ONE_LOSS}; {R1_LAZY}")

# %%
own = tournament("grid", "gradient", ["wasserstein"], strength=1.0)[1].float().median()
expect("heaps found, grid, gradient penalty, wasserstein", own, low=14, high=24,
       protocol=f"{ONE_LOSS}; λ = 1, every step")

# %% [markdown]
# What do 120 GANs say?
#
# - **The ring is easy, and shows hardly any effect of the penalty.** Nearly all games find seven or eight of the eight
#   heaps, whatever the loss, with R1 or without. Even Wasserstein without any limit gets by, for 200 steps.
# - **On the grid R1 helps.** The median over all losses rises from about 17 heaps of 25 to about 22, with this seed and
#   with each of the five others that set the bands.
# - **The choice of the loss matters less, with two exceptions.** With R1, the medians of minimax, non-saturating, hinge and
#   relativistic lie between 21 and 24 for all six seeds. Least squares finds 19 to 21, and Wasserstein 15 to 21. (The
#   gradient penalty that was made for Wasserstein does no better here, but at another strength and at every step. So
#   this does not tell which penalty is better.)
# - **The share of good points does not rise with R1.** On the grid it is even a little lower with it, for each of the
#   six seeds. But the difference is small, and one band holds both. Coverage and sharpness are two things, and one number
#   for both would have hidden that.
# - **Repetitions differ as much as losses do.** Look at the brackets in the table: five repetitions of one loss lie
#   several heaps apart. One repetition cannot rank the four best.
#
# These are toys, and a few hundred steps. How such losses do on pictures is chapter 03's matter. But the habit carries
# over: several seeds, two numbers, and a look at the penalty as well as at the loss.
#
# ### Play it yourself
#
# Choose data, loss, penalty and learning rate, press *Play*, and watch. Try Wasserstein without a penalty at a rate of
# 0.005; minimax with R1; the grid, with and without. (In JupyterLab and Colab this is alive once you run the cell; on a
# page it is one picture.)

# %%
display.toy_game()

# %% [markdown]
# ## Break it
#
# Three slips, each in one place of the training loop. It is the loop of the first section, with minimax's loss for the
# generator. All play on the ring, from the same weights.
#
# - *No detach*: the fake points go to $D$'s step as they are, so $D$'s loss also sends a gradient into the generator.
#   PyTorch complains at first, that the graph was freed already, and its message suggests `retain_graph=True`. Whoever
#   takes the advice hears no more of it.
# - *A sign flipped* in the generator's loss. No complaint.
# - *The same logits* in both terms of $D$'s loss. $D$ sees fake points in both terms; someone copied the line and
#   forgot to change it. No complaint.

# %%
def play_with(detach=True, generator_sign=-1, shows_real=True, steps=300):
    """Play minimax, sound or with one slip; give back D's losses, its logit gaps, and points."""
    torch.manual_seed(SEED)
    generator, discriminator = Residual(network(2)), network(1)
    of_discriminator, of_generator = adam(discriminator), adam(generator)
    losses, gaps = [], []
    for _ in range(steps):
        real, fake = data.sample(64), generator(torch.randn(64, 2))
        of_discriminator.zero_grad()
        of_generator.zero_grad()
        to_judge = fake.detach() if detach else fake
        called_real = real if shows_real else to_judge
        on_real = softplus(-discriminator(called_real)).mean()
        loss = on_real + softplus(discriminator(to_judge)).mean()
        loss.backward(retain_graph=True)  # the advice
        of_discriminator.step()
        (generator_sign * softplus(discriminator(fake)).mean()).backward()
        of_generator.step()
        losses.append(loss.item())
        gaps.append((discriminator(real).mean() - discriminator(fake).mean()).item())
    return losses, gaps, generator(torch.randn(2500, 2)).detach()


runs = {
    "healthy": play_with(),
    "no detach": play_with(detach=False),
    "sign flipped": play_with(generator_sign=1),
    "same logits": play_with(shows_real=False),
}

# %% [markdown]
# First $D$'s loss alone, as it would run past you on a screen. Which of the four runs would you call healthy?

# %%
canvas, axes = display.figure(height=2.8)
display.curves(
    axes, {slip: display.smooth(losses) for slip, (losses, _, _) in runs.items()},
    colours=["ours", "plain", "other", "baseline"], styles=["-", "--", ":", "-."], ylim=(0, 1.5),
    title="The calmest curve is the deadest", xlabel="step", ylabel="D's loss (mean of 20 steps)",
)
display.plt.show()

# %%
canvas, panels = display.figure(1, 4, height=2.7)
for (slip, (_, _, points)), axes in zip(runs.items(), panels):
    axes.plot(*data.centres.T, "o", color=COLOURS["real"], markersize=4)
    axes.plot(*points[:500].T, ".", color=COLOURS["fake"], markersize=2)
    axes.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), aspect="equal", xticks=[], yticks=[])
    axes.set_title(slip, fontsize=10)
headline(canvas, "One sound loop and three slips: the points after 300 steps")
display.plt.show()

# %%
SLIP = "minimax on the ring, 300 steps; mean of the last 50 batches of 64; 2,500 points at the end"
SLIP_BANDS = {  # D's loss, logit gap, heaps found
    "healthy": ((1.0, 1.35), (0.5, 2), (7, 8)), "no detach": ((0.0, 0.2), (8, 22), (0, 0)),
    "sign flipped": ((0.0, 0.15), (8, 25), (0, 0)),
    "same logits": ((1.3862, 1.3865), (-0.01, 0.01), (0, 1)),
}
for slip, bands in SLIP_BANDS.items():
    losses, gaps, points = runs[slip]
    numbers = {
        "D's loss": sum(losses[-50:]) / 50,
        "logit gap": sum(gaps[-50:]) / 50,
        "heaps found": mode_coverage(points, data)[0],
    }
    for (quantity, number), (low, high) in zip(numbers.items(), bands):
        expect(f"{quantity}, {slip}", number, low=low, high=high, protocol=SLIP)

# %% [markdown]
# A loss of exactly $\log 4 = 1.386$ is what a perfect equilibrium would give. It is also what a $D$ gives that has
# learned nothing at all: asked to say "real" and "fake" of the same points, a network does best to answer 0 for
# everything. Then its slope is all but zero, and an arrow tells nothing about the data.
#
# So why does the cloud of *same logits* not stay around the centre? $D$ is not perfectly flat, and Adam divides each
# gradient by its recent size, so even tiny arrows make steps of the usual length. We take this to be the reason; it is
# not tested here.
#
# A loss near 0 is no triumph either: $D$ has won, and the generator gets no help. Look at the *gap* between the mean
# logits of real and fake points, and at the points themselves.
#
# The missing detach is instructive. Minimax is a zero-sum game: the generator's loss is the discriminator's with a
# minus, apart from the term on real points, which the generator cannot change. So the two gradients are opposite, and a
# generator that gets both keeps only the difference that $D$'s one step in between has made. With the same $D$ for both
# they cancel exactly. That is algebra, and the check below cannot fail; it shows it in numbers:

# %%
fake = generator(noise)
through_d = torch.autograd.grad(
    softplus(discriminator(fake)).mean(), generator_parameters, retain_graph=True
)
through_g = torch.autograd.grad(-softplus(discriminator(fake)).mean(), generator_parameters)
print("they cancel:", all(torch.allclose(a, -b) for a, b in zip(through_d, through_g)))

# %% [markdown]
# | symptom | cause to look for first |
# |---|---|
# | $D$ wins soon (loss near 0, gap above 8), the fake points never arrive | no `detach`: $D$'s gradient cancels the generator's; or minimax saturates |
# | $D$ wins even sooner, the fake points shun the data | a sign: the generator helps the discriminator |
# | $D$'s loss stands at exactly $\log 4$ from early on, the gap at 0 | both terms of $D$'s loss see the same logits |
# | the loss falls without end, arrows grow | Wasserstein without a limit on the slope |
# | points run in circles around the data, or leave heaps out | nothing limits $D$'s slope at the data; add R1 |
# | a critic's "distance" is negative, or far too small | on a line, the two-sided penalty may hold it in a bad start |

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
# 300 steps is little. Here is one game alone, relativistic with R1 on the grid, for four times as long, in three
# repetitions. (This is a toy, so the longer run is done here and not loaded. Pictures, and a run of many minutes, come
# in chapter 03.) Do the heaps come first, or the sharpness?

# %%
longer = ToyGame(grid(), ["relativistic"], 3, seed=SEED, penalty="r1", every=4, batch_size=128)
history = []
for _ in range(12):
    longer.play(100)
    history.append(mode_coverage(longer.points(2500, seed=1).detach(), grid()))
found_over_time, good_over_time = (torch.stack(values).float() for values in zip(*history))

# %%
canvas, (left, centre, right) = display.figure(1, 3, height=3.1)
hundreds = range(100, 1300, 100)
for axes, values, title, top in (
    (left, found_over_time, "heaps found of 25", 26),
    (centre, good_over_time, "share of good points", 1),
):
    axes.plot(hundreds, values, color=LOOKS["relativistic"][0], linewidth=1)
    axes.plot(hundreds, values.median(1).values, color=COLOURS["ours"], linewidth=2.5)
    axes.axvline(300, color=COLOURS["baseline"], linestyle=":")
    axes.set(title=title, ylim=(0, top), xlabel="step (dotted: section 7)")
cloud = longer.points(1500, seed=1)[0].detach()
right.plot(*cloud.T, ".", color=COLOURS["fake"], markersize=1.5)
right.plot(*grid().centres.T, ".", color=COLOURS["real"], markersize=6)
right.set(title="after 1,200 steps", aspect="equal", xticks=[], yticks=[],
          xlim=(-2, 2), ylim=(-2, 2))
display.plt.show()

# %%
LONGER = "grid, relativistic, R1 every 4 steps, 1,200 steps, median of 3, 2,500 points each"
expect("heaps found, longer", found_over_time[-1].median(), low=22, high=25, protocol=LONGER)
expect("good points, longer", good_over_time[-1].median(), low=0.5, high=0.75, protocol=LONGER)
torch.manual_seed(SEED)
_, real_good = mode_coverage(grid().sample(2500), grid())
expect("good points, real ones", real_good, low=0.98, high=0.997,
       protocol="2,500 points of the grid")

# %% [markdown]
# In the median the heaps come first: nearly all are found by the middle of the run. Not every game need be so lucky: follow
# the thin lines, a line for each repetition.
#
# The points gather more slowly. At the end about a third are still not good, most of them between the heaps. (Of the real points 0.986 are good; in theory it is $1 - e^{-4.5} = 0.989$.) The share was still rising when we stopped.
# Some points may always stay on the way, since a smooth generator must cross the empty land between the heaps. And
# whether the games without a penalty would catch up in 1,200 steps was not tried.

# %% [markdown]
# ## Summary
#
# - **The question** was what exactly the generator learns from the discriminator. **The answer:** one arrow for each of
#   its points, and nothing else. The arrow is a *pull*, from the loss, times the *slope* of the discriminator at that
#   point.
# - As a probability, the best discriminator is $p/(p+q)$, the share of real points. With it the original game minimises
#   the Jensen–Shannon divergence, which is flat where the two densities do not overlap.
# - Minimax saturates: its pull vanishes where the discriminator is sure of a fake point. The other five still pull
#   there.
# - Without a penalty the smallest GAN did not arrive within 400 steps, whatever the loss: it left, circled, or crept
#   inwards ever more slowly. R1 turns the circle into a spiral that arrives, for all six losses. R1 and R2 treble the
#   arithmetic of the discriminator's step; applied every eighth step they add a quarter.
# - A Wasserstein critic with a one-sided penalty measures the distance within a few hundredths, once you allow for its
#   softness; with a two-sided one it can get stuck, in one dimension.
# - On the grid, R1 changed the number of heaps found more than the choice among four of the six losses did. On the ring it
#   made hardly any difference. Repetitions differ as much as losses do.
#
# **You could now build** the losses and penalties of a small GAN, and say what in an arrow is pull and what is slope.
#
# | in `course_lib` | what it holds from this chapter |
# |---|---|
# | `losses` | `GAN_LOSSES`, each a `GanLoss`; `r1_penalty`, `gradient_penalty` |
# | `toy2d` | `Mixture`, `ring`, `grid`; `mode_coverage`; `ToyGame`, made of `ManyLinear` and `Sine`; `slopes` |
# | `display` | `toy_game` |
#
# ## Questions
#
# Answer first, then unfold.
#
# <details><summary>1. The generator never sees a real picture. How can it make one?</summary>
#
# The discriminator has seen them, and what it learned lies in its slope. Each fake picture is told in which direction
# it would look more real to the discriminator, and the generator's weights are moved so that it follows.
# </details>
#
# <details><summary>2. The discriminator's loss stands still at log 4. Good or bad?</summary>
#
# It cannot be told from that number. At the equilibrium D says ½ everywhere, which gives log 4; a D that has learned
# nothing says the same. Look at samples, and whether D can still tell apart what is clearly different.
# </details>
#
# <details><summary>3. Minimax and non-saturating have the same discriminator and the same goal. What is the
# difference?</summary>
#
# The pull: σ(t) against 1 − σ(t) at a fake logit t. Where D is sure that a picture is fake, the first is near zero and
# the second near one.
# </details>
#
# <details><summary>4. Why must a Wasserstein critic be limited, and what happens if it is not?</summary>
#
# The loss is linear in the logits, so multiplying the critic by 10 makes it ten times better. Without a limit on the
# slope nothing stops it from growing, and the number that it gives is no distance.
# </details>
#
# <details><summary>5. Your critic with a gradient penalty of λ = 10 says 4.8. What is the Wasserstein
# distance?</summary>
#
# For a pure shift, about 4: the critic's slope is 1 + W/2λ, so it says W + W²/2λ = 4 + 16/20 = 4.8. For other pairs at
# least that correction is needed; divide by the critic's own mean slope.
# </details>
#
# <details><summary>6. R1 punishes the slope at real pictures only. What does R2 add?</summary>
#
# R1 sees to the goal: where real and fake pictures are in the same places, D should be flat, or it pushes the generator
# away again. It says nothing about the places where the fake pictures are before that. There D may become as steep as
# it likes, and push them hard. R2 makes that dear as well. It does not forbid a slope there: some slope must remain,
# since it is what brings the fake pictures home. (Chapter 03 trains with both.)
# </details>
#
# <details><summary>7. Someone applies R1 every 16 steps and forgets to multiply it by 16. What do they get?</summary>
#
# R1 with a sixteenth of its strength. Nothing breaks; the game is damped less than the paper says.
# </details>
#
# <details><summary>8. A paper shows that its new loss finds 22 of 25 heaps, where the old one finds 20. What do you
# ask?</summary>
#
# How many seeds, and how far apart they lie. On the grid, five repetitions of one and the same loss lay several heaps
# apart; two heaps between single runs say nothing. And whether the share of good points is given as well.
# </details>
#
# ## Exercises and reading
#
# The exercises of this chapter are in [`exercises/02_gan_losses.ipynb`](../exercises/02_gan_losses.ipynb).
#
# - Goodfellow et al. 2014, [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661): the game, the best
#   discriminator, and already the non-saturating loss.
# - Gulrajani et al. 2017, [Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028): the gradient
#   penalty.
# - Mescheder et al. 2018, [Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406):
#   the Dirac-GAN and R1; section 5 is its figure 1.
# - Miyato et al. 2018, [Spectral Normalization for Generative Adversarial Networks](https://arxiv.org/abs/1802.05957):
#   section 6, with pictures.
# - Huang et al. 2024, [The GAN is dead; long live the GAN!](https://arxiv.org/abs/2501.05441): the relativistic loss
#   with R1 and R2, and the case for dropping the usual tricks; chapter 03 builds on it.
