"""What both players are told: labels or a degraded image travel with the batch to generator and discriminator."""

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from course_lib.errors import CourseError
from course_lib.images import to_signed
from course_lib.losses import GAN_LOSSES
from course_lib.training import EMA, GanStep, Trainer, apart, from_degraded, from_noise, r1_r2, together

CPU = torch.device("cpu")


class LabelledGenerator(nn.Module):
    """Noise and labels → images of the label's brightness; it remembers what it was told."""

    def __init__(self):
        super().__init__()
        self.table, self.told = nn.Embedding(3, 16), []

    def forward(self, noise, labels):
        self.told.append(labels)
        return (self.table(labels) + noise @ torch.ones(noise.shape[1], 16) / 9).tanh().view(-1, 1, 4, 4)


class ConditionedCritic(nn.Module):
    """Images and what they should show → logits; it remembers what it was told, and for how many images."""

    def __init__(self, inputs):
        super().__init__()
        self.score, self.told = nn.Linear(inputs, 1), []

    def forward(self, images, condition):
        self.told.append((len(images), condition))
        shown = condition.float().view(len(images), -1)
        return self.score(torch.cat([images.flatten(1), shown], 1)).flatten()


def step(generator, critic, make_pair, **more):
    players = {"generator": generator, "discriminator": critic}
    optimisers = {name: torch.optim.SGD(player.parameters(), lr=0.1) for name, player in players.items()}
    return GanStep(
        Accelerator(cpu=True),
        **players,
        optimisers=optimisers,
        loss=GAN_LOSSES["relativistic"],
        average=EMA(generator),
        make_pair=make_pair,
        penalty=r1_r2(0.1),
        **more,
    )


@pytest.mark.parametrize("judge", [together, apart])
def test_labels_reach_both_players_in_the_order_of_the_images(judge):
    labels, images = torch.tensor([2, 0, 1, 1]), torch.rand(4, 1, 4, 4)
    generator, critic = LabelledGenerator(), ConditionedCritic(17)
    numbers = step(generator, critic, from_noise(5, conditional=True), judge=judge)(images, labels)
    assert all(number.isfinite() for number in numbers.values())
    assert all(torch.equal(told, labels) for told in generator.told) and generator.told
    for count, told in critic.told:  # one batch, or real and generated images behind each other
        assert torch.equal(told, labels if count == 4 else torch.cat([labels, labels]))
    assert {count for count, _ in critic.told} == {4, 8}  # the penalty looks at both halves at once


def test_a_degraded_image_is_shown_to_the_discriminator_when_wanted():
    degraded, originals = torch.rand(4, 1, 2, 2), torch.rand(4, 1, 4, 4)
    generator = nn.Sequential(nn.Conv2d(1, 4, 1), nn.PixelShuffle(2))
    pair = from_degraded(conditional=True)(generator, degraded, originals)
    assert torch.equal(pair.condition, degraded) and torch.equal(pair.real, to_signed(originals))
    assert torch.equal(pair.fake, to_signed(generator(degraded)))
    assert from_degraded()(generator, degraded, originals).condition is None
    critic = ConditionedCritic(20)
    step(generator, critic, from_degraded(conditional=True))(degraded, originals)
    assert all(torch.equal(told[:4], degraded) for _, told in critic.told) and critic.told


def test_the_step_keeps_its_own_count():
    """An average that is exchanged or updated elsewhere must not move the penalty's clock."""
    generator, critic = LabelledGenerator(), ConditionedCritic(17)
    asked, game = [], step(generator, critic, from_noise(5, conditional=True), every=3)
    game.penalty = lambda critic, real, fake: asked.append(game.steps) or real.new_zeros(())
    for _ in range(5):
        game(torch.rand(4, 1, 4, 4), torch.tensor([2, 0, 1, 1]))
        game.average.update(generator)
    assert asked == [0, 3] and game.steps == 5 and game.average.updates == 10
    other = step(LabelledGenerator(), ConditionedCritic(17), from_noise(5, conditional=True), every=3)
    other.load_state_dict(game.state_dict())
    assert other.steps == 5


@pytest.mark.parametrize("length", [{"steps": 0}, {"steps": -1}, {"seconds": 0.0}, {"seconds": float("nan")}, {}])
def test_a_run_of_no_length_is_refused(length):
    trainer = Trainer(lambda *batch: {}, {}, {}, None, CPU)
    with pytest.raises(CourseError, match=r"Trainer\.run"):
        trainer.run(**length)
