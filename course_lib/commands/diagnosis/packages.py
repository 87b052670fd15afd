"""`course doctor` on packages: what pyproject.toml requires, compared with what is installed."""

from collections.abc import Iterator
from importlib import import_module, metadata

from course_lib.commands.diagnosis.item import PROJECT, Item, install, one_line, reinstall
from course_lib.commands.lab import checkout

NEEDED_BY = {"lab": "course lab", "build": "course notebooks, course exercises", "test": "course test"}
PAIR = ("torch", "torchvision")


def torch_pair() -> Iterator[Item]:
    """torch and torchvision: each is installed, in a version that works with the other."""
    versions = []
    for name in PAIR:  # only importing torchvision shows that torch does not fit it
        try:
            versions.append(f"{name} {import_module(name).__version__}")
        except Exception as error:
            mend = reinstall() if checkout() else "in Colab take a fresh runtime, elsewhere " + install(*PAIR)
            yield Item("torch", "missing", f"{name} does not import: {one_line(error)}", mend)
            return
    yield Item("torch", "ok", f"{' and '.join(versions)} import together")


def requirements() -> Iterator[Item]:
    """What the project's own metadata require: always, or for one command only (its extras)."""
    from packaging.requirements import Requirement

    for text in metadata.requires(PROJECT) or []:
        requirement = Requirement(text)
        extra = next((e for e in NEEDED_BY if requirement.marker and _only_with(requirement, e)), None)
        if extra is None and requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue  # for another system, or what `make setup` itself installs with
        wanted = f"{requirement.name}{requirement.specifier}"
        lack, use = ("warn", f", for {NEEDED_BY[extra]}") if extra else ("missing", "")
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Item(requirement.name, lack, f"not installed{use}", install(wanted))
            continue
        if requirement.specifier.contains(version, prereleases=True):
            yield Item(requirement.name, "ok", version + use)
        else:
            yield Item(requirement.name, lack, f"{version}, wanted {wanted}{use}", install(wanted))
    yield _importable("jupyterlab", NEEDED_BY["lab"])


def _only_with(requirement, extra: str) -> bool:
    return requirement.marker.evaluate({"extra": extra}) and not requirement.marker.evaluate({"extra": ""})


def _importable(name: str, use: str) -> Item:
    try:
        import_module(name)
    except Exception as error:
        return Item(f"import {name}", "warn", f"{one_line(error)}, for {use}", install(name))
    return Item(f"import {name}", "ok", "works")
