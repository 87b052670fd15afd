"""Measured numbers and the bands they must fall in: printed, read back, collected in a scorecard."""

from course_lib.expect.judging import expect, forget, judged, scorecard

__all__ = ["expect", "forget", "judged", "scorecard"]
