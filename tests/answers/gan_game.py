"""What chapter 02's text has checked in passing: right answers in unusual dress, and slips with what names them."""

import torch
import torch.nn.functional as F

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
    "best_discriminator": [lambda p, q: torch.sigmoid(p.log() - q.log())],
    "six_losses": [IN_OTHER_WORDS],
}


def in_place(p, q):
    return p.div_(p + q)


def without(missing):
    return {name: pair for name, pair in LIBRARY.items() if name != missing}


def discriminator(name, loss):
    return LIBRARY | {name: (loss, LIBRARY[name][1])}


def generator(name, loss):
    return LIBRARY | {name: (LIBRARY[name][0], loss)}


WRONG = [
    ("best_discriminator", "fakes", lambda p, q: q / (p + q), "changed places"),
    ("best_discriminator", "ratio", lambda p, q: p / q, "wanted a probability"),
    ("best_discriminator", "logit", lambda p, q: torch.log(p / q), "that is the logit"),
    ("best_discriminator", "verdict", lambda p, q: (p > q).float(), "how sure"),
    ("best_discriminator", "all places", lambda p, q: p / (p + q).sum(), "no sum over the places"),
    ("best_discriminator", "one number", lambda p, q: (p / (p + q)).mean(), "shape"),
    ("best_discriminator", "a little more", lambda p, q: p / (p + q) + 0.05, "derivative"),
    ("best_discriminator", "by zero", lambda p, q: p / 0, "infinity"),
    ("best_discriminator", "in place", in_place, "changes the densities"),
    ("best_discriminator", "one argument", lambda p: p, "raised TypeError"),
    ("six_losses", "minimax rises", generator("minimax", lambda f, r: F.softplus(f).mean()),
     "minimax: the generator's loss: the sign is wrong"),
    ("six_losses", "minimax is 2014's other", generator("minimax", lambda f, r: F.softplus(-f).mean()),
     "non_saturating"),
    ("six_losses", "minimax swaps", discriminator("minimax", lambda r, f: F.softplus(r).mean() + F.softplus(-f).mean()),
     "changed places"),
    ("six_losses", "non-saturating is minimax", generator("non_saturating", lambda f, r: -F.softplus(f).mean()),
     "that is the minimax loss"),
    ("six_losses", "logarithm of a sigmoid",
     discriminator("non_saturating", lambda r, f: (-r.sigmoid().log() - (1 - f.sigmoid()).log()).mean()), "infinity"),
    ("six_losses", "target -1",
     discriminator("least_squares", lambda r, f: (r - 1).square().mean() + (f + 1).square().mean()), "is 0"),
    ("six_losses", "target 0", generator("least_squares", lambda f, r: f.square().mean()), "target is 1"),
    ("six_losses", "hinge without its bend", discriminator("hinge", lambda r, f: (1 - r).mean() + (1 + f).mean()),
     "hinge: the discriminator's"),
    ("six_losses", "one margin twice", discriminator("hinge", lambda r, f: F.relu(1 - r).mean() + F.relu(1 - f).mean()),
     "1 + fake"),
    ("six_losses", "a margin for both", generator("hinge", lambda f, r: F.relu(1 - f).mean()), "no margin"),
    ("six_losses", "summed", generator("hinge", lambda f, r: -f.sum()), "summed"),
    ("six_losses", "Wasserstein rises", discriminator("wasserstein", lambda r, f: r.mean() - f.mean()),
     "the sign is wrong"),
    ("six_losses", "relativistic swaps", generator("relativistic", lambda f, r: F.softplus(f - r).mean()),
     "changed places"),
    ("six_losses", "not relativistic",
     discriminator("relativistic", lambda r, f: F.softplus(-r).mean() + F.softplus(f).mean()), "that is the minimax"),
    ("six_losses", "one for each pair", discriminator("relativistic", lambda r, f: F.softplus(f - r)), "shape"),
    ("six_losses", "one missing", without("hinge"), "called hinge"),
    ("six_losses", "no pair", LIBRARY | {"hinge": lambda real, fake: real.mean()}, "hinge is no pair"),
]  # fmt: skip
