"""The repository is named in one place, links lead somewhere, and the README shows what the course really makes."""

import base64
import json
import re
import tomllib
from pathlib import Path

import pytest

from course_lib.authoring import yardstick

ROOT = Path(__file__).parents[1]
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
SLUG = REPOSITORY.removeprefix("https://github.com/")
TEXTS = sorted((ROOT / "text").rglob("*.py"))
NOTEBOOKS = sorted(
    path for folder in ("notebooks", "solutions", "exercises") for path in (ROOT / folder).glob("*.ipynb")
)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_badge_and_colab_cell_name_this_repository_and_this_file(path):
    text = "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])
    place = "exercises" if path.parent.name == "solutions" else path.parent.name
    assert f"https://colab.research.google.com/github/{SLUG}/blob/main/{place}/{path.name}" in text
    assert f'%pip install -q "residual-imaging @ git+{REPOSITORY}"' in text
    assert set(re.findall(r"github(?:\.com)?/([\w-]+/[\w.-]+?)(?=[\"/)])", text)) <= {SLUG}


@pytest.mark.parametrize("path", [*TEXTS, ROOT / "README.md"], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_inside_the_repository_lead_somewhere(path):
    # In a text the prose stands in comments; a call like `networks["small"](picture)` is no link.
    prose = [line for line in path.read_text().splitlines() if path.suffix == ".md" or line.startswith("#")]
    links = re.findall(r"\]\(([^)#\s]+)\)", "\n".join(prose))
    local = [link for link in links if "://" not in link]
    folder = path.parent if path.name == "README.md" else ROOT / path.parent.name
    missing = [link for link in local if not (folder / link).exists()]
    assert missing == []


def figures(path: Path) -> list[bytes]:
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    data = [output.get("data", {}).get("image/png") for cell in cells for output in cell["outputs"]]
    return [base64.b64decode("".join(png)) for png in data if png]


def test_the_picture_in_the_readme_is_one_of_the_course():
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+\.png)\)", (ROOT / "README.md").read_text())
    made = [figure for path in (ROOT / "notebooks").glob("*.ipynb") for figure in figures(path)]
    assert shown and all((ROOT / picture).read_bytes() in made for picture in shown)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_promised_seconds_are_the_measured_ones(path):
    notebook = json.loads(path.read_text())
    opening = "".join(notebook["cells"][0]["source"])
    (promised,) = re.findall(r"about (\d+) seconds on two CPU cores", opening)
    verified = notebook["metadata"]["verified"]
    measured = yardstick.quiet(verified["seconds"], verified["yardstick"])
    assert measured <= 90 and measured / 1.5 <= int(promised) <= measured * 1.5
    row = next(
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("|") and path.name in line
    )
    assert f"{promised} s" in row, "the README's table gives another time"
