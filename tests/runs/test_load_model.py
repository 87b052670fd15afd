"""From a folder back to a network: by its card alone, and no in one line for whatever is wrong with it."""

import json
import os
import shutil
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from course_lib import recipes, runs
from course_lib.commands import app as cli
from course_lib.data import data_dir
from course_lib.errors import CourseError
from course_lib.runs import find_run, load_model, make_card, read_card
from course_lib.runs.load import sha256
from course_lib.system.checkpoint import random_state, save_weights

CPU = torch.device("cpu")
CHECKPOINTS = data_dir() / "checkpoints"
NAMES = sorted(path.parent.name for path in CHECKPOINTS.glob("*/card.json"))
CARD = json.loads((CHECKPOINTS / "denoise" / "card.json").read_text())


def same(one, other) -> bool:
    """Trees of tensors and plain values, equal to the last bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.mark.parametrize("name", NAMES)
def test_a_published_checkpoint_is_loaded_by_name_from_anywhere(name, tmp_path, monkeypatch):
    """No data are read, no optimiser is made, and all random numbers stay as they are."""
    monkeypatch.chdir(tmp_path)

    def never(*args, **options):
        raise AssertionError("this is not needed to load a network")

    monkeypatch.setattr("course_lib.data.load", never)
    monkeypatch.setattr(torch.optim.Adam, "__init__", never)
    torch.manual_seed(5), np.random.seed(5)
    before = random_state()
    model, card = load_model(name, CPU)
    assert same(random_state(), before)
    stored = load_file(CHECKPOINTS / name / "model.safetensors")
    state = model.state_dict()
    assert state.keys() == stored.keys()
    assert all(torch.equal(state[key], stored[key].to(state[key].dtype)) for key in state)
    assert not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()])
    assert all(weight.dtype == torch.float32 for weight in model.parameters()) and not model.training
    assert sum(weight.numel() for weight in model.parameters()) == card["parameters"]


def test_a_folder_wins_over_a_published_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_run("denoise") == CHECKPOINTS / "denoise"
    (tmp_path / "denoise").mkdir()
    with pytest.raises(CourseError, match=r"denoise holds no card\.json"):
        load_model("denoise")
    with pytest.raises(CourseError, match=r"denoiser is not a folder; .* published checkpoints are classifier, "):
        find_run("denoiser")
    with pytest.raises(CourseError, match=r"^runs/denoise is not a folder; give the one that `course train` wrote$"):
        find_run("runs/denoise")


def test_what_the_data_decided_is_on_the_card(tmp_path):
    """A three-channel inpainter could not be loaded when its recipe had to be run on its usual set."""
    model = recipes.RECIPES["inpaint"].network(channels=3, width=4, depth=1, fold=2)
    save_weights(model, tmp_path / "model.safetensors")
    card = CARD | {"recipe": "inpaint", "network": {"channels": 3, "width": 4, "depth": 1, "fold": 2}}
    card["sha256"] = sha256(tmp_path / "model.safetensors")
    (tmp_path / "card.json").write_text(json.dumps(card))
    loaded, _ = load_model(tmp_path, CPU)
    y = torch.rand(2, 4, 12, 12).round()
    with torch.no_grad():
        assert loaded.channels == 3 and torch.equal(loaded(y), model.eval()(y))


def test_every_recipe_writes_a_card_that_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr("course_lib.recipes.gan_plan.JUDGED", 200)
    for name, recipe in recipes.RECIPES.items():
        run = recipe(device=CPU)
        card = make_card(run, {"recipe": name, "data": None, "seed": 0, "steps": 1, "seconds": None, "budget": None})
        folder = tmp_path / name
        folder.mkdir()
        save_weights(run.model, folder / runs.WEIGHTS_FILE)
        card["sha256"] = sha256(folder / runs.WEIGHTS_FILE)
        (folder / runs.CARD_FILE).write_text(json.dumps(card))
        model, _ = load_model(folder, CPU)
        assert same(dict(model.state_dict()), dict(run.model.state_dict()))


def test_a_metric_that_is_not_finite_leaves_a_card_that_can_be_read(tmp_path, monkeypatch, capsys):
    """PSNR is inf where output and original are the same; JSON has no word for that."""
    infinite = [recipes.Metric("PSNR", float("inf"), "dB", "black images")]
    monkeypatch.setattr(sys.modules["course_lib.recipes.sharpen"], "evaluate", lambda *arguments: infinite)
    assert cli.main(["train", "sharpen", "--steps", "1", "--out", str(tmp_path / "run")]) == 0
    assert "PSNR: not finite dB (black images)" in capsys.readouterr().out
    assert read_card(tmp_path / "run")["metrics"] == [vars(infinite[0]) | {"value": None}]
    load_model(tmp_path / "run", CPU)


def changed(**changes) -> bytes:
    return json.dumps(CARD | changes).encode()


DAMAGED = {
    "cut": (b'{"recipe": "den', "is damaged"),
    "empty": (b"", "is damaged"),
    "not an object": (b"[1, 2]", "must be object"),
    "not a number": (b'{"steps": NaN}', "NaN is not a JSON number"),
    "not UTF-8": (b"\xff\xfe{}", "utf-8"),
    "deep": (b"[" * 100_000, "is damaged"),
    "too large": (b" " * 1_000_001, "1,000,001 bytes, too many for a card"),
    "unknown recipe": (changed(recipe="oracle"), "recipe must be one of"),
    "recipe no text": (changed(recipe=["denoise"]), "recipe must be one of"),
    "steps": (changed(steps="many"), "steps must be integer"),
    "metrics": (changed(metrics=[{"name": "PSNR"}]), "metrics"),
    "arguments": (changed(arguments=None), "arguments must be object"),
    "sum": (changed(sha256="abc"), "sha256"),
    "another sum": (changed(sha256="0" * 64), "is not what its card describes"),
    "earlier version": (changed(network=None), "course train denoise --out .* --resume writes it again"),
    "huge network": (changed(network={"width": 10**9}), "network.width must be smaller"),
    "text in the network": (changed(network={"width": "64"}), "network.width must be integer"),
    "unknown argument": (changed(network={"breadth": 64}), "does not fit the network of denoise"),
    "another network": (changed(network={"width": 32, "depth": 4, "fold": 2}), "is for another network"),
}


@pytest.mark.parametrize(("content", "said"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_card_is_one_line_and_exit_2(tmp_path, capsys, monkeypatch, content, said):
    monkeypatch.delenv("COURSE_DEBUG", raising=False)
    folder = tmp_path / "run"
    shutil.copytree(CHECKPOINTS / "denoise", folder)
    (folder / "card.json").write_bytes(content)
    with pytest.raises(CourseError, match=said) as error:
        load_model(folder, CPU)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400 + len(str(folder))
    before = sorted(os.listdir(tmp_path))
    for command in (["sample", "--n", "2"], ["restore", str(CHECKPOINTS / "in.png")], ["evaluate"]):
        out = [] if command[0] == "evaluate" else ["--out", str(tmp_path / "out.png")]
        assert cli.main([command[0], str(folder), *command[1:], *out]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and err.startswith("course: ")
    assert sorted(os.listdir(tmp_path)) == before


def test_a_card_that_is_a_folder(tmp_path):
    (tmp_path / "card.json").mkdir()
    with pytest.raises(CourseError, match=r"cannot read .*card\.json"):
        read_card(tmp_path)


def test_weights_that_are_missing_or_damaged(tmp_path):
    shutil.copytree(CHECKPOINTS / "sharpen", tmp_path / "run")
    weights = tmp_path / "run" / "model.safetensors"
    weights.write_bytes(b"not safetensors at all")
    card = json.loads((tmp_path / "run" / "card.json").read_text()) | {"sha256": sha256(weights)}
    (tmp_path / "run" / "card.json").write_text(json.dumps(card))
    with pytest.raises(CourseError, match="is damaged"):
        load_model(tmp_path / "run")
    weights.unlink()
    with pytest.raises(CourseError, match="no weights at"):
        load_model(tmp_path / "run")
