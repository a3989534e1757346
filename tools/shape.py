"""Shape of a mask in a few numbers: tall or wide, round, with a neck, stiff or limbed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from reelgraph._types import Mask

__all__ = ["Outline", "outline", "stiffness"]

_GRID = 32


@dataclass(frozen=True)
class Outline:
    """Measures of one mask that do not depend on its size.

    Attributes:
        aspect: Height of the box by its width.
        roundness: 1 for a disc: area of the convex hull by that of a disc with the
            hull's perimeter.
        solidity: Area of the mask by that of its convex hull; below 1 with dents and limbs.
        top_width: Width of the topmost sixth by the greatest width, 0 to 1.
        evenness: Likeness of the left half to the mirrored right half, 0 to 1.
    """

    aspect: float
    roundness: float
    solidity: float
    top_width: float
    evenness: float


def outline(mask: Mask) -> Outline:
    """Measure a mask.

    Raises:
        ValueError: If the mask is empty.
    """
    crop = _crop(mask)
    height, width = crop.shape
    solid = cv2.morphologyEx(crop.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(
        np.pad(solid if solid.any() else crop.astype(np.uint8), 1),
        cv2.RETR_EXTERNAL,
        cv2.CHAIN_APPROX_NONE,
    )
    hull = cv2.convexHull(np.concatenate(contours))
    # Contours run through pixel centres: half a pixel on each side belongs to the shape.
    perimeter = float(cv2.arcLength(hull, True)) + 4.0
    hull_area = float(cv2.contourArea(hull)) + perimeter / 2
    widths = np.sort(crop[: max(1, height // 6)].sum(axis=1))
    mirrored = crop[:, ::-1]
    return Outline(
        aspect=height / width,
        roundness=min(1.0, 4 * np.pi * hull_area / perimeter**2),
        solidity=min(1.0, float(crop.sum()) / max(hull_area, 1.0)),
        top_width=float(np.median(widths)) / float(crop.sum(axis=1).max()),
        evenness=_likeness(crop, mirrored),
    )


def stiffness(masks: Sequence[Mask]) -> float:
    """Return how alike an object's masks are once shifted and scaled together, 0 to 1.

    Rigid things seen from one side stay near 1; people and animals change shape.
    One mask alone gives 1.
    """
    small = [
        cv2.resize(_crop(mask).astype(np.float32), (_GRID, _GRID), interpolation=cv2.INTER_AREA)
        > 0.5
        for mask in masks
    ]
    pairs = [_likeness(a, b) for i, a in enumerate(small) for b in small[i + 1 :]]
    return float(np.median(pairs)) if pairs else 1.0


def _crop(mask: Mask) -> Mask:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise ValueError("the mask is empty; it must show at least one pixel")
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _likeness(a: Mask, b: Mask) -> float:
    """Return the intersection of two masks by their union."""
    return float((a & b).sum()) / max(1.0, float((a | b).sum()))
