"""`course lab`: JupyterLab from this environment, on this machine only, with its token on.

The server has a settings folder of its own below ~/.jupyter and ignores the user's server settings, because a base
URL, a password or a disabled token meant for other work would break what the course promises. The user's themes and
key bindings are kept.
"""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

import course_lib
from course_lib.errors import CourseError
from course_lib.system.files import replacing

FIRST_PAGE = "/lab/tree/notebooks/00_start_here.ipynb"
FOLDERS = ("notebooks", "exercises", "solutions")
PORT = 8888


def lab(
    port: Annotated[int | None, typer.Option(help="Port to use. Default: 8888 or the next free one.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
) -> None:
    """Open the course in JupyterLab, on this machine only."""
    raise typer.Exit(start(port, browser=not no_browser))


def checkout() -> Path | None:
    """The folder that holds notebooks/ and pyproject.toml, or None if course_lib was installed without it."""
    root = Path(course_lib.__file__).resolve().parents[1]
    return root if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() else None


def start(port: int | None = None, browser: bool = True) -> int:
    """Run JupyterLab until it ends or is stopped (Ctrl-C, a closed terminal); 0 if it ended well, else 1.

    `port` is used or refused; without it, 8888 or the next free port is used. Prints where notebooks are saved.
    Raises CourseError if JupyterLab or the checkout is missing or `port` is in use.
    """
    root = checkout()
    if root is None:
        raise CourseError(
            "course_lib is installed without the notebooks: course lab needs the course's folder; "
            "git clone it (or unpack its archive) and run `make lab` there."
        )
    if importlib.util.find_spec("jupyterlab") is None:
        raise CourseError(
            f"JupyterLab is not installed beside {sys.executable}: run `make lab`, or "
            "`python -m pip install 'jupyterlab>=4.2' ipykernel` for this Python."
        )
    if port is not None:
        _must_be_free(port)
    place = workplace(root)
    if place != root:
        print(f"{root} cannot be written to: you work on a copy in {place}, and your changes are saved there.")
    else:
        print(f"Notebooks open from {root}, and your changes are saved there.")
    sys.stdout.flush()
    return _run(command(place, port, browser), environment(), place)


def workplace(root: Path) -> Path:
    """The folder that JupyterLab opens and saves in: the checkout, or a copy of its notebooks if that is read-only.

    The copy is ~/residual-imaging; files already there are never replaced. Raises CourseError if it cannot be made.
    """
    if all(os.access(folder, os.W_OK) for folder in (root, root / FOLDERS[0])):
        return root
    place = Path.home() / "residual-imaging"
    try:
        for source in (file for folder in FOLDERS for file in sorted((root / folder).glob("*.ipynb"))):
            target = place / source.relative_to(root)
            if not target.exists():
                with replacing(target) as partial:
                    partial.write_bytes(source.read_bytes())  # without its mode, which may be read-only
    except OSError as error:
        raise CourseError(
            f"neither {root} nor {place} can be written to ({error.strerror}): "
            "copy the course's folder to a place of your own, and run `course lab` there."
        ) from error
    return place


def command(root: Path, port: int | None, browser: bool) -> list[str]:
    """The JupyterLab command line. These options override any configuration file."""
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port or PORT,
        "ServerApp.port_retries": 0 if port else 50,
        "ServerApp.root_dir": root,
        "ServerApp.open_browser": browser and _has_display(),
        "ServerApp.log_level": "WARN",  # so that the address stays visible in the terminal
        "LabApp.default_url": FIRST_PAGE,
        # No downloads and no questions: the course works without a network.
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
    }
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options["ServerApp.allow_root"] = True  # in a container, root is often the only user
    return [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]


def environment() -> dict[str, str]:
    """The environment variables that JupyterLab runs with."""
    from jupyter_core.paths import jupyter_config_dir

    variables = dict(os.environ)
    settings = Path(jupyter_config_dir())
    variables.setdefault("JUPYTERLAB_SETTINGS_DIR", str(settings / "lab" / "user-settings"))
    ours = settings / "residual-imaging"
    variables["JUPYTER_CONFIG_DIR"] = str(ours)
    _without_questions(ours)
    # Otherwise a python3 kernel installed for the user would hide this environment's kernel.
    variables["JUPYTER_PREFER_ENV_PATH"] = "1"
    # `!course doctor` in a notebook must find this environment's command, activated or not.
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", os.defpath)])
    return variables


def _without_questions(folder: Path) -> None:
    """Disable the extension that offers JupyterLab's news: no command-line option turns it off."""
    page = folder / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}))


def _run(arguments: list[str], variables: dict[str, str], root: Path) -> int:
    # Ctrl-C goes to every process of a terminal, and Jupyter responds with a question, or with a traceback while
    # it starts. In a process session of its own it receives only our SIGTERM.
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signals = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [signal.signal(number, stop) for number in signals]
    server = subprocess.Popen(arguments, env=variables, cwd=root, start_new_session=True)
    try:
        return 1 if server.wait() else 0
    except KeyboardInterrupt:
        return 0
    finally:
        if server.poll() is None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is stopping; a second Ctrl-C would leave it running
            server.terminate()
            try:
                server.wait(timeout=15)
            except subprocess.TimeoutExpired:
                server.kill()
            signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _must_be_free(port: int) -> None:
    if not 1 <= port <= 65535:
        raise CourseError(f"--port {port} is out of range; give a number from 1 to 65535.")
    with socket.socket() as probe:
        # A port released a moment ago counts as free, as it does for Jupyter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CourseError(
                f"Port {port} cannot be used ({error.strerror}); give another one, or none to use the next free one."
            ) from None


def _has_display() -> bool:
    # Without a display, Python falls back to a text browser, which cannot show JupyterLab.
    return not sys.platform.startswith("linux") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
