"""`course restore`: every kind of picture keeps what the network does not touch, and failure is one line."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageOps
from torch import nn

from course_lib.commands import app as cli
from course_lib.data import data_dir
from course_lib.errors import CourseError
from course_lib.images import by_tiles
from course_lib.images import reading as picture_reading
from course_lib.networks import as_restorer
from course_lib.runs import load_model
from course_lib.runs import restore as restoring
from course_lib.runs.restore import restore

SHARPEN = data_dir() / "checkpoints" / "sharpen"


class Does(nn.Module):
    """A network that is a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, y):
        return self.function(y)


def stand_in(function, **facts) -> nn.Module:
    return as_restorer(Does(function), context=0, **facts)


SAME = stand_in(lambda x: x)
TWICE = stand_in(lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3), scale=2)


def fill(given: torch.Tensor) -> torch.Tensor:
    """A stand-in for inpainting: it changes everything, also what is known."""
    assert given.shape[1] == 4 and (given[:, :3] * given[:, 3:] == 0).all()
    return given[:, :3] / 2 + 0.4 * given[:, 3:] + 0.05


FILL = stand_in(fill, needs_mask=True)


@pytest.fixture
def use(monkeypatch):
    """Put a stand-in for a trained run behind every folder."""

    def put(network: nn.Module, recipe: str = "sharpen") -> None:
        monkeypatch.setattr(restoring, "pick", lambda: torch.device("cpu"))
        monkeypatch.setattr(restoring, "load_model", lambda folder, device: (network, {"recipe": recipe}))

    put(SAME)
    return put


@pytest.fixture
def course(capsys, monkeypatch):
    monkeypatch.delenv("COURSE_DEBUG", raising=False)

    def call(*argv: object) -> tuple[int, str, str]:
        code = cli.main(["restore", *map(str, argv)])
        return code, *capsys.readouterr()

    return call


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    return pixels[..., 0] if channels == 1 else pixels


def palette(transparent: bool = False) -> Image.Image:
    picture = Image.fromarray(noise(9, 14)).quantize(16)
    if transparent:
        picture.info["transparency"] = 3
    return picture


