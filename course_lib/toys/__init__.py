"""GANs in the plane, where everything can be seen: points to imitate, tiny networks, many games played at once."""

from course_lib.toys.game import ManyLinear, Sine, ToyGame, slopes
from course_lib.toys.points import Mixture, grid, mode_coverage, ring

__all__ = ["ManyLinear", "Mixture", "Sine", "ToyGame", "grid", "mode_coverage", "ring", "slopes"]
