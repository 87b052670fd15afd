"""Bicubic resizing against MATLAB's own numbers, its definition written out, and two other libraries."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate

from course_lib.degradations import Downsample, modcrop
from course_lib.errors import CourseError
from course_lib.images import resize

# What MATLAB's imresize made of 8-bit pictures, as recorded in the tests of Octave's image package. Its integer path
# rounds between the axes, too: it may be 1 of 255 off its own floating-point result.
PICTURE = """116 227 153  69 146 194  59 130 139 106
               2  47 137 249  90  75  16  24 158  44
             155  68  46  84 166 156  69 204  32 152
              71 221 137 230 210 153 192 115  30 118
             107 143 108  52  51  73 101  21 175  90
              54 158 143  77  26 168 113 229 165 225
               9  47 133 135 130 207 236  43  19  73
             129  60  59 243  64 181 249  56  32  86"""
MATLAB = {
    (0.5, True): "105 140 126 81 109 / 110 134 153 114 93 / 108 108 94 127 146 / 67 126 162 149 62",
    (0.5, False): "92 164 123 38 118 / 139 116 188 167 69 / 121 87 67 108 180 / 54 153 141 149 42",
    (1 / 3, True): "115 135 97 101 / 113 119 124 125 / 81 157 118 64",
    (1 / 3, False): "47 90 24 44 / 143 51 21 90 / 60 64 56 86",
}
MATLAB_4_3_FIRST = "116 203 221 141 62 110 180 191 70 104 143 136 111 106"
MATLAB_4_3_LAST = "147 91 43 68 247 125 80 191 255 130 33 37 83 94"


def table(text):
    return torch.tensor([[float(word) for word in row.split()] for row in text.replace("/", "\n").splitlines()])


@pytest.mark.parametrize(("scale", "antialias"), MATLAB)
def test_matlabs_numbers_for_bytes(scale, antialias):
    found = resize(table(PICTURE)[None, None] / 255, scale, antialias=antialias)[0, 0]
    wanted = table(MATLAB[scale, antialias])
    assert found.shape == wanted.shape
    assert ((found.clamp(0, 1) * 255).round() - wanted).abs().max() <= 1


def test_matlabs_numbers_when_enlarging():
    found = (resize(table(PICTURE)[None, None] / 255, 4 / 3)[0, 0].clamp(0, 1) * 255).round()
    assert found.shape == (11, 14)
    assert (found[[0, -1]] - table(f"{MATLAB_4_3_FIRST} / {MATLAB_4_3_LAST}")).abs().max() <= 1


def test_matlabs_numbers_in_floating_point():
    found = resize(torch.tensor([[[[10.0, 6.0]]]], dtype=torch.float64), size=(3, 3))
    wanted = torch.tensor([10.27777777777777, 8, 5.72222222222222], dtype=torch.float64)
    torch.testing.assert_close(found[0, 0], wanted.expand(3, 3), atol=1e-13, rtol=0)


def keys(distance):
    """Keys 1981, equation 15: the cubic convolution kernel, a = −1/2."""
    d = abs(distance)
    if d < 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0


def by_definition(plane, size, scales, antialias):
    """One double sum per new pixel over the mirrored plane, float64."""
    margin = 4 * max(plane.shape)
    mirrored = np.pad(plane, margin, mode="symmetric")

    def line(old, new, scale):
        stretch = min(scale, 1) if antialias else 1
        rows = []
        for place in range(new):
            centre = (place + 0.5) / scale
            row = np.array([keys(stretch * (centre - (pixel + 0.5))) for pixel in range(-margin, old + margin)])
            rows.append(row / row.sum())
        return np.array(rows)

    down, across = (line(*arguments) for arguments in zip(plane.shape, size, scales, strict=True))
    return np.einsum("ip,jq,pq->ij", down, across, mirrored)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("scale", [1 / 4, 1 / 3, 0.456, 1, 1.5, 3])
def test_the_definition_by_scale(scale, antialias):
    images = torch.rand(2, 2, 9, 7, dtype=torch.float64)
    found = resize(images, scale, antialias=antialias)
    size = math.ceil(9 * scale), math.ceil(7 * scale)
    wanted = [[by_definition(plane.numpy(), size, (scale, scale), antialias) for plane in image] for image in images]
    torch.testing.assert_close(found, torch.tensor(np.array(wanted)), atol=1e-12, rtol=0)


@pytest.mark.parametrize("size", [(3, 11), (9, 7), (1, 1), (20, 2)])
def test_the_definition_by_size(size):
    images = torch.rand(1, 1, 9, 7, dtype=torch.float64)
    wanted = by_definition(images[0, 0].numpy(), size, (size[0] / 9, size[1] / 7), True)
    torch.testing.assert_close(resize(images, size=size)[0, 0], torch.tensor(wanted), atol=1e-12, rtol=0)


def by_pil(images, size):
    planes = [Image.fromarray(plane.numpy()).resize(size[::-1], Image.Resampling.BICUBIC) for plane in images[:, 0]]
    return torch.stack([torch.from_numpy(np.array(plane)) for plane in planes])[:, None]


def by_torch(images, size):
    return interpolate(images, size=size, mode="bicubic", antialias=True)


@pytest.mark.parametrize("other", [by_pil, by_torch])
@pytest.mark.parametrize(
    ("size", "border"), [((32, 24), 2), ((16, 12), 2), ((128, 96), 4), ((192, 144), 6), ((30, 31), 3)]
)
def test_others_agree_inside_and_differ_at_the_border(other, size, border):
    images = torch.rand(2, 1, 64, 48)
    ours, theirs = resize(images, size=size), other(images, size)
    inside = (..., slice(border, -border), slice(border, -border))
    torch.testing.assert_close(ours[inside], theirs[inside], atol=1e-5, rtol=0)
    assert (ours - theirs).abs().max() > 1e-3


def test_plain_torch_is_another_kernel():
    images = torch.rand(1, 1, 32, 32)
    plain = interpolate(images, scale_factor=2, mode="bicubic")
    assert (resize(images, 2) - plain)[..., 8:-8, 8:-8].abs().max() > 0.01


def test_linear_and_differentiable():
    images = torch.rand(1, 2, 8, 6, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(1, 2, 4, 3, dtype=torch.float64)
    (resize(images, 0.5) * weights).sum().backward()
    # For a linear map A, ⟨Ax, w⟩ = ⟨x, Aᵀw⟩, and the gradient is Aᵀw.
    other = torch.rand(1, 2, 8, 6, dtype=torch.float64)
    torch.testing.assert_close((resize(other, 0.5) * weights).sum(), (other * images.grad).sum())


def test_constants_and_parabolas_stay():
    torch.testing.assert_close(resize(torch.full((1, 1, 10, 8), 0.3), 0.25), torch.full((1, 1, 3, 2), 0.3))
    places = torch.arange(16, dtype=torch.float64)
    found = resize((places + 0.5).square().expand(1, 1, 16, 16), 4)
    wanted = ((torch.arange(64) + 0.5) / 4).square().double()
    torch.testing.assert_close(found[0, 0, 0, 8:-8], wanted[8:-8])


def test_precision_and_autocast():
    images = torch.rand(1, 3, 16, 16)
    small = resize(images, 0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(resize(images, 0.5), small)
    half = resize(images.half(), 0.5)
    assert half.dtype == torch.float16
    torch.testing.assert_close(half.float(), small, atol=1e-3, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_the_gpu():
    images = torch.rand(2, 3, 24, 24)
    found = resize(images.cuda(), 1 / 3)
    assert found.is_cuda
    torch.testing.assert_close(found.cpu(), resize(images, 1 / 3), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("images", "arguments", "said"),
    [
        (torch.rand(3, 8, 8), {"scale": 2}, "wanted N×C×H×W"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), {"scale": 2}, "divide bytes by 255"),
        (torch.rand(1, 3, 8, 8), {}, "give one of the two"),
        (torch.rand(1, 3, 8, 8), {"scale": 2, "size": (4, 4)}, "give one of the two"),
        (torch.rand(1, 3, 8, 8), {"scale": -2}, "wanted a number above 0"),
        (torch.rand(1, 3, 8, 8), {"size": (4, 0)}, "two whole numbers above 0"),
        (torch.rand(1, 3, 8, 8), {"size": (4, 4.5)}, "two whole numbers above 0"),
        (torch.rand(1, 3, 0, 8), {"scale": 2}, "has no pixels"),
    ],
)
def test_bad_resize(images, arguments, said):
    with pytest.raises(CourseError, match=said):
        resize(images, **arguments)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_downsample(scale):
    x = torch.rand(2, 3, 24, 12)
    op = Downsample(scale)
    y = op(x, generator=torch.Generator())
    torch.testing.assert_close(y, resize(x, 1 / scale))
    assert y.shape == (2, 3, 24 // scale, 12 // scale)
    torch.testing.assert_close(op.baseline(y), resize(y, scale).clamp(0, 1))
    assert op.baseline(y).shape == x.shape


def test_downsample_rounds_to_bytes_when_asked():
    # A sharp edge overshoots: clamped when rounded, kept when not.
    x = torch.zeros(1, 1, 16, 16)
    x[..., 7:] = 1
    exact, rounded = Downsample(2)(x), Downsample(2, rounded=True)(x)
    assert exact.min() < -0.01 and exact.max() > 1.01
    assert rounded.min() == 0 and rounded.max() == 1
    torch.testing.assert_close(rounded * 255, (exact.clamp(0, 1) * 255).round())
    assert Downsample(2).baseline(exact).min() >= 0


def test_no_multiple_of_the_scale():
    x = torch.rand(1, 3, 25, 32)
    with pytest.raises(CourseError, match=r"25×32 are not multiples of the scale 4; .* modcrop\(images, 4\)"):
        Downsample(4)(x)
    cropped = modcrop(x, 4)
    assert torch.equal(cropped, x[..., :24, :32])
    assert Downsample(4)(cropped).shape == (1, 3, 6, 8)
    with pytest.raises(CourseError, match="have no 4×4 block"):
        modcrop(torch.rand(1, 3, 3, 8), 4)


@pytest.mark.parametrize("scale", [1, 0, 2.0, True, "2"])
def test_bad_scale(scale):
    with pytest.raises(CourseError, match="wanted a whole number from 2"):
        Downsample(scale)
