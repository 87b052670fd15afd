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
# | **You build** | the two-player game, six losses, two penalties and spectral normalisation; and the measures that tell which of them work |
# | **You need** | chapter 01; what a probability density is; derivatives |
# | **Computing time** | about 70 seconds on two CPU cores (a GPU is not used) |

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

from course_lib import check, device, display
from course_lib.expect import expect, scorecard

SEED = 0  # every random number of this chapter follows from it
compute = device.pick("cpu")  # points and networks are so small here that a GPU would only slow them

# %% [markdown]
# ## The game, in one picture
#
# The real "pictures" are points in the plane, in eight heaps on a circle. The *generator* $G$ turns a random point $z$,
# the *noise*, into a fake point $G(z)$. It is built as you know it from chapter 01: $G(z) = z + F(z)$, a shortcut plus
# a learned correction. The *discriminator* $D$ looks at a point and gives one number, a *logit*: large means "real".
# (The sine in both helps so small a network to tell close points apart.)

# %%
from course_lib.blocks import Residual
from course_lib.toys import Sine, ring


def network(outputs, width=64):
    layers = nn.Linear(2, width), Sine(), nn.Linear(width, width), nn.LeakyReLU(0.2)
    return nn.Sequential(*layers, nn.Linear(width, outputs))


torch.manual_seed(SEED)
data, generator, discriminator = ring(), Residual(network(2)), network(1)

# %% [markdown]
# The *sigmoid* $\sigma(t) = 1/(1 + e^{-t})$ makes a logit $t$ a probability. The discriminator wants the logit of real
# points up and of fake ones down, the generator wants the logit of its fake points up. With
# $\text{softplus}(t) = \log(1 + e^t)$, which is $-\log \sigma(-t)$, both wishes are three terms. The players take
# turns, one step each:

# %%
def update(optimiser, loss):
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def play(steps):
    for _ in range(steps):
        real, fake = data.sample(64), generator(torch.randn(64, 2))
        on_real = functional.softplus(-discriminator(real)).mean()
        # .detach(): the generator has no part in the discriminator's step.
        on_fake = functional.softplus(discriminator(fake.detach())).mean()
        update(discriminator_optimiser, on_real + on_fake)
        update(generator_optimiser, functional.softplus(-discriminator(fake)).mean())


def adam(player):
    return torch.optim.Adam(player.parameters(), lr=2e-3, betas=(0.5, 0.99))


discriminator_optimiser, generator_optimiser = adam(discriminator), adam(generator)

# %% [markdown]
# How does a fake point learn where to go? Its loss depends on its place through $D$. So there is a direction in which the
# loss falls fastest, and we can draw it as an arrow at the point:

# %%
def downhill(points):
    """−∂loss/∂x at each point: where the generator's loss sends it. N×2 → N×2."""
    points = points.detach().requires_grad_()
    loss = functional.softplus(-discriminator(points)).sum()  # a sum: each point's arrow is its own
    return -torch.autograd.grad(loss, points)[0]

# %%
from matplotlib.colors import LinearSegmentedColormap

COLOURS = display.COLOURS
VERDICT = LinearSegmentedColormap.from_list("verdict", [COLOURS["fake"], "white", COLOURS["real"]])
LINE = torch.linspace(-2.6, 2.6, 81)
PLANE = torch.cartesian_prod(LINE, LINE)


def draw_verdict(axes, logits):
    """Colour the plane by σ(logit), 81×81: pink where D says fake, green where it says real."""
    colours, edges = logits.detach().sigmoid().view(81, 81).T, (-2.6, 2.6, -2.6, 2.6)
    axes.imshow(colours, cmap=VERDICT, vmin=0, vmax=1, alpha=0.55, origin="lower", extent=edges)
    axes.set(xticks=[], yticks=[], autoscale_on=False)


def headline(canvas, text):
    canvas.suptitle(text, fontweight="bold", x=0.01, ha="left")

# %% [markdown]
# Three moments of one game. The colour is what $D$ says of each place: green for "real", pink for "fake". Dots are real
# points (green) and fake ones (dark). Follow the arrows: what do they know about the real points?

# %%
canvas, panels = display.figure(1, 3, height=3.1)
noise = torch.randn(120, 2)
for axes, steps in zip(panels, (8, 52, 340)):
    play(steps)
    fake = generator(noise)
    draw_verdict(axes, discriminator(PLANE))
    axes.plot(*data.sample(200).T, ".", color=COLOURS["real"], markersize=3)
    arrows = downhill(fake)
    longest = arrows.norm(dim=1).quantile(0.9).item()
    axes.quiver(*fake.detach().T, *arrows.T, color="#333333", width=0.006, scale=12 * longest)
    axes.plot(*fake.detach().T, ".", color="#333333", markersize=3)
for axes, steps in zip(panels, (8, 60, 400)):
    axes.set_title(f"after {steps} steps", fontsize=10)
headline(canvas, "All that the generator hears: an arrow for each fake point")
display.plt.show()

# %% [markdown]
# The arrows know nothing of the real points themselves. They point up the slope of $D$, towards what $D$ calls more real,
# at the places where the fake points happen to be. And as the points move, $D$ changes its mind.
#
# That is the whole answer, and you can prove it. By the chain rule the gradient for the generator's weights $w$ is
#
# $$\frac{\partial L_G}{\partial w} = \frac1N \sum_i
#   \underbrace{\ell'\big(D(x_i)\big)}_{\text{weight}}\;
#   \underbrace{\nabla_x D(x_i)}_{\text{slope}}\;
#   \frac{\partial x_i}{\partial w}, \qquad x_i = G(z_i).$$
#
# Here $\ell$ is the generator's loss as a function of one logit. *Weight* times *slope* is the arrow, up to its sign.
# So give the generator the arrows alone, without any $D$, and it must get the very same gradient:

# %%
fake = generator(noise)
weights = list(generator.parameters())
loss = functional.softplus(-discriminator(fake)).mean()
through_discriminator = torch.autograd.grad(loss, weights, retain_graph=True)
from_arrows_alone = torch.autograd.grad(fake, weights, -downhill(fake) / len(fake))
pairs = zip(through_discriminator, from_arrows_alone)
same = all(torch.allclose(a, b, atol=1e-6) for a, b in pairs)
print("the arrows alone give the same gradient:", same)

# %% [markdown]
# So two things can go wrong, and they are the two halves of this chapter. The *weight* is the loss's affair: sections 1
# to 3 ask which loss gives an arrow of which length. The *slope* is the discriminator's: sections 4 to 6 ask how steep
# it may be, what goes wrong when nobody limits it, and what the limit costs. Section 7 lets all losses play, and
# counts.

