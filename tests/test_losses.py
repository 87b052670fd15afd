"""The six losses and the two penalties: against closed forms in NumPy, by value and by gradient, at any logit."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.errors import CourseError
from course_lib.losses import GAN_LOSSES, gradient_penalty, r1_penalty

NAMES = ["minimax", "non_saturating", "least_squares", "hinge", "wasserstein", "relativistic"]
PLAYERS = ["discriminator", "generator"]
EXTREMES = [-1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4]


def log_d(x):
    """log D of a logit, D = 1/(1+e^−x): in float64, from exp and log1p alone."""
    return np.where(x > 0, -np.log1p(np.exp(-np.abs(x))), x - np.log1p(np.exp(-np.abs(x))))


def d(x):
    return np.exp(log_d(x))


# Each loss as its paper writes it, r and f being real and fake logits, then its derivatives with respect to r and f
# for one pair; the mean over the batch is taken below. d(−x) is 1 − d(x).
CLOSED = {
    ("minimax", "discriminator"): (lambda r, f: -log_d(r) - log_d(-f), lambda r, f: (-d(-r), d(f))),
    ("minimax", "generator"): (lambda r, f: log_d(-f), lambda r, f: (0 * r, -d(f))),
    ("non_saturating", "discriminator"): (lambda r, f: -log_d(r) - log_d(-f), lambda r, f: (-d(-r), d(f))),
    ("non_saturating", "generator"): (lambda r, f: -log_d(f), lambda r, f: (0 * r, -d(-f))),
    ("least_squares", "discriminator"): (lambda r, f: (r - 1) ** 2 + f**2, lambda r, f: (2 * (r - 1), 2 * f)),
    ("least_squares", "generator"): (lambda r, f: (f - 1) ** 2, lambda r, f: (0 * r, 2 * (f - 1))),
    ("hinge", "discriminator"): (
        lambda r, f: np.maximum(0, 1 - r) + np.maximum(0, 1 + f),
        lambda r, f: (-1.0 * (r < 1), 1.0 * (f > -1)),
    ),
    ("hinge", "generator"): (lambda r, f: -f, lambda r, f: (0 * r, -1 + 0 * f)),
    ("wasserstein", "discriminator"): (lambda r, f: f - r, lambda r, f: (-1 + 0 * r, 1 + 0 * f)),
    ("wasserstein", "generator"): (lambda r, f: -f, lambda r, f: (0 * r, -1 + 0 * f)),
    ("relativistic", "discriminator"): (lambda r, f: -log_d(r - f), lambda r, f: (-d(f - r), d(f - r))),
    ("relativistic", "generator"): (lambda r, f: -log_d(f - r), lambda r, f: (d(r - f), -d(r - f))),
}
LOSSES = pytest.mark.parametrize(("name", "player"), CLOSED, ids=["-".join(key) for key in CLOSED])


def ours(name, player, real, fake):
    if player == "discriminator":
        return GAN_LOSSES[name].discriminator(real, fake)
    return GAN_LOSSES[name].generator(fake, real)


def closed(name, player, real, fake):
    """(value, gradient of real, gradient of fake), the mean over pairs of the closed form, in float64."""
    value, slopes = CLOSED[name, player]
    real, fake = (logits.detach().double().numpy() for logits in (real, fake))
    return (value(real, fake).mean(), *(slope / real.size for slope in slopes(real, fake)))


def logits(*shape, seed=0, dtype=torch.float64, spread=3.0):
    numbers = torch.randn(2, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * spread
    return [part.to(dtype).requires_grad_() for part in numbers]


def agrees(name, player, real, fake, rel):
    loss = ours(name, player, real, fake)
    assert loss.shape == ()
    value, of_real, of_fake = closed(name, player, real, fake)
    assert loss.item() == pytest.approx(value, rel=rel, abs=rel)
    found = torch.autograd.grad(loss, [real, fake], allow_unused=True)
    for gradient, want in zip(found, (of_real, of_fake), strict=True):
        got = np.zeros_like(want) if gradient is None else gradient.double().numpy()
        assert np.isfinite(got).all()
        np.testing.assert_allclose(got, want, rtol=rel, atol=rel / want.size)


def test_the_names_are_those_that_the_course_relies_on():
    assert list(GAN_LOSSES) == NAMES
    assert all(loss.name == name for name, loss in GAN_LOSSES.items())
    assert set(CLOSED) == set(itertools.product(NAMES, PLAYERS))


@LOSSES
@pytest.mark.parametrize("shape", [(7,), (5, 1), (1,), (2, 3), (2, 1, 3, 3)], ids=str)
def test_value_and_gradient_are_the_closed_form(name, player, shape):
    for seed in range(3):
        agrees(name, player, *logits(*shape, seed=seed), rel=1e-9)
        agrees(name, player, *logits(*shape, seed=seed, dtype=torch.float32), rel=1e-5)


@LOSSES
def test_the_gradient_is_that_of_the_value(name, player):
    # The hinge's corner is at ±1: these logits keep clear of it by more than gradcheck's step.
    real, fake = logits(6)
    assert all((abs(part.detach().abs() - 1) > 1e-3).all() for part in (real, fake))
    assert torch.autograd.gradcheck(lambda r, f: ours(name, player, r, f), (real, fake))
    assert torch.autograd.gradgradcheck(lambda r, f: ours(name, player, r, f) + r.sum() * 0, (real, fake))


@LOSSES
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_extreme_logits_give_the_closed_form_and_no_nan(name, player, dtype):
    # Half precision is summed in float32, so the value is exact; its gradient is rounded to 8 or 11 bits.
    rel = 1e-5 if dtype is torch.float32 else 2**-8
    for real, fake in itertools.product(EXTREMES, EXTREMES):
        if name == "hinge" and (real == 1 or fake == -1):
            continue  # the corner: any slope between its two sides is a right one
        pair = [torch.tensor([logit], dtype=dtype, requires_grad=True) for logit in (real, fake)]
        agrees(name, player, *pair, rel=rel)
    everything = list(itertools.product(EXTREMES, EXTREMES))
    together = [torch.tensor(column, dtype=dtype, requires_grad=True) for column in zip(*everything, strict=True)]
    loss = ours(name, player, *together)
    loss.backward()
    assert loss.isfinite()
    assert all(part.grad is None or part.grad.isfinite().all() for part in together)


@LOSSES
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_is_summed_in_float32(name, player, dtype):
    real, fake = logits(4099, dtype=dtype)
    loss = ours(name, player, real, fake)
    assert loss.dtype == torch.float32
    # A sum in half precision would be off by a per cent or more: 4099 terms of size one do not fit into 8 or 11 bits.
    assert loss.item() == pytest.approx(closed(name, player, real, fake)[0], rel=1e-5)
    loss.backward()
    assert fake.grad.dtype == dtype


@LOSSES
def test_float64_stays_float64(name, player):
    assert ours(name, player, *logits(4)).dtype == torch.float64


@pytest.mark.parametrize("name", [name for name in NAMES if name != "relativistic"])
def test_batches_of_different_shape_are_averaged_each_for_itself(name):
    (real, _), (fake, _) = logits(3, seed=1), logits(5, 1, seed=2)
    got = GAN_LOSSES[name].discriminator(real, fake).item()
    value = CLOSED[name, "discriminator"][0]
    r, f = real.detach().numpy(), fake.detach().numpy()
    # Every real logit beside every fake one: each then counts with its own batch's mean.
    assert got == pytest.approx(value(r[:, None], f.reshape(1, -1)).mean())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "relativistic"])
def test_only_the_relativistic_generator_looks_at_real_logits(name):
    real, fake = logits(5)
    loss = GAN_LOSSES[name]
    assert torch.equal(loss.generator(fake), loss.generator(fake, real))
    assert torch.equal(loss.generator(fake), loss.generator(fake, real.new_zeros(0)))


@pytest.mark.parametrize(("real", "fake"), [((4, 1), (4,)), ((4,), (4, 1)), ((4,), (5,)), ((1,), (4,)), ((), (4,))])
@pytest.mark.parametrize("player", PLAYERS)
def test_unpaired_logits_are_refused_where_pairs_are_compared(player, real, fake):
    with pytest.raises(CourseError, match=r"relativistic: real_logits \(.*compared in pairs"):
        ours("relativistic", player, torch.zeros(real), torch.zeros(fake))


def test_the_relativistic_generator_asks_for_real_logits():
    with pytest.raises(CourseError, match=r"relativistic: .* give real_logits too"):
        GAN_LOSSES["relativistic"].generator(torch.zeros(4))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0,), (0, 1)])
def test_an_empty_batch_is_refused(name, shape):
    nothing, some = torch.zeros(shape), torch.zeros(4)
    pairs = [(nothing, nothing)] if name == "relativistic" else [(nothing, some), (some, nothing), (nothing, nothing)]
    for real, fake in pairs:
        with pytest.raises(CourseError, match=rf"{name}: .*are empty"):
            GAN_LOSSES[name].discriminator(real, fake)
    with pytest.raises(CourseError, match=rf"{name}: .*are empty"):
        GAN_LOSSES[name].generator(nothing, nothing)


@pytest.mark.parametrize("name", NAMES)
def test_the_players_pull_in_opposite_directions(name):
    # Between the hinge's margins, where least squares' targets are not passed yet either.
    real, fake = (torch.full((4,), logit, requires_grad=True) for logit in (0.3, -0.2))
    of_real, of_fake = torch.autograd.grad(GAN_LOSSES[name].discriminator(real, fake), [real, fake])
    assert (of_real < 0).all(), "the discriminator wants real logits up"
    if name != "least_squares":  # its target for fakes is 0, which −0.2 has already passed
        assert (of_fake > 0).all(), "the discriminator wants fake logits down"
    (of_fake,) = torch.autograd.grad(GAN_LOSSES[name].generator(fake, real), fake)
    assert (of_fake < 0).all(), "the generator wants fake logits up"


def test_at_the_best_discriminator_the_cross_entropy_tells_the_jensen_shannon_divergence():
    # Two densities on four points, as batches that hold each point in proportion. Goodfellow et al. 2014, theorem 1.
    p, q = np.array([4, 3, 2, 1]) / 10, np.array([1, 1, 2, 6]) / 10
    best = torch.tensor(np.log(p / q))
    real, fake = (best.repeat_interleave(torch.tensor((10 * w).round().astype(int))) for w in (p, q))
    middle = (p + q) / 2
    divergence = (p * np.log(p / middle)).sum() / 2 + (q * np.log(q / middle)).sum() / 2
    for name in ("minimax", "non_saturating"):
        loss = GAN_LOSSES[name].discriminator(real, fake).item()
        assert loss == pytest.approx(2 * math.log(2) - 2 * divergence, rel=1e-12)
        worse = GAN_LOSSES[name].discriminator(real + 0.1, fake + 0.1).item()
        assert worse > loss


# Penalties ------------------------------------------------------------------------------------------------------


class Plane(nn.Module):
    """w·x + b: its slope is w, at every picture."""

    def __init__(self, weight):
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(weight.new_zeros(()))

    def forward(self, x):
        return (x * self.weight).flatten(1).sum(1) + self.bias


class Bowl(Plane):
    """½ Σ w x²: its slope is w·x, different at every picture. Keeps the points that it was asked at."""

    def forward(self, x):
        self.points = x.detach().clone()
        return (x.square() * self.weight / 2).flatten(1).sum(1, keepdim=True)  # N×1, as most discriminators give


def tensor(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


SHAPES = pytest.mark.parametrize("shape", [(1,), (5,), (3, 4, 4)], ids=str)


@SHAPES
def test_r1_of_a_plane_is_its_squared_slope(shape):
    plane, images = Plane(tensor(*shape, seed=1)), tensor(6, *shape)
    penalty = r1_penalty(plane, images)
    weight = plane.weight.detach()
    assert penalty.shape == () and penalty.item() == pytest.approx((weight**2).sum().item())
    penalty.backward()
    torch.testing.assert_close(plane.weight.grad, 2 * weight)
    assert plane.bias.grad is None or plane.bias.grad == 0


@SHAPES
def test_r1_of_a_bowl_is_summed_over_pixels_and_averaged_over_pictures(shape):
    bowl, images = Bowl(tensor(*shape, seed=1)), tensor(6, *shape)
    penalty = r1_penalty(bowl, images)
    weight, x = bowl.weight.detach().numpy(), images.numpy()
    assert penalty.item() == pytest.approx(((weight * x) ** 2).reshape(6, -1).sum(1).mean())
    penalty.backward()
    np.testing.assert_allclose(bowl.weight.grad.numpy(), 2 * weight * (x**2).mean(0))


@SHAPES
def test_gradient_penalty_of_a_plane_knows_no_place(shape):
    plane = Plane(tensor(*shape, seed=1))
    penalty = gradient_penalty(plane, tensor(6, *shape, seed=2), tensor(6, *shape, seed=3))
    weight = plane.weight.detach()
    steepness = weight.square().sum().sqrt()
    assert penalty.shape == () and penalty.item() == pytest.approx((steepness - 1).square().item())
    penalty.backward()
    torch.testing.assert_close(plane.weight.grad, 2 * (steepness - 1) * weight / steepness)


@SHAPES
def test_gradient_penalty_of_a_bowl_at_the_points_where_it_asked(shape):
    bowl = Bowl(tensor(*shape, seed=1))
    penalty = gradient_penalty(bowl, tensor(6, *shape, seed=2), tensor(6, *shape, seed=3))
    weight, x = bowl.weight.detach().numpy(), bowl.points.numpy()
    slopes = (weight * x).reshape(6, -1)
    steepness = np.sqrt((slopes**2).sum(1))
    assert penalty.item() == pytest.approx(((steepness - 1) ** 2).mean())
    penalty.backward()
    want = (2 * (steepness - 1) / steepness)[:, None] * slopes * x.reshape(6, -1)
    np.testing.assert_allclose(bowl.weight.grad.numpy().ravel(), want.mean(0))


def test_the_points_lie_between_one_number_a_picture_evenly_spread():
    real, fake = tensor(500, 2, 3, 3, seed=2).abs() + 1, -tensor(500, 2, 3, 3, seed=3).abs() - 1
    bowl = Bowl(tensor(2, 3, 3))
    gradient_penalty(bowl, real, fake, generator=torch.Generator().manual_seed(0))
    shares = ((bowl.points - fake) / (real - fake)).flatten(1)
    torch.testing.assert_close(shares, shares[:, :1].expand_as(shares))
    ordered = shares[:, 0].sort().values
    assert ordered[0] >= 0 and ordered[-1] <= 1
    # The largest distance from the even distribution's own curve; 0.1 would come by chance once in 10,000.
    assert (ordered - (torch.arange(500) + 0.5) / 500).abs().max() < 0.1


def test_the_generator_of_random_numbers_decides_the_points():
    real, fake, bowl = tensor(6, 4, seed=2), tensor(6, 4, seed=3), Bowl(tensor(4))

    def points(generator=None):
        gradient_penalty(bowl, real, fake, generator)
        return bowl.points

    dice = torch.Generator().manual_seed(5)
    first, second = points(dice), points(dice)
    before = torch.get_rng_state()
    assert torch.equal(points(torch.Generator().manual_seed(5)), first) and not torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before), "torch's own random numbers are touched"
    torch.manual_seed(1)
    third = points()
    torch.manual_seed(1)
    assert torch.equal(points(), third) and not torch.equal(points(), third)


def network(dtype=torch.float64):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 1)).to(dtype)


PENALTIES = {
    "r1": lambda critic, real, fake: r1_penalty(critic, real),
    "gradient": lambda critic, real, fake: gradient_penalty(critic, real, fake, torch.Generator().manual_seed(0)),
}
BOTH = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=list(PENALTIES))


@BOTH
def test_second_order_gradients_reach_the_weights_and_are_right(penalty):
    critic, real, fake = network(), tensor(3, 1, 4, 4, seed=2), tensor(3, 1, 4, 4, seed=3)
    names, weights = zip(*critic.named_parameters(), strict=True)

    def at(*values):
        return penalty(
            lambda x: torch.func.functional_call(critic, dict(zip(names, values, strict=True)), x), real, fake
        )

    assert torch.autograd.gradcheck(at, weights)
    penalty(critic, real, fake).backward()
    assert critic[0].weight.grad.abs().sum() > 0 and critic[3].weight.grad.abs().sum() > 0


@BOTH
def test_a_batch_costs_the_mean_of_its_pictures(penalty):
    critic, real = network(), tensor(5, 1, 4, 4, seed=2)
    # With fake = real every point between them is the picture itself, whatever the random number.
    alone = [penalty(critic, real[i : i + 1], real[i : i + 1]).item() for i in range(5)]
    assert penalty(critic, real, real).item() == pytest.approx(sum(alone) / 5)


@BOTH
def test_logits_may_have_any_shape(penalty):
    critic, real, fake = network(), tensor(5, 1, 4, 4, seed=2), tensor(5, 1, 4, 4, seed=3)
    want = penalty(critic, real, fake)
    for shape in ((5,), (5, 1, 1, 1)):
        assert torch.equal(penalty(lambda x, shape=shape: critic(x).view(shape), real, fake), want)


@BOTH
def test_nothing_but_the_discriminator_gets_a_gradient(penalty):
    generator, critic = nn.Linear(2, 4), nn.Sequential(nn.Linear(4, 8), nn.Softplus(), nn.Linear(8, 1))
    real, fake = generator(torch.randn(6, 2)), generator(torch.randn(6, 2))
    before = real.detach().clone()
    cost = penalty(critic, real, fake)
    assert all(weight.grad is None for weight in critic.parameters()), "taking the slope stores nothing"
    cost.backward()
    assert all(weight.grad is None for weight in generator.parameters())
    assert critic[0].weight.grad.abs().sum() > 0
    images = torch.randn(6, 4)
    penalty(critic, images, images)
    assert not images.requires_grad and images.grad is None
    assert torch.equal(real, before)


@BOTH
def test_a_flat_discriminator_has_a_finite_gradient(penalty):
    # The norm has a corner at zero, where its derivative 0/0 would be NaN.
    plane = Plane(torch.zeros(4))
    cost = penalty(plane, tensor(3, 4, dtype=torch.float32), tensor(3, 4, seed=1, dtype=torch.float32))
    cost.backward()
    assert cost.isfinite() and plane.weight.grad.isfinite().all()


@BOTH
def test_slopes_in_half_precision_are_summed_in_float32(penalty):
    # 5,000 squares of 1/64: in eight bits a sum stops growing where a square is less than half of its last bit.
    weight = torch.full((5000,), 0.125, dtype=torch.bfloat16)
    plane = Plane(weight)
    images = tensor(2, 5000, dtype=torch.bfloat16)
    cost = penalty(plane, images, images)
    square = 5000 / 64
    want = square if penalty is PENALTIES["r1"] else (math.sqrt(square) - 1) ** 2
    assert cost.dtype == torch.float32 and cost.item() == pytest.approx(want, rel=1e-4)
    cost.backward()
    assert plane.weight.grad.isfinite().all()


@BOTH
def test_numbers_instead_of_pictures_will_do(penalty):
    # The one-dimensional toys: N points, not N×1.
    slope = torch.tensor(3.0, requires_grad=True)
    cost = penalty(lambda x: slope * x, torch.randn(5), torch.randn(5))
    assert cost.item() == pytest.approx(9.0 if penalty is PENALTIES["r1"] else 4.0)
    cost.backward()
    assert slope.grad.item() == pytest.approx(6.0 if penalty is PENALTIES["r1"] else 4.0)


@BOTH
def test_an_empty_batch_has_no_mean_slope(penalty):
    with pytest.raises(CourseError, match=r"shape \(0, 4\) are empty"):
        penalty(Plane(torch.ones(4)), torch.zeros(0, 4), torch.zeros(0, 4))


@pytest.mark.parametrize(("real", "fake"), [((4, 3), (5, 3)), ((4, 3), (4, 1)), ((4, 3), (4, 3, 1)), ((4, 3), (3,))])
def test_gradient_penalty_refuses_shapes_that_differ(real, fake):
    with pytest.raises(CourseError, match=r"gradient_penalty: real \(.*differ"):
        gradient_penalty(Plane(torch.ones(3)), torch.zeros(real), torch.zeros(fake))
