"""Where each object is, how big it is and how fast it moves, on every processed frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from reelgraph._types import Boxes, Floats
from reelgraph.graph.tracks import Track, Tracks, rle_area
from reelgraph.tools.geometry.config import GeometryConfig
from reelgraph.tools.geometry.states import Flags, hysteresis, persistent, runs

__all__ = ["Body", "bodies"]

SMALLEST_PACE = 0.06
"""Share of the image diagonal below which size does not lower the speed that counts as motion,
so that the shake of a camera does not set small things in motion."""

WHOLE = 0.7
"""Share of the usual mask area above which an object counts as seen whole."""


@dataclass(frozen=True, eq=False)
class Body:
    """One object's course; NaN where it is hidden.

    Attributes:
        id: Object id.
        visible: Whether it is seen, ``(n,)``.
        boxes_xyxy: Boxes in pixels, ``(n, 4)``.
        centers_xy: Smoothed box centres in pixels, ``(n, 2)``.
        velocity_xy: Pixels per second, ``(n, 2)``.
        size: Square root of the median box area, pixels.
        moving: Whether it moves by the thresholds, ``(n,)``.
        cut_off: Whether the box touches the image border, ``(n,)``.
        whole: Whether about all of it is seen, judged by its usual mask area, ``(n,)``.
    """

    id: int
    visible: Flags
    boxes_xyxy: Boxes
    centers_xy: NDArray[np.float64]
    velocity_xy: NDArray[np.float64]
    size: float
    moving: Flags
    cut_off: Flags
    whole: Flags

    @property
    def speed(self) -> Floats:
        """Pixels per second, ``(n,)``."""
        speed: Floats = np.hypot(self.velocity_xy[:, 0], self.velocity_xy[:, 1])
        return speed

    @property
    def resting(self) -> Flags:
        """Visible and not moving."""
        return self.visible & ~self.moving


def bodies(tracks: Tracks, config: GeometryConfig) -> dict[int, Body]:
    """Return the course of every object by id."""
    return {track.id: _body(track, tracks, config) for track in tracks.objects}


def _body(track: Track, tracks: Tracks, config: GeometryConfig) -> Body:
    n = len(tracks.times_s)
    boxes = np.full((n, 4), np.nan)
    boxes[track.positions] = track.boxes_xyxy
    visible = np.zeros(n, bool)
    visible[track.positions] = True
    size = _size(track.boxes_xyxy)
    centers, velocity = _course(boxes, visible, tracks, config.smoothing_s)
    pace = max(size, SMALLEST_PACE * float(np.hypot(*tracks.video.resolution_wh)))
    speed = np.hypot(velocity[:, 0], velocity[:, 1]) / pace
    return Body(
        id=track.id,
        visible=visible,
        boxes_xyxy=boxes,
        centers_xy=centers,
        velocity_xy=velocity,
        size=size,
        moving=_moving(speed, visible, tracks, config),
        cut_off=visible & _at_border(boxes, tracks.video.resolution_wh, config.border),
        whole=_whole(track, visible),
    )


def _size(boxes: Boxes) -> float:
    return float(np.sqrt(max(1.0, np.median(_areas(boxes)))))


def _whole(track: Track, visible: Flags) -> Flags:
    areas = np.array([rle_area(rle) for rle in track.rles])
    whole = np.zeros_like(visible)
    whole[track.positions] = areas > WHOLE * np.median(areas)
    return whole


def _areas(boxes: Boxes) -> Floats:
    areas: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def _course(
    boxes: Boxes, visible: Flags, tracks: Tracks, smoothing_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return smoothed centres and velocities, each run of visible frames by itself."""
    raw = np.column_stack([boxes[:, [0, 2]].mean(1), boxes[:, [1, 3]].mean(1)])
    centers, velocity = np.full_like(raw, np.nan), np.full_like(raw, np.nan)
    step_s = float(np.median(np.diff(tracks.times_s))) if len(raw) > 1 else smoothing_s
    for first, last in runs(visible):
        here = slice(first, last + 1)
        smooth = gaussian_filter1d(raw[here], smoothing_s / step_s, axis=0, mode="nearest")
        centers[here] = smooth
        velocity[here] = np.gradient(smooth, tracks.times_s[here], axis=0) if last > first else 0.0
    return centers, velocity


def _moving(speed: Floats, visible: Flags, tracks: Tracks, config: GeometryConfig) -> Flags:
    fast = hysteresis(speed, on=config.moving_on, off=config.moving_off)
    moving = np.zeros_like(visible)
    for first, last in persistent(
        fast, tracks, min_s=config.min_duration_s / 2, max_gap_s=config.max_gap_s
    ):
        moving[first : last + 1] = True
    return moving & visible


def _at_border(boxes: Boxes, resolution_wh: tuple[int, int], border: float) -> Flags:
    width, height = resolution_wh
    margin = border * float(np.hypot(width, height)) / 2
    low, high = boxes[:, :2], boxes[:, 2:]
    with np.errstate(invalid="ignore"):
        touching = (low < margin) | (high > np.array([width, height]) - margin)
    at_border: Flags = np.any(touching, axis=1)
    return at_border