# %% [markdown]
# ## 1. The best discriminator
#
# What would $D$ say if it could learn without limit? Write $p(x)$ for the density of real pictures and $q(x)$ for that
# of fake ones, and $D(x)$, in this section only, for the probability $\sigma(\text{logit})$. The discriminator
# maximises
#
# $$V(D) = \int p(x) \log D(x) + q(x) \log\big(1 - D(x)\big)\; dx.$$
#
# Nothing ties one $x$ to another, so make each integrand as large as possible by itself. The derivative of
# $p \log d + q \log(1-d)$ by $d$ is $p/d - q/(1-d)$, and it is zero at
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)}, \qquad\text{as a logit:}\qquad \log\frac{p(x)}{q(x)}.$$
#
# The best discriminator measures the *ratio of the two densities*. Write it, and let the check try other values of $d$:

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
# The *Jensen–Shannon divergence* JS is 0 when $p = q$ and $\log 2$ when no place has both.
# ($\mathrm{KL}(a \,\|\, b) = \int a \log(a/b)$ is the Kullback–Leibler divergence.) With a perfect discriminator,
# Goodfellow and colleagues' generator of 2014 minimises exactly this. Does a network that sees nothing but samples come
# near? Two densities on a line will tell: two real heaps, one broad fake one.

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
    real, fake = learner(p.sample((256, 1))), learner(q.sample((256, 1)))
    update(optimiser, functional.softplus(-real).mean() + functional.softplus(fake).mean())
    slower.step()

# %%
x = torch.linspace(-5, 5, 2001)
step = x[1] - x[0]
real_density, fake_density = p.log_prob(x).exp(), q.log_prob(x).exp()
best = best_discriminator(real_density, fake_density)
learned = learner(x[:, None]).detach().sigmoid()[:, 0]


def value(d):
    return (real_density * d.log() + fake_density * (1 - d).log()).sum().item() * step.item()


mixture = (real_density + fake_density) / 2
divergence = 0.5 * sum(
    (density * (density / mixture).log()).sum() * step for density in (real_density, fake_density)
).item()
print(f"V(D*) = {value(best):.4f}   −log 4 + 2·JS = {-torch.tensor(4.0).log() + 2 * divergence:.4f}")

# %% [markdown]
# Look where the learned curve leaves the dashed one, and what the densities are there.

# %%
canvas, axes = display.figure(height=3.0)
axes.fill_between(x, real_density, color=COLOURS["real"], alpha=0.25, linewidth=0)
axes.fill_between(x, fake_density, color=COLOURS["fake"], alpha=0.25, linewidth=0)
axes.plot(x, best, "--", color=COLOURS["baseline"])
axes.plot(x, learned, color=COLOURS["ours"])
for text, place, colour in (
    ("real density p", (-2.3, 0.3), "real"), ("fake density q", (-0.45, 0.3), "fake"),
    ("learned D", (2.9, 0.72), "ours"), ("p / (p + q)", (2.9, 0.86), "baseline"),
):
    axes.annotate(text, place, color=COLOURS[colour])
axes.set(title="A trained discriminator is a ratio of densities", xlim=(-4, 4), ylim=(0, 1),
         xlabel="$x$", ylabel="density, probability of “real”")
display.plt.show()

# %%
ON_A_LINE = "N(±1.5, 0.5²) against N(0, 1), 800 steps of 256 + 256, on a grid of 2001"
error = ((learned - best).abs() * mixture).sum() * step
expect("mean error of D", error, low=0.004, high=0.03, protocol=ON_A_LINE + ", under (p + q)/2")
shortfall = value(best) - value(learned)
expect("V short of V(D*)", shortfall, low=0.0002, high=0.015, protocol=ON_A_LINE)

# %% [markdown]
# The two agree to a hundredth or two wherever there is anything to see; where neither law ever puts a point, the
# network says whatever it likes, and nothing corrects it. Keep this in mind: the generator's arrows come from the
# *slope* of that curve.

# %% [markdown]
# ## 2. Six losses
#
# Here are the six that the course uses. Each is two lines: what the discriminator minimises and what the generator
# minimises. All take logits.

# %%
softplus, relu = functional.softplus, functional.relu
mine = {
    "minimax": (
        lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
        lambda fake, real: -softplus(fake).mean(),
    ),
    "non_saturating": (
        lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
        lambda fake, real: softplus(-fake).mean(),
    ),
    "least_squares": (
        lambda real, fake: (real - 1).square().mean() + fake.square().mean(),
        lambda fake, real: (fake - 1).square().mean(),
    ),
    "hinge": (
        lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(),
        lambda fake, real: -fake.mean(),
    ),
    "wasserstein": (
        lambda real, fake: fake.mean() - real.mean(),
        lambda fake, real: -fake.mean(),
    ),
    "relativistic": (
        lambda real, fake: softplus(fake - real).mean(),
        lambda fake, real: softplus(real - fake).mean(),
    ),
}

check.six_losses(mine)

# %% [markdown]
# | loss | what $D$ does | what $G$ does | from |
# |---|---|---|---|
# | minimax | tells real from fake, as a classifier | makes $D$ as wrong as it can: $D$'s own loss, with a minus | Goodfellow 2014 |
# | non-saturating | the same | has its points called real | the same paper |
# | least squares | logit 1 for real, 0 for fake | logit 1 for its points | Mao 2017 |
# | hinge | as a classifier, but stops caring beyond a margin of 1 | raises the logit | Lim and Ye 2017 |
# | Wasserstein | drives the two mean logits apart | raises the logit | Arjovsky 2017 |
# | relativistic | says which of a *pair*, one real, one fake, is real | has the fake one chosen | Jolicoeur-Martineau 2018 |
#
# The library keeps them in `course_lib.losses.GAN_LOSSES`, by these names, each a `GanLoss` with
# `.discriminator(real_logits, fake_logits)` and `.generator(fake_logits, real_logits)`. Yours must give the same, on
# small logits and on huge ones:

# %%
from course_lib.losses import GAN_LOSSES

torch.manual_seed(SEED)
for size in (1.0, 1e4):
    real, fake = size * torch.randn(2, 100)
    same = all(
        torch.equal(mine[name][0](real, fake), loss.discriminator(real, fake))
        and torch.equal(mine[name][1](fake, real), loss.generator(fake, real))
        for name, loss in GAN_LOSSES.items()
    )
    print(f"all six equal the library's on logits of about {size:,.0f}:", same)

# %% [markdown]
# ### The weight, as a curve
#
# Now the first factor of the arrow. For one fake point with logit $t$, how hard does each loss pull the logit up? That
# is $-\ell'(t)$, and autograd gives it. (The relativistic loss also depends on the real partner's logit; we give it a
# sure 3.) Look at the left half: there $D$ is confident that the point is fake, which at the start of a training it
# always is.

# %%
LOOKS = {  # one colour and one line for each loss, through the whole chapter
    "minimax": ("#D55E00", "-"), "non_saturating": ("#0072B2", "-"), "least_squares": ("#E69F00", "--"),
    "hinge": ("#000000", ":"), "wasserstein": ("#6E6E6E", "-."), "relativistic": ("#56B4E9", "--"),
}


def pull(name, t, partner=3.0):
    """−∂ℓ/∂t of the generator's loss, for each of the fake logits t."""
    t = t.clone().requires_grad_()
    loss = GAN_LOSSES[name].generator(t, torch.full_like(t, partner)) * len(t)
    return -torch.autograd.grad(loss, t)[0]

