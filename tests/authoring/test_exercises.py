"""exercises/ comes from solutions/: valid for nbgrader, blank, the same every time, and every drift is found."""

import json

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.nbgraderformat import read as nbgrader_read
from nbgrader.utils import compute_checksum, is_grade, is_solution
from toy_course import SOLUTION, write_toy

from course_lib.authoring.assignment import exercises
from course_lib.authoring.exercises import STUB, generate
from course_lib.authoring.pairs import ROOT, from_text, pairs, read
from course_lib.authoring.seal import seal
from course_lib.errors import CourseError
from course_lib.system.files import write_text


def solved(root, solution: str = SOLUTION):
    """The toy course with its solutions notebook as a run would leave it: counts, outputs, a seal."""
    (pair,) = pairs("solutions", write_toy(root, solution=solution))
    notebook = from_text(pair.text)
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = number
        cell.outputs = [nbformat.v4.new_output("stream", text="the answer\n")]
    seal(notebook, 1.0, 2, 1.0)
    write_text(pair.notebook, nbformat.writes(notebook) + "\n")
    return root


@pytest.fixture
def toy(tmp_path):
    return solved(tmp_path)


def test_the_committed_exercises_are_what_the_solutions_give():
    generate(check=True)


@pytest.mark.parametrize("pair", pairs("solutions") if any((ROOT / "text/solutions").glob("*.py")) else [], ids=str)
def test_every_assignment_is_well_formed(pair):
    assert exercises(from_text(pair.text), pair.name)


def test_nothing_of_the_answer_is_left(toy):
    (path,) = generate(root=toy)
    notebook, text = read(path), path.read_text(encoding="utf-8")
    for secret in ("math.sin(x)", "the answer", "HIDDEN", "not x + sin(x)", "END SOLUTION", "verified", "solutions/"):
        assert secret not in text
    assert "exercises/01_toy.ipynb" in notebook.cells[0].source
    assert all(cell.execution_count is None and cell.outputs == [] for cell in notebook.cells if "outputs" in cell)
    cell = notebook.cells[2]
    assert cell.source.startswith('def add_shortcut(x):\n    """x plus its sine."""\n    # your code here\n')
    assert notebook.cells[5].source == STUB


def test_it_is_valid_for_nbgrader(toy):
    (path,) = generate(root=toy)
    notebook = nbgrader_read(str(path), as_version=4)
    MetadataValidator().validate_nb(notebook)
    nbformat.validate(notebook)
    graded = [cell for cell in notebook.cells if is_grade(cell)]
    assert [(c.metadata.nbgrader.grade_id, c.metadata.nbgrader.points) for c in graded] == [
        ("check_shortcut", 2),
        ("check_double", 1),
    ]
    for cell in graded:
        assert cell.metadata.editable is False and cell.metadata.deletable is False
    for cell in notebook.cells:
        if is_grade(cell) or is_solution(cell):
            assert cell.metadata.nbgrader.checksum == compute_checksum(cell)


def test_the_blank_fails_its_own_checks(toy):
    (path,) = generate(root=toy)
    names, failed = {}, []
    for cell in read(path).cells:
        try:
            exec(cell.source if cell.cell_type == "code" else "", names)
        except Exception as error:
            failed.append((cell.metadata.get("nbgrader", {}).get("grade_id"), type(error)))
    assert ("check_shortcut", NotImplementedError) in failed
    assert ("double", NotImplementedError) in failed and ("check_double", NameError) in failed


def test_the_same_bytes_every_time(toy):
    (path,) = generate(root=toy)
    first = path.read_bytes()
    assert generate(root=toy) == []
    path.unlink()
    assert generate(root=toy) == [path]
    assert path.read_bytes() == first
    assert generate(check=True, root=toy) == []


def test_every_drift_is_found(toy):
    def check(says: str):
        with pytest.raises(CourseError, match=says) as caught:
            generate(check=True, root=toy)
        assert "\n" not in str(caught.value)

    check("missing: 01_toy.ipynb")
    (path,) = generate(root=toy)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["cells"][0]["source"] = ["# Mine"]
    path.write_text(json.dumps(content), encoding="utf-8")
    check("differs: 01_toy.ipynb")
    generate(root=toy)
    (toy / "exercises" / "09_old.ipynb").write_text("{}")
    check("without a solution: 09_old.ipynb")
    (toy / "exercises" / "09_old.ipynb").unlink()
    path.rename(toy / "hidden.ipynb")
    check("missing: 01_toy.ipynb")


@pytest.mark.parametrize(
    "old, new, says",
    [
        ("    # END SOLUTION\n", "", "without a matching"),
        ("    # BEGIN SOLUTION\n", "", "wanted '# BEGIN SOLUTION'"),
        ("    # BEGIN SOLUTION\n", "    # see BEGIN SOLUTION\n", "alone on its line"),
        ("    # END SOLUTION\n", "    # end solution\n", "wanted '# END SOLUTION'"),
        ("    # END SOLUTION\n", "    # BEGIN SOLUTION\n", "wanted '# END SOLUTION'"),
        ("# END HIDDEN TESTS\n", "", "without a matching"),
        ('"grade_id": "double"', '"grade_id": "shortcut"', "is taken"),
        ('"grade_id": "check_double"', '"grade_id": "check_triple"', "'double' has no check"),
        ('"points": 1, ', "", "points is None"),
        ('"points": 1, ', '"points": 0, ', "points is 0"),
        ('"schema_version": 3, ', "", "lack \\['schema_version'\\]"),
        ('"schema_version": 3, ', '"schema_version": 2, ', "wanted 3"),
        ('"grade_id": "check_shortcut", "locked": true', '"grade_id": "check_shortcut", "locked": false', "locked"),
        ("import math\n", "import math\n# BEGIN SOLUTION\n# END SOLUTION\n", "lack solution: true"),
    ],
)
def test_malformed_assignments_are_refused(tmp_path, old, new, says):
    assert old in SOLUTION
    root = solved(tmp_path, SOLUTION.replace(old, new, 1))
    with pytest.raises(CourseError, match=says) as caught:
        generate(root=root)
    assert str(caught.value).startswith("solutions/01_toy") and "\n" not in str(caught.value)
    assert not (root / "exercises").exists()


def test_a_solution_cell_without_metadata_is_refused(tmp_path):
    lines = [
        "# %%" if '"grade_id": "shortcut"' in line or '"check_shortcut"' in line else line
        for line in SOLUTION.splitlines()
    ]
    with pytest.raises(CourseError, match="lack solution: true"):
        generate(root=solved(tmp_path, "\n".join(lines)))


def test_a_check_without_its_exercise_is_refused(tmp_path):
    lines = ["# %%" if '"grade_id": "double"' in line else line for line in SOLUTION.splitlines()]
    text = "\n".join(lines).replace("# BEGIN SOLUTION\ndouble", "double").replace("+ 2\n# END SOLUTION", "+ 2")
    with pytest.raises(CourseError, match="'check_double' checks nothing"):
        generate(root=solved(tmp_path, text))
