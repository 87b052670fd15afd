"""`course test`: every part runs and any can fail; the last lines name what failed and how to run it alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from course_lib.authoring import proof, watch
from course_lib.authoring.instructions import VARIABLES, variables
from course_lib.authoring.watch import alone, minutes
from course_lib.errors import CourseError


@pytest.fixture
def course(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00.ipynb").write_text("{}")
    return tmp_path


@pytest.fixture
def ran(monkeypatch):
    """The commands that were started, and a word that makes one fail."""
    started = SimpleNamespace(commands=[], environments=[], broken=None)

    def pretend(command, env=None, **how):
        started.commands.append(command)
        started.environments.append(env or {})
        return SimpleNamespace(returncode=int(started.broken in command))

    monkeypatch.setattr(subprocess, "run", pretend)
    return started


@pytest.mark.parametrize("broken", [None, "check", "format", "tests", "--nbval", "tests/browser"])
@pytest.mark.parametrize("fast", [True, False])
def test_all_parts_run_and_any_can_fail(course, ran, capsys, broken, fast):
    ran.broken = broken
    status = proof.prove(fast=fast, root=course)
    assert [command[2] for command in ran.commands] == ["ruff", "ruff", "pytest"] + ["pytest"] * 2 * (not fast)
    out = capsys.readouterr().out.split("summary\n")[1]
    assert out.count(" s   ") == len(ran.commands)
    seen = broken is not None and any(broken in command for command in ran.commands)
    assert status == int(seen) and out.count("FAILED") == int(seen)
    assert out.splitlines()[-1].startswith("red: 1 failed" if seen else "green (")


def test_named_notebooks_run_alone(course, ran):
    assert proof.prove(names=[str(course / "notebooks" / "00.ipynb")], root=course) == 0
    (command,) = ran.commands
    assert "--nbval" in command and command[-1].endswith("00.ipynb")
    with pytest.raises(CourseError, match=r"no such notebook: .*07\.ipynb"):
        proof.prove(names=[str(course / "notebooks" / "07.ipynb")], root=course)


@pytest.mark.parametrize("limit", ["avx2", "sse41"])
def test_instructions_reach_tests_and_kernels(course, ran, limit):
    proof.prove(instructions=limit, root=course)
    wanted = VARIABLES[limit].items()
    assert len(ran.commands) == 5 and all(wanted <= environment.items() for environment in ran.environments)


def test_an_unknown_limit_is_refused_before_anything_starts(course, ran, monkeypatch):
    with pytest.raises(CourseError, match="--instructions avx9 is unknown; give one of own, avx2, sse41"):
        proof.prove(instructions="avx9", root=course)
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    with pytest.raises(CourseError, match="x86 processor, not arm64"):
        proof.prove(instructions="sse41", root=course)
    assert ran.commands == []


@pytest.mark.parametrize(("limit", "capability"), [("avx2", "AVX2"), ("sse41", "DEFAULT")])
def test_torch_obeys(limit, capability):
    program = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    environment = os.environ | variables(limit)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in (capability, "DEFAULT")


def test_a_missing_notebook_fails_everything(tmp_path, ran, capsys):
    assert proof.prove(fast=True, root=tmp_path) == 0
    assert proof.prove(fast=False, root=tmp_path) == 1
    out = capsys.readouterr().out
    assert "✗ notebooks: no notebooks" in out and out.splitlines()[-1].startswith("red: 1 failed")


# --- what a real run of pytest leaves -------------------------------------------------------------------------------

TESTS = """
import pytest
def test_good(): pass
@pytest.mark.skip(reason="no chromium here")
def test_absent(): pass
@pytest.mark.parametrize("x", [1, 2])
def test_bad(x): assert x == 1, "two is too many"
"""


@pytest.fixture(scope="module", params=["one process", "two workers"])
def outcome(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("watched")
    (folder / "test_toy.py").write_text(TESTS)
    environment = os.environ | {proof.OUTCOME: str(folder / "outcome.json")}
    workers = [] if request.param == "one process" else ["-n", "2"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *proof.WATCHED, *workers, "test_toy.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done, json.loads((folder / "outcome.json").read_text())


def test_the_outcome_names_failures_and_reasons_for_skips(outcome):
    done, found = outcome
    assert done.returncode == 1 and "1 failed, 2 passed, 1 skipped" in done.stdout
    assert found["ran"] == 4 and found["skipped"] == {"no chromium here": 1}
    ((nodeid, line),) = found["failures"].items()
    assert nodeid == "test_toy.py::test_bad[2]" and line.startswith("AssertionError: two is too many")


def test_dots_do_not_fill_the_screen(outcome):
    lines = outcome[0].stdout.split("= FAILURES")[0].splitlines()
    assert not any(set(line.split(" ")[0]) & set(".s") and set(line.split(" ")[0]) <= set(".sF") for line in lines)


def test_no_time_is_told_before_a_tenth_is_done(monkeypatch, capsys):
    monkeypatch.setattr(watch, "EVERY", 0.0)
    watching = watch.Watch(SimpleNamespace(rootpath=Path()))
    watching.ids = [f"test_toy.py::test_{n}" for n in range(20)]
    for nodeid in watching.ids[:3]:
        report = SimpleNamespace(nodeid=nodeid, when="teardown", failed=False, skipped=False)
        watching.pytest_runtest_logreport(report)
    assert ["left" in line for line in capsys.readouterr().out.splitlines()] == [False, True, True]


def test_the_summary_says_how_to_run_a_failure_alone(capsys):
    failures = {"tests/test_x.py::test_y[a b]": "1 == 2", "notebooks/01_blocks.ipynb::Cell 31": "figure 1: size"}
    bad = proof.Outcome(1, seconds=100, ran=7, failures=failures, skipped={"needs a GPU": 3})
    assert proof._report({"tests": bad}) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "skipped in tests: 3 (needs a GPU)" in lines
    assert any(line.endswith("-m pytest 'tests/test_x.py::test_y[a b]'") for line in lines)
    assert "    alone: course test notebooks/01_blocks" in lines
    assert lines[-1] == "red: 2 failed, named above (1 min 40 s)"


def test_words():
    assert [minutes(s) for s in (0, 42, 61, 3600)] == ["5 s", "40 s", "1 min 00 s", "60 min 00 s"]
    assert alone("tests/test_a.py::test_b") == f"{Path(sys.executable).name} -m pytest 'tests/test_a.py::test_b'"
