"""Names of colours: which basic colour terms describe a set of pixels, and what is skin."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Image, Mask

__all__ = ["COLOUR_NAMES", "colour_shares", "leading_colours", "skin_mask"]

Lab: TypeAlias = NDArray[np.float32]
"""CIELAB colours, shape ``(n, 3)``: lightness 0 to 100, then green-red and blue-yellow."""

_TERMS: dict[str, tuple[str, ...]] = {
    "black": ("#101012", "#28282a"),
    "grey": ("#585858", "#808080", "#a6a6a6"),
    "white": ("#f8f8f8", "#d8d8d8"),
    "red": ("#c81e28", "#961c22", "#dc4646", "#701820"),
    "orange": ("#f28218", "#e06a1e", "#f5a04a"),
    "yellow": ("#f0d728", "#dcc85a", "#f5e678", "#c8aa1e"),
    "green": ("#28823c", "#1e5028", "#78b450", "#96c878", "#4b6e41"),
    "blue": ("#2850b4", "#1e2d64", "#5a96dc", "#6e8cb4", "#32465f", "#a0c8e6"),
    "purple": ("#6e328c", "#966ebe", "#461e5a"),
    "pink": ("#f0a0b4", "#e65a96", "#f0c8d2"),
    "brown": ("#6e4628", "#8c5a3c", "#50321e", "#a07850"),
    "beige": ("#d7c3a0", "#beaa8c", "#ebdcc3"),
}
# The basic colour terms of Berlin and Kay (1969) and beige, each by a few typical shades.

COLOUR_NAMES: tuple[str, ...] = tuple(_TERMS)
"""Every name that `colour_shares` can give."""

_LIGHTNESS_WEIGHT = 0.55
"""Lightness counts less than hue: light and shade change it within one thing."""
_MAX_PIXELS = 4000
_SKIN_LIGHTNESS = (20.0, 92.0)
_SKIN_CHROMA = (12.0, 48.0)
_SKIN_HUE = (20.0, 72.0)
"""Degrees in the plane of the two colour axes, between pink and yellow."""


def colour_shares(image: Image, mask: Mask) -> dict[str, float]:
    """Return how much of a masked region each basic colour covers.

    Args:
        image: RGB, uint8, ``(height, width, 3)``.
        mask: The region, ``(height, width)``.

    Returns:
        Shares by name, adding up to 1, largest first; empty if the mask is.
    """
    pixels = _lab(image)[mask]
    if not len(pixels):
        return {}
    step = -(-len(pixels) // _MAX_PIXELS)
    names = _nearest(pixels[::step])
    counts = np.bincount(names, minlength=len(COLOUR_NAMES)) / len(names)
    order = np.argsort(-counts, kind="stable")
    return {COLOUR_NAMES[i]: float(counts[i]) for i in order if counts[i] > 0}


def leading_colours(shares: Mapping[str, float], *, at_least: float = 0.25) -> tuple[str, ...]:
    """Return the one or two names that say best what colour something is.

    Args:
        shares: Shares by name, as `colour_shares` gives them.
        at_least: Share that a second colour needs to be named.
    """
    ranked = sorted(shares, key=lambda name: -shares[name])
    return tuple(ranked[:1]) + tuple(name for name in ranked[1:2] if shares[name] >= at_least)


def skin_mask(image: Image) -> Mask:
    """Return the pixels whose colour is that of human skin, light to dark.

    A necessary condition only: wood, sand and fur may have the same colours.
    """
    lab = _lab(image)
    lightness, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    hue, chroma = np.degrees(np.arctan2(b, a)), np.hypot(a, b)
    found: Mask = np.ones(lightness.shape, bool)
    for value, (low, high) in (
        (lightness, _SKIN_LIGHTNESS),
        (chroma, _SKIN_CHROMA),
        (hue, _SKIN_HUE),
    ):
        found &= (value >= low) & (value <= high)
    return found


def _lab(image: Image) -> Lab:
    """Return CIELAB of a slightly smoothed image, so that noise does not colour greys."""
    smooth = cv2.GaussianBlur(image, (0, 0), 0.8)
    scaled = smooth.astype(np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32)


@cache
def _shades() -> tuple[Lab, NDArray[np.intp]]:
    """Return the typical shades and, for each, the position of its name."""
    codes = [(code, i) for i, name in enumerate(COLOUR_NAMES) for code in _TERMS[name]]
    rgb = np.array([[list(bytes.fromhex(code[1:])) for code, _ in codes]], np.float32) / 255
    lab = cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2LAB)[0]
    return np.asarray(lab, np.float32), np.array([i for _, i in codes], np.intp)


def _nearest(pixels: Lab) -> NDArray[np.intp]:
    """Return the position of the nearest name for each pixel."""
    shades, names = _shades()
    weights = np.array([_LIGHTNESS_WEIGHT, 1.0, 1.0], np.float32)
    distance = (((pixels[:, None] - shades[None]) * weights) ** 2).sum(axis=2)
    return np.asarray(names[np.argmin(distance, axis=1)], np.intp)
