"""The toys of chapter 02: points against closed forms, many games at once against one game written out, the widget."""

import io
import math
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import leaky_relu

from course_lib.display import toy_game as shown
from course_lib.errors import CourseError
from course_lib.losses import GAN_LOSSES, gradient_penalty, r1_penalty
from course_lib.toy2d import ManyLinear, Mixture, Sine, ToyGame, grid, mode_coverage, ring, slopes

toy = sys.modules["course_lib.display.toy_game"]


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


# points


def test_ring_and_grid_lie_where_they_should():
    eight = ring(modes=8, radius=1.5).centres
    torch.testing.assert_close(eight.norm(dim=1), torch.full((8,), 1.5))
    torch.testing.assert_close(eight[2], torch.tensor([0.0, 1.5]), atol=1e-6, rtol=0)
    lattice = grid(side=5, spacing=0.8).centres
    assert sorted({round(v, 4) for v in lattice[:, 0].tolist()}) == [-1.6, -0.8, 0, 0.8, 1.6]
    assert len(set(map(tuple, lattice.tolist()))) == 25 and lattice.mean(0).abs().max() < 1e-6


def test_samples_have_the_mixture_s_moments():
    data = ring(modes=4, radius=2.0, spread=0.3)
    points = data.sample(3, 40_000, generator=dice())
    assert points.shape == (3, 40_000, 2) and points.dtype == torch.float32
    # Covariance of four centres on a circle is radius²/2 in each direction; the spread's square is added.
    variance = points.flatten(0, 1).var(0)
    torch.testing.assert_close(variance, torch.full((2,), 2.0 + 0.09), atol=0.03, rtol=0)


def test_the_data_s_own_share_of_good_points():
    data = grid()
    found, good = mode_coverage(data.sample(100_000, generator=dice()), data)
    assert found == 25 and abs(good - (1 - math.exp(-4.5))) < 0.002  # a 2-D Gaussian within 3 standard deviations


def test_coverage_counts_heaps_and_good_points():
    data = Mixture(torch.tensor([[0.0, 0.0], [10.0, 0.0]]), spread=1.0)
    inside, outside = torch.tensor([2.9, 0.0]), torch.tensor([3.1, 0.0])
    other = torch.tensor([10.0, 0.0])
    points = torch.stack([inside] * 7 + [outside] * 2 + [other])  # the second heap holds 1 of its fair 5
    found, good = mode_coverage(points, data)
    assert found == 1 and good == pytest.approx(0.8)
    assert mode_coverage(points, data, share=0.2)[0] == 2
    assert mode_coverage(points, data, within=4)[1] == 1
    both = mode_coverage(torch.stack([points, other.expand(10, 2)]).view(2, 1, 10, 2), data)
    assert both[0].tolist() == [[1], [1]] and both[1].shape == (2, 1) and both[1][1, 0] == 1


# networks side by side


def test_rows_are_linear_layers_and_do_not_see_each_other():
    layer = ManyLinear(3, 4, 5)
    x = torch.randn(3, 7, 4, requires_grad=True)
    y = layer(x)
    for row in range(3):
        wanted = nn.functional.linear(x[row], layer.weight[row].T, layer.bias[row, 0])
        torch.testing.assert_close(y[row], wanted)
    (gradient,) = torch.autograd.grad(y[1].square().sum(), layer.weight)
    assert gradient[1].abs().sum() > 0 and gradient[[0, 2]].abs().sum() == 0
    assert layer.weight.abs().max() <= 0.5 < 2 * layer.weight.abs().max()  # nn.Linear's own range, 1/√4


def test_sine():
    x = torch.randn(4, 3)
    torch.testing.assert_close(Sine()(x), torch.from_numpy(np.sin(6 * x.numpy())))


def test_slopes_of_a_bowl():
    x = torch.randn(5, 6, 2)
    scale = torch.tensor(3.0, requires_grad=True)
    found = slopes(lambda points: scale * points.square().sum(-1) / 2, x)
    torch.testing.assert_close(found, 3 * x)
    (felt,) = torch.autograd.grad(found.sum(), scale)
    torch.testing.assert_close(felt, x.sum())


