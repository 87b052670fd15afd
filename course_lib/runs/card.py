"""The card of a trained network: how it was trained, on what, how long, how good it is, and how to rebuild it."""

import json
import math
import platform
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fastjsonschema

from course_lib.errors import CourseError
from course_lib.recipes import RECIPES, Run
from course_lib.system.device import describe

CARD_FILE, WEIGHTS_FILE = "card.json", "model.safetensors"
LARGEST = 1_000_000  # bytes; a card takes a few thousand

_TEXT, _COUNT, _NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "number"}
_MAYBE = {"type": ["number", "null"]}
SCHEMA = {
    "type": "object",
    "required": ["recipe", "arguments", "network", "steps", "seconds", "device", "metrics", "sha256"],
    "properties": {
        "recipe": {"enum": list(RECIPES)},
        "arguments": {
            "type": "object",
            "properties": {
                "data": {"type": ["string", "null"]},
                "seed": _COUNT,
                "steps": _MAYBE,
                "seconds": _MAYBE,
                "budget": {"enum": ["cpu", "gpu", None]},
            },
        },
        # The arguments of the recipe's network. Bounded, so that no card can exhaust the memory.
        "network": {
            "type": "object",
            "additionalProperties": {"type": "integer", "minimum": 1, "maximum": 4096},
            "maxProperties": 16,
        },
        "seed": _COUNT,
        "versions": {"type": "object", "additionalProperties": _TEXT},
        "device": {"type": "object", "required": ["device", "threads"], "properties": {"device": _TEXT}},
        "steps": _COUNT,
        "seconds": _NUMBER,
        "images_per_second": _NUMBER,
        "parameters": _COUNT,
        "metrics": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "value", "unit", "protocol"],
                "properties": {"name": _TEXT, "value": _MAYBE, "unit": _TEXT, "protocol": _TEXT},
            },
        },
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "weights": {"enum": ["float16", "float32"]},
    },
}


def make_card(run: Run, arguments: dict[str, Any]) -> dict[str, Any]:
    """What to know about a trained network: how it was trained, on what, how long, and how good it is. Chapter 01."""
    trainer, about = run.trainer, describe(run.trainer.device)
    return {
        "recipe": arguments["recipe"],
        "arguments": arguments,
        "network": run.config,
        "seed": arguments["seed"],
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("residual-imaging", "torch", "torchvision", "accelerate")},
        "device": about,
        "steps": trainer.steps,
        "seconds": round(trainer.seconds, 1),
        "images_per_second": round(trainer.images_per_second, 1),
        "parameters": sum(parameter.numel() for parameter in run.model.parameters()),
        "metrics": [finite(vars(metric)) for metric in run.evaluate()],
    }


def finite(metric: Mapping[str, Any]) -> dict[str, Any]:
    """The same metric with None for nan and inf, which JSON does not have (PSNR is inf where nothing differs)."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in metric.items()
    }


def value_text(metric: Mapping[str, Any]) -> str:
    """A metric's value with four digits, as tables show it."""
    return "not finite" if metric["value"] is None else f"{metric['value']:.4g}"


def read_card(folder: str | Path) -> dict[str, Any]:
    """The card of a trained network as a dict; CourseError if there is none or it is damaged. Chapter 00."""
    path = Path(folder) / CARD_FILE
    try:
        if path.stat().st_size > LARGEST:
            raise CourseError(
                f"{path} has {path.stat().st_size:,} bytes, too many for a card; download or train it again"
            )
        text = path.read_bytes().decode("utf-8")
        card = json.loads(text, parse_constant=_no_number)
    except (FileNotFoundError, NotADirectoryError):
        raise CourseError(f"{folder} holds no {CARD_FILE}, so no finished run; train with --out {folder}") from None
    except OSError as error:
        raise CourseError(f"cannot read {path} ({error.strerror or error}); it must be a readable file") from error
    except (ValueError, RecursionError) as error:
        raise CourseError(f"{path} is damaged ({_short(error)}); download or train it again") from error
    if isinstance(card, dict) and card.get("network") is None and card.get("recipe") in list(RECIPES):
        raise CourseError(
            f"{path} does not say how to build its network (an earlier version wrote it, or the network was your own); "
            f"course train {card['recipe']} --out {folder} --resume writes it again"
        )
    try:
        return _checked()(card)
    except fastjsonschema.JsonSchemaValueException as error:
        raise CourseError(
            f"{path} is damaged ({_short(error.message.removeprefix('data.'))}); download or train it again"
        ) from error


@cache
def _checked() -> Callable[[Any], dict[str, Any]]:
    return fastjsonschema.compile(SCHEMA)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _short(what: object, most: int = 120) -> str:
    """On one line, cut to at most `most` characters."""
    text = " ".join(str(what).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
