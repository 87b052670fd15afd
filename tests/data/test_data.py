"""The data layer: what `load` returns, and that every way it can fail ends in one clear line."""

import gzip
import hashlib
import os
import pickle
import runpy
import shutil
import time
import urllib.error
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.datasets import CIFAR10, MNIST, FashionMNIST
from torchvision.transforms.functional import to_tensor

from course_lib import data
from course_lib.data import Images, data_dir, downloads, embedded, folders, load, photos
from course_lib.data.idx import format_idx, parse_idx
from course_lib.errors import CourseError
from course_lib.images.decoding import read_picture
from course_lib.system.downloads import SILENCE

MAKER = runpy.run_path(str(data_dir() / "make_fashion_mnist_mini.py"))
IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def one_line(error: pytest.ExceptionInfo) -> str:
    """The message of a CourseError, which must be one line without a nested traceback."""
    message = str(error.value)
    assert "\n" not in message and error.value.__cause__ is None
    assert error.value.__context__ is None or error.value.__suppress_context__
    return message


def refused(*arguments, **options) -> str:
    with pytest.raises(CourseError) as error:
        load(*arguments, **options)
    return one_line(error)


def idx_set(folder: Path, per_class: int = 3, packed: bool = True, seed: int = 0) -> dict[str, torch.Tensor]:
    """A small set in MNIST's format; {file: values}."""
    generator = torch.Generator().manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    values = {}
    for stem in ("train", "t10k"):
        labels = torch.arange(10, dtype=torch.uint8).repeat(per_class)
        labels = labels[torch.randperm(len(labels), generator=generator)]
        images = torch.randint(256, (len(labels), 28, 28), generator=generator).to(torch.uint8)
        values |= {f"{stem}-images-idx3-ubyte": images, f"{stem}-labels-idx1-ubyte": labels}
    for file, tensor in values.items():
        raw = format_idx(tensor)
        (folder / (file + ".gz" * packed)).write_bytes(gzip.compress(raw) if packed else raw)
    return values


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A home for downloads that is not the user's, and no COURSE_DATA."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setattr(data, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


# --- the embedded pack -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("split", "count"), [("train", 1000), ("test", 200)])
def test_pack_is_what_torchvision_reads_and_is_balanced(split, count):
    dataset = load("fashion_mnist_mini", split)
    reference = FashionMNIST(data_dir() / "fashion_mnist_mini", train=split == "train")
    assert torch.equal(dataset.images[:, 0], reference.data)
    assert torch.equal(dataset.labels, reference.targets)
    assert dataset.classes == tuple(reference.classes)
    assert torch.bincount(dataset.labels).tolist() == [count] * 10
    picture, label = dataset[7]
    assert torch.equal(picture, to_tensor(reference[7][0])) and label == reference[7][1]
    assert type(label) is int and picture.dtype == torch.float32


def test_pack_loads_quickly():
    load("fashion_mnist_mini")
    fastest = min(timed(lambda: load("fashion_mnist_mini")) for _ in range(5))
    assert fastest < 0.3


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_readme_names_every_sum_of_the_pack():
    sums = (data_dir() / "fashion_mnist_mini" / "SHA256SUMS").read_text().split()[::2]
    readme = (data_dir() / "README.md").read_text()
    assert len(sums) == 4 and all(digest in readme for digest in sums)
    assert "Zalando SE" in (data_dir() / "fashion_mnist_mini" / "LICENSE.txt").read_text()


@pytest.fixture
def small_pack(tmp_path, monkeypatch) -> Path:
    """An embedded pack of two per class, built by the real script and put where load() looks."""
    idx_set(tmp_path / "full")
    MAKER["build"](tmp_path / "full", tmp_path / "data" / "fashion_mnist_mini", {"train": 2, "t10k": 1})
    monkeypatch.setattr(embedded, "data_dir", lambda: tmp_path / "data")
    return tmp_path / "data" / "fashion_mnist_mini"


def test_script_takes_the_first_of_each_class_in_order(tmp_path, small_pack):
    full = idx_set(tmp_path / "again")  # the same values again
    labels, kept = full["train-labels-idx1-ubyte"].tolist(), []
    for i, label in enumerate(labels):
        if [labels[j] for j in kept].count(label) < 2:
            kept.append(i)
    dataset = load("fashion_mnist_mini")
    assert torch.equal(dataset.images[:, 0], full["train-images-idx3-ubyte"][kept])
    assert dataset.labels.tolist() == [labels[i] for i in kept]


