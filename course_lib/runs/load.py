"""From a folder back to a network: built from its card alone, then filled with the weights beside it."""

import hashlib
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course_lib.data import data_dir
from course_lib.errors import CourseError
from course_lib.recipes import RECIPES
from course_lib.runs.card import CARD_FILE, WEIGHTS_FILE, read_card
from course_lib.system.checkpoint import load_weights
from course_lib.system.device import pick


def find_run(name: str | Path) -> Path:
    """The folder of a run, from its path or from the name of a published checkpoint. An existing folder wins.

    Raises CourseError, listing the published checkpoints, if neither exists. Chapter 00.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder
    published = data_dir() / "checkpoints"
    known = sorted(card.parent.name for card in published.glob(f"*/{CARD_FILE}"))
    if os.fspath(name) in known:
        return published / name
    hint = f"; published checkpoints are {', '.join(known)}" if os.sep not in os.fspath(name) else ""
    raise CourseError(f"{name} is not a folder; give the one that `course train` wrote{hint}")


def load_model(
    folder: str | Path, device: torch.device | None = None, card: dict[str, Any] | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """A trained network, in evaluation mode on `device`, and its card.

    Args:
        folder: what `course train` wrote, or the name of a published checkpoint, such as "denoise".
        device: the first GPU or the CPU unless given.
        card: the folder's card, if it has been read already.
    The network is built from the card: no data are read, no optimiser is made, and no random number is drawn. Raises
    CourseError for a folder without a finished run, a damaged card, and weights that do not match the card. Chapter 00.
    """
    folder = find_run(folder)
    card = read_card(folder) if card is None else card
    weights = folder / WEIGHTS_FILE
    if weights.is_file() and sha256(weights) != card["sha256"]:
        raise CourseError(f"{weights} is not what its card describes (sha256); download or train it again")
    try:
        # Tensors on the meta device have a shape but no values: nothing is drawn at random or filled twice.
        with torch.device("meta"):
            model = RECIPES[card["recipe"]].network(**card["network"])
    except (TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise CourseError(
            f"{folder / CARD_FILE} does not fit the network of {card['recipe']} ({reason}); train it again"
        ) from error
    load_weights(model, weights)
    return model.to(device or pick()).eval(), card


def sha256(path: Path) -> str:
    """The SHA-256 checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
