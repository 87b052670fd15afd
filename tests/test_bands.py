"""Bands come from several seeds: what the committed notebooks print is held against tests/bands/."""

import json
from pathlib import Path

import nbformat
import pytest

from course_lib.reading import Reading, readings

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def printed(path: Path) -> list[Reading]:
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    return [reading for output in outputs for reading in readings(output.get("text", ""))]


def complaints(found: list[Reading], values: dict[str, list[float]]) -> list[str]:
    wrong = [f"{r.label}: not measured with other seeds" for r in found if r.label not in values]
    for reading in found:
        several = values.get(reading.label, [])
        if outside := [value for value in several if not reading.low <= value <= reading.high]:
            wrong.append(f"{reading.label}: band {reading.low} … {reading.high} leaves out {outside}")
        # A band may have room, not a field: a wide one would pass whatever a broken chapter measures.
        middle, span = sum(several) / max(len(several), 1), max(several, default=0) - min(several, default=0)
        if several and reading.high - reading.low > max(12 * span, 1.0 * abs(middle), 2e-5):
            wrong.append(f"{reading.label}: band {reading.low} … {reading.high} is too wide for {several}")
    return wrong


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_band_holds_at_least_five_seeds_and_not_much_more(path):
    measured = json.loads((ROOT / "tests" / "bands" / f"{path.stem}.json").read_text())
    assert measured["seeds"] >= 5 and all(len(v) == measured["seeds"] for v in measured["values"].values())
    found = printed(path)
    assert found, "a chapter without a single judged number"
    assert complaints(found, measured["values"]) == []


@pytest.mark.parametrize(
    ("low", "high", "values", "said"),
    [
        (1.0, 2.0, [1.2, 1.5, 1.8], ""),
        (1.0, 1.7, [1.2, 1.5, 1.8], "leaves out"),
        (0.0, 90.0, [1.2, 1.5, 1.8], "too wide"),
        (0.0, 1e-5, [0.0, 0.0], ""),
        (1.0, 2.0, None, "not measured"),
    ],
)
def test_the_rule_itself(low, high, values, said):
    found = complaints([Reading("x", 1.5, low, high, "", "p", True)], {} if values is None else {"x": values})
    assert (not found) if said == "" else said in found[0]
