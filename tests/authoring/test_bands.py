"""Bands come from several seeds and instruction sets: committed notebooks are held against tests/bands/."""

import json
import re

import nbformat
import pytest

from course_lib.authoring.bands import ROUNDING, bands_file, is_loose
from course_lib.authoring.pairs import Pair, pairs
from course_lib.authoring.same_figure import CALM, shown
from course_lib.authoring.soundness import code_cells
from course_lib.expect.reading import Reading, readings

CHAPTERS = pairs("notebooks")
WITH_FIGURES = [
    pair for pair in pairs() if any(shown(cell.outputs) for cell in code_cells(nbformat.read(pair.notebook, 4)))
]


def measured(pair: Pair) -> dict:
    file = bands_file(pair)
    assert file.exists(), f"never measured: `course bands {pair.name}`"
    return json.loads(file.read_text(encoding="utf-8"))


def printed(pair: Pair) -> list[Reading]:
    cells = code_cells(nbformat.read(pair.notebook, as_version=4))
    return [reading for cell in cells for output in cell.outputs for reading in readings(output.get("text", ""))]


def complaints(found: list[Reading], seeds: dict[str, list[float]], rounding: dict[str, list[float]]) -> list[str]:
    wrong = []
    for reading in found:
        several = seeds.get(reading.label, [])
        for what, values in (("seeds", several), ("instructions", rounding.get(reading.label, []))):
            if not values:
                wrong.append(f"{reading.label}: not measured with other {what}")
            if outside := [value for value in values if not reading.low <= value <= reading.high]:
                wrong.append(
                    f"{reading.label}: band {reading.low} … {reading.high} leaves out {outside} of other {what}"
                )
        # A band may have room, not a field: a wide one would pass whatever a broken chapter measures.
        middle, span = sum(several) / max(len(several), 1), max(several, default=0) - min(several, default=0)
        if several and reading.high - reading.low > max(12 * span, 1.0 * abs(middle), 2e-5):
            wrong.append(f"{reading.label}: band {reading.low} … {reading.high} is too wide for {several}")
    return wrong


@pytest.mark.parametrize("pair", CHAPTERS, ids=lambda pair: pair.name)
def test_every_band_holds_at_least_five_seeds_other_instructions_and_not_much_more(pair):
    kept = measured(pair)
    assert kept["seeds"] >= 5 and all(len(v) == kept["seeds"] for v in kept["values"].values())
    assert all(len(v) == len(ROUNDING) + 1 >= 6 for v in kept["rounding"].values())
    found = printed(pair)
    assert found, "a chapter without a single judged number"
    assert complaints(found, kept["values"], kept["rounding"]) == []


@pytest.mark.parametrize("pair", WITH_FIGURES, ids=lambda pair: pair.name)
def test_the_spread_of_every_figure_was_measured_and_of_no_other(pair):
    cells = code_cells(nbformat.read(pair.notebook, as_version=4))
    figures = {cell.id: len(shown(cell.outputs)) for cell in cells if shown(cell.outputs)}
    kept = {cell: len(spreads) for cell, spreads in measured(pair)["figures"].items()}
    assert kept == figures, f"other code than was measured: `course bands {pair.name}`"


@pytest.mark.parametrize("pair", WITH_FIGURES, ids=lambda pair: pair.name)
def test_no_figure_is_chaotic(pair):
    """A curve that rounding sends anywhere proves nothing: calm the experiment (a smaller step, a mean over runs).

    Exempt are clouds of points and images (which mode is found, which picture is the nearest may flip as a whole) and
    arrows (they are drawn relative to each other), and the range of an axis, which follows its one highest bar.
    """
    cells = code_cells(nbformat.read(pair.notebook, as_version=4))
    figures = {cell.id: shown(cell.outputs) for cell in cells}
    wild = [
        f"{cell}, figure {number}: {part} moves by {values[0]:.0%}"
        for cell, spreads in measured(pair)["figures"].items()
        for number, spread in enumerate(spreads, 1)
        for part, values in spread.items()
        if part.endswith(": mean") and not re.search(" image | range:", part) and values[0] > CALM
        if not is_loose(part, figures[cell][number - 1])
    ]
    assert wild == []


@pytest.mark.parametrize(
    ("low", "high", "values", "rounding", "said"),
    [
        (1.0, 2.0, [1.2, 1.5, 1.8], [1.5, 1.6], ""),
        (1.0, 1.7, [1.2, 1.5, 1.8], [1.5], "leaves out [1.8] of other seeds"),
        (1.0, 1.9, [1.2, 1.5, 1.8], [1.5, 1.95], "leaves out [1.95] of other instructions"),
        (0.0, 90.0, [1.2, 1.5, 1.8], [1.5], "too wide"),
        (0.0, 1e-5, [0.0, 0.0], [0.0], ""),
        (1.0, 2.0, None, [1.5], "not measured with other seeds"),
        (1.0, 2.0, [1.2, 1.5], None, "not measured with other instructions"),
    ],
)
def test_the_rule_itself(low, high, values, rounding, said):
    reading = Reading("x", 1.5, low, high, "", "p", True)
    found = complaints([reading], *({} if v is None else {"x": v} for v in (values, rounding)))
    assert (not found) if said == "" else said in " ".join(found)
