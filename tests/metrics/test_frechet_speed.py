"""The benchmark of the Fréchet distance: its known distances are known, its ways agree, its table holds them."""

import importlib.util
from pathlib import Path

import pytest
import scipy.linalg
import torch

FILE = Path(__file__).parents[2] / "benchmarks" / "frechet_speed.py"


@pytest.fixture
def speed(monkeypatch):
    spec = importlib.util.spec_from_file_location("frechet_speed", FILE)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    monkeypatch.setattr(loaded, "FEW", 5)
    return loaded


def test_the_known_distance_is_the_textbooks(speed):
    sigma1, sigma2, distance = speed.known_pair(12)
    root = torch.from_numpy(scipy.linalg.sqrtm((sigma1 @ sigma2).numpy())).real
    assert distance == pytest.approx((sigma1 + sigma2 - 2 * root).trace().item(), rel=1e-10)
    # They do not commute: otherwise each way would have an easy case.
    assert (sigma1 @ sigma2 - sigma2 @ sigma1).abs().max() > 0.01


def test_all_ways_agree_and_the_table_holds_them(speed):
    full = speed.measure(8, rounds=2) + speed.measure(16, rounds=2)
    few = speed.measure_few(16, rounds=2)
    assert all(row["error"] < 1e-8 for row in full) and full[0]["times"] == 1
    assert all(row["error"] < 1e-5 for row in few)  # the product roots what rounding made of a zero
    text = speed.report(full, few, rounds=2)
    for way in (speed.KEPT, speed.ONCE, speed.PRODUCT, speed.ROOT, speed.FROM_FEATURES, speed.FROM_COVARIANCE):
        assert text.count(f"| 16 | {way} |") == (2 if way == speed.PRODUCT else 1)


def test_growth_is_the_power_between_two_rows(speed):
    rows = [{"dim": d, "way": "a", "seconds": 1e-3 * d**2, "times": 1, "error": 0} for d in (10, 20)]
    assert speed.as_table(rows)[-1].endswith("| d^2.0 |") and speed.as_table(rows)[-2].endswith("|  |")
