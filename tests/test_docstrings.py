"""Every public symbol's docstring names the chapter that shows it; that chapter exists and does."""

import ast
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
CHAPTERS = ROOT / "text" / "notebooks"
SOLUTIONS = ROOT / "text" / "solutions"

# Tooling: shown by `course --help`, not by a chapter.
TOOLING = {"__main__", "authoring", "commands"}
INNER = {"system/downloads", "system/files"}  # behind what a chapter shows

# Chapters that are being written: their parts may be in the library already. A test says when one is done.
COMING = set()


class Symbol(NamedTuple):
    """A public function or class, and what it says about itself."""

    module: str
    name: str
    doc: str


def symbols() -> list[Symbol]:
    """Read from the source, so that nothing needs to be imported and re-exports do not count twice."""
    found = []
    for path in sorted((ROOT / "course_lib").rglob("*.py")):
        module = path.relative_to(ROOT / "course_lib").with_suffix("").as_posix()
        if module.split("/")[0] in TOOLING or module in INNER:
            continue
        # Of a package's inner modules only that is public which the package itself hands out; where its face hands out
        # nothing (system), the modules are what one imports.
        inner = module.count("/") and not module.endswith("__init__")
        face = ROOT / "course_lib" / module.split("/")[0] / "__init__.py"
        package = face.read_text(encoding="utf-8") if inner else ""
        inner = inner and "__all__" in package
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                if inner and not re.search(rf"\b{node.name}\b", package.partition("__all__")[2].partition("]")[0]):
                    continue
                found.append(Symbol(module, node.name, ast.get_docstring(node) or ""))
    return found


def complaint(
    symbol: Symbol, chapters: Path = CHAPTERS, solutions: Path = SOLUTIONS, coming: Collection[str] = COMING
) -> str:
    """What is wrong with the docstring, or nothing. Checks are shown where they are used: in an exercise."""
    numbers = sorted(set(re.findall(r"\bchapter\s+(\d\d)\b", symbol.doc, re.IGNORECASE)))
    if not numbers:
        return "its docstring does not say 'chapter NN'"
    folders = [chapters, solutions] if symbol.module.split("/")[0] == "check" else [chapters]
    texts = {n: [path for folder in folders for path in folder.glob(f"{n}_*.py")] for n in numbers}
    if missing := [number for number, paths in texts.items() if not paths and number not in coming]:
        return f"it names chapter {', '.join(missing)}, which does not exist"
    shown = [path for paths in texts.values() for path in paths]
    if not all(texts.values()):
        return ""  # a chapter to come may show it
    word = re.compile(rf"\b{re.escape(symbol.name)}\b")
    if not any(word.search(path.read_text(encoding="utf-8")) for path in shown):
        return f"chapter {', '.join(numbers)} never mentions it"
    return ""


@pytest.mark.parametrize("symbol", symbols(), ids=lambda s: f"{s.module}.{s.name}")
def test_the_chapter_shows_it(symbol):
    assert complaint(symbol) == ""


@pytest.mark.parametrize(
    ("module", "name", "doc", "said"),
    [
        ("blocks", "Residual", "A block. Chapter 01.", ""),
        ("blocks", "Residual", "A block. Built in\nchapter 01, used in chapter 02.", ""),
        ("blocks", "Residual", "A block.", "does not say"),
        ("blocks", "Residual", "", "does not say"),
        ("blocks", "Residual", "A block. Chapter 1.", "does not say"),
        ("blocks", "Residual", "A block. Chapter 03.", "03, which does not exist"),
        ("blocks", "Residual", "A block. Chapter 09.", ""),
        ("blocks", "Residual", "A block. Chapters 01 and 09; chapter 03.", "03, which does not exist"),
        ("blocks", "Resid", "Half a name. Chapter 01.", "never mentions"),
        ("blocks", "Residual", "A block. Chapter 02.", "never mentions"),
        ("blocks", "psnr_check", "In an exercise only. Chapter 01.", "never mentions"),
        ("check/blocks", "psnr_check", "In an exercise. Chapter 01.", ""),
    ],
)
def test_the_rule_itself(tmp_path, module, name, doc, said):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "solutions").mkdir()
    (tmp_path / "chapters" / "01_residual_blocks.py").write_text("block = Residual(branch)")
    (tmp_path / "chapters" / "02_gan_losses.py").write_text("MyResidual")
    (tmp_path / "solutions" / "01_residual_blocks.py").write_text("check.psnr_check(yours)")
    found = complaint(Symbol(module, name, doc), tmp_path / "chapters", tmp_path / "solutions", coming={"09"})
    assert found == "" if said == "" else said in found


@pytest.mark.parametrize("number", sorted(COMING))
def test_no_chapter_to_come_is_there(number):
    assert list(CHAPTERS.glob(f"{number}_*.py")) == [], f"chapter {number} is there: take it out of COMING"