# %%
canvas, axes = display.figure(height=3.4)
t = torch.linspace(-6, 6, 241)
for name, (colour, style) in LOOKS.items():
    axes.plot(t, pull(name, t), style, color=colour, label=name.replace("_", "-"))
axes.axhline(0, color="#BBBBBB", linewidth=0.8, zorder=0)
axes.set(title="Minimax stops pulling just where help is needed most", ylim=(-1.2, 3.2),
         xlabel="logit $t$ of a fake point (left: D is sure)", ylabel="pull, $-\\ell'(t)$")
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
display.plt.show()

# %%
print("pull on a fake logit      t = −8      t = 0      t = 8")
for name in GAN_LOSSES:
    at = [f"{value:10.4f}" for value in pull(name, torch.tensor([-8.0, 0.0, 8.0])).tolist()]
    print(f"{name:20}", *at)

# %% [markdown]
# The two oldest losses have the same discriminator and differ in one sign and one place. Minimax pulls with
# $\sigma(t)$, which is all but zero for a rejected point: it *saturates*. Non-saturating pulls with $1 - \sigma(t)$,
# close to one. At $t = 0$ the two agree, so where $D$ is undecided it makes no difference. Hinge and Wasserstein pull
# the same everywhere. Least squares pulls the harder the further the logit is from 1, and pulls *down* above 1: a fake
# point can be too convincing for its taste. The relativistic loss lets go only when the fake point is ahead of its
# partner.

# %% [markdown]
# ## 3. Saturation, measured
#
# The weight is one factor. The other, the slope, comes from a trained network. So train six discriminators, one a loss,
# against a generator that stands still, and measure the arrows. The real points are one heap at a distance of 4, so
# that telling real from fake is easy.
#
# `ToyGame` plays many games at once: every layer is a `ManyLinear`, a row of independent layers computed together. All
# start from the same weights and see the same batches. `game.arrows` is your `downhill`, for the loss of each.

# %%
from course_lib.toys import ToyGame

far = ToyGame(ring(modes=1, radius=4.0, spread=0.3), list(GAN_LOSSES), seed=SEED)
fake = far.points(256, seed=1).detach()
lengths = [far.arrows(fake).norm(dim=-1).mean(1)]
for _ in range(200):
    far.step_discriminator()
    lengths.append(far.arrows(fake).norm(dim=-1).mean(1))
lengths = torch.stack(lengths)  # 201 steps × 6 losses

# %%
canvas, axes = display.figure(height=3.4)
for (name, (colour, style)), values in zip(LOOKS.items(), lengths.T):
    axes.plot(values, style, color=colour, label=name.replace("_", "-"))
axes.set(title="A better discriminator silences minimax, and only minimax", yscale="log",
         xlabel="steps that D has trained, G standing still", ylabel="mean length of an arrow")
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
display.plt.show()

# %%
AHEAD = "mean arrow of 256 fake points, after 200 steps of D alone over before; one heap, 4 away"
growth = dict(zip(GAN_LOSSES, (lengths[-1] / lengths[0]).tolist()))
expect("arrow left to minimax", growth["minimax"], low=0.0, high=0.1, unit="×", protocol=AHEAD)
expect("arrow of non-saturating", growth["non_saturating"], low=1, high=30, unit="×", protocol=AHEAD)
expect("arrow of Wasserstein", growth["wasserstein"], low=50, high=3000, unit="×", protocol=AHEAD)

# %% [markdown]
# Two things to see. Minimax keeps a few hundredths of its arrow at most, just as its curve said: the better the
# discriminator, the less the generator hears. And at the other end the Wasserstein arrow grows and grows, because nothing
# here stops that $D$ from becoming steeper. So a loss that does not saturate is half of the answer. Section 4 takes up the
# other half.
#
# The same six as fields. This time the real points are the ring, the fake ones the generator's first cloud around the
# centre, and $D$ has had 60 steps. Each small arrow says where a fake point *would* be sent from there. One scale for
# all panels, and very long arrows are cut.

# %%
from course_lib.toys import ManyLinear

near = ToyGame(ring(), list(GAN_LOSSES), seed=SEED)
for _ in range(60):
    near.step_discriminator()
line = torch.linspace(-2.3, 2.3, 15)
places = torch.cartesian_prod(line, line).expand(6, -1, -1)
arrows = near.arrows(places)
shown = arrows * (1.2 / arrows.norm(dim=-1, keepdim=True)).clamp(max=1)
verdicts = near.discriminator(PLANE.expand(6, -1, -1)).detach()[..., 0]

# %%
canvas, panels = display.figure(2, 3, height=6.0)
for k, (axes, name) in enumerate(zip(panels.flat, GAN_LOSSES)):
    # Least squares aims at 0 and 1, so ½ is undecided; stretched to the colours of the others.
    draw_verdict(axes, 8 * (verdicts[k] - 0.5) if name == "least_squares" else verdicts[k])
    axes.quiver(*places[k].T, *shown[k].T, color="#333333", scale=22, width=0.005)
    axes.plot(*near.data.centres.T, "o", color=COLOURS["real"], markersize=5)
    axes.set_title(name.replace("_", "-"), fontsize=10)
headline(canvas, "Six losses, the same points: where a fake point would be sent")
display.plt.show()

# %% [markdown]
# The directions are much the same: every loss sends points up the slope of its $D$. What differs is the length of the
# arrow, and where it is short. Minimax and non-saturating have *the same* discriminator here, so compare these two
# panels. The first has arrows only around the green, where $D$ already says "real". The second has them in the pink as
# well, and that is where most fake points are.

# %% [markdown]
# ## 4. A distance that does not saturate
#
# Section 1 said that a perfect discriminator lets the generator minimise JS. Move one heap away from another and look
# at JS: it climbs to $\log 2$ as soon as the two hardly overlap, and there it stays, whether they are near or far. A
# flat curve has no slope to follow. Arjovsky and colleagues proposed in 2017 to use a distance that keeps growing: the
# *Wasserstein distance* $W$, the least work it takes to carry the one heap of sand over to the other, mass times way.
# Kantorovich and Rubinstein found its other face,
#
# $$W(p, q) = \max_{\text{slope of } f \,\le\, 1} \;\; \mathbb{E}_{x \sim p}\, f(x) - \mathbb{E}_{x \sim q}\, f(x),$$
#
# and that is the Wasserstein loss: a discriminator $f$, now called the *critic*, that drives two means apart, and may
# nowhere be steeper than 1. How does one keep a network from being steep? Gulrajani and colleagues add a penalty to its
# loss, the *gradient penalty* of WGAN-GP: $\lambda\, (\lVert \nabla f \rVert - 1)^2$ at random points between real and
# fake ones. Petzka and colleagues punish only what is steeper than 1: $\lambda \max(0, \lVert \nabla f \rVert - 1)^2$.
#
# On a line, $W$ can be computed exactly by sorting. So here is a test that few papers show: are the critics right? Six
# pairs of laws: four shifts, a narrow heap against a broad one with the same centre, and two heaps against one between
# them.

