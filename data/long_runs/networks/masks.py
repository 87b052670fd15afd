"""Holes of many kinds, drawn with Pillow: free strokes, rows of text, scratches, blobs and boxes. True where missing."""

import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

KINDS = ("strokes", "text", "scratches", "blobs")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?&%@#"


def mask(size: int, kind: str, rng: random.Random, low: float = 0.02, high: float = 0.25) -> np.ndarray:
    """One hole of size×size, covering about low … high of it (scratches and text at most 0.15)."""
    if kind in ("scratches", "text"):
        high = min(high, 0.15)
    while True:
        wanted = rng.uniform(low, high)
        picture = Image.new("L", (size, size), 0)
        draw = ImageDraw.Draw(picture)
        for _ in range(60):
            {"strokes": _stroke, "text": _text, "scratches": _scratch, "blobs": _blob}[kind](draw, size, rng)
            missing = np.asarray(picture) > 127
            if missing.mean() >= wanted:
                break
        if low * 0.9 <= missing.mean() <= high + 0.1:
            return missing


def bank(count: int, size: int, seed: int) -> np.ndarray:
    """count×size×size uint8, the kinds in turn."""
    rng = random.Random(seed)
    return np.stack([mask(size, KINDS[i % len(KINDS)], rng) for i in range(count)]).astype(np.uint8)


def _walk(size, rng, steps, low, high, turn):
    x, y, angle = rng.uniform(0, size), rng.uniform(0, size), rng.uniform(0, 2 * math.pi)
    points = [(x, y)]
    for _ in range(steps):
        angle += rng.uniform(-turn, turn)
        length = rng.uniform(low, high)
        x, y = x + length * math.cos(angle), y + length * math.sin(angle)
        if not (-0.1 * size <= x <= 1.1 * size and -0.1 * size <= y <= 1.1 * size):
            x, y = min(max(x, 0), size), min(max(y, 0), size)
            angle += math.pi / 2
        points.append((x, y))
    return points


def _line(draw, points, width):
    draw.line(points, fill=255, width=width, joint="curve")
    if width > 2:
        r = width / 2
        for x, y in points:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=255)


def _stroke(draw, size, rng):
    _line(draw, _walk(size, rng, rng.randint(1, 7), 8, 40, 2.0), rng.randint(3, 12))


def _scratch(draw, size, rng):
    _line(draw, _walk(size, rng, rng.randint(2, 10), 8, 40, 0.3), rng.choice((1, 1, 1, 2, 2, 3)))


def _blob(draw, size, rng):
    height, width = rng.randint(5, 40), rng.randint(5, 40)
    x, y = rng.uniform(-5, size - 5), rng.uniform(-5, size - 5)
    how = rng.random()
    if how < 0.5:
        draw.rectangle((x, y, x + width, y + height), fill=255)
    elif how < 0.75:
        draw.ellipse((x, y, x + width, y + height), fill=255)
    else:
        n = rng.randint(5, 10)
        around = [
            (
                x + width / 2 * (1 + rng.uniform(0.5, 1) * math.cos(2 * math.pi * i / n)),
                y + height / 2 * (1 + rng.uniform(0.5, 1) * math.sin(2 * math.pi * i / n)),
            )
            for i in range(n)
        ]
        draw.polygon(around, fill=255)


def _text(draw, size, rng):
    height = rng.randint(8, 26)
    words = "".join(rng.choice(LETTERS + " " * 8) for _ in range(rng.randint(4, 24)))
    x, y = rng.uniform(-10, size * 0.6), rng.uniform(-4, size - 6)
    try:
        draw.text((x, y), words, fill=255, font=ImageFont.load_default(height), stroke_width=rng.choice((0, 0, 1)))
    except Exception:  # no FreeType there: glyphs of our own
        for i in range(len(words)):
            left = x + 0.7 * i * height
            points = [(left + rng.uniform(0, 0.6 * height), y + rng.uniform(0, height)) for _ in range(rng.randint(2, 4))]
            draw.line(points, fill=255, width=max(1, height // 8))
