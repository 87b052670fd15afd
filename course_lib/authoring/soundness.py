"""What an executed notebook must not contain, found by reading it: no kernel is started.

Data flow: the builder calls `faults` before it writes; a test calls `faults` and `manners` on every committed
notebook. Cells are numbered as in JupyterLab: [1] is the first code cell. Course machinery.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from course_lib.authoring.same_picture import decode, is_blank, pictures
from course_lib.expect.reading import readings

LONGEST_CELL, MEDIAN_CELL, LARGEST_FILE = 40, 10, 2_000_000  # lines, lines, bytes


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def texts(cell: NotebookNode) -> Iterator[str]:
    """Everything a cell printed or showed as text."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.text
        elif output.output_type == "error":
            yield "\n".join([*output.traceback, output.evalue])
        else:
            yield from (v for kind, v in output.get("data", {}).items() if kind.startswith("text/"))


def faults(notebook: NotebookNode, machine_paths: tuple[str, ...] = ()) -> list[str]:
    """What makes a run worthless: an error, output on stderr, a failed or false expect, a blank figure, text that
    cannot be reproduced.

    `machine_paths` are folders of this machine that no output may name.
    """
    found = []
    for number, cell in enumerate(code_cells(notebook), start=1):
        where = f"cell [{number}]"
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                message = f"{output.ename}: {output.evalue}".splitlines()[0]
                found.append(f"{where} raised {message}")
            if output.output_type == "stream" and output.name == "stderr":
                last = (output.text.strip() or "an empty line").splitlines()[-1].strip()
                found.append(f"{where} wrote to stderr: {last[:200]}")
        for text in texts(cell):
            for reading in readings(text):
                verdict = f"{reading.label} = {reading.value_text}, band {reading.band_text}"
                if reading.inside != reading.good:
                    found.append(f"{where}: the tick contradicts the number: {verdict} {reading.tick}")
                elif not reading.good:
                    found.append(f"{where}: out of its band: {verdict}")
            if " object at 0x" in text or " at 0x" in text:
                found.append(f"{where} shows a memory address, which moves between runs: {_line(text, ' at 0x')}")
            for path in machine_paths:
                if path in text:
                    found.append(f"{where} names a folder of this machine: {_line(text, path)}")
        for picture in pictures(cell.outputs):
            if is_blank(decode(picture)):
                found.append(f"{where} shows a blank figure: draw before plt.show()")
    return found


def _line(text: str, part: str) -> str:
    return next(line for line in text.splitlines() if part in line).strip()[:200]


def manners(notebook: NotebookNode, path: Path) -> list[str]:
    """What makes a sound notebook hard to read or host: unrun or long cells, a large file, widget state."""
    cells = code_cells(notebook)
    found = []
    if (counts := [cell.execution_count for cell in cells]) != list(range(1, len(cells) + 1)):
        found.append(f"execution counts are {counts}, wanted 1 … {len(cells)} in order: run it from a fresh kernel")
    lengths = [len(cell.source.strip().splitlines()) for cell in cells]
    for number, lines in enumerate(lengths, start=1):
        if lines > LONGEST_CELL:
            found.append(f"cell [{number}] has {lines} lines, at most {LONGEST_CELL}: split it")
    if lengths and statistics.median(lengths) > MEDIAN_CELL:
        found.append(f"the median code cell has {statistics.median(lengths):g} lines, at most {MEDIAN_CELL}")
    if (size := path.stat().st_size) >= LARGEST_FILE:
        found.append(f"{size:,} bytes, under {LARGEST_FILE:,} wanted: fewer or smaller figures")
    if "widgets" in notebook.metadata:
        found.append("metadata.widgets is there: GitHub may refuse to show the notebook")
    return found
