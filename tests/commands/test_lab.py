"""`course lab`: the options it starts JupyterLab with, and one real start."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import course_lib
from course_lib.commands import lab
from course_lib.errors import CourseError

ROOT = Path(course_lib.__file__).parents[1]


def test_the_options(monkeypatch):
    monkeypatch.setattr(lab, "_has_display", lambda: True)
    command = lab.command(ROOT, None, browser=True)
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    wanted = {
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=8888",
        "--ServerApp.port_retries=50",
        f"--ServerApp.root_dir={ROOT}",
        "--ServerApp.open_browser=True",
        "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    }
    assert wanted <= set(command)
    assert not any(word in option.lower() for option in command for word in ("token", "password", "origin"))


def test_a_named_port_is_taken_as_it_is():
    command = lab.command(ROOT, 9000, browser=True)
    assert {"--ServerApp.port=9000", "--ServerApp.port_retries=0"} <= set(command)


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_root_is_allowed_only_for_root(monkeypatch, user, allowed):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    assert ("--ServerApp.allow_root=True" in lab.command(ROOT, None, browser=True)) is allowed


@pytest.mark.parametrize(
    ("variables", "wanted", "opened"),
    [({}, True, False), ({"DISPLAY": ":0"}, True, True), ({"DISPLAY": ":0"}, False, False)],
)
def test_a_browser_needs_a_screen(monkeypatch, variables, wanted, opened):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert f"--ServerApp.open_browser={opened}" in lab.command(ROOT, None, browser=wanted)


def test_without_a_checkout_it_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setattr(course_lib, "__file__", str(tmp_path / "course_lib" / "__init__.py"))
    assert lab.checkout() is None
    with pytest.raises(CourseError, match="git clone"):
        lab.start()


def test_without_jupyterlab_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CourseError, match="make lab"):
        lab.start()


def test_a_port_in_use_is_refused_before_anything_starts(monkeypatch):
    monkeypatch.setattr(lab, "_run", lambda *args: pytest.fail("it was started"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CourseError, match=f"Port {port} "):
            lab.start(port)
    with pytest.raises(CourseError, match="70000"):
        lab.start(70000)


@pytest.fixture
def teachers(tmp_path, monkeypatch) -> Path:
    """A small checkout that cannot be written to, and a student's empty home."""
    root = tmp_path / "kürs von allen"
    for folder in lab.FOLDERS:
        (root / folder).mkdir(parents=True)
        (root / folder / "00_start_here.ipynb").write_text(folder)
        (root / folder / "00_start_here.ipynb").chmod(0o444)
    monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).is_relative_to(root))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    return root


def test_a_checkout_of_ones_own_is_the_workplace(tmp_path):
    (tmp_path / "notebooks").mkdir()
    assert lab.workplace(tmp_path) == tmp_path


def test_a_read_only_checkout_is_copied_once_and_work_is_never_replaced(teachers, tmp_path):
    place = lab.workplace(teachers)
    assert place == tmp_path / "home" / "residual-imaging"
    mine = place / "notebooks" / "00_start_here.ipynb"
    mine.write_text("my work")  # the copy may be written to, though the original may not
    (place / "exercises" / "00_start_here.ipynb").unlink()
    assert lab.workplace(teachers) == place
    assert mine.read_text() == "my work"
    assert [(place / folder / mine.name).read_text() for folder in lab.FOLDERS[1:]] == ["exercises", "solutions"]


@pytest.mark.parametrize("writable", [True, False])
def test_it_says_where_it_will_write(teachers, tmp_path, monkeypatch, capsys, writable):
    if writable:
        monkeypatch.setattr(os, "access", lambda path, mode: True)
    opened = []
    monkeypatch.setattr(lab, "checkout", lambda: teachers)
    monkeypatch.setattr(lab, "_run", lambda command, variables, folder: opened.append(folder) or 0)
    assert lab.start(browser=False) == 0
    (folder,) = opened
    said = capsys.readouterr().out
    assert folder == (teachers if writable else tmp_path / "home" / "residual-imaging")
    assert said.count("\n") == 1 and str(folder) in said and "saved there" in said


