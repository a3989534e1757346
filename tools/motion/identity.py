"""Identity: which tracklets are the same thing, seen again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reelgraph.tools.motion.sightings import Sighting
from reelgraph.tools.motion.tracklets import Tracklet
from reelgraph.tools.motion.view import likeness

__all__ = ["link"]

MIN_LIKENESS = 0.6
MIN_SCORE = 0.9
BORDER_PX = 4
REST_FRAMES = 5


def link(
    tracklets: Sequence[Tracklet], *, size_wh: tuple[int, int], frames_per_s: float
) -> list[list[Tracklet]]:
    """Group tracklets into things: each one has at most one follow-up.

    Args:
        tracklets: To be linked.
        size_wh: Size of the working frames.
        frames_per_s: Processed frames per second.

    Returns:
        Groups of tracklets in order of time.
    """
    items = sorted(tracklets, key=lambda t: (t.first.row, t.first.box))
    n = len(items)
    score = np.zeros((n, n))
    for i, before in enumerate(items):
        for j, after in enumerate(items):
            if before.last.row < after.first.row:
                score[i, j] = _same(before, after, size_wh, frames_per_s)
    rows, columns = linear_sum_assignment(-score)
    follow = {
        int(i): int(j) for i, j in zip(rows, columns, strict=True) if score[i, j] >= MIN_SCORE
    }
    started = set(follow.values())
    groups = []
    for i in range(n):
        if i in started:
            continue
        chain = [i]
        while chain[-1] in follow:
            chain.append(follow[chain[-1]])
        groups.append([items[k] for k in chain])
    return groups


def _same(
    before: Tracklet, after: Tracklet, size_wh: tuple[int, int], frames_per_s: float
) -> float:
    """Return how much speaks for one thing: likeness plus place, path or border."""
    alike = likeness(before.likeness(), after.likeness())
    size = min(before.area, after.area) / max(before.area, after.area)
    if alike < MIN_LIKENESS or size < 0.3:
        return 0.0
    if not (same_scene := before.scene == after.scene):
        return (
            alike + 0.4 if alike > 0.85 and _iou(before.last.place, after.first.place) > 0.6 else 0
        )
    place = _same_rest(before, after) if same_scene else 0.0
    pause_s = (after.first.row - before.last.row) / frames_per_s
    path = _continues(before.last, after.first, pause_s) if pause_s < 2.0 else 0.0
    border = 0.0
    if same_scene and _at_border(before.last, size_wh) and _at_border(after.first, size_wh):
        border = 0.25
    return alike * (0.7 + 0.3 * size) + 0.5 * max(place, path) + border - 0.002 * min(pause_s, 20)


def _same_rest(before: Tracklet, after: Tracklet) -> float:
    """Return how well the places overlap where both stood still (0 if either never did)."""
    rests = [_rests(before), _rests(after)]
    return max((_iou(a, b) for a in rests[0] for b in rests[1]), default=0.0)


def _rests(tracklet: Tracklet) -> list[NDArray[np.float64]]:
    """Return the places where a tracklet stood still for a while."""
    places = np.array([s.place for s in tracklet.sightings])
    if len(places) < 2 * REST_FRAMES:
        return []
    rests: list[NDArray[np.float64]] = []
    for start in range(0, len(places) - REST_FRAMES, REST_FRAMES):
        part = places[start : start + REST_FRAMES]
        if float(np.ptp(part, axis=0).max()) < 4.0:
            rest = np.median(part, axis=0)
            if not rests or _iou(rests[-1], rest) < 0.8:
                rests.append(rest)
    return rests


def _continues(last: Sighting, first: Sighting, pause_s: float) -> float:
    """Return how well one sighting can follow another, 1 for the same spot at once."""
    a, b = last.place, first.place
    gap = float(np.hypot(*((a[:2] + a[2:]) / 2 - (b[:2] + b[2:]) / 2)))
    reach = np.sqrt(max(last.area, first.area)) * (1.0 + 2.0 * pause_s)
    return max(0.0, 1.0 - gap / (2.0 * float(reach)))


def _at_border(sighting: Sighting, size_wh: tuple[int, int]) -> bool:
    x0, y0, x1, y1 = sighting.box
    width, height = size_wh
    return bool(
        x0 <= BORDER_PX or y0 <= BORDER_PX or x1 >= width - BORDER_PX or y1 >= height - BORDER_PX
    )


def _iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    total = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - shared
    return shared / max(total, 1e-9)
