"""Check of chapter 05: a loss that needs no clean target."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.check.denoising.noise import independent
from course_lib.check.evaluating.numbers import near, number
from course_lib.check.report import attempt, fail, is_tensor, leaves_random_numbers_alone, passed

HINT = "two draws: functional.mse_loss(network(x + σ·n₁), x + σ·n₂)"


class _Listener(nn.Module):
    """Hears what it is given, and answers what it was told to: the gradient of the answer reveals the target."""

    def __init__(self, answer: Tensor):
        super().__init__()
        self.answer, self.heard = nn.Parameter(answer), []

    def forward(self, y: Tensor) -> Tensor:
        self.heard.append(y)
        return self.answer + 0 * y


@leaves_random_numbers_alone
def noise2noise_loss(function: Callable) -> None:
    """`function(network, x, sigma)` → the loss; what enters and what is the target is listened to. Chapter 05."""
    name = "noise2noise_loss"
    torch.manual_seed(0)
    for sigma in (0.1, 0.3):
        x = torch.rand(4, 3, 64, 64)
        x[0], x[1] = 0.0, 1.0
        before = x.clone()
        listener = _Listener(0.5 + torch.randn_like(x))  # also below 0 and above 1: a clamp would show
        loss = attempt(name, function, listener, x, sigma, where=f" for sigma = {sigma}")
        value = number(name, loss, "the loss", "take the mean over all pixels")
        if not torch.equal(x, before):
            fail(name, "your code changes the pictures it was given", "write x + …, not x += …")
        if len(listener.heard) != 1:
            fail(name, f"the network was asked {len(listener.heard)} times, wanted once", HINT)
        given = listener.heard[0]
        is_tensor(name, given, x.shape, "what the network is given")
        if not isinstance(loss, Tensor) or not loss.requires_grad:
            fail(name, "no gradient comes out of the loss", "no .item(), no .detach() of the network's answer")
        if listener.answer.grad is not None:
            fail(name, "your code calls backward itself", "return the loss; whoever trains calls backward, once")
        (gradient,) = torch.autograd.grad(loss, listener.answer, allow_unused=True)
        if gradient is None:
            fail(name, "the network's answer gets no gradient", "no .detach() of the network's answer")
        _judge(name, x, sigma, given.detach(), _target(name, listener.answer.detach(), gradient, value))
        again = _Listener(torch.rand_like(x))
        attempt(name, function, again, x, sigma)
        if torch.equal(again.heard[0], given):
            fail(name, "two calls give the same noise: do not set a seed inside", "every step needs new noise")
    passed(name, "two levels of noise: one noisy copy enters, another one is the target, neither is clipped")


def _target(name: str, answer: Tensor, gradient: Tensor, value: float) -> Tensor:
    """From the gradient 2 (answer − target) / numbers of a mean squared error."""
    count = answer.numel()
    off = count * gradient / 2
    if near(value, off.square().mean().item(), 1e-3, 0):
        return answer - off
    if near(value, (gradient / 2).square().sum().item(), 1e-3, 0):
        fail(name, "the squares are summed, wanted their mean", HINT)
    if (gradient.abs() * count - 1).abs().median() < 1e-3:
        fail(name, "absolute differences: their best answer is the median of the noisy targets, not the mean", HINT)
    if near(value, 2 * off.square().mean().item(), 1e-3, 0):
        fail(name, "half the mean squared error: leave the ½ out", HINT)
    fail(name, "the loss is not the mean squared error of the network's answer, as it is", HINT)


def _judge(name: str, x: Tensor, sigma: float, given: Tensor, target: Tensor) -> None:
    entered, aimed = (given - x).double(), (target - x).double()
    for noise, who in ((entered, "what the network is given"), (aimed, "the target")):
        if noise.abs().max() < 1e-6:
            text = "is the clean picture"
            more = "there would be nothing to learn" if noise is entered else "this loss must not know it"
            fail(name, f"{who} {text}: {more}", HINT)
    if (target.double() - entered).abs().max() < 1e-4:
        fail(name, "the target is the noise in the picture, wanted another noisy picture", HINT)
    together = torch.corrcoef(torch.stack([entered.flatten(), aimed.flatten()]))[0, 1].item()
    if abs(target.double().mean()) < 0.05 and abs(target.double().std() / (2**0.5 * sigma) - 1) < 0.1:
        both = "the target is the difference of two noisy pictures: the network's answer is the clean picture"
        fail(name, both, "functional.mse_loss(network(y₁), y₂): nothing is added to the answer or taken off it")
    if abs(target.double().mean()) < 0.05 and abs(target.double().std() / sigma - 1) < 0.1:
        fail(name, "the target is noise alone, wanted a noisy picture: x + σ·n₂", HINT)
    for noise, who in ((entered, "what the network is given"), (aimed, "the target")):
        black, white = noise[0], noise[1]
        cut = [(side.abs() < 1e-6).double().mean() > 0.2 for side in (black, white)]
        if (black.min() >= -1e-6 and cut[0]) or (white.max() <= 1e-6 and cut[1]):
            clipped = f"{who} is clipped to [0,1]: its mean is then no longer the clean picture"
            fail(name, clipped, HINT)
        levels = 255 * (noise + x)
        if (levels - levels.round()).abs().max() < 1e-3:
            fail(name, f"{who} is rounded to the levels of a file: round when you measure, not in training", HINT)
    if (entered - aimed).abs().max() < 1e-4:
        same = "input and target have the same noise: copying would be perfect, and nothing is learned"
        fail(name, same, "draw the noise twice")
    for noise, who in ((entered, "what the network is given"), (aimed, "the target")):
        independent(name, noise, f", in {who}")
    if abs(together) > 0.05:
        fail(name, f"the two noises are related (correlation {together:.2f}): draw them independently", HINT)
    for noise, who in ((entered, "what the network is given"), (aimed, "the target")):
        spread = noise.std().item()
        if abs(noise.mean().item()) > 0.04 * spread:
            fail(name, f"{who} has noise of mean {noise.mean().item():.3g}: it would teach that shift", HINT)
        if abs(spread / sigma - 1) > 0.03:
            fail(name, f"{who} has noise of standard deviation {spread:.3g}, wanted sigma = {sigma}", HINT)
