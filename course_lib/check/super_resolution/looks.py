"""Check of chapter 06: the geometric self-ensemble, eight looks at one picture."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.check.probes import random
from course_lib.check.report import attempt, equals, fail, is_tensor, leaves_random_numbers_alone, passed

WAYS = [(mirror, quarters) for mirror in (False, True) for quarters in range(4)]
LOOKS_HINT = "undo in the reverse order: what was mirrored, then turned, is turned back, then mirrored"


@leaves_random_numbers_alone
def eight_looks(function: Callable) -> None:
    """`function(network, pictures)` → the mean of the eight answers, turned back; N×C×H×W. Chapter 06."""
    name = "eight_looks"
    for height, width, scale in ((5, 5, 1), (4, 7, 2), (6, 3, 1)):
        network, y = _Lopsided(scale), random(2, 2, height, width, seed=width)
        given = y.clone()
        got = attempt(name, function, network, given, where=f" on {height}×{width}")
        looks = network.asked / len(y)
        where = f" (on {height}×{width}, scale {scale})"
        is_tensor(name, got, (2, 2, scale * height, scale * width), f"the result{where}", LOOKS_HINT)
        equals(name, got, _mean_of(network, y, WAYS), _looks_mistakes(network, y, where), hint=LOOKS_HINT)
        if looks > len(WAYS):
            fail(
                name, f"right, but the network is asked {looks:g} times{where}", "4 mirrors × 4 turns: each look twice"
            )
        if not torch.equal(given, y):
            fail(name, "your code changes the pictures it was given")
    passed(name, "a lopsided network, square and oblong pictures, scales 1 and 2: eight answers, turned back, averaged")


class _Lopsided(nn.Module):
    """Neither turns nor mirrors commute with it, nor does its mean over the four turns with mirrors, as 3×3 would."""

    def __init__(self, scale: int):
        super().__init__()
        self.asked = 0
        self.scale, self.weight = scale, 0.3 * random(2, 2, 5, 5, seed=4)

    def forward(self, y: Tensor) -> Tensor:
        self.asked += len(y)
        answer = functional.conv2d(y, self.weight, padding=2).tanh()
        answer = answer + torch.arange(float(y.shape[-1])).tanh()
        return answer.repeat_interleave(self.scale, -1).repeat_interleave(self.scale, -2)


def _turn(y: Tensor, mirror: bool, quarters: int) -> Tensor:
    return torch.rot90(y.flip(-1) if mirror else y, quarters, (-2, -1))


def _back(y: Tensor, mirror: bool, quarters: int) -> Tensor:
    y = torch.rot90(y, -quarters, (-2, -1))
    return y.flip(-1) if mirror else y


def _wrong_order(y: Tensor, mirror: bool, quarters: int) -> Tensor:
    return torch.rot90(y.flip(-1) if mirror else y, -quarters, (-2, -1))


def _only_turned(y: Tensor, mirror: bool, quarters: int) -> Tensor:
    return torch.rot90(y, -quarters, (-2, -1))


def _sign_forgotten(y: Tensor, mirror: bool, quarters: int) -> Tensor:
    y = torch.rot90(y, quarters, (-2, -1))
    return y.flip(-1) if mirror else y


def _other_mirror(y: Tensor, mirror: bool, quarters: int) -> Tensor:
    y = torch.rot90(y, -quarters, (-2, -1))
    return y.flip(-2) if mirror else y


def _batch_turned(network: Callable, y: Tensor) -> Tensor:
    """rot90 without its third argument turns pictures and channels into each other; here both are two."""
    asked = [torch.rot90(y.flip(-1) if mirror else y, quarters) for mirror, quarters in WAYS]
    answers = [torch.rot90(network(x), -quarters) for x, (_, quarters) in zip(asked, WAYS, strict=True)]
    return torch.stack([x.flip(-1) if mirror else x for x, (mirror, _) in zip(answers, WAYS, strict=True)]).mean(0)


def _mean_of(network: Callable, y: Tensor, ways: Sequence[tuple[bool, int]], back: Callable = _back) -> Tensor:
    answers = [back(network(_turn(y, *way)), *way) for way in ways]
    if len({tuple(one.shape) for one in answers}) > 1:
        return torch.full_like(answers[0], torch.nan)
    return torch.stack(answers).mean(0)


def _looks_mistakes(network: Callable, y: Tensor, where: str) -> list[tuple[Tensor, str]]:
    everywhere = torch.stack([_back(network(_turn(y, *way)), *way) for way in WAYS])
    four, twice = WAYS[:4], [(m, q) for m in (False, True) for q in (0, 2)]
    forward_again = _mean_of(network, y, WAYS, lambda a, m, q: _turn(a, m, q))
    wrong = [
        (_mean_of(network, y, WAYS, lambda a, *_: a), "the answers are not turned back"),
        (_mean_of(network, y, WAYS, _wrong_order), "undone in the wrong order: turn back first, then mirror"),
        (forward_again, "the answers are turned once more, not back"),
        (_mean_of(network, y, WAYS, _sign_forgotten), "the answers are turned once more, and mirrored back: use -k"),
        (_mean_of(network, y, WAYS, _only_turned), "turned back, but not mirrored back"),
        (_mean_of(network, y, WAYS, _other_mirror), "mirrored back along the other axis"),
        (_batch_turned(network, y), "rot90 turns the axes 0 and 1 unless it is given (-2, -1)"),
        (_mean_of(network, y, four), "only the four turns: mirrored ones are missing"),
        (_mean_of(network, y, WAYS[4:]), "only the mirrored ones are in the mean"),
        (_mean_of(network, y, twice), "quarter turns are missing"),
        (_mean_of(network, y, [(False, 0), (True, 0)]), "only the picture and its mirror image"),
        (_mean_of(network, y, [way for way in WAYS if way[1]]), "the unturned looks are missing: k = 0 counts, too"),
        (_mean_of(network, y, [way for way in WAYS if way[1] < 3]), "the last quarter turn is missing: range(4)"),
        (network(y), "that is one answer"),
        (everywhere[-1], "only the last answer counts: collect all eight"),
        (everywhere.sum(0), "the sum of the answers, wanted their mean"),
        (everywhere.median(0).values, "the median of the answers, wanted their mean"),
        (network(torch.stack([_turn(y, *way) for way in twice]).mean(0)), "the pictures are averaged, not the answers"),
        *((everywhere.sum(0) / count, f"divided by {count}, and there are 8 answers") for count in (2, 4, 7, 9, 16)),
    ]
    return [(value, message + where) for value, message in wrong]
