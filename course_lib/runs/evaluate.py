"""Evaluate a trained network again: a generator by every metric of sets of images, others by their recipe's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from tqdm import tqdm

from course_lib.data import Images, load
from course_lib.errors import CourseError
from course_lib.evaluation import Scores, compare, extract_features, garments, inception, score_table
from course_lib.recipes import RECIPES, Recipe
from course_lib.runs.card import finite, read_card, value_text
from course_lib.runs.load import find_run, load_model
from course_lib.sampling import sample_images
from course_lib.system.device import pick

MANY, SEED = 10_000, 1  # as on the cards
K = 3  # neighbours for precision and recall, as in their paper
EXTRACTORS = ("garments", "inception")


class Verdict(NamedTuple):
    """The same numbers in two forms: `text` to read, `content` for `--json`."""

    text: str
    content: dict[str, Any]


def evaluate(
    folder: str | Path,
    *,
    data: str | None = None,
    n: int | None = None,
    seed: int | None = None,
    extractor: str | None = None,
) -> Verdict:
    """Evaluate the run in `folder` on the test split of `data` (default: the set that it was trained on).

    A generator's `n` samples (10,000 with seed 1, as on the cards), noise and real training images are compared with
    that split on the features of `extractor`, one of EXTRACTORS. Other runs give their recipe's own metrics. Raises
    CourseError for a folder without a run, an option that the run does not use, and values out of range.
    """
    if n is not None and n <= K:
        raise CourseError(f"--n {n} is too few: precision and recall need {K} neighbours; give {K + 1} or more")
    if extractor not in (None, *EXTRACTORS):
        raise CourseError(f"--extractor {extractor} is unknown; give {' or '.join(EXTRACTORS)}")
    folder = find_run(folder)
    card = read_card(folder)
    recipe = RECIPES[card["recipe"]]
    trained = card["arguments"].get("data") or recipe.data
    name = data or trained
    try:
        test = load(name, "test")
    except CourseError as error:
        if data is not None or name == recipe.data:
            raise
        raise CourseError(f"{error}; or evaluate with --data {recipe.data}") from error
    device = pick()
    model, _ = load_model(folder, device, card)
    title = f"{recipe.name}, {card['steps']:,} steps on {trained}: {folder}"
    if recipe.kind == "generator":
        of = (n or MANY, SEED if seed is None else seed, extractor or "garments")
        return _of_generator(model, device, card, title, test, *of)
    for option, value in (("--n", n), ("--seed", seed), ("--extractor", extractor)):
        if value is not None:
            raise CourseError(f"{option} {value} was given, but {recipe.name} generates no images; leave it out")
    return _of_its_own(recipe, model, device, card, title, name)


def _of_generator(
    model: nn.Module,
    device: torch.device,
    card: dict[str, Any],
    title: str,
    test: Images,
    n: int,
    seed: int,
    extractor_name: str,
) -> Verdict:
    test.require_one_size()
    reference, train = test.tensors()[0], load(test.name, "train", limit=n)
    shape = reference.shape[1:]
    if extractor_name == "garments" and shape != (1, 28, 28):
        size = "×".join(map(str, shape))
        raise CourseError(
            f"{test.name} has images of {size}, but garments needs grey ones of 28×28; add --extractor inception"
        )
    extractor = (garments if extractor_name == "garments" else inception)(device)
    # One set at a time, because images take more memory than their features.
    sources = {
        "samples": lambda: sample_images(model, n, seed),
        "noise": lambda: torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed)),
        "real": lambda: train.tensors()[0],
    }
    seen = {name: extract_features(source(), extractor) for name, source in sources.items()}
    against = extract_features(reference, extractor)
    # Precision and recall depend on the number of images, so every row uses the same number.
    among = min(n, len(train), len(reference))
    waiting = tqdm(seen.items(), "comparing", delay=5, leave=False, disable=None)
    rows = {name: compare(against, features, K, among) for name, features in waiting}
    about = [
        title,
        f"samples: seed {seed}; noise: uniform, seed {seed}; real: {test.name}, the first of the training split",
        score_table(rows, extractor, f"{test.name}, test split"),
        "",
        *(f"on its card: {metric['name']} {value_text(metric)} ({metric['protocol']})" for metric in card["metrics"]),
    ]
    protocol = {
        "data": test.name,
        "split": "test",
        "reference_n": len(reference),
        "extractor": extractor.name,
        "score": extractor.names.frechet,
        "resize": extractor.resize,
        "bits": 8,
        "k": K,
        "among": among,
        "seed": seed,
    }
    return Verdict("\n".join(about), _content(card, protocol, [_row(name, row) for name, row in rows.items()]))


def _row(name: str, scores: Scores) -> dict[str, Any]:
    # The protocol holds what all rows share.
    own = {key: value for key, value in scores._asdict().items() if key not in ("reference_n", "k", "among")}
    return {"name": name} | own


def _of_its_own(
    recipe: Recipe, model: nn.Module, device: torch.device, card: dict[str, Any], title: str, data: str
) -> Verdict:
    rows = [vars(metric) for metric in recipe.evaluate(model, data, device)]
    on_card = {metric["name"]: metric for metric in card["metrics"]}
    lines = [("metric", "value", "unit", "protocol")]
    for row in rows:
        lines.append((row["name"], value_text(row), row["unit"], row["protocol"]))
        if before := on_card.get(row["name"]):
            protocol = "the same" if before["protocol"] == row["protocol"] else before["protocol"]
            lines.append(("  on its card", value_text(before), before["unit"], protocol))
    wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [f"{a:{wide[0]}}  {b:>{wide[1]}}  {c:{wide[2]}}  {d}" for a, b, c, d in lines]
    return Verdict("\n".join([title, "", *table]), _content(card, {"data": data, "split": "test"}, rows))


def _content(card: dict[str, Any], protocol: dict[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The result as JSON, which has no nan and no inf."""
    return {"recipe": card["recipe"], "protocol": protocol, "rows": list(map(finite, rows)), "card": card["metrics"]}
