"""The released weights: fetched over a line that breaks, checked, kept; every failure is one clear line. No network."""

import hashlib
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from course_lib import data
from course_lib.errors import CourseError
from course_lib.evaluation import inception, inception_weights
from course_lib.evaluation.inception_network import InceptionNetwork
from course_lib.evaluation.inception_weights import ADDRESSES, FILE, KEPT, SHA256, load_inception
from course_lib.system import downloads as fetching
from course_lib.system.downloads import fetch

CONTENT = bytes(range(256)) * 4000  # about 1 MB
SUM = hashlib.sha256(CONTENT).hexdigest()


class Mirror(BaseHTTPRequestHandler):
    """What it does follows from the path: /whole knows ranges, /plain does not, /breaks ends half-way, …"""

    content, asked = CONTENT, []

    def do_GET(self):
        found = self.headers.get("Range")
        self.asked.append((self.path, found))
        start = int(re.fullmatch(r"bytes=(\d+)-", found)[1]) if found and self.path != "/plain" else 0
        if self.path == "/moved":  # as a release does
            self.send_response(302)
            self.send_header("Location", "/whole")
            return self.end_headers()
        if self.path == "/gone" or start >= len(self.content):
            return self.send_error(404 if self.path == "/gone" else 416)
        body = b"a login page" if self.path == "/login" else self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/breaks" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(monkeypatch):
    """The address of a server on this machine: mirror("whole"), mirror("breaks"), …"""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(Mirror, "content", CONTENT)
    monkeypatch.setattr(Mirror, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield lambda path: f"http://127.0.0.1:{server.server_port}/{path}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "cache" / "file.pth"


def partial(target: Path) -> Path:
    return target.with_name("file.pth.partial")


def left_behind(target: Path, content: bytes) -> None:
    target.parent.mkdir()
    partial(target).write_bytes(content)


def assert_whole(target: Path) -> None:
    assert target.read_bytes() == CONTENT and os.listdir(target.parent) == ["file.pth"]


# --- one large file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["whole", "plain", "moved"])
def test_it_comes_whole(mirror, target, path):
    fetch((mirror(path),), target, SUM)
    assert_whole(target)
    assert Mirror.asked[0] == (f"/{path}", None)


def test_a_broken_line_leaves_what_came_and_the_next_call_asks_for_the_rest(mirror, target):
    with pytest.raises(OSError, match=r"broke 512,000 bytes before the end"):
        fetch((mirror("breaks"),), target, SUM)
    assert partial(target).read_bytes() == CONTENT[:512_000] and not target.exists()
    fetch((mirror("whole"),), target, SUM)
    assert_whole(target)
    assert Mirror.asked == [("/breaks", None), ("/whole", "bytes=512000-")]


def test_the_next_mirror_goes_on_where_the_first_broke_off(mirror, target):
    fetch((mirror("breaks"), mirror("breaks"), mirror("moved")), target, SUM)
    assert_whole(target)
    # The range travels along a redirection.
    assert [found for _, found in Mirror.asked] == [None, "bytes=512000-", "bytes=768000-", "bytes=768000-"]


def test_stopped_by_hand_it_can_go_on_as_well(mirror, target, monkeypatch):
    class Bar(fetching.tqdm):
        def update(self, n=1):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fetching, "tqdm", Bar)
        fetch((mirror("whole"),), target, SUM)
    assert 0 < partial(target).stat().st_size < len(CONTENT)
    fetch((mirror("whole"),), target, SUM)
    assert_whole(target)
    assert Mirror.asked[-1][1] == f"bytes={fetching.CHUNK}-"


def test_a_server_without_ranges_sends_it_all_anew(mirror, target):
    left_behind(target, CONTENT[:1000])
    fetch((mirror("plain"),), target, SUM)
    assert_whole(target)
    assert Mirror.asked == [("/plain", "bytes=1000-")]


@pytest.mark.parametrize("before", [b"not its beginning", CONTENT + b"and more", b"x" * len(CONTENT)])
def test_what_was_there_may_be_another_file_then_it_starts_anew(mirror, target, before):
    left_behind(target, before)
    fetch((mirror("whole"),), target, SUM)
    assert_whole(target)
    assert [found for _, found in Mirror.asked] == [f"bytes={len(before)}-", None]


def test_all_there_but_for_the_name(mirror, target):
    left_behind(target, CONTENT)
    fetch((mirror("whole"),), target, SUM)
    assert_whole(target)


def test_the_wrong_file_is_removed_and_the_next_mirror_asked(mirror, target):
    with pytest.raises(RuntimeError, match=f"has sha256 .*, wanted {SUM[:12]}…"):
        fetch((mirror("login"),), target, SUM)
    assert os.listdir(target.parent) == []
    fetch((mirror("login"), mirror("gone"), mirror("whole")), target, SUM)
    assert_whole(target)


def test_nobody_has_it(mirror, target):
    with pytest.raises(OSError, match="404"):
        fetch((mirror("gone"), mirror("gone")), target, SUM)
    assert os.listdir(target.parent) == []


