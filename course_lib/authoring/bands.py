"""Bands from several seeds: a chapter's code is run once a seed, and what its expects measured is kept.

Data flow: the text's code cells, with `SEED = 0` replaced → one process a seed, pinned like the kernels → the
readings → tests/bands/NN_name.json. A test holds the bands printed in the notebooks against that file.
"""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from course_lib.authoring.notebooks import kernel_environment
from course_lib.authoring.pairs import ROOT, from_text, pairs
from course_lib.errors import CourseError
from course_lib.expect import judged

SEED_LINE = re.compile(r"^SEED = 0\b", re.MULTILINE)
AT_ONCE = 2  # each on one thread


def measure(name: str, seeds: int = 6, root: Path = ROOT) -> Path:
    """Run chapter `name` with seeds 0 … seeds-1 and write what was measured. Returns the file.

    Raises CourseError when the chapter has no line `SEED = 0`, or a run fails.
    """
    (pair,) = [pair for pair in pairs(f"notebooks/{name}", root)]
    cells = [cell.source for cell in from_text(pair.text).cells if cell.cell_type == "code"]
    code = "\n\n".join(re.sub(r"^(\s*)%pip.*", r"\1pass", cell, flags=re.MULTILINE) for cell in cells)
    if len(SEED_LINE.findall(code)) != 1:
        raise CourseError(f"{pair.text.name}: wanted exactly one line `SEED = 0`, so that other seeds can be tried")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(
            pool.map(lambda seed: _run(SEED_LINE.sub(f"SEED = {seed}", code), pair.notebook.parent), range(seeds))
        )
    target = root / "tests" / "bands" / f"{pair.text.stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    values = {label: [run[label] for run in runs] for label in runs[0]}
    target.write_text(json.dumps({"seeds": seeds, "values": values}, indent=1, ensure_ascii=False) + "\n")
    return target


def _run(code: str, folder: Path) -> dict[str, float]:
    program = f"{code}\n\nfrom course_lib.authoring.bands import report\nreport()\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=folder,
        env=kernel_environment() | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CourseError(f"a run with another seed failed: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def report() -> None:
    """Print, as the last line, what the expects of this process measured."""
    print(json.dumps({reading.label: float(f"{reading.value:.6g}") for reading in judged()}))
