"""Several processes on one machine train as one with the same batch."""

import os
import subprocess
import sys

import pytest
import torch

from course_lib.checkpoint import load_tree
from course_lib.training import STATE_FILE

LAUNCH = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]


@pytest.mark.parametrize(
    ("recipe", "batch", "players"),
    [
        ("residual_gan", 32, ("generator", "discriminator")),
        ("denoise", 8, ("model",)),
        ("super_resolution", 16, ("model",)),
    ],
)
def test_two_processes_are_one_with_the_same_batch(recipe, batch, players, tmp_path):
    arguments = ["-m", "course_lib", "train", recipe, "--steps", "3", "--out"]
    environment = os.environ | {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
    for command in ([*LAUNCH, *arguments, "two"], [*arguments, "one"]):
        command = [sys.executable, *command]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
    one, two = (load_tree(tmp_path / name / STATE_FILE) for name in ("one", "two"))
    assert two["counts"]["images"] == one["counts"]["images"] == 3 * batch
    for name, series in one["history"].items():
        if name != "diversity":  # a spread, not a mean over pictures: halves have their own
            torch.testing.assert_close(two["history"][name], series, rtol=2e-3, atol=2e-4, msg=name)
    for player in players:
        mine, theirs = (torch.cat([t.flatten() for t in state["networks"][player].values()]) for state in (one, two))
        assert (mine - theirs).abs().mean() < 1e-5