# --- the weights ---------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def release(tmp_path, monkeypatch, mirror):
    """A small network in the place of Inception, its weights on the server, both with their sums."""
    monkeypatch.setattr(inception_weights, "InceptionNetwork", lambda: nn.Linear(3, 2))
    released, file = nn.Linear(3, 2), tmp_path / "released.pth"
    torch.save(released.state_dict(), file)
    monkeypatch.setattr(Mirror, "content", file.read_bytes())
    monkeypatch.setattr(inception_weights, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    monkeypatch.setattr(inception_weights, "ADDRESSES", (mirror("whole"),))
    return released, file


def refused(**options) -> str:
    with pytest.raises(CourseError) as error:
        load_inception(**options)
    message = str(error.value)
    assert "\n" not in message and (error.value.__context__ is None or error.value.__suppress_context__)
    return message


def same(network: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(t, other.state_dict()[name]) for name, t in network.state_dict().items())


def test_fetched_once_and_kept_as_safetensors(release, cache):
    network = load_inception()
    assert same(network, release[0]) and os.listdir(cache) == [KEPT]
    assert not network.training and not any(part.requires_grad for part in network.parameters())
    assert torch.equal(load_file(cache / KEPT)["weight"], release[0].weight)
    assert same(load_inception(), release[0]) and len(Mirror.asked) == 1


def test_a_file_put_into_the_cache_needs_no_network_and_stays(release, cache):
    cache.mkdir()
    release[1].rename(cache / FILE)
    assert same(load_inception(), release[0]) and Mirror.asked == []
    assert sorted(os.listdir(cache)) == [KEPT, FILE]


def test_a_file_elsewhere_is_read_and_the_cache_left_alone(release, cache):
    assert same(load_inception(release[1]), release[0])
    assert same(load_inception(str(release[1])), release[0])
    assert Mirror.asked == [] and not cache.exists()


def test_a_cache_that_keeps_nothing_is_no_reason_to_fail(release, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(inception_weights, "save_weights", full)
    assert same(load_inception(), release[0]) and os.listdir(cache) == [FILE]
    assert same(load_inception(), release[0]) and len(Mirror.asked) == 1


def test_offline_is_one_line_that_says_how_to_mend_it(release, cache, monkeypatch):
    monkeypatch.setattr(inception_weights, "ADDRESSES", ("http://127.0.0.1:9/none", "http://127.0.0.1:9/nor-there"))
    message = refused()
    assert "Inception weights, 96 MB, could not be fetched (URLError: " in message
    assert f"put {FILE} from http://127.0.0.1:9/none into {cache}" in message and "FD-clf" in message
    assert list(cache.iterdir()) == []


def test_a_broken_line_says_so_and_goes_on_later(release, cache, mirror, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(inception_weights, "ADDRESSES", (mirror("breaks"),))
        assert "goes on from there" in refused()
    assert os.listdir(cache) == [f"{FILE}.partial"]
    assert same(load_inception(), release[0]) and Mirror.asked[-1][1].startswith("bytes=")


def test_what_is_not_the_released_file_is_refused(release, cache, tmp_path):
    other = tmp_path / "mine.pth"
    torch.save(nn.Linear(3, 2).state_dict(), other)
    assert "mine.pth is not the released file" in refused(weights=other) and other.exists()
    assert "no Inception weights at" in refused(weights=tmp_path / "none.pth")
    cache.mkdir()
    (cache / FILE).write_bytes(b"half")
    assert f"{FILE} is not the released file" in refused() and (cache / FILE).exists()


def test_a_damaged_kept_file_is_one_line(release, cache):
    load_inception()
    (cache / KEPT).write_bytes((cache / KEPT).read_bytes()[:-9])
    message = refused()
    assert str(cache / KEPT) in message and "remove that file" in message


def test_a_pickle_runs_nothing_even_with_the_right_sum(release, tmp_path, monkeypatch):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "pwned"),)

    torch.save({"weight": Hostile()}, tmp_path / "hostile.pth")
    found = hashlib.sha256((tmp_path / "hostile.pth").read_bytes()).hexdigest()
    monkeypatch.setattr(inception_weights, "SHA256", found)
    with pytest.raises(Exception, match="mkdir"):
        load_inception(tmp_path / "hostile.pth")
    assert not (tmp_path / "pwned").exists()


def test_the_addresses_are_https_and_the_sum_is_the_one_in_the_name():
    assert all(address.startswith("https://github.com/") for address in ADDRESSES) and len(ADDRESSES) == 2
    assert all(SHA256[:8] in address for address in (*ADDRESSES, FILE)) and re.fullmatch("[0-9a-f]{64}", SHA256)


def test_the_whole_network_from_a_file_as_old_as_the_release(tmp_path, cache, monkeypatch):
    """Written as torch wrote files in 2018: one pickle, no archive, no counters of batches."""
    torch.manual_seed(0)
    network = InceptionNetwork()
    state = {name: t for name, t in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    found = hashlib.sha256((tmp_path / "old.pth").read_bytes()).hexdigest()
    monkeypatch.setattr(inception_weights, "SHA256", found)
    assert same(load_inception(tmp_path / "old.pth"), network)
    extractor = inception(torch.device("cpu"), weights=tmp_path / "old.pth")
    assert extractor.features(torch.zeros(1, 1, 28, 28)).shape == (1, 2048)
