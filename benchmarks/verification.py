"""Does the proof cry wolf, and does it see the wolf? False alarms and damage, counted for every chapter.

    python benchmarks/verification.py            # all chapters, about an hour on two cores; writes docs/verification.md
    python benchmarks/verification.py 01 04      # some

Each chapter is executed four more times, with other instructions and other changes of the initial weights than those
that its spread was measured with (course_lib/authoring/bands.py). These runs are judged as `course test` judges a
run: what fails is a false alarm. Then they are damaged, at places that a seed draws, and judged again: what passes is a
miss.
Finished runs are kept in runs/verification until a whole count finds nothing wrong, so that a stopped one goes on where
it was; delete them when the library has changed meanwhile.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import nbformat
from nbformat import NotebookNode

from course_lib.authoring import verify
from course_lib.authoring.bands import AT_ONCE, Run, code_digest, exchanged
from course_lib.authoring.damage import FIGURE_DAMAGE, PLAIN, blanked, other_number, outside_its_band, redraw
from course_lib.authoring.exercises import student_version
from course_lib.authoring.kernel import KEEP
from course_lib.authoring.notebook_io import read
from course_lib.authoring.notebooks import clean, execute, kernel_environment
from course_lib.authoring.pairs import ROOT, Pair, from_text, pairs
from course_lib.authoring.replay import stage
from course_lib.authoring.same_figure import Spread, shown
from course_lib.authoring.soundness import code_cells
from course_lib.errors import CourseError

SEED, EACH = 11, 3  # EACH: damages of a kind in a chapter, the smallest noticeable among them
RUNS = [Run(nudge=101), Run(nudge=102), Run(instructions="avx2", nudge=103), Run(instructions="sse41", nudge=104)]
KEPT = ROOT / "runs" / "verification"
OTHER_DAMAGE = ["a blank figure", "a missing figure", "two figures exchanged", "a number outside its band"]
OTHER_DAMAGE += ["another printed number", "a cell not run", "an edited exercise"]


def rerun(pair: Pair, run: Run) -> Path:
    """The folder with one more run of a chapter: notebook.ipynb and its figures as pickles. Made once."""
    notebook = from_text(pair.text)
    folder = KEPT / f"{pair.text.stem}-{code_digest(notebook)}" / f"{run.instructions}-{run.nudge}"
    if not (folder / "notebook.ipynb").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        environment = kernel_environment(run.instructions, run.nudge) | {KEEP: str(folder)}
        execute(notebook, pair.notebook.parent, f"{pair.name}, {run}", environment)
        clean(notebook)
        nbformat.write(notebook, folder / "part.ipynb")
        (folder / "part.ipynb").rename(folder / "notebook.ipynb")
        print(f"{pair.name}: {run}", flush=True)
    return folder


def judged(pair: Pair, committed: NotebookNode, versions: list[dict[int, list[dict]]]) -> list[dict[int, str]]:
    """For each version of what the cells show (index → outputs): the failing cells, index → why, as `course test` says.

    `notebooks/` and `tests/bands/` are laid out anew in a temporary folder, so that each finds its measured spread.
    """
    with tempfile.TemporaryDirectory() as name:
        found = []
        paths = []
        for number, version in enumerate(versions):
            root = Path(name) / str(number)
            (root / "notebooks").mkdir(parents=True)
            shutil.copytree(ROOT / "tests" / "bands", root / "tests" / "bands")
            paths.append(stage(committed, version, root / "notebooks" / pair.notebook.name))

        def run(path: Path) -> int:
            return verify.run([path], ["-n0", "--tb=no", "-q", f"--junitxml={path.with_suffix('.xml')}"])

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(run, paths))
        for path in paths:
            failed = {}
            for case in ElementTree.parse(path.with_suffix(".xml")).iter("testcase"):
                if (broken := case.find("error")) is not None:  # a kernel that did not start has judged nothing
                    raise CourseError(f"{path.name} was not judged: {(broken.text or '').strip()[-2000:]}")
                if (problem := case.find("failure")) is not None:
                    failed[int(case.get("name").split()[-1])] = (problem.text or problem.get("message") or "").strip()
            found.append(failed)
        return found


def candidates(
    runs: list[NotebookNode],
    folders: list[Path],
    free: dict[int, list[set[str]]],
    spreads: dict[int, list[Spread]],
    chance: random.Random,
) -> tuple[list[tuple[str, str, int, list]], int, int]:
    """Damage drawn by `chance`: (kind, what, index of the cell, damaged outputs). EACH of a kind, or all there are.

    `free` names the images that are not compared (see `_exchanged`), `spreads` how far each figure moves by itself:
    what no one can tell from that is not drawn. With it come the number that was left out for this, and of how many.
    """
    drawn: list[tuple[str, str, int, list]] = []
    plain = total = 0
    figures = [sorted(folder.glob("*.pickle")) for folder in folders]
    places = [(index, at) for index, cell in enumerate(code_cells(runs[0])) for at in _figures(cell)]
    # Of a cell whose output is not compared (a clock's reading, say), only that its figures are there and not empty.
    compared = [number for number, (index, _) in enumerate(places) if not _is_ignored(code_cells(runs[0])[index])]

    def changed(run: int, index: int, at: int, output: dict | None) -> list[dict]:
        outputs = list(code_cells(runs[run])[index].outputs)
        outputs[at : at + 1] = [] if output is None else [output]
        return outputs

    def pick(kind: str, options: list, smallest: bool) -> list:
        first = options[:1] if smallest else []
        rest = options[len(first) :]
        return first + chance.sample(rest, min(EACH - len(first), len(rest)))

    for kind, find in FIGURE_DAMAGE.items():
        options = []
        for number in compared:
            index, at = places[number]
            run = chance.randrange(len(runs))
            file = figures[run][number]
            place = _figures(code_cells(runs[0])[index]).index(at)
            found = [damage for damage in find(_unpickled(file)) if damage.where not in free[index][place]]
            total += len(found)
            found = [damage for damage in found if damage.is_plain(spreads[index][place])]
            plain += len(found)
            options += [(damage, run, file, index, at) for damage in found]
        options.sort(key=lambda option: option[0].size)
        for damage, run, file, index, at in pick(kind, options, smallest=True):
            drawn.append((kind, damage.what, index, changed(run, index, at, redraw(file, damage))))
    for kind in ("a blank figure", "a missing figure", "two figures exchanged"):
        numbers = compared if kind == "two figures exchanged" else range(len(places))
        for number in chance.sample(numbers, min(EACH, len(numbers))):
            run, (index, at) = chance.randrange(len(runs)), places[number]
            other = places[(number + 1) % len(places)]
            mine, theirs = (code_cells(runs[run])[i].outputs[a] for i, a in (places[number], other))
            new = {"a blank figure": blanked(mine), "a missing figure": None}.get(kind, theirs)
            drawn.append((kind, f"figure {number + 1}", index, changed(run, index, at, new)))
    for kind in ("a number outside its band", "another printed number"):
        options = []
        for index, cell in enumerate(code_cells(runs[0])):
            if _is_ignored(cell):
                continue
            for at, output in enumerate(cell.outputs):
                text = output.get("text", "") if output.output_type == "stream" else ""
                if kind == "a number outside its band":
                    options += [(size, new, index, at) for new, size in outside_its_band(text)]
                else:
                    options += [(0.0, new, index, at) for new in other_number(text)]
        options.sort(key=lambda option: option[0])
        for _, new, index, at in pick(kind, options, smallest=kind == "a number outside its band"):
            output = code_cells(runs[0])[index].outputs[at]
            drawn.append((kind, new[:60], index, changed(0, index, at, {**output, "text": new})))
    return drawn, total - plain, total


def _exchanged(pair: Pair, committed: NotebookNode) -> dict[int, list[set[str]]]:
    """For each cell with figures, by its index: the images of each figure that rounding exchanges."""
    kept = verify.measured(pair.notebook)
    return {
        index: [exchanged(*both) for both in zip(kept[cell.id], shown(cell.outputs), strict=True)]
        for index, cell in enumerate(code_cells(committed))
        if cell.id in kept
    }


def _spreads(pair: Pair, committed: NotebookNode) -> dict[int, list[Spread]]:
    """For each cell with figures, by its index: how far each figure moves by itself."""
    kept = verify.measured(pair.notebook)
    return {index: kept[cell.id] for index, cell in enumerate(code_cells(committed)) if cell.id in kept}


def _is_ignored(cell: NotebookNode) -> bool:
    return "nbval-ignore-output" in cell.metadata.get("tags", [])


def _figures(cell: NotebookNode) -> list[int]:
    return [at for at, output in enumerate(cell.outputs) if "image/png" in output.get("data", {})]


def _unpickled(file: Path):
    import pickle

    return pickle.loads(file.read_bytes())


def packed(drawn: list[tuple[str, str, int, list]]) -> list[list[tuple[str, str, int, list]]]:
    """The damages in as few groups as possible, no cell twice in a group."""
    groups: list[list] = []
    for damage in drawn:
        group = next((g for g in groups if all(other[2] != damage[2] for other in g)), None)
        if group is None:
            groups.append(group := [])
        group.append(damage)
    return groups


def prove(pair: Pair) -> dict:
    """Count false alarms and misses of one chapter."""
    folders = [rerun(pair, run) for run in RUNS]
    runs = [read(folder / "notebook.ipynb") for folder in folders]
    committed = read(pair.notebook)
    chance = random.Random(f"{SEED} {pair.text.stem}")
    as_they_were = [dict(enumerate(list(cell.outputs) for cell in code_cells(run))) for run in runs]
    alarms = judged(pair, committed, as_they_were)
    drawn, small, total = candidates(runs, folders, _exchanged(pair, committed), _spreads(pair, committed), chance)
    groups = packed(drawn)
    verdicts = judged(pair, committed, [as_they_were[0] | {d[2]: d[3] for d in group} for group in groups])
    caught, of, misses = Counter(), Counter(), []
    for group, failed in zip(groups, verdicts, strict=True):
        for kind, what, index, _ in group:
            of[kind] += 1
            caught[kind] += index in failed
            if index not in failed:
                misses.append(f"{kind}: cell [{index + 1}], {what}")
    unrun, exercise = _unrun(pair, committed, chance), _edited(pair, chance)
    for kind, results in (("a cell not run", unrun), ("an edited exercise", exercise)):
        of[kind], caught[kind] = len(results), sum(results)
    false = [
        f"{run}: cell [{i + 1}]: {why}" for run, failed in zip(RUNS, alarms, strict=True) for i, why in failed.items()
    ]
    figures = sum(len(shown(cell.outputs)) for cell in code_cells(committed))
    chosen = sum(len(names) for spreads in _exchanged(pair, committed).values() for names in spreads)
    count = {"exchanged": chosen, "small": small, "total": total, "figures": figures}
    return count | {"false": false, "of": of, "caught": caught, "misses": misses}


def _unrun(pair: Pair, committed: NotebookNode, chance: random.Random) -> list[bool]:
    """Cells whose committed version was never run, EACH of them: is each one caught?"""
    cells = [i for i, cell in enumerate(code_cells(committed)) if cell.source.strip()]
    chosen = chance.sample(cells, EACH)
    spoilt = read(pair.notebook)
    for index in chosen:
        cell = code_cells(spoilt)[index]
        cell.execution_count, cell.outputs = None, []
    shows = {index: list(cell.outputs) for index, cell in enumerate(code_cells(committed))}
    (failed,) = judged(pair, spoilt, [shows])
    return [index in failed for index in chosen]


def _edited(pair: Pair, chance: random.Random) -> list[bool]:
    """A letter changed in a student's notebook: does it still count as generated from its solution?"""
    name = pair.notebook.name
    solution, student = read(ROOT / "solutions" / name), read(ROOT / "exercises" / name)
    wanted = nbformat.writes(student_version(solution, pair.notebook.stem))
    results = []
    for index in chance.sample(range(len(student.cells)), EACH):
        edited = read(ROOT / "exercises" / name)
        edited.cells[index].source += "."
        results.append(nbformat.writes(edited) != wanted and nbformat.writes(student) == wanted)
    return results


