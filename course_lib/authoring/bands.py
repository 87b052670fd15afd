"""How much a chapter's numbers and figures vary when nothing is wrong: measured, and kept in tests/bands/.

Data flow: the text's notebook is executed repeatedly: with other seeds (`SEED = 0` replaced), with fewer of the
processor's instructions, and with initial weights changed by a relative 1e-6. The values its expects print become a
list for each label; a test compares the bands in the notebook with it. For each part of its figures, the largest
distance between any two of the runs with the chapter's own seed is kept; verify.py allows that, with a margin.

Course machinery.
"""

import copy
import hashlib
import itertools
import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.authoring.notebook_io import read
from course_lib.authoring.notebooks import execute, kernel_environment
from course_lib.authoring.pairs import ROOT, Pair, from_text, pairs
from course_lib.authoring.same_figure import CALM, TILES, Shown, Spread, Unlike, distances, shown
from course_lib.authoring.same_picture import COLUMNS, ROWS
from course_lib.authoring.soundness import code_cells, texts
from course_lib.errors import CourseError
from course_lib.expect.reading import readings
from course_lib.system.files import write_text

SEED_LINE = re.compile(r"^SEED = 0\b", re.MULTILINE)
AT_ONCE = 2  # notebooks at once, each on one thread
SMALL = 1e-4  # a distance below this is rounding in the description


@dataclass(frozen=True)
class Run:
    """One way to execute a chapter; `nudge` above 0 selects a random change of the initial weights."""

    seed: int = 0
    instructions: str = "own"
    nudge: int = 0

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.instructions} instructions, nudge {self.nudge}"


# Runs that differ by rounding alone. The committed notebook is one more, without a nudge.
ROUNDING = [
    Run(nudge=1),
    Run(nudge=2),
    Run(instructions="avx2"),
    Run(instructions="avx2", nudge=3),
    Run(instructions="sse41"),
    Run(instructions="sse41", nudge=4),
]


def bands_file(pair: Pair, root: Path = ROOT) -> Path:
    """The file with a notebook's measured spread: tests/bands/NN_name.json, solutions in a folder of their own."""
    folder = root / "tests" / "bands"
    return folder / f"{pair.text.stem}.json" if _is_chapter(pair) else folder / f"{pair.name}.json"


def measure(name: str, seeds: int = 6, keep_seeds: bool = False, root: Path = ROOT) -> list[Path]:
    """Measure the notebooks that `name` selects (see `pairs.pairs`) and write the results. Returns the files.

    Solutions without figures have nothing to measure and are skipped. With `keep_seeds`, the numbers of other seeds
    stay as they were measured before; only rounding is measured again.
    Raises CourseError if a chapter has no line `SEED = 0` or was not built, if a run fails, or if a figure changes its
    words or its number of curves between runs.
    """
    chosen = [pair for pair in pairs(name, root) if _is_chapter(pair) or _spreads([read(pair.notebook)], pair.name)]
    return [_measure(pair, seeds, keep_seeds, root) for pair in chosen]


def _is_chapter(pair: Pair) -> bool:
    return pair.text.parent.name == "notebooks"


