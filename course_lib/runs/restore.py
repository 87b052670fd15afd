"""Restore an image file of any size and kind with a trained network."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.images import each_tile
from course_lib.images.reading import Picture, read, read_hole
from course_lib.images.writing import kind_of, save
from course_lib.networks import Restorer
from course_lib.recipes import RECIPES
from course_lib.runs.load import load_model
from course_lib.system.device import pick
from course_lib.system.files import written


@dataclass(frozen=True)
class Restored:
    """What was done: sizes as "width×height", `seconds` for reading, network and writing, `peak` bytes of memory."""

    before: str
    after: str
    megapixels: float
    seconds: float
    peak: int | None
    device: torch.device
    notes: tuple[str, ...]

    def __str__(self) -> str:
        threads = torch.get_num_threads()
        where = f"cpu ({threads} thread{'s' * (threads > 1)})" if self.device.type == "cpu" else str(self.device)
        speed = f"{self.seconds:.1f} s, {self.seconds / self.megapixels:.3g} s per megapixel read"
        memory = [] if self.peak is None else [f"peak memory {self.peak / 1e6:.0f} MB"]
        return f"{self.before} → {self.after}: {', '.join([speed, *memory, where, *self.notes])}"


def restore(folder: str | Path, source: str | Path, out: str | Path, mask: str | Path | None = None) -> Restored:
    """Restore the image `source` with the network in `folder` and write it to `out`, whose suffix sets the format.

    `folder` is what `course train` wrote, or the name of a published checkpoint (see `find_run`).

    `mask` is an image of the same size, white where pixels are missing, black where they are known. Known pixels are
    returned bit for bit if the format is lossless (jpg is not). What else of an image is kept is described in
    images/reading.py. Raises CourseError for a network that restores no images, bad files, and a mask that is missing,
    not wanted, of another size or not black and white.
    """
    source, out = Path(source), Path(out)
    kind = kind_of(out)
    device = pick()
    network, card = load_model(folder, device)
    recipe = RECIPES[card["recipe"]]
    if recipe.kind != "restorer":
        others = " or ".join(other.name for other in RECIPES.values() if other.kind == "restorer")
        raise CourseError(f"{folder} is a run of {recipe.name}: it restores no images; train {others}")
    if network.needs_mask and mask is None:
        raise CourseError(f"{recipe.name} must know what is missing; give --mask with an image that is white there")
    if mask is not None and not network.needs_mask:
        raise CourseError(f"--mask was given, but {recipe.name} restores the whole image; leave it out")
    began = time.perf_counter()
    picture = read(source)
    hole = None if mask is None else read_hole(Path(mask), picture)
    height, width = (network.scale * side for side in picture.pixels.shape[:2])
    if max(width, height) > kind.longest:
        raise CourseError(
            f"{kind.name} allows {kind.longest:,} pixels a side, the result has {width}×{height}; use .png"
        )
    with written(out) as file:
        notes = save(_restored(network, picture, hole, kind.deep, device), picture, kind, file)
    seconds, megapixels = time.perf_counter() - began, picture.pixels[..., 0].size / 1e6
    return Restored(
        f"{source} {picture.size}", f"{out} {width}×{height}", megapixels, seconds, peak_memory(), device, notes
    )


def peak_memory() -> int | None:
    """Peak memory of this process so far, in bytes (resident set); None where it is not reported (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def _restored(
    network: Restorer, picture: Picture, hole: np.ndarray | None, deep: bool, device: torch.device
) -> Image.Image:
    """Run the image through the network: mode L or RGB, I;16 for 16-bit grey if `deep`; without alpha."""
    height, width, colours = picture.pixels.shape
    pixels = picture.pixels
    if hole is not None:
        one = np.iinfo(pixels.dtype).max
        pixels = np.concatenate([pixels, hole[..., None] * pixels.dtype.type(one)], axis=2)
    deep = deep and pixels.dtype == np.uint16
    mode = "RGB" if colours == 3 else "I;16" if deep else "L"
    canvas = Image.new(mode, (network.scale * width, network.scale * height))
    limits = {
        "scale": network.scale,
        "overlap": network.context,
        "minimum": network.minimum,
        "multiple": network.multiple,
    }
    batch_size = 1 if device.type == "cpu" else 8  # one tile keeps a CPU busy, but not a GPU

    def ask(given: Tensor) -> Tensor:
        return _asked(network, given, colours)

    stack = torch.from_numpy(pixels).permute(2, 0, 1)
    for top, left, part in each_tile(ask, stack, batch_size=batch_size, device=device, **limits):
        values = part.permute(1, 2, 0).numpy()
        if hole is not None:
            here = np.s_[top : top + len(values), left : left + values.shape[1]]
            values = np.where(hole[here][..., None], values, picture.pixels[here])
        if values.dtype == np.uint16 and not deep:
            values = np.rint(values / 257).astype(np.uint8)
        canvas.paste(Image.fromarray(np.ascontiguousarray(values if colours == 3 else values[..., 0])), (left, top))
    return canvas


def _asked(network: Restorer, given: Tensor, colours: int) -> Tensor:
    """Apply the network to tiles N×C×h×w in grey (`colours` = 1) or RGB, followed by the hole if it needs one.

    Grey goes in as three equal channels, and the three outputs are averaged: the mean is the grey closest to them in
    mean square, and no channel should count more, since the image has no colour.
    """
    picture, hole = given[:, :colours], given[:, colours:]
    if network.needs_mask:
        picture = picture * (1 - hole)  # the network must not see what lies in the hole
    if network.channels == 1:
        # Each colour channel is processed as a grey image of its own.
        count, _, height, width = picture.shape
        hole = hole.repeat_interleave(colours, 0)
        output = network(torch.cat([picture.reshape(-1, 1, height, width), hole], 1))
        return output.reshape(count, colours, *output.shape[-2:])
    output = network(torch.cat([picture.expand(-1, network.channels, -1, -1), hole], 1))
    return output if colours == 3 else output.mean(1, keepdim=True)