def table(results: dict[str, dict]) -> str:
    """docs/verification.md."""
    kinds = [*FIGURE_DAMAGE, *OTHER_DAMAGE]
    names = [name.split("_")[0] for name in results]
    small = [f"{name} {r['small']} of {r['total']}" for name, r in results.items()]
    lines = [
        "# How far the proof of the notebooks can be trusted",
        "",
        "Made by `python benchmarks/verification.py`; not edited by hand.",
        "",
        f"**False alarms.** Each chapter was executed {len(RUNS)} more times; no spread was measured with these runs: "
        + "; ".join(f"{run.instructions} instructions" for run in RUNS)
        + ", each with all initial weights changed by a relative 1e-6.",
        "",
        "| chapter | figures | runs | cells that failed although nothing was wrong |",
        "|---|---|---|---|",
        *(f"| {n} | {r['figures']} | {len(RUNS)} | {len(r['false'])} |" for n, r in results.items()),
        "",
        f"**Damage.** Places drawn by seed {SEED}, up to {EACH} of each kind a chapter, the smallest that a reader "
        "would notice among them: caught / drawn. – where a chapter has nothing of the kind.",
        "",
        "| damage | " + " | ".join(names) + " | all |",
        "|---|" + "---|" * (len(names) + 1),
    ]
    for kind in kinds:
        counts = [(r["caught"][kind], r["of"][kind]) for r in results.values()]
        cells = [f"{a}/{b}" if b else "–" for a, b in counts]
        lines.append(f"| {kind} | {' | '.join(cells)} | {sum(a for a, _ in counts)}/{sum(b for _, b in counts)} |")
    lines += [
        "",
        "**Not compared.** Images that a trained network chooses among near ties, so that rounding exchanges them: "
        + ("; ".join(f"{n} {r['exchanged']}" for n, r in results.items() if r["exchanged"]) or "none")
        + ". The damage leaves them out. Of cells whose output is free (a clock's reading, a widget) the figures must "
        "be there, of the same size and not blank: blank and missing ones are drawn there, other damage is not.",
        "",
        "**Not drawn.** Damage to a curve, a bar or an image that is less than "
        f"{PLAIN} times as large as what rounding does to the same one: no reader tells one from the other. Of all the "
        f"damage that could be drawn: {'; '.join(small)}.",
    ]
    for title, key in (("False alarms, by name", "false"), ("Misses, by name", "misses")):
        told = [f"- {name}: {line}" for name, r in results.items() for line in r[key]]
        lines += ["", f"**{title}.** " + ("None." if not told else ""), *told]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("chapters", nargs="*", help="default: all, and the table is written")
    asked = parser.parse_args().chapters
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    chosen = [pair for pair in pairs("notebooks") if not asked or pair.text.stem[:2] in asked]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # The slowest instructions first, so that no processor waits for the last run.
        jobs = [(pair, run) for run in reversed(RUNS) for pair in chosen]
        list(pool.map(lambda job: rerun(*job), jobs))
    results = {pair.text.stem: prove(pair) for pair in chosen}
    print(json.dumps(results, ensure_ascii=False, indent=1))
    wrong = any(r["false"] or r["misses"] for r in results.values())
    if not asked:
        (ROOT / "docs" / "verification.md").write_text(table(results), encoding="utf-8")
        if not wrong:
            shutil.rmtree(KEPT)  # the library may be another one next time
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
