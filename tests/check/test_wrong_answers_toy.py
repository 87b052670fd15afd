"""The judge of wrong answers, judged: with a toy assignment, each way of going wrong is found."""

import pytest
from toy_course import SOLUTION, write_toy
from wrong_answers.loader import WrongAnswer, complaints, load
from wrong_answers.runner import Assignment, blank_complaint, defined, verdict

from course_lib.errors import CheckFailed


@pytest.fixture
def toy(tmp_path):
    return Assignment(write_toy(tmp_path) / "text" / "solutions" / "01_toy.py")


def test_solutions_pass_in_any_order(toy):
    for name in ("double", "shortcut", "double"):
        toy.attempt(toy.exercises[name])
    assert "slow" not in toy.names and "graded" not in toy.names  # neither slow cells nor another's check


def test_blanks_fail(toy):
    assert [blank_complaint(toy, exercise) for exercise in toy.exercises.values()] == ["", ""]


def test_a_blank_that_passes_is_found(toy):
    exercise = toy.exercises["double"]
    toy.blank.cells[exercise.solution].source = "double = 2"
    assert blank_complaint(toy, exercise) == "the blank passes its check"
    toy.blank.cells[exercise.solution].source = "double = 1 / 0"
    assert "ZeroDivisionError" in blank_complaint(toy, exercise)


def test_a_solution_that_fails_is_found(tmp_path):
    text = SOLUTION.replace("add_shortcut(0.0) + 2", "3")
    toy = Assignment(write_toy(tmp_path, solution=text) / "text" / "solutions" / "01_toy.py")
    with pytest.raises(CheckFailed, match="double is 3"):
        toy.attempt(toy.exercises["double"])


@pytest.mark.parametrize(
    "exercise, says, code, complaint",
    [
        ("shortcut", "input itself is missing", "def add_shortcut(x):\n    return math.sin(x)", ""),
        # apply_twice stands in an earlier cell and has to see the attempt's function, not the solution's
        ("shortcut", "not x + sin", "def add_shortcut(x):\n    return 2 * x", ""),
        ("double", "double is 4", "double = 4", ""),
        ("double", "double is 4", "%time\ndouble = 4", ""),
        ("double", "nothing like it", "double = 4", "the check says 'double is 4, wanted 2'"),
        ("double", "", "double = 2", "passes its check"),
        ("double", "", "double = =", "does not compile"),
        ("double", "", "triple = 3", "does not define ['double']"),
        ("double", "", "double = 1 / 0", "raises ZeroDivisionError"),
    ],
)
def test_wrong_answers_are_judged(toy, exercise, says, code, complaint):
    found, _ = verdict(toy, WrongAnswer(exercise, "mistake", says, code))
    assert found.startswith(complaint) or complaint in found
    assert bool(found) == bool(complaint)


def test_attempts_do_not_see_each_other(toy):
    assert verdict(toy, WrongAnswer("double", "a", "double is 4", "left_behind = 1\ndouble = 4"))[0] == ""
    found, _ = verdict(toy, WrongAnswer("double", "b", "double is 4", "double = 3 + left_behind"))
    assert "NameError" in found


def test_what_a_cell_defines():
    source = "import a.b as c, d.e\nx, (y, *z) = 1, (2, 3)\ndef f():\n    g = 1\nfor i in x:\n    w: int = 1\n"
    assert defined(source) == {"c", "d", "x", "y", "z", "f", "i", "w"}


ENTRY = '[[wrong]]\nexercise = "double"\nmistake = "{}"\nsays = "is"\ncode = "double = 1"\n'


def test_tables(tmp_path):
    (tmp_path / "01.toml").write_text("".join(ENTRY.format(m) for m in "abc"))
    wrong = load("01", tmp_path)
    assert wrong[1] == WrongAnswer("double", "b", "is", "double = 1")
    assert complaints(["double"], wrong) == []
    assert complaints(["double"], wrong[:2]) == ["double: 2 wrong answers, wanted 3 to 12"]
    assert complaints(["double"], wrong * 5)[0] == "double: 15 wrong answers, wanted 3 to 12"
    assert complaints(["double"], [*wrong, wrong[0]]) == ["double: two wrong answers are called the same"]
    assert "is no exercise" in complaints(["other"], wrong)[0]
    assert complaints(["double"], load("02", tmp_path)) == ["double: 0 wrong answers, wanted 3 to 12"]


@pytest.mark.parametrize("spoilt", ["says =", "[[wrong", "hint = 'x'\nsays ="])
def test_malformed_tables_are_refused(tmp_path, spoilt):
    (tmp_path / "01.toml").write_text(ENTRY.format("a").replace("says =", spoilt, 1) + "says = ''")
    with pytest.raises(ValueError):
        load("01", tmp_path)
