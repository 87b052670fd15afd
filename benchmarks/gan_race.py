"""The race of chapter 03: which GAN comes furthest in a minute of training?

    python benchmarks/gan_race.py                      every contender, three seeds, 60 seconds each
    python benchmarks/gan_race.py --only mlp_gan --seconds 5 --seeds 1
    python benchmarks/gan_race.py --draw               table and figure again from the saved results

All contenders train through the same trainer on the same pictures, are averaged alike, and are judged alike: FD-clf of
10,000 samples against the test set. A quiet machine is part of the protocol: the budget is seconds.
"""

import argparse
import json
import platform
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from course_lib import display, recipes
from course_lib.blocks import down_block, up_block
from course_lib.data import load
from course_lib.evaluation import EXTRACTOR, extract_features, fd_clf, garments
from course_lib.networks import (
    as_generator,
    dcgan_discriminator,
    dcgan_generator,
    mlp_discriminator,
    mlp_generator,
    residual_discriminator,
    residual_generator,
)
from course_lib.recipes import DCGAN_PLAN, MLP_PLAN, RESIDUAL_PLAN, GanPlan
from course_lib.system.device import describe, pick
from course_lib.training import r1_r2

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "data" / "gan_race.json"  # with the course's data: chapter 03 draws it, on Colab too
TABLE, FIGURE = ROOT / "docs" / "race.md", ROOT / "docs" / "race.png"
JUDGED = 10_000


def usual_generator(latent_size: int = 128) -> nn.Module:
    """Two of chapter 01's up-blocks with batch norm, 64 → 32 → 16 channels, a convolution at full size."""
    network = nn.Sequential(
        nn.Linear(latent_size, 64 * 7 * 7),
        nn.Unflatten(1, (64, 7, 7)),
        up_block(64, 32),
        up_block(32, 16),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 1, 3, padding=1),
        nn.Tanh(),
    )
    return as_generator(network, latent_size)


