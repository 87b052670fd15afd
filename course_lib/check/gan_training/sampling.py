"""Check of chapter 03: pictures drawn from a generator, in their range, repeatable, and without a trace."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.check.report import attempt, equals, fail, is_tensor, leaves_random_numbers_alone, passed


def _generator(noise_size: int) -> nn.Sequential:
    """With batch norm and dropout, whose statistics are not those of a batch: training mode gives other pictures."""
    torch.manual_seed(noise_size)
    norm = nn.BatchNorm1d(12)
    with torch.no_grad():
        norm.running_mean.copy_(torch.randn(12)), norm.running_var.copy_(torch.rand(12) * 3 + 0.5)
    layers = nn.Linear(noise_size, 12), norm, nn.Tanh(), nn.Dropout(0.4), nn.Linear(12, 9), nn.Tanh()
    return nn.Sequential(*layers, nn.Unflatten(1, (1, 3, 3)))


@leaves_random_numbers_alone
def sample(function: Callable) -> None:
    """`function(generator, n, noise_size, seed)` → n pictures in [0,1], repeatable, nothing disturbed. Chapter 03."""
    name = "sample"
    for n, noise_size, training in ((300, 6, True), (300, 10, False), (1, 6, True)):
        generator, where = _generator(noise_size).train(training), f" for n = {n}"
        twin = copy.deepcopy(generator)
        state, drawn = torch.get_rng_state(), []
        noises, modes = _listen(generator)
        for seed in (3, 3, 4):
            noises.clear(), modes.clear()
            got = attempt(name, function, generator, n, noise_size, seed, where=where)
            if not noises:
                fail(name, "the generator was never asked for pictures", "generator(noise)")
            noise = torch.cat(noises)
            is_tensor(name, got, (n, 1, 3, 3), f"the result{where}", "one row of noise for each picture")
            if not torch.is_grad_enabled():
                fail(name, "gradients are switched off for the whole program", "with torch.no_grad(): … ends by itself")
            _standard_normal(name, noise, n)
            _in_evaluation(name, modes)
            _pictures(name, got, twin, noise)
            _as_it_came(name, generator, training)
            drawn.append(noise)
        _follows_the_seed(name, *drawn)
        if not torch.equal(state, torch.get_rng_state()):
            hint = "draw from a torch.Generator of your own; training after this would repeat its random numbers"
            fail(name, "the program's own random numbers are disturbed", hint)
    passed(name, "three generators, from both modes: noise, range, repeatable, generator and random numbers as before")


def _listen(generator: nn.Sequential) -> tuple[list[Tensor], dict[str, bool]]:
    """What noise comes in, and in which mode each layer works: noted at the layers, so a copy may be asked as well."""
    noises: list[Tensor] = []
    modes: dict[str, bool] = {}
    generator[0].register_forward_pre_hook(lambda _, given: noises.append(given[0].detach().clone()))
    for part, module in generator.named_modules():
        # The generator itself has no name. With keywords, or its hook would not see generator(input=noise).
        module.register_forward_pre_hook(
            lambda module, *_, part=part: modes.update({part: module.training or modes.get(part, False)}),
            with_kwargs=True,
        )
    return noises, modes


def _in_evaluation(name: str, modes: dict[str, bool]) -> None:
    if not any(modes.values()):
        return
    if modes.get("") is False:
        hint = ".eval() reaches them, the attribute `training` alone does not"
        fail(name, "the layers inside the generator still work in training mode", hint)
    hint = "generator.eval() comes first: batch norm and dropout work otherwise in training"
    fail(name, "the pictures are drawn in training mode, so each depends on the others", hint)


def _as_it_came(name: str, generator: nn.Module, training: bool) -> None:
    """A cross unless mode and gradients are as before, in every layer."""
    mode = "evaluation" if training else "training"
    if generator.training != training:
        fail(name, f"the generator is left in {mode} mode", f"it came in the other: .train({training}) again")
    if any(module.training != training for module in generator.modules()):
        hint = ".train(mode) reaches them, the attribute alone does not"
        fail(name, f"the layers inside are left in {mode} mode", hint)
    if not all(parameter.requires_grad for parameter in generator.parameters()):
        fail(name, "the generator is left frozen and can no longer learn", "torch.no_grad() needs no freezing")


def _follows_the_seed(name: str, first: Tensor, again: Tensor, other: Tensor) -> None:
    if not torch.equal(first, again):
        fail(name, "the same seed gives other pictures the second time", "the noise has to follow from the seed")
    if torch.equal(first, other):
        fail(name, "another seed gives the same pictures", "use the seed that is given")
    if len(first) > 1 and torch.equal(first[1:], other[:-1]):
        hint = "seed once, then draw all rows: seed + i is the next caller's seed"
        fail(name, "another seed gives the same pictures, moved by one row", hint)


def _standard_normal(name: str, noise: Tensor, n: int) -> None:
    if n > 1 and len(noise.unique(dim=0)) == 1:
        fail(name, "all pictures come from one noise, so they are all the same", "a row of its own for each picture")
    if n > 1 and noise.min() >= 0:
        fail(name, "the noise is never negative", "torch.randn is standard normal, torch.rand is uniform in [0,1]")
    if n > 1 and not (0.85 < noise.std() < 1.15 and abs(noise.mean()) < 0.15):
        fail(name, f"the noise has standard deviation {noise.std():.2f}, wanted a standard normal", "torch.randn")
    if n > 1 and noise.norm(dim=1).std() < 0.3:
        fail(name, "all rows of the noise have the same length", "leave them as torch.randn draws them")
    # Of 1800 standard normal numbers about twenty are beyond 2.5.
    if n > 1 and noise.abs().max() < 2.5:
        hint = "leave the tails as torch.randn draws them"
        fail(name, f"the noise is cut off: no number is beyond ±{noise.abs().max():.2f}", hint)


def _pictures(name: str, got: Tensor, twin: nn.Module, noise: Tensor) -> None:
    if got.requires_grad:
        fail(name, "the pictures carry the graph of their making", "draw them under torch.no_grad()")
    if not got.is_floating_point():
        fail(name, f"the pictures are {got.dtype}, wanted fractions from 0 to 1", "(x + 1) / 2, and no rounding")
    with torch.no_grad():
        signed = copy.deepcopy(twin).eval()(noise)
    want = (signed + 1) / 2
    mistakes = [
        (signed, "the values run from -1 to 1, wanted 0 to 1"),
        (signed.clamp(0, 1), "[-1,1] was taken for [0,1]: everything below mid-gray is black"),
        (signed / 2, "the values run from -½ to ½: add 1 before you halve"),
        (signed + 1, "the values run from 0 to 2: halve the sum"),
        (torch.sigmoid(signed), "there is a sigmoid on top of the tanh: black comes out as dark gray"),
        ((1 - signed) / 2, "dark and light have changed places: -1 is black, 1 is white"),
        (signed.abs(), "dark and light are folded onto each other: wanted (x + 1) / 2"),
        (want * 255, "the values run from 0 to 255, wanted 0 to 1"),
        ((signed - signed.min()) / (signed.max() - signed.min()), "stretched from the batch's minimum to its maximum"),
    ]
    equals(name, got, want, mistakes, "these are not the generator's pictures in [0,1]", "(x + 1) / 2", 1e-4)
