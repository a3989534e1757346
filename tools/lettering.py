"""Text on pictures: measured, wrapped, and readable on any background."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import cv2
import numpy as np

from reelgraph._types import Image

__all__ = [
    "GREY",
    "INK",
    "WHITE",
    "Rgb",
    "banner",
    "letter_height",
    "plate_size",
    "readable_on",
    "wrapped",
    "write",
]

Rgb: TypeAlias = tuple[int, int, int]

WHITE: Final[Rgb] = (255, 255, 255)
INK: Final[Rgb] = (24, 24, 27)
GREY: Final[Rgb] = (185, 185, 190)

_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_UNIT: Final = 22
"""Height in pixels of a capital letter of the font at scale 1."""


def letter_height(resolution_wh: tuple[int, int]) -> int:
    """Return the height of capital letters, in pixels, that suits a picture of this size."""
    width, height = resolution_wh
    return max(9, round(5 + math.sqrt(height * width) / 80))


def text_width(text: str, letters: int) -> int:
    """Return the width of one line in pixels, written ``letters`` pixels high."""
    (width, _), _ = cv2.getTextSize(text, _FONT, letters / _UNIT, _weight(letters))
    return int(width)


def plate_size(text: str, letters: int) -> tuple[int, int]:
    """Return width and height in pixels of the plate under one line of text."""
    height = round(letters * 1.8)
    return text_width(text, letters) + letters, height


def write(
    canvas: Image, text: str, left_top: tuple[int, int], letters: int, rgb: Rgb, *, line: int
) -> None:
    """Write one line of text in place, centred in a row of ``line`` pixels."""
    origin = (left_top[0], left_top[1] + (line + letters) // 2)
    scale = letters / _UNIT
    cv2.putText(canvas, text, origin, _FONT, scale, rgb, _weight(letters), cv2.LINE_AA)


def readable_on(background: Rgb) -> Rgb:
    """Return dark or white, whichever can be read on a colour."""
    luminance = 0.299 * background[0] + 0.587 * background[1] + 0.114 * background[2]
    return INK if luminance > 120 else WHITE


def wrapped(text: str, width: int, letters: int) -> list[str]:
    """Break a text at spaces so that each line fits into ``width`` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, letters) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def banner(text: str, width: int, *, letters: int = 12, rgb: Rgb = WHITE) -> Image:
    """Return a dark band of ``width`` pixels with a text in it, in as many lines as it takes."""
    row = round(letters * 1.9)
    lines = wrapped(text, width - 2 * letters, letters)
    band = np.full((row * len(lines) + letters // 2, width, 3), INK, np.uint8)
    for number, words in enumerate(lines):
        write(band, words, (letters, letters // 4 + number * row), letters, rgb, line=row)
    return band


def _weight(letters: int) -> int:
    return max(1, letters // 14)
