"""Which text belongs to which notebook, and whether the two agree.

Data flow: text/notebooks/NN_name.py and text/solutions/NN_name.py (jupytext, py:percent) are what people write and
review. `from_text` turns one into a notebook without outputs, notebooks.py executes it, `disagreements` checks that a
committed notebook still has its text's cells, and `pull` copies edits made in JupyterLab back to the text. There is no
live pairing, because a learner who saves a notebook must not change the texts. Course machinery.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from course_lib.authoring.notebook_io import first_line, read
from course_lib.errors import CourseError
from course_lib.system.files import write_text

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("notebooks", "solutions")
FORMAT = "py:percent"
# What jupytext and nbclient store on a cell for their own use; the rest (tags, nbgrader, …) is the author's.
TRANSIENT = {"execution", "lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker", "skipline"}


@dataclass(frozen=True)
class Pair:
    """One text and the notebook built from it; `name` is for people, e.g. `solutions/01_residual_blocks`."""

    name: str
    text: Path
    notebook: Path


def pairs(wanted: str | Path = "all", root: Path = ROOT) -> list[Pair]:
    """The pairs that `wanted` selects: all, a folder (solutions), a chapter (01, 01_blocks, solutions/01) or a file.

    Raises CourseError if nothing has that name, or if `root` is not a checkout of the course.
    """
    if not (root / "text").is_dir():
        raise CourseError(f"no texts in {root}: building notebooks needs a checkout of the course (git clone)")
    every = [
        Pair(f"{folder}/{text.stem}", text, root / folder / f"{text.stem}.ipynb")
        for folder in FOLDERS
        for text in sorted((root / "text" / folder).glob("*.py"))
    ]
    path = Path(wanted)
    asked = path.with_suffix("").as_posix() if path.suffix in (".py", ".ipynb") else path.as_posix()
    asked = asked.removeprefix(root.as_posix() + "/").removeprefix("text/").rstrip("/")
    chosen = [pair for pair in every if asked == "all" or asked in _names(pair)]
    if not chosen and asked != "all":
        known = ", ".join(pair.name for pair in every) or "none yet"
        raise CourseError(f"no text is called {str(wanted)!r}; there are: {known}")
    return chosen


def _names(pair: Pair) -> set[str]:
    folder, stem = pair.name.split("/")
    number = stem.split("_")[0]
    return {folder, stem, number, pair.name, f"{folder}/{number}"}


def from_text(text: Path) -> NotebookNode:
    """The notebook a text describes: no outputs, the author's metadata only, ids that depend only on content."""
    try:
        notebook = jupytext.read(text, fmt=FORMAT)
    except Exception as error:
        raise CourseError(f"{text.name}: not a py:percent text ({first_line(error)}); correct it") from None
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        # jupytext's ids are random; a hash leaves the committed file unchanged if the text is.
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cell.metadata = _authored(cell)
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        language_info={"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _authored(cell: NotebookNode) -> NotebookNode:
    return NotebookNode({key: value for key, value in cell.metadata.items() if key not in TRANSIENT})


def disagreements(pair: Pair) -> list[str]:
    """Where a notebook differs from its text in cells, types, sources, ids or metadata; empty if nowhere."""
    if not pair.notebook.exists():
        return [f"{pair.name}: no notebook; build it with `course notebooks`"]
    written, built = from_text(pair.text).cells, read(pair.notebook).cells
    found = []
    for number, (want, have) in enumerate(zip(written, built, strict=False), start=1):
        for what in ("cell_type", "source", "metadata", "id"):
            ours, theirs = (_authored(c) if what == "metadata" else c[what] for c in (want, have))
            if ours != theirs:
                found.append(f"{pair.name}, cell {number} of all: {what} is {theirs!r}, the text has {ours!r}")
    if len(written) != len(built):
        found.append(f"{pair.name}: {len(built)} cells, the text has {len(written)}")
    return found


def strays(root: Path = ROOT) -> list[Path]:
    """Notebooks in notebooks/ and solutions/ without a text, which nobody could rebuild."""
    built = {pair.notebook for pair in pairs("all", root)}
    return [p for folder in FOLDERS for p in sorted((root / folder).glob("*.ipynb")) if p not in built]


def pull(wanted: str | Path, root: Path = ROOT) -> list[Path]:
    """Write the cells of edited notebooks back to their texts; return the texts that changed.

    The text's own header stays. Outputs are not copied: run `build` afterwards. Raises CourseError if there is no
    notebook to pull from, or if the text could not hold its cells exactly.
    """
    changed = []
    for pair in pairs(wanted, root):
        notebook = read(pair.notebook)
        for cell in notebook.cells:
            cell.metadata = _authored(cell)
        notebook.metadata = {"jupytext": {"notebook_metadata_filter": "-all", "cell_metadata_filter": "all"}}
        old = pair.text.read_text(encoding="utf-8")
        new = _header(old) + jupytext.writes(notebook, fmt=FORMAT)
        kept = [(c.cell_type, c.source, _authored(c)) for c in jupytext.reads(new, fmt=FORMAT).cells]
        if kept != [(c.cell_type, c.source, c.metadata) for c in notebook.cells]:
            raise CourseError(f"{pair.name}: a cell does not survive as text (ends in blank lines?); text not changed")
        if [(c.cell_type, c.source, c.metadata) for c in from_text(pair.text).cells] != kept:
            write_text(pair.text, new)
            changed.append(pair.text)
    return changed


def _header(text: str) -> str:
    """The commented YAML between the first two `# ---` lines, with the blank line after it; else an empty string."""
    if not text.startswith("# ---\n") or "\n# ---\n" not in text[6:]:
        return ""
    return text[: text.index("\n# ---\n", 5) + len("\n# ---\n")] + "\n"
