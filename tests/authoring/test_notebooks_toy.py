"""The builder and the proofs of test_notebooks.py, on a toy course: each catches what it should."""

import base64
import io
import json

import nbformat
import pytest
from PIL import Image
from toy_course import CHAPTER, write_toy

from course_lib.authoring.notebook_io import read
from course_lib.authoring.notebooks import build, clean
from course_lib.authoring.pairs import disagreements, from_text, pairs, pull, strays
from course_lib.authoring.seal import check_seal
from course_lib.authoring.soundness import code_cells, faults, manners
from course_lib.errors import CourseError
from course_lib.system.files import write_text


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The toy course, built once; tests work on copies of its chapter."""
    root = write_toy(tmp_path_factory.mktemp("course"))
    said = []
    paths = build("all", root=root, say=said.append)
    assert [path.name for path in paths] == ["00_toy.ipynb", "01_toy.ipynb"] and len(said) == 2
    return root


@pytest.fixture
def chapter(built, tmp_path):
    """A fresh copy of the built course's chapter, as a pair."""
    write_toy(tmp_path)
    write_text(tmp_path / "notebooks/00_toy.ipynb", (built / "notebooks/00_toy.ipynb").read_text(encoding="utf-8"))
    (pair,) = pairs("00", tmp_path)
    return pair


def edit(pair, change) -> nbformat.NotebookNode:
    """Change the notebook on disk as a careless hand would, and read it again."""
    notebook = read(pair.notebook)
    change(notebook)
    write_text(pair.notebook, json.dumps(notebook))
    return read(pair.notebook)


def test_a_built_notebook_is_in_order(chapter):
    notebook = read(chapter.notebook)
    assert disagreements(chapter) == []
    check_seal(notebook, "toy")
    assert faults(notebook) == [] and manners(notebook, chapter.notebook) == []
    assert code_cells(notebook)[0].outputs[0].text == "1 threads in notebooks\n"  # pinned, own folder
    assert set(notebook.metadata) == {"kernelspec", "language_info", "verified"}
    assert set(notebook.metadata.verified) == {"sha256", "seconds", "cpu_threads", "yardstick"}
    assert "version" not in notebook.metadata.language_info
    assert not any("execution" in cell.metadata for cell in notebook.cells)
    assert notebook.nbformat_minor == 5
    nbformat.validate(notebook)


def test_cell_ids_depend_on_content_alone(chapter):
    first, second = from_text(chapter.text), from_text(chapter.text)
    assert [cell.id for cell in first.cells] == [cell.id for cell in second.cells]
    twins = [cell.id for cell in first.cells if cell.source == "3 * 4"]
    assert twins[1] == f"{twins[0]}-2"


def _number(notebook):
    printed = code_cells(notebook)[2].outputs[0]
    printed.text = printed.text.replace("0.9", "0.8")


def _tick(notebook):
    printed = code_cells(notebook)[2].outputs[0]
    printed.text = printed.text.replace("✓", "✗")


def _pixel(notebook):
    data = code_cells(notebook)[1].outputs[0].data
    data["image/png"] = data["image/png"][:500] + "A" + data["image/png"][501:]


def _count(notebook):
    code_cells(notebook)[0].execution_count = 5


def _source(notebook):
    notebook.cells[0].source += "!"


def _no_output(notebook):
    code_cells(notebook)[4].outputs = []


def _no_seal(notebook):
    del notebook.metadata["verified"]


@pytest.mark.parametrize("change", [_number, _tick, _pixel, _count, _source, _no_output, _no_seal])
def test_the_seal_breaks(chapter, change):
    before = read(chapter.notebook)
    after = edit(chapter, change)
    assert before != after
    with pytest.raises(CourseError, match=r"changed after its run|never sealed"):
        check_seal(after, "toy")


def _metadata(key, value):
    return lambda notebook: notebook.cells[5].metadata.__setitem__(key, value)


