"""The command line: what it passes on, its exit codes, and that failure is one line."""

import importlib
import inspect
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from course_lib.commands import app as cli
from course_lib.errors import CourseError

METRIC = {"name": "PSNR gain", "value": 2.3125, "unit": "dB", "protocol": "photos, N=3"}
CARD = {"recipe": "denoise", "steps": 5, "seconds": 1.6, "metrics": [METRIC]}


@pytest.fixture
def stub(monkeypatch):
    """Put a module of stand-in functions in the place of course_lib.<name>."""

    def put(name: str, **functions) -> None:
        module = types.ModuleType(f"course_lib.{name}")
        vars(module).update(functions)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        package, _, last = module.__name__.rpartition(".")
        monkeypatch.setattr(importlib.import_module(package), last, module, raising=False)

    return put


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.delenv("COURSE_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*argv: str) -> tuple[int, str, str]:
        code = cli.main(list(argv))
        return code, *capsys.readouterr()

    return call


def python(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60)


def test_the_parser_loads_nothing_heavy():
    heavy = "torch", "numpy", "jupyterlab", "matplotlib", "skimage"
    code = f"import sys, course_lib.commands.app; print([m for m in {heavy} if m in sys.modules])"
    assert python("-c", code).stdout.strip() == "[]"


def test_python_m_is_the_same_command():
    asked = python("-m", "course_lib", "--version")
    assert (asked.returncode, asked.stderr) == (0, "") and asked.stdout.startswith("course 0.")
    assert python("-m", "course_lib", "frob").returncode == 2


@pytest.mark.parametrize("argv", [[], ["--help"]])
def test_help_names_every_command_and_no_shell_completion(run, argv):
    code, out, err = run(*argv)
    assert (code, err) == (0, "")
    assert all(f"\n  {name} " in out for name in ("doctor", "lab", "test", "notebooks", "exercises", "train"))
    assert "completion" not in out and "╭" not in out and "..." not in out.split("Commands:")[1]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["frob"], "frob"),
        (["doctor", "--frob"], "--frob"),
        (["train"], "course train --help"),
        (["train", "denoise"], "--out"),
        (["train", "denoise", "--out", "d", "--steps", "many"], "--steps"),
        (["train", "denoise", "--out", "d", "--steps", "0"], "--steps 0"),
        (["train", "denoise", "--out", "d", "--seconds", "-1"], "--seconds -1"),
        (["train", "denoise", "--out", "d", "--seconds", "nan"], "--seconds nan"),
        (["train", "denoise", "--out", "d", "--seconds", "inf"], "--seconds inf"),
        (["train", "denoise", "--out", "d", "--seconds", "1", "--steps", "1"], "--seconds and --steps"),
        (["train", "denoise", "--out", "d", "--budget", "tpu"], "--budget tpu"),
        (["train", "denoise", "--out", __file__], "is a file"),
        (["notebooks", "--pull"], "--pull"),
        (["lab", "--port", "x"], "--port"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(run, stub, argv, said):
    stub("runs", train=lambda *args, **options: pytest.fail("it was called"))
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith("course: ") and said in err


def test_train_passes_everything_on_and_sums_up(run, stub, tmp_path):
    calls = []
    stub("runs", train=lambda *args, **options: calls.append((args, options)) or CARD)
    options = ["--budget", "gpu", "--steps", "5", "--data", "photos", "--seed", "3", "--resume"]
    code, out, err = run("train", "denoise", "--out", str(tmp_path / "run"), *options)
    assert (code, err) == (0, "")
    kept = {"budget": "gpu", "seconds": None, "steps": 5, "data": "photos", "seed": 3, "resume": True}
    assert calls == [(("denoise", tmp_path / "run"), kept)]
    assert all(part in out for part in ("denoise: 5 steps in 2 s", "PSNR gain: 2.312 dB (photos, N=3)"))


def test_train_leaves_what_was_not_given_to_the_recipe(run, stub):
    calls = []
    stub("runs", train=lambda *args, **options: calls.append(options) or CARD)
    assert run("train", "denoise", "--out", "nowhere", "--seconds", "1.5", "--budget", "cpu")[0] == 0
    assert run("train", "denoise", "--out", "nowhere")[0] == 0
    nothing = {"budget": None, "seconds": None, "steps": None, "data": None, "seed": 0, "resume": False}
    assert calls == [nothing | {"seconds": 1.5, "budget": "cpu"}, nothing]


def test_the_real_functions_take_what_the_command_line_passes():
    """The stand-ins of the other tests would not notice a renamed argument."""
    from course_lib import runs
    from course_lib.authoring import bands, exercises, notebooks, proof
    from course_lib.commands import diagnosis as doctor
    from course_lib.commands import lab

    length = {"budget": None, "seconds": None, "steps": 1}
    inspect.signature(runs.train).bind("denoise", Path("d"), data=None, seed=0, resume=False, **length)
    inspect.signature(proof.prove).bind(fast=True, instructions="own", names=[])
    inspect.signature(bands.measure).bind("01", 6, False)
    inspect.signature(notebooks.build).bind("all")
    inspect.signature(notebooks.pull).bind("01")
    inspect.signature(exercises.generate).bind(True)
    inspect.signature(lab.start).bind(None, browser=True)
    inspect.signature(doctor.report).bind()


@pytest.mark.parametrize(("result", "code"), [(0, 0), (1, 1), (2, 1), (5, 1)])
@pytest.mark.parametrize("fast", [True, False])
def test_test(run, stub, fast, result, code):
    """pytest's own 2 means "interrupted": it must not come out as "wrong usage"."""
    asked = []
    stub("authoring.proof", prove=lambda fast, instructions, names: asked.append((fast, instructions, names)) or result)
    assert run("test", *["--fast"] * fast)[0] == code
    assert run("test", "--instructions", "sse41", *["--fast"] if fast else ["01", "02"])[0] == code
    assert asked == [(fast, "own", []), (fast, "sse41", [] if fast else ["01", "02"])]


def test_fast_and_a_notebook_exclude_each_other(run, stub):
    stub("authoring.proof", prove=lambda **options: pytest.fail("it was started"))
    code, _, error = run("test", "--fast", "01")
    assert code == 2 and "--fast leaves out the chapter runs" in error


def test_notebooks_and_exercises(run, stub):
    calls = []
    stub("authoring.notebooks", build=lambda n: calls.append(("build", n)), pull=lambda n: calls.append(("pull", n)))
    stub(
        "authoring.exercises",
        generate=lambda check: calls.append(("generate", check)) or [Path("exercises/01_a.ipynb")],
    )
    lines = ["notebooks", "notebooks 01 02", "notebooks 01 02 --pull", "exercises", "exercises --check"]
    answers = [run(*line.split()) for line in lines]
    assert [code for code, *_ in answers] == [0] * 5
    named = [("build", "01"), ("build", "02"), ("pull", "01"), ("pull", "02")]
    assert calls == [("build", "all"), *named, ("generate", False), ("generate", True)]
    assert answers[3][1] == "01_a.ipynb\n"


def test_lab(run, monkeypatch):
    calls = []
    monkeypatch.setattr("course_lib.commands.lab.start", lambda port, browser: calls.append((port, browser)) or 0)
    assert run("lab")[0] == run("lab", "--port", "9000", "--no-browser")[0] == 0
    assert calls == [(None, True), (9000, False)]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (CourseError("no such data:\nname another"), 2, "course: no such data: name another\n"),
        (KeyboardInterrupt(), 1, "course: stopped\n"),
        (ValueError("odd"), 1, "course: ValueError: odd (COURSE_DEBUG=1 shows the traceback)\n"),
        (ImportError("No module named 'x'"), 1, None),
        (BrokenPipeError(), 1, ""),
    ],
)
def test_every_failure_is_one_line_with_its_exit_code(run, stub, monkeypatch, error, code, said):
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # a closed pipe has it replaced

    def fail(check: bool) -> None:
        raise error

    stub("authoring.exercises", generate=fail)
    got, _, err = run("exercises")
    assert got == code and "Traceback" not in err
    assert err == said if said is not None else "course doctor" in err and err.count("\n") == 1


def test_debug_shows_the_traceback(stub, monkeypatch):
    stub("authoring.exercises", generate=lambda check: 1 / 0)
    monkeypatch.setenv("COURSE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["exercises"])


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("warn", 0), ("missing", 1)])
def test_doctor_exit_code_and_json(run, monkeypatch, status, code):
    from course_lib.commands import diagnosis as doctor

    item = doctor.Item("gadget", status, "1.0", "turn it on")
    monkeypatch.setattr(doctor, "report", lambda: [item])
    got, out, _ = run("doctor", "--json")
    assert got == code
    said = {"name": "gadget", "status": status, "detail": "1.0", "mend": "turn it on"}
    assert json.loads(out) == {"ok": code == 0, "items": [said]}
    got, out, _ = run("doctor")
    assert got == code and out.splitlines() == [
        f"{doctor.MARKS[status]} gadget  1.0",
        "          → turn it on",
    ]


def test_a_console_without_the_marks_does_not_end_the_command():
    code = "import sys; from course_lib.commands.app import main; sys.exit(main(['doctor', '--help']) or print('✓'))"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii"},
        cwd=Path(__file__).parents[2],
    )
    assert shown.returncode == 0 and shown.stdout.rstrip().endswith(b"?")
