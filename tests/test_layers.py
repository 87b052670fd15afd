"""Lower layers of course_lib never import upper ones, and nothing imports the notebook checks."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "course_lib"

# From the ground up, a line a floor. A module may import its own folder and the floors below. `check` stands apart: it
# imports from all, and nothing imports it.
LAYERS = {
    "ground": {"__init__", "errors"},
    "system": {"system"},
    "vocabulary": {"blocks", "losses", "expect"},
    "images": {"images"},
    "data": {"data"},
    "degradations and metrics": {"degradations", "metrics", "toy2d"},
    "networks": {"networks"},
    "evaluation and sampling": {"evaluation", "sampling"},
    "training": {"training"},
    "recipes": {"recipes"},
    "runs": {"runs"},
    "display": {"display"},
    "authoring": {"authoring"},
    "commands": {"__main__", "commands"},
    "checks": {"check"},
}
HEIGHT = {module: height for height, modules in enumerate(LAYERS.values()) for module in modules}


def sources() -> list[Path]:
    return sorted(LIBRARY.rglob("*.py"))


def module_of(path: Path) -> str:
    """The module, or the package that it is in: a package is one thing to the layers."""
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def imports(source: str, package: str = "course_lib") -> set[str]:
    """What `source`, a module of `package`, imports of course_lib, also in functions and by import_module."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # One dot is the package itself, each further one the package around it.
            around = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*around, *([node.module] if node.module else [])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            names |= {argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    return {match[1] for name in names if (match := re.match(r"course_lib\.(\w+)", name))}


def complaints(module: str, source: str, package: str = "course_lib") -> list[str]:
    if module not in HEIGHT:
        return [f"course_lib/{module} is in no layer: add it to LAYERS in tests/test_layers.py"]
    found = []
    for name in sorted(imports(source, package) - {module}):
        if name not in HEIGHT:
            found.append(f"{module} imports {name}, which is in no layer: add it to LAYERS")
        elif HEIGHT[name] > HEIGHT[module]:
            found.append(f"{module} imports {name} from a layer above its own")
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_lower_layers_do_not_import_upper_ones(path):
    package = ".".join(path.relative_to(LIBRARY.parent).parent.parts)
    assert complaints(module_of(path), path.read_text(encoding="utf-8"), package) == []


def test_no_folder_is_imported_in_a_circle():
    """Two rooms on one floor may use each other only one way."""
    graph: dict[str, set[str]] = {}
    for path in sources():
        package = ".".join(path.relative_to(LIBRARY.parent).parent.parts)
        room = module_of(path)
        graph.setdefault(room, set()).update(imports(path.read_text(encoding="utf-8"), package) - {room})
    assert len(list(TopologicalSorter(graph).static_order())) >= len(HEIGHT) - 2
    with pytest.raises(CycleError):
        list(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


def test_relative_imports_inside_a_package():
    assert imports("from .report import say", "course_lib.check") == {"check"}
    assert imports("from . import report", "course_lib.check") == {"check"}
    assert imports("from ..blocks import Residual", "course_lib.check") == {"blocks"}
    assert imports("from .. import losses", "course_lib.check") == {"losses"}


def test_each_module_has_one_layer():
    assert len(HEIGHT) == sum(len(modules) for modules in LAYERS.values())


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("blocks", "from course_lib.errors import CourseError", []),
        ("blocks", "from course_lib.blocks import Residual", []),
        ("commands", "import torch, course_library.check", []),
        ("blocks", "from course_lib.training import fit", ["training"]),
        ("blocks", "import course_lib.recipes as r", ["recipes"]),
        ("blocks", "from course_lib import display, errors", ["display"]),
        ("blocks", "from . import metrics", ["metrics"]),
        ("blocks", "from .metrics import psnr", ["metrics"]),
        ("metrics", "def f():\n    from course_lib.commands import app", ["commands"]),
        ("errors", "importlib.import_module('course_lib.data_sets')", ["no layer"]),
        ("commands", "from course_lib import check", ["check"]),
        ("commands", "from course_lib.check.blocks import residual", ["check"]),
        ("check", "from course_lib import commands, blocks", []),
        ("brand_new", "", ["add it to LAYERS"]),
    ],
)
def test_the_rule_itself(module, source, said):
    found = complaints(module, source)
    assert len(found) == len(said) and all(word in text for word, text in zip(said, found, strict=True))
