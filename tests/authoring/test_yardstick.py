"""The yardstick that makes seconds comparable between machines."""

import pytest
import torch

from course_lib.authoring import yardstick


def test_measuring_leaves_threads_and_random_state_alone():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    assert yardstick.measure() > 0
    assert torch.get_num_threads() == threads and torch.equal(torch.get_rng_state(), state)


def test_a_machine_at_half_speed_promises_half_its_seconds():
    assert yardstick.quiet(80, 2 * yardstick.QUIET) == pytest.approx(40)