# %%
from course_lib.toys import slopes

PAIRS = ("shift 0.5", "shift 1", "shift 2", "shift 4", "narrow and broad", "two and one")


def both(n):
    """n real and n fake numbers of each of the six pairs: two tensors 6×n×1."""
    a, b, side = torch.randn(n), torch.randn(n), torch.randint(2, (n,)) * 4 - 2
    real = torch.stack([0.3 * a] * 4 + [a, side + 0.3 * a])
    fake = torch.stack([0.3 * b + shift for shift in (0.5, 1, 2, 4)] + [0.5 * b, b])
    return real[..., None], fake[..., None]

# %%
def trained_critic(penalty, steps=500, strength=10):
    """Six critics side by side; penalty: steepness of any shape → punishment of the same shape."""
    torch.manual_seed(SEED)
    layers = ManyLinear(6, 1, 32), nn.LeakyReLU(0.2), ManyLinear(6, 32, 32), nn.LeakyReLU(0.2)
    critic = nn.Sequential(*layers, ManyLinear(6, 32, 1))
    optimiser = torch.optim.Adam(critic.parameters(), lr=4e-3, betas=(0.5, 0.9))
    slower = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, total_iters=steps)
    for _ in range(steps):
        real, fake = both(128)
        where = torch.rand_like(real)
        steepness = slopes(critic, where * real + (1 - where) * fake).abs()
        apart = critic(fake) - critic(real)
        update(optimiser, (apart + strength * penalty(steepness)).mean((1, 2)).sum())
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
real, fake = data.sample(128), torch.randn(128, 2)
where = torch.rand(128, 1, generator=torch.Generator().manual_seed(SEED))
steepness = slopes(lone_critic, where * real + (1 - where) * fake).norm(dim=1)
ours = (steepness - 1).square().mean()
theirs = gradient_penalty(lone_critic, real, fake, torch.Generator().manual_seed(SEED))
print("same as the library's gradient_penalty:", torch.allclose(ours, theirs))

# %% [markdown]
# Now read off what each critic says, on 20,000 fresh samples, and divide by the exact distance. A second reading
# divides the critic by its own mean steepness between the heaps, since a critic of slope 1.1 overstates everything by
# that much.

# %%
from scipy.stats import wasserstein_distance

torch.manual_seed(SEED)
real, fake = both(20_000)
exact = [wasserstein_distance(a.flatten().numpy(), b.flatten().numpy()) for a, b in zip(real, fake)]
exact = torch.tensor(exact)


def readings(critic):
    """(raw, corrected): the critics' estimates over the exact distances, six each."""
    where = torch.rand_like(real)
    steepness = slopes(critic, where * real + (1 - where) * fake).abs().mean((1, 2))
    raw = (critic(real) - critic(fake)).mean((1, 2)) / exact
    return raw.detach(), (raw / steepness).detach()

# %%
def jensen_shannon(shift, spread=0.3):
    a, b = (Normal(centre, spread).log_prob(x).exp() for centre in (0 * shift, shift))
    m = (a + b).clamp(min=1e-30) / 2  # far out both are 0, and 0 · log 0 counts as 0
    return 0.5 * sum(torch.special.xlogy(part, part / m).sum() for part in (a, b)) * step


(two_raw, _), (raw, corrected) = readings(two_sided), readings(one_sided)
shifts = torch.linspace(0, 4, 81)
canvas, (left, right) = display.figure(1, 2, height=3.6)
left.plot(shifts, [jensen_shannon(shift) for shift in shifts], color=COLOURS["plain"])
left.plot(shifts, shifts, color=COLOURS["ours"])
left.plot([0.5, 1, 2, 4], (raw * exact)[:4], "o", color=COLOURS["ours"])
left.annotate("Wasserstein\n(dots: one-sided critics)", (0.2, 3.4), color=COLOURS["ours"])
left.annotate("Jensen–Shannon", (2.2, 0.85), color=COLOURS["plain"])
left.set(title="JS is flat where W still slopes", xlabel="shift between two heaps", ylabel="distance")
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
expect("W, one-sided, off 1 + W/2λ", off_paper, low=0.0, high=0.015, protocol=ON_PAIRS + ", worst of 4")
off_exact = (corrected - 1).abs().max()
expect("W, one-sided, corrected, off 1", off_exact, low=0.005, high=0.04,
       protocol=ON_PAIRS + ", worst of 6")
expect("W, two-sided, narrow and broad", two_raw[4], low=-0.1, high=0.2, unit="×", protocol=ON_PAIRS)

# %% [markdown]
# Three lessons lie in the right panel.
#
# 1. **The penalty is soft, so the critics exaggerate, by a known amount.** On a pure shift the critic is a straight line
#    of slope $s$. It maximises $sW - \lambda(s-1)^2$, so $s = 1 + W/2\lambda$: with $\lambda = 10$ that is 5 % too much at
#    $W = 1$ and 20 % at $W = 4$. The dots do just that.
# 2. **Corrected for its own steepness, the one-sided critic is right** to a few hundredths, for all six pairs.
# 3. **The two-sided one fails where it has to turn round.** A broad heap around a narrow one asks for a slope of $-1$ on
#    one side and $+1$ on the other. On the way from one to the other lies slope 0, and that costs $\lambda$. So the critic
#    never turns, and sees nothing. For the same reason a critic that begins with the wrong slope may keep it: a square
#    left of 0 is one that slopes down towards the real points. Where that happens hangs on the first weights.
#
# In many dimensions a slope can turn round without passing 0, and the original penalty works well enough to be the
# usual one. But a test in one dimension has shown you something that a good-looking sample would have hidden.

# %% [markdown]
# ## 5. The smallest GAN, and where it goes
#
# A loss that slopes, and a $D$ that is not too steep: will the game now *arrive*? Mescheder and colleagues asked that
# of the smallest GAN there is. All real data are the single point 0. The generator gives the single point $\theta$. The
# discriminator is $D(x) = \psi x$, a line through 0 with slope $\psi$. The goal is $(\theta, \psi) = (0, 0)$: the fake
# point lies on the real one, and $D$ has nothing more to say.
#
# *R1* is their remedy, a penalty on the slope at the *real* points only,
# $\frac{\gamma}{2}\, \mathbb{E}_{x \sim p} \lVert \nabla D(x) \rVert^2$. Here it is $\frac{\gamma}{2} \psi^2$. It says:
# once the points are where they should be, be flat. (*R2* is the same at the fake points.) One function plays this game
# for any loss:

