"""Sightings: one mask of one thing on one frame, packed small.

A long video has tens of thousands of them, and they are all that is kept of it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Mask
from reelgraph.tools.motion.camera import Affine

__all__ = ["Box", "Sighting", "box_of", "unite"]

Box = tuple[int, int, int, int]
HEAD = struct.Struct("<2i4H4f")


class Sighting:
    """One mask at working resolution.

    Args:
        row: Position of the frame in the video's processed frames.
        box: ``x0, y0, x1, y1`` in pixels, right and bottom exclusive.
        place: The box in the scene's frame of reference, camera motion removed.
        mask: The mask inside the box.
    """

    __slots__ = ("_bits", "_head")

    def __init__(
        self, row: int, box: Box, place: Sequence[float] | NDArray[np.float64], mask: Mask
    ) -> None:
        self._head = HEAD.pack(row, int(mask.sum()), *box, *(float(v) for v in place))
        self._bits = zlib.compress(np.packbits(mask).tobytes(), 1)

    @classmethod
    def of(cls, row: int, mask: Mask, to_canvas: Affine) -> Sighting:
        """Return the sighting of a mask of the whole frame."""
        box = box_of(mask)
        corners = np.array([[[box[0], box[1]], [box[2], box[3]]]], np.float64)
        place = cv2.transform(corners, to_canvas).reshape(4)
        return cls(row, box, np.asarray(place, np.float64), mask[box[1] : box[3], box[0] : box[2]])

    @property
    def row(self) -> int:
        """Position of the frame in the video's processed frames."""
        return int(HEAD.unpack(self._head)[0])

    @property
    def area(self) -> int:
        """Size in pixels."""
        return int(HEAD.unpack(self._head)[1])

    @property
    def box(self) -> Box:
        """``x0, y0, x1, y1`` in pixels, right and bottom exclusive."""
        x0, y0, x1, y1 = HEAD.unpack(self._head)[2:6]
        return x0, y0, x1, y1

    @property
    def place(self) -> NDArray[np.float64]:
        """The box in the scene's frame of reference, camera motion removed."""
        return np.array(HEAD.unpack(self._head)[6:10])

    def mask(self) -> Mask:
        """Return the mask inside the box."""
        x0, y0, x1, y1 = self.box
        packed = np.frombuffer(zlib.decompress(self._bits), np.uint8)
        flat = np.unpackbits(packed, count=(x1 - x0) * (y1 - y0))
        return flat.reshape(y1 - y0, x1 - x0).astype(bool)


def box_of(mask: Mask) -> Box:
    """Return the bounding box of a mask that is not empty."""
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1


def unite(sightings: Sequence[Sighting]) -> Sighting:
    """Return one sighting that covers several of the same frame."""
    if len(sightings) == 1:
        return sightings[0]
    boxes = np.array([s.box for s in sightings])
    places = np.array([s.place for s in sightings])
    x0, y0 = (int(v) for v in boxes[:, :2].min(axis=0))
    x1, y1 = (int(v) for v in boxes[:, 2:].max(axis=0))
    mask = np.zeros((y1 - y0, x1 - x0), bool)
    for s in sightings:
        left, top, right, bottom = s.box
        mask[top - y0 : bottom - y0, left - x0 : right - x0] |= s.mask()
    place = np.concatenate([places[:, :2].min(axis=0), places[:, 2:].max(axis=0)])
    return Sighting(sightings[0].row, (x0, y0, x1, y1), place, mask)
