"""Checks of chapter 03: one step of the generator, and one of the discriminator with its lazy penalty."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.check.gan_training.players import Game, counts, moved, play, returned, softplus, untouched_gradients
from course_lib.check.report import fail, leaves_random_numbers_alone, passed


@leaves_random_numbers_alone
def generator_step(function: Callable) -> None:
    """`function(generator, discriminator, optimisers, real, noise_size)` → loss; one relativistic step. Chapter 03."""
    name = "generator_step"
    for seed, (batch, noise_size) in enumerate([(16, 12), (9, 20)]):
        game = Game(batch, noise_size, seed, turn="generator")
        # A twin that is never trained: losses are taken with the weights as they were before the step.
        twin = Game(batch, noise_size, seed, turn="generator")
        where = f" on a batch of {batch}"
        got = play(name, game, function, game.real, noise_size, where=where)
        real, fake = twin.discriminator(twin.real), twin.discriminator(twin.generator(game.noises[-1]))
        want = softplus(real - fake).mean()
        names = {
            "real and fake have changed places: this is what the discriminator minimises": softplus(fake - real).mean(),
            "the sign is wrong: this step makes the pictures worse": -want,
            "it is the discriminator's loss with a minus, which saturates": -softplus(fake - real).mean(),
            "the loss is summed over the batch, wanted the mean": want * batch,
            "the real pictures are not used: that is the non-saturating loss": softplus(-fake).mean(),
            "the real pictures are not used: the generator's loss here compares with them": -fake.mean(),
            "the real pictures are not used: that is the loss of least squares": (fake - 1).square().mean(),
            "every picture is compared with every other, N×N: pair them": softplus(real[:, None] - fake[None]).mean(),
            "the logits are averaged before they are compared: compare pair by pair": softplus((real - fake).mean()),
            "the logits are averaged before the softplus, wanted after it": softplus((real - fake).mean()),
            "fakes are compared with the mean of the real logits, wanted pairs": softplus(real.mean() - fake).mean(),
        }
        # For the generator it is the non-saturating loss: only the number tells that the real pictures were judged.
        if counts(got, apart := softplus(real).mean() + softplus(-fake).mean()):
            names = {"each picture is judged alone, wanted the difference of a real and a fake logit": apart} | names
        gradient, *others = twin.gradients([want, *names.values()])
        moved(name, game, gradient, list(zip(others, names, strict=True)))
        untouched_gradients(
            name, game, "keep it out of the backward pass: freeze it, or ask for the generator's gradients alone"
        )
        returned(name, got, want)
        _fresh_noise(name, function, game, game.real, noise_size)
    passed(name, "two games: the generator's gradient, the discriminator and its gradients untouched, fresh noise")


# Step, interval and γ. The first penalty comes with an interval at which no two mistakes are the same number: every 4
# and without the ½'s, "half the penalty" would be "γ alone".
ROUNDS = ((1, 5, 5.0), (0, 5, 5.0), (3, 4, 5.0), (4, 4, 5.0), (6, 3, 0.8))


def _slopes(discriminator: nn.Module, pictures: Tensor) -> Tensor:
    pictures = pictures.detach().requires_grad_()
    return torch.autograd.grad(discriminator(pictures).sum(), pictures, create_graph=True)[0].flatten(1)


def _lazy_losses(twin: Game, noise: Tensor, due: bool, every: int, gamma: float) -> tuple[Tensor, Tensor, dict]:
    """What to minimise, its adversarial part, and what mistakes would minimise: message → loss."""
    fakes = twin.generator(noise).detach()
    real, fake = twin.discriminator(twin.real), twin.discriminator(fakes)
    loss, slopes = softplus(fake - real).mean(), _slopes(twin.discriminator, twin.real)
    r1, r2 = slopes.square().sum(1).mean(), _slopes(twin.discriminator, fakes).square().sum(1).mean()
    weight, batch, pixels, lengths = gamma / 2 * every, len(real), slopes.shape[1], slopes.norm(dim=1)
    channels = slopes.unflatten(1, (twin.real.shape[1], -1)).square().sum(2)
    extra = weight * r1 if due else 0 * r1
    alone = softplus(-real).mean() + softplus(fake).mean()
    mistakes = {
        "real and fake have changed places: this is what the generator minimises": softplus(real - fake).mean() + extra,
        "the sign is wrong: this step makes the discriminator worse": -loss + extra,
        "the sign of everything is wrong": -loss - extra,
        "the loss is summed over the batch, wanted the mean": loss * batch + extra,
        "each picture is judged alone, wanted pairs of a real and a fake one": alone + extra,
        "the fake logits are detached: detach the pictures, not the logits": softplus(fake.detach() - real).mean()
        + extra,
        "the real logits are detached, so the discriminator learns from the fakes alone": softplus(
            fake - real.detach()
        ).mean()
        + extra,
    }
    if not due:
        early = "the penalty comes in a step in which it is not due: only when step is a multiple of every"
        mild = early + "; and it is not multiplied by the interval"
        return loss, loss, mistakes | {early: loss + weight * r1, mild: loss + gamma / 2 * r1}
    mistakes |= {
        "the penalty is not multiplied by the interval: too weak on average": loss + gamma / 2 * r1,
        "the penalty lacks its ½": loss + gamma * every * r1,
        "the penalty is multiplied by γ alone, wanted γ/2 times the interval": loss + gamma * r1,
        "the penalty is divided by the interval, wanted multiplied": loss + gamma / 2 / every * r1,
        "the penalty is subtracted: it rewards steepness": loss - extra,
        "the slope is taken at the fake pictures (that is R2), wanted the real ones": loss + weight * r2,
        "the slope is taken at real and fake pictures, wanted the real ones alone": loss + extra + weight * r2,
        "the slope's length is not squared": loss + weight * lengths.mean(),
        "the length is held at 1, as for WGAN-GP; R1 wants it at 0": loss + weight * (lengths - 1).square().mean(),
        "the squares are averaged over the pixels, wanted their sum": loss + extra / pixels,
        "the squares are averaged over the channels, wanted their sum": loss + weight * channels.mean(),
        "the squares are averaged over rows and columns, wanted their sum": loss + extra * channels.shape[1] / pixels,
        "only the first channel's slope is in the penalty, wanted all": loss + weight * channels[:, 0].mean(),
        "the penalty is only half of what is wanted": loss + extra / 2,
        "loss and penalty are halved, wanted their sum": (loss + extra) / 2,
        "the penalty is summed over the batch, wanted the mean": loss + extra * batch,
        "the slope is that of the mean logit, too small by the batch's size": loss + extra / batch**2,
        "the whole loss is multiplied by the interval, wanted the penalty alone": every * loss + extra,
        "only the penalty is minimised: add the loss": extra,
    }
    return loss + extra, loss, mistakes


@leaves_random_numbers_alone
def discriminator_step(function: Callable) -> None:
    """`function(generator, discriminator, optimisers, real, noise_size, step, every, gamma)` → loss. Chapter 03."""
    name = "discriminator_step"
    for seed, (step, every, gamma) in enumerate(ROUNDS):
        game = Game(16 - seed, 12, seed, turn="discriminator")
        twin = Game(16 - seed, 12, seed, turn="discriminator")
        where, due = f" (step {step}, every {every})", step % every == 0
        got = play(name, game, function, game.real, 12, step, every, gamma, where=where)
        if game.events["discriminator"].count("backward") > 1:
            fail(name, "there are two backward passes in one step", "add the penalty to the loss, then one backward")
        want, loss, others = _lazy_losses(twin, game.noises[-1], due, every, gamma)
        gradient, no_penalty, *gradients = twin.gradients([want, loss, *others.values()])
        mistakes = list(zip(gradients, others, strict=True))
        if due:
            numb = "the penalty is in the number, but no weight feels it: create_graph=True, and no detach"
            mistakes.append((no_penalty, numb if counts(got, want) else "the penalty is missing, though it is due"))
        moved(name, game, gradient, mistakes, where)
        untouched_gradients(name, game, "in this step the fake pictures are data: detach them")
        returned(name, got, want, [(loss, "the number returned lacks the penalty")] if due else [], where)
        _fresh_noise(name, function, game, game.real, 12, step, every, gamma)
    passed(name, "steps with and without penalty, at two intervals: gradient, one backward, generator untouched")


def _fresh_noise(name: str, function: Callable, game: Game, *arguments: object) -> None:
    first = game.noises[-1]
    play(name, game, function, *arguments)
    if torch.equal(first, game.noises[-1]):
        fail(name, "two steps use the same noise", "draw it anew in every step, and set no seed inside the step")
