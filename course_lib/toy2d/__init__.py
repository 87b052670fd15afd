"""Toy GANs in the plane, where everything can be plotted: target distributions, tiny networks, many GANs at once."""

from course_lib.toy2d.game import ManyLinear, Sine, ToyGame, slopes
from course_lib.toy2d.points import Mixture, grid, mode_coverage, ring

__all__ = ["ManyLinear", "Mixture", "Sine", "ToyGame", "grid", "mode_coverage", "ring", "slopes"]
