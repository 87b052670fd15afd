"""Check of chapter 04: the Inception Score from its definition."""

import math
from collections.abc import Callable

import torch
from scipy.special import rel_entr
from torch import Tensor

from course_lib.check.evaluating.numbers import judge, number, untouched
from course_lib.check.probes import random
from course_lib.check.report import attempt, leaves_random_numbers_alone, passed

HINT = "marginal = the mean over the pictures; sum over the classes, mean over the pictures, then exp"


def _sure(which: list[int], classes: int) -> Tensor:
    return torch.eye(classes, dtype=torch.float64)[which]


@leaves_random_numbers_alone
def inception_score(function: Callable) -> None:
    """`function(probabilities)` → exp of the mean KL divergence from the marginal, against SciPy. Chapter 04."""
    name = "inception_score"
    leaning = torch.linspace(0, 2, 6, dtype=torch.float64)
    half_sure = torch.cat([_sure([0, 1, 2, 0], 5), (3 * random(5, 5, seed=3).double()).softmax(1)])
    cases = [
        ("on 30 pictures and 6 classes", (2 * random(30, 6).double() + leaning).softmax(1)),
        ("on 12 pictures and 10 classes, float32", (3 * random(12, 10, seed=1)).softmax(1)),
        ("on 4 pictures and 4 classes", (2 * random(4, 4, seed=2).double() + leaning[:4]).softmax(1)),
        ("on sure answers among others", half_sure),
        ("on ten sure answers, each class twice", _sure([0, 1, 2, 3, 4] * 2, 5)),
        ("on sure answers, two classes never given", _sure([0, 0, 0, 1, 2, 0], 5)),
        ("on the same answer for every picture", (random(1, 7).double().softmax(1)).repeat(5, 1)),
    ]
    for where, probabilities in cases:
        given = probabilities.clone()
        got = attempt(name, function, given, where=f" {where}")
        untouched(name, [given], [probabilities], "probabilities")
        p = probabilities.double().numpy()
        want = rel_entr(p, p.mean(0)).sum(1)
        lost = "a probability of 0 adds 0 to the sum; in floating point 0 · log 0 is 0 · (−∞) = NaN"
        if (p.mean(0) == 0).any():
            lost = (
                "a class that is never given makes p(y|x)/p(y) = 0/0 = NaN, and torch.xlogy(0, NaN) is NaN too: "
                "take the two logarithms apart"
            )
        exact = 1e-5 if probabilities.dtype == torch.float32 else 1e-6
        value, wanted = number(name, got), float(torch.tensor(want).mean().exp())
        mistakes = _mistakes(probabilities.double())
        if abs(value - wanted) < (0.03 if (p == 0).any() else 0.002) * wanted:
            mistakes.append((value, "nearly right: a small number added to the probabilities moves the score"))
        judge(name, got, wanted, mistakes, f" ({where})", HINT, lost, exact)
    passed(name, "seven tables of probabilities, with zeros among them: from 1 to the number of classes")


def _mistakes(p: Tensor) -> list[tuple[float, str]]:
    n, classes = p.shape
    marginal, log = p.mean(0), torch.log
    each = torch.from_numpy(rel_entr(p.numpy(), marginal.numpy())).sum(1)
    backwards = (marginal * log(marginal / p)).sum(1)
    uniform = torch.from_numpy(rel_entr(p.numpy(), torch.full_like(p, 1 / classes).numpy())).sum(1)
    by_picture = torch.from_numpy(rel_entr(p.numpy(), p.mean(0).numpy())).sum(0)
    top = torch.eye(classes, dtype=p.dtype)[p.argmax(1)]
    overall, own = torch.special.entr(marginal).sum(), torch.special.entr(p).sum(1).mean()
    again = p.softmax(1)
    twice = (again * log(again / again.mean(0))).sum(1).mean()
    kl = each.mean()
    tenths = [rel_entr(part.numpy(), part.mean(0).numpy()).sum(1).mean() for part in p.chunk(10)]
    whole, dropped = (p > 0).all(1), "a probability of 0 makes its whole picture drop out: only its term is 0"
    wrong = [
        ((each * whole).mean().exp(), dropped),
        ((each * whole).sum().div(whole.sum()).exp(), dropped),
        (kl, "exp is missing: that is the mean KL divergence"),
        ((kl / math.log(2)).exp(), "the logarithm has base 2, and exp belongs to the natural one"),
        ((kl / math.log(2)), "the logarithm has base 2, and exp is missing"),
        ((kl / math.log(10)).exp(), "the logarithm has base 10, and exp belongs to the natural one"),
        (
            torch.from_numpy(rel_entr(top.numpy(), top.mean(0).numpy())).sum(1).mean().exp(),
            "only the surest class enters",
        ),
        ((p * (p.log_softmax(1) - log(marginal))).sum(1).mean().exp(), "log_softmax wants logits, not probabilities"),
        ((kl - math.log(n)).exp(), "the marginal is a sum over the pictures, wanted their mean"),
        (10**kl, "a power of 10, and the logarithm is natural: exp"),
        (2**kl, "a power of 2, and the logarithm is natural: exp"),
        (uniform.mean().exp(), "compared with 1/K for every class: the marginal is the mean over the pictures, dim=0"),
        (uniform.mean(), "compared with 1/K for every class, and exp is missing"),
        (backwards.mean().exp(), "the divergence is the wrong way round: p(y|x) stands before the logarithm"),
        ((-kl).exp(), "the sign is wrong: log p(y|x) − log p(y)"),
        (each.exp().mean(), "exp comes before the mean over the pictures"),
        (each.sum().exp(), "summed over the pictures, wanted their mean"),
        ((each.sum() / (n * classes)).exp(), "averaged over pictures and classes: sum over the classes"),
        ((by_picture.mean()).exp(), "averaged over the classes, summed over the pictures: the other way round"),
        (overall.exp(), "only how varied the answers are: how sure each one is does not enter"),
        ((-own).exp(), "only how sure each answer is: how varied they are does not enter"),
        (own.exp(), "that is the entropy of single answers"),
        ((overall + own).exp(), "the two entropies are added: H(marginal) − the mean of H(p(y|x))"),
        (twice.exp(), "a softmax over the probabilities: they are probabilities already"),
        (each.median().exp(), "the median over the pictures, wanted the mean"),
        (torch.tensor(tenths).exp().mean(), "the mean over ten parts, as in the paper: here over all pictures at once"),
        (each.max().exp(), "the largest divergence, wanted the mean"),
        ((p * p / marginal).sum(1).mean(), "the logarithm is missing"),
        ((log(p / marginal)).sum(1).mean().exp(), "p(y|x) before the logarithm is missing: each class weighs as much"),
        ((marginal * (p / marginal).log()).sum(1).mean().exp(), "weighted with the marginal, wanted with p(y|x)"),
    ]
    return [(float(value), message) for value, message in wrong]
