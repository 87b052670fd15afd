"""The course's visual style: one palette, one page width, an empty figure to draw on."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart. Line styles differ as well as colours.
COLOURS = {
    "residual": "#0072B2",
    "ours": "#0072B2",
    "plain": "#D55E00",
    "baseline": "#6E6E6E",
    "real": "#009E73",
    "fake": "#CC79A7",
    "other": "#E69F00",
}
STYLE = {
    "figure.dpi": 100,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "font.size": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
WIDEST = 880  # pixels: the widest figure that JupyterLab, the book and Colab show without shrinking


def figure(
    rows: int = 1, columns: int = 1, height: float = 3.2, width: float = 8.6
) -> tuple[Figure, np.ndarray | Axes]:
    """An empty figure in the course's style, sizes in inches: (figure, axes), like `plt.subplots`. Chapter 01."""
    plt.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained")