# %%
def dirac(name, gamma=0.0, in_turn=True, interval=1, rate=0.1, steps=400):
    """(steps + 1)×2: the path of (θ, ψ) from (1, 0) by gradient descent; in turn means ψ first."""
    loss = GAN_LOSSES[name]
    centre = 0.5 if name == "least_squares" else 0.0  # where it is undecided
    theta, psi = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    path = [(1.0, 0.0)]
    for step in range(steps):
        penalty = interval * gamma / 2 * psi.square().sum() if step % interval == 0 else 0.0
        on_psi = loss.discriminator(0 * psi + centre, psi * theta + centre) + penalty
        new_psi = (psi - rate * torch.autograd.grad(on_psi, psi)[0]).detach().requires_grad_()
        seen = new_psi if in_turn else psi
        on_theta = loss.generator(seen * theta + centre, 0 * seen + centre)
        theta = (theta - rate * torch.autograd.grad(on_theta, theta)[0]).detach().requires_grad_()
        psi = new_psi
        path.append((theta.item(), psi.item()))
    return torch.tensor(path)

# %%
WAYS = {
    "both at once": {"in_turn": False}, "in turn": {}, "in turn, R1": {"gamma": 1.0},
}
paths = {(way, name): dirac(name, **how) for way, how in WAYS.items() for name in GAN_LOSSES}

# %% [markdown]
# Each panel is one game of 400 steps; it starts at the ring and ends at the dot, and the cross is the goal. Go through
# it row by row. Which games come closer to the cross, which go round, which leave?

# %%
canvas, panels = display.figure(3, 6, height=5.0)
for axes, ((way, name), path) in zip(panels.flat, paths.items()):
    axes.plot(*path.T, color=LOOKS[name][0], linewidth=0.9)
    axes.plot(1, 0, "o", color="#333333", markerfacecolor="white", markersize=5)
    axes.plot(0, 0, "+", color=COLOURS["real"], markersize=12, markeredgewidth=2)
    axes.plot(*path[-1], "o", color="#333333", markersize=5)
    reach = max(1.25, path.abs().max().item() * 1.08)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
    if way == "both at once":
        axes.set_title(name.replace("_", "-"), fontsize=9)
    if name == "minimax":
        axes.set_ylabel(f"{way}\n$\\psi$")
    if way == "in turn, R1":
        axes.set_xlabel("$\\theta$")
headline(canvas, "Without a penalty none arrives; with R1 all six do")
display.plt.show()

# %%
IN_400 = "Dirac-GAN, distance from the goal, 1 at the start; 400 steps, rate 0.1"


def distance(way, name):
    return paths[way, name].norm(dim=1)


for name, low, high in (("wasserstein", 7.25, 7.4), ("minimax", 1.5, 1.65), ("hinge", 1.5, 1.65)):
    expect(f"{name}, at once", distance("both at once", name)[-1], low=low, high=high, protocol=IN_400)
for name in ("wasserstein", "minimax", "hinge"):
    way = distance("in turn", name)
    expect(f"{name}, in turn, nearest", way.min(), low=0.95, high=1, protocol=IN_400)
    expect(f"{name}, in turn, farthest", way.max(), low=1, high=1.05, protocol=IN_400)

# %%
for name, low, high in (("non_saturating", 0.35, 0.45), ("relativistic", 0.35, 0.45),
                        ("least_squares", 0.1, 0.2)):
    expect(f"{name}, in turn", distance("in turn", name)[-1], low=low, high=high, protocol=IN_400)
worst = max(distance("in turn, R1", name)[-1] for name in GAN_LOSSES)
expect("the worst of six, in turn, R1", worst, low=4e-7, high=6e-7, protocol=IN_400 + ", γ = 1")

# %% [markdown]
# - **Both at once** (each with the other's old value), Wasserstein leaves: every step with rate $h$ multiplies the
#   distance by $\sqrt{1 + h^2}$, in 400 steps by $1.01^{200} \approx 7.3$. Minimax leaves too, and hinge until it meets
#   its margin.
# - **In turn**, as all GANs are trained, these three go round and come back to where they were: the players chase each
#   other for ever. Non-saturating, relativistic (on a single point they are the same game) and least squares do creep
#   inwards, but the nearer, the slower: beside the goal they circle as well.
# - **With R1** all six arrive, a million times closer than they began. The penalty is a brake on $\psi$, and a brake
#   turns a circle into a spiral.
#
# On paper, for Wasserstein in turn: a step multiplies $(\theta, \psi)$ by a matrix of determinant $1 - \gamma h$, so
# the distance shrinks by $\sqrt{1 - \gamma h} = 0.949$ a step. Is that what happened?

# %%
rate_per_step = distance("in turn, R1", "wasserstein")[-1] ** (1 / 400)
print(f"on paper, a step shrinks the distance to {0.9**0.5:.3f} of itself")
expect("shrinking per step, Wasserstein with R1", rate_per_step, low=0.944, high=0.954, unit="×",
       protocol="400th root of the distance left, rate 0.1, γ = 1, in turn")

# %% [markdown]
# ## 6. What it costs to keep a discriminator gentle
#
# R1 is a derivative inside a loss. To train with it, PyTorch differentiates a derivative, with `create_graph=True`. How
# much work is that? Count the arithmetic of one step of a small residual discriminator of pictures, written as bare
# functions of its weights. The library's `r1_penalty` gives the mean of $\lVert\nabla D\rVert^2$ over a batch.

# %%
from torch.utils.flop_counter import FlopCounterMode

from course_lib.losses import r1_penalty

torch.manual_seed(SEED)
stem, *body = [0.1 * torch.randn(32, inputs, 3, 3) for inputs in (1, 32, 32, 32)]
head = torch.randn(32)
parameters = [weight.requires_grad_() for weight in (stem, *body, head)]


def judge(pictures):
    x = functional.conv2d(pictures, stem, stride=2, padding=1)
    for weight in body:
        x = x + functional.conv2d(relu(x), weight, padding=1)  # chapter 01: y = x + F(x)
    return relu(x).mean((2, 3)) @ head

# %%
real, fake = torch.rand(2, 8, 1, 28, 28)


def work(*penalised):
    """Floating-point operations of one step of D, with R1 at `real`, R2 at `fake`, or neither."""
    with FlopCounterMode(display=False) as counter:
        loss = GAN_LOSSES["relativistic"].discriminator(judge(real), judge(fake))
        loss = loss + sum(r1_penalty(judge, pictures) / 2 for pictures in penalised)
        loss.backward()
    return counter.get_total_flops()

# %%
plain, with_r1, with_both = work(), work(real), work(real, fake)
AS_WORK = "work of a step over one without, FlopCounterMode, 4 convolutions, 28×28"
expect("a step with R1", with_r1 / plain, low=1.9, high=2.2, unit="×", protocol=AS_WORK)
expect("a step with R1 and R2", with_both / plain, low=2.8, high=3.3, unit="×", protocol=AS_WORK)
lazy = 1 + (with_both / plain - 1) / 8
expect("R1 and R2 every 8 steps, on average", lazy, low=1.2, high=1.3, unit="×", protocol=AS_WORK)

# %% [markdown]
# R1 doubles the work of a step, R1 and R2 treble it. But slopes change slowly. Karras and colleagues apply the penalty
# only every so many steps and multiply it by that number: *lazy* regularisation. Every 8 steps, the extra cost shrinks
# to an eighth. What does the smallest GAN say to that?

