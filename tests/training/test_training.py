"""The trainer, the batches, the recipes and the folders they write."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from course_lib import recipes, runs
from course_lib.commands import app as cli
from course_lib.data import RandomCrops, ShuffledBatches, data_dir
from course_lib.errors import CourseError
from course_lib.system.checkpoint import load_tree, save_weights
from course_lib.training import STATE_FILE, Trainer, constant, cosine

CPU = torch.device("cpu")


def small_trainer(seed: int = 0, step=None) -> tuple[nn.Module, Trainer]:
    """A network with batch norm and dropout, so that buffers and random numbers matter for a resume."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)

    def one(images, labels):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return {"loss": loss.detach()}

    generator = torch.Generator().manual_seed(5)
    images = torch.rand(50, 1, 2, 2, generator=generator)
    batches = ShuffledBatches(images, (images.mean((1, 2, 3)) > 0.5).long(), 8, seed=seed)
    return model, Trainer(step or one, {"m": model}, {"o": optimiser}, batches, CPU, cosine)


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([tensor.flatten().double() for tensor in model.state_dict().values()])


@pytest.mark.parametrize("stop", [1, 7, 20, 39])
def test_resumed_equals_uninterrupted_bit_for_bit(tmp_path, stop):
    model, trainer = small_trainer()
    trainer.run(steps=40)

    _, first = small_trainer()
    inner, count = first.step, iter(range(1, 100))

    def interrupted(images, labels):
        if next(count) == stop:
            os.kill(os.getpid(), signal.SIGINT)  # in the middle of a step, as Ctrl-C comes
        return inner(images, labels)

    first.step = interrupted
    with pytest.raises(KeyboardInterrupt):
        first.run(steps=40, out=tmp_path)
    torch.manual_seed(999)  # whatever happened in between must not matter
    again, second = small_trainer(seed=123)
    second.load(tmp_path)
    assert second.steps == stop
    second.run(steps=40, out=tmp_path)
    assert torch.equal(weights(again), weights(model))
    assert second.history == trainer.history and second.images == trainer.images == 320


def test_the_learning_rate_follows_the_schedule():
    _, trainer = small_trainer()
    rates = []
    inner = trainer.step
    trainer.step = lambda i, y: rates.append(trainer.optimisers["o"].param_groups[0]["lr"]) or inner(i, y)
    trainer.run(steps=10)
    torch.testing.assert_close(rates, [0.01 * cosine(k / 10) for k in range(10)])
    assert cosine(0) == 0 and cosine(0.1) == 1 and cosine(1.0) == pytest.approx(0) and constant(0.3) == 1


def test_seconds_are_a_budget_too():
    _, trainer = small_trainer()
    trainer.run(seconds=0.2)
    assert 0.2 <= trainer.seconds < 5 and trainer.steps == len(trainer.history["loss"]) > 1
    assert trainer.images_per_second == pytest.approx(trainer.steps * 8 / trainer.seconds)


@pytest.mark.parametrize("arguments", [{}, {"steps": 3, "seconds": 1.0}])
def test_one_length_and_not_two(arguments):
    with pytest.raises(CourseError, match="either steps or seconds"):
        small_trainer()[1].run(**arguments)


def test_a_number_gone_bad_stops_and_keeps_the_last_good_state(tmp_path):
    _, trainer = small_trainer()
    trainer.run(steps=5, out=tmp_path)
    good = (tmp_path / STATE_FILE).read_bytes()
    trainer.step = lambda images, labels: {"loss": float("nan")}
    with pytest.raises(CourseError, match=r"step 6.*smaller learning rate"):
        trainer.run(steps=10, out=tmp_path)
    assert (tmp_path / STATE_FILE).read_bytes() == good


def test_an_error_inside_a_step_keeps_the_last_whole_state(tmp_path):
    _, trainer = small_trainer()
    trainer.run(steps=5, out=tmp_path)
    good = (tmp_path / STATE_FILE).read_bytes()

    def torn(images, labels):
        raise RuntimeError("out of memory")

    trainer.step = torn
    with pytest.raises(RuntimeError):
        trainer.run(steps=10, out=tmp_path)
    assert (tmp_path / STATE_FILE).read_bytes() == good


