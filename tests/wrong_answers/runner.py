"""Runs a solutions text without a kernel, with one solution cell replaced, and judges what its check says.

Data flow: text → cells → one walk through the true solutions that remembers the names before every exercise
→ for an attempt, set those names back, run the replacement, the cells after it, and the check.
"""

import ast
import contextlib
import random
import warnings
from functools import cache, cached_property
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch
from wrong_answers.loader import WrongAnswer

from course_lib.authoring.assignment import Exercise, exercises, role
from course_lib.authoring.exercises import student_version
from course_lib.authoring.pairs import from_text
from course_lib.authoring.soundness import tags
from course_lib.errors import CheckFailed

SKIPPED = {"slow", "raises-exception"}


class Assignment:
    """One solutions text, run as far as needed. Equal only to itself, so results can be cached."""

    def __init__(self, text: Path, folder: Path | None = None):
        self.stem, self.number = text.stem, text.stem.split("_")[0]
        self.notebook = from_text(text)
        self.blank = student_version(self.notebook, self.stem)
        self.exercises = {exercise.name: exercise for exercise in exercises(self.notebook, self.stem)}
        self.folder = folder if folder and folder.is_dir() else text.parent
        # One dictionary for all attempts: functions from earlier cells look names up in the one they were
        # made in, and have to find the attempt's answer there.
        self.names: dict = {}

    @cached_property
    def starts(self) -> dict[str, tuple]:
        """Names and random states just before each solution cell."""
        self._set_back({"__name__": "__main__", "display": lambda *shown, **how: None}, None)
        found, solutions = {}, {e.solution: e.name for e in self.exercises.values()}
        for index in range(max(solutions) + 1):
            if index in solutions:
                found[solutions[index]] = (dict(self.names), random_states())
            self._run(index)
        return found

    def attempt(self, exercise: Exercise, source: str | None = None) -> None:
        """Run one exercise up to and with its check, with `source` as its solution; raise whatever it raises."""
        self._set_back(*self.starts[exercise.name])
        self._run(exercise.solution, source)
        for index in range(exercise.solution + 1, exercise.check):
            self._run(index)
        self._run(exercise.check, grading=True)

    def missing_names(self, exercise: Exercise, source: str) -> set[str]:
        """Names that later cells, up to the check, take from the solution and `source` does not define."""
        later = range(exercise.solution + 1, exercise.check + 1)
        trees = [ast.parse(plain(self.notebook.cells[i].source)) for i in later if self._is_code(i)]
        used = {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)}
        return (used & defined(self.notebook.cells[exercise.solution].source)) - defined(source)

    def _is_code(self, index: int) -> bool:
        return self.notebook.cells[index].cell_type == "code"

    def _run(self, index: int, source: str | None = None, grading: bool = False) -> None:
        cell = self.notebook.cells[index]
        if cell.cell_type != "code" or SKIPPED & set(tags(cell)) or (role(cell, "grade") and not grading):
            return
        code = compile(plain(cell.source if source is None else source), f"<{self.stem}, cell {index + 1}>", "exec")
        # A check may see gradients off in one attempt and must find them on in the next.
        with contextlib.chdir(self.folder), warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore")
            exec(code, self.names)
        plt.close("all")

    def _set_back(self, names: dict, states: tuple | None) -> None:
        matplotlib.use("Agg")
        self.names.clear()
        self.names.update(names)
        if states:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])


def random_states() -> tuple:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def plain(source: str) -> str:
    """Source without notebook commands (% and !), which only a kernel understands."""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())


def defined(source: str) -> set[str]:
    """The names a cell defines at its top level: functions, classes, imports, assignments."""
    names = set()
    for node in ast.parse(plain(source)).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        names |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return names


def blank_complaint(assignment: Assignment, exercise: Exercise) -> str:
    """Why the stub of an exercise is not turned down as unanswered; empty when it is."""
    try:
        assignment.attempt(exercise, assignment.blank.cells[exercise.solution].source)
    except (NotImplementedError, CheckFailed):
        return ""
    except Exception as error:
        return f"the blank raises {type(error).__name__}: {error}; wanted NotImplementedError or CheckFailed"
    return "the blank passes its check"


@cache
def verdict(assignment: Assignment, wrong: WrongAnswer) -> tuple[str, str]:
    """(complaint, message): why a wrong answer is not turned down as it should be, and what the check said."""
    exercise = assignment.exercises[wrong.exercise]
    try:
        missing = assignment.missing_names(exercise, wrong.code)
    except SyntaxError as error:
        return f"does not compile: {error}", ""
    if missing:
        return f"not plausible: does not define {sorted(missing)}, which later cells use", ""
    try:
        assignment.attempt(exercise, wrong.code)
    except CheckFailed as error:
        message = str(error)
        if wrong.says not in message:
            return f"the check says {message!r}, wanted {wrong.says!r} in it", message
        return "", message
    except Exception as error:
        return f"raises {type(error).__name__}: {error}; wanted CheckFailed", ""
    return "passes its check", ""
