"""Quality: how much a tracklet behaves like a thing, and what becomes of one that does not."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from reelgraph._types import Mask
from reelgraph.tools.motion.sightings import Sighting
from reelgraph.tools.motion.tracklets import Tracklet, fuse

__all__ = ["absorb_scraps", "confidence", "is_thing", "without_specks"]

MIN_SCORE, MIN_LARGE_SCORE, MIDDLE_SHARE = 0.45, 0.3, 0.015
MIN_THICKNESS = 3.0
MIN_SEAM, SMALL_SHARE = 8.0, 0.003
CLEAR_SEAM, LARGE_SHARE = 25.0, 0.03
REACH_PX, MIN_CONTACT = 3, 0.08
MIN_SCRAP_THICKNESS = 2.2
SPECK_SHARE = 0.08


def confidence(tracklet: Tracklet, frame_area: int) -> float:
    """Return how much a tracklet behaves like one solid thing, 0 to 1.

    A thing keeps its size or changes it slowly, moves without jumps, is seen without
    gaps and has a clear contour. Something very large may have its contour outside.

    Args:
        tracklet: The tracklet.
        frame_area: Pixels of a working frame.
    """
    areas = np.array([s.area for s in tracklet.sightings], np.float64)
    places = np.array([s.place for s in tracklet.sightings])
    steps = np.diff((places[:, :2] + places[:, 2:]) / 2, axis=0)
    jump = float(np.percentile(np.hypot(*steps.T), 90)) if len(steps) else 0.0
    change = np.abs(np.diff(np.log(areas)))
    flutter = 2.5 * float(np.percentile(change, 75)) if len(change) else 0.0
    steady = np.clip(1.3 - min(flutter, areas.std() / areas.mean()), 0, 1)
    calm = np.clip(1.3 - 0.6 * jump / np.sqrt(np.median(areas)), 0, 1)
    large = float(np.median(areas)) > LARGE_SHARE * frame_area
    clear = np.clip(float(np.median(tracklet.seams)) / CLEAR_SEAM, 0.4 if large else 0.0, 1)
    span = tracklet.last.row - tracklet.first.row + 1
    return float(steady * calm * clear * np.sqrt(len(areas) / span))


def without_specks(tracklet: Tracklet) -> Tracklet:
    """Return a tracklet without the sightings that are tiny for it.

    A ball under a cup leaves a few pixels behind that look like it.
    """
    least = SPECK_SHARE * tracklet.area
    if all(s.area >= least for s in tracklet.sightings):
        return tracklet
    large = [s for s in tracklet.sightings if s.area >= least]
    return Tracklet(tracklet.number, tracklet.scene, large, tracklet.colours, tracklet.seams)


def is_thing(tracklet: Tracklet, score: float, *, min_frames: float, frame_area: int) -> bool:
    """Return whether a tracklet is more than a flicker, a rim, a ghost or a scrap.

    Args:
        tracklet: The tracklet.
        score: Its confidence.
        min_frames: It must have at least so many sightings.
        frame_area: Pixels of a working frame.
    """
    if len(tracklet.sightings) < min_frames:
        return False
    share = tracklet.area / frame_area
    if score < (MIN_SCORE if share < MIDDLE_SHARE else MIN_LARGE_SCORE):
        return False
    if float(np.median(tracklet.seams)) < (MIN_SEAM if share < SMALL_SHARE else 0.0):
        return False
    some = tracklet.sightings[:: max(1, len(tracklet.sightings) // 15)]
    return float(np.median([_thickness(s) for s in some])) >= MIN_THICKNESS


def _thickness(sighting: Sighting) -> float:
    """Return the radius in pixels of the largest disc inside a mask."""
    padded = np.pad(sighting.mask(), 1).astype(np.uint8)
    return float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max())


def absorb_scraps(things: Sequence[Tracklet], scraps: Sequence[Tracklet]) -> list[Tracklet]:
    """Give each sighting of a scrap to the thing that it touches most on its frame."""
    by_row: dict[int, list[tuple[int, Sighting]]] = {}
    for index, thing in enumerate(things):
        for sighting in thing.sightings:
            by_row.setdefault(sighting.row, []).append((index, sighting))
    gained: dict[int, list[Sighting]] = {}
    for scrap in scraps:
        for sighting in scrap.sightings:
            if _thickness(sighting) < MIN_SCRAP_THICKNESS:
                continue
            contacts = [
                (_contact(other, sighting), -i) for i, other in by_row.get(sighting.row, [])
            ]
            most, index = max(contacts, default=(-1, 0))
            if most >= MIN_CONTACT * sighting.area:
                gained.setdefault(-index, []).append(sighting)
    return [_extended(thing, gained.get(index, [])) for index, thing in enumerate(things)]


def _extended(thing: Tracklet, gained: list[Sighting]) -> Tracklet:
    """Return a tracklet with more pixels but the same number, scene, colours and seams."""
    if not gained:
        return thing
    rows: dict[int, list[Sighting]] = {}
    for sighting in gained:
        rows.setdefault(sighting.row, []).append(sighting)
    depth = max(len(pieces) for pieces in rows.values())
    layers = [
        Tracklet(0, thing.scene, [rows[row][k] for row in sorted(rows) if len(rows[row]) > k])
        for k in range(depth)
    ]
    united = fuse([thing, *layers])
    return Tracklet(thing.number, thing.scene, united.sightings, thing.colours, thing.seams)


def _contact(a: Sighting, b: Sighting) -> int:
    """Return how many pixels of ``b`` lie within reach of ``a``."""
    x0, y0 = min(a.box[0], b.box[0]) - REACH_PX, min(a.box[1], b.box[1]) - REACH_PX
    x1, y1 = max(a.box[2], b.box[2]) + REACH_PX, max(a.box[3], b.box[3]) + REACH_PX
    if (x1 - x0 - 2 * REACH_PX) > _width(a) + _width(b) + REACH_PX:
        return 0
    canvas = [_placed(s, x0, y0, (y1 - y0, x1 - x0)) for s in (a, b)]
    kernel = np.ones((2 * REACH_PX + 1, 2 * REACH_PX + 1), np.uint8)
    around = cv2.dilate(canvas[0].astype(np.uint8), kernel) > 0
    return int((around & canvas[1]).sum())


def _width(sighting: Sighting) -> int:
    return sighting.box[2] - sighting.box[0]


def _placed(sighting: Sighting, x: int, y: int, shape: tuple[int, int]) -> Mask:
    """Return a mask on a canvas whose top left corner lies at ``(x, y)``."""
    canvas = np.zeros(shape, bool)
    x0, y0, x1, y1 = sighting.box
    canvas[y0 - y : y1 - y, x0 - x : x1 - x] = sighting.mask()
    return canvas