def test_script_writes_the_same_bytes_each_time_whatever_compressed_the_source(tmp_path, small_pack):
    first = files_below(small_pack)
    for path in (tmp_path / "full").glob("*.gz"):
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1, mtime=7))
    MAKER["build"](tmp_path / "full", tmp_path / "second", {"train": 2, "t10k": 1})
    assert files_below(tmp_path / "second") == first and len(first) == 5


def test_script_refuses_an_incomplete_full_set_and_writes_nothing(tmp_path, capsys):
    idx_set(tmp_path / "full")
    assert MAKER["main"]([str(tmp_path / "full"), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "full" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(CourseError, match=r"t10k-labels.* is missing"):
        MAKER["build"](tmp_path / "full", tmp_path / "out", {"train": 2, "t10k": 1})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_one_flipped_bit_in_the_pack_is_noticed(small_pack, file):
    path = small_pack / "FashionMNIST" / "raw" / file
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    message = refused("fashion_mnist_mini")
    assert file in message and "damaged" in message and "git checkout" in message
    assert len(load("fashion_mnist_mini", "test")) == 10  # the other split is whole


@pytest.mark.parametrize("file", ["SHA256SUMS", "FashionMNIST/raw/train-images-idx3-ubyte"])
def test_missing_file_of_the_pack(small_pack, file):
    (small_pack / file).unlink()
    message = refused("fashion_mnist_mini")
    assert file in message and "missing" in message and "git checkout" in message


@pytest.mark.parametrize("content", [b"", b"\xff\xfe garbage", b"0000  other\n"])
def test_damaged_sums(small_pack, content):
    (small_pack / "SHA256SUMS").write_bytes(content)
    assert "damaged" in refused("fashion_mnist_mini")


# --- what load() accepts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fashion_mnist_mni", "did you mean fashion_mnist_mini?"),
        ("Fashion-MNIST", "did you mean fashion_mnist?"),
        ("cifar", "did you mean cifar10?"),
        ("zebra stripes", "fashion_mnist_mini is always available"),
        ("folder", "folder:my_pictures"),
        ("folder:", "folder:my_pictures"),
        ("mnist:train", "mnist"),
        (7, "unknown data set 7"),
        (None, "unknown data set None"),
    ],
)
def test_unknown_name_lists_the_names_and_the_nearest(name, hint):
    message = refused(name)
    assert hint in message and all(known in message for known in data.NAMES)


def test_a_bare_path_is_taken_for_a_forgotten_folder(tmp_path):
    assert f"did you mean folder:{tmp_path}?" in refused(str(tmp_path))


def test_wrong_split_lists_the_splits(tmp_path):
    assert "'val'" in refused("photos", "val") and "'train', 'test'" in refused("photos", "val")
    assert refused("fashion_mnist_mini", "all") == "split is 'all', fashion_mnist_mini has 'train', 'test'"
    assert "'train', 'test', 'all'" in refused(f"folder:{tmp_path}", "val")


@pytest.mark.parametrize("limit", [0, -1, 1.5, "10", True])
def test_limit_must_be_a_positive_whole_number(limit):
    assert f"limit is {limit!r}" in refused("fashion_mnist_mini", limit=limit)


@pytest.mark.parametrize("name", ["fashion_mnist_mini", "photos"])
def test_root_is_for_full_sets_only(name, tmp_path):
    assert "leave root out" in refused(name, root=tmp_path)


@settings(deadline=None, max_examples=15)
@given(limit=st.integers(1, 3000))
def test_limit_takes_the_first(limit):
    whole, part = load("fashion_mnist_mini", "test"), load("fashion_mnist_mini", "test", limit)
    assert len(part) == min(limit, 2000)
    assert torch.equal(part.images, whole.images[:limit]) and torch.equal(part.labels, whole.labels[:limit])
    assert part.images.untyped_storage().nbytes() == part.images.numel()  # the rest is not kept in memory


# --- Images ------------------------------------------------------------------------------------------------

GENERATOR = torch.Generator().manual_seed(0)
PIXELS = torch.randint(256, (40, 3, 5, 4), generator=GENERATOR).to(torch.uint8)
LABELS = torch.randint(10, (40,), generator=GENERATOR)
EQUAL = Images(PIXELS, LABELS, tuple("abcdefghij"), "tensor", "train")
LISTED = Images(list(PIXELS), LABELS, tuple("abcdefghij"), "list", "train")


