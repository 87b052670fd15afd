"""`course doctor` tells the truth, and goes on telling when what it looks at is broken."""

import json
import os
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest

import course_lib
from course_lib.commands import diagnosis as doctor
from course_lib.commands.diagnosis import item as doctor_item
from course_lib.commands.diagnosis import packages as doctor_packages

ROOT = Path(course_lib.__file__).parents[1]
NEEDED = {"torch", "torchvision", "numpy", "typer", "accelerate"}
OPTIONAL = {"jupyterlab": "course lab", "nbgrader": "course exercises", "pytest": "course test"}


@pytest.fixture
def data(monkeypatch, tmp_path):
    """A stand-in for course_lib.data: its pictures and its folder."""
    pictures = {"fashion_mnist_mini": [0] * 2000, "photos": [0] * 6}
    module = types.ModuleType("course_lib.data")
    module.load = lambda name, split="train", limit=None: pictures[name]
    module.data_dir = lambda: tmp_path
    monkeypatch.setitem(sys.modules, "course_lib.data", module)
    return types.SimpleNamespace(pictures=pictures, folder=tmp_path)


@pytest.fixture
def installed(monkeypatch):
    """Versions that packages seem to have; None for one that seems missing."""
    versions: dict[str, str | None] = {}
    real = metadata.version

    def version(name: str) -> str:
        if name in versions and versions[name] is None:
            raise metadata.PackageNotFoundError(name)
        return versions.get(name) or real(name)

    monkeypatch.setattr(metadata, "version", version)
    return versions


def by_name(items) -> dict[str, doctor.Item]:
    return {item.name: item for item in items}


def test_the_report_is_complete_and_mends_what_it_finds():
    items = doctor.report()
    names = [item.name for item in items]
    machine = {"Python", "platform", "course", "environment", "torch", "device", "disk", "memory"}
    data = {"fashion_mnist_mini", "photos", "checkpoints"}
    assert machine | data | NEEDED | set(OPTIONAL) | {"import jupyterlab"} <= set(names)
    assert all(item.status in doctor.MARKS and item.detail for item in items)
    assert all(bool(item.mend) == (item.status != "ok") for item in items)
    assert all("\n" not in item.detail + item.mend for item in items)


def test_a_sound_environment_passes():
    assert [item for item in doctor_packages.requirements() if item.status != "ok"] == []
    assert [item.status for item in doctor_packages.torch_pair()] == ["ok"]


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_a_needed_package_that_is_not_there_is_missing(installed, name):
    installed[name] = None
    item = by_name(doctor_packages.requirements())[name]
    assert item.status == "missing" and f"pip install '{name}>=" in item.mend


@pytest.mark.parametrize(("name", "command"), OPTIONAL.items())
def test_an_optional_package_that_is_not_there_says_which_command_needs_it(installed, name, command):
    installed[name] = None
    item = by_name(doctor_packages.requirements())[name]
    assert item.status == "warn" and command in item.detail and name in item.mend


def test_a_version_outside_its_range_is_said(installed):
    installed["numpy"], installed["jupyterlab"] = "1.20.0", "3.6"
    items = by_name(doctor_packages.requirements())
    assert items["numpy"].status == "missing" and items["numpy"].detail == "1.20.0, wanted numpy>=1.26"
    assert items["jupyterlab"].status == "warn"
    assert items["jupyterlab"].detail == "3.6, wanted jupyterlab>=4.2, for course lab"


@pytest.mark.parametrize("version", ["2.11.0+cu128", "2.16.0.dev20261101"])  # Colab's, and a nightly build
def test_a_torch_built_for_one_machine_is_still_in_its_range(installed, version):
    installed["torch"] = version
    assert by_name(doctor_packages.requirements())["torch"].status == "ok"


def test_only_the_pair_of_torch_and_torchvision_counts(monkeypatch):
    def imported(name: str):
        if name == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist")
        return types.SimpleNamespace(__version__="2.15.0")

    monkeypatch.setattr(doctor_packages, "import_module", imported)
    (item,) = doctor_packages.torch_pair()
    assert item.status == "missing" and "nms" in item.detail and item.mend


