"""Chapter 02's exercises: right answers in unusual dress, and slips beyond the exercises' own table."""

import torch
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from course_lib import losses


def hinge_by_minimum(real_logits, fake_logits):
    real, fake = (torch.minimum(x - 1, torch.zeros(())) for x in (real_logits, -fake_logits))
    return -(real.mean() + fake.mean()), fake_logits.neg().mean()


def library(name):
    game = losses.GAN_LOSSES[name]

    def pair(real_logits, fake_logits):
        real, fake = real_logits.reshape(-1), fake_logits.reshape(-1)
        return [game.discriminator(real, fake), game.generator(fake, real)]

    pair.__name__ = f"{name}_of_the_library"
    return pair


def relativistic_by_logsigmoid(real_logits, fake_logits):
    gap = real_logits.view(-1, 1) - fake_logits.view(-1, 1)
    # The generator's step needs no gradient for the real logits.
    return -functional.logsigmoid(gap).mean(), torch.logaddexp(gap.detach() * 0, gap).mean()


def updated_in_one_pass(generator, discriminator, optimiser, real, noise):
    """Real and fake pass through together, the loss by binary cross-entropy, gradients for D's weights alone."""
    with torch.no_grad():
        fake = generator(noise)
    logits = discriminator(torch.cat([real, fake])).squeeze(1)
    labels = torch.cat([torch.ones(len(real)), torch.zeros(len(fake))])
    loss = 2 * functional.binary_cross_entropy_with_logits(logits, labels)
    weights = list(discriminator.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimiser.step()
    return loss.detach()


def updated_with_the_generator_frozen(generator, discriminator, optimiser, real, noise):
    generator.requires_grad_(False)
    optimiser.zero_grad(set_to_none=False)
    total = 0.0
    for pictures, sign in ((real, -1), (generator(noise), 1)):
        part = torch.log1p(torch.exp(sign * discriminator(pictures))).mean()
        part.backward()
        total += part.item()
    generator.requires_grad_(True)
    optimiser.step()
    optimiser.zero_grad()
    return total


def slopes_in_one_pass(discriminator, real, fake, gamma):
    x = torch.cat([real, fake]).detach().clone().requires_grad_()
    logits = discriminator(x)
    (slopes,) = torch.autograd.grad(logits, x, torch.ones_like(logits), create_graph=True)
    squares = torch.einsum("np,np->n", slopes.flatten(1), slopes.flatten(1))
    return gamma * (squares[: len(real)].mean() + squares[len(real) :].mean()) * 0.5


def slopes_picture_by_picture(discriminator, real, fake, gamma):
    weights = dict(discriminator.named_parameters())

    def logit(picture):
        return functional_call(discriminator, weights, (picture[None],)).sum()

    squares = [vmap(grad(logit))(x.detach()).square().flatten(1).sum(1).mean() for x in (real, fake)]
    return gamma / 2 * sum(squares)


def penalties_of_the_library(discriminator, real, fake, gamma):
    return gamma / 2 * (losses.r1_penalty(discriminator, real) + losses.r1_penalty(discriminator, fake))


def penalty_from_the_other_end(discriminator, real, fake):
    start, way = real.clone(), fake.detach() - real
    u = torch.empty(len(real)).uniform_().view(-1, *[1] * (way.ndim - 1)).expand_as(way)
    x = torch.addcmul(start, u, way).requires_grad_()
    logits = discriminator(x)
    slopes = torch.autograd.grad([logits], [x], [torch.ones_like(logits)], None, True)[0]
    axes = tuple(range(1, slopes.ndim))
    return ((slopes.pow(2).sum(axes) + 1e-12).sqrt() - 1).pow(2).mean()


def norm_by_the_square(weight, steps=50):
    """Iterates WᵀW from the input's side; the graph of every step is kept."""
    matrix = weight.reshape(weight.shape[0], -1)
    v = torch.rand(matrix.shape[1], 1)
    for _ in range(steps):
        v = matrix.T @ (matrix @ v)
        v = v / v.norm()
    return torch.linalg.vector_norm(matrix @ v)


def dirac_by_autograd(theta, psi, rate, gamma):
    theta, psi = theta.detach().requires_grad_(), psi.detach().requires_grad_()
    (up,) = torch.autograd.grad((-psi * theta).sum(), theta)
    (down,) = torch.autograd.grad((psi * theta + gamma / 2 * psi**2).sum(), psi)
    return [theta - rate * up, psi - rate * down]


RIGHT = {
    "hinge_losses": [hinge_by_minimum],
    "relativistic_losses": [relativistic_by_logsigmoid, library("relativistic")],
    "update_discriminator": [updated_in_one_pass, updated_with_the_generator_frozen],
    "r1_r2": [slopes_in_one_pass, slopes_picture_by_picture, penalties_of_the_library],
    "gradient_penalty": [penalty_from_the_other_end, losses.gradient_penalty],
    "spectral_norm": [norm_by_the_square],
    "dirac_step": [dirac_by_autograd],
}


def hinge(discriminator=None, generator=lambda real, fake: -fake.mean()):
    def hinge_losses(real_logits, fake_logits):
        both = discriminator or (lambda real, fake: functional.relu(1 - real).mean() + functional.relu(1 + fake).mean())
        return both(real_logits, fake_logits), generator(real_logits, fake_logits)

    return hinge_losses


def in_place(real_logits, fake_logits):
    with torch.no_grad():
        fake_logits += 1
        return functional.relu(1 - real_logits).mean() + functional.relu(fake_logits).mean(), -(fake_logits - 1).mean()


def relativistic(discriminator, generator=lambda gap: functional.softplus(gap).mean()):
    def relativistic_losses(real_logits, fake_logits):
        gap = real_logits.flatten() - fake_logits.flatten()
        return discriminator(gap), generator(gap)

    return relativistic_losses


def real_logits_detached(real_logits, fake_logits):
    gap = real_logits.flatten().detach() - fake_logits.flatten()
    return functional.softplus(-gap).mean(), functional.softplus(gap).mean()


def step(loss=None, before=lambda g, d: None, after=lambda g, d, o: None, result=lambda loss: loss.item()):
    def cross_entropy(real, fake):
        return functional.softplus(-real).mean() + functional.softplus(fake).mean()

    def update_discriminator(generator, discriminator, optimiser, real, noise):
        before(generator, discriminator)
        value = (loss or cross_entropy)(discriminator(real), discriminator(generator(noise).detach()))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        after(generator, discriminator, optimiser)
        return result(value)

    return update_discriminator


def generator_trained_too(generator, discriminator, optimiser, real, noise):
    both = torch.optim.SGD([*generator.parameters(), *discriminator.parameters()], lr=0.5)
    both.zero_grad()
    loss = (
        functional.softplus(-discriminator(real)).mean() + functional.softplus(discriminator(generator(noise))).mean()
    )
    loss.backward()
    both.step()
    return loss.item()


def not_detached_but_tidied(generator, discriminator, optimiser, real, noise):
    optimiser.zero_grad()
    loss = (
        functional.softplus(-discriminator(real)).mean() + functional.softplus(discriminator(generator(noise))).mean()
    )
    loss.backward()
    optimiser.step()
    generator.zero_grad()
    return loss.item()


def slopes(discriminator, pictures, **how):
    x = pictures.detach().requires_grad_()
    return torch.autograd.grad(discriminator(x).sum(), x, create_graph=True, **how)[0]


def r1_r2_of(number, weight=lambda gamma: gamma / 2):
    def r1_r2(discriminator, real, fake, gamma):
        return weight(gamma) * sum(number(slopes(discriminator, pictures)) for pictures in (real, fake))

    return r1_r2


def by_backward(discriminator, real, fake, gamma):
    total = 0
    for pictures in (real, fake):
        x = pictures.detach().requires_grad_()
        discriminator(x).sum().backward(create_graph=True)
        total = total + x.grad.flatten(1).square().sum(1).mean()
    return gamma / 2 * total


def numbers_by_backward(discriminator, real, fake, gamma):
    total = 0
    for pictures in (real, fake):
        x = pictures.detach().requires_grad_()
        discriminator(x).sum().backward()
        total = total + x.grad.flatten(1).square().sum(1).mean()
    discriminator.zero_grad()
    return gamma / 2 * total


def without_slopes(discriminator, real, fake, gamma):
    return gamma / 2 * (discriminator(real).square().mean() + discriminator(fake.detach()).square().mean())


def whole_batch(discriminator, real, fake, gamma):
    x = real.detach().requires_grad_()
    return gamma / 2 * torch.autograd.grad(discriminator(x), x, create_graph=True)[0].square().sum()


def about_another_batch(discriminator, real, fake, gamma):
    x = real.detach().requires_grad_()
    return gamma / 2 * torch.autograd.grad(discriminator(real).sum(), x, create_graph=True)[0].square().sum()


def four_axes_always(discriminator, real, fake):
    u = torch.rand(len(real), 1, 1, 1)
    return (slopes(discriminator, u * real + (1 - u) * fake).flatten(1).norm(dim=1) - 1).square().mean()


def penalty_of(number=lambda rows: (rows.norm(dim=1) - 1).square().mean(), between=None):
    def gradient_penalty(discriminator, real, fake):
        u = torch.rand(len(real), *[1] * (real.ndim - 1))
        x = between(real, fake, u) if between else u * real + (1 - u) * fake
        return number(slopes(discriminator, x).flatten(1))

    return gradient_penalty


def seeded(discriminator, real, fake):
    return losses.gradient_penalty(discriminator, real, fake, torch.Generator().manual_seed(0))


def difference_of_logits(discriminator, real, fake):
    way = (real - fake).flatten(1).norm(dim=1)
    rise = (discriminator(real) - discriminator(fake.detach())).flatten().abs() / way
    return (rise - 1).square().mean()


def norm_of(start, result, steps=None, flat=lambda weight: weight.flatten(1)):
    def spectral_norm(weight, given=50):
        matrix = flat(weight)
        u = start(len(matrix))
        for _ in range(steps or given):
            v = functional.normalize((matrix.T @ u).detach(), dim=0)
            u = functional.normalize((matrix @ v).detach(), dim=0)
        return result(u, matrix, v)

    return spectral_norm


def dirac(theta, psi):
    return lambda *given: (theta(*given), psi(*given))


def up(theta, psi, rate, gamma):
    return theta + rate * psi


def down(theta, psi, rate, gamma):
    return psi - rate * (theta + gamma * psi)


# Examiner's slips: (check, slip, answer, what the message must say).
WRONG = [
    ("hinge_losses", "squared", hinge(lambda r, f: (1 - r).clamp(0).square().mean() + (1 + f).clamp(0).square().mean()),
     "the discriminator's loss differs"),
    ("hinge_losses", "margin of a half", hinge(lambda r, f: (0.5 - r).clamp(0).mean() + (0.5 + f).clamp(0).mean()),
     "the discriminator's loss differs"),
    ("hinge_losses", "relu on top", hinge(generator=lambda r, f: functional.relu(-f).mean()), "has no relu"),
    ("hinge_losses", "no real gradient", hinge(lambda r, f: (1 - r.detach()).clamp(0).mean() + (1 + f).clamp(0).mean()),
     "gives the real logits no gradient"),
    ("hinge_losses", "zero-sum", hinge(generator=lambda r, f: -(1 - r).clamp(0).mean() - (1 + f).clamp(0).mean()),
     "the discriminator's loss with a minus"),
    ("hinge_losses", "generator detached", hinge(generator=lambda r, f: -f.detach().mean()), "fake logits no gradient"),
    ("hinge_losses", "in place", in_place, "changes the logits"),
    ("hinge_losses", "Wasserstein", hinge(lambda r, f: f.mean() - r.mean()), "that is Wasserstein's"),
    ("relativistic_losses", "hinge", relativistic(lambda gap: functional.relu(1 - gap).mean()), "that is a hinge"),
    ("relativistic_losses", "no softplus", relativistic(lambda gap: -gap.mean()), "the softplus is missing"),
    ("relativistic_losses", "log1p", relativistic(lambda gap: torch.log1p(torch.exp(-gap)).mean()), "NaN or inf"),
    ("relativistic_losses", "ascends", relativistic(lambda gap: -functional.softplus(-gap).mean()), "is minimised"),
    ("relativistic_losses", "clamped", relativistic(lambda gap: functional.softplus(-gap.clamp(-50, 50)).mean()),
     "±10,000"),
    ("relativistic_losses", "real detached", real_logits_detached, "gives the real logits no gradient"),
    ("update_discriminator", "hinge", step(lambda r, f: (1 - r).clamp(0).mean() + (1 + f).clamp(0).mean()), "hinge"),
    ("update_discriminator", "Wasserstein", step(lambda r, f: f.mean() - r.mean()), "that is Wasserstein's"),
    ("update_discriminator", "half", step(lambda r, f: (functional.softplus(-r) + functional.softplus(f)).mean() / 2),
     "averaged, wanted their sum"),
    ("update_discriminator", "sum", step(lambda r, f: (functional.softplus(-r) + functional.softplus(f)).sum()),
     "summed over the batch"),
    ("update_discriminator", "loss with graph", step(result=lambda loss: loss), "graph in memory"),
    ("update_discriminator", "no result", step(result=lambda loss: None), "wanted the loss as a number"),
    ("update_discriminator", "generator in eval", step(before=lambda g, d: g.eval()), "left in evaluation mode"),
    ("update_discriminator", "steps twice", step(after=lambda g, d, o: o.step()), "steps 2 times"),
    ("update_discriminator", "clipped", step(after=lambda g, d, o: d.weight.data.clamp_(-0.1, 0.1)), "another"),
    ("update_discriminator", "both trained", generator_trained_too, "the generator's weights have changed"),
    ("update_discriminator", "tidied afterwards", not_detached_but_tidied, "runs back into the generator"),
    ("r1_r2", "the whole batch", whole_batch, "of a whole batch of logits"),
    ("r1_r2", "another batch", about_another_batch, "do not depend on the batch"),
    ("gradient_penalty", "four axes", four_axes_always, "never asked at points of shape (7, 3), but at (7, 1, 7, 3)"),
    ("r1_r2", "backward", by_backward, "weights now hold gradients"),
    ("r1_r2", "numbers by backward", numbers_by_backward, "the penalty is a constant"),
    ("r1_r2", "logits, not slopes", without_slopes, "the penalty is wrong"),
    ("r1_r2", "pixels added", r1_r2_of(lambda s: s.flatten(1).sum(1).square().mean()), "pixels are added up"),
    ("r1_r2", "pictures added", r1_r2_of(lambda s: s.sum(0).square().sum()), "slopes are added up"),
    ("r1_r2", "absolute values", r1_r2_of(lambda s: s.flatten(1).abs().sum(1).mean()), "the penalty is wrong"),
    ("r1_r2", "no gamma", r1_r2_of(lambda s: s.flatten(1).square().sum(1).mean(), lambda g: 0.5), "gamma is not used"),
    ("r1_r2", "per picture", r1_r2_of(lambda s: s[:3].flatten(1).square().sum(1)), "one number for the whole batch"),
    ("r1_r2", "a plain number", r1_r2_of(lambda s: s.flatten(1).square().sum(1).mean().item()), "wanted a tensor"),
    ("gradient_penalty", "half way", penalty_of(between=lambda r, f, u: (r + f) / 2), "always half way"),
    ("gradient_penalty", "at the fakes", penalty_of(between=lambda r, f, u: f), "at the fake pictures"),
    ("gradient_penalty", "noise around real", penalty_of(between=lambda r, f, u: r + 0.5 * torch.randn_like(r)),
     "outside the line"),
    ("gradient_penalty", "extrapolates", penalty_of(between=lambda r, f, u: 2 * u * r + (1 - 2 * u) * f), "outside"),
    ("gradient_penalty", "weights of both", penalty_of(between=lambda r, f, u: u * r + u * f), "do not add up to 1"),
    ("gradient_penalty", "crowded", penalty_of(between=lambda r, f, u: u**2 * r + (1 - u**2) * f), "evenly"),
    ("gradient_penalty", "seed inside", seeded, "the same random numbers"),
    ("gradient_penalty", "absolute", penalty_of(lambda rows: (rows.norm(dim=1) - 1).abs().mean()), "its square"),
    ("gradient_penalty", "mean first", penalty_of(lambda rows: (rows.norm(dim=1).mean() - 1).square()), "averaged"),
    ("gradient_penalty", "with the ten", penalty_of(lambda rows: 10 * (rows.norm(dim=1) - 1).square().mean()),
     "the factor 10"),
    ("gradient_penalty", "detached", penalty_of(lambda rows: (rows.norm(dim=1) - 1).square().mean().detach()),
     "the penalty is detached"),
    ("gradient_penalty", "length detached",
     penalty_of(lambda rows: ((rows.norm(dim=1).detach() - 1) * (rows.norm(dim=1) - 1)).mean()), "a wrong gradient"),
    ("gradient_penalty", "no slope", difference_of_logits, "asked at the pictures themselves"),
    ("spectral_norm", "one step", norm_of(torch.randn, lambda u, w, v: u @ w @ v, steps=1), "has not arrived"),
    ("spectral_norm", "root", norm_of(torch.randn, lambda u, w, v: (u @ w @ v).sqrt()), "√σ"),
    ("spectral_norm", "sign", norm_of(torch.randn, lambda u, w, v: -(u @ w @ v)), "never negative"),
    ("spectral_norm", "inverse", norm_of(torch.randn, lambda u, w, v: 1 / (u @ w @ v)), "1/σ"),
    ("spectral_norm", "one per kernel place", lambda weight, steps=50: weight.abs().max(), "the largest entry"),
    ("spectral_norm", "transposed convolution", norm_of(torch.randn, lambda u, w, v: u @ w @ v,
     flat=lambda w: w.transpose(0, 1).flatten(1)), "flattened the wrong way"),
    ("spectral_norm", "starts from zeros", norm_of(torch.zeros, lambda u, w, v: u @ w @ v), "got 0, wanted"),
    ("dirac_step", "forgets the rate", dirac(lambda t, p, h, g: t + p, down), "theta is wrong"),
    ("dirac_step", "theta stays", dirac(lambda t, p, h, g: t, down), "stays where it is"),
    ("dirac_step", "psi first", lambda t, p, h, g: (t + h * down(t, p, h, g), down(t, p, h, g)), "the new psi"),
    ("dirac_step", "twice", dirac(up, lambda t, p, h, g: p - h * (t + 2 * g * p)), "twice too hard"),
    ("dirac_step", "penalty of theta", dirac(up, lambda t, p, h, g: p - h * (t + g * t)), "by θ"),
    ("dirac_step", "cross-entropy", dirac(up, lambda t, p, h, g: p - h * (t * torch.sigmoid(p * t) + g * p)), "wanted"),
    ("dirac_step", "returns one", up, "wanted two tensors"),
]  # fmt: skip
