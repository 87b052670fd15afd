"""How the course shows things: pixel-exact images, curves and widgets, with one colour for each role everywhere."""

import matplotlib.pyplot as plt

from course_lib.display.before_after import before_after
from course_lib.display.curves import curves, smooth
from course_lib.display.dashboard import Dashboard
from course_lib.display.explorer import latent_explorer, show_interpolation
from course_lib.display.hole_drawing import draw_hole, mark_hole
from course_lib.display.noise_level import noise_explorer
from course_lib.display.pictures import row_titles, show_images
from course_lib.display.style import COLOURS, STYLE, WIDEST, figure
from course_lib.display.toy_game import toy_game

__all__ = [
    "COLOURS",
    "STYLE",
    "WIDEST",
    "Dashboard",
    "before_after",
    "curves",
    "draw_hole",
    "figure",
    "latent_explorer",
    "mark_hole",
    "noise_explorer",
    "plt",
    "row_titles",
    "show_images",
    "show_interpolation",
    "smooth",
    "toy_game",
]