@pytest.mark.parametrize("name", ["fashion_mnist_mini", "photos"])
@pytest.mark.parametrize("pictures", [[], None])
def test_data_that_is_empty_or_gone_is_missing(data, name, pictures):
    if pictures is None:
        del data.pictures[name]
    else:
        data.pictures[name] = pictures
    items = by_name(doctor._data())
    assert items.pop(name).status == "missing"
    assert [item.status for item in items.values()] == ["ok"]


def test_a_shortened_data_set_is_missing(data):
    data.pictures["fashion_mnist_mini"] = [0] * 1999
    assert by_name(doctor._data())["fashion_mnist_mini"].status == "missing"


def test_checkpoints(data):
    def found() -> doctor.Item:
        return next(doctor._checkpoints())

    assert (found().status, found().detail) == ("warn", "none found")
    for name, text in {"denoise": "{}", "dcgan": '{"recipe": "dcgan"}'}.items():
        (data.folder / "checkpoints" / name).mkdir(parents=True)
        (data.folder / "checkpoints" / name / "card.json").write_text(text)
    assert (found().status, found().detail) == ("ok", "2: dcgan, denoise")
    (data.folder / "checkpoints" / "dcgan" / "card.json").write_text("{half")
    assert (found().status, found().detail) == ("warn", "unreadable: dcgan")


@pytest.mark.parametrize(("free", "status"), [(1.9e9, "warn"), (2.1e9, "ok")])
def test_a_full_disk_is_said(monkeypatch, free, status):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=free))
    assert next(doctor._disk()).status == status


def test_another_environment_than_the_checkouts_own_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "checkout", lambda: tmp_path)
    assert next(doctor._environment()).status == "ok"  # no .venv there: nothing to mix up
    (tmp_path / ".venv").mkdir()
    item = next(doctor._environment())
    assert item.status == "warn" and str(tmp_path / ".venv") in item.mend
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert next(doctor._environment()).status == "ok"
    monkeypatch.setattr(doctor, "checkout", lambda: None)
    assert "without a checkout" in next(doctor._environment()).detail


def test_without_a_checkout_nobody_is_sent_to_git_or_make(monkeypatch):
    assert "git" in doctor_item.restore("data") and "make" in doctor_item.reinstall()
    monkeypatch.setattr(doctor_item, "checkout", lambda: None)
    assert "git" not in doctor_item.restore("data") and "make" not in doctor_item.reinstall()


def test_a_part_that_fails_becomes_an_item_and_the_others_still_speak(monkeypatch):
    def fail(path):
        raise PermissionError("not\nyours")

    monkeypatch.setattr(doctor.shutil, "disk_usage", fail)
    monkeypatch.setattr(metadata, "requires", lambda name: 1 / 0)
    items = by_name(doctor.report())
    assert items["disk"] == doctor.Item("disk", "missing", "PermissionError: not yours", items["disk"].mend)
    assert "ZeroDivisionError" in items["requirements"].detail
    assert items["Python"].status == items["memory"].status == "ok"


@pytest.mark.parametrize("line", ["raise OSError('libtorch.so: cannot open')", "__version__ = '0'"])
def test_a_broken_torch_is_reported_by_a_whole_report(tmp_path, line):
    """The real thing in a process of its own: a torch that fails on import, or is an empty shell."""
    (tmp_path / "torch.py").write_text(line)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    shown = subprocess.run(
        [sys.executable, "-m", "course_lib", "doctor", "--json"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert shown.returncode == 1 and shown.stderr == ""
    said = json.loads(shown.stdout)
    assert said["ok"] is False
    # "torch" stands twice, as a pair that imports and as a requirement; the first is the one that broke
    first = next(item for item in said["items"] if item["name"] == "torch")
    assert first["status"] == "missing" and first["mend"]
    assert {"Python", "numpy", "disk"} <= {item["name"] for item in said["items"]}