def usual_discriminator() -> nn.Module:
    """Chapter 01's down-blocks, 16 → 32 → 64 channels, the first at full size."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        down_block(16, 32),
        down_block(32, 64),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 1),
        nn.Flatten(0),
    )


def with_spectral_norm(network: nn.Module) -> nn.Module:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            spectral_norm(layer)
    return network


def unaided(images: Tensor) -> tuple[nn.Module, nn.Module]:
    """Ours without the Gaussian behind it; its last convolution must then not start at zero."""
    generator = residual_generator(images)
    generator.tail.reset_parameters()
    return as_generator(nn.Sequential(generator.branch, nn.Tanh()), generator.latent_size), residual_discriminator()


def ours(images: Tensor) -> tuple[nn.Module, nn.Module]:
    return residual_generator(images), residual_discriminator()


USUAL_PLAN = GanPlan("hinge", 64, 2e-4, (0.0, 0.9), 0.998, {})
Networks = Callable[[Tensor], tuple[nn.Module, nn.Module]]

# Rivals first, in the settings that their papers and tutorials use; then ours; then ours with one thing taken out.
RIVALS: dict[str, tuple[Networks, GanPlan]] = {
    "MLP GAN": (lambda images: (mlp_generator(), mlp_discriminator()), MLP_PLAN),
    "DCGAN": (lambda images: (dcgan_generator(64), dcgan_discriminator(64)), DCGAN_PLAN),
    "DCGAN, half width": (lambda images: (dcgan_generator(32), dcgan_discriminator(32)), DCGAN_PLAN),
    "SNGAN-style": (lambda images: (usual_generator(), with_spectral_norm(usual_discriminator())), USUAL_PLAN),
    "hinge residual GAN": (
        lambda images: (usual_generator(), usual_discriminator()),
        replace(USUAL_PLAN, learning_rate=1e-3, betas=(0.0, 0.99), penalty=r1_r2(0.1), every=8),
    ),
    "relativistic, R1 + R2": (
        lambda images: (usual_generator(), usual_discriminator()),
        replace(USUAL_PLAN, loss="relativistic", learning_rate=1e-3, betas=(0.0, 0.99), penalty=r1_r2(0.1), every=8),
    ),
}
OURS = {"residual_gan": (ours, RESIDUAL_PLAN)}
WITHOUT: dict[str, tuple[Networks, GanPlan]] = {
    "without the Gaussian shortcut": (unaided, RESIDUAL_PLAN),
    "hinge instead of relativistic": (ours, replace(RESIDUAL_PLAN, loss="hinge")),
    "penalty on every step": (ours, replace(RESIDUAL_PLAN, every=1)),
    "learning rate held to the end": (ours, replace(RESIDUAL_PLAN, schedule=lambda progress: 1.0)),
}
CONTENDERS = RIVALS | OURS | WITHOUT


def run_one(name: str, seed: int, seconds: float, data: str, reference) -> dict:
    networks, plan = CONTENDERS[name]
    run = recipes.gan(networks, plan, data, seed=seed)
    run.trainer.run(seconds=seconds)
    score = fd_clf(reference, run.sample(JUDGED, 1), run.trainer.device)
    weights = sum(weight.numel() for network in run.trainer.networks.values() for weight in network.parameters())
    return {"name": name, "seed": seed, "fd_clf": round(score, 3), "steps": run.trainer.steps, "weights": weights}


def ends_of_the_scale(data: str, reference) -> dict[str, float]:
    torch.manual_seed(0)
    noise = torch.rand(JUDGED, 1, 28, 28)
    real = load(data, "train", limit=JUDGED).tensors()[0]
    return {"noise": fd_clf(reference, noise, pick()), "real training pictures": fd_clf(reference, real, pick())}


def race(only: list[str], seeds: int, seconds: float, data: str) -> dict:
    reference = extract_features(load(data, "test").tensors()[0], garments(pick()))
    results = []
    for seed in range(seeds):  # seeds outside: what slows the machine for a while slows all contenders
        for name in only:
            results.append(run_one(name, seed, seconds, data, reference))
            print("{name:32} seed {seed}: FD-clf {fd_clf:7.2f} after {steps} steps".format(**results[-1]), flush=True)
    protocol = (
        f"{seconds:g} s of training, {data}; FD-clf of {JUDGED:,} samples of the averaged generator against the test "
        f"split; {EXTRACTOR}"
    )
    machine = describe() | {"processor": platform.processor() or platform.machine(), "torch": torch.__version__}
    return {"protocol": protocol, "machine": machine, "ends": ends_of_the_scale(data, reference), "results": results}


def medians(record: dict) -> list[dict]:
    rows = []
    for name in dict.fromkeys(result["name"] for result in record["results"]):
        mine = [result for result in record["results"] if result["name"] == name]
        scores = sorted(result["fd_clf"] for result in mine)
        steps = round(statistics.median(result["steps"] for result in mine))
        rows.append(mine[0] | {"median": statistics.median(scores), "scores": scores, "steps": steps})
    return rows


def write_table(record: dict) -> None:
    rows = medians(record)
    by_name = {row["name"]: row["median"] for row in rows}
    best = min(by_name[name] for name in RIVALS if name in by_name)
    lines = [
        "# The race: which GAN comes furthest in a minute?",
        "",
        "Made by `python benchmarks/gan_race.py`; the numbers are in `data/gan_race.json`.",
        "",
        f"Protocol: {record['protocol']}.",
        f"Machine: {record['machine']['device']}, {record['machine']['threads']} threads.",
        "",
        f"On this scale noise is at {record['ends']['noise']:.1f}, real training pictures are at "
        f"{record['ends']['real training pictures']:.2f}.",
        "",
        "![Bars: the distance of each contender](race.png)",
        "",
        "| contender | FD-clf, median | all seeds | steps in the time | weights |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        spread = ", ".join(f"{score:.1f}" for score in row["scores"])
        lines.append(f"| {row['name']} | {row['median']:.1f} | {spread} | {row['steps']:,} | {row['weights']:,} |")
    share = by_name["residual_gan"] / best
    lines += [
        "",
        f"`residual_gan` is at {share:.2f} of the best rival's distance ({best:.1f}), medians of the same run.",
        "",
    ]
    TABLE.write_text("\n".join(lines), encoding="utf-8")


def draw(record: dict) -> None:
    rows = medians(record)
    colours = ["baseline" if row["name"] in RIVALS else "ours" if row["name"] in OURS else "other" for row in rows]
    canvas, axes = display.figure(height=0.34 * len(rows) + 0.9)
    names = [row["name"] for row in rows]
    axes.barh(names, [row["median"] for row in rows], color=[display.COLOURS[colour] for colour in colours])
    for place, row in enumerate(rows):
        axes.plot(row["scores"], [place] * len(row["scores"]), "k.", markersize=5)
        axes.text(max(row["scores"]) + 0.3, place, f"{row['median']:.1f}", va="center")
    axes.invert_yaxis()
    axes.set(title="After a minute on two CPU cores", xlabel="FD-clf, median bar, a dot per seed (lower is better)")
    canvas.savefig(FIGURE, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description="Which GAN comes furthest in a minute of training?")
    parser.add_argument("--only", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS), metavar="NAME")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--draw", action="store_true", help="only table and figure, from the saved results")
    arguments = parser.parse_args()
    if arguments.draw:
        record = json.loads(arguments.out.read_text())
    else:
        record = race(arguments.only, arguments.seeds, arguments.seconds, arguments.data)
        arguments.out.write_text(json.dumps(record, indent=1) + "\n")
    if arguments.out == RESULTS and "residual_gan" in {result["name"] for result in record["results"]}:
        write_table(record)
        draw(record)


if __name__ == "__main__":
    main()
