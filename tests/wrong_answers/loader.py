"""Wrong answers from their TOML tables; the format is in README.md."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
KEYS = {"exercise", "mistake", "says", "code"}
FEWEST, MOST = 3, 12


@dataclass(frozen=True)
class WrongAnswer:
    """A plausible mistake: `code` replaces the solution cell, `says` must stand in the check's message."""

    exercise: str
    mistake: str
    says: str
    code: str


def load(stem: str, folder: Path = FOLDER) -> list[WrongAnswer]:
    """The table of one solutions notebook, [] where there is none. Raises ValueError for a malformed one."""
    path = folder / f"{stem}.toml"
    if not path.exists():
        return []
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    if set(table) != {"wrong"}:
        raise ValueError(f"{path.name}: top-level keys are {sorted(table)}, wanted only [[wrong]] entries")
    for number, entry in enumerate(table["wrong"], start=1):
        if set(entry) != KEYS or not all(isinstance(v, str) and v.strip() for v in entry.values()):
            raise ValueError(f"{path.name}, entry {number}: wanted exactly {sorted(KEYS)}, each a text, none empty")
    return [WrongAnswer(**entry) for entry in table["wrong"]]


def complaints(exercises: list[str], wrong: list[WrongAnswer]) -> list[str]:
    """What is missing from, or too much in, one table, given the names of the notebook's exercises."""
    found = [f"{w.exercise!r} is no exercise; there are {exercises}" for w in wrong if w.exercise not in exercises]
    for exercise in exercises:
        mistakes = [w.mistake for w in wrong if w.exercise == exercise]
        if not FEWEST <= len(mistakes) <= MOST:
            found.append(f"{exercise}: {len(mistakes)} wrong answers, wanted {FEWEST} to {MOST}")
        if len(set(mistakes)) < len(mistakes):
            found.append(f"{exercise}: two wrong answers are called the same")
    return found
