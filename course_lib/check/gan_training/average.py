"""Check of chapter 03: the average of a network over its training."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.check.report import attempt, close, fail, leaves_random_numbers_alone, passed


def _network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))


def _train(network: nn.Module) -> None:
    """As if an optimiser had stepped: other weights, and a norm that has seen another batch."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter))
        network(torch.randn(8, 3) * 3)


@leaves_random_numbers_alone
def ema(averager: Callable) -> None:
    """`averager(network, decay)`, `.network`, `.update(network)`: weights averaged, buffers copied. Chapter 03."""
    name = "ema"
    for decay in (0.8, 0.25):
        network = _network()
        _train(network)
        average = attempt(name, averager, network, decay)
        mine = _its_network(name, average, network)
        _still_in_training(name, network)
        want = _weights(network)
        if not all(close(a, b) for a, b in zip(_weights(mine), want, strict=True)):
            fail(name, "before the first update `.network` is not yet the network's copy", "copy.deepcopy(network)")
        for updates in (1, 2, 3):
            _train(network)
            old, start = [buffer.clone() for buffer in mine.buffers()], copy.deepcopy(network)
            if not callable(getattr(average, "update", None)):
                fail(name, "there is no method `update`", "def update(self, network): …")
            attempt(name, average.update, network, where=" in update")
            if not all(torch.equal(a, b) for a, b in zip(_state(network), _state(start), strict=True)):
                fail(name, "update changes the network that is in training", "only `self.network` changes")
            _still_in_training(name, network)
            mine, new = (
                _its_network(name, average, network, "copy_ takes over numbers, = the tensor"),
                _weights(network),
            )
            where = f" (decay {decay}, update {updates})"
            if updates == 1 and not close(_row(_weights(mine)), decay * _row(want) + (1 - decay) * _row(new)):
                _special_start(name, averager, decay)
            _averaged(name, _weights(mine), want, new, decay, updates, where)
            want = [decay * w + (1 - decay) * n for w, n in zip(want, new, strict=True)]
            _copied(name, mine, network, old, decay, where)
    passed(name, "two decays, three updates each: weights averaged, buffers copied, the network in training left alone")


def _weights(network: nn.Module) -> list[Tensor]:
    return [parameter.detach().double().clone() for parameter in network.parameters()]


def _row(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


def _special_start(name: str, averager: Callable, decay: float) -> None:
    """A cross if the first update alone copies: then the second one tells which rule is followed."""
    network = _network()
    average = attempt(name, averager, network, decay)
    states = [_row(_weights(network))]
    for _ in range(2):
        _train(network)
        attempt(name, average.update, network, where=" in update")
        states += [_row(_weights(network)), _row(_weights(average.network))]
    _, first, after_first, second, after_second = states
    if not close(after_first, first):
        return
    if close(after_second, decay * first + (1 - decay) * second):
        hint = "the copy is there from the start; the first update is like all others"
        fail(name, "the first update copies the network's weights, wanted their average with the old ones", hint)
    if close(after_second, (decay * first + second) / (1 + decay)):
        hint = "the average begins with a copy, not with zeros: leave it out"
        fail(name, "the average is divided by 1 − decay^updates, as Adam corrects its means", hint)


def _state(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


def _still_in_training(name: str, network: nn.Module) -> None:
    if not all(module.training for module in network.modules()):
        fail(name, "the network in training is now in evaluation mode", "copy first, then .eval() on the copy")
    if not all(parameter.requires_grad for parameter in network.parameters()):
        fail(name, "the network in training can no longer learn", "copy first, then .requires_grad_(False) on the copy")


def _its_network(
    name: str, average: object, network: nn.Module, hint: str = "copy.deepcopy gives it its own"
) -> nn.Module:
    mine = getattr(average, "network", None)
    if not isinstance(mine, nn.Module):
        fail(name, f"`.network` is a {type(mine).__name__}, wanted a module", "self.network = a copy of the network")
    if [t.shape for t in _state(mine)] != [t.shape for t in _state(network)]:
        fail(name, "`.network` has other weights or buffers than the network", "copy.deepcopy(network)")
    theirs = {tensor.data_ptr() for tensor in _state(network)}
    if any(tensor.data_ptr() in theirs for tensor in _state(mine)):
        fail(name, "`.network` shares its numbers with the network in training", hint)
    if mine.training:
        fail(name, "`.network` is in training mode", "you sample from it: .eval(), once and for all")
    if any(module.training for module in mine.modules()):
        hint = ".eval() reaches them, the attribute `training` alone does not"
        fail(name, "the layers inside `.network` are in training mode", hint)
    if any(parameter.grad_fn for parameter in mine.parameters()):
        fail(name, "update records a graph that grows with every step", "with torch.no_grad(): …")
    if any(parameter.requires_grad for parameter in mine.parameters()):
        fail(
            name, "`.network` asks for gradients, and nobody trains it", ".requires_grad_(False), once, when it is made"
        )
    return mine


def _averaged(
    name: str, got: list[Tensor], old: list[Tensor], new: list[Tensor], decay: float, updates: int, where: str
) -> None:
    def shares(kept: float, added: float) -> bool:
        return all(close(g, kept * o + added * n) for g, o, n in zip(got, old, new, strict=True))

    if shares(decay, 1 - decay):
        return
    early = min(decay, updates / (9 + updates))
    mistakes = [
        (early, 1 - early, "decay is smaller than given: the chapter's average begins like that, leave it out here"),
        (1 - decay, decay, "the wrong way round: decay is the share that the average keeps"),
        (0, 1, "the average is the network's last weights: nothing is averaged"),
        (1, 0, "update changes nothing in `.network`: change its numbers in place, with copy_, lerp_ or mul_ and add_"),
        (decay, 0, "the network's share is missing, so the average shrinks"),
        (decay, 1, "the shares add up to more than 1: the network's is 1 − decay"),
        (1, 1 - decay, "the shares add up to more than 1: the average's is decay"),
        (0.999, 0.001, "decay is not used"),
        (0.5, 0.5, "old and new count alike: decay is not used"),
        (updates / (updates + 1), 1 / (updates + 1), "all weights so far count alike: decay is not used"),
    ]
    for kept, added, message in mistakes:
        if shares(kept, added):
            fail(name, message + where)
    fail(name, f"the weights are not decay · average + (1 − decay) · network{where}", "every weight, also of the norms")


def _copied(name: str, mine: nn.Module, network: nn.Module, old: list[Tensor], decay: float, where: str) -> None:
    hint = "batch norm's running mean and variance are buffers: network.buffers()"
    got, want = list(mine.buffers()), list(network.buffers())
    if all(torch.equal(g, w) for g, w in zip(got, want, strict=True)):
        return
    if all(torch.equal(g, o) for g, o in zip(got, old, strict=True)):
        fail(name, f"the buffers stay as they were at the start{where}", hint)
    if all(torch.equal(g, w) for g, w in zip(got, want, strict=True) if w.is_floating_point()):
        fail(name, f"the count of batches is not copied: it is a buffer too{where}", "copy every buffer, whole or not")
    mixed = [decay * o + (1 - decay) * w for o, w in zip(old, want, strict=True)]
    if all(close(g, m.to(g.dtype)) for g, m in zip(got, mixed, strict=True) if g.is_floating_point()):
        fail(name, f"the buffers are averaged, wanted copies{where}", "they are averages already, and one is a count")
    fail(name, f"the buffers are not those of the network{where}", hint)
