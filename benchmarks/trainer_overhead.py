"""What the trainer costs: the residual GAN's step through the trainer, against the same loop written raw.

"raw" keeps the same numbers of each step as the trainer does (losses, logits, gradient norms, diversity), "bare" keeps
none: the difference between these two is the price of the instruments, not of the trainer.

    python benchmarks/trainer_overhead.py [--rounds 12] [--steps 24]

All train the same networks on the same batches, in short turns one after the other, so that a machine that is busy
for a while is busy for all. Reported is the median over the rounds of the ratio of two times.
"""

import argparse
import statistics
import time

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from course_lib import recipes
from course_lib.images import to_signed
from course_lib.losses import r1_penalty
from course_lib.networks import RESIDUAL_LATENT
from course_lib.recipes import RESIDUAL_PLAN
from course_lib.system.device import pick
from course_lib.training import EMA, Trainer, adam


def norm_of(network: nn.Module) -> Tensor:
    return nn.utils.get_total_norm([weight.grad for weight in network.parameters()])


def raw_loop(instruments: bool = True):
    """The step of chapter 03 without trainer and accelerator; returns a function that does n steps."""
    run = recipes.residual_gan(seed=0)
    generator, discriminator = run.trainer.networks.values()
    adam_g, adam_d = (
        adam(n, RESIDUAL_PLAN.learning_rate, RESIDUAL_PLAN.betas, pick()) for n in (generator, discriminator)
    )
    average, done, history = EMA(generator), 0, []

    def steps(n: int) -> None:
        nonlocal done
        for _ in range(n):
            real = to_signed(run.trainer.batches.next()[0])
            fake = generator(torch.randn(len(real), RESIDUAL_LATENT).to(real.device))
            shown = torch.cat([real, fake.detach()])
            real_logits, fake_logits = discriminator(shown).chunk(2)
            loss = softplus(fake_logits - real_logits).mean()
            if done % 8 == 0:
                loss = loss + 8 * 0.2 * r1_penalty(discriminator, shown)
            adam_d.zero_grad()
            loss.backward()
            if instruments:
                numbers = [loss.detach(), real_logits.detach().mean(), fake_logits.detach().mean()]
                numbers.append(norm_of(discriminator))
            adam_d.step()
            discriminator.requires_grad_(False)
            with torch.no_grad():
                real_logits = discriminator(real)
            loss = softplus(real_logits - discriminator(fake)).mean()
            adam_g.zero_grad()
            loss.backward()
            if instruments:
                numbers += [loss.detach(), norm_of(generator), fake.detach().std(0).mean()]
                history.append(torch.stack(numbers).tolist())
            adam_g.step()
            discriminator.requires_grad_(True)
            average.update(generator)
            done += 1

    return steps


def trainer_loop():
    """The same through the recipe's trainer, as `course train` runs it."""
    trainer: Trainer = recipes.residual_gan(seed=0).trainer
    return lambda n: trainer.run(steps=trainer.steps + n, watch=lambda _: None)


def main() -> None:
    parser = argparse.ArgumentParser(description="What does the trainer cost?")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=24)
    arguments = parser.parse_args()
    loops = {"bare": raw_loop(instruments=False), "raw": raw_loop(), "trainer": trainer_loop()}
    times: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(arguments.rounds + 1):
        # Who goes first changes, and the first round only warms up.
        for name in list(loops)[:: -1 if turn % 2 else 1]:
            started = time.perf_counter()
            loops[name](arguments.steps)
            if turn:
                times[name].append(time.perf_counter() - started)
    for name, values in times.items():
        print(f"{name:8} {1000 * statistics.median(values) / arguments.steps:6.2f} ms a step (median)")
    for what, slow, quick in (("trainer", "trainer", "raw"), ("instruments", "raw", "bare")):
        ratios = [b / a for a, b in zip(times[quick], times[slow], strict=True)]
        print(f"{what}: {100 * (statistics.median(ratios) - 1):+.1f} % (median of {len(ratios)} ratios in one run)")


if __name__ == "__main__":
    main()