@pytest.mark.parametrize(
    "change, says",
    [
        (_source, "source"),
        (_metadata("tags", ["other"]), "metadata"),
        (_metadata("nbgrader", {"grade": True}), "metadata"),
        (lambda notebook: notebook.cells.pop(), "cells, the text has"),
        (lambda notebook: notebook.cells[1].__setitem__("id", "abc"), "id is"),
        (
            lambda notebook: notebook.cells.__setitem__(0, {**nbformat.v4.new_raw_cell("# A toy\n\nRead me.")}),
            "cell_type",
        ),
    ],
)
def test_text_and_notebook_disagree(chapter, change, says):
    edit(chapter, change)
    assert says in "\n".join(disagreements(chapter))


def test_a_missing_and_a_stray_notebook_are_found(chapter):
    root = chapter.notebook.parents[1]
    assert strays(root) == []
    chapter.notebook.rename(chapter.notebook.with_name("05_other.ipynb"))
    assert "no notebook" in disagreements(chapter)[0]
    assert [path.name for path in strays(root)] == ["05_other.ipynb"]


def printing(text: str, name: str = "stdout", cell_tags: tuple[str, ...] = ()):
    output = nbformat.v4.new_output("stream", name=name, text=text)
    cell = nbformat.v4.new_code_cell("pass", execution_count=1, outputs=[output])
    cell.metadata["tags"] = list(cell_tags)
    return nbformat.v4.new_notebook(cells=[cell])


def showing(colour) -> nbformat.NotebookNode:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(file, "png")
    data = {"image/png": base64.b64encode(file.getvalue()).decode()}
    cell = nbformat.v4.new_code_cell("pass", outputs=[nbformat.v4.new_output("display_data", data=data)])
    return nbformat.v4.new_notebook(cells=[cell])


def failing(cell_tags: tuple[str, ...] = ()):
    notebook = printing("", cell_tags=cell_tags)
    notebook.cells[0].outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue="no\nno", traceback=[])]
    return notebook


@pytest.mark.parametrize(
    "notebook, says",
    [
        (printing("loss: 0.3 nat   [band 0 … 1 nat] ✓\n"), None),
        (printing("loss: 1.3 nat   [band 0 … 1 nat] ✓\n"), "the tick contradicts the number: loss = 1.3"),
        (printing("loss: 0.3 nat   [band 0 … 1 nat] ✗\n"), "the tick contradicts"),
        (printing("loss: 1.3 nat   [band 0 … 1 nat] ✗\n"), "out of its band: loss = 1.3, band 0 … 1"),
        (printing("loss: nan   [band 0 … 1] ✓\n"), "the tick contradicts"),
        (printing("loss |        1.3 | 0 … 1 | nat  | toy      | ✓\n"), "the tick contradicts"),
        (printing("UserWarning: x\n  warn()\n", "stderr"), "cell [1] wrote to stderr: warn()"),
        (printing("<Foo object at 0x7f00>\n"), "memory address"),
        (printing("<function f at 0x7f00>\n"), "memory address"),
        (printing("saved to /some/where/x.png\n"), "folder of this machine"),
        (failing(), "cell [1] raised ValueError: no"),
        (failing(("raises-exception",)), None),
        (showing("white"), "blank figure"),
        (showing("black"), "blank figure"),
    ],
)
def test_faults(notebook, says):
    found = faults(notebook, machine_paths=("/some/where",))
    assert found == [] if says is None else says in "\n".join(found)


def _widgets(notebook):
    notebook.metadata["widgets"] = {}


def _long(notebook):
    code_cells(notebook)[0].source = "\n".join(["x = 1"] * 41)


def _all_longish(notebook):
    for cell in code_cells(notebook):
        cell.source = "\n".join(["x = 1"] * 11)


def _large(notebook):
    notebook.cells[0].source = "x" * 2_000_000


def _never_run(notebook):
    code_cells(notebook)[3].execution_count = None