def test_nowhere_to_write_is_one_line(teachers, tmp_path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(CourseError, match="copy the course's folder to a place of your own"):
        lab.workplace(teachers)


@pytest.mark.parametrize(("code", "result"), [(0, 0), (3, 1)])
def test_the_servers_own_end_is_passed_on(code, result):
    program = f"raise SystemExit({code})"
    assert lab._run([sys.executable, "-c", program], dict(os.environ), ROOT) == result


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_server_with_it_and_leaves_the_handlers_as_they_were(tmp_path, number):
    note = "open('pid', 'w').write(f'{os.getpid()} {os.getsid(0)}')"
    program = f"import os, time; {note}; time.sleep(60)"
    before = signal.getsignal(number)

    def hang_up() -> None:
        while not ((tmp_path / "pid").exists() and len((tmp_path / "pid").read_text().split()) == 2):
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    threading.Thread(target=hang_up).start()
    assert lab._run([sys.executable, "-c", program], dict(os.environ), tmp_path) == 0
    assert signal.getsignal(number) == before
    pid, session = map(int, (tmp_path / "pid").read_text().split())
    assert session != os.getsid(0)  # else a terminal's Ctrl-C reaches it directly: a question, or a traceback
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.fixture
def server(tmp_path):
    """A real `course lab` for a user whose own settings switch the token off: (address, token, process)."""
    settings = tmp_path / ".jupyter"
    settings.mkdir()
    off = "c.IdentityProvider.token = ''\nc.ServerApp.token = ''\nc.ServerApp.ip = '0.0.0.0'\n"
    (settings / "jupyter_server_config.py").write_text(off)
    environment = os.environ | {"HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "run")}
    for name in ("JUPYTER_TOKEN", "JUPYTER_CONFIG_DIR", "JUPYTER_NO_CONFIG"):
        environment.pop(name, None)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [sys.executable, "-m", "course_lib", "lab", "--no-browser", "--port", str(port)]
    pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(arguments, text=True, env=environment, **pipes)
    watchdog = threading.Timer(150, process.terminate)
    watchdog.start()
    for line in process.stderr:
        if address := re.search(r"(http://\S+?)(/lab/tree/\S+)\?token=(\w+)", line):
            break
    else:
        pytest.fail("it ended without an address")
    assert address[1] == f"http://127.0.0.1:{port}" and address[2] == lab.FIRST_PAGE
    yield address[1], address[3], process
    watchdog.cancel()
    process.terminate()
    process.communicate(timeout=30)


def get(address: str) -> tuple[int, str]:
    """Status and text; a proxy that the environment names is not asked."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def wait_for(port: int) -> None:
    """The address is printed a moment before the server listens."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing answers on port {port}")


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_real_start(server):
    address, token, process = server
    port = int(address.rsplit(":", 1)[1])
    wait_for(port)
    assert get(f"{address}/api/contents")[0] == 403
    assert get(f"{address}/api/contents?token=wrong")[0] == 403
    status, listing = get(f"{address}/api/contents?token={token}")
    assert status == 200
    # Of a read-only checkout JupyterLab opens a copy, without the library.
    assert {"notebooks", "exercises"} <= {entry["name"] for entry in json.loads(listing)["content"]}

    page = get(f"{address}/lab?token={token}")[1]
    settings = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert settings["news"] == {"disabled": True}
    assert "@jupyterlab/apputils-extension:announcements" in settings["disabledExtensions"]
    assert settings["extensionManager"]["can_install"] is False

    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))  # open to this address alone: a server on 0.0.0.0 would answer

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in out + err
    with socket.socket() as gone, pytest.raises(ConnectionRefusedError):
        gone.connect(("127.0.0.1", port))
