"""Whether a figure drawn again is the figure that was committed.

Data flow: `pictures` takes the PNGs out of a cell's outputs; `difference` decodes two of them, reduces both to
96×96 colours and asks of everything drawn in one whether the other has the same colour close by. So a noisy
curve is the same curve, while a frame and ticks in common hide nothing. The limits were calibrated with toy figures
(tests/test_same_picture.py): share of ink without a counterpart, in the whole and in the worst tile,

    curves with 2, 5, 10 % noise                  0.02 0.03 0.06      0.03 0.05 0.07
    another seed's noise, other sample pictures   0.07 0.06           0.08 0.07
    one curve of four missing                     0.12                0.16
    noise for samples, one sample of eight blank  0.13 0.09           0.19 0.67
    swapped panels, other curves, empty axes      0.26 0.28 0.30      0.43 0.42 0.41

Course machinery.
"""

import base64
import io

import numpy as np
from PIL import Image

GRID, NEAR = 96, 3  # compared at 96×96; "close by" is three of those, 3 % of the width
PIXELS = 12  # a tick label one digit longer moves the edge of a tightly cropped figure by about 7
WHOLE, TILE = 0.11, 0.16
PAPER = 2.0  # of 255: what an almost empty tile may differ by, as if it held that much ink
BLANK = 1.0  # of 255: standard deviation below which nothing is drawn


def pictures(outputs: list[dict]) -> list[bytes]:
    """The PNG and JPEG files among a cell's outputs, in order."""
    data = [output.get("data", {}) for output in outputs]
    return [base64.b64decode(d[kind]) for d in data for kind in ("image/png", "image/jpeg") if kind in d]


def decode(picture: bytes) -> Image.Image:
    """An RGB image on white paper. Raises ValueError when the bytes are no picture."""
    try:
        image = Image.open(io.BytesIO(picture)).convert("RGBA")
    except Exception as error:
        raise ValueError(f"cannot be decoded ({error})") from None
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image).convert("RGB")


def is_blank(image: Image.Image) -> bool:
    return float(np.asarray(image, dtype=np.float32).std(axis=(0, 1)).max()) < BLANK


def difference(committed: bytes, fresh: bytes) -> str:
    """Why two pictures are not the same figure, in a few words; empty when they are."""
    try:
        old, new = decode(committed), decode(fresh)
    except ValueError as error:
        return str(error)
    for name, image in (("committed", old), ("fresh", new)):
        if is_blank(image):
            return f"the {name} one is blank"
    if max(abs(a - b) for a, b in zip(old.size, new.size, strict=True)) > PIXELS:
        return f"size {new.width}×{new.height} px, committed {old.width}×{old.height}"
    (whole, tile), (whole_back, tile_back) = unmatched(old, new), unmatched(new, old)
    if max(whole, whole_back) > WHOLE:
        return f"shows something else: {max(whole, whole_back):.0%} of it, at most {WHOLE:.0%}"
    if max(tile, tile_back) > TILE:
        return f"a part shows something else: {max(tile, tile_back):.0%} of it, at most {TILE:.0%}"
    return ""


def unmatched(drawn: Image.Image, other: Image.Image) -> tuple[float, float]:
    """The share of ink in `drawn` that `other` has nowhere near: of the whole, and of the worst of 2×4 tiles.

    Ink is the distance from the paper (the median colour). 0 is a picture that `other` contains.
    """
    size = (GRID, GRID)
    a, b = (np.asarray(i.resize(size, Image.Resampling.BOX), dtype=np.float32) for i in (drawn, other))
    around = np.pad(b, ((NEAR, NEAR), (NEAR, NEAR), (0, 0)), mode="edge")
    lost = np.full(size, np.inf, dtype=np.float32)
    for down in range(2 * NEAR + 1):
        for right in range(2 * NEAR + 1):
            shifted = around[down : down + GRID, right : right + GRID]
            lost = np.minimum(lost, np.abs(a - shifted).mean(axis=2))
    ink = np.abs(a - np.median(a.reshape(-1, 3), axis=0)).mean(axis=2)
    worst = 0.0
    for rows in np.split(np.arange(GRID), 2):
        for columns in np.split(np.arange(GRID), 4):
            tile = np.ix_(rows, columns)
            worst = max(worst, float(lost[tile].mean() / (ink[tile].mean() + PAPER)))
    return float(lost.sum() / max(ink.sum(), 1e-6)), worst
