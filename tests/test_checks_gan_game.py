"""Checks that stand in chapter 02's text: right answers in unusual dress pass, each slip is told its name."""

import pytest
import torch
import torch.nn.functional as F

from course_lib import check
from course_lib.errors import CheckFailed
from course_lib.losses import GAN_LOSSES

LIBRARY = {
    name: (loss.discriminator, lambda fake, real, loss=loss: loss.generator(fake, real))
    for name, loss in GAN_LOSSES.items()
}


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


IN_OTHER_WORDS = LIBRARY | {
    "minimax": (lambda r, f: bce(r, 1.0) + bce(f, 0.0), lambda f, r: -bce(f, 0.0)),
    "non_saturating": (lambda r, f: bce(r, 1.0) + bce(f, 0.0), lambda f, r: bce(f, 1.0)),
    "hinge": (lambda r, f: (1 - r).clamp(min=0).mean() + (1 + f).clamp(min=0).mean(), lambda f, r: (-f).mean()),
    "relativistic": (lambda r, f: bce(r - f, 1.0), lambda f, r: bce(f - r, 1.0)),
}
RIGHT = {
    "best_discriminator": lambda p, q: torch.sigmoid(p.log() - q.log()),
    "six_losses": IN_OTHER_WORDS,
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_in_unusual_dress_passes(name, capsys):
    getattr(check, name)(RIGHT[name])
    assert capsys.readouterr().out.startswith(f"✓ {name}: ")


@pytest.mark.parametrize("name", RIGHT)
def test_a_check_leaves_random_numbers_alone(name):
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    getattr(check, name)(RIGHT[name])
    assert torch.equal(torch.rand(2), wanted)


def in_place(p, q):
    return p.div_(p + q)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda p, q: q / (p + q), "changed places"),
        (lambda p, q: p / q, "wanted a probability"),
        (lambda p, q: torch.log(p / q), "that is the logit"),
        (lambda p, q: (p > q).float(), "how sure"),
        (lambda p, q: p / (p + q).sum(), "no sum over the places"),
        (lambda p, q: (p / (p + q)).mean(), "shape"),
        (lambda p, q: p / (p + q) + 0.05, "derivative"),
        (lambda p, q: p / 0, "infinity"),
        (in_place, "changes the densities"),
        (lambda p: p, "raised TypeError"),
    ],
)
def test_best_discriminator_names_the_slip(answer, says):
    with pytest.raises(CheckFailed, match=says):
        check.best_discriminator(answer)


@pytest.mark.parametrize(
    ("name", "player", "answer", "says"),
    [
        ("minimax", 1, lambda f, r: F.softplus(f).mean(), "minimax: the generator's loss: the sign is wrong"),
        ("minimax", 1, lambda f, r: F.softplus(-f).mean(), "non_saturating"),
        ("minimax", 0, lambda r, f: F.softplus(r).mean() + F.softplus(-f).mean(), "changed places"),
        ("non_saturating", 1, lambda f, r: -F.softplus(f).mean(), "that is the minimax loss"),
        ("non_saturating", 0, lambda r, f: (-r.sigmoid().log() - (1 - f.sigmoid()).log()).mean(), "infinity"),
        ("least_squares", 0, lambda r, f: (r - 1).square().mean() + (f + 1).square().mean(), "is 0"),
        ("least_squares", 1, lambda f, r: f.square().mean(), "target is 1"),
        ("hinge", 0, lambda r, f: (1 - r).mean() + (1 + f).mean(), "hinge: the discriminator's"),
        ("hinge", 0, lambda r, f: F.relu(1 - r).mean() + F.relu(1 - f).mean(), "1 . fake"),
        ("hinge", 1, lambda f, r: F.relu(1 - f).mean(), "no margin"),
        ("hinge", 1, lambda f, r: -f.sum(), "summed"),
        ("wasserstein", 0, lambda r, f: r.mean() - f.mean(), "the sign is wrong"),
        ("relativistic", 1, lambda f, r: F.softplus(f - r).mean(), "other player|changed places"),
        ("relativistic", 0, lambda r, f: F.softplus(-r).mean() + F.softplus(f).mean(), "that is the minimax"),
        ("relativistic", 0, lambda r, f: F.softplus(f - r), "shape"),
    ],
)
def test_six_losses_names_the_slip(name, player, answer, says):
    pair = list(LIBRARY[name])
    pair[player] = answer
    with pytest.raises(CheckFailed, match=says):
        check.six_losses(LIBRARY | {name: tuple(pair)})


def test_six_losses_names_what_is_missing():
    with pytest.raises(CheckFailed, match="called hinge"):
        check.six_losses({name: pair for name, pair in LIBRARY.items() if name != "hinge"})
    with pytest.raises(CheckFailed, match="hinge is no pair"):
        check.six_losses(LIBRARY | {"hinge": lambda real, fake: real.mean()})