# %%
canvas, axes = display.figure(height=3.2)
for interval, style in ((1, "-"), (8, "--"), (16, "-."), (32, ":")):
    left_over = dirac("wasserstein", gamma=1.0, interval=interval).norm(dim=1)
    colour = COLOURS["ours" if interval < 32 else "plain"]
    axes.plot(left_over.clamp(min=1e-9), style, color=colour, label=f"every {interval}")
axes.set(title="Lazy is fine, until the single push is too strong", yscale="log", ylim=(1e-9, 1e3),
         xlabel="step (Wasserstein in turn, R1 with γ = 1, rate 0.1)", ylabel="distance from the goal")
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
display.plt.show()

# %%
LAZY = IN_400 + ", γ = 1, Wasserstein"
for interval, low, high in ((8, 0.0, 1e-6), (16, 0.004, 0.009), (32, 400, 700)):
    left_over = dirac("wasserstein", gamma=1.0, interval=interval)[-1].norm()
    expect(f"lazy R1, every {interval} steps", left_over, low=low, high=high, protocol=LAZY)

# %% [markdown]
# One lazy push takes $\psi$ to $(1 - \text{interval} \cdot \gamma h)\, \psi$. That is 0.2 at 8, a firm brake: the game
# is home sooner than with a push at every step. At 16 it is −0.6: the push overshoots, and the game still comes home,
# slowly. At 32 it is −2.2, so each push makes it worse. So keep interval × γ × rate well below 2. (Adam, which scales its
# steps, forgives more.)
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
weight = torch.randn(64, 32)
exactly = torch.linalg.matrix_norm(weight, 2)
ON_WEIGHT = "random 64×32 weight, mean of 20 starts, against torch.linalg.matrix_norm"
for steps, low, high in ((1, 0.15, 0.4), (10, 0.005, 0.06)):
    found = torch.stack([largest_singular_value(weight, steps) for _ in range(20)]).mean()
    short = 1 - found / exactly
    expect(f"σ₁, {steps} iterations, short by", short, low=low, high=high, protocol=ON_WEIGHT)
found = largest_singular_value(weight, 500)
print("after 500 iterations the same as torch.linalg's:", torch.allclose(found, exactly, rtol=1e-3))

# %% [markdown]
# It comes from below, slowly where two singular values are close. In training one iteration a step is enough, since the
# weight moves little and the vector is kept from step to step. So does PyTorch's own version. Wrap a layer in it, and
# then all layers of a $D$ with large weights, and measure how steep that $D$ is:

# %%
from torch.nn.utils.parametrizations import spectral_norm

layer = nn.Linear(32, 64, bias=False)
layer.weight.data = weight.clone()
normalised = spectral_norm(layer, n_power_iterations=500).weight
same = torch.allclose(normalised, weight / exactly, rtol=1e-3)
print("torch's spectral_norm divides by the same:", same)


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
expect("steepest place, plain layers", steepest(lambda layer: layer), low=5, high=40, protocol=ON_PLANE)
gentle = steepest(lambda layer: spectral_norm(layer, n_power_iterations=100))
expect("steepest place, spectral norm", gentle, low=0.02, high=0.4, protocol=ON_PLANE)

# %% [markdown]
# The price is that 1 is a bound for the worst case: a chain of layers, each at its limit, hardly ever pulls in one
# direction, so the real slope lies well below. $D$ becomes gentler than it would have to be.

# %% [markdown]
# ## 7. Which loss finds all the heaps?
#
# Back to the plane. A generator may win by making one kind of point very well, and leave the others out. That is *mode
# collapse*. Two numbers tell: `mode_coverage` calls a point *good* when it lies within three standard deviations of a
# heap's centre, and a heap *found* when it has at least a quarter of its fair share of good points.
#
# Two sets of data: the `ring` of eight, and a `grid` of 5×5; each is a `Mixture`. Six losses, each without a penalty, and
# with R1 every 4 steps. Five repetitions, each with its own weights and batches, the same for every loss. So 120 GANs, of
# 200 steps each on the ring and 300 on the grid; `ToyGame` plays 30 at a time.

# %%
from course_lib.toys import grid, mode_coverage

PLACES = {"ring": (ring(), 64, 200), "grid": (grid(), 128, 300)}  # data, batch, steps


def tournament(place, penalty, losses=tuple(GAN_LOSSES), **more):
    """Play them all: points L·5×2500×2, heaps found L×5, share of good points L×5."""
    data, batch, steps = PLACES[place]
    game = ToyGame(data, losses, 5, seed=SEED, penalty=penalty, batch=batch, **more)
    game.play(steps)
    points = game.points(2500, seed=1).detach()
    found, good = mode_coverage(points, data)
    return points, found.view(-1, 5), good.view(-1, 5)


results = {
    (place, penalty): tournament(place, penalty, strength=0.1, interval=4)
    for place in PLACES for penalty in ("none", "r1")
}

# %% [markdown]
# First the grid, as it looks in one repetition of the five. A green dot is a heap that was found, a black cross one
# that was not.

# %%
canvas, panels = display.figure(2, 6, height=3.6)
centres = grid().centres
for row, (penalty, title) in enumerate((("none", "no penalty"), ("r1", "R1"))):
    points = results["grid", penalty][0]
    for k, (axes, name) in enumerate(zip(panels[row], GAN_LOSSES)):
        good = torch.cdist(centres, points[5 * k]) < 3 * grid().spread
        found = good.sum(1) >= 25  # of 100, its fair share
        axes.plot(*points[5 * k, :1000].T, ".", color=COLOURS["fake"], markersize=1)
        axes.plot(*centres[found].T, ".", color=COLOURS["real"], markersize=6)
        axes.plot(*centres[~found].T, "x", color="black", markersize=4)
        axes.set(xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), aspect="equal", xticks=[], yticks=[])
        axes.set_title(name.replace("_", "-") if row == 0 else "", fontsize=9)
    panels[row, 0].set_ylabel(title)
headline(canvas, "The 25 heaps after 300 steps: found, or left out")
display.plt.show()

# %% [markdown]
# Then all of them. A dot is one repetition, a bar the median of five. Compare two distances: between the losses, and
# between the two colours.

# %%
canvas, panels = display.figure(2, 2, height=5.2)
for column, place in enumerate(PLACES):
    heaps = len(PLACES[place][0].centres)
    for penalty, colour, shift in (("none", "plain", -0.16), ("r1", "ours", 0.16)):
        _, found, good = results[place, penalty]
        for axes, values in ((panels[0, column], found.float()), (panels[1, column], good)):
            middle, look = torch.arange(6) + shift, COLOURS[colour]
            axes.plot(middle, values, "o", color=look, markersize=3.5, alpha=0.6)
            axes.hlines(values.median(1).values, middle - 0.13, middle + 0.13, look, linewidth=2.5)
    panels[0, column].set(title=f"{place}: heaps found of {heaps}", ylim=(0, heaps * 1.04))
    panels[1, column].set(title=f"{place}: share of good points", ylim=(0, 1))
for axes in panels.flat:
    names = "mini-\nmax", "non-\nsat.", "least\nsq.", "hinge", "Wasser-\nstein", "relati-\nvistic"
    axes.set_xticks(range(6), names, fontsize=8)