# games


def test_a_loss_plays_the_same_game_alone_and_beside_others():
    everyone = ToyGame(ring(), list(GAN_LOSSES), 2, seed=3, penalty="r1", every=2)
    everyone.play(5)
    together = everyone.points(50, seed=1).unflatten(0, (6, 2))
    for row, name in enumerate(GAN_LOSSES):
        alone = ToyGame(ring(), [name], 2, seed=3, penalty="r1", every=2)
        before = alone.points(50, seed=1)
        alone.play(5)
        torch.testing.assert_close(alone.points(50, seed=1), together[row], atol=1e-4, rtol=1e-4)
        assert (alone.points(50, seed=1) - before).abs().max() > 1e-3
        assert (together[row, 0] - together[row, 1]).abs().max() > 1e-2  # repetitions are different games


@pytest.mark.parametrize("penalty", ["none", "r1", "gradient"])
def test_a_game_is_the_loop_written_out(penalty):
    game = ToyGame(ring(), ["relativistic"], seed=5, penalty=penalty, strength=0.7, every=2, batch_size=16)
    weights = {
        name: [p[0].detach().clone().requires_grad_() for p in getattr(game, name).parameters()]
        for name in ("generator", "discriminator")
    }

    def network(x, w):
        hidden = leaky_relu(torch.sin(6 * (x @ w[0] + w[1])) @ w[2] + w[3], 0.2)
        return hidden @ w[4] + w[5]

    def fake(noise):
        return noise + network(noise, weights["generator"])

    def logits(x):
        return network(x, weights["discriminator"])[:, 0]

    adam = {name: torch.optim.Adam(w, lr=2e-3, betas=(0.5, 0.99)) for name, w in weights.items()}
    loss, own = GAN_LOSSES["relativistic"], dice(5)

    def draw_noise():
        return torch.randn(1, 16, 2, generator=own)[0]

    for step in range(4):
        real = game.data.sample(1, 16, generator=own)[0]
        made = fake(draw_noise()).detach()
        cost = loss.discriminator(logits(real), logits(made))
        if step % 2 == 0 and penalty == "r1":
            cost = cost + 2 * 0.7 / 2 * r1_penalty(logits, real)
        if step % 2 == 0 and penalty == "gradient":
            # The library draws N×1, the game 1×N×1: the same numbers.
            cost = cost + 2 * 0.7 * gradient_penalty(logits, real, made, own)
        adam["discriminator"].zero_grad(), cost.backward(), adam["discriminator"].step()
        real = game.data.sample(1, 16, generator=own)[0]
        adam["generator"].zero_grad()
        loss.generator(logits(fake(draw_noise())), logits(real)).backward()
        adam["generator"].step()
    game.play(4)
    torch.testing.assert_close(game.points(30, seed=2)[0], fake(torch.randn(1, 30, 2, generator=dice(2))[0]))


def test_arrows_point_downhill_and_leave_the_game_alone():
    game, watched = (ToyGame(ring(), ["wasserstein", "minimax"], 2, seed=1) for _ in range(2))
    points = game.points(9, seed=4)
    game.play(2), watched.play(1), watched.arrows(points), watched.play(1)
    assert torch.equal(game.points(9, seed=4), watched.points(9, seed=4))
    uphill = slopes(game.discriminator, points)
    torch.testing.assert_close(game.arrows(points)[:2], uphill[:2])  # Wasserstein: weight 1
    weight = torch.sigmoid(game.discriminator(points[2:].repeat(2, 1, 1))[2:])  # minimax pulls with σ(t)
    torch.testing.assert_close(game.arrows(points)[2:], weight * uphill[2:], atol=1e-6, rtol=1e-4)


def test_a_game_depends_on_its_seed_alone():
    torch.manual_seed(1)
    first = ToyGame(grid(), ["hinge"], seed=2)
    first.play(2)
    state = torch.get_rng_state()
    torch.manual_seed(7)
    second = ToyGame(grid(), ["hinge"], seed=2)
    second.play(2)
    assert torch.equal(first.points(9, seed=0), second.points(9, seed=0))
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


