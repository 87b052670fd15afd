"""Several processes on one machine train as one with the same batch."""

import os
import subprocess
import sys

import pytest
import torch

from course_lib.system.checkpoint import load_tree
from course_lib.training import STATE_FILE

LAUNCH = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]


# Every recipe through the command line, one after the other: torch is imported once for all of them. What they measure
# at the end is not compared, so a few pictures are judged.
PROGRAM = """
import sys
from course_lib import recipes
from course_lib.commands import app as cli
recipes.gan_plan.JUDGED = 100
for recipe in sys.argv[2:]:
    if status := cli.main(["train", recipe, "--steps", "3", "--out", f"{sys.argv[1]}/{recipe}"]):
        sys.exit(status)
"""
PLAYERS = {
    "residual_gan": (32, ("generator", "discriminator")),
    "denoise": (8, ("model",)),
    "super_resolution": (16, ("model",)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three steps of each recipe by two processes, in two/RECIPE, and by one, in one/RECIPE."""
    folder = tmp_path_factory.mktemp("processes")
    (folder / "program.py").write_text(PROGRAM)
    environment = os.environ | {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
    for name, command in (("two", [*LAUNCH, "program.py"]), ("one", ["program.py"])):
        command = [sys.executable, *command, name, *PLAYERS]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.mark.parametrize("recipe", PLAYERS)
def test_two_processes_are_one_with_the_same_batch(recipe, folder):
    batch, players = PLAYERS[recipe]
    one, two = (load_tree(folder / name / recipe / STATE_FILE) for name in ("one", "two"))
    assert two["counts"]["images"] == one["counts"]["images"] == 3 * batch
    for name, series in one["history"].items():
        if name != "diversity":  # a spread, not a mean over pictures: halves have their own
            torch.testing.assert_close(two["history"][name], series, rtol=2e-3, atol=2e-4, msg=name)
    for player in players:
        mine, theirs = (torch.cat([t.flatten() for t in state["networks"][player].values()]) for state in (one, two))
        assert (mine - theirs).abs().mean() < 1e-5
