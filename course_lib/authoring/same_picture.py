"""How far apart two images of one figure are, tile by tile, as shares of what is drawn in them.

Data flow: `pictures` takes the PNGs out of a cell's outputs; `unlike` decodes two of them, reduces both to 192×192
pixels and checks for everything drawn in one whether the other has the same colour close by. same_figure.py decides
what is too far, for each figure by its own measured spread. Course machinery.
"""

import base64
import io

import numpy as np
from PIL import Image

GRID, NEAR = 192, 3  # compared at 192×192; "close by" is three of those pixels, 1.5 % of the width
ROWS, COLUMNS = 4, 6  # tiles
PIXELS = 12  # a tick label one digit longer moves the edge of a tightly cropped figure by about 7
PAPER = 2.0  # of 255: ink added to every tile, so that almost empty tiles may differ a little
BLANK = 1.0  # of 255: standard deviation below which nothing is drawn


def pictures(outputs: list[dict]) -> list[bytes]:
    """The PNG and JPEG files among a cell's outputs, in order."""
    data = [output.get("data", {}) for output in outputs]
    return [base64.b64decode(d[kind]) for d in data for kind in ("image/png", "image/jpeg") if kind in d]


def decode(picture: bytes) -> Image.Image:
    """An RGB image on white paper. Raises ValueError if the bytes are not an image."""
    try:
        image = Image.open(io.BytesIO(picture)).convert("RGBA")
    except Exception as error:
        raise ValueError(f"cannot be decoded ({error})") from None
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image).convert("RGB")


def is_blank(image: Image.Image) -> bool:
    return float(np.asarray(image, dtype=np.float32).std(axis=(0, 1)).max()) < BLANK


def disorder(committed: bytes, fresh: bytes) -> str:
    """Why two images cannot be compared, in a few words (no image, blank, another size); empty if they can."""
    try:
        old, new = decode(committed), decode(fresh)
    except ValueError as error:
        return str(error)
    for name, image in (("committed", old), ("fresh", new)):
        if is_blank(image):
            return f"the {name} one is blank"
    if max(abs(a - b) for a, b in zip(old.size, new.size, strict=True)) > PIXELS:
        return f"size {new.width}×{new.height} px, committed {old.width}×{old.height}"
    return ""


def unlike(committed: bytes, fresh: bytes) -> list[float]:
    """For each of ROWS×COLUMNS tiles, the share of ink in one image that the other has nowhere near.

    Ink is the distance from the paper (the median colour). 0 means that both images contain the tile.
    """
    old, new = (_reduced(decode(picture)) for picture in (committed, fresh))
    return [max(pair) for pair in zip(_unmatched(old, new), _unmatched(new, old), strict=True)]


def _reduced(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize((GRID, GRID), Image.Resampling.BOX), dtype=np.float32)


def _unmatched(drawn: np.ndarray, other: np.ndarray) -> list[float]:
    around = np.pad(other, ((NEAR, NEAR), (NEAR, NEAR), (0, 0)), mode="edge")
    lost = np.full((GRID, GRID), np.inf, dtype=np.float32)
    for down in range(2 * NEAR + 1):
        for right in range(2 * NEAR + 1):
            shifted = around[down : down + GRID, right : right + GRID]
            lost = np.minimum(lost, np.abs(drawn - shifted).mean(axis=2))
    ink = np.abs(drawn - np.median(drawn.reshape(-1, 3), axis=0)).mean(axis=2)
    shares = []
    for rows in np.array_split(np.arange(GRID), ROWS):
        for columns in np.array_split(np.arange(GRID), COLUMNS):
            tile = np.ix_(rows, columns)
            shares.append(float(lost[tile].mean() / (ink[tile].mean() + PAPER)))
    return shares
