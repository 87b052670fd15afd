"""One judged number: how it is printed, and how it is read back from a notebook's output.

Data flow: `expect` makes a `Reading` and prints it in the format `LINE`, `scorecard` in `ROW`.
tests/sanitize.cfg masks the value, and nothing else, in both when nbval compares a re-run; `readings`
parses committed outputs so that every judgement can be repeated. Internal to `expect` (chapter 00).
"""

import math
import re
from dataclasses import dataclass

TICK, CROSS = "✓", "✗"
NUMBER = r"(?:nan|-?inf|-?[0-9][0-9,]*(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)"
BAND = rf"({NUMBER}) … ({NUMBER})"
LINE = re.compile(rf"(.+): ({NUMBER})(| [^ ].*?)   \[band {BAND}\3\] ([{TICK}{CROSS}])")
ROW = re.compile(rf"([^|]+?) +\| +({NUMBER}) +\| {BAND} +\| ([^|]*?) *\| ([^|]+?) *\| ([{TICK}{CROSS}])")


@dataclass(frozen=True)
class Reading:
    """A number and its band. `good`: whether it was ticked; `protocol`: how it was measured (data, split, N, …)."""

    label: str
    value: float
    low: float
    high: float
    unit: str
    protocol: str
    good: bool

    @property
    def inside(self) -> bool:
        """Whether low <= value <= high; nan and inf never are."""
        return math.isfinite(self.value) and self.low <= self.value <= self.high

    @property
    def value_text(self) -> str:
        return shown(self.value, self.low, self.high)

    @property
    def band_text(self) -> str:
        return f"{exact(self.low)} … {exact(self.high)}"

    @property
    def tick(self) -> str:
        return TICK if self.good else CROSS


def exact(number: float) -> str:
    """The shortest text that parses to the same number, with thousands separators; bands are never rounded."""
    if not math.isfinite(number):
        return str(float(number))
    if isinstance(number, int) or (number.is_integer() and abs(number) < 1e15):
        return f"{int(number):,}"
    return repr(float(number))


def shown(number: float, low: float, high: float) -> str:
    """Four significant digits, or more if rounding would move the number across an edge of its band."""
    if isinstance(number, int) or not math.isfinite(number):
        return exact(number)
    for digits in range(4, 17):
        decimals = digits - 1 - math.floor(math.log10(abs(number))) if number else 0
        thousands = 1000 <= abs(number) < 1e15
        text = f"{number:,.{max(0, decimals)}f}" if thousands else f"{number:.{digits}g}"
        if (low <= float(text.replace(",", "")) <= high) == (low <= number <= high):
            return text
    return repr(float(number))


def readings(text: str) -> list[Reading]:
    """All judgements printed in `text` (expect lines, scorecard rows) in order; other lines are skipped."""
    found = []
    for line in text.splitlines():
        if match := LINE.fullmatch(line):
            label, value, unit, low, high, tick = match.groups()
            protocol = ""
        elif match := ROW.fullmatch(line):
            label, value, low, high, unit, protocol, tick = match.groups()
        else:
            continue
        value, low, high = (float(v.replace(",", "")) for v in (value, low, high))
        found.append(Reading(label, value, low, high, unit.strip(), protocol, tick == TICK))
    return found