@pytest.mark.parametrize("dataset", [EQUAL, LISTED], ids=["tensor", "list"])
@settings(deadline=None, max_examples=50)
@given(indices=st.lists(st.integers(-40, 39), min_size=1, max_size=20))
def test_batch_is_the_stacked_items(dataset, indices):
    images, labels = dataset.batch(indices)
    items = [dataset[i] for i in indices]
    assert torch.equal(images, torch.stack([image for image, _ in items]))
    assert labels.tolist() == [label for _, label in items]
    assert images.dtype == torch.float32 and labels.dtype == torch.int64
    assert images.min() >= 0 and images.max() <= 1


def test_items_are_the_pixels_over_255():
    assert torch.equal(EQUAL[3][0], PIXELS[3].float() / 255)
    assert EQUAL.tensors()[0].shape == (40, 3, 5, 4) and torch.equal(EQUAL.tensors()[1], LABELS)
    assert torch.equal(LISTED.tensors()[0], EQUAL.tensors()[0])


def test_batch_takes_masks_ranges_and_nothing():
    mask = LABELS[0] == LABELS
    assert torch.equal(EQUAL.batch(mask)[0], PIXELS[mask] / 255)
    assert torch.equal(EQUAL.batch(range(4))[1], LABELS[:4])
    assert EQUAL.batch([])[0].shape == (0, 3, 5, 4)
    with pytest.raises(CourseError, match="whole numbers"):
        EQUAL.batch([0.5])
    with pytest.raises(IndexError):
        EQUAL.batch([40])
    with pytest.raises(CourseError, match=r"dataset\.batch"):
        EQUAL[:3]


def test_unequal_sizes_do_not_stack():
    dataset = load("photos")
    with pytest.raises(CourseError, match=r"600×400.*512×512|512×512.*600×400|crop") as error:
        dataset.tensors()
    assert "crop" in one_line(error)
    assert dataset.batch([0, 3])[0].shape == (2, 3, 512, 512)  # these two happen to agree


def test_a_data_loader_shuffles_and_iterates_it():
    loader = torch.utils.data.DataLoader(EQUAL, batch_size=16, shuffle=True, generator=GENERATOR)
    labels = torch.cat([labels for _, labels in loader])
    assert labels.sort().values.tolist() == LABELS.sort().values.tolist()
    assert len(list(iter(LISTED))) == 40


# --- full sets in a folder that the user names -------------------------------------------------------------


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("layout", ["", "{name}", "{torchvision}/raw", "{name}/{torchvision}/raw"])
def test_layouts_of_a_user_named_folder(tmp_path, name, packed, layout):
    torchvision_class = {"mnist": MNIST, "fashion_mnist": FashionMNIST}[name]
    folder = tmp_path / layout.format(name=name, torchvision=torchvision_class.__name__)
    values = idx_set(folder, packed=packed)
    before = files_below(tmp_path)
    for split, stem in (("train", "train"), ("test", "t10k")):
        dataset = load(name, split, root=tmp_path)
        assert torch.equal(dataset.images[:, 0], values[f"{stem}-images-idx3-ubyte"])
        assert dataset.labels.tolist() == values[f"{stem}-labels-idx1-ubyte"].tolist()
        assert len(dataset.classes) == 10 and dataset.name == name and dataset.split == split
    assert files_below(tmp_path) == before


def test_course_data_names_the_folder_and_root_goes_first(tmp_path, monkeypatch):
    idx_set(tmp_path / "a", seed=1)
    idx_set(tmp_path / "b", seed=2)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "a"))
    by_variable, by_root = load("mnist"), load("mnist", root=tmp_path / "b")
    assert torch.equal(by_variable.images, load("mnist", root=str(tmp_path / "a")).images)
    assert not torch.equal(by_variable.images, by_root.images)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    assert "COURSE_DATA" in refused("mnist") and "does not exist" in refused("mnist")


