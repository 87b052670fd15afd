"""Every exercise of the course: the solution passes, the blank fails, and each wrong answer is told its mistake."""

from functools import cache

import pytest
from wrong_answers.loader import FOLDER, complaints, load
from wrong_answers.runner import Assignment, blank_complaint, verdict

from course_lib.authoring.assignment import exercises
from course_lib.authoring.pairs import ROOT, from_text

TEXTS = {path.stem: path for path in sorted((ROOT / "text" / "solutions").glob("*.py"))}
TABLES = {stem: load(stem) for stem in TEXTS}


@cache
def assignment(stem: str) -> Assignment:
    return Assignment(TEXTS[stem], ROOT / "solutions")


def name(stem: str, *parts: str) -> str:
    return "-".join([stem.split("_")[0], *parts])


EXERCISES = [
    pytest.param(stem, exercise.name, id=name(stem, exercise.name))
    for stem, text in TEXTS.items()
    for exercise in exercises(from_text(text), stem)
]
WRONG = [
    pytest.param(stem, wrong, id=name(stem, wrong.exercise, wrong.mistake))
    for stem, table in TABLES.items()
    for wrong in table
]


@pytest.mark.parametrize("stem", TEXTS)
def test_every_exercise_has_its_wrong_answers(stem):
    names = [exercise.name for exercise in exercises(from_text(TEXTS[stem]), stem)]
    assert complaints(names, TABLES[stem]) == []


def test_every_table_belongs_to_a_text():
    assert sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem not in TEXTS) == []


@pytest.mark.parametrize("stem, exercise", EXERCISES)
def test_the_solution_passes(stem, exercise):
    assignment(stem).attempt(assignment(stem).exercises[exercise])


@pytest.mark.parametrize("stem, exercise", EXERCISES)
def test_the_blank_fails(stem, exercise):
    assert blank_complaint(assignment(stem), assignment(stem).exercises[exercise]) == ""


@pytest.mark.parametrize("stem, wrong", WRONG)
def test_the_wrong_answer_is_told_its_mistake(stem, wrong):
    assert wrong.exercise in assignment(stem).exercises
    complaint, _ = verdict(assignment(stem), wrong)
    assert complaint == ""


@pytest.mark.parametrize("stem, exercise", EXERCISES)
def test_every_mistake_gets_its_own_message(stem, exercise):
    said = {w.mistake: verdict(assignment(stem), w)[1] for w in TABLES[stem] if w.exercise == exercise}
    same = {m: [other for other in said if said[other] == said[m]] for m in said if said[m]}
    assert [mistakes for mistakes in same.values() if len(mistakes) > 1] == []