def _measure(pair: Pair, seeds: int, keep_seeds: bool, root: Path) -> Path:
    notebook = from_text(pair.text)
    committed = read(pair.notebook)
    target = bands_file(pair, root)
    chapter = _is_chapter(pair)
    if chapter and len(SEED_LINE.findall("\n".join(cell.source for cell in code_cells(notebook)))) != 1:
        raise CourseError(f"{pair.text.name}: wanted exactly one line `SEED = 0`, so that other seeds can be tried")
    before = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    others = [Run(seed) for seed in range(1, seeds)] if chapter and not keep_seeds else []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(lambda run: _run(notebook, pair, run, root), [*others, *ROUNDING]))
    rounding = [committed, *done[len(others) :]]
    if chapter and not keep_seeds:
        kept = {"seeds": seeds, "values": _values([committed, *done[: len(others)]])}
    else:
        kept = {key: before[key] for key in ("seeds", "values") if key in before}
    kept["rounding"] = _values(rounding)
    kept["figures"] = _spreads(rounding, pair.name)
    write_text(target, json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    shutil.rmtree(_kept(notebook, pair, root), ignore_errors=True)  # the library may have changed by next time
    return target


def _kept(notebook: NotebookNode, pair: Pair, root: Path) -> Path:
    """Where runs wait until all are done, named by the cells' code: an interrupted measurement can continue."""
    return root / "runs" / "bands" / f"{pair.text.stem}-{code_digest(notebook)}"


def code_digest(notebook: NotebookNode) -> str:
    """A short hash of the code cells: a kept run of other code is not a run of this notebook."""
    return hashlib.sha256("\n\n".join(cell.source for cell in code_cells(notebook)).encode()).hexdigest()[:12]


def _run(notebook: NotebookNode, pair: Pair, run: Run, root: Path) -> NotebookNode:
    kept = _kept(notebook, pair, root) / f"{run.instructions}-{run.seed}-{run.nudge}.ipynb"
    if kept.exists():
        return read(kept)
    fresh = copy.deepcopy(notebook)
    for cell in code_cells(fresh):
        cell.source = SEED_LINE.sub(f"SEED = {run.seed}", cell.source)
    execute(fresh, pair.notebook.parent, f"{pair.name}, {run}", kernel_environment(run.instructions, run.nudge))
    write_text(kept, nbformat.writes(fresh))
    return fresh


def _values(runs: list[NotebookNode]) -> dict[str, list[float]]:
    """For each label, the values that the expects of each run measured."""
    measured = [
        {r.label: r.value for cell in code_cells(run) for t in texts(cell) for r in readings(t)} for run in runs
    ]
    return {label: [values[label] for values in measured] for label in measured[0]}


def _spreads(runs: list[NotebookNode], name: str) -> dict[str, list[Spread]]:
    """For each cell that shows figures, by its id: the spread of each figure."""
    found: dict[str, list[Spread]] = {}
    for number, cells in enumerate(zip(*map(code_cells, runs), strict=True), start=1):
        figures = [shown(cell.outputs) for cell in cells]
        if len({len(several) for several in figures}) > 1:
            raise CourseError(
                f"{name}, cell [{number}]: shows {sorted(map(len, figures))} figures, by run; make it stable"
            )
        try:
            if figures[0]:
                found[cells[0].id] = [_spread(versions) for versions in zip(*figures, strict=True)]
        except Unlike as reason:
            raise CourseError(f"{name}, cell [{number}]: {reason}; make it stable, or word it for both") from None
    return found


def _spread(versions: tuple[Shown, ...]) -> Spread:
    """The largest distance between any two versions of one figure, part by part, without parts that never change."""
    largest: Spread = {}
    for a, b in itertools.combinations(versions, 2):
        for part, values in distances(a, b).items():
            known = largest.get(part, [0.0] * len(values))
            largest[part] = [float(f"{max(pair):.3g}") for pair in zip(known, values, strict=True)]
    _share_among_images(largest, versions[0])
    _share_among_counts(largest, versions[0])
    _free_single_points(largest, versions[0])
    return {part: values for part, values in largest.items() if max(values, default=0) >= SMALL}


def exchanged(spread: Spread, figure: Shown) -> set[str]:
    """The images of a figure that rounding may swap for others: `panel 3, image 1`, …

    Which of 10,000 garments is nearest may depend on the last bit, and a GAN may draw a dress instead of a shirt.
    """
    kinds = _kinds(figure)
    flipped = {kind for image, kind in kinds.items() if spread.get(f"{image}, light: mean", [0.0])[0] > CALM}
    return {image for image, kind in kinds.items() if kind in flipped}


def _kinds(figure: Shown) -> dict[str, str]:
    """For each image of a figure, its kind: the title, which in a row only the first image may have."""
    described = figure.description or {"words": [], "parts": {}}
    titles = {where.partition(",")[0]: text for where, text, _ in described["words"] if where.endswith(" title")}
    kinds, title = {}, ""
    for part in described["parts"]:  # in the order of the panels
        if part.endswith(", light"):
            image = part.removesuffix(", light")
            kinds[image] = title = titles.get(image.partition(",")[0], title)
    return kinds


def _share_among_images(spread: Spread, figure: Shown) -> None:
    """Give the images of one kind their largest spread, and all tiles one spread if any image changes.

    A few runs swap a few of the images; which ones is chance.
    """
    kinds = _kinds(figure)
    for kind in set(kinds.values()):
        for what in ("light: mean", "light: largest", "texture: mean", "texture: largest"):
            parts = [f"{image}, {what}" for image in kinds if kinds[image] == kind]
            largest = max(spread.get(part, [0.0])[0] for part in parts)
            spread.update({part: [largest] for part in parts})
    if any(spread[f"{image}, light: mean"][0] >= SMALL for image in kinds):
        spread[TILES] = [max(spread.get(TILES, [0.0]))] * (ROWS * COLUMNS)


def _share_among_counts(spread: Spread, figure: Shown) -> None:
    """Give series of counts that look alike in one panel the largest of their spreads.

    A count changes by a whole number or not at all; which of several was one short in a few runs is chance.
    """
    described = figure.description or {"words": [], "parts": {}}
    looks = {where: text for where, text, _ in described["words"]}
    kinds: dict[tuple, list[str]] = {}
    for part, drawn in described["parts"].items():
        series = re.fullmatch(r"(panel \d+), (line|shape) \d+, ([xy])", part)
        if series and all(value is not None and value == int(value) for value in drawn["values"]):
            look = looks.get(part.rpartition(",")[0], "")
            kinds.setdefault((*series.groups(), look, len(drawn["values"])), []).append(part)
    for parts, what in itertools.product(kinds.values(), ("mean", "largest")):
        largest = max(spread.get(f"{part}: {what}", [0.0])[0] for part in parts)
        spread.update({f"{part}: {what}": [largest] for part in parts})


def is_loose(part: str, figure: Shown) -> bool:
    """Whether a part describes unconnected points or arrows, each of which moves on its own."""
    words = {where: text for where, text, _ in (figure.description or {"words": []})["words"]}
    line = re.match(r"panel \d+, line \d+", part)
    return ", arrows " in part or (line is not None and "line 'None'" in words.get(line[0], ""))


def _free_single_points(spread: Spread, figure: Shown) -> None:
    """If one of many points jumped to another mode, or one arrow turned, any may; only their mean is checked."""
    for part, values in spread.items():
        if part.endswith(": largest") and values[0] > CALM and is_loose(part, figure):
            spread[part] = [max(1.0, values[0])]
