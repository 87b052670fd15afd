"""pyproject.toml, requirements.lock and environment.yml agree, and nothing committed names one machine."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

# What Colab brings itself and the course must leave alone.
COLAB = {
    "python": "3.13.1",
    "torch": "2.11.0+cu128",
    "torchvision": "0.26.0",
    "numpy": "2.1.3",
    "ipywidgets": "7.7.1",
}

# Written so that this file does not match itself.
MACHINE = {
    "a home folder": r"(?<![\w.~/-])/(?:[h]ome|[U]sers|[r]oot)/\w|[A-Z]:\\+[U]sers\\",
    "a temporary folder": r"(?<![\w.~/-])/(?:private/)?(?:var/)?[t]mp/\w",
    "a work folder": r"(?<![\w.~/-])/(?:[w]ork|[w]orkspace|[c]ode|[r]epo)/\w",
    "a package registry": r"[p]ypi\.org|[p]ythonhosted\.org|[c]onda\.anaconda\.org|[i]ndex-url\s*=",
}


def requirements() -> list[Requirement]:
    texts = [*PROJECT["dependencies"], *PYPROJECT["build-system"]["requires"]]
    for extra in PROJECT["optional-dependencies"].values():
        texts += extra
    return [Requirement(text) for text in texts]


def pins(lock: str) -> list[tuple[str, Version, Marker | None, int]]:
    """(name, version, marker, number of hashes) of each entry; it and its hashes are one logical line."""
    found = []
    for line in lock.replace("\\\n", " ").splitlines():
        entry, *hashes = re.split(r"\s+--hash=", line.strip())
        requirement = Requirement(entry)
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", entry
        good = [h for h in hashes if re.fullmatch(r"sha256:[0-9a-f]{64}", h.strip())]
        assert good == hashes, entry
        name = canonicalize_name(requirement.name)
        found.append((name, Version(specifier.version), requirement.marker, len(hashes)))
    return found


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_requirement_is_pinned_within_its_range(requirement):
    name = canonicalize_name(requirement.name)
    versions = [version for pinned, version, *_ in pins(LOCK) if pinned == name]
    assert versions, f"{name} is not in requirements.lock: make lock"
    assert all(requirement.specifier.contains(version, prereleases=True) for version in versions)


def test_every_pin_has_a_hash():
    assert len(pins(LOCK)) > 100
    assert [name for name, _, _, hashes in pins(LOCK) if hashes == 0] == []


def test_a_needed_package_is_pinned_once_for_each_python():
    """Two pins of one package must exclude each other, else pip refuses the whole file."""
    for python in ("3.11.7", "3.12.4", "3.13.1"):
        where = {"python_version": python[:4], "python_full_version": python}
        for platform in ("linux", "darwin", "win32"):
            machine = where | {"sys_platform": platform}
            there = [n for n, _, marker, _ in pins(LOCK) if not marker or marker.evaluate(machine)]
            assert len(there) == len(set(there)), (python, platform)
            assert {canonicalize_name(requirement.name) for requirement in requirements()} <= set(there)


@pytest.mark.parametrize("word", ["://", "--index-url", "--extra-index-url", "--find-links", " @ ", "-e "])
def test_the_lock_holds_no_address(word):
    assert word not in LOCK


def test_all_agree_on_python():
    python = SpecifierSet(PROJECT["requires-python"])
    (asked,) = [text for text in ENVIRONMENT["dependencies"] if str(text).startswith("python")]
    assert SpecifierSet(asked.removeprefix("python")) == python == SpecifierSet(">=3.11")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"pip compile\b.*--universal --python-version 3\.11 ", makefile)
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py311"


def test_environment_yml_adds_nothing_of_its_own():
    assert ENVIRONMENT["name"] == PROJECT["name"] and ENVIRONMENT["channels"] == ["conda-forge"]
    *conda, pip = ENVIRONMENT["dependencies"]
    assert [re.split("[<>=]", text)[0] for text in conda] == ["python", "pip"]
    (itself,) = pip["pip"]
    extras = re.fullmatch(r"-e \.\[([\w,]+)\]", itself)[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    assert {"lab", "build", "test"} == set(extras)


@pytest.mark.parametrize(("name", "version"), COLAB.items())
def test_colab_is_left_alone(name, version):
    if name == "python":
        assert SpecifierSet(PROJECT["requires-python"]).contains(version)
        return
    (requirement,) = [r for r in map(Requirement, PROJECT["dependencies"]) if r.name == name]
    assert requirement.specifier.contains(version)


def test_the_command_is_the_one_that_is_tested():
    assert PROJECT["scripts"] == {"course": "course_lib.commands.app:main"}


def test_the_wheel_carries_the_data_and_both_licences(tmp_path):
    assert PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {
        "data": "course_lib/embedded_data"
    }
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling (the setup extra) is not installed")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (licence,) = [n for n in names if n.endswith("licenses/LICENSE")]
        (text_licence,) = [n for n in names if n.endswith("licenses/LICENSE-TEXT")]
        assert archive.read(licence).startswith(b"MIT License")
        assert b"SPDX-License-Identifier: CC-BY-4.0" in archive.read(text_licence)
    assert {"course_lib/commands/app.py", "course_lib/errors.py"} <= names
    data = [path for path in tracked() if path.startswith("data/")]
    assert {path.replace("data/", "course_lib/embedded_data/", 1) for path in data} <= names
    assert not any(name.startswith(("tests/", "notebooks/", "solutions/")) for name in names)


def tracked() -> list[str]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=False, capture_output=True, text=True)
    if listed.returncode:  # as in a checkout that belongs to somebody else
        pytest.skip(f"git does not answer here: {listed.stderr.strip().splitlines()[0]}")
    return [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]


def test_what_belongs_to_one_machine_is_not_committed():
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".venv/" in ignored and "/uv.lock" in ignored
    assert [path for path in tracked() if path == "uv.lock" or path.startswith(".venv/")] == []


def complaints(text: str) -> list[str]:
    """The machine's own paths and registries in `text`; encoded pictures may spell anything."""
    text = re.sub(r'"image/[\w.+-]+": *(?:"[^"]*"|\[[^\]]*\])|;base64,[\w+/=\\]+', "", text)
    return [f"{what}: {found}" for what, pattern in MACHINE.items() for found in re.findall(pattern, text)]


def test_no_committed_text_names_a_machine_or_a_registry():
    found = {}
    for path in tracked():
        raw = (ROOT / path).read_bytes()
        if b"\0" in raw:
            continue  # not a text
        if said := complaints(raw.decode("utf-8", errors="replace")):
            found[path] = said
    assert found == {}


@pytest.mark.parametrize(
    ("parts", "count"),
    [
        (("open('/ho", "me/ann/x')"), 1),
        (("/Us", "ers/ann/x"), 1),
        (("C:\\\\Us", "ers\\\\ann"), 1),
        (("in /tm", "p/x"), 1),
        (("/wo", "rk/main"), 1),
        (("https://py", "pi.org/simple"), 1),
        (("~/ho", "me/x, src/wo", "rk/x and example.com/tm", "p/x"), 0),
        (('"image/png": "iVBOR/tm', 'p/abc"'), 0),
        (("src=data:image/png;base64,iVBOR /tm".replace(" ", ""), "p/abc"), 0),
    ],
)
def test_the_rule_itself(parts, count):
    assert len(complaints("".join(parts))) == count
