"""GANs in the plane, where everything can be seen: points to imitate, tiny networks, many games played at once."""

from course_lib.toy2d.game import ManyLinear, Sine, ToyGame, slopes
from course_lib.toy2d.points import Mixture, grid, mode_coverage, ring

__all__ = ["ManyLinear", "Mixture", "Sine", "ToyGame", "grid", "mode_coverage", "ring", "slopes"]
