"""Which masks touch, where they touch, and which of two objects hides the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Floats, Mask
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import Stage
from reelgraph.tools.geometry.config import GeometryConfig
from reelgraph.tools.geometry.kinematics import Body
from reelgraph.tools.geometry.states import Flags

__all__ = ["Pair", "box_gap", "pairs"]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two objects over time; NaN where one of them is hidden.

    Attributes:
        first: The object with the smaller id.
        second: The other one.
        gap: Distance between the boxes in pixels, 0 where they overlap, ``(n,)``.
        distance: Distance between the centres in pixels, ``(n,)``.
        touching: Whether the masks touch, ``(n,)``.
        grip_xy: Centre of the contact in pixels, ``(n, 2)``.
        enclosure: Share of the contour of the smaller mask that borders the larger, ``(n,)``.
    """

    first: Body
    second: Body
    gap: Floats
    distance: Floats
    touching: Flags
    grip_xy: NDArray[np.float64]
    enclosure: Floats

    @property
    def smaller(self) -> Body:
        """The object with the smaller boxes."""
        return self.first if self.first.size <= self.second.size else self.second

    @property
    def larger(self) -> Body:
        """The object with the larger boxes."""
        return self.second if self.first.size <= self.second.size else self.first

    @property
    def together(self) -> Flags:
        """Where both are visible."""
        return self.first.visible & self.second.visible


def box_gap(a: NDArray[np.float64], b: NDArray[np.float64]) -> Floats:
    """Return the distance between boxes ``(n, 4)``, row by row, 0 where they overlap."""
    apart = np.maximum(0.0, np.maximum(a[:, :2] - b[:, 2:], b[:, :2] - a[:, 2:]))
    gap: Floats = np.hypot(apart[:, 0], apart[:, 1])
    return gap


def pairs(
    courses: dict[int, Body], tracks: Tracks, config: GeometryConfig, stage: Stage
) -> list[Pair]:
    """Return every pair of objects that are visible together at some time."""
    found = [
        _empty_pair(courses[a], courses[b])
        for a, b in combinations(sorted(courses), 2)
        if (courses[a].visible & courses[b].visible).any()
    ]
    reach = [_reach(pair, config) for pair in found]
    for position in range(len(tracks.times_s)):
        close = [
            (pair, tolerance)
            for pair, tolerance in zip(found, reach, strict=True)
            if pair.gap[position] <= tolerance
        ]
        _measure_contacts(close, tracks, position)
        stage.advance()
    return found


def _empty_pair(first: Body, second: Body) -> Pair:
    n = len(first.visible)
    offset = first.centers_xy - second.centers_xy
    return Pair(
        first=first,
        second=second,
        gap=box_gap(first.boxes_xyxy, second.boxes_xyxy),
        distance=np.hypot(offset[:, 0], offset[:, 1]),
        touching=np.zeros(n, bool),
        grip_xy=np.full((n, 2), np.nan),
        enclosure=np.full(n, np.nan),
    )


def _reach(pair: Pair, config: GeometryConfig) -> int:
    """Return the gap between masks, in whole pixels, that counts as contact."""
    return round(max(config.contact_gap_px, config.contact_gap * pair.smaller.size))


def _measure_contacts(close: list[tuple[Pair, int]], tracks: Tracks, position: int) -> None:
    bodies_here = {body.id for pair, _ in close for body in (pair.first, pair.second)}
    masks = {body_id: tracks.mask(body_id, position) for body_id in bodies_here}
    for pair, reach in close:
        small, large = masks[pair.smaller.id], masks[pair.larger.id]
        if small is not None and large is not None:
            _measure_contact(pair, small, large, reach, position)


def _measure_contact(pair: Pair, small: Mask, large: Mask, reach: int, position: int) -> None:
    """Grow the smaller mask by ``reach`` and see where it meets the larger one."""
    window = _window(pair.smaller.boxes_xyxy[position], reach + 1, small.shape)
    small, large = small[window], large[window]
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    ring = cv2.dilate(small.astype(np.uint8), kernel).astype(bool) & ~small
    met = ring & large
    if met.any() or (small & large).any():
        rows, columns = np.nonzero(met if met.any() else small & large)
        pair.touching[position] = True
        pair.grip_xy[position] = (
            columns.mean() + (window[1].start or 0),
            rows.mean() + (window[0].start or 0),
        )
        pair.enclosure[position] = met.sum() / max(1, ring.sum())


def _window(box: NDArray[np.float64], margin: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    x1, y1, x2, y2 = box
    return (
        slice(max(0, int(y1) - margin), min(shape[0], int(np.ceil(y2)) + margin)),
        slice(max(0, int(x1) - margin), min(shape[1], int(np.ceil(x2)) + margin)),
    )