@pytest.fixture
def usual_ctrl_c():
    """Python's own answer to Ctrl-C: a shell starts what runs in its background with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_second_ctrl_c_does_not_wait(tmp_path, usual_ctrl_c):
    _, trainer = small_trainer()

    def hangs(images, labels):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
        pytest.fail("the second one came through")

    trainer.step = hangs
    with pytest.raises(KeyboardInterrupt):
        trainer.run(steps=10, out=tmp_path)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_network_does_not_load(tmp_path):
    small_trainer()[1].save(tmp_path)
    _, other = small_trainer()
    other.networks = {"m": nn.Linear(3, 3)}
    with pytest.raises(CourseError, match="does not fit"):
        other.load(tmp_path)
    other.networks = {"generator": nn.Linear(3, 3)}
    with pytest.raises(CourseError, match="another recipe"):
        other.load(tmp_path)


def test_batches_show_every_picture_once_a_pass():
    images = torch.arange(20.0).view(20, 1, 1, 1)
    batches = ShuffledBatches(images, torch.arange(20), 5, seed=3)
    passes = [torch.cat([batches.next()[1] for _ in range(4)]).tolist() for _ in range(2)]
    assert all(sorted(one) == list(range(20)) for one in passes) and passes[0] != passes[1]
    pictures, labels = batches.next()
    assert torch.equal(pictures.flatten().long(), labels)
    with pytest.raises(CourseError, match=r"1 … 20"):
        ShuffledBatches(images, torch.arange(20), 21)


def test_crops_come_from_the_photographs_and_resume():
    photos = [torch.rand(3, 10, 14), torch.rand(3, 30, 9)]
    crops = RandomCrops(photos, 8, 16, seed=1)
    taken, which = crops.next()
    assert taken.shape == (16, 3, 8, 8)
    for crop, index in zip(taken, which.tolist(), strict=True):
        windows = photos[index].unfold(1, 8, 1).unfold(2, 8, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
        assert (windows == crop).flatten(1).all(1).any() or (windows == crop.flip(-1)).flatten(1).all(1).any()
    state = crops.state_dict()
    wanted = crops.next()[0]
    other = RandomCrops(photos, 8, 16, seed=7)
    other.load_state_dict(state)
    assert torch.equal(other.next()[0], wanted)
    for bad, words in (([], "got no photographs"), ([torch.rand(3, 4, 4)], "1 of 1 photographs are smaller")):
        with pytest.raises(CourseError, match=words):
            RandomCrops(bad, 8, 2)


@pytest.mark.parametrize(("recipe", "metric"), [("classifier", "accuracy"), ("sharpen", "PSNR network")])
def test_a_folder_holds_weights_state_and_card(tmp_path, recipe, metric):
    card = runs.train(recipe, tmp_path / "run", steps=3)
    wanted = {
        "recipe", "arguments", "network", "seed", "versions", "device", "steps",
        "seconds", "images_per_second", "parameters", "metrics", "sha256",
    }  # fmt: skip
    assert wanted == set(card) and card == json.loads((tmp_path / "run" / "card.json").read_text())
    assert card["steps"] == 3 and card["seed"] == 0 and {"torch", "python"} <= set(card["versions"])
    measured = {entry["name"]: entry for entry in card["metrics"]}
    assert all(entry["protocol"] for entry in card["metrics"])
    again = {entry.name: entry.value for entry in evaluated(tmp_path / "run")}
    assert again[metric] == pytest.approx(measured[metric]["value"])
    with pytest.raises(CourseError, match="already holds a run"):
        runs.train(recipe, tmp_path / "run", steps=3)


def evaluated(folder, garments=None):
    """A folder's network measured anew, garments on the set that needs no network."""
    model, card = runs.load_model(folder, CPU)
    recipe = recipes.RECIPES[card["recipe"]]
    data = garments if garments and recipe.data == garments else card["arguments"]["data"] or recipe.data
    return recipe.evaluate(model, data, CPU)


def test_weights_that_are_not_the_cards_are_refused(tmp_path):
    runs.train("sharpen", tmp_path, steps=1)
    other = recipes.sharpen(device=CPU, seed=5)
    save_weights(other.model, tmp_path / "model.safetensors")
    with pytest.raises(CourseError, match="not what its card describes"):
        runs.load_model(tmp_path)


