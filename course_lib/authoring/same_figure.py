"""Whether a figure drawn again is the figure that was committed, judged by this figure's own spread.

Data flow: two outputs, each a PNG with its description (drawn.py) → `distances`, a few numbers for each part of the
figure → `difference` compares them with ROOM times the spread of the same part between runs that differ only by
rounding (bands.py measures it), plus FLOORS, which a reader could not see. A part that is the same in all runs is
deterministic, and compared closely. On an architecture other than the measured one, only presence, size and blankness
are compared.

Descriptions see what images hide (one curve's colour, a digit in a title) and images see what descriptions leave out
(an image replaced by hand), so both have to agree. Course machinery.
"""

import base64
import json
import math
import re
from dataclasses import dataclass

from course_lib.authoring.instructions import is_x86
from course_lib.authoring.kernel import DESCRIPTION
from course_lib.authoring.same_picture import COLUMNS, disorder, unlike

ROOM = 2.0  # of the largest distance between any two of the measured runs
FLOORS = {
    "mean": 0.004,  # of a panel's height or an image's range: one grey level
    "largest": 0.012,
    "picture": 0.06,  # of the ink in a tile
    "count": 0.0,  # whole numbers in words
    "digit": 1.0,  # of the last digit of a decimal number in words: rounding may fall either way
}
KINDS = ("image/png", "image/jpeg")
CALM = 0.15  # of a panel's height or an image's range: more is another curve, or another image
WHOLLY = 10.0  # the distance to a missing value
TILES = "tiles of the picture"
EMPTY = {"values": [], "span": 1.0}

TEXT, POSITION = re.compile(r"panel \d+, text \d+"), ", position"

Spread = dict[str, list[float]]


class Unlike(ValueError):
    """Two figures that no spread can explain: other words, or another number of curves."""


@dataclass(frozen=True)
class Shown:
    """One figure among a cell's outputs: its image, and its description (None if matplotlib did not draw it)."""

    picture: bytes
    description: dict | None


def shown(outputs: list[dict]) -> list[Shown]:
    """The figures among a cell's outputs, in order."""
    found = []
    for output in outputs:
        for kind in KINDS:
            if kind in output.get("data", {}):
                described = output.get("metadata", {}).get(kind, {}).get(DESCRIPTION)
                description = json.loads(described) if described else None
                found.append(Shown(base64.b64decode(output["data"][kind]), description))
    return found


def difference(committed: Shown, fresh: Shown, spread: Spread | None) -> str:
    """Why two figures differ, in one line; empty if they are the same. `spread` None: compare closely."""
    if reason := disorder(committed.picture, fresh.picture):
        return reason
    if not is_x86():
        return ""
    try:
        found = distances(committed, fresh)
    except Unlike as reason:
        return str(reason)
    for part, values in found.items():
        floor, known = FLOORS[kind(part)], (spread or {}).get(part, [])
        for place, value in enumerate(values):
            allowed = ROOM * (known[place] if place < len(known) else 0.0) + floor
            if value >= WHOLLY > allowed and kind(part) in ("mean", "largest"):
                return f"{part.rpartition(':')[0]} has other values, or none"
            if value > allowed + 1e-9:
                return f"{_tile(part, place)} differs by {_shown(part, value)}, at most {_shown(part, allowed)}"
    return ""


def kind(part: str) -> str:
    """Which of FLOORS applies to a part: the last word of its name."""
    return part.rsplit(" ", 1)[1]


def _tile(part: str, place: int) -> str:
    if kind(part) != "picture":
        return part
    return f"the picture, in row {place // COLUMNS + 1} and column {place % COLUMNS + 1} of its tiles,"


def _shown(part: str, value: float) -> str:
    return f"{value:.3g} of its last digit" if kind(part) in ("count", "digit") else f"{value:.1%}"


def distances(a: Shown, b: Shown) -> Spread:
    """For each part of a figure, the distance between two drawings of it. Raises Unlike for other words or curves."""
    if (a.description is None) != (b.description is None):
        raise Unlike("has no description: build it again with `course notebooks`")
    found = {} if a.description is None else _described(a.description, b.description)
    return found | {TILES: unlike(a.picture, b.picture)}


def _described(a: dict, b: dict) -> Spread:
    found: Spread = {}
    (old, old_parts), (new, new_parts) = _matched(a), _matched(b)
    for where in [*old, *(where for where in new if where not in old)]:
        if where not in new or where not in old:
            raise Unlike(f"{where} is {'new' if where in new else 'gone'}: {(old | new)[where][0]!r}")
        (text, numbers), (text_now, numbers_now) = old[where], new[where]
        if text != text_now or len(numbers) != len(numbers_now):
            raise Unlike(f"{where} is {text_now!r}, committed {text!r}")
        for place, (one, other) in enumerate(zip(numbers, numbers_now, strict=True), 1):
            decimals = max(_decimals(one), _decimals(other))
            apart = abs(_number(one) - _number(other)) * 10**decimals
            found[f"{where}: number {place} as {'digit' if decimals else 'count'}"] = [round(apart, 6)]
    for name in old_parts | new_parts:
        parts = old_parts.get(name, EMPTY), new_parts.get(name, EMPTY)
        one, other = (part["values"] for part in parts)
        # The number of points may be chance, as with the modes that a GAN covers; then the spread shows it.
        apart = [WHOLLY] * len(one or other)
        if len(one) == len(other):
            apart = [_apart(x, y, parts[0]["span"]) for x, y in zip(one, other, strict=True)]
        found[f"{name}: mean"], found[f"{name}: largest"] = [math.fsum(apart) / len(apart)], [max(apart)]
    return found


def _matched(description: dict) -> tuple[dict[str, tuple[str, list[str]]], dict[str, dict]]:
    """A description's words and parts by name; texts in a panel are named by their words.

    Names at the ends of curves are drawn in the order of the curves' last values, which rounding may swap.
    """
    names: dict[str, str] = {}
    for where, text, _ in description["words"]:
        if TEXT.fullmatch(where):
            name = f"{where.rpartition(', ')[0]}, text {text.strip()!r}"
            before = sum(known.startswith(name) for known in names.values())
            names[where] = f"{name} ({before + 1})" if before else name
    words = {names.get(where, where): (text, numbers) for where, text, numbers in description["words"]}
    parts = {}
    for name, part in description["parts"].items():
        where = name.removesuffix(POSITION)
        parts[names[where] + POSITION if where in names else name] = part
    return words, parts


def _apart(x: float | None, y: float | None, span: float) -> float:
    if x is None or y is None:
        return 0.0 if x is y else WHOLLY
    return abs(x - y) / span


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def _decimals(text: str) -> int:
    mantissa, _, exponent = text.replace(",", "").partition("e")
    places = len(mantissa.partition(".")[2])
    return max(0, places - int(exponent or 0)) if exponent else places
