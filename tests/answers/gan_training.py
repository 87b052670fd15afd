"""Chapter 03's exercises: right answers in unusual dress, and slips beyond the exercises' own table."""

import ast
import copy
import itertools

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_lib.authoring.pairs import ROOT
from course_lib.data import ShuffledBatches
from course_lib.losses import GAN_LOSSES, r1_penalty
from course_lib.sampling import sample_images, slerp
from course_lib.system.checkpoint import load_tree, random_state, save_tree, set_random_state

TEXT = ROOT / "text" / "solutions" / "03_training_a_residual_gan.py"


def training_of_the_text():
    """The class that the exercise gives, taken from the text: it must not be another one here."""
    tree = ast.parse(TEXT.read_text(encoding="utf-8"))
    given = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Training")
    names = dict(copy=copy, torch=torch, nn=nn, ShuffledBatches=ShuffledBatches)
    names |= dict(GAN_LOSSES=GAN_LOSSES, r1_penalty=r1_penalty)
    exec(compile(ast.Module([given], []), str(TEXT), "exec"), names)
    return names["Training"]


Training = training_of_the_text()


def generator_step_by_hand(generator, discriminator, optimisers, real, noise_size):
    """Gradients of the generator alone, real logits without a graph, the loss by sigmoid."""
    with torch.no_grad():
        real_logits = discriminator(real)
    fake_logits = discriminator(generator(torch.empty(real.shape[0], noise_size).normal_()))
    loss = -torch.sigmoid(fake_logits - real_logits).log().mean()
    weights = list(generator.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimisers["generator"].step()
    return loss.detach()


def generator_step_that_tidies_up(generator, discriminator, optimisers, real, noise_size):
    generator.zero_grad()
    fake = generator(torch.randn(len(real), noise_size))
    loss = GAN_LOSSES["relativistic"].generator(discriminator(fake), discriminator(real))
    loss.backward()
    optimisers["generator"].step()
    discriminator.zero_grad()
    return loss.item()


def generator_step_by_closure(generator, discriminator, optimisers, real, noise_size):
    def closure():
        optimisers["generator"].zero_grad()
        fake = generator.forward(torch.randn(len(real), noise_size))
        loss = softplus_mean(discriminator.forward(real), discriminator.forward(fake))
        loss.backward(inputs=list(generator.parameters()))
        return loss

    return np.float32(optimisers["generator"].step(closure).item())


def discriminator_step_in_one_pass(generator, discriminator, optimisers, real, noise_size, step, every, gamma):
    """Real and fake pass through together; the penalty is written out, and zero on the other steps."""
    generator.requires_grad_(False)
    fake = generator(torch.randn(len(real), noise_size))
    generator.requires_grad_(True)
    real = real.clone().requires_grad_()
    real_logits, fake_logits = discriminator(torch.cat([real, fake])).chunk(2)
    loss = functional.softplus(fake_logits - real_logits).mean()
    (slope,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
    due = 0.0 if step % every else 1.0
    total = loss + due * every * gamma * 0.5 * torch.linalg.vector_norm(slope, dim=(1, 2, 3)).pow(2).mean()
    for weight in discriminator.parameters():
        weight.grad = None
    total.backward(inputs=list(discriminator.parameters()))
    optimisers["discriminator"].step()
    return total.item()


def discriminator_step_by_closure(generator, discriminator, optimisers, real, noise_size, step, every, gamma):
    with torch.no_grad():
        fake = generator(input=torch.randn(len(real), noise_size))

    def closure():
        optimisers["discriminator"].zero_grad()
        loss = functional.softplus(discriminator(fake) - discriminator(real)).mean()
        if step % every == 0:
            loss = loss + gamma / 2 * every * r1_penalty(discriminator, real)
        loss.backward()
        return loss

    return np.float32(optimisers["discriminator"].step(closure).item())


class EMAByStateDict(nn.Module):
    """A module itself; averages what is a parameter, takes over the rest, by name."""

    def __init__(self, network, decay):
        super().__init__()
        self.network, self.keep = copy.deepcopy(network), decay
        for parameter in self.network.parameters():
            parameter.requires_grad = False
        self.network.eval()

    def update(self, network):
        old, new = self.network.state_dict(), network.state_dict()
        averaged = {name for name, _ in network.named_parameters()}
        for name in averaged:
            new[name] = torch.lerp(new[name], old[name], self.keep)
        self.network.load_state_dict(new)


def sample_in_portions(generator, n, noise_size, seed):
    was = generator.training
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(seed)
        noises = torch.randn(n, noise_size).split(64)
        pictures = [generator.eval()(noise).mul(0.5).add(0.5).clamp(0, 1) for noise in noises]
    generator.train(was)
    return torch.cat(pictures)


def sample_by_keyword(generator, n, noise_size, seed):
    twin = copy.deepcopy(generator).eval()
    with torch.no_grad():
        return twin(input=torch.randn(n, noise_size, generator=torch.Generator().manual_seed(seed))) * 0.5 + 0.5


def sample_by_forward(generator, n, noise_size, seed):
    modes = [(module, module.training) for module in generator.modules()]
    with torch.no_grad():
        noise = torch.randn(n, noise_size, generator=torch.Generator().manual_seed(seed))
        signed = generator.eval().forward(noise)
    for module, mode in modes:
        module.training = mode
    return (signed + 1) / 2


def spherical_by_halves(start, end, t):
    """Even steps without any sine: the middle of two directions is their sum's direction, and so on, 24 times."""
    low, high = functional.normalize(start.double()), functional.normalize(end.double())
    share, width = t, 1.0
    length = torch.lerp(start.norm(dim=1), end.norm(dim=1), t)[:, None]
    for _ in range(24):
        middle, width = functional.normalize(low + high), width / 2
        if share < width:
            high = middle
        else:
            low, share = middle, share - width
    return (length * functional.normalize(low + high)).float()


def sample_by_the_library(generator, n, noise_size, seed):
    return sample_images(generator, n, seed, latent_size=noise_size)


def diagnosed_in_loops(samples, training):
    def distance(a, b):
        return float((a - b).norm())

    pairs = [distance(a, b) for a, b in itertools.combinations(samples, 2)]
    nearest = [min(range(len(training)), key=lambda i, s=s: distance(s, training[i])) for s in samples]
    return sum(pairs) / len(pairs), nearest


def diagnosed_by_numpy(samples, training):
    samples, training = samples.numpy().reshape(len(samples), -1), training.numpy().reshape(len(training), -1)
    first, second = np.triu_indices(len(samples), k=1)
    diversity = np.sqrt(((samples[first] - samples[second]) ** 2).sum(1)).mean()
    return diversity, ((samples[:, None] - training[None]) ** 2).sum(2).argmin(1)


def diagnosed_with_lists(kind):
    """The indices as a list of NumPy's numbers or of tensors without a dimension."""

    def collapse_or_copies(samples, training):
        diversity, nearest = diagnosed_by_numpy(samples, training)
        return diversity, [kind(index) for index in nearest]

    return collapse_or_copies


class PickledWhole(Training):
    def save(self, path):
        torch.save([self.__dict__, torch.get_rng_state()], path)

    def load(self, path):
        state, dice = torch.load(path, weights_only=False)
        self.__dict__.update(state)
        torch.set_rng_state(dice)


class BuiltAnew(Training):
    def save(self, path):
        networks = [part.state_dict() for part in (self.average, self.generator, self.discriminator)]
        optimisers = [self.optimisers[who].state_dict() for who in sorted(self.optimisers)]
        tree = {"n": networks, "o": optimisers, "b": self.batches.state_dict(), "s": self.steps, "r": random_state()}
        save_tree(tree, path)

    def load(self, path):
        self.__init__(seed=99)
        tree = load_tree(path)
        for part, state in zip((self.average, self.generator, self.discriminator), tree["n"], strict=True):
            part.load_state_dict(state)
        for who, state in zip(sorted(self.optimisers), tree["o"], strict=True):
            self.optimisers[who].load_state_dict(state)
        self.batches.load_state_dict(tree["b"])
        self.steps = tree["s"]
        set_random_state(tree["r"])


RIGHT = {
    "generator_step": [generator_step_by_hand, generator_step_that_tidies_up, generator_step_by_closure],
    "discriminator_step": [discriminator_step_in_one_pass, discriminator_step_by_closure],
    "ema": [EMAByStateDict],
    "sample": [sample_in_portions, sample_by_the_library, sample_by_keyword, sample_by_forward],
    "spherical": [spherical_by_halves, slerp],
    "collapse_or_copies": [
        diagnosed_in_loops,
        diagnosed_by_numpy,
        diagnosed_with_lists(np.int64),
        diagnosed_with_lists(torch.tensor),
    ],
    "resumable": [PickledWhole, BuiltAnew],
}


def step_of_the_generator(
    loss, noise=torch.randn, before=lambda d: d.requires_grad_(False), result=lambda loss: loss.item()
):
    def generator_step(generator, discriminator, optimisers, real, noise_size):
        before(discriminator)
        value = loss(discriminator(real), discriminator(generator(noise(len(real), noise_size))))
        optimisers["generator"].zero_grad()
        value.backward()
        optimisers["generator"].step()
        discriminator.requires_grad_(True).train()
        return result(value)

    return generator_step


def softplus_mean(real, fake):
    return functional.softplus(real - fake).mean()


def mistimed(when):
    """The optimiser steps with what the last round left in it ("too early"), or not at all ("never")."""

    def generator_step(generator, discriminator, optimisers, real, noise_size):
        optimisers["generator"].zero_grad()
        discriminator.requires_grad_(False)
        loss = softplus_mean(discriminator(real), discriminator(generator(torch.randn(len(real), noise_size))))
        if when == "too early":
            optimisers["generator"].step()
        loss.backward()
        discriminator.requires_grad_(True)
        return loss.item()

    return generator_step


def step_of_the_discriminator(penalty, when=lambda step, every: step % every == 0, weight=lambda g, e: g / 2 * e):
    def discriminator_step(generator, discriminator, optimisers, real, noise_size, step, every, gamma):
        fake = generator(torch.randn(len(real), noise_size)).detach()
        loss = functional.softplus(discriminator(fake) - discriminator(real)).mean()
        if when(step, every):
            loss = loss + weight(gamma, every) * penalty(discriminator, real, fake)
        optimisers["discriminator"].zero_grad()
        loss.backward()
        optimisers["discriminator"].step()
        return loss.item()

    return discriminator_step


def r1(discriminator, real, fake):
    return r1_penalty(discriminator, real)


def slope(discriminator, pictures):
    pictures = pictures.detach().requires_grad_()
    return torch.autograd.grad(discriminator(pictures).sum(), pictures, create_graph=True)[0].flatten(1)


def by_channel(discriminator, pictures):
    return slope(discriminator, pictures).unflatten(1, (pictures.shape[1], -1)).square().sum(2)


def slope_at_the_given(discriminator, real, fake):
    return torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)[0].flatten(1).square().sum(1).mean()


def r1_without_a_graph(discriminator, real, fake):
    with torch.no_grad():
        return r1_penalty(discriminator, real)


def discriminator_step_in_evaluation(generator, *others):
    generator.eval()
    loss = discriminator_step_in_one_pass(generator, *others)
    generator.train()
    return loss


def detaching(real_ones):
    def discriminator_step(generator, discriminator, optimisers, real, noise_size, step, every, gamma):
        fake_logits = discriminator(generator(torch.randn(len(real), noise_size)).detach())
        real_logits = discriminator(real)
        real_logits, fake_logits = (
            (real_logits.detach(), fake_logits) if real_ones else (real_logits, fake_logits.detach())
        )
        loss = functional.softplus(fake_logits - real_logits).mean()
        if step % every == 0:
            loss = loss + gamma / 2 * every * r1_penalty(discriminator, real)
        optimisers["discriminator"].zero_grad()
        loss.backward()
        optimisers["discriminator"].step()
        return loss.item()

    return discriminator_step


def judged_alone(real, fake):
    return functional.softplus(real).mean() + functional.softplus(-fake).mean()


def mean_logit_slope(discriminator, real, fake):
    real = real.detach().requires_grad_()
    return torch.autograd.grad(discriminator(real).mean(), real, create_graph=True)[0].flatten(1).square().sum(1).mean()


def sampler(noise=None, convert=lambda x: (x + 1) / 2):
    def sample(generator, n, noise_size, seed):
        dice = torch.Generator().manual_seed(seed)
        z = noise(n, noise_size, dice) if noise else torch.randn(n, noise_size, generator=dice)
        mode = generator.training
        with torch.no_grad():
            pictures = convert(generator.eval()(z))
        generator.train(mode)
        return pictures

    return sample


def sampler_that_handles(generator_before, generator_after):
    """What is done with the generator before the pictures are drawn, and after."""

    def sample(generator, n, noise_size, seed):
        noise = torch.randn(n, noise_size, generator=torch.Generator().manual_seed(seed))
        mode = generator.training
        generator_before(generator)
        with torch.no_grad():
            signed = generator(noise)
        generator_after(generator, mode)
        return (signed + 1) / 2

    return sample


def set_the_attribute(network, mode=False):
    network.training = mode


def row_by_row(n, noise_size, dice):
    seed = dice.initial_seed()
    return torch.cat([torch.randn(1, noise_size, generator=dice.manual_seed(seed + i)) for i in range(n)])


def all_equally_long(n, noise_size, dice):
    return functional.normalize(torch.randn(n, noise_size, generator=dice)) * noise_size**0.5


def cut_off(limit):
    return lambda n, noise_size, dice: torch.randn(n, noise_size, generator=dice).clamp(-limit, limit)


def diagnosis(diversity=None, nearest=None):
    """Right but for one of the two."""

    def collapse_or_copies(samples, training):
        right = diagnosed_by_numpy(samples, training)
        return diversity(samples) if diversity else right[0], nearest(samples, training) if nearest else right[1]

    return collapse_or_copies


def distances(these, those):
    return (these.flatten(1)[:, None] - those.flatten(1)[None]).square().sum(2).sqrt()


def mean_of_what_differs(samples):
    between = distances(samples, samples)
    return between[between > 0].mean()


def pairs_twice(samples):
    return distances(samples, samples).sum() / (len(samples) * (len(samples) - 1) / 2)


def of_the_first_channel(samples):
    return float(functional.pdist(samples[:, 0].flatten(1)).mean())


def of_the_grey_picture(samples):
    return float(functional.pdist(samples.mean(1).flatten(1)).mean())


class AverageFromZero(EMAByStateDict):
    def __init__(self, network, decay):
        super().__init__(network, decay)
        with torch.no_grad():
            for parameter in self.network.parameters():
                parameter.zero_()


class AsInTheLibrary(EMAByStateDict):
    """It forgets faster at the start: right in `course_lib`, not what the exercise asks."""

    def __init__(self, network, decay):
        super().__init__(network, decay)
        self.given, self.updates = decay, 0

    def update(self, network):
        self.keep = min(self.given, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        super().update(network)


class Frozen(EMAByStateDict):
    def __init__(self, network, decay):
        super().__init__(network, decay)
        network.requires_grad_(False)


class SwitchedBack(EMAByStateDict):
    def update(self, network):
        super().update(network)
        self.network.train()


class AveragesEverything(EMAByStateDict):
    def update(self, network):
        with torch.no_grad():
            for mine, new in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
                mine.lerp_(new, 1 - self.keep)


class OnlyTheAttribute(EMAByStateDict):
    def __init__(self, network, decay):
        super().__init__(network, decay)
        self.network.train().training = False


class RecordsAGraph(EMAByStateDict):
    def update(self, network):
        for mine, new in zip(self.network.parameters(), network.parameters(), strict=True):
            mine.mul_(self.keep).add_(new, alpha=1 - self.keep)
        for mine, new in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(new)


class LeavesTheCount(EMAByStateDict):
    def update(self, network):
        count = self.network[1].num_batches_tracked.clone()
        super().update(network)
        self.network[1].num_batches_tracked.copy_(count)


class SharesItsBuffers(EMAByStateDict):
    def update(self, network):
        super().update(network)
        for mine, new in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.data = new.data


class CopiesAtFirst(EMAByStateDict):
    def __init__(self, network, decay):
        super().__init__(network, 0)
        self.given = decay

    def update(self, network):
        super().update(network)
        self.keep = self.given


class CorrectsTheBias(EMAByStateDict):
    def __init__(self, network, decay):
        super().__init__(network, 0)
        self.given, self.updates = decay, 0

    def update(self, network):
        self.updates += 1
        self.keep = self.given * (1 - self.given ** (self.updates - 1)) / (1 - self.given**self.updates)
        super().update(network)


class RebuildsTheAverage(BuiltAnew):
    def load(self, path):
        super().load(path)
        dice = torch.get_rng_state()
        state, self.average = self.average.state_dict(), copy.deepcopy(self.generator).requires_grad_(False)
        self.average.load_state_dict(state)
        torch.set_rng_state(dice)


class TwoFiles(BuiltAnew):
    def save(self, path):
        super().save(path)
        torch.save(torch.get_rng_state(), f"{path}.dice")


class AddsAnEnding(BuiltAnew):
    def save(self, path):
        super().save(f"{path}.state")

    def load(self, path):
        super().load(f"{path}.state")


class ReplacesTheDiscriminator(BuiltAnew):
    def load(self, path):
        super().load(path)
        self.discriminator = copy.deepcopy(self.discriminator)


class StateForOptimisers(BuiltAnew):
    def load(self, path):
        super().load(path)
        self.optimisers = {who: optimiser.state_dict() for who, optimiser in self.optimisers.items()}


class StateForBatches(BuiltAnew):
    def load(self, path):
        super().load(path)
        self.batches = self.batches.state_dict()


class ListOfOptimisers(BuiltAnew):
    def load(self, path):
        super().load(path)
        self.optimisers = list(self.optimisers.values())


def line_if_any(start, end, t):
    u, v = functional.normalize(start), functional.normalize(end)
    if ((u * v).sum(1) > 1 - 1e-6).any():
        return (1 - t) * start + t * end
    return slerp(start, end, t)


def both_step(generator, discriminator, optimisers, real, noise_size):
    loss = generator_step_by_hand(generator, discriminator, optimisers, real, noise_size)
    optimisers["discriminator"].step()
    return loss


class SavedTooLate(BuiltAnew):
    """The random numbers are put back, and then something draws."""

    def load(self, path):
        super().load(path)
        nn.Linear(2, 2)


class TrainsWhileSaving(BuiltAnew):
    def save(self, path):
        super().save(path)
        self.step()


WRONG = [
    ("generator_step", "sum", step_of_the_generator(lambda r, f: functional.softplus(r - f).sum()), "summed over"),
    ("generator_step", "ascends", step_of_the_generator(lambda r, f: -softplus_mean(r, f)), "sign is wrong"),
    ("generator_step", "minimax", step_of_the_generator(lambda r, f: -softplus_mean(f, r)), "saturates"),
    ("generator_step", "all pairs", step_of_the_generator(lambda r, f: softplus_mean(r[:, None], f)), "N×N"),
    (
        "generator_step",
        "mean of logits",
        step_of_the_generator(lambda r, f: softplus_mean(r.mean(), f)),
        "wanted pairs",
    ),
    ("generator_step", "hinge", step_of_the_generator(lambda r, f: -f.mean()), "real pictures are not used"),
    ("generator_step", "uniform", step_of_the_generator(softplus_mean, noise=torch.rand), "never negative"),
    ("generator_step", "sixteen", step_of_the_generator(softplus_mean, lambda n, d: torch.randn(16, d)), "batch of 9"),
    ("generator_step", "no result", step_of_the_generator(softplus_mean, result=lambda _: None), "wanted the loss"),
    ("generator_step", "too early", mistimed("too early"), "before its new gradient"),
    ("generator_step", "never", mistimed("never"), "never stepped"),
    ("generator_step", "both step", both_step, "the discriminator's weights have changed"),
    ("discriminator_step", "detached", step_of_the_discriminator(lambda *x: r1(*x).detach()), "no weight feels it"),
    ("discriminator_step", "both", step_of_the_discriminator(lambda d, *x: r1(d, *x) + r1_penalty(d, x[1])), "alone"),
    ("discriminator_step", "mean logit", step_of_the_discriminator(mean_logit_slope), "mean logit"),
    ("discriminator_step", "never due", step_of_the_discriminator(r1, lambda *_: False), "missing, though"),
    ("discriminator_step", "last of k", step_of_the_discriminator(r1, lambda s, k: s % k == k - 1), "missing, though"),
    ("discriminator_step", "divided", step_of_the_discriminator(r1, weight=lambda g, k: g / 2 / k), "divided"),
    ("discriminator_step", "subtracted", step_of_the_discriminator(lambda *x: -r1(*x)), "subtracted"),
    (
        "discriminator_step",
        "length",
        step_of_the_discriminator(lambda d, r, _: slope(d, r).norm(dim=1).mean()),
        "not sq",
    ),
    (
        "discriminator_step",
        "WGAN-GP",
        step_of_the_discriminator(lambda d, r, _: (slope(d, r).norm(dim=1) - 1).square().mean()),
        "held at 1",
    ),
    ("generator_step", "judged alone", step_of_the_generator(judged_alone), "each picture is judged alone"),
    (
        "generator_step",
        "evaluation mode",
        step_of_the_generator(softplus_mean, before=lambda d: d.eval().requires_grad_(False)),
        "the discriminator played in evaluation mode",
    ),
    ("discriminator_step", "evaluation mode", discriminator_step_in_evaluation, "the generator played in evaluation"),
    (
        "discriminator_step",
        "mean of channels",
        step_of_the_discriminator(lambda d, r, _: by_channel(d, r).mean()),
        "averaged over the channels",
    ),
    (
        "discriminator_step",
        "first channel",
        step_of_the_discriminator(lambda d, r, _: by_channel(d, r)[:, 0].mean()),
        "only the first channel",
    ),
    ("discriminator_step", "half", step_of_the_discriminator(lambda *x: r1(*x) / 2), "only half of what is wanted"),
    ("discriminator_step", "γ alone", step_of_the_discriminator(r1, weight=lambda g, k: g), "by γ alone"),
    ("discriminator_step", "fake logits detached", detaching(real_ones=False), "the pictures, not the logits"),
    ("discriminator_step", "real logits detached", detaching(real_ones=True), "real logits are detached"),
    ("discriminator_step", "slope at the given", step_of_the_discriminator(slope_at_the_given), "x = real.detach()"),
    ("discriminator_step", "slope without graph", step_of_the_discriminator(r1_without_a_graph), "x = real.detach()"),
    ("sample", "sigmoid", sampler(convert=torch.sigmoid), "sigmoid"),
    ("sample", "stretched", sampler(convert=lambda x: (x - x.min()) / (x.max() - x.min())), "stretched"),
    ("sample", "only halved", sampler(convert=lambda x: x / 2), "-½"),
    ("sample", "small noise", sampler(lambda n, d, g: 0.5 * torch.randn(n, d, generator=g)), "standard deviation"),
    ("sample", "fixed seed", sampler(lambda n, d, g: torch.randn(n, d, generator=g.manual_seed(0))), "another seed"),
    ("sample", "one dice a row", sampler(row_by_row), "moved by one row"),
    ("sample", "equally long", sampler(all_equally_long), "the same length"),
    ("sample", "cut at 1.5", sampler(cut_off(1.5)), "the noise is cut off"),
    ("sample", "cut at 2", sampler(cut_off(2)), "the noise is cut off"),
    ("sample", "inverted", sampler(convert=lambda x: (1 - x) / 2), "changed places"),
    ("sample", "bytes", sampler(convert=lambda x: ((x + 1) * 127.5).to(torch.uint8)), "torch.uint8"),
    ("sample", "attribute after", sampler_that_handles(nn.Module.eval, set_the_attribute), "layers inside are left"),
    ("sample", "attribute before", sampler_that_handles(set_the_attribute, nn.Module.train), "layers inside the gen"),
    (
        "sample",
        "stays frozen",
        sampler_that_handles(lambda g: g.eval().requires_grad_(False), nn.Module.train),
        "left frozen",
    ),
    ("ema", "from zero", AverageFromZero, "not yet the network's copy"),
    ("ema", "begins fast", AsInTheLibrary, "smaller than given"),
    ("ema", "freezes", Frozen, "can no longer learn"),
    ("ema", "back to training", SwitchedBack, "in training mode"),
    ("ema", "averages the count", AveragesEverything, "not implemented for 'Long'"),
    ("ema", "only the attribute", OnlyTheAttribute, "the layers inside `.network`"),
    ("ema", "records a graph", RecordsAGraph, "update records a graph"),
    ("ema", "leaves the count", LeavesTheCount, "the count of batches"),
    ("ema", "shares its buffers", SharesItsBuffers, "copy_ takes over numbers"),
    ("ema", "copies at first", CopiesAtFirst, "the first update copies"),
    ("ema", "corrects the bias", CorrectsTheBias, "divided by 1 − decay^updates"),
    ("resumable", "average in training", RebuildsTheAverage, "the average is in training mode after load"),
    ("resumable", "two files", TwoFiles, "save left 2 files"),
    ("resumable", "adds an ending", AddsAnEnding, "nothing lies at `path`"),
    ("resumable", "replaces the discriminator", ReplacesTheDiscriminator, "the discriminator's optimiser still moves"),
    ("resumable", "puts the state in place", StateForOptimisers, "`optimisers['generator']` is a dict"),
    ("resumable", "puts the batches' state in place", StateForBatches, "`batches` is a dict"),
    ("resumable", "forgets the optimisers' names", ListOfOptimisers, "`optimisers` is a list"),
    ("spherical", "any without an angle", line_if_any, "sends the whole batch along the line"),
    ("resumable", "draws after loading", SavedTooLate, "random state"),
    ("resumable", "trains while saving", TrainsWhileSaving, "goes on differently"),
    ("resumable", "as given", Training, "no method `save`"),
    ("collapse_or_copies", "no zeros", diagnosis(mean_of_what_differs), "two equal samples are a pair too"),
    ("collapse_or_copies", "pairs twice", diagnosis(pairs_twice), "twice as much"),
    ("collapse_or_copies", "first channel", diagnosis(of_the_first_channel), "only the first channel"),
    ("collapse_or_copies", "grey", diagnosis(of_the_grey_picture), "channels are averaged before"),
    (
        "collapse_or_copies",
        "values too",
        diagnosis(nearest=lambda s, t: distances(s, t).min(1)),
        "is what min returns: (values, indices)",
    ),
    (
        "collapse_or_copies",
        "pairs once",
        lambda s, t: (functional.pdist(s.flatten(1)).sum() / (len(s) * (len(s) - 1)), None),
        "half as many",
    ),
    (
        "collapse_or_copies",
        "farthest",
        lambda s, t: (functional.pdist(s.flatten(1)).mean(), torch.cdist(s.flatten(1), t.flatten(1)).argmax(1)),
        "farthest away",
    ),
]
