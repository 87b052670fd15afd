"""What a Fréchet distance costs, and how many of its digits are right: four ways, from 128 to 2,048 dimensions.

    python benchmarks/frechet_speed.py                       every way, in some minutes; writes docs/frechet.md
    python benchmarks/frechet_speed.py --dims 128 256        a quick look, printed only

The covariances are built so that their distance is known: Σ₂ = TΣ₁T with a symmetric positive T, where x → Tx is the
best way from one Gaussian to the other. All ways see the same matrices, in short turns one after the other, so that a
machine that is busy for a while is busy for all. Reported are medians over the rounds.
"""

import argparse
import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import scipy
import torch
from torch import Tensor

from course_lib.metrics import FeatureStats, Gaussian, frechet_distance, textbook_frechet_distance

TABLE = Path(__file__).parents[1] / "docs" / "frechet.md"
DIMS = (128, 256, 512, 1024, 2048)
CONDITION = 1e4
FEW = 250

KEPT, ONCE = "`Gaussian`, the reference kept", "`frechet_distance`, nothing kept"
PRODUCT, ROOT = "eigenvalues of the product", "SciPy's `sqrtm`"
FROM_FEATURES, FROM_COVARIANCE = "`Gaussian.of(features)`", "their covariance"


def known_pair(dim: int, seed: int = 0) -> tuple[Tensor, Tensor, float]:
    """Σ₁ with eigenvalues from 1 to 1/CONDITION, Σ₂ = TΣ₁T, and their distance ‖(1 − T)Σ₁^½‖²."""
    generator = torch.Generator().manual_seed(seed)
    turns = (torch.linalg.qr(torch.randn(dim, dim, generator=generator, dtype=torch.float64)).Q for _ in range(2))
    along = torch.linspace(0, 1, dim, dtype=torch.float64)
    sigma, way = (turn * values @ turn.T for turn, values in zip(turns, (CONDITION**-along, 0.5 + along), strict=True))
    left = torch.eye(dim, dtype=torch.float64) - way
    other = way @ sigma @ way
    return sigma, (other + other.T) / 2, (left @ sigma @ left).trace().item()


def traces_less(overlap: float, sigma1: Tensor, sigma2: Tensor) -> float:
    return (sigma1.trace() + sigma2.trace()).item() - 2 * overlap


def by_root(sigma1: Tensor, sigma2: Tensor) -> float:
    return traces_less(scipy.linalg.sqrtm((sigma1 @ sigma2).numpy()).trace().real.item(), sigma1, sigma2)


def timed(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, tuple[float, float]]:
    """(median seconds, value) of each way; who goes first changes from round to round."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    values = {}
    for turn in range(rounds):
        for name in list(ways)[:: -1 if turn % 2 else 1]:
            started = time.perf_counter()
            values[name] = ways[name]()
            seconds[name].append(time.perf_counter() - started)
    return {name: (statistics.median(seconds[name]), values[name]) for name in ways}


def measure(dim: int, rounds: int) -> list[dict]:
    """One row a way: its seconds, its relative error, and how many times longer than ours it takes."""
    sigma1, sigma2, wanted = known_pair(dim)
    mu = torch.zeros(dim, dtype=torch.float64)
    reference = Gaussian(mu, sigma1)
    reference.distance(reference)  # makes it ready, and warms up
    ways = {
        KEPT: lambda: reference.distance(Gaussian(mu, sigma2)),
        ONCE: lambda: frechet_distance(mu, sigma1, mu, sigma2),
        PRODUCT: lambda: textbook_frechet_distance(mu, sigma1, mu, sigma2),
        ROOT: lambda: by_root(sigma1, sigma2),
    }
    return rows(dim, timed(ways, rounds), wanted)


def measure_few(dim: int, rounds: int) -> list[dict]:
    """FEW pictures of one generator against a reference with its covariance."""
    sigma, _, _ = known_pair(dim)
    features = torch.randn(FEW, dim, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    reference = Gaussian(torch.zeros(dim), sigma)
    stats = FeatureStats(dim).update(features)
    distance = reference.distance(Gaussian.of(features))
    ways = {
        FROM_FEATURES: lambda: reference.distance(Gaussian.of(features)),
        FROM_COVARIANCE: lambda: reference.distance(Gaussian(stats.mean, stats.cov)),
        PRODUCT: lambda: textbook_frechet_distance(torch.zeros(dim), sigma, stats.mean, stats.cov),
    }
    return rows(dim, timed(ways, rounds), distance)


def rows(dim: int, results: dict[str, tuple[float, float]], wanted: float) -> list[dict]:
    ours = next(iter(results.values()))[0]
    return [
        {"dim": dim, "way": way, "seconds": seconds, "times": seconds / ours, "error": abs(value / wanted - 1)}
        for way, (seconds, value) in results.items()
    ]


def as_table(rows: list[dict]) -> list[str]:
    """Growth is the power of d between a dimension and the one before it in the same way."""
    lines = ["| d | way | seconds | times the first | relative error | growth |", "|---|---|---|---|---|---|"]
    before: dict[str, dict] = {}
    for row in rows:
        growth = ""
        if last := before.get(row["way"]):
            growth = f"d^{math.log(row['seconds'] / last['seconds']) / math.log(row['dim'] / last['dim']):.1f}"
        before[row["way"]] = row
        cells = f"{row['dim']:,}", row["way"], f"{row['seconds']:.4f}", f"{row['times']:.1f}", f"{row['error']:.0e}"
        lines.append(f"| {' | '.join(cells)} | {growth} |")
    return lines


def report(full: list[dict], few: list[dict], rounds: int) -> str:
    machine = (
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, threads used: {torch.get_num_threads()}"
    )
    return "\n".join(
        [
            "# What a Fréchet distance costs",
            "",
            "Made by `python benchmarks/frechet_speed.py`: medians of "
            f"{rounds} rounds; {machine}; torch {torch.__version__}, SciPy {scipy.__version__}.",
            "",
            f"Two covariances with a known distance, eigenvalues of the first from 1 to {1 / CONDITION:.0e}:",
            "",
            *as_table(full),
            "",
            f"{FEW} pictures against a reference that is kept; the error is against the first way:",
            "",
            *as_table(few),
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What does a Fréchet distance cost?")
    parser.add_argument("--dims", type=int, nargs="+", default=list(DIMS))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    full, few = [], []
    for dim in arguments.dims:
        full += measure(dim, arguments.rounds)
        few += measure_few(dim, arguments.rounds) if dim > FEW else []
        print(f"{dim} dimensions done", flush=True)
    text = report(full, few, arguments.rounds)
    print(text)
    if tuple(arguments.dims) == DIMS:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
