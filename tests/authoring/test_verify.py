"""The re-run of notebooks, on toys: what may differ passes, twice; what may not is reported in one clear line."""

import base64
import io
import json
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageOps
from toy_course import write_toy

from course_lib.authoring import bands, verify
from course_lib.authoring.notebook_io import read
from course_lib.authoring.notebooks import build
from course_lib.authoring.soundness import code_cells
from course_lib.errors import CourseError
from course_lib.system.files import write_text

DRAW = "_ = plt.plot(steps, np.exp(-steps / 25))\nplt.show()"
# (tags, code, what a careless hand did to the committed outputs, what the report has to say; None is a pass)
CASES: list[tuple[str, str, str, str | None]] = [
    ("", "import matplotlib.pyplot as plt\nimport numpy as np\nsteps = np.arange(100)", "", None),
    ("", "from course_lib.expect import expect, scorecard", "", None),
    ("", "expect('loss', np.random.rand(), low=0, high=1, protocol='toy')", "", None),
    ("", "scorecard()", "", None),
    ("", "expect('gain', 0.5, low=0, high=1)", "tick", "Cell outputs differ"),
    ("", "expect('psnr', 20.5, low=0, high=100)", "band", "Cell outputs differ"),
    ("", "print('parameters:', 6 * 7)", "number", "Cell outputs differ"),
    ("", DRAW, "", None),
    ("", DRAW + "\n# mirrored", "mirror", "cell [9]: figure 1: the picture, in row"),
    ("", DRAW + "\n# blank", "blank", "cell [10]: figure 1: the committed one is blank"),
    ("", DRAW + "\n# smaller", "smaller", "cell [11]: figure 1: size"),
    ("nbval-ignore-output", DRAW + "\n# ignored", "mirror", None),
    ("nbval-skip", "print('skipped')", "mirror", "skipped"),
    ("", "steps[0]\n", "unrun", "cell [14]: never run"),
    ("", "# two figures\n" + DRAW + "\n" + DRAW, "one figure", "cell [15]: 2 figures, committed are 1"),
    ("nbval-ignore-output", DRAW + "\n# ignored, gone", "gone", "cell [16]: 1 figures, committed are 0"),
    ("nbval-ignore-output", DRAW + "\n# ignored, blank", "blank", "cell [17]: figure 1: the committed one is blank"),
]


def spoil(cell, how: str) -> None:
    """Change a cell's committed outputs."""
    if how == "tick":
        cell.outputs[0].text = cell.outputs[0].text.replace("✓", "✗")
    elif how == "band":
        cell.outputs[0].text = cell.outputs[0].text.replace("… 100", "… 99")
    elif how == "number":
        cell.outputs[0].text = "parameters: 41\n"
    elif how == "unrun":
        cell.execution_count, cell.outputs = None, []
    elif how == "gone":
        del cell.outputs[0].data["image/png"]
    elif how == "one figure":
        # nbval counts the figures' text itself; put both texts on one picture less
        del cell.outputs[1].data["image/png"]
    elif how and cell.outputs and "data" in cell.outputs[0]:
        data = cell.outputs[0].data
        image = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
        image = {
            "mirror": ImageOps.mirror,
            "blank": lambda i: Image.new("RGB", i.size, "white"),
            "smaller": lambda i: i.crop((0, 0, i.width - 40, i.height)),
        }[how](image)
        file = io.BytesIO()
        image.save(file, "png")
        data["image/png"] = base64.b64encode(file.getvalue()).decode()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> list[str | None]:
    """What the re-run of one notebook with all the cases says about each cell: None, or the report's text."""
    root = tmp_path_factory.mktemp("spoilt")
    cells = [f"# %% tags={json.dumps([t] if t else [])}\n{code}\n" for t, code, _, _ in CASES]
    write_toy(root, chapter="\n".join(cells))
    (path,) = build("00", root=root)
    notebook = read(path)
    for cell, (_, _, how, _) in zip(code_cells(notebook), CASES, strict=True):
        spoil(cell, how)
    write_text(path, json.dumps(notebook))
    report = root / "report.xml"
    assert verify.run([path], [f"--junitxml={report}"], root=root) == 1
    found = []
    for case in ElementTree.parse(report).iter("testcase"):
        skipped, failed = case.find("skipped"), case.find("failure")
        found.append("skipped" if skipped is not None else None if failed is None else failed.text)
    return found


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{n + 1} {c[2] or 'true'}" for n, c in enumerate(CASES)])
def test_each_cell_is_judged(outcomes, number):
    assert len(outcomes) == len(CASES)
    says, wanted = outcomes[number], CASES[number][3]
    assert says is None if wanted is None else wanted in (says or "")
    if wanted and wanted.startswith("cell ["):
        assert says.startswith("notebooks/00_toy, ") and "\n" not in says


def test_a_true_notebook_passes_though_every_run_is_new(tmp_path, monkeypatch):
    """Its curves and its number are new in every run, by as much as was measured; whatever backend the shell asks for.

    The same curves ten times as far apart are found.
    """
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (path,) = build("00", root=write_toy(tmp_path), say=lambda line: None)
    monkeypatch.setattr(bands, "ROUNDING", bands.ROUNDING[:3])
    (file,) = bands.measure("00", seeds=1, root=tmp_path)
    kept = json.loads(file.read_text())
    assert file == tmp_path / "tests/bands/00_toy.json"
    assert kept["seeds"] == 1 and len(kept["rounding"]["smallest loss"]) == 4
    ((spread,),) = kept["figures"].values()
    assert 0.001 < spread["panel 1, line 1, y: mean"][0] < 0.05
    assert verify.run([path], ["-n0"], root=tmp_path) == 0
    kept["figures"] = {cell: [{part: [v / 10 for v in vs] for part, vs in spread.items()}] for cell in kept["figures"]}
    file.write_text(json.dumps(kept))
    assert verify.run([path], ["-n0"], root=tmp_path) == 1


def test_nothing_to_verify_is_no_success(tmp_path):
    with pytest.raises(CourseError, match="no notebooks in notebooks or solutions"):
        verify.run(root=tmp_path)
    with pytest.raises(CourseError, match=r"no such notebook: .*00\.ipynb"):
        verify.run([tmp_path / "00.ipynb"])


def test_the_longest_notebook_comes_first(tmp_path):
    for name, seconds in (("00", 3), ("01", 90), ("02", None)):
        metadata = {"verified": {"seconds": seconds}} if seconds else {}
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(json.dumps({"metadata": metadata}))
    assert [path.stem for path in verify.notebooks(root=tmp_path)] == ["01", "00", "02"]


def test_a_kernel_that_died_is_started_again():
    started = []

    class Dies:
        def __init__(self, deaths):
            started.append(deaths)
            if len(started) <= deaths:
                raise RuntimeError("Kernel died before replying to kernel_info")

    verify.patient(Dies)(verify.KERNEL_STARTS - 1)
    assert len(started) == verify.KERNEL_STARTS
    started.clear()
    with pytest.raises(RuntimeError, match="Kernel died"):
        verify.patient(Dies)(verify.KERNEL_STARTS)
