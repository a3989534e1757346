"""One processed frame as the tracker sees it, and the colours of its things."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Image, Mask
from reelgraph.tools.motion.camera import Affine, Gray

__all__ = ["Colours", "Labels", "View", "colours_of", "likeness"]

Labels: TypeAlias = NDArray[np.int16]
"""Object number per pixel, 0 for none, shape ``(height, width)``."""
Colours: TypeAlias = NDArray[np.float32]
"""A smoothed colour histogram that sums to one, shape ``(BINS,)``."""

SHADES, TINTS = 6, 12
BINS = SHADES * TINTS * TINTS
TINT_STEP = 8
LEVELS = np.arange(256, dtype=np.int16)
SHADE_BIN = (LEVELS * SHADES // 256) * (TINTS * TINTS)
TINT_BIN = np.clip((LEVELS - 128) // TINT_STEP, -(TINTS // 2), TINTS // 2 - 1) + TINTS // 2


@dataclass(frozen=True, eq=False)
class View:
    """One processed frame at working resolution.

    Attributes:
        image: RGB, shape ``(height, width, 3)``.
        mask: Where something is that is not background.
        to_canvas: Camera pose.
    """

    image: Image
    mask: Mask
    to_canvas: Affine

    @cached_property
    def gray(self) -> Gray:
        """Brightness."""
        return np.asarray(cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY), np.uint8)

    @cached_property
    def bins(self) -> NDArray[np.int16]:
        """Histogram bin of each pixel, shape ``(height, width)``."""
        lab = cv2.cvtColor(cv2.GaussianBlur(self.image, (3, 3), 0.6), cv2.COLOR_RGB2LAB)
        light, red, blue = cv2.split(lab)
        bins: NDArray[np.int16] = SHADE_BIN[light] + TINT_BIN[red] * TINTS + TINT_BIN[blue]
        return bins

    def release(self) -> None:
        """Drop what can be computed again."""
        self.__dict__.pop("gray", None)
        self.__dict__.pop("bins", None)


def colours_of(view: View, mask: Mask) -> Colours:
    """Return the colours of a part of a frame."""
    counts = np.bincount(view.bins[mask], minlength=BINS).astype(np.float32)
    cube = counts.reshape(SHADES, TINTS, TINTS)
    for axis, weight in ((0, 0.35), (1, 0.35), (2, 0.35)):
        cube = _spread(cube, axis, weight)
    flat = cube.reshape(-1)
    return np.asarray(flat / max(float(flat.sum()), 1e-6), np.float32)


def _spread(cube: NDArray[np.float32], axis: int, weight: float) -> NDArray[np.float32]:
    """Let each bin give a share to its two neighbours along an axis."""
    lower = np.take(cube, [0, *range(cube.shape[axis] - 1)], axis)
    upper = np.take(cube, [*range(1, cube.shape[axis]), -1], axis)
    result: NDArray[np.float32] = cube * (1 - weight) + (lower + upper) * (weight / 2)
    return result


def likeness(a: Colours, b: Colours) -> float:
    """Return how alike two sets of colours are, 0 to 1 (Bhattacharyya coefficient)."""
    return float(np.sqrt(a * b).sum())
