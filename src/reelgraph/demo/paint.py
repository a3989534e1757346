"""Soft-edged shapes on see-through layers: what the demo's figures are painted with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Colour", "Disc", "Layer", "Painter"]

Colour: TypeAlias = tuple[int, int, int]
"""RGB, 0 to 255."""
Disc: TypeAlias = tuple[float, float, float]
"""Centre x, centre y and radius in pixels."""

_SUPERSAMPLE = 2
_SUBPIXEL_BITS = 4
_ROUND = np.linspace(0.0, 2 * np.pi, 20, endpoint=False)
_CIRCLE = np.stack([np.cos(_ROUND), np.sin(_ROUND)], axis=1)
_SHADE, _LIGHT = 0.86, 1.06


@dataclass(frozen=True, eq=False)
class Layer:
    """A painted patch of the canvas.

    Attributes:
        owner: Object id of what is painted.
        xy: Left and top of the patch on the canvas in pixels.
        rgba: Premultiplied colour and coverage, 0 to 1, float32 ``(height, width, 4)``.
    """

    owner: int
    xy: tuple[int, int]
    rgba: NDArray[np.float32]

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the canvas that the patch covers."""
        (x, y), (height, width) = self.xy, self.rgba.shape[:2]
        return slice(y, y + height), slice(x, x + width)


class Painter:
    """Collects shapes, then paints them on the smallest patch that holds them.

    Args:
        owner: Object id of what is painted.
        canvas_wh: Size of the canvas in pixels; what lies outside is cut.
    """

    def __init__(self, owner: int, canvas_wh: tuple[int, int]) -> None:
        self._owner = owner
        self._canvas_wh = canvas_wh
        self._shapes: list[tuple[NDArray[np.float64], Colour]] = []

    def blob(self, discs: Sequence[Disc], colour: Colour, *, shaded: bool = True) -> None:
        """Add the convex hull of discs, lit from the upper left if ``shaded``."""
        self._shapes.append((_hull(discs), _scaled(colour, _SHADE if shaded else 1.0)))
        if shaded:
            lit = [(x - 0.16 * r, y - 0.12 * r, 0.66 * r) for x, y, r in discs]
            self._shapes.append((_hull(lit), _scaled(colour, _LIGHT)))

    def layer(self, *, softness_px: float = 0.9) -> Layer | None:
        """Return the painted patch, or None if nothing is inside the canvas.

        Args:
            softness_px: Blur of the colours inside the outline, in canvas pixels.
        """
        box = self._box()
        if box is None:
            return None
        x0, y0, x1, y1 = box
        size = (y1 - y0) * _SUPERSAMPLE, (x1 - x0) * _SUPERSAMPLE
        patch = np.zeros((*size, 4), np.uint8)
        for points, colour in self._shapes:
            fine = (points - (x0, y0)) * _SUPERSAMPLE * 2**_SUBPIXEL_BITS
            cv2.fillConvexPoly(
                patch, np.rint(fine).astype(np.int32), (*colour, 255), cv2.LINE_AA, _SUBPIXEL_BITS
            )
        return Layer(self._owner, (x0, y0), _finish(patch, softness_px))

    def _box(self) -> tuple[int, int, int, int] | None:
        if not self._shapes:
            return None
        points = np.concatenate([shape for shape, _ in self._shapes])
        low = np.floor(points.min(axis=0)).astype(int) - 3
        high = np.ceil(points.max(axis=0)).astype(int) + 4
        width, height = self._canvas_wh
        x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
        x1, y1 = min(int(high[0]), width), min(int(high[1]), height)
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _hull(discs: Sequence[Disc]) -> NDArray[np.float64]:
    points = np.concatenate([_CIRCLE * r + (x, y) for x, y, r in discs])
    hull = cv2.convexHull(points.astype(np.float32))
    return np.asarray(hull, np.float64).reshape(-1, 2)


def _scaled(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(255, round(channel * factor)) for channel in colour)
    return r, g, b


def _finish(patch: NDArray[np.uint8], softness_px: float) -> NDArray[np.float32]:
    """Soften the colours inside the outline, model the form, and go to canvas pixels."""
    rgba = patch.astype(np.float32) / 255
    sharp_alpha = rgba[..., 3:].copy()
    soft = cv2.GaussianBlur(rgba, (0, 0), softness_px * _SUPERSAMPLE)
    colour = soft[..., :3] / np.maximum(soft[..., 3:], 1e-3)
    relief = cv2.GaussianBlur(sharp_alpha, (0, 0), 5.0 * _SUPERSAMPLE)
    slope = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3, scale=2.0)
    colour *= np.clip(1.0 + slope * 0.9, 0.75, 1.2)[..., None]
    out = np.concatenate([np.clip(colour, 0, 1) * sharp_alpha, sharp_alpha], axis=2)
    height, width = out.shape[:2]
    small = (width // _SUPERSAMPLE, height // _SUPERSAMPLE)
    return np.asarray(cv2.resize(out, small, interpolation=cv2.INTER_AREA), np.float32)
