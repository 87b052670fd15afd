"""Devices: the choice, the seeds, the clock. GPUs are stand-ins here, except in the last test."""

import random
import time

import numpy as np
import pytest
import torch

from course_lib.errors import CourseError
from course_lib.system import device as devices

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """A machine with so many cuda GPUs and, perhaps, mps."""

    def build(cuda: int = 0, mps: bool = False, bf16: bool = True) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16 or including_emulation
        )
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return build


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "expected"),
    [
        (0, False, None, "cpu"),
        (0, True, None, "mps"),
        (2, True, None, "cuda:0"),
        (2, True, "cpu", "cpu"),
        (2, True, "mps", "mps"),
        (2, False, "cuda:1", "cuda:1"),
        (1, False, "cuda", "cuda"),
    ],
)
def test_pick(machine, cuda, mps, name, expected):
    machine(cuda, mps)
    assert devices.pick(name) == torch.device(expected)


@pytest.mark.parametrize(
    ("cuda", "name", "present"),
    [(0, "cuda", "cpu"), (2, "cuda:2", "cuda:0, cuda:1, cpu"), (0, "mps", "cpu"), (1, "tpu", "cuda:0, cpu")],
)
def test_a_missing_device_is_refused_by_naming_those_present(machine, cuda, name, present):
    machine(cuda)
    with pytest.raises(CourseError, match=f"{name}.*this machine has {present};"):
        devices.pick(name)


def test_a_seed_repeats_all_three_sources():
    def draw() -> tuple:
        return random.random(), np.random.rand(), torch.rand(1).item()

    devices.seed_everything(7)
    first = draw()
    assert all(a != b for a, b in zip(first, draw(), strict=True))
    devices.seed_everything(7)
    assert draw() == first
    devices.seed_everything(8)
    assert all(a != b for a, b in zip(first, draw(), strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(CourseError, match=str(seed)):
        devices.seed_everything(seed)


@pytest.mark.parametrize("enabled", [None, True, False])
def test_autocast_leaves_the_cpu_alone(enabled):
    layer = torch.nn.Linear(2, 2)
    with devices.autocast(CPU, enabled):
        assert layer(torch.ones(1, 2)).dtype == torch.float32


def test_autocast_needs_a_gpu_that_does_bfloat16_itself(machine):
    gpu = torch.device("cuda")
    machine(cuda=1, bf16=True)
    assert isinstance(devices.autocast(gpu), torch.autocast)
    assert devices.autocast(gpu).fast_dtype == torch.bfloat16
    assert not isinstance(devices.autocast(gpu, enabled=False), torch.autocast)
    machine(cuda=1, bf16=False)  # a T4 only emulates it
    assert not isinstance(devices.autocast(gpu), torch.autocast)


def test_throughput_waits_for_the_device_before_it_reads_the_clock(monkeypatch):
    waited = []
    monkeypatch.setattr(devices, "synchronise", lambda device: (waited.append(device), time.sleep(0.05)))
    meter = devices.Throughput(CPU)
    assert waited == [CPU]
    meter.add(30)
    meter.add(20)
    rate = meter.rate
    assert waited == [CPU, CPU]
    # 0.05 s of work was still under way: 50 images in at least that time, and the start is after its own wait
    assert 50 / 0.5 < rate <= 50 / 0.05


def test_throughput_starts_at_zero():
    assert devices.Throughput(CPU).rate == 0


def test_synchronise_asks_the_right_backend(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "synchronize", asked.append)
    monkeypatch.setattr(torch.mps, "synchronize", lambda: asked.append("mps"))
    for name in ("cpu", "mps", "cuda:1"):
        devices.synchronise(torch.device(name))
    assert asked == ["mps", torch.device("cuda:1")]


def test_budget_follows_the_device():
    assert [devices.budget(torch.device(name)) for name in ("cpu", "mps", "cuda:0")] == ["cpu", "gpu", "gpu"]


def test_describe_tells_the_truth_about_the_cpu():
    found = devices.describe(CPU)
    assert found["device"] == "cpu" and found["name"]
    assert found["threads"] == torch.get_num_threads()
    assert found["memory_gb"] is None or 0.5 < found["memory_gb"] < 100_000


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a cuda GPU")
def test_on_a_real_gpu():
    gpu = devices.pick()
    assert gpu.type == "cuda" and devices.describe()["memory_gb"] > 1
    devices.seed_everything(3)
    first = torch.rand(4, device=gpu)
    devices.seed_everything(3)
    assert torch.equal(first, torch.rand(4, device=gpu))
    if torch.cuda.is_bf16_supported(including_emulation=False):
        with devices.autocast(gpu):
            assert (torch.ones(2, 2, device=gpu) @ torch.ones(2, 2, device=gpu)).dtype == torch.bfloat16
