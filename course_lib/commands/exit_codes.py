"""Exit codes for scripts: 0 success, 2 wrong usage or input, 1 anything else; the reason is one line on stderr."""

import os
import sys
from collections.abc import Callable

import typer

from course_lib.errors import CourseError


def exit_code(run: Callable[[], None]) -> int:
    """Call `run` and turn its outcome into an exit code. COURSE_DEBUG=1 lets errors through."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that cannot print ✓ must not end the command
    try:
        run()
        sys.stdout.flush()
        return 0
    except typer.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _say("stopped", 1)
    except BrokenPipeError:  # `course … | head`: the reader has closed the pipe, so say nothing
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (Python flushes it when it exits)
        return 1
    except Exception as error:
        # typer's usage errors are recognised by this method, because their class has moved between versions.
        if hasattr(error, "format_message"):
            where = getattr(getattr(error, "ctx", None), "command_path", "course")
            return _say(f"{error.format_message().rstrip('.')}. `{where} --help` lists what it takes.", 2)
        if os.environ.get("COURSE_DEBUG"):
            raise
        if isinstance(error, CourseError):
            return _say(str(error), 2)
        doctor = "`course doctor` names what is missing; " if isinstance(error, ImportError) else ""
        return _say(f"{type(error).__name__}: {error} ({doctor}COURSE_DEBUG=1 shows the traceback)", 1)


def _say(message: str, code: int) -> int:
    print("course:", " ".join(message.split()), file=sys.stderr)
    return code