@pytest.mark.parametrize(
    "change, says",
    [
        (_widgets, "metadata.widgets"),
        (_long, "41 lines"),
        (_all_longish, "median code cell has 11"),
        (_large, "bytes"),
        (_count, "execution counts"),
        (_never_run, "execution counts"),
    ],
)
def test_manners(chapter, change, says):
    assert says in "\n".join(manners(edit(chapter, change), chapter.notebook))


@pytest.mark.parametrize(
    "cell, says",
    [
        ("import warnings\nwarnings.warn('careful')", "cell [1] wrote to stderr"),
        ("1 / 0", "cell [1] raised ZeroDivisionError: division by zero"),
        ("from course_lib.expect import expect\nexpect('x', 3, low=0, high=1)", "cell [1]: out of its band: x = 3"),
        ("object()", "memory address"),
        ("import os\nprint(os.getcwd())", "folder of this machine"),
        ("import os\nos._exit(1)", "died"),
    ],
)
def test_the_builder_refuses_and_leaves_the_old_notebook(tmp_path, cell, says):
    root = write_toy(tmp_path, chapter="# %%\n" + cell + "\n")
    write_text(root / "notebooks/00_toy.ipynb", "old")
    with pytest.raises(CourseError) as caught:
        build("00_toy", root=root, say=print)
    message = str(caught.value)
    assert message.startswith("notebooks/00_toy: ") and says in message and "\n" not in message
    assert [(p.name, p.read_text()) for p in (root / "notebooks").iterdir()] == [("00_toy.ipynb", "old")]


def test_pull_carries_edits_to_the_text(chapter):
    root = chapter.notebook.parents[1]
    assert pull("00", root) == [] and chapter.text.read_text(encoding="utf-8") == CHAPTER

    def change(notebook):
        notebook.cells[0].source = "# Another title\n\n*Read* me."
        notebook.cells[-1].source = "raise CourseError('other')"
        notebook.cells[4].metadata["nbgrader"] = {"grade": False, "grade_id": "a", "points": 2}
        notebook.cells[4].metadata["execution"] = {"iopub.status.busy": "now"}

    edit(chapter, change)
    assert pull("notebooks/00_toy", root) == [chapter.text]
    text = chapter.text.read_text(encoding="utf-8")
    assert text.startswith(CHAPTER.split("# %%")[0]) and 'tags=["curves"]' in text and "execution" not in text
    assert text.count("# %%") == CHAPTER.count("# %%")
    assert {d.split(": ")[1].split(" ")[0] for d in disagreements(chapter)} == {"id"}  # until it is built again


def test_names(built):
    def names(wanted):
        return [pair.name for pair in pairs(wanted, built)]

    assert names("all") == ["notebooks/00_toy", "solutions/01_toy"]
    for wanted in ("01", "01_toy", "solutions", "solutions/01", "solutions/01_toy", "text/solutions/01_toy.py"):
        assert names(wanted) == ["solutions/01_toy"]
    assert names(built / "solutions/01_toy.ipynb") == ["solutions/01_toy"]
    with pytest.raises(CourseError, match="'07'; there are: notebooks/00_toy, solutions/01_toy"):
        pairs("07", built)
    with pytest.raises(CourseError, match="checkout"):
        pairs("all", built / "notebooks")


def test_unreadable_files_are_one_line(tmp_path):
    for content in ("", "{}", '{"nbformat": 4}'):
        (tmp_path / "x.ipynb").write_text(content)
        with pytest.raises(CourseError, match=r"x\.ipynb: not a readable notebook"):
            read(tmp_path / "x.ipynb")
    with pytest.raises(CourseError, match="no such notebook"):
        read(tmp_path / "y.ipynb")


def test_a_text_that_came_in_pieces_is_kept_as_one():
    pieces = [("stdout", "one "), ("stdout", "two"), ("stderr", "!"), ("stdout", "3")]
    outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in pieces]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print()", outputs=outputs)])
    clean(notebook)
    joined = [(output.name, output.text) for output in notebook.cells[0].outputs]
    assert joined == [("stdout", "one two"), ("stderr", "!"), ("stdout", "3")]