def open_copy(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.copy()


DEEP = np.random.default_rng(1).integers(0, 65536, (300, 14)).astype(np.uint16)
PICTURES = {
    # name: (picture, what of it must come out)
    "gray.png": (Image.fromarray(noise(257, 255, 1)), None),
    "gray_alpha.png": (Image.fromarray(noise(9, 14, 2), "LA"), None),
    "rgb.png": (Image.fromarray(noise(257, 255)), None),
    "rgb.bmp": (Image.fromarray(noise(9, 14)), None),
    "rgba.png": (Image.fromarray(noise(9, 14, 4)), None),
    "rgba.tif": (Image.fromarray(noise(300, 14, 4)), None),
    "palette.png": (palette(), "RGB"),
    "palette.gif": (palette(), "RGB"),
    "clear_palette.png": (palette(True), "RGBA"),
    "one_bit.png": (Image.fromarray(noise(9, 14, 1)).convert("1"), "L"),
    "cmyk.tif": (Image.fromarray(noise(9, 14, 4), "CMYK"), "RGB"),
    "deep.png": (Image.fromarray(DEEP), None),
    "one.png": (Image.fromarray(noise(1, 1)), None),
    "three.png": (Image.fromarray(noise(3, 1)), None),
    "wide.webp": (Image.fromarray(noise(1, 600)), None),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("how", [SAME, TWICE], ids=["same", "twice"])
def test_every_kind_of_picture_keeps_its_kind_and_its_pixels(tmp_path, use, name, how):
    use(how)
    picture, mode = PICTURES[name]
    picture.save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    wanted = picture.convert(mode) if mode else picture
    done = restore("DIR", tmp_path / name, tmp_path / "out.png")
    got = open_copy(tmp_path / "out.png")
    assert got.mode == wanted.mode and done.notes == ()
    pixels, alpha = np.asarray(wanted).reshape(picture.height, picture.width, -1), None
    if wanted.mode in ("LA", "RGBA"):
        pixels, alpha = pixels[..., :-1], wanted.getchannel("A").resize(got.size, Image.Resampling.BICUBIC)
        assert (np.asarray(got)[..., -1] == np.asarray(alpha)).all()
    colours = np.asarray(got).reshape(got.height, got.width, -1)[..., : pixels.shape[-1]]
    assert (colours == pixels.repeat(how.scale, 0).repeat(how.scale, 1)).all()
    assert (done.before, done.after) == (
        f"{tmp_path / name} {picture.width}×{picture.height}",
        f"{tmp_path / 'out.png'} {got.width}×{got.height}",
    )


def test_float_gray_becomes_16_bit_and_transparent_colours_by_key_become_alpha(tmp_path, use):
    Image.fromarray(np.array([[0, 0.5, 1]], np.float32)).save(tmp_path / "float.tif")
    restore("DIR", tmp_path / "float.tif", tmp_path / "out.png")
    assert np.asarray(open_copy(tmp_path / "out.png")).tolist() == [[0, 32768, 65535]]
    Image.fromarray(np.array([[7, 8]], np.uint8)).save(tmp_path / "key.png", transparency=7)
    restore("DIR", tmp_path / "key.png", tmp_path / "out.png")
    assert np.asarray(open_copy(tmp_path / "out.png")).tolist() == [[[7, 0], [8, 255]]]


def test_the_first_frame_of_an_animation(tmp_path, use):
    frames = [Image.fromarray(noise(9, 14, 1, seed)) for seed in (0, 1)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    restore("DIR", tmp_path / "moving.gif", tmp_path / "out.png")
    assert (np.asarray(open_copy(tmp_path / "out.png").convert("RGB"))[..., 1] == np.asarray(frames[0])).all()


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_rotation_is_carried_out_once(tmp_path, use, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(noise(9, 14)).save(tmp_path / "camera.jpg", exif=exif)
    restore("DIR", tmp_path / "camera.jpg", tmp_path / "out.png")
    upright, got = ImageOps.exif_transpose(open_copy(tmp_path / "camera.jpg")), open_copy(tmp_path / "out.png")
    assert (np.asarray(got) == np.asarray(upright)).all() and 0x0112 not in got.getexif()
    assert got.size == ((9, 14) if turn > 4 else (14, 9))


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif"])
def test_the_colour_profile_stays_unless_the_colours_change_their_space(tmp_path, use, ending):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(noise(9, 14)).save(tmp_path / "rgb.png", icc_profile=profile)
    Image.fromarray(noise(9, 14, 4), "CMYK").save(tmp_path / "cmyk.jpg", icc_profile=profile)
    for name, kept in (("rgb.png", profile), ("cmyk.jpg", None)):
        restore("DIR", tmp_path / name, tmp_path / f"out.{ending}")
        assert open_copy(tmp_path / f"out.{ending}").info.get("icc_profile") == kept


# --- the file that is written ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [("o.png", "PNG"), ("o.JPG", "JPEG"), ("o.jpeg", "JPEG"), ("o.webp", "WEBP"), ("o.tiff", "TIFF"), ("o.bmp", "BMP")],
)
def test_the_name_says_the_kind_and_only_jpeg_loses(tmp_path, use, name, kind):
    Image.fromarray(noise(20, 30)).save(tmp_path / "rgb.png")
    restore("DIR", tmp_path / "rgb.png", tmp_path / "new" / "folder" / name)
    with Image.open(tmp_path / "new" / "folder" / name) as got:
        assert got.format == kind and ((np.asarray(got) == noise(20, 30)).all() or kind == "JPEG")
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == [name]


@pytest.mark.parametrize("ending", ["jpg", "bmp"])
def test_without_transparency_it_lies_on_white_and_that_is_said(tmp_path, use, ending):
    pixels = np.zeros((16, 32, 4), np.uint8)
    pixels[:, 16:, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "half.png")
    done = restore("DIR", tmp_path / "half.png", tmp_path / f"out.{ending}")
    got = np.asarray(open_copy(tmp_path / f"out.{ending}"))
    assert (got[:, :16] == 255).all() and (got[:, 16:] == 0).all() and "on white" in str(done)


def test_16_bits_go_into_8_where_there_are_no_more(tmp_path, use):
    Image.fromarray(DEEP).save(tmp_path / "deep.png")
    done = restore("DIR", tmp_path / "deep.png", tmp_path / "out.bmp")
    assert (np.asarray(open_copy(tmp_path / "out.bmp")) == np.rint(DEEP / 257)).all() and "8 of its 16 bits" in str(
        done
    )
    restore("DIR", tmp_path / "deep.png", tmp_path / "out.tif")
    assert (np.asarray(open_copy(tmp_path / "out.tif")) == DEEP).all()


def test_the_picture_itself_is_replaced_only_when_it_is_named(tmp_path, use):
    use(stand_in(lambda x: 1 - x))
    source = tmp_path / "photo.png"
    Image.fromarray(noise(9, 14)).save(source)
    before = source.read_bytes()
    (tmp_path / "link.png").symlink_to(source)
    restore("DIR", source, tmp_path / "link.png")
    assert source.read_bytes() == before and not (tmp_path / "link.png").is_symlink()
    restore("DIR", source, source)
    assert (np.asarray(open_copy(source)) == 255 - noise(9, 14)).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.png", "photo.png"]


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path, use, monkeypatch, stop):
    source = tmp_path / "photo.png"
    Image.fromarray(noise(9, 14)).save(source)
    before = source.read_bytes()

    def break_off(picture, file, *args, **options):
        file.write(b"half")
        raise stop

    monkeypatch.setattr(Image.Image, "save", break_off)
    with pytest.raises((CourseError, KeyboardInterrupt)):
        restore("DIR", source, source)
    assert source.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["photo.png"]


# --- networks and masks ---------------------------------------------------------------------------------------------


def test_gray_takes_the_mean_of_the_three_answers(tmp_path, use):
    use(stand_in(lambda x: x * 0.5 + torch.tensor([0, 0.1, 0.35]).view(1, 3, 1, 1)))
    Image.fromarray(noise(9, 14, 1)).save(tmp_path / "gray.png")
    restore("DIR", tmp_path / "gray.png", tmp_path / "out.png")
    assert np.abs(np.asarray(open_copy(tmp_path / "out.png")) - (noise(9, 14, 1) / 2 + 0.15 * 255)).max() <= 0.51


def test_a_gray_network_is_asked_about_each_colour_by_itself(tmp_path, use):
    def network(given):
        assert given.shape[1] == 1
        return 1 - given.repeat_interleave(2, 2).repeat_interleave(2, 3)

    use(stand_in(network, scale=2, channels=1))
    Image.fromarray(noise(300, 14)).save(tmp_path / "rgb.png")
    restore("DIR", tmp_path / "rgb.png", tmp_path / "out.png")
    assert (np.asarray(open_copy(tmp_path / "out.png")) == 255 - noise(300, 14).repeat(2, 0).repeat(2, 1)).all()


def test_several_tiles_at_a_time_keep_their_own_holes():
    picture, holes = torch.rand(2, 3, 4, 5), torch.zeros(2, 1, 4, 5)
    holes[1] = 1
    how = stand_in(lambda given: given[:, :1] + 2 * given[:, 1:], channels=1, needs_mask=True)
    answer = restoring._asked(how, torch.cat([picture, holes], 1), colours=3)
    assert torch.equal(answer, torch.stack([picture[0], torch.full((3, 4, 5), 2.0)]))


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA", "P", "I;16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_known_pixels_come_back_bit_for_bit(tmp_path, use, mode, channels):
    use(FILL)
    pixels, hole = noise(300, 40, channels), noise(300, 40, 1, seed=5) > 127
    for inside in (pixels, np.where(hole if channels == 1 else hole[..., None], 255 - pixels, pixels)):
        if channels == 4:
            inside[..., 3] = pixels[..., 3]
        Image.fromarray(inside).save(tmp_path / "photo.png")
        white = (
            Image.fromarray(hole.astype(np.uint16) * 65535) if mode == "I;16" else Image.fromarray(hole).convert(mode)
        )
        white.save(tmp_path / "mask.png")
        restore("DIR", tmp_path / "photo.png", tmp_path / "out.png", tmp_path / "mask.png")
        got = np.asarray(open_copy(tmp_path / "out.png"))
        assert got.shape == pixels.shape and (got[~hole] == pixels[~hole]).all()
        # What lay in the hole before has no say: 0.4 + 0.05.
        assert (got[hole][..., :3] == round(0.45 * 255)).all()


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (Image.new("L", (14, 10), 255), "mask.png is 14×10 and the image 14×9"),
        (Image.new("L", (9, 14), 255), "mask.png is 9×14"),
        (Image.new("L", (14, 9), 254), "126 pixels that are neither black"),
        (Image.new("RGB", (14, 9), "red"), "neither black"),
        (Image.new("RGBA", (14, 9), (0, 0, 0, 0)), "transparent pixels"),
        (None, "there is no file"),
    ],
)
def test_a_mask_that_says_nothing_clear(tmp_path, use, course, mask, words):
    use(FILL, "inpaint")
    Image.fromarray(noise(9, 14)).save(tmp_path / "photo.png")
    if mask is not None:
        mask.save(tmp_path / "mask.png")
    out = tmp_path / "out.png"
    code, said, err = course("DIR", tmp_path / "photo.png", "--out", out, "--mask", tmp_path / "mask.png")
    assert (code, said, err.count("\n")) == (2, "", 1) and words in err and not out.exists()


