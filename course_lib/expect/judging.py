"""A measured number and the band it must fall in, as one line of plain text.

Data flow: `expect` judges a number, prints one line and remembers it; `scorecard` prints all remembered
numbers as one table, each with its protocol. reading.py defines the text format and how tests read it back.
"""

import math
from dataclasses import replace
from typing import Any

from course_lib.errors import CourseError
from course_lib.expect.reading import Reading

VALUE_WIDTH = 14

_remembered: dict[str, Reading] = {}


class _Verdict(int):
    """True or False that a notebook does not echo below a cell ending in `expect(...)`. Chapter 00.

    It is an int because `bool` cannot be subclassed; it equals True or False and works wherever they do.
    """

    def __repr__(self) -> str:
        return repr(bool(self))

    def _ipython_display_(self) -> None:
        """Display nothing, because the printed line already shows the verdict."""


def expect(label: str, value: Any, *, low: float, high: float, unit: str = "", protocol: str = "") -> bool:
    """Print `label: value unit   [band low … high unit] ✓` and return low <= value <= high. Chapter 00.

    `value` is a Python number, a NumPy scalar or a tensor of one element; nan and inf never pass. `unit` is
    printed after the value and the band; `protocol` says how the number was measured, for `scorecard`.
    Measuring again under the same label replaces the earlier number. Raises CourseError for a band with
    low > high, a value that is not a number, or text that would break the format of the line.
    """
    _one_line("label", label, "|")
    _one_line("unit", unit, "|[]:")
    _one_line("protocol", protocol, "|")
    if not label:
        raise CourseError("expect: the label is empty; name the quantity, e.g. 'PSNR gain over bicubic'")
    number, low, high = (_plain(v, label) for v in (value, low, high))
    if not (low <= high and math.isfinite(low) and math.isfinite(high)):
        raise CourseError(f"expect: the band of {label!r} is {low} … {high}; wanted finite low <= high")
    reading = Reading(label, number, low, high, unit, protocol, good=False)
    reading = _remembered[label] = replace(reading, good=reading.inside)
    tail = f" {unit}" if unit else ""
    print(f"{label}: {reading.value_text}{tail}   [band {reading.band_text}{tail}] {reading.tick}")
    return _Verdict(reading.good)


def scorecard(protocol: dict[str, str] | None = None) -> None:
    """Print every number judged so far: quantity, value, band, unit, protocol, tick. Chapter 00.

    `protocol` maps labels to protocols, in addition to those given to `expect`. Raises CourseError for labels
    without a protocol (such a number cannot be compared with anything) or that were never measured.
    """
    given = protocol or {}
    if not _remembered:
        raise CourseError("scorecard: nothing measured yet; call expect(label, value, low=…, high=…) first")
    if unknown := [label for label in given if label not in _remembered]:
        raise CourseError(f"scorecard: no expect() measured {unknown}; use one of {list(_remembered)}")
    for text in given.values():
        _one_line("protocol", text, "|")
    readings = [replace(r, protocol=given.get(r.label, r.protocol)) for r in _remembered.values()]
    if missing := [r.label for r in readings if not r.protocol]:
        raise CourseError(f"scorecard: no protocol for {missing}; give expect() protocol='data, split, N, …'")
    rows = [("quantity", "value".rjust(VALUE_WIDTH), "band", "unit", "protocol", "✓/✗")]
    for r in readings:
        rows.append((r.label, r.value_text.rjust(VALUE_WIDTH), r.band_text, r.unit, r.protocol, r.tick))
    # The value column has a fixed width, because a longer value would shift the columns after it.
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    widths[1] = VALUE_WIDTH
    lines = [" | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    print("\n".join([lines[0], "-+-".join("-" * w for w in widths), *lines[1:]]))


def judged() -> list[Reading]:
    """All numbers judged so far, in order: `scorecard` prints them and the bands are derived from them. Chapter 00."""
    return list(_remembered.values())


def forget() -> None:
    """Forget all numbers judged so far, as in a fresh kernel. Chapter 00."""
    _remembered.clear()


def _one_line(name: str, text: str, forbidden: str) -> None:
    """CourseError unless `text` is one trimmed line without the characters that structure the printed line."""
    wrong = any(sign in text for sign in forbidden) or "[band" in text or not text.isprintable()
    if wrong or text != text.strip():
        raise CourseError(f"expect: {name} {text!r} must be one trimmed line without any of '{forbidden}'")


def _plain(value: Any, label: str) -> float:
    """A Python int or float from a number, a NumPy scalar or a tensor of one element; else CourseError."""
    try:
        # .item() rather than float(), which warns on stderr for a tensor that requires a gradient.
        plain = value.item() if hasattr(value, "item") else value
    except (RuntimeError, ValueError):
        plain = None
    if not isinstance(plain, int | float):
        kind = type(value).__name__
        raise CourseError(f"expect: {label!r} got {kind}; wanted one number (reduce it first: .mean())")
    return int(plain) if isinstance(plain, bool) else plain
