"""Two tiny players for the checks of chapter 03's steps, and what every step has to keep to.

The optimisers are plain gradient descent, so the gradient that was used can be read off the weights. It is compared
with those that the right loss and the well-known mistakes would give.
"""

import traceback
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.check.report import attempt, fail
from course_lib.errors import CheckFailed

RATE = 0.5
ORDER = "the order is zero_grad, backward, step"
Mistakes = Sequence[tuple[Tensor, str]]


class _Noting(torch.optim.SGD):
    """Gradient descent that notes when it was asked to clear or to step."""

    def __init__(self, network: nn.Module, events: list[str]):
        super().__init__(network.parameters(), lr=RATE)
        self.events = events

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.events.append("clear")
        super().zero_grad(set_to_none)

    def step(self, closure: Callable | None = None) -> Any:
        loss = super().step(closure)
        self.events.append("step")  # a closure goes backward first
        return loss


class Game:
    """Generator, discriminator, optimisers and a batch; notes the noise that is used, and who does what when."""

    def __init__(self, batch: int, noise_size: int, seed: int, turn: str):
        torch.manual_seed(seed)
        layers = nn.Linear(noise_size, 12), nn.Tanh(), nn.Linear(12, 27), nn.Tanh(), nn.Unflatten(1, (3, 3, 3))
        self.generator = nn.Sequential(*layers)
        self.discriminator = nn.Sequential(nn.Flatten(), nn.Linear(27, 10), nn.Tanh(), nn.Linear(10, 1), nn.Flatten(0))
        self.turn, self.other = turn, "discriminator" if turn == "generator" else "generator"
        self.players = {"generator": self.generator, "discriminator": self.discriminator}
        self.events: dict[str, list[str]] = {who: [] for who in self.players}
        self.optimisers = {who: _Noting(player, self.events[who]) for who, player in self.players.items()}
        self.noises: list[Tensor] = []
        # Noted at the layers, so that generator.forward(noise) and generator(input=noise) count as well.
        self.generator[0].register_forward_pre_hook(lambda _, given: self.noises.append(given[0].detach().clone()))
        self.modes: set[tuple[str, bool]] = set()
        for who, player in self.players.items():
            with torch.no_grad():
                for parameter in player.parameters():
                    parameter.mul_(2.5)  # steep, so that the losses differ clearly
            for layer in player:
                layer.register_forward_pre_hook(lambda layer, _, who=who: self.modes.add((who, layer.training)))
            # Called once a backward pass; autograd.grad does not call it. Every loss reaches the first weights.
            first = next(player.parameters())
            first.register_post_accumulate_grad_hook(lambda _, who=who: self.events[who].append("backward"))
        self.real = torch.rand(batch, 3, 3, 3) * 2 - 1
        self.given = self.real.clone()
        # What an earlier step left behind in the player whose turn it is: the step has to clear it.
        for parameter in self.players[turn].parameters():
            parameter.grad = torch.randn_like(parameter) * 0.1
        self.stale = flat(parameter.grad for parameter in self.players[turn].parameters())
        # In the other player lie the gradients of its own turn: harmless, unless somebody adds to them or steps.
        for parameter in self.players[self.other].parameters():
            parameter.grad = torch.randn_like(parameter) * 0.1
        self.left = flat(parameter.grad for parameter in self.players[self.other].parameters())
        self.before = {who: flat(player.parameters()) for who, player in self.players.items()}

    def gradients(self, losses: Sequence[Tensor]) -> list[Tensor]:
        """Of each loss, with respect to the weights of the player whose turn it is, in one row of numbers."""
        weights = list(self.players[self.turn].parameters())
        how = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
        return [flat(torch.autograd.grad(loss, weights, **how)) for loss in losses]


def flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors]).clone()


def same(got: Tensor, want: Tensor) -> bool:
    """Equal to a thousandth of the largest wanted number: gradients may be small."""
    return bool((got - want).abs().max().nan_to_num(torch.inf) <= 1e-3 * want.abs().max().clamp(min=1e-6))


def softplus(x: Tensor) -> Tensor:
    return torch.log1p(torch.exp(x))


def play(name: str, game: Game, step: Callable, *arguments: Any, where: str = "") -> Any:
    """The learner's step, once; a cross for bad noise, and for whatever was touched and should not be."""
    game.modes.clear()
    for events in game.events.values():
        events.clear()
    try:
        got = attempt(name, step, game.generator, game.discriminator, game.optimisers, *arguments, where=where)
    except CheckFailed as cross:
        if "does not require grad" in str(cross):
            if game.turn == "discriminator" and _was_asked_for_a_slope(cross):
                hint = "start with x = real.detach().requires_grad_(), and not under torch.no_grad()"
                fail(name, "the penalty has no slope: nothing is recorded from the logits back to the pictures", hint)
            hint = "too much was frozen or detached"
            fail(name, f"nothing leads from the loss back to the {game.turn}'s weights", hint)
        raise
    if (steps := game.events[game.turn].count("step")) > 1:
        fail(name, f"the {game.turn}'s optimiser steps {steps} times{where}", "one loss, one step")
    if not game.noises:
        fail(name, "the generator was never asked for pictures", "fake = generator(noise)")
    _good_noise(name, game.noises[-1], (len(game.real), game.generator[0].in_features))
    if not torch.equal(game.real, game.given):
        fail(name, "your function changes the real pictures", "work on a new tensor, not in place")
    if game.real.requires_grad:
        fail(name, "the real pictures you were given now ask for gradients", "real.detach().requires_grad_() is yours")
    if not torch.equal(game.before[game.other], flat(game.players[game.other].parameters())):
        fail(
            name,
            f"the {game.other}'s weights have changed, and it is not its turn",
            f'step optimisers["{game.turn}"] alone',
        )
    for who, player in game.players.items():
        if not all(parameter.requires_grad for parameter in player.parameters()):
            fail(name, f"the {who} is left frozen and can never learn again", "requires_grad_(True) afterwards")
        if not all(module.training for module in player.modules()):
            fail(name, f"the {who} is left in evaluation mode", "the mode is not yours to change")
        if (who, False) in game.modes:
            fail(
                name, f"the {who} played in evaluation mode", "in training both stay in training mode: no .eval() here"
            )
    return got