@pytest.mark.parametrize("folder", sorted((data_dir() / "checkpoints").iterdir()), ids=lambda folder: folder.name)
def test_the_checkpoints_that_come_along_do_what_their_cards_say(folder):
    card = runs.read_card(folder)
    measured = {metric.name: metric.value for metric in evaluated(folder, "fashion_mnist_mini")}
    # The garment cards speak of all 10,000 test pictures, the course brings 2,000 of them.
    tolerance = {"sharpen": 0.02, "classifier": 0.012}.get(folder.name, 0.12)
    for metric in card["metrics"]:
        assert measured[metric["name"]] == pytest.approx(metric["value"], abs=tolerance)
    assert (folder / "model.safetensors").stat().st_size < 4e6


@pytest.mark.parametrize("half", [False, True])
def test_a_published_run_is_what_its_card_says(tmp_path, half):
    spec = importlib.util.spec_from_file_location("publish", data_dir() / "publish_checkpoint.py")
    publish = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(publish)
    runs.train("sharpen", tmp_path / "run", steps=2)
    publish.publish(tmp_path / "run", tmp_path / "out", half)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"card.json", "model.safetensors"}
    card = runs.read_card(tmp_path / "out")
    assert card.get("weights") == ("float16" if half else None)
    assert [vars(metric) for metric in evaluated(tmp_path / "out")] == card["metrics"]
    sizes = [(tmp_path / folder / "model.safetensors").stat().st_size for folder in ("run", "out")]
    assert (sizes[1] < 0.6 * sizes[0]) == half


def test_resume_through_the_command_line(tmp_path, capsys):
    arguments = ["train", "sharpen", "--out", str(tmp_path / "a")]
    assert cli.main([*arguments, "--steps", "2"]) == 0
    assert cli.main([*arguments, "--steps", "4", "--resume"]) == 0
    assert json.loads((tmp_path / "a" / "card.json").read_text())["steps"] == 4
    capsys.readouterr()
    for wrong, words in (
        ([*arguments, "--steps", "4", "--resume", "--seed", "1"], "trained with seed=0"),
        (["train", "classifier", "--out", str(tmp_path / "a"), "--resume"], "trained with recipe=sharpen"),
        (["train", "sharpen", "--out", str(tmp_path / "new"), "--resume"], "nothing to resume"),
        (["train", "classifier", "--out", str(tmp_path / "new"), "--data", "photos"], "various sizes"),
        (["train", "sharpenn", "--out", str(tmp_path / "new")], "did you mean sharpen"),
    ):
        assert cli.main(wrong) == 2
        said = capsys.readouterr().err.strip()
        assert words in said and "\n" not in said
    assert not (tmp_path / "new").exists()


def test_ctrl_c_in_the_real_command_leaves_a_folder_that_resumes(tmp_path):
    command = [sys.executable, "-m", "course_lib", "train", "sharpen", "--out", str(tmp_path / "r")]
    process = subprocess.Popen([*command, "--seconds", "60"], stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    deadline = time.monotonic() + 60
    while not (tmp_path / "r" / "arguments.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 1 and "Traceback" not in process.stderr.read()
    done = load_tree(tmp_path / "r" / STATE_FILE)["counts"]["steps"]
    assert done > 0
    after = subprocess.run([*command, "--steps", str(done + 2), "--resume"], capture_output=True, check=False)
    assert after.returncode == 0, after.stderr
    assert json.loads((tmp_path / "r" / "card.json").read_text())["steps"] == done + 2


def test_every_recipe_is_ready_without_training(monkeypatch):
    monkeypatch.setattr("course_lib.recipes.gan_plan.JUDGED", 200)
    for name, recipe in recipes.RECIPES.items():
        run = recipe(device=CPU, seed=0)
        assert run.steps.keys() == {"cpu", "gpu"} and run.trainer.steps == 0, name
        assert all(metric.protocol and metric.value == metric.value for metric in run.evaluate())


def test_the_same_seed_trains_the_same_network():
    one, two, other = (recipes.sharpen(device=CPU, seed=seed) for seed in (0, 0, 1))
    for run in (one, two, other):
        run.trainer.run(steps=3)
    assert torch.equal(weights(one.model), weights(two.model))
    assert not torch.equal(weights(one.model), weights(other.model))
