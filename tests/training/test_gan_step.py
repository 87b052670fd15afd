"""The step of a GAN: the loop written out, one player at a time, averaged, stopped and resumed without a trace."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from course_lib import recipes, runs
from course_lib.data import ShuffledBatches
from course_lib.errors import CourseError
from course_lib.images import to_signed
from course_lib.losses import GAN_LOSSES, gradient_penalty, r1_penalty
from course_lib.system.checkpoint import load_tree
from course_lib.training import (
    EMA,
    STATE_FILE,
    GanStep,
    Pair,
    Trainer,
    apart,
    from_noise,
    one_lipschitz,
    r1_r2,
    together,
)

CPU = torch.device("cpu")
LATENT = 5


def players(norm: bool = False, seed: int = 0) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seed)
    generator = nn.Sequential(
        nn.Linear(LATENT, 8),
        nn.BatchNorm1d(8) if norm else nn.Tanh(),
        nn.Linear(8, 16),
        nn.Tanh(),
        nn.Unflatten(1, (1, 4, 4)),
    )
    middle = nn.BatchNorm1d(8) if norm else nn.Identity()
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Linear(16, 8), middle, nn.LeakyReLU(0.2), nn.Linear(8, 1), nn.Flatten(0)
    )
    return generator, discriminator


def small_step(loss: str = "relativistic", norm: bool = False, **more) -> GanStep:
    generator, discriminator = players(norm)
    optimisers = {
        "generator": torch.optim.Adam(generator.parameters(), lr=0.01, betas=(0.0, 0.99)),
        "discriminator": torch.optim.Adam(discriminator.parameters(), lr=0.01, betas=(0.0, 0.99)),
    }
    average = EMA(generator, 0.9)
    return GanStep(
        Accelerator(cpu=True),
        generator,
        discriminator,
        optimisers,
        GAN_LOSSES[loss],
        average,
        **{"make_pair": from_noise(LATENT)} | more,
    )


def small_trainer(**more) -> Trainer:
    step = small_step(**more)
    images = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    batches = ShuffledBatches(images, torch.zeros(40), 8)
    networks = {"generator": step.generator, "discriminator": step.discriminator}
    return Trainer(step, networks, step.optimisers, batches, CPU, others={"average": step.average, "step": step})


def weights(network: nn.Module) -> torch.Tensor:
    return torch.cat([tensor.flatten().double() for tensor in network.state_dict().values()])


@pytest.mark.parametrize("loss", list(GAN_LOSSES))
@pytest.mark.parametrize("judge", [together, apart])
def test_the_step_is_the_loop_written_out(loss, judge):
    game, images = GAN_LOSSES[loss], torch.rand(12, 8, 1, 4, 4, generator=torch.Generator().manual_seed(3))
    step = small_step(loss, penalty=r1_r2(0.3), every=4, judge=judge)
    generator, discriminator = players()
    adam_g = torch.optim.Adam(generator.parameters(), lr=0.01, betas=(0.0, 0.99))
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=0.01, betas=(0.0, 0.99))
    average = [weight.detach().clone() for weight in generator.parameters()]

    torch.manual_seed(7)
    for batch in images:
        step(batch, torch.zeros(8))
    torch.manual_seed(7)
    for index, batch in enumerate(images):
        real, fake = to_signed(batch), generator(torch.randn(8, LATENT))
        value = game.discriminator(discriminator(real), discriminator(fake.detach()))
        if index % 4 == 0:
            value = value + 4 * 0.3 / 2 * (r1_penalty(discriminator, real) + r1_penalty(discriminator, fake))
        adam_d.zero_grad()
        value.backward()
        adam_d.step()
        value = game.generator(discriminator(fake), discriminator(real).detach())
        adam_g.zero_grad()
        value.backward()
        adam_g.step()
        decay = min(0.9, (1 + index) / (10 + index))
        average = [decay * a + (1 - decay) * w.detach() for a, w in zip(average, generator.parameters(), strict=True)]

    torch.testing.assert_close(weights(step.generator), weights(generator), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(weights(step.discriminator), weights(discriminator), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        list(step.average.network.parameters()), average, rtol=1e-4, atol=1e-5, check_stride=False
    )


def test_each_turn_moves_its_own_player_only():
    step = small_step()
    before_d, before_g = weights(step.discriminator), weights(step.generator)
    real, fake = torch.rand(8, 1, 4, 4), step.generator(torch.randn(8, LATENT))
    step._discriminator_turn(Pair(real, fake.detach()))
    assert torch.equal(weights(step.generator), before_g) and not torch.equal(weights(step.discriminator), before_d)
    after_d = weights(step.discriminator)
    step._generator_turn(Pair(real, fake))
    assert torch.equal(weights(step.discriminator), after_d) and not torch.equal(weights(step.generator), before_g)
    assert all(weight.requires_grad for weight in step.discriminator.parameters())


def test_the_penalty_comes_on_every_nth_step_and_so_much_stronger():
    seen = []

    def penalty(discriminator, real, fake):
        seen.append(step.steps)
        return sum(weight.sum() for weight in discriminator.parameters())

    step = small_step("wasserstein", penalty=penalty, every=3)
    optimiser = torch.optim.SGD(step.discriminator.parameters(), lr=1.0)
    step.optimisers["discriminator"] = optimiser
    gradients = []
    optimiser.register_step_pre_hook(lambda *_: gradients.append(step.discriminator[-2].bias.grad.item()))
    for _ in range(7):
        step(torch.rand(8, 1, 4, 4), torch.zeros(8))
    assert seen == [0, 3, 6]
    # The last bias has no gradient in the Wasserstein loss, so what is there is the penalty's: every × 1.
    assert gradients == pytest.approx([3, 0, 0, 3, 0, 0, 3], abs=1e-5)


def test_the_two_penalties_are_those_of_the_losses():
    _, discriminator = players()
    real, fake = torch.randn(6, 1, 4, 4), torch.randn(6, 1, 4, 4)
    wanted = 0.4 / 2 * (r1_penalty(discriminator, real) + r1_penalty(discriminator, fake))
    torch.testing.assert_close(r1_r2(0.4)(discriminator, real, fake), wanted)
    torch.manual_seed(2)
    wanted = 10 * gradient_penalty(discriminator, real, fake)
    torch.manual_seed(2)
    torch.testing.assert_close(one_lipschitz(10)(discriminator, real, fake), wanted)


def test_batch_norm_sees_each_kind_by_itself_when_apart():
    _, discriminator = players(norm=True)
    real, fake = torch.zeros(4, 1, 4, 4), torch.randn(4, 1, 4, 4)
    alone, _ = apart(discriminator, real, fake)
    mixed, _ = together(discriminator, real, fake)
    torch.testing.assert_close(alone, discriminator(real))
    assert not torch.allclose(alone, mixed)


def test_the_numbers_say_how_the_game_stands():
    step = small_step()
    torch.manual_seed(4)
    numbers = step(torch.rand(8, 1, 4, 4), torch.zeros(8))
    assert set(numbers) == {*("loss D", "loss G", "logit real", "logit fake", "gradient D", "gradient G", "diversity")}
    wanted = sum(weight.grad.square().sum() for weight in step.generator.parameters()).sqrt()
    torch.testing.assert_close(numbers["gradient G"], wanted)
    assert all(number.ndim == 0 and number.isfinite() and not number.requires_grad for number in numbers.values())


# --- the average -------------------------------------------------------------------------------------------------


def test_ema_is_its_closed_form_and_copies_buffers():
    network = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    ema = EMA(network, decay=0.5)
    assert not any(part.training for part in ema.network.modules())
    wanted = network[0].weight.item()
    for k in range(6):
        with torch.no_grad():
            network[0].weight.fill_(k)
            network[1].running_mean.fill_(k)
        ema.update(network)
        decay = min(0.5, (1 + k) / (10 + k))
        wanted = decay * wanted + (1 - decay) * k
    assert ema.network[0].weight.item() == pytest.approx(wanted)
    assert ema.network[1].running_mean.item() == 5 and ema.updates == 6
    assert network[0].weight.item() == 5 and network[0].weight.requires_grad
    assert not any(weight.requires_grad for weight in ema.network.parameters())


def test_ema_saves_and_loads():
    network = nn.Linear(2, 2)
    ema = EMA(network, 0.9)
    ema.update(nn.Linear(2, 2))
    other = EMA(nn.Linear(2, 2), 0.9)
    other.load_state_dict(ema.state_dict())
    assert torch.equal(weights(other.network), weights(ema.network)) and other.updates == 1


@pytest.mark.parametrize("decay", [-0.1, 1.0, 2.0])
def test_ema_refuses_a_decay_that_is_none(decay):
    with pytest.raises(CourseError, match="0 ≤ decay < 1"):
        EMA(nn.Linear(1, 1), decay)


# --- stop, kill, resume ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [1, 5, 13, 18])
@pytest.mark.parametrize("norm", [False, True])
def test_a_stopped_gan_goes_on_bit_for_bit(tmp_path, stop, norm):
    whole = small_trainer(norm=norm, penalty=r1_r2(0.1), every=4)
    torch.manual_seed(11)
    whole.run(steps=20)
    first = small_trainer(norm=norm, penalty=r1_r2(0.1), every=4)
    torch.manual_seed(11)
    with pytest.raises(KeyboardInterrupt):
        first.run(steps=20, out=tmp_path, watch=lambda t: t.steps == stop and signal.raise_signal(signal.SIGINT))
    torch.manual_seed(999)
    second = small_trainer(norm=norm, penalty=r1_r2(0.1), every=4)
    second.load(tmp_path)
    assert stop <= second.steps <= stop + 1
    second.run(steps=20)
    for mine, theirs in zip(
        [*second.networks.values(), second.others["average"].network],
        [*whole.networks.values(), whole.others["average"].network],
        strict=True,
    ):
        assert torch.equal(weights(mine), weights(theirs))
    assert second.history == whole.history


@pytest.mark.parametrize("layout", ["transposed", "channels_last"])
def test_a_resume_pairs_each_weight_with_its_own_memory(tmp_path, layout):
    """Fused Adam walks through weight and memory side by side: both must lie alike, also after a resume."""

    def trainer():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 2))
        if layout == "channels_last":
            model.to(memory_format=torch.channels_last)
        else:
            model[2].weight = nn.Parameter(torch.randn(4 * 36, 2).T)
        optimiser = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)

        def step(images, labels):
            loss = nn.functional.cross_entropy(model(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            return {"loss": loss.detach()}

        images = torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(1))
        batches = ShuffledBatches(images, (torch.arange(20) % 2), 4)
        return Trainer(step, {"m": model}, {"o": optimiser}, batches, CPU)

    whole, half, rest = trainer(), trainer(), trainer()
    whole.run(steps=8)
    half.run(steps=4, out=tmp_path)
    rest.load(tmp_path)
    rest.run(steps=8)
    assert torch.equal(weights(rest.networks["m"]), weights(whole.networks["m"]))


@pytest.mark.parametrize("recipe", ["dcgan", "residual_gan"])
def test_the_real_recipes_resume_bit_for_bit(tmp_path, recipe):
    whole, half, rest = (recipes.RECIPES[recipe](device=CPU, seed=seed) for seed in (0, 0, 5))
    # Made one after the other, they have drawn different numbers by now; each run starts from the same.
    torch.manual_seed(1)
    whole.trainer.run(steps=6)
    torch.manual_seed(1)
    with pytest.raises(KeyboardInterrupt):
        half.trainer.run(steps=6, out=tmp_path, watch=lambda t: t.steps == 2 and signal.raise_signal(signal.SIGINT))
    rest.trainer.load(tmp_path)
    rest.trainer.run(steps=6)
    assert torch.equal(weights(rest.model), weights(whole.model))


def test_not_a_number_stops_the_gan_and_keeps_the_good_state(tmp_path):
    trainer = small_trainer()
    trainer.run(steps=3, out=tmp_path)
    good = (tmp_path / STATE_FILE).read_bytes()
    trainer.batches.images[:] = float("nan")
    with pytest.raises(CourseError, match=r"step 4.*not finite"):
        trainer.run(steps=6, out=tmp_path)
    saved = load_tree(tmp_path / STATE_FILE)
    assert saved["counts"]["steps"] == 3 and (tmp_path / STATE_FILE).read_bytes() == good


KILLED = """
import sys, course_lib.training.trainer
from course_lib import recipes, runs
course_lib.training.trainer.SAVE_EVERY_SECONDS = 0
recipes.gan_plan.JUDGED = 100
runs.train("mlp_gan", sys.argv[1], steps=12)
"""


@pytest.mark.parametrize("pause", [0.0, 0.11, 0.37])
def test_a_killed_run_leaves_a_folder_that_resumes(tmp_path, pause, monkeypatch):
    """kill -9 at an arbitrary moment after the first save, then on to the end: as if nothing had happened."""
    monkeypatch.setattr("course_lib.recipes.gan_plan.JUDGED", 100)
    environment = os.environ | {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "run")], env=environment)
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / STATE_FILE).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(pause)
    process.kill()
    process.wait()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if not (tmp_path / "run" / runs.CARD_FILE).exists():
            runs.train("mlp_gan", tmp_path / "run", steps=12, resume=True)
        whole = recipes.mlp_gan(device=CPU)
        whole.trainer.run(steps=12)
    finally:
        torch.set_num_threads(threads)
    resumed, card = runs.load_model(tmp_path / "run", CPU)
    assert card["steps"] == 12
    assert torch.equal(weights(resumed), weights(whole.model))
