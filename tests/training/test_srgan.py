"""Super-resolution with a critic: bicubic at the start, each player on its turn, resumed and used as every recipe."""

import json
import math
import signal

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from scipy.stats import wasserstein_distance
from torch import nn

from course_lib import metrics, recipes
from course_lib.commands import app as cli
from course_lib.degradations import Downsample
from course_lib.errors import CourseError
from course_lib.images import by_tiles, resize, to_signed
from course_lib.losses import GAN_LOSSES, r1_penalty
from course_lib.metrics.patch_distance import sliced
from course_lib.networks import PatchDiscriminator, feature_distance, super_resolver
from course_lib.training import EMA, GanStep, from_degraded, perceptual_loss, r1_r2

CPU = torch.device("cpu")


def pictures(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def weights(network):
    return torch.cat([tensor.flatten().double() for tensor in network.state_dict().values()])


def players():
    torch.manual_seed(0)
    return {"generator": super_resolver(4, width=4, depth=1), "discriminator": PatchDiscriminator(width=4)}


def small_step(loss="relativistic", **more):
    both = players()
    optimisers = {name: torch.optim.SGD(player.parameters(), lr=0.05) for name, player in both.items()}
    average = EMA(both["generator"], 0.9)
    weighed = {"feature_weight": 0.3, "adversarial_weight": 0.2} | more
    return GanStep(
        Accelerator(cpu=True),
        **both,
        optimisers=optimisers,
        loss=GAN_LOSSES[loss],
        average=average,
        make_pair=from_degraded(),
        generator_loss=perceptual_loss(GAN_LOSSES[loss], **weighed),
        penalty=r1_r2(0.1),
        every=2,
        observe=None,
    )


def batch(seed=0):
    x = pictures(4, 3, 32, 32, seed=seed)
    return Downsample(4)(x), x


# --- the critic -----------------------------------------------------------------------------------------------------


def test_the_critic_judges_neighbourhoods_of_42_pixels():
    critic, x = PatchDiscriminator(width=4), pictures(1, 3, 64, 80).requires_grad_()
    logits = critic(x)
    assert logits.shape == (1, 1, 8, 10)
    (slope,) = torch.autograd.grad(logits[0, 0, 4, 5], x)
    for side in (slope.abs().sum((0, 1, 2)), slope.abs().sum((0, 1, 3))):
        seen = side.nonzero()
        assert seen.max() - seen.min() + 1 == 42


def test_a_logit_depends_on_its_own_picture_alone():
    critic, x = PatchDiscriminator(width=4), pictures(3, 3, 16, 16)
    torch.testing.assert_close(critic(x)[1:2], critic(x[1:2]))
    assert [tuple(part.shape) for part in critic.features(x)] == [(3, 4, 8, 8), (3, 8, 4, 4), (3, 16, 2, 2)]


def test_features_are_compared_in_their_own_units():
    real = [pictures(2, 3, 4, 4), 100 * pictures(2, 5, 2, 2)]
    assert feature_distance(real, real) == 0
    fake = [1.5 * part for part in real]
    torch.testing.assert_close(feature_distance(real, fake), torch.tensor(0.5))
    thousandfold = [[1000 * part for part in maps] for maps in (real, fake)]
    torch.testing.assert_close(feature_distance(*thousandfold), torch.tensor(0.5))
    assert feature_distance([torch.zeros(1, 1, 2, 2)], [torch.ones(1, 1, 2, 2)]).isfinite()
    wanted = torch.ones(3, requires_grad=True)
    assert not feature_distance([wanted], [wanted * 2]).isnan()
    mine = torch.full((3,), 2.0, requires_grad=True)
    feature_distance([wanted], [mine]).backward()
    assert wanted.grad is None and mine.grad.abs().sum() > 0


# --- the step -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["relativistic", "hinge"])
def test_the_step_is_the_loop_written_out(loss):
    step, game = small_step(loss), GAN_LOSSES[loss]
    generator, critic = players().values()
    sgd_g, sgd_d = (torch.optim.SGD(player.parameters(), lr=0.05) for player in (generator, critic))
    for index in range(4):
        small, original = batch(index)
        step(small, original)
        answer = generator(small)
        real, fake = to_signed(original), to_signed(answer)
        value = game.discriminator(critic(real), critic(fake.detach()))
        if index % 2 == 0:
            value = value + 2 * 0.1 / 2 * (r1_penalty(critic, real) + r1_penalty(critic, fake))
        sgd_d.zero_grad()
        value.backward()
        sgd_d.step()
        value = (answer - original).abs().mean()
        value = value + 0.3 * feature_distance(critic.features(real), critic.features(fake))
        value = value + 0.2 * game.generator(critic(fake), critic(real).detach())
        sgd_g.zero_grad()
        value.backward()
        sgd_g.step()
    torch.testing.assert_close(weights(step.generator), weights(generator), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(weights(step.discriminator), weights(critic), rtol=1e-4, atol=1e-6)


def test_each_turn_moves_its_own_player_only():
    step = small_step()
    before_d, before_g = weights(step.discriminator), weights(step.generator)
    pair = step.make_pair(step.generator, *batch())
    step._discriminator_turn(pair._replace(fake=pair.fake.detach()))
    assert torch.equal(weights(step.generator), before_g) and not torch.equal(weights(step.discriminator), before_d)
    after_d = weights(step.discriminator)
    step._generator_turn(pair)
    assert torch.equal(weights(step.discriminator), after_d) and not torch.equal(weights(step.generator), before_g)
    assert all(weight.requires_grad for weight in step.discriminator.parameters())


def test_the_numbers_say_what_the_loss_is_made_of():
    numbers = small_step()(*batch())
    named = {"pixels", "features", "adversarial", "loss D", "loss G", "gradient D", "gradient G"}
    assert set(numbers) == named | {"logit real", "logit fake"}
    whole = numbers["pixels"] + 0.3 * numbers["features"] + 0.2 * numbers["adversarial"]
    torch.testing.assert_close(numbers["loss G"], whole)
    assert all(number.ndim == 0 and number.isfinite() and not number.requires_grad for number in numbers.values())
    small, original = batch()
    torch.testing.assert_close(numbers["pixels"], (resize(small, 4) - original).abs().mean())


def test_without_weights_only_pixels_move_the_generator():
    one, other = small_step(feature_weight=0.0, adversarial_weight=0.0), small_step(feature_weight=0.0)
    alone = super_resolver(4, width=4, depth=1)
    alone.load_state_dict(one.generator.state_dict())
    for step in (one, other):
        step(*batch())
    small, original = batch()
    optimiser = torch.optim.SGD(alone.parameters(), lr=0.05)
    (alone(small) - original).abs().mean().backward()
    optimiser.step()
    # The tail alone moves, from zero and by millionths: only relative differences tell.
    near = {"rtol": 1e-3, "atol": 1e-9}
    torch.testing.assert_close(weights(one.generator), weights(alone), **near)
    assert not torch.allclose(weights(other.generator), weights(alone), **near)


# --- the distance of patches ----------------------------------------------------------------------------------------


def test_on_a_line_it_is_the_wasserstein_distance():
    one, other = pictures(2, 50, 3), 2 * pictures(2, 50, 3, seed=1).square()
    wanted = [np.mean([wasserstein_distance(a[:, i], b[:, i]) for i in range(3)]) for a, b in zip(one, other, strict=1)]
    torch.testing.assert_close(sliced(one, other), torch.tensor(wanted, dtype=torch.float32))
    dice = torch.Generator().manual_seed(0)
    gauss, wide = (torch.randn(1, 100_000, 1, generator=dice) * width for width in (1, 2))
    assert sliced(gauss, wide).item() == pytest.approx(math.sqrt(2 / math.pi), abs=0.02)


def test_details_count_and_their_place_does_not():
    x = pictures(1, 3, 96, 96)
    blurred, other = resize(Downsample(2)(x), 2), pictures(1, 3, 96, 96, seed=1)
    assert metrics.patch_distance(x, x).item() == 0
    # Another noise of the same kind is as far from x as can be, pixel by pixel, and its details are as right as can be.
    assert metrics.psnr(other, x) < metrics.psnr(blurred, x)
    assert metrics.patch_distance(other, x) < 0.2 * metrics.patch_distance(blurred, x)
    # Brightness is no detail.
    assert metrics.patch_distance(0.5 * x + 0.2, 0.5 * x).item() < 1e-5
    pair = metrics.patch_distance(torch.cat([blurred, other]), torch.cat([x, x]))
    torch.testing.assert_close(pair[:1], metrics.patch_distance(blurred, x))
    with pytest.raises(CourseError, match="patch_distance"):
        metrics.patch_distance(x, x[..., :-1])


# --- the recipe -----------------------------------------------------------------------------------------------------


def test_before_the_first_step_it_is_bicubic():
    run = recipes.srgan(device=CPU)
    y = pictures(1, 3, 13, 9)
    assert torch.equal(run.model(y), resize(y, 4))
    values = {metric.name: metric.value for metric in run.evaluate()}
    assert len(values) == 6
    for name in ("PSNR", "SSIM", "patch distance"):
        assert values[f"{name} network"] == values[f"{name} bicubic"]


def test_a_few_steps_do_not_blow_up():
    run = recipes.srgan(device=CPU)
    run.trainer.run(steps=20)
    values = {metric.name: metric.value for metric in run.evaluate()}
    assert all(math.isfinite(number) for series in run.trainer.history.values() for number in series)
    assert abs(values["PSNR network"] - values["PSNR bicubic"]) < 1.5
    assert values["patch distance network"] < values["patch distance bicubic"]


def test_it_resumes_bit_for_bit(tmp_path):
    whole, half, rest = (recipes.srgan(device=CPU, seed=seed) for seed in (0, 0, 5))
    whole.trainer.run(steps=6)
    with pytest.raises(KeyboardInterrupt):
        half.trainer.run(steps=6, out=tmp_path, watch=lambda t: t.steps == 3 and signal.raise_signal(signal.SIGINT))
    rest.trainer.load(tmp_path)
    rest.trainer.run(steps=6)
    for name in ("generator", "discriminator"):
        assert torch.equal(weights(rest.trainer.networks[name]), weights(whole.trainer.networks[name]))
    assert torch.equal(weights(rest.model), weights(whole.model))


def test_tiles_are_the_whole():
    run, picture = recipes.srgan(device=CPU), pictures(3, 40, 45)
    network = run.model
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
        whole = network(picture[None])[0]
        parts = by_tiles(network, picture, scale=4, tile=16, overlap=network.context)
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=0)
    assert isinstance(network, nn.Module) and network.scale == 4


def test_the_command_line_trains_and_restores(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    folder = tmp_path / "run"
    assert cli.main(["train", "srgan", "--steps", "2", "--out", str(folder)]) == 0
    card = json.loads((folder / "card.json").read_text())
    assert card["recipe"] == "srgan" and card["steps"] == 2 and len(card["metrics"]) == 6
    Image.new("RGB", (13, 9), (200, 30, 90)).save(tmp_path / "small.png")
    assert cli.main(["restore", str(folder), str(tmp_path / "small.png"), "--out", str(tmp_path / "large.png")]) == 0
    said = capsys.readouterr()
    assert "13×9" in said.out and "52×36" in said.out and said.err == ""
    with Image.open(tmp_path / "large.png") as large:
        assert large.size == (52, 36) and large.mode == "RGB"
