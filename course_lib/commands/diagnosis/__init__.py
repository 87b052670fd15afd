"""`course doctor`: what this machine has, what is missing, and how to fix it. It never fails itself."""

import json
import os
import platform
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from pathlib import Path

from course_lib.commands.diagnosis.item import PROJECT, Item, one_line, reinstall, restore
from course_lib.commands.diagnosis.packages import requirements, torch_pair
from course_lib.commands.lab import checkout

MARKS = {"ok": "✓", "warn": "!", "missing": "✗"}


def report() -> list[Item]:
    """Everything there is to report about this machine, in reading order. A check that fails becomes an item."""
    parts = (_system, _environment, torch_pair, _device, requirements, _data, _checkpoints, _disk, _memory)
    return [item for part in parts for item in _safely(part)]


def as_text(items: list[Item]) -> str:
    """The report as aligned lines, each with ✓, ! or ✗, and below it how to fix it."""
    width = max(len(item.name) for item in items)
    lines = []
    for item in items:
        lines.append(f"{MARKS[item.status]} {item.name:<{width}}  {item.detail}")
        if item.mend:
            lines.append(f"  {'':<{width}}  → {item.mend}")
    return "\n".join(lines)


def _safely(part: Callable[[], Iterator[Item]]) -> list[Item]:
    try:
        with warnings.catch_warnings(action="ignore"):
            return list(part())
    except Exception as error:
        name = part.__name__.strip("_").replace("_", " ")
        return [Item(name, "missing", one_line(error), f"fix what is listed above, or {reinstall()}")]


def _system() -> Iterator[Item]:
    yield Item("Python", "ok", platform.python_version())
    yield Item("platform", "ok", platform.platform())
    try:
        yield Item("course", "ok", metadata.version(PROJECT))
    except metadata.PackageNotFoundError:
        yield Item("course", "missing", "its package metadata is not installed", reinstall())


def _environment() -> Iterator[Item]:
    root = checkout()
    own = root / ".venv" if root else None
    if own is None or not own.is_dir():
        where = "installed without a checkout" if root is None else "a checkout without .venv"
        yield Item("environment", "ok", f"{where}, running in {sys.prefix}")
    elif own.resolve() == Path(sys.prefix).resolve():
        yield Item("environment", "ok", f"the checkout's own, {own}")
    else:
        command = own / ("Scripts" if os.name == "nt" else "bin") / "course"
        yield Item("environment", "warn", f"running in {sys.prefix}, not in {own}", f"{command} doctor")


def _device() -> Iterator[Item]:
    found = import_module("course_lib.system.device").describe()
    yield Item("device", "ok", "{device}: {name}, {threads} CPU threads".format(**found))


def _data() -> Iterator[Item]:
    data = import_module("course_lib.data")
    for name, arguments, wanted in (("fashion_mnist_mini", ("test",), 2000), ("photos", (), None)):
        try:
            images = data.load(name, *arguments)
            count = len(images)
            images[count - 1]
        except Exception as error:
            yield Item(name, "missing", one_line(error), restore("data"))
            continue
        if count == 0 or (wanted and count != wanted):
            detail = f"{count} images, wanted {wanted or 'some'}"
            yield Item(name, "missing", detail, restore("data"))
        else:
            yield Item(name, "ok", f"{count} images read")


def _checkpoints() -> Iterator[Item]:
    cards = sorted(import_module("course_lib.data").data_dir().glob("checkpoints/*/card.json"))
    bad = [card.parent.name for card in cards if not _is_card(card)]
    names = ", ".join(card.parent.name for card in cards if card.parent.name not in bad)
    if bad or not cards:
        detail = f"unreadable: {', '.join(bad)}" if bad else "none found"
        yield Item("checkpoints", "warn", detail, restore("data/checkpoints"))
    else:
        yield Item("checkpoints", "ok", f"{len(cards)}: {names}")


def _is_card(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False


def _disk() -> Iterator[Item]:
    folder = checkout() or Path.cwd()
    free = shutil.disk_usage(folder).free / 1e9
    few = free < 2
    mend = "free some space: full data sets and long runs take about 2 GB" if few else ""
    yield Item("disk", "warn" if few else "ok", f"{free:.1f} GB free in {folder}", mend)


def _memory() -> Iterator[Item]:
    if not hasattr(os, "sysconf"):
        yield Item("memory", "ok", "unknown on this system")
        return
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    few = total < 3
    mend = "close other programs: a chapter takes about 2 GB" if few else ""
    yield Item("memory", "warn" if few else "ok", f"{total:.1f} GB", mend)
