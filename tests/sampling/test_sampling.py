"""From a generator to a file: the same seed gives the same pictures; `course sample` says no in one line."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_lib import runs, sampling
from course_lib.commands import app as cli
from course_lib.errors import CourseError
from course_lib.images import write_pictures
from course_lib.sampling import latent_directions, latent_noise, sample_images, slerp

CPU = torch.device("cpu")
SIZE = 5


class Toy(nn.Module):
    """Noise N×5 → N×channels×4×6 in [-1,1]; batch norm makes the mode matter, one part is frozen."""

    def __init__(self, channels=1):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Linear(SIZE, 24 * channels), nn.BatchNorm1d(24 * channels), nn.Dropout(0.5), nn.Tanh()
        )
        self.shape = (channels, 4, 6)
        self.train()
        self.layers[1].eval()

    def forward(self, noise):
        assert not torch.is_grad_enabled()
        return self.layers(noise).unflatten(1, self.shape)


# --- noise and pictures ---------------------------------------------------------------------------------------------


def test_noise_follows_from_the_seed_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    many = latent_noise(1000, SIZE, seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    for n in (1, 3, 63, 64, 65, 999):
        assert torch.equal(latent_noise(n, SIZE, seed=7), many[:n])
    assert not torch.equal(latent_noise(1000, SIZE, seed=8), many)
    assert len(many.unique(dim=0)) == 1000
    assert abs(many.mean()) < 0.05 and abs(many.std() - 1) < 0.05


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_depend_on_the_seed_and_not_on_the_batch(channels):
    toy = Toy(channels)
    whole = sample_images(toy, 23, 3, latent_size=SIZE)
    assert whole.shape == (23, channels, 4, 6) and whole.dtype == torch.float32 and not whole.requires_grad
    for batch_size in (1, 5, 23):
        again = sample_images(toy, 23, 3, latent_size=SIZE, batch_size=batch_size)
        torch.testing.assert_close(again, whole, rtol=0, atol=1e-6)
    assert not torch.allclose(sample_images(toy, 23, 4, latent_size=SIZE), whole)


def test_they_are_the_generators_own_in_evaluation_mode_from_0_to_1():
    toy = Toy()
    pictures = sample_images(toy, 9, 0, latent_size=SIZE)
    with torch.no_grad():
        signed = toy.eval()(latent_noise(9, SIZE, 0))
    torch.testing.assert_close(pictures, (signed + 1) / 2)
    assert signed.min() < -0.1 and pictures.min() >= 0 and pictures.max() <= 1


def test_the_generator_is_left_as_it_was():
    toy = Toy()
    modes = [part.training for part in toy.modules()]
    state = {name: value.clone() for name, value in toy.state_dict().items()}
    sample_images(toy, 9, 0, latent_size=SIZE)
    assert [part.training for part in toy.modules()] == modes and any(modes) and not all(modes)
    assert all(torch.equal(value, state[name]) for name, value in toy.state_dict().items())
    toy.shape = (24,)
    with pytest.raises(CourseError, match="N×C×H×W"):
        sample_images(toy, 9, 0, latent_size=SIZE)
    assert [part.training for part in toy.modules()] == modes


def test_what_goes_beyond_the_range_is_clipped():
    pictures = sample_images(nn.Unflatten(1, (1, 1, SIZE)), 200, 0, latent_size=SIZE)
    torch.testing.assert_close(pictures.flatten(1), ((latent_noise(200, SIZE, 0) + 1) / 2).clamp(0, 1))
    assert (pictures == 0).any() and (pictures == 1).any()


class Broken(nn.Module):
    def forward(self, noise):
        return torch.full((len(noise), 1, 2, 2), float("nan"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n": 0}, "n = 0 images"),
        ({"n": -5}, "n = -5 images"),
        ({"n": 10**12}, "1 to 1,000,000"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**63}, "seed 9223372036854775808"),
        ({"generator": Broken()}, "gave nan or inf"),
        ({"generator": nn.Identity()}, r"shape \(4, 5\)"),
        ({"latent_size": None}, r"Toy does not state its latent size; set it with as_generator"),
    ],
)
def test_bad_input_gets_one_line(arguments, words):
    given = {"generator": Toy(), "n": 4, "latent_size": SIZE, "seed": 0}
    with pytest.raises(CourseError, match=words) as error:
        sample_images(**given | arguments)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_pictures():
    toy = Toy(3)
    pictures = sample_images(toy, 50, 0, latent_size=SIZE)
    there = sample_images(toy.cuda(), 50, 0, latent_size=SIZE, batch_size=7)
    torch.testing.assert_close(there, pictures, rtol=0, atol=1e-3)  # TF32 may be on
    assert there.device == CPU


# --- the latent space -----------------------------------------------------------------------------------------------


def test_slerp_walks_a_circle_at_constant_speed():
    start, end = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])
    angles = torch.linspace(0, 1, 7)[:, None]
    wanted = torch.cat([(angles * torch.pi / 2).cos(), 0 * angles, (angles * torch.pi / 2).sin()], 1)
    torch.testing.assert_close(slerp(start, end, angles), wanted)


def test_slerp_keeps_to_the_sphere_where_a_straight_line_falls_through_it():
    start, end = latent_noise(2, 256, 0)
    shares = torch.linspace(0, 1, 9)[:, None]
    path = slerp(start, end, shares)
    torch.testing.assert_close(path[[0, -1]], torch.stack([start, end]))
    ends = start.norm(), end.norm()
    assert path.norm(dim=1).min() > 0.999 * min(ends) and path.norm(dim=1).max() < 1.001 * max(ends)
    assert (start + end).div(2).norm() < 0.85 * min(ends)
    torch.testing.assert_close(slerp(end, start, 1 - shares), path)


def test_slerp_of_parallel_vectors_is_straight():
    start = torch.tensor([[3.0, 4.0]])
    torch.testing.assert_close(slerp(start, 3 * start, 0.5), 2 * start)
    torch.testing.assert_close(slerp(start, start, 0.3), start)
    assert slerp(start, start + 1e-7, torch.linspace(0, 1, 5)[:, None]).isfinite().all()


def test_directions_of_a_linear_generator_are_its_singular_vectors():
    torch.manual_seed(0)
    wanted = torch.linalg.qr(torch.randn(8, 8)).Q  # columns
    pixels = torch.linalg.qr(torch.randn(12, 8)).Q
    matrix = pixels @ torch.diag(torch.tensor([9.0, 5, 3, 2, 1, 0.5, 0.2, 0.1])) @ wanted.T
    found = latent_directions(lambda noise: (noise @ matrix.T + 3).view(-1, 1, 3, 4), 8, count=4, n=60)
    torch.testing.assert_close((found @ wanted[:, :4]).abs(), torch.eye(4), atol=1e-4, rtol=0)


def test_directions_of_a_curved_generator_are_found_too():
    """A tanh flattens, but the direction that moves the picture most is still the first."""
    found = latent_directions(
        lambda noise: torch.stack([0.2 * noise[:, 0], (2 * noise[:, 3]).tanh()], 1).view(-1, 1, 1, 2), SIZE, 2, n=2000
    )
    wanted = torch.eye(SIZE)[[3, 0]]
    torch.testing.assert_close(found.abs(), wanted, atol=0.1, rtol=0)


@pytest.mark.parametrize(("size", "count", "n"), [(5, 0, 100), (5, 6, 100), (5, 2, 5)])
def test_directions_need_enough_pictures(size, count, n):
    with pytest.raises(CourseError, match="latent_directions: wanted"):
        latent_directions(lambda noise: noise, size, count, n=n)


def test_directions_need_pixels():
    with pytest.raises(CourseError, match="no 3 directions"):
        latent_directions(lambda noise: noise[:, :2].view(-1, 1, 1, 2), 5, 3, n=50)


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "shape"), [(1, (7, 4, 6)), (3, (7, 4, 6, 3))])
def test_npy_holds_rounded_bytes(tmp_path, channels, shape):
    images = torch.rand(7, channels, 4, 6)
    write_pictures(images, tmp_path / "s.npy")
    got = np.load(tmp_path / "s.npy", allow_pickle=False)
    assert got.dtype == np.uint8 and got.shape == shape
    wanted = np.rint(images.clamp(0, 1).numpy() * 255).transpose(0, 2, 3, 1).reshape(shape)
    assert (got == wanted).all() and (got != np.floor(images.numpy() * 255).transpose(0, 2, 3, 1).reshape(shape)).any()


def test_values_outside_are_clipped_not_wrapped(tmp_path):
    write_pictures(torch.tensor([-0.1, 0.499 / 255, 0.501 / 255, 1.0, 1.3, 300.0]).view(1, 1, 2, 3), tmp_path / "s.npy")
    assert np.load(tmp_path / "s.npy").ravel().tolist() == [0, 0, 1, 255, 255, 255]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("n", [1, 7, 16])
def test_png_holds_every_picture_pixel_by_pixel(tmp_path, channels, n):
    images = torch.randint(0, 256, (n, channels, 4, 6)).float() / 255
    write_pictures(images, tmp_path / "grid.PNG")
    sheet = np.asarray(Image.open(tmp_path / "grid.PNG").convert("RGB"))
    windows = np.lib.stride_tricks.sliding_window_view(sheet, (4, 6, 3))[..., 0, :, :, :]
    for image in images:
        pixels = (image * 255).round().byte().permute(1, 2, 0).expand(-1, -1, 3).numpy()
        assert (windows == pixels).all((-1, -2, -3)).any()


def test_missing_folders_are_made_and_nothing_else_is_left(tmp_path):
    write_pictures(torch.rand(2, 1, 3, 3), tmp_path / "a" / "b" / "s.npy")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["s.npy"]


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "s.npy"
    write_pictures(torch.zeros(2, 1, 3, 3), target)
    old = target.read_bytes()

    def disk_full(file, array):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", disk_full)
    with pytest.raises(CourseError, match="No space left on device"):
        write_pictures(torch.ones(2, 1, 3, 3), target)
    assert target.read_bytes() == old and [path.name for path in tmp_path.iterdir()] == ["s.npy"]


@pytest.mark.parametrize(
    ("images", "name", "words"),
    [
        (torch.rand(2, 1, 3, 3), "s.jpg", "ends in .jpg"),
        (torch.rand(2, 1, 3, 3), "s", "ends in nothing"),
        (torch.rand(0, 1, 3, 3), "s.npy", "N > 0"),
        (torch.rand(2, 4, 3, 3), "s.npy", "C = 1 or 3"),
        (torch.rand(1, 3, 3), "s.png", "N×C×H×W"),
        (torch.rand(2, 1, 3, 3), "file/s.npy", "cannot write"),
        (torch.rand(2, 1, 3, 3), "folder.npy", "cannot write"),
    ],
)
def test_what_cannot_be_written_gets_one_line(tmp_path, images, name, words):
    (tmp_path / "file").write_text("a file, not a folder")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(CourseError, match=words) as error:
        write_pictures(images, tmp_path / name)
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.npy"]


# --- course sample --------------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.delenv("COURSE_DEBUG", raising=False)

    def call(*argv: str) -> tuple[int, str, str]:
        code = cli.main(["sample", *argv])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def trained(monkeypatch):
    """A stand-in for a folder with a trained GAN; remembers what was asked of it."""
    asked = []

    def make(generator, n, seed):
        asked.append((n, seed))
        return drawn(Toy(), n, seed, latent_size=SIZE)

    drawn = sampling.sample_images
    monkeypatch.setattr(sampling, "sample_images", make)
    monkeypatch.setattr(runs, "load_model", lambda folder: (None, {"recipe": "dcgan"}))
    return SimpleNamespace(asked=asked)


def test_the_command_writes_the_file_and_one_line(run, trained, tmp_path):
    out = tmp_path / "s.npy"
    code, said, err = run("DIR", "--n", "12", "--out", str(out), "--seed", "5")
    assert (code, err, trained.asked) == (0, "", [(12, 5)])
    assert said == f"dcgan: 12 images of 6×4, seed 5 → {out}\n"
    first = np.load(out)
    assert first.shape == (12, 4, 6) and first.dtype == np.uint8
    assert run("DIR", "--n", "3", "--out", str(tmp_path / "few.npy"), "--seed", "5")[0] == 0
    assert (np.load(tmp_path / "few.npy") == first[:3]).all()
    assert run("DIR", "--n", "3", "--out", str(tmp_path / "grid.png"))[0] == 0
    assert trained.asked[-1] == (3, 0) and Image.open(tmp_path / "grid.png").format == "PNG"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "course sample --help"),
        (["DIR", "--out", "s.npy"], "--n"),
        (["DIR", "--n", "3"], "--out"),
        (["DIR", "--n", "many", "--out", "s.npy"], "--n"),
        (["DIR", "--n", "0", "--out", "s.npy"], "--n 0"),
        (["DIR", "--n", "-3", "--out", "s.npy"], "--n -3"),
        (["DIR", "--n", "1000000000000", "--out", "s.npy"], "1,000,000"),
        (["DIR", "--n", "3", "--out", "s.npy", "--seed", "x"], "--seed"),
        (["DIR", "--n", "3", "--out", "s.npy", "--seed", "-1"], "seed -1"),
        (["DIR", "--n", "3", "--out", "s.npy", "--seed", str(10**30)], "seed"),
        (["DIR", "--n", "3", "--out", "s.gif"], ".npy or .png"),
        (["DIR", "--n", "3", "--out", "s"], ".npy or .png"),
        (["DIR", "--n", "3", "--out", "folder.npy"], "is a folder"),
        (["DIR", "--n", "3", "--out", "file/s.npy"], "cannot write"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(run, trained, tmp_path, monkeypatch, argv, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("a file, not a folder")
    (tmp_path / "folder.npy").mkdir()
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith("course: ") and said in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.npy"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_line(run, trained, tmp_path):
    tmp_path.chmod(0o500)
    code, _, err = run("DIR", "--n", "3", "--out", str(tmp_path / "s.npy"))
    tmp_path.chmod(0o700)
    assert code == 2 and err.count("\n") == 1 and "cannot write" in err


def test_a_run_without_pictures_says_which_have_some(run, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "load_model", lambda folder: (None, {"recipe": "classifier"}))
    code, out, err = run("DIR", "--n", "3", "--out", str(tmp_path / "s.npy"))
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "classifier: it generates no images" in err and "residual_gan" in err


def test_a_folder_without_a_run_is_one_line(run, tmp_path):
    code, out, err = run(str(tmp_path), "--n", "3", "--out", str(tmp_path / "s.npy"))
    assert (code, out) == (2, "") and err.count("\n") == 1 and "no finished run" in err


def test_a_real_run_that_makes_no_pictures(run, tmp_path):
    checkpoint = Path(cli.__file__).parents[2] / "data" / "checkpoints" / "sharpen"
    code, out, err = run(str(checkpoint), "--n", "3", "--out", str(tmp_path / "s.npy"))
    assert (code, out) == (2, "") and "sharpen: it generates no images" in err