def test_only_the_discriminator_moves_in_its_own_step():
    game = ToyGame(ring(), ["minimax"])
    before = [p.clone() for p in (*game.generator.parameters(), *game.discriminator.parameters())]
    game.step_discriminator()
    after = [*game.generator.parameters(), *game.discriminator.parameters()]
    moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert moved == [False] * 6 + [True] * 6 and all(p.grad is None for p in game.generator.parameters())


@pytest.mark.parametrize(
    ("losses", "penalty", "words"),
    [
        (["hinges"], "none", "'hinges' is unknown; choose one of minimax"),
        (["hinge"], "R1", "'R1' is unknown; choose one of none"),
    ],
)
def test_unknown_names_get_one_line(losses, penalty, words):
    with pytest.raises(CourseError, match=words) as error:
        ToyGame(ring(), losses, penalty=penalty)
    assert "\n" not in str(error.value)


# the widget, without a browser


@pytest.fixture
def figures(monkeypatch):
    made = []
    monkeypatch.setattr(plt, "show", lambda: made.append(plt.gcf()))
    yield made
    plt.close("all")


@pytest.mark.parametrize("front", ["text", "none"])
def test_where_no_widget_can_live_there_is_one_figure(front, figures, monkeypatch):
    monkeypatch.setattr(toy, "front_end", lambda: front)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)  # not even installed
    shown(steps=8)
    (figure,) = figures
    assert "step 4 of 4" in figure.axes[0].get_xlabel() and len(figure.axes[0].lines) == 2


def test_play_moves_the_points_and_says_how_it_stands():
    pytest.importorskip("ipywidgets")
    controls = toy._Controls(steps=50, seed=0)
    said, pictures = [], []
    controls.label.observe(lambda change: said.append(change["new"]), "value")
    controls.picture.observe(lambda change: pictures.append(change["new"]), "value")
    controls.loss.value, controls.penalty.value, controls.data.value = "relativistic", "gradient penalty", "grid"
    controls.button.click()
    assert [text.split(":")[0] for text in said] == ["step 20 of 50", "step 40 of 50", "step 50 of 50"]
    assert all("of 25 heaps found" in text for text in said) and len(set(pictures)) == 3
    assert Image.open(io.BytesIO(pictures[-1])).size == (420, 420) and not controls.button.disabled


def test_the_widget_plays_what_is_chosen(monkeypatch):
    pytest.importorskip("ipywidgets")
    chosen = []

    def frames(*arguments):
        chosen.append(arguments)
        raise CourseError("no game\ntoday")

    monkeypatch.setattr(toy, "_frames", frames)
    controls = toy._Controls(steps=30, seed=4)
    controls.loss.value, controls.penalty.value, controls.rate.value = "hinge", "R1", 5e-3
    controls.play()
    assert chosen == [("ring", "hinge", "R1", 5e-3, 30, 4)]
    assert controls.label.value == "no game today" and not controls.button.disabled


def test_numbers_that_run_away_are_said_and_not_drawn(monkeypatch):
    pytest.importorskip("ipywidgets")

    def run_away(self, steps):
        self.steps += steps
        self.generator.branch[0].bias.data.fill_(math.inf)

    monkeypatch.setattr(ToyGame, "play", run_away)
    controls = toy._Controls(steps=100, seed=0)
    before = controls.picture.value
    controls.play()
    assert "ran away" in controls.label.value and controls.picture.value == before


def test_only_core_widgets_that_versions_7_and_8_have():
    pytest.importorskip("ipywidgets")
    controls = toy._Controls(steps=1, seed=0)
    inside = [*controls.box.children[0].children, controls.picture, controls.box, controls.box.children[0]]
    assert {type(widget).__module__.split(".")[0] for widget in inside} == {"ipywidgets"}
    names = {type(widget).__name__ for widget in inside}
    assert names == {"Dropdown", "SelectionSlider", "Button", "Label", "Image", "HBox", "VBox"}
