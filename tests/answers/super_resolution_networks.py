"""Chapter 06's checks, continued: networks, what they are asked, and what they see."""

import torch
from torch import nn
from torch.nn import functional

from course_lib.blocks import Residual, zero_last
from course_lib.images import resize, self_ensemble
from course_lib.networks import Enlarge, super_resolver

# enlarger


def compact(scale):
    tail = nn.Conv2d(8, 3 * scale**2, 3, padding=1)
    branch = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GELU(), tail, nn.PixelShuffle(scale))
    return zero_last(Residual(branch, Enlarge(scale)))


def transposed(scale):
    """A transposed convolution as the tail: it, too, is given the small size."""
    tail = nn.ConvTranspose2d(8, 3, scale, stride=scale)
    return zero_last(Residual(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), tail), Enlarge(scale)))


def changed(change):
    def answer(scale):
        class Network(nn.Module):
            def __init__(self):
                super().__init__()
                self.inside = compact(scale)

            def forward(self, y):
                return change(self.inside, y, scale)

        return Network()

    return answer


class Free(nn.Module):
    """The parts that most enlargers have, and any way to put them together."""

    def __init__(self, scale, answer=None, width=None, gate=False):
        super().__init__()
        self.scale, self.answer = scale, answer
        self.head, self.tail = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, width or 3 * scale**2, 3, padding=1)
        self.gate = nn.Parameter(torch.zeros(())) if gate else 1
        if not gate:
            nn.init.zeros_(self.tail.weight), nn.init.zeros_(self.tail.bias)

    def correction(self, y):
        return self.tail(self.head(y).relu())

    def forward(self, y):
        if self.answer:
            return self.answer(self, y)
        return resize(y, self.scale) + self.gate * functional.pixel_shuffle(self.correction(y), self.scale)


def free(answer=None, **parts):
    return lambda scale: Free(scale, answer, **parts)


def headless(scale):
    network = Free(scale)
    nn.init.zeros_(network.head.weight), nn.init.zeros_(network.head.bias)
    return network


def frozen(part):
    def answer(scale):
        network = Free(scale)
        getattr(network, part).requires_grad_(False)
        return network

    return answer


# eight_looks, perceptual_loss


def one_after_the_other(network, x):
    answers = []
    for step in range(8):
        turned = torch.rot90(x, step, (2, 3)) if step < 4 else torch.rot90(x, step, (2, 3)).transpose(2, 3)
        answer = network(turned)
        answer = answer if step < 4 else answer.transpose(2, 3)
        answers.append(torch.rot90(answer, -step, (2, 3)))
    return sum(answers) / 8


def all_together(network, x):
    """Mirrors in one batch, twice: of the pictures, and of the pictures transposed."""
    flips = ((), (-1,), (-2,), (-2, -1))
    answers = []
    for turned in (x, x.mT):
        asked = torch.cat([turned.flip(axes) for axes in flips])
        parts = [part.flip(axes) for part, axes in zip(network(asked).chunk(4), flips, strict=True)]
        answers += parts if turned is x else [part.mT for part in parts]
    return torch.stack(answers).mean(0)


def sixteen_looks(network, x):
    ways = [(axes, k) for axes in ((), (-1,), (-2,), (-2, -1)) for k in range(4)]
    return sum(torch.rot90(network(torch.rot90(x.flip(a), k, (2, 3))), -k, (2, 3)).flip(a) for a, k in ways) / 16


def loss_with(part=lambda a, b: (a - b).abs().mean(), finish=lambda parts: torch.stack(parts).mean()):
    def answer(features, mine, original, top, left, size):
        rows, columns = slice(top, top + size), slice(left, left + size)
        wanted = [maps.detach() for maps in features(original[:, :, rows, columns])]
        return finish([part(a, b) for a, b in zip(features(mine[:, :, rows, columns]), wanted, strict=True)])

    return answer


def loss_at_once(features, mine, original, top, left, size):
    """Both pictures through the network together."""
    both = torch.cat([mine, original])[..., top : top + size, left : left + size]
    return sum(functional.l1_loss(maps[: len(mine)], maps[len(mine) :].detach()) for maps in features(both)) / 3


