"""A course of one chapter and one assignment, small enough to be built in a test."""

import re
from pathlib import Path

CHAPTER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A toy
#
# Read me.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from course_lib.errors import CourseError
from course_lib.expect import expect, scorecard

print(os.environ["OMP_NUM_THREADS"], "threads in", os.path.basename(os.getcwd()))

# %%
SEED = 0
steps = np.arange(100)
noise = 0.01 * np.random.default_rng().standard_normal((3, 100))  # another one each time, as training is
for rate, line in zip((10, 25, 60), noise):
    plt.plot(steps, np.exp(-steps / rate) + line)
plt.title("A larger rate learns faster")
plt.show()

# %%
expect("smallest loss", 1 + noise.min(), low=0.9, high=1.0, unit="nat", protocol="toy, N=100")

# %% tags=["curves"]
scorecard()

# %%
3 * 4

# %%
3 * 4

# %% tags=["raises-exception"]
raise CourseError("one line that says what to do")
"""

# <…> stands for nbgrader's long metadata, see `marked`.
_SOLUTION = '''\
# %% [markdown]
# # Exercises [in Colab](https://example.org/solutions/01_toy.ipynb)

# %%
import math

from course_lib.errors import CheckFailed


def apply_twice(x):
    return add_shortcut(add_shortcut(x))


# %% <solution shortcut>
def add_shortcut(x):
    """x plus its sine."""
    # BEGIN SOLUTION
    return x + math.sin(x)
    # END SOLUTION


# %%
print(f"{apply_twice(0.0):.1f}")

# %% <check check_shortcut 2>
if abs(add_shortcut(1.0) - math.sin(1.0)) < 1e-9:
    raise CheckFailed("the input itself is missing")
# BEGIN HIDDEN TESTS
if abs(apply_twice(1.0) - 1.0 - math.sin(1.0) - math.sin(1.0 + math.sin(1.0))) > 1e-9:
    raise CheckFailed("not x + sin(x)")
# END HIDDEN TESTS
graded = True

# %% <solution double>
# BEGIN SOLUTION
double = add_shortcut(0.0) + 2
# END SOLUTION

# %% tags=["slow"]
slow = True

# %% <check check_double 1>
if double != 2:
    raise CheckFailed(f"double is {double}, wanted 2")
'''


def marked(text: str) -> str:
    """`text` with nbgrader's metadata in place of `<solution ID>` and `<check ID POINTS>`."""
    start = 'nbgrader={"grade": %s, "grade_id": "%s", "locked": %s, %s"schema_version": 3, '
    text = re.sub(
        r"<solution (\w+)>",
        lambda m: start % ("false", m[1], "false", "") + '"solution": true, "task": false}',
        text,
    )
    return re.sub(
        r"<check (\w+) (\d+)>",
        lambda m: start % ("true", m[1], "true", f'"points": {m[2]}, ') + '"solution": false, "task": false}',
        text,
    )


SOLUTION = marked(_SOLUTION)


def write_toy(root: Path, chapter: str = CHAPTER, solution: str = SOLUTION) -> Path:
    """The toy's texts below `root`: text/notebooks/00_toy.py and text/solutions/01_toy.py."""
    for folder, name, text in (("notebooks", "00_toy.py", chapter), ("solutions", "01_toy.py", solution)):
        (root / "text" / folder).mkdir(parents=True, exist_ok=True)
        (root / "text" / folder / name).write_text(text, encoding="utf-8")
    return root