# --- the command ----------------------------------------------------------------------------------------------------


def test_sharpen_by_tiles_is_sharpen_of_the_whole(tmp_path, course):
    """The real network: its context of three pixels is what it needs, and the command says what it took."""
    network, _ = load_model(SHARPEN)
    image = torch.rand(3, 90, 70, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = network(image[None])[0]
    assert (by_tiles(network, image, tile=32, overlap=network.context) - whole).abs().max() < 1e-6
    assert (by_tiles(network, image, tile=32, overlap=network.context - 1) - whole).abs().max() > 1e-5
    pixels = noise(270, 300)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    code, said, err = course(SHARPEN, tmp_path / "photo.png", "--out", tmp_path / "out.png")
    sizes = f"{tmp_path / 'photo.png'} 300×270 → {tmp_path / 'out.png'} 300×270"
    line = (
        rf"{re.escape(sizes)}: [0-9.]+ s, [0-9.e+]+ s per megapixel read, peak memory \d+ MB, \S+( \(\d+ threads?\))?\n"
    )
    assert (code, err) == (0, "") and re.fullmatch(line, said)
    with torch.no_grad():
        whole = network(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255)[0].clamp(0, 1).permute(1, 2, 0) * 255
    assert np.abs(np.asarray(open_copy(tmp_path / "out.png")) - whole.numpy()).max() <= 0.51


def test_a_recipe_that_mends_nothing(course, tmp_path):
    Image.fromarray(noise(9, 14)).save(tmp_path / "photo.png")
    folder = data_dir() / "checkpoints" / "classifier"
    code, _, err = course(folder, tmp_path / "photo.png", "--out", tmp_path / "out.png")
    assert code == 2 and err.startswith(
        f"course: {folder} is a run of classifier: it restores no images; train sharpen"
    )
    code, _, err = course(tmp_path, tmp_path / "photo.png", "--out", tmp_path / "out.png")
    assert code == 2 and "holds no card.json" in err and err.count("\n") == 1


def damaged_files(folder: Path) -> None:
    Image.fromarray(noise(50, 50)).save(folder / "photo.png")
    Image.fromarray(noise(50, 50)).save(folder / "photo.jpg")
    for name in ("photo.png", "photo.jpg"):
        (folder / f"short_{name}").write_bytes((folder / name).read_bytes()[:900])
    (folder / "text.png").write_text("not a picture")
    (folder / "empty.png").touch()
    (folder / "file").write_text("a file, not a folder")
    (folder / "folder.png").mkdir()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("", "course restore --help"),
        ("DIR photo.png", "--out"),
        ("DIR missing.png --out o.png", "there is no file missing.png"),
        ("DIR folder.png --out o.png", "folder.png is a folder"),
        ("DIR text.png --out o.png", "text.png is not an image"),
        ("DIR empty.png --out o.png", "empty.png is not an image"),
        ("DIR short_photo.png --out o.png", "short_photo.png cannot be read"),
        ("DIR short_photo.jpg --out o.png", "short_photo.jpg cannot be read"),
        ("DIR photo.png --out o.gif", "ends in .gif; name a file that ends in .png, .jpg"),
        ("DIR photo.png --out o", "ends in nothing"),
        ("DIR photo.png --out folder.png", "folder.png: that is a folder"),
        ("DIR photo.png --out file/o.png", "cannot write file/o.png"),
        ("DIR photo.png --out o.png --mask photo.png", "--mask was given, but sharpen restores the whole image"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(tmp_path, use, course, monkeypatch, argv, said):
    monkeypatch.chdir(tmp_path)
    damaged_files(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, out, err = course(*argv.split())
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith("course: ") and said in err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_that_needs_a_mask_asks_for_it(tmp_path, use, course):
    use(FILL, "inpaint")
    code, _, err = course("DIR", "photo.png", "--out", tmp_path / "o.png")
    assert code == 2 and "inpaint must know what is missing; give --mask" in err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do everything")
def test_what_may_not_be_read_or_written(tmp_path, use, course):
    Image.fromarray(noise(9, 14)).save(tmp_path / "photo.png")
    (tmp_path / "photo.png").chmod(0)
    assert "no permission to read" in course("DIR", tmp_path / "photo.png", "--out", tmp_path / "o.png")[2]
    (tmp_path / "photo.png").chmod(0o600)
    tmp_path.chmod(0o500)
    code, _, err = course("DIR", tmp_path / "photo.png", "--out", tmp_path / "o.png")
    tmp_path.chmod(0o700)
    assert code == 2 and "cannot write" in err


def test_a_size_that_the_kind_of_file_cannot_hold(tmp_path, use, course):
    use(TWICE)
    Image.new("L", (10_000, 1)).save(tmp_path / "wide.png")
    code, _, err = course("DIR", tmp_path / "wide.png", "--out", tmp_path / "o.webp")
    assert code == 2 and "WEBP allows 16,383 pixels a side" in err and "20000×2" in err


def test_the_limit_is_ours_not_pillows(tmp_path, use, course, monkeypatch):
    Image.fromarray(noise(9, 14)).save(tmp_path / "photo.png")
    argv = "DIR", tmp_path / "photo.png", "--out", tmp_path / "o.png"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert course(*argv)[0] == 0
    for limit in (125, 60):  # Pillow warns beyond its limit and refuses beyond twice that
        monkeypatch.setattr(picture_reading, "MOST", limit)
        code, _, err = course(*argv)
        assert code == 2 and f"has more than {limit} pixels" in err
    assert Image.MAX_IMAGE_PIXELS == 10 and restoring.read is picture_reading.read


MEASURE = """
import re, sys
import torch
from course_lib.runs import restore as restoring

def memory(name):
    return int(re.search(name + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1000

torch.set_num_threads(1)
network, card = restoring.load_model(sys.argv[1])
restoring.load_model = lambda folder, device: (network, card)
before = memory("VmRSS")
done = restoring.restore(*sys.argv[1:])
print(memory("VmHWM") - before, done.seconds)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the memory of one process")
def test_six_megapixels_in_the_memory_of_two_pictures_and_a_tile(tmp_path):
    """Seven bytes a pixel (three of ours, four of Pillow's) and 100 MB. A float copy of the whole would be 72 MB more,
    one layer of the network on the whole 768."""
    ramp = (np.arange(3000, dtype=np.uint16)[None] + np.arange(2000, dtype=np.uint16)[:, None]) // 20
    Image.merge("RGB", [Image.fromarray(ramp.astype(np.uint8))] * 3).save(tmp_path / "photo.png", compress_level=1)
    argv = [sys.executable, "-c", MEASURE, str(SHARPEN), str(tmp_path / "photo.png"), str(tmp_path / "out.jpg")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    more, seconds = map(float, done.stdout.split())
    assert more < 7 * 6 + 100
    assert done.stderr == "" and seconds < 60 and open_copy(tmp_path / "out.jpg").size == (3000, 2000)