RIGHT = {
    "enlarger": [super_resolver, compact, transposed, free(gate=True), frozen("head"), free()],
    "eight_looks": [self_ensemble, one_after_the_other, all_together],
    "perceptual_loss": [
        loss_with(),
        loss_with(functional.l1_loss, lambda parts: sum(parts) / len(parts)),
        loss_at_once,
    ],
}

WRONG = [
    ("enlarger", "not a network", lambda s: lambda y: resize(y, s), "wanted a network"),
    ("enlarger", "nothing to learn", Enlarge, "no convolution is asked"),
    ("enlarger", "no gradient", changed(lambda net, y, s: net(y).detach()), "no gradient comes back"),
    (
        "enlarger",
        "twice the shortcut",
        changed(lambda net, y, s: net(y) + resize(y, s)),
        "the shortcut stands there twice",
    ),
    (
        "enlarger",
        "torch's bicubic",
        changed(lambda net, y, s: net.branch(y) + functional.interpolate(y, scale_factor=s, mode="bicubic")),
        "torch's bicubic",
    ),
    (
        "enlarger",
        "bilinear",
        changed(lambda net, y, s: net.branch(y) + functional.interpolate(y, scale_factor=s, mode="bilinear")),
        "bilinear",
    ),
    (
        "enlarger",
        "asked, not added",
        changed(lambda net, y, s: net.shortcut(y) + 0 * net.branch(y)),
        "all gradients are zero",
    ),
    ("enlarger", "frozen tail", frozen("tail"), "all gradients are zero"),
    ("enlarger", "zero head", headless, "all pictures get the same correction"),
    (
        "enlarger",
        "ReLU last",
        free(lambda net, y: resize(y, net.scale) + functional.pixel_shuffle(net.correction(y).relu(), net.scale)),
        "put no ReLU after it",
    ),
    (
        "enlarger",
        "one colour",
        lambda s: Free(s, width=s**2),
        "one correction for all three colours",
    ),
    (
        "enlarger",
        "enlarged at the end",
        free(lambda net, y: resize(y + net.correction(y), net.scale), width=3),
        "is itself an enlarged small picture",
    ),
    (
        "enlarger",
        "linear",
        free(lambda net, y: resize(y, net.scale) + functional.pixel_shuffle(net.tail(net.head(y)), net.scale)),
        "one linear filter",
    ),
    (
        "enlarger",
        "the mean taken off",
        free(lambda net, y: resize(y, net.scale) + functional.pixel_shuffle(net.correction(y - y.mean()), net.scale)),
        "a norm?",
    ),
    (
        "enlarger",
        "mirrored",
        free(lambda net, y: resize(y, net.scale) + functional.pixel_shuffle(net.correction(y.flip(-1)), net.scale)),
        "in far places",
    ),
    ("eight_looks", "one answer", lambda network, x: network(x), "that is one answer"),
    (
        "eight_looks",
        "mirror only",
        lambda network, x: (network(x) + network(x.flip(-1)).flip(-1)) / 2,
        "its mirror image",
    ),
    ("eight_looks", "sixteen", sixteen_looks, "each look twice"),
    ("eight_looks", "divided by 4", lambda network, x: 2 * self_ensemble(network, x), "divided by 4"),
    ("perceptual_loss", "means first", loss_with(lambda a, b: (a.mean() - b.mean()).abs()), "errors cancel"),
    (
        "perceptual_loss",
        "to the end",
        lambda features, mine, x, top, left, size: loss_with()(features, mine, x, top, left, 100),
        "goes on to the picture's end",
    ),
    ("perceptual_loss", "last map", loss_with(finish=lambda parts: parts[-1]), "only the last map"),
    ("perceptual_loss", "first map", loss_with(finish=lambda parts: parts[0]), "only the first map"),
    ("perceptual_loss", "no absolute value", loss_with(lambda a, b: (a - b).mean()), "absolute value"),
    ("perceptual_loss", "a number", lambda *given: loss_with()(*given).item(), "carries no gradient"),
]