panels[0, 1].plot([], [], "o", color=COLOURS["plain"], label="no penalty")
panels[0, 1].plot([], [], "o", color=COLOURS["ours"], label="R1")
panels[0, 1].legend(loc="lower left", ncols=2, fontsize=9)
display.plt.show()

# %%
GAMES = "median of 6 losses × 5 repetitions, 2,500 points each; ring 200 steps, grid 300"
BANDS = {
    ("ring", "none"): (7, 8, 0.58, 0.72), ("ring", "r1"): (8, 8, 0.58, 0.72),
    ("grid", "none"): (15, 19, 0.38, 0.56), ("grid", "r1"): (19, 24, 0.38, 0.56),
}
for (place, penalty), (low, high, lowest, highest) in BANDS.items():
    label = f"{place}, {'R1' if penalty == 'r1' else 'no penalty'}"
    _, found, good = results[place, penalty]
    expect(f"heaps found, {label}", found.float().median(), low=low, high=high, protocol=GAMES)
    expect(f"good points, {label}", good.median(), low=lowest, high=highest, protocol=GAMES)

# %% tags=["nbval-ignore-output"]
print("median (lowest … highest) of 5     heaps found       share of good points")
for (place, penalty), (_, found, good) in results.items():
    for name, heaps, shares in zip(GAN_LOSSES, found, good):
        many = f"{heaps.median():2} ({heaps.min():2} … {heaps.max():2})"
        share = f"{shares.median():.2f} ({shares.min():.2f} … {shares.max():.2f})"
        print(f"{place:5} {penalty:5} {name:20} {many:20} {share}")

# %%
ONE_LOSS = "median of 5 repetitions, grid, 300 steps, 2,500 points each"
for name, low, high in (
    ("minimax", 19, 25), ("non_saturating", 19, 25), ("least_squares", 17, 24), ("hinge", 18, 25),
    ("wasserstein", 14, 24), ("relativistic", 19, 25),
):
    found = results["grid", "r1"][1][list(GAN_LOSSES).index(name)].float().median()
    expect(f"heaps found, grid, R1, {name}", found, low=low, high=high, protocol=ONE_LOSS)

own = tournament("grid", "gradient", ["wasserstein"], strength=1.0)[1].float().median()
expect("heaps found, grid, gradient penalty, wasserstein", own, low=14, high=24,
       protocol=ONE_LOSS + ", λ = 1")

# %% [markdown]
# What do 120 GANs say?
#
# - **The ring is easy.** Most games find seven or eight of the eight heaps, whatever the loss. Even Wasserstein without any
#   limit gets by, for 200 steps.
# - **On the grid the penalty matters more than the loss.** Without one, a game finds about two thirds of the heaps. With
#   R1 the median is four fifths and more for most losses; least squares and Wasserstein tend to be behind. The gradient
#   penalty that was made for Wasserstein does for it about what R1 does.
# - **The share of good points does not rise with R1**; on the grid it rather falls. A gentler $D$ is also less sharp, and
#   the points need longer to gather. Coverage and sharpness are two things, and one number for both would have hidden that.
# - **Repetitions differ as much as losses do.** A table from one seed would have crowned a winner by chance.
#
# These are toys, and a few hundred steps. Which loss wins on pictures is chapter 03's matter. But the habit carries over:
# several seeds, two numbers, and the penalty before the loss.
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
# Three slips that raise no error, each in one place of the loop from the beginning of this chapter. All play minimax on
# the ring, from the same weights.
#
# - *No detach*: the fake points go to $D$'s step as they are, so $D$'s loss also sends a gradient into the generator.
#   (PyTorch does complain, that the graph was freed already, and its message suggests `retain_graph=True`. Many take the
#   advice.)
# - *A sign flipped* in the generator's loss.
# - *The same logits* in both terms of $D$'s loss: $\log D(x) + \log(1 - D(x))$ of one and the same fake $x$, a line
#   copied and not finished.

# %%
def play_with(slip, steps=300):
    """Play minimax with one slip; give back D's losses, its logit gaps, and points."""
    torch.manual_seed(SEED)
    generator, discriminator = Residual(network(2)), network(1)
    of_discriminator, of_generator = adam(discriminator), adam(generator)
    losses, gaps = [], []
    for _ in range(steps):
        real, fake = data.sample(64), generator(torch.randn(64, 2))
        of_discriminator.zero_grad(), of_generator.zero_grad()
        shown = fake if slip == "no detach" else fake.detach()
        real_logits = discriminator(shown if slip == "same logits" else real)
        loss = softplus(-real_logits).mean() + softplus(discriminator(shown)).mean()
        loss.backward(retain_graph=True)
        of_discriminator.step()
        sign = 1 if slip == "sign flipped" else -1
        (sign * softplus(discriminator(fake)).mean()).backward()
        of_generator.step()
        losses.append(loss.item())
        gaps.append((discriminator(real).mean() - discriminator(fake).mean()).item())
    return losses, gaps, generator(torch.randn(2500, 2)).detach()


runs = {slip: play_with(slip) for slip in ("healthy", "no detach", "sign flipped", "same logits")}

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
headline(canvas, "Three slips, no error message: the points after 300 steps")
display.plt.show()

# %%
SLIP = "minimax on the ring, 300 steps; mean of the last 50 batches of 64; 2,500 points at the end"
late = {slip: [sum(values[-50:]) / 50 for values in run[:2]] for slip, run in runs.items()}
BANDS = {  # D's loss, logit gap, heaps found
    "healthy": ((1.0, 1.35), (0.5, 2), (7, 8)), "no detach": ((0.0, 0.2), (8, 22), (0, 0)),
    "sign flipped": ((0.0, 0.15), (8, 25), (0, 0)),
    "same logits": ((1.3862, 1.3865), (-0.01, 0.01), (0, 1)),
}
for slip, bands in BANDS.items():
    values = *late[slip], mode_coverage(runs[slip][2], data)[0]
    for quantity, number, (low, high) in zip(("D's loss", "logit gap", "heaps found"), values, bands):
        expect(f"{quantity}, {slip}", number, low=low, high=high, protocol=SLIP)

# %% [markdown]
# A loss of exactly $\log 4 = 1.386$ is what a perfect equilibrium would give, and also what a $D$ gives that has learned
# nothing at all: a network that is asked to say "real" and "fake" of the same points answers 0 for everything, and a
# flat $D$ has no arrows. A loss near 0 is no triumph either: $D$ has won, and the generator gets no help. Look at the
# *gap* between the mean logits of real and fake points, and at the points themselves.
#
# The missing detach is instructive. Minimax is a zero-sum game: the generator's loss is the discriminator's with a
# minus (up to a part without the generator). A generator that gets both gradients gets nothing: they cancel, up to the
# one step that $D$ has moved in between. Check it, with the same $D$ for both:

# %%
fake = generator(noise)
of_discriminator = torch.autograd.grad(softplus(discriminator(fake)).mean(), weights, retain_graph=True)
of_generator = torch.autograd.grad(-softplus(discriminator(fake)).mean(), weights)
print("they cancel:", all(torch.allclose(a, -b) for a, b in zip(of_discriminator, of_generator)))

# %% [markdown]
# | symptom | cause |
# |---|---|
# | $D$ wins soon (loss near 0, gap above 8), the fake points never arrive | no `detach`: $D$'s gradient cancels the generator's; or minimax saturates |
# | $D$ wins even sooner, the fake points shun the data | a sign: the generator helps the discriminator |
# | $D$'s loss stands at exactly $\log 4$ from early on, the gap at 0 | both terms of $D$'s loss see the same logits |
# | the loss falls without end, arrows grow | Wasserstein without a limit on the slope |
# | points run in circles around the data, or leave heaps out | no penalty on $D$'s slope at the data: R1 |
# | a critic's "distance" is negative, or far too small | the two-sided penalty holds it in a bad start |

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
# repetitions. (This is a toy, so the longer run is done here and not loaded. Pictures, and a run of many minutes, come in
# chapter 03.) Do the heaps come first, or the sharpness?

# %%
longer = ToyGame(grid(), ["relativistic"], 3, seed=SEED, penalty="r1", interval=4, batch=128)
history = []
for _ in range(12):
    longer.play(100)
    history.append(mode_coverage(longer.points(2500, seed=1).detach(), grid()))
found, good = (torch.stack(values).float() for values in zip(*history))

# %%
canvas, (left, middle, right) = display.figure(1, 3, height=3.1)
steps = range(100, 1300, 100)
panels = (left, found, "heaps found of 25", 26), (middle, good, "share of good points", 1)
for axes, values, title, top in panels:
    axes.plot(steps, values, color=LOOKS["relativistic"][0], linewidth=1)
    axes.plot(steps, values.median(1).values, color=COLOURS["ours"], linewidth=2.5)
    axes.axvline(300, color=COLOURS["baseline"], linestyle=":")
    axes.set(title=title, ylim=(0, top), xlabel="step (dotted: section 7)")
shown = longer.points(1500, seed=1)[0].detach()
right.plot(*shown.T, ".", color=COLOURS["fake"], markersize=1.5)
right.plot(*grid().centres.T, ".", color=COLOURS["real"], markersize=6)
right.set(title="after 1,200 steps", aspect="equal", xticks=[], yticks=[], xlim=(-2, 2), ylim=(-2, 2))
display.plt.show()

# %%
LONGER = "grid, relativistic, R1 every 4 steps, 1,200 steps, median of 3, 2,500 points each"
expect("heaps found, longer", found[-1].median(), low=22, high=25, protocol=LONGER)
expect("good points, longer", good[-1].median(), low=0.5, high=0.75, protocol=LONGER)
torch.manual_seed(SEED)
_, real_good = mode_coverage(grid().sample(2500), grid())
expect("good points, real ones", real_good, low=0.98, high=0.997, protocol="2,500 points of the grid")

# %% [markdown]
# The heaps come first; the points then gather, ever more slowly, and are far from done (of real points, 0.989 are
# good): between the heaps a smooth generator must cross empty land, and a few points are always on the way.

# %% [markdown]
# ## Summary
#
# - **The question** was what exactly the generator learns from the discriminator. **The answer:** one arrow for each of
#   its points, and nothing else. The arrow is a *weight*, from the loss, times the *slope* of the discriminator at that
#   point.
# - The best discriminator is the ratio of densities $p/(p+q)$, and with it the original game minimises the Jensen–Shannon
#   divergence, which is flat where the laws do not overlap.
# - Minimax saturates: its weight vanishes where the discriminator is sure. The other five do not.
# - A slope must be limited, or the game circles. R1 turns the circle into a spiral that arrives, for all six losses. R1 and
#   R2 treble the work of the discriminator's step; applied every eighth step they add a quarter.
# - A Wasserstein critic with a one-sided penalty measures the distance within a few hundredths, once you allow for its
#   softness; with a two-sided one it can get stuck, in one dimension.
# - Over 120 small games, the penalty matters more than the loss, and repetitions differ as much as losses do.
#
# **You could now build** the training step of any GAN whose paper you read, and say which of its parts is weight and
# which is slope.
#
# | in `course_lib` | what it holds from this chapter |
# |---|---|
# | `losses` | `GAN_LOSSES`, each a `GanLoss`; `r1_penalty`, `gradient_penalty` |
# | `toys` | `Mixture`, `ring`, `grid`; `mode_coverage`; `ToyGame`, made of `ManyLinear` and `Sine`; `slopes` |
# | `display` | `toy_game` |
#
# ## Questions
#
# Answer first, then unfold.
#
# <details><summary>1. The generator never sees a real picture. How can it make one?</summary>
#
# The discriminator has seen them, and what it learned lies in its slope. Each fake picture is told in which direction
# it would look more real to the discriminator, and the generator's weights are moved so
# that it follows.
# </details>
#
# <details><summary>2. The discriminator's loss stands still at log 4. Good or bad?</summary>
#
# It cannot be told from that number. At the equilibrium D says ½ everywhere, which gives log 4; a D that has learned
# nothing says the same. Look at samples, and whether D can still tell apart what is
# clearly different.
# </details>
#
# <details><summary>3. Minimax and non-saturating have the same discriminator and the same goal. What is the
# difference?</summary>
#
# The weight of the arrow: σ(t) against 1 − σ(t) at a fake logit t. Where D is sure that a picture is fake, the first is
# near zero and the second near one.
# </details>
#
# <details><summary>4. Why must a Wasserstein critic be limited, and what happens if it is not?</summary>
#
# The loss is linear in the logits, so multiplying the critic by 10 makes it ten times better. Without a limit on the
# slope it grows for ever, and the number that it gives is no distance.
# </details>
#
# <details><summary>5. Your critic with a gradient penalty of λ = 10 says 4.8. What is the Wasserstein distance?</summary>
#
# For a pure shift, about 4: the critic's slope is 1 + W/2λ, so it says W + W²/2λ = 4 + 16/20 = 4.8. For other pairs at
# least that correction is needed; divide by the critic's own mean slope.
# </details>
#
# <details><summary>6. R1 punishes the slope at real pictures only. Why not everywhere?</summary>
#
# At the goal, real and fake are in the same places, and there D should be flat, or it pushes the generator away again.
# Elsewhere it should be steep: that slope is what brings the fake pictures home.
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
# How many seeds, and how far apart they lie: here, five repetitions of one loss differ by more than that. And whether
# the share of good points is given as well.
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
# - Mescheder et al. 2018, [Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406): the
#   Dirac-GAN and R1; section 5 is its figure 1.
# - Miyato et al. 2018, [Spectral Normalization for Generative Adversarial Networks](https://arxiv.org/abs/1802.05957):
#   section 6, with pictures.
# - Huang et al. 2024, [The GAN is dead; long live the GAN!](https://arxiv.org/abs/2501.05441): the relativistic loss with
#   R1 and R2, and why the pair needs no tricks; chapter 03 builds on it.
