"""Make of a finished run what data/checkpoints holds: weights and card, without what only a resume needs.

    python data/publish_checkpoint.py runs/mlp_gan data/checkpoints/mlp_gan --half

--half keeps the weights as 16-bit floats, half as large a file; they are 32-bit again once loaded. The card's metrics
are measured again with the weights that are kept, on the data that the run was trained on.
"""

import argparse
import json
from pathlib import Path

from course_lib.recipes import RECIPES
from course_lib.runs import load_model
from course_lib.runs.card import finite
from course_lib.runs.load import sha256
from course_lib.system.checkpoint import save_weights
from course_lib.system.device import pick
from course_lib.system.files import write_text


def publish(source: Path, target: Path, half: bool) -> dict:
    device = pick()
    model, card = load_model(source, device)
    recipe = RECIPES[card["recipe"]]
    if half:
        model.half().float()  # in place: rounded, and measured as it will be loaded
        card["weights"] = "float16"
    measured = recipe.evaluate(model, card["arguments"]["data"] or recipe.data, device)
    card["metrics"] = [finite(vars(metric)) for metric in measured]
    target.mkdir(parents=True, exist_ok=True)
    weights = target / "model.safetensors"
    save_weights(model.half() if half else model, weights)
    weights.chmod(0o644)
    card["sha256"] = sha256(weights)
    write_text(target / "card.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    return card


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--half", action="store_true")
    given = parser.parse_args()
    for metric in publish(given.source, given.target, given.half)["metrics"]:
        print("{name}: {value:.4g} {unit} ({protocol})".format(**metric))
