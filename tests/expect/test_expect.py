"""expect and scorecard: the verdict, the printed text, and what the nbval sanitizer may hide of it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from nbval.plugin import get_sanitize_patterns

from course_lib.errors import CourseError
from course_lib.expect import expect, forget, scorecard
from course_lib.expect.reading import NUMBER, Reading, readings

CONFIG = Path(__file__).parents[1] / "sanitize.cfg"


@pytest.fixture(autouse=True)
def fresh():
    forget()
    yield
    forget()


def sanitize(text: str) -> str:
    for regex, replacement in get_sanitize_patterns(CONFIG.read_text(encoding="utf-8")):
        text = re.sub(regex, replacement, text)
    return text


def line(capsys, *args, **keywords) -> str:
    expect(*args, **keywords)
    return capsys.readouterr().out


def test_the_line(capsys):
    out = line(capsys, "PSNR gain over bicubic", 2.3149, low=1.5, high=3.5, unit="dB")
    assert out == "PSNR gain over bicubic: 2.315 dB   [band 1.5 … 3.5 dB] ✓\n"
    assert line(capsys, "images", 12345.6, low=0, high=20_000) == "images: 12,346   [band 0 … 20,000] ✓\n"


@pytest.mark.parametrize(
    "value, good",
    [
        (1, True),
        (3, True),
        (3.0000001, False),
        (0.9999, False),
        (np.float32(2), True),
        (np.int64(4), False),
        (torch.tensor(2.5, requires_grad=True), True),
        (torch.tensor([2.5]), True),
        (True, True),
        (float("nan"), False),
        (float("inf"), False),
        (torch.tensor(-torch.inf), False),
    ],
)
def test_the_verdict(capsys, recwarn, value, good):
    assert expect("x", value, low=1, high=3) == good
    assert capsys.readouterr().out.endswith("✓\n" if good else "✗\n")
    assert not recwarn.list  # a warning would stand on stderr in the notebook


def test_the_verdict_is_not_echoed(capsys):
    from IPython.core.formatters import DisplayFormatter

    data, _ = DisplayFormatter().format(expect("x", 1, low=0, high=2))
    assert data == {} and repr(expect("x", 3, low=0, high=2)) == "False"


@pytest.mark.parametrize(
    "label, value, keywords, says",
    [
        ("x", 1, {"low": 3, "high": 1}, "low <= high"),
        ("x", 1, {"low": float("nan"), "high": 1}, "low <= high"),
        ("x", "1", {"low": 0, "high": 1}, "wanted one number"),
        ("x", torch.ones(2), {"low": 0, "high": 1}, "wanted one number"),
        ("x", 1j, {"low": 0, "high": 1}, "wanted one number"),
        ("", 1, {"low": 0, "high": 1}, "label is empty"),
        ("a|b", 1, {"low": 0, "high": 1}, "label"),
        ("a\nb", 1, {"low": 0, "high": 1}, "label"),
        ("x", 1, {"low": 0, "high": 1, "unit": "a: b"}, "unit"),
        ("x", 1, {"low": 0, "high": 1, "protocol": " a"}, "protocol"),
    ],
)
def test_bad_input_is_one_clear_line(label, value, keywords, says):
    with pytest.raises(CourseError, match=says) as caught:
        expect(label, value, **keywords)
    assert "\n" not in str(caught.value)


finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.one_of(st.floats(), st.integers(-(10**18), 10**18))
label = st.sampled_from(["PSNR gain", "share: high", "R² (N=5)", "a … b"])
unit = st.sampled_from(["", "dB", "images / s", "%"])


@given(label, numbers, finite, finite, unit)
def test_what_is_printed_tells_the_verdict(name, value, a, b, unit):
    """The printed number lies in the printed band exactly when there is a tick, however close the edge."""
    reading = Reading(name, value, min(a, b), max(a, b), unit, "p", False)
    reading = replace(reading, good=reading.inside)
    assert re.fullmatch(NUMBER, reading.value_text)
    tail = f" {unit}" if unit else ""
    line = f"{name}: {reading.value_text}{tail}   [band {reading.band_text}{tail}] {reading.tick}"
    (back,) = readings(line)
    assert (back.label, back.low, back.high, back.unit) == (name, reading.low, reading.high, unit)
    assert back.inside == back.good == reading.good


def test_just_outside_stays_outside(capsys):
    assert line(capsys, "x", 1 / 3, low=0.3333, high=1) == "x: 0.3333   [band 0.3333 … 1] ✓\n"
    assert line(capsys, "x", 1 / 3, low=0.33333, high=1) == "x: 0.33333   [band 0.33333 … 1] ✓\n"
    assert line(capsys, "x", 1.49999, low=1.5, high=2) == "x: 1.49999   [band 1.5 … 2] ✗\n"


def table(capsys, value: float, name: str = "gain", band=(0, 10), unit: str = "dB", how: str = "Set5, N=5"):
    forget()
    expect("parameters", 11_689_512, low=11_689_512, high=11_689_512, protocol="exact")
    expect(name, value, low=band[0], high=band[1], unit=unit, protocol=how)
    scorecard()
    return capsys.readouterr().out


def test_scorecard(capsys):
    lines = table(capsys, 2.31).splitlines()[2:]
    assert [[cell.strip() for cell in row.split(" | ")] for row in [lines[0], *lines[2:]]] == [
        ["quantity", "value", "band", "unit", "protocol", "✓/✗"],
        ["parameters", "11,689,512", "11,689,512 … 11,689,512", "", "exact", "✓"],
        ["gain", "2.31", "0 … 10", "dB", "Set5, N=5", "✓"],
    ]
    assert len({tuple(m.start() for m in re.finditer(r"[|+]", row)) for row in lines}) == 1  # aligned
    assert [r.protocol for r in readings("\n".join(lines))] == ["exact", "Set5, N=5"]


def test_only_the_value_is_hidden(capsys):
    reference = table(capsys, 2.31)
    for same in (2.4, 1e-5, 0.123456789e-300, 9.99999999999):
        assert table(capsys, same) != reference
        assert sanitize(table(capsys, same)) == sanitize(reference)
    assert sanitize(table(capsys, 1234.5, band=(0, 1e9))) == sanitize(table(capsys, 987654321, band=(0, 1e9)))
    others = [
        table(capsys, 11),
        table(capsys, 2.31, name="loss"),
        table(capsys, 2.31, band=(0, 11)),
        table(capsys, 2.31, band=(1, 10)),
        table(capsys, 2.31, unit="%"),
        table(capsys, 2.31, how="Set5, N=6"),
        reference.replace(" dB   [", " %   ["),
        reference.replace("-+-", "---"),
        "gain 2.31\n" + reference,
    ]
    assert len({sanitize(text) for text in [reference, *others]}) == len(others) + 1
    plain = "loss: 2.31\nmean 3.5 [band of 3 … 4]\n| 3 | 4 |\n"
    assert sanitize(plain) == plain


def test_measuring_again_replaces(capsys):
    for value in (1, 2):
        expect("a", value, low=0, high=3)
        expect("b", value, low=0, high=3)
    capsys.readouterr()
    scorecard({"a": "how", "b": "so"})
    assert [(r.label, r.value) for r in readings(capsys.readouterr().out)] == [("a", 2), ("b", 2)]


def test_no_number_without_its_protocol():
    with pytest.raises(CourseError, match="nothing measured"):
        scorecard()
    expect("gain", 1, low=0, high=2, protocol="Set5")
    expect("loss", 1, low=0, high=2)
    with pytest.raises(CourseError, match=r"no protocol for \['loss'\]"):
        scorecard()
    with pytest.raises(CourseError, match="lost"):
        scorecard({"lost": "Set5"})
    with pytest.raises(CourseError, match="protocol"):
        scorecard({"loss": "a | b"})
