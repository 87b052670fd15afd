"""Ranges, bytes and files."""

import numpy as np
import torch
from PIL import Image

from course_lib.images import save_image, to_signed, to_uint8, to_unit


def test_ranges_are_inverse():
    x = torch.tensor([0.0, 0.25, 0.5, 1.0])
    assert torch.equal(to_signed(x), torch.tensor([-1.0, -0.5, 0.0, 1.0]))
    assert torch.equal(to_unit(to_signed(x)), x)


def test_bytes_are_rounded_and_clamped():
    x = torch.tensor([-0.5, 0.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.0, 1.7])
    assert to_uint8(x).tolist() == [0, 0, 0, 1, 255, 255, 255]
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(every.float() / 255), every)


def test_a_picture_goes_to_a_file_and_back(tmp_path):
    for channels in (1, 3):
        image = torch.randint(0, 256, (channels, 4, 6)).float() / 255
        save_image(image, tmp_path / "picture.png")
        back = np.asarray(Image.open(tmp_path / "picture.png"))
        assert back.shape == ((4, 6) if channels == 1 else (4, 6, 3))
        assert np.array_equal(back, to_uint8(image).permute(1, 2, 0).squeeze(-1).numpy())