def test_user_named_root_that_is_no_use(tmp_path):
    idx_set(tmp_path / "set")
    (tmp_path / "set" / "t10k-labels-idx1-ubyte.gz").unlink()
    message = refused("mnist", "test", root=tmp_path / "set")
    assert "lacks files of mnist" in message and "t10k-labels-idx1-ubyte" in message
    assert len(load("mnist", root=tmp_path / "set")) == 30
    assert "does not exist" in refused("mnist", root=tmp_path / "none")
    (tmp_path / "file").write_text("x")
    assert "is a file" in refused("cifar10", root=tmp_path / "file")
    assert "path of a folder" in refused("mnist", root=3)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_files_of_the_other_set_are_noticed(tmp_path, name):
    other = {"mnist": "fashion_mnist", "fashion_mnist": "mnist"}[name]
    idx_set(tmp_path, packed=False)
    first = {"mnist": [5, 0, 4, 1, 9, 2, 1, 3, 1, 4], "fashion_mnist": [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]}[other]
    (tmp_path / IDX[1]).write_bytes(format_idx(torch.tensor(first * 3, dtype=torch.uint8)))
    assert f'holds "{other}", not "{name}"' in refused(name, root=tmp_path)
    assert load(other, root=tmp_path).labels[:10].tolist() == first


def damage_idx(kind: str, folder: Path) -> None:
    images, labels = folder / IDX[0], folder / IDX[1]
    if kind == "truncated":
        images.write_bytes(images.read_bytes()[:-1])
    elif kind == "too long":
        images.write_bytes(images.read_bytes() + b"\0")
    elif kind == "no header":
        images.write_bytes(b"\0\0")
    elif kind == "empty":
        images.write_bytes(b"")
    elif kind == "swapped":
        images.write_bytes(labels.read_bytes())
    elif kind == "not idx":
        images.write_bytes(b"<html>404</html>" * 99)
    elif kind == "no items":
        images.write_bytes(format_idx(torch.zeros(0, 28, 28, dtype=torch.uint8)))
    elif kind == "bad gzip":
        Path(f"{images}.gz").write_bytes(b"not gzip")
        images.unlink()
    elif kind == "cut gzip":
        Path(f"{images}.gz").write_bytes(gzip.compress(images.read_bytes())[:-20])
        images.unlink()
    elif kind == "count":
        labels.write_bytes(format_idx(torch.zeros(7, dtype=torch.uint8)))
    elif kind == "label 10":
        labels.write_bytes(format_idx(torch.full((30,), 10, dtype=torch.uint8)))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("truncated", "truncated"),
        ("too long", "damaged"),
        ("no header", "not an idx file"),
        ("empty", "not an idx file"),
        ("swapped", "not an idx file"),
        ("not idx", "not an idx file"),
        ("no items", "no items"),
        ("bad gzip", "damaged"),
        ("cut gzip", "damaged"),
        ("count", "7 labels for 30 images"),
        ("label 10", "labels up to 10"),
    ],
)
def test_damaged_idx_files(tmp_path, kind, words):
    idx_set(tmp_path, packed=False)
    damage_idx(kind, tmp_path)
    message = refused("mnist", root=tmp_path)
    assert words in message and "fetch" in message and "train-" in message