def _was_asked_for_a_slope(cross: CheckFailed) -> bool:
    """Whether torch.autograd.grad was refused, and not a backward pass."""
    frames = traceback.extract_tb(cross.__context__.__traceback__) if cross.__context__ else []
    return any(frame.name == "grad" for frame in frames)


def _good_noise(name: str, noise: Tensor, shape: tuple[int, int]) -> None:
    if tuple(noise.shape) != shape:
        fail(name, f"the noise has shape {tuple(noise.shape)}, wanted {shape}", "one row for each real picture")
    if len(noise.unique(dim=0)) < len(noise):
        fail(name, "all pictures of a batch share one noise", "draw each row anew: torch.randn(n, noise_size)")
    if noise.min() >= 0:
        fail(name, "the noise is never negative", "torch.randn is standard normal, torch.rand is uniform in [0,1]")
    if not (0.6 < noise.std() < 1.4 and abs(noise.mean()) < 0.5):
        fail(name, f"the noise has standard deviation {noise.std():.2f}, wanted a standard normal", "torch.randn")


def moved(name: str, game: Game, want: Tensor, mistakes: Mistakes, where: str = "") -> None:
    """A cross unless the player was moved by the gradient `want`; a known mistake's gradient names the mistake."""
    who, events = game.turn, game.events[game.turn]
    got = (game.before[who] - flat(game.players[who].parameters())) / RATE
    if same(got, want):
        return
    if not torch.isfinite(got).all():
        fail(name, f"the {who}'s weights hold NaN or infinity{where}")
    if "step" not in events and not got.any():
        fail(name, f"the {who} has not moved: its optimiser never stepped", ORDER)
    early = "step" in events and "backward" in events[events.index("step") :]
    if early and (not got.any() or same(got, game.stale)):
        fail(name, f"the {who} steps before its new gradient is there", ORDER)
    if not got.any():
        if "backward" in events:
            fail(name, f"the {who} has not moved: its gradients were cleared before they were used", ORDER)
        fail(name, f"the {who} has not moved: no gradient reached it", "was something detached that should not be?")
    for value, message in mistakes:
        if same(got, value):
            fail(name, message + where)
    if same(got, want + game.stale):
        cleared = "clear" in game.events[game.other]
        hint = f"it was the {game.other}'s that you cleared" if cleared else ORDER
        fail(name, f"the gradients of an earlier step were still there, and the new ones were added{where}", hint)
    if same(got, game.stale):
        fail(name, f"the {who} moves by old gradients only: no new one reached it", "is its picture detached?")
    if message := next((said for value, said in mistakes if same(got, value + game.stale)), ""):
        fail(name, f"two things at once. Gradients of an earlier step were still there; and {message}{where}", ORDER)
    fail(name, f"the {who} was moved by another gradient than the reference's{where}", "write the loss out on paper")


def untouched_gradients(name: str, game: Game, hint: str) -> None:
    """A cross if gradients were added in the player whose turn it is not; its own may lie there, or be cleared."""
    now = [p.grad for p in game.players[game.other].parameters() if p.grad is not None and p.grad.any()]
    if now and not torch.equal(flat(now), game.left):
        fail(name, f"gradients are left in the {game.other}, whose turn it is not", hint)


def returned(name: str, got: Any, want: Tensor, mistakes: Mistakes = (), where: str = "") -> None:
    """A cross unless `got` is the loss as a plain number."""
    if isinstance(got, Tensor) and got.requires_grad:
        fail(name, "the result keeps the whole step's graph in memory", "return loss.item()")
    # NumPy's numbers are Real too.
    if isinstance(got, bool) or not isinstance(got, Real | Tensor) or torch.as_tensor(got).numel() != 1:
        fail(name, f"got {type(got).__name__}, wanted the loss as a number", "return loss.item()")
    for value, message in [*mistakes, (want, "")]:
        if counts(got, value):
            return fail(name, message) if message else None
    fail(name, f"the number returned is {float(got):.4f}{where}, but {want.item():.4f} was minimised")


def counts(got: Any, value: Tensor) -> bool:
    """Whether what was returned is that number."""
    if not isinstance(got, Real | Tensor) or torch.as_tensor(got).numel() != 1:
        return False
    return abs(float(got) - value.item()) <= 1e-4 * (1 + abs(value.item()))
