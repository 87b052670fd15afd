"""The two ways the course says no: in one line that names what came, what was wanted and how to mend it."""


class CourseError(Exception):
    """Bad input or a missing piece. The message is one line for the reader; no traceback is needed.

    The command line prints it on stderr and exits with 2. In a notebook it appears as that line alone
    (IPython asks an exception for `_render_traceback_`). Shown in chapter 00.
    """

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class CheckFailed(CourseError, AssertionError):
    """An exercise check that did not pass. The message says what is wrong and hints at why.

    It is raised, not only printed, so that automatic grading sees the cell fail. Shown in chapter 00.
    """