@settings(deadline=None, max_examples=30)
@given(shape=st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_idx_there_and_back(shape):
    values = torch.arange(int(np.prod(shape))).to(torch.uint8).view(shape)
    assert torch.equal(parse_idx(format_idx(values), len(shape), Path("x")), values)


def old_pickle(pixels: np.ndarray, labels: list[int]) -> bytes:
    """A batch as Python 2 and its numpy pickled CIFAR-10: protocol 2, byte strings, numpy.core.multiarray."""
    size = len(pixels).to_bytes(2, "little")
    body = pixels.tobytes()
    return (
        b"\x80\x02}(U\x06labels](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
        b"U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01M"
        + size
        + b"M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        + b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + len(body).to_bytes(4, "little")
        + body
        + b"tbu."
    )


def cifar_set(folder: Path) -> np.ndarray:
    """Six batches of four pictures; returns all training pixels, (20, 3072)."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 3072), dtype=np.uint8)
    for i, file in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        (folder / file).write_bytes(old_pickle(pixels[4 * i : 4 * i + 4], [i, 9, 0, 3]))
    return pixels[:20]


@pytest.mark.parametrize("layout", ["", "cifar-10-batches-py"])
def test_cifar10_reads_what_python_2_pickled(tmp_path, layout):
    pixels = cifar_set(tmp_path / layout)
    dataset = load("cifar10", root=tmp_path)
    assert torch.equal(dataset.images, torch.from_numpy(pixels).view(-1, 3, 32, 32))
    assert dataset.labels.tolist()[:8] == [0, 9, 0, 3, 1, 9, 0, 3] and dataset.classes[3] == "cat"
    assert load("cifar10", "test", 2, root=tmp_path).labels.tolist() == [5, 9]


def test_cifar10_agrees_with_torchvision(tmp_path, monkeypatch):
    cifar_set(tmp_path / "cifar-10-batches-py")
    meta = tmp_path / "cifar-10-batches-py" / "batches.meta"
    meta.write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision unpickles with numpy's old module name
        reference = CIFAR10(tmp_path)
    dataset = load("cifar10", root=tmp_path)
    assert torch.equal(dataset[6][0], to_tensor(reference[6][0])) and dataset[6][1] == reference[6][1]


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Hostile()),
        b"",
        b"not a pickle",
        pickle.dumps({"labels": [1]}, 2),
        old_pickle(np.zeros((4, 3072), np.uint8), [1, 2, 3, 4])[:900],
        old_pickle(np.zeros((4, 3072), np.uint8), [1, 2, 3]),
        old_pickle(np.zeros((4, 3072), np.uint8), [1, 2, 3, 10]),
    ],
    ids=["hostile", "empty", "no pickle", "no data", "cut", "three labels", "label 10"],
)
def test_damaged_or_hostile_cifar10_batch(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    cifar_set(tmp_path)
    (tmp_path / "data_batch_3").write_bytes(content)
    assert "data_batch_3" in refused("cifar10", root=tmp_path)
    assert not (tmp_path / "pwned").exists()


# --- downloads ---------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path, monkeypatch, cache):
    """What `fetch` reads from, off the network: it copies from a folder, or does what `.fault` says."""

    class Server:
        fault, calls, folder = None, 0, tmp_path / "server"

        def append(self, partial: Path, address: str) -> None:
            self.calls += 1
            assert address.startswith("https://") and partial.parent.parent == cache
            if self.fault is not None:
                self.fault(self.calls, partial)
            shutil.copy(self.folder / address.rpartition("/")[2], partial)

    server = Server()
    idx_set(server.folder)
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in server.folder.iterdir()}
    monkeypatch.setitem(downloads.SOURCES, "mnist", (("https://first/", "https://second/"), sums))
    monkeypatch.setattr("course_lib.system.downloads._append", server.append)
    return server


def test_download_happens_once_and_lands_whole(server, cache):
    first = load("mnist")
    assert server.calls == 4 and len(first) == 30
    assert [path.name for path in cache.iterdir()] == ["mnist"]
    assert len(list((cache / "mnist").iterdir())) == 4
    assert len(load("mnist", "test", 5)) == 5 and server.calls == 4


def test_cifar10_archive_is_unpacked_and_dropped(server, cache, tmp_path, monkeypatch):
    pixels = cifar_set(tmp_path / "pack" / "cifar-10-batches-py")
    archive = shutil.make_archive(str(server.folder / "cifar-10-python"), "gztar", tmp_path / "pack")
    sums = {"cifar-10-python.tar.gz": hashlib.sha256(Path(archive).read_bytes()).hexdigest()}
    monkeypatch.setitem(downloads.SOURCES, "cifar10", (("https://only/",), sums))
    assert torch.equal(load("cifar10").images.flatten(1), torch.from_numpy(pixels))
    assert [path.name for path in (cache / "cifar10").iterdir()] == ["cifar-10-batches-py"]


def raising(error: BaseException, at: int = 1):
    """Every call from `at` on leaves a partial file, then raises."""

    def fault(call: int, path: Path) -> None:
        if call >= at:
            path.write_bytes(b"half")
            raise error

    return fault


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("Name or service not known"),
        RuntimeError("Error downloading train-images:\nTried a, got:\nb"),
        RuntimeError("File not found or corrupted."),
        TimeoutError("timed out"),
        ConnectionResetError(104, "Connection reset by peer"),
        OSError(28, "No space left on device"),
    ],
)
def test_failed_download_is_one_line_and_leaves_nothing(server, cache, error):
    server.fault = raising(error, at=3)
    message = refused("mnist")
    assert '"mnist" could not be downloaded' in message and type(error).__name__ in message
    assert "fashion_mnist_mini" in message and str(cache / "mnist") in message and IDX[0] in message
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_interrupted_download_leaves_nothing(server, cache, stop):
    server.fault = raising(stop(), at=3)
    with pytest.raises(stop):
        load("mnist")
    assert list(cache.iterdir()) == []
    server.fault = None
    assert len(load("mnist")) == 30


def test_empty_course_data_counts_as_not_set(server, cache, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "")
    assert len(load("mnist")) == 30 and (cache / "mnist").is_dir()


def test_download_that_is_not_the_expected_file_is_refused(server, cache):
    (server.folder / f"{IDX[1]}.gz").write_bytes(gzip.compress(b"a login page"))
    assert "sha256" in refused("mnist") and list(cache.iterdir()) == []


def test_second_mirror_takes_over(server):
    def first_mirror_is_down(call: int, path: Path) -> None:
        if call == 1:
            raise urllib.error.URLError("down")

    server.fault = first_mirror_is_down
    assert len(load("mnist")) == 30 and server.calls == 5


def test_incomplete_set_in_the_cache_is_not_deleted(server, cache):
    (cache / "mnist").mkdir(parents=True)
    (cache / "mnist" / f"{IDX[0]}.gz").write_bytes(b"the user's own copy, under way")
    assert "lacks files" in refused("mnist") and server.calls == 0
    assert (cache / "mnist" / f"{IDX[0]}.gz").exists()


def test_cache_that_cannot_be_made(server, cache):
    cache.write_text("a file in its place")
    assert "could not be downloaded" in refused("mnist")


def test_offline(cache, monkeypatch):
    """Nothing of the downloader replaced: only the network is gone."""

    def unplugged(*_, **__):
        raise urllib.error.URLError("unplugged")

    monkeypatch.setattr("course_lib.system.downloads.urlopen", unplugged)
    for name in ("fashion_mnist", "mnist", "cifar10"):
        assert "unplugged" in refused(name)
    assert list(cache.iterdir()) == []


def test_a_dead_line_is_given_up(cache, monkeypatch):
    seen = []

    def silent(request, timeout):
        seen.append(timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr("course_lib.system.downloads.urlopen", silent)
    assert "timed out" in refused("mnist") and set(seen) == {SILENCE}


# --- photos ------------------------------------------------------------------------------------------------


def test_photos_are_the_listed_ones_and_agree_with_pillow():
    train, test = load("photos"), load("photos", "test")
    assert train.names == (
        *("astronaut.png", "coffee.png", "hubble_deep_field.jpg"),
        *("ihc.png", "motorcycle_left.png", "rocket.jpg"),
    )
    assert test.names == ("chelsea.png", "china.jpg", "flower.jpg")
    for dataset in (train, test):
        assert all(image.dtype == torch.uint8 and image.shape[0] == 3 for image in dataset.images)
        assert len(dataset) == len(dataset.names) == len(dataset.labels)
    from skimage import data as skimage_data
    from sklearn.datasets import load_sample_image

    assert np.array_equal(train.images[0].permute(1, 2, 0), skimage_data.astronaut())
    assert np.array_equal(test.images[1].permute(1, 2, 0), load_sample_image("china.jpg"))
    assert load("photos", limit=2).names == train.names[:2]


def test_photos_do_not_import_their_packages():
    import subprocess
    import sys

    code = "import sys; from course_lib.data import load; load('photos'); load('photos', 'test'); "
    code += "print([name for name in ('skimage', 'sklearn', 'torchvision') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]" and done.stderr == ""


def test_photo_missing_from_a_wheel(monkeypatch):
    monkeypatch.setitem(photos.PHOTOS, "train", {"unicorn.png": photos.SKIMAGE})
    assert "unicorn.png is not in this version of scikit-image" in refused("photos")
    monkeypatch.setitem(photos.PHOTOS, "train", {"a.png": ("some-photos", "no_such_package", "data")})
    assert "pip install some-photos" in refused("photos")


def test_damaged_photo(monkeypatch):
    monkeypatch.setitem(photos.PHOTOS, "train", {"README.txt": photos.SKIMAGE})
    assert "README.txt is damaged" in refused("photos")


# --- folders -----------------------------------------------------------------------------------------------


def picture(path: Path, value: int = 100, size: tuple[int, int] = (6, 4), **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 2 * value % 256, 255 - value)).save(path, **options)


@pytest.fixture
def album(tmp_path) -> Path:
    for i in range(12):
        picture(tmp_path / "album" / ("b" if i % 2 else "a") / f"{i:02}.png", value=i)
    return tmp_path / "album"


def test_folder_is_recursive_sorted_and_split_once(album):
    whole, train, test = (load(f"folder:{album}", split) for split in ("all", "train", "test"))
    assert list(whole.names) == sorted(whole.names) and len(whole) == 12 and whole.names[0] == "a/00.png"
    assert sorted(train.names + test.names) == list(whole.names) and len(test) >= 1
    assert list(train.names) == sorted(train.names)
    for image, name in zip(whole.images, whole.names, strict=True):
        assert image.shape == (3, 4, 6) and image[0, 0, 0] == int(name[2:4])
    assert load(f"folder:{album}", "all", 5).names == whole.names[:5]
    assert test.names == load(f"folder:{album}", "test").names


def test_folder_split_stays_when_pictures_are_added():
    names = [f"{i:04}.jpg" for i in range(2000)]
    few, many = folders._members(names[:1000], "test"), folders._members(names, "test")
    assert set(few) < set(many) and 150 < len(many) < 250
    assert not set(many) & set(folders._members(names, "train"))


@given(names=st.lists(st.text(min_size=1, max_size=5), min_size=2, max_size=8, unique=True))
def test_folder_split_gives_both_sides_something(names):
    train, test = folders._members(names, "train"), folders._members(names, "test")
    assert train and test and sorted(train + test) == sorted(names) == sorted(folders._members(names, "all"))


def test_folder_of_one_picture(tmp_path):
    picture(tmp_path / "only.png")
    assert len(load(f"folder:{tmp_path}")) == len(load(f"folder:{tmp_path}", "all")) == 1
    assert "one image" in refused(f"folder:{tmp_path}", "test")


def test_folder_names_what_it_skips_in_one_warning(album):
    (album / "empty.png").touch()
    (album / "notes.txt").write_text("no picture")
    whole = (album / "a" / "00.png").read_bytes()
    (album / "cut.png").write_bytes(whole[: len(whole) // 2 + 8])
    (album / "line\nbreak.png").write_bytes(b"nor this")
    with pytest.warns(UserWarning) as caught:
        dataset = load(f"folder:{album}", "all")
    message = str(caught[0].message)
    assert len(caught) == 1 and len(dataset) == 12 and caught[0].filename == __file__
    assert "skipped 4 of 16 files" in message and "\n" not in message and "and 1 more" in message
    assert "empty.png (empty)" in message and "notes.txt (not an image)" in message


def test_truncated_jpeg_is_skipped(album):
    big = album / "big.jpg"
    picture(big, size=(400, 400))
    big.write_bytes(big.read_bytes()[:700])
    with pytest.warns(UserWarning, match=r"big\.jpg \((damaged or truncated|not an image)\)"):
        assert len(load(f"folder:{album}", "all")) == 12


def test_decompression_bomb_is_a_clear_line(album, monkeypatch):
    picture(album / "huge.png", size=(50, 30))
    for pixels in (1000, 500):  # above the limit, and above twice the limit: Pillow treats them differently
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pixels)
        with pytest.warns(UserWarning, match=rf"huge\.png \(more than {pixels:,} pixels"):
            assert len(load(f"folder:{album}", "all")) == 12


def test_folder_without_anything_readable(tmp_path):
    assert "holds no files" in refused(f"folder:{tmp_path}")
    (tmp_path / ".hidden.png").write_bytes(b"x")
    assert "holds no files" in refused(f"folder:{tmp_path}")
    (tmp_path / "notes.txt").write_text("x")
    message = refused(f"folder:{tmp_path}")
    assert "nothing readable" in message and "notes.txt (not an image)" in message


def test_folder_that_is_none(tmp_path):
    assert "does not exist" in refused(f"folder:{tmp_path}/none")
    assert "does not exist" in refused("folder:" + "x" * 5000)
    picture(tmp_path / "one.png")
    assert "is a file" in refused(f"folder:{tmp_path}/one.png") and str(tmp_path) in refused(
        f"folder:{tmp_path}/one.png"
    )


def test_hidden_files_links_and_loops(album, tmp_path):
    picture(album / ".trash" / "old.png")
    picture(album / "a" / "._00.png")
    picture(tmp_path / "elsewhere" / "far.png")
    (album / "linked").symlink_to(tmp_path / "elsewhere")
    (album / "a" / "loop").symlink_to(album)
    (album / "dangling.png").symlink_to(album / "nowhere.png")
    os.mkfifo(album / "pipe.png")
    with pytest.warns(UserWarning, match="skipped 2 of 15 files") as caught:
        dataset = load(f"folder:{album}", "all")
    assert "dangling.png (not a regular file), pipe.png (not a regular file)" in str(caught[0].message)
    assert len(dataset) == 13 and "linked/far.png" in dataset.names


def test_folder_expands_the_home_folder(album, monkeypatch):
    monkeypatch.setenv("HOME", str(album.parent))
    assert len(load("folder:~/album", "all")) == 12
    assert "does not exist" in refused("folder:~no_such_user/album")


RAMP = np.linspace(0, 1, 256)[None].repeat(2, 0)  # (2,256): every gray level once a row
GRAY = np.arange(256, dtype=np.uint8)[None].repeat(2, 0)


@pytest.mark.parametrize(
    ("file", "stored"),
    [
        ("gray.png", Image.fromarray(GRAY)),
        ("16.png", Image.fromarray((RAMP * 65535).round().astype(np.uint16))),
        ("16.tif", Image.fromarray((RAMP * 65535).round().astype(np.uint16))),
        ("32.tif", Image.fromarray((RAMP * 65535).round().astype(np.int32))),
        ("large.tif", Image.fromarray((RAMP * 2**30).round().astype(np.int32))),
        ("float.tif", Image.fromarray(RAMP.astype(np.float32))),
        ("float255.tif", Image.fromarray((RAMP * 255).astype(np.float32))),
        ("palette.png", Image.fromarray(GRAY).convert("P")),
        ("alpha.png", Image.merge("LA", (Image.fromarray(GRAY), Image.new("L", (256, 2), 255)))),
        ("rgba.png", Image.merge("RGBA", (*[Image.fromarray(GRAY)] * 3, Image.new("L", (256, 2), 255)))),
        ("picture.bmp", Image.fromarray(GRAY).convert("RGB")),
        ("picture.webp", None),
    ],
)
def test_every_pixel_format_ends_as_the_same_rgb(tmp_path, file, stored):
    if stored is None:
        Image.fromarray(GRAY).convert("RGB").save(tmp_path / file, lossless=True)
    else:
        stored.save(tmp_path / file)
    (image,) = load(f"folder:{tmp_path}").images
    assert image.dtype == torch.uint8 and image.is_contiguous()
    assert torch.equal(image, torch.from_numpy(GRAY).expand(3, 2, 256))


def test_dark_16_bit_pictures_stay_dark_and_bad_floats_do_not_spread(tmp_path):
    # 300 of 65535 is nearly black: clipping would make it white.
    Image.fromarray(np.full((2, 2), 300, np.uint16)).save(tmp_path / "dark.png")
    assert read_picture(tmp_path / "dark.png").unique().tolist() == [1]
    for odd in (np.nan, np.inf, -np.inf):
        Image.fromarray(np.array([[odd, 0.2], [-1, 1]], np.float32)).save(tmp_path / "odd.tif")
        assert read_picture(tmp_path / "odd.tif")[0].flatten().tolist() == [0, 51, 0, 255]


def test_transparent_pixels_lie_on_white(tmp_path):
    Image.fromarray(np.array([[[9, 9, 9, 0], [10, 20, 30, 255]]], np.uint8)).save(tmp_path / "logo.png")
    assert read_picture(tmp_path / "logo.png")[:, 0].T.tolist() == [[255, 255, 255], [10, 20, 30]]


def test_exif_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: rotate by 90° clockwise to show
    stored = np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8)  # red, then green to its right
    Image.fromarray(stored).save(tmp_path / "upright.png", exif=exif)
    image = read_picture(tmp_path / "upright.png")
    assert image.shape == (3, 2, 1) and image[0].flatten().tolist() == [255, 0]  # red above green


# --- where the embedded data lie ---------------------------------------------------------------------------


def test_data_dir_in_a_checkout_and_in_a_wheel(tmp_path, monkeypatch):
    assert data_dir().name == "data" and (data_dir() / "README.md").is_file()
    installed = tmp_path / "site-packages" / "course_lib"
    (installed / "embedded_data").mkdir(parents=True)
    monkeypatch.setattr(embedded, "__file__", str(installed / "data" / "embedded.py"))
    assert data_dir() == (installed / "embedded_data").resolve()
