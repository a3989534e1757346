"""Parts: tracklets that never leave each other and do not move against each other."""

from __future__ import annotations

import numpy as np

from reelgraph.tools.motion.tracklets import Collection, Tracklet, fuse

__all__ = ["join_parts"]

MIN_SHARED = 5
NEAR_SHARE = 0.93
LIFE_SHARE = 0.75
LOOSE = 0.12


def join_parts(collection: Collection) -> list[Tracklet]:
    """Return the tracklets with the parts of one thing made one.

    A leg that was cut off by a shadow stays beside its person for good; a hand comes
    to a bottle and leaves it; a ball moves against the player it is always near. A part
    joins one host only, so that it does not tie two things together.
    """
    order = sorted(collection.tracklets.values(), key=lambda t: (-_weight(t), t.number))
    hosts: dict[int, list[Tracklet]] = {}
    host_of: dict[int, int] = {}
    for tracklet in order:
        steady = _steadiness(tracklet)
        fits = [
            (_looseness(collection.tracklets[host], tracklet) * steady, host)
            for host in host_of
            if _stay_together(collection, host, tracklet.number)
        ]
        best = min(fits, default=(1.0, 0))
        if best[0] < LOOSE:
            host_of[tracklet.number] = host_of[best[1]]
            hosts[host_of[best[1]]].append(tracklet)
        else:
            host_of[tracklet.number] = tracklet.number
            hosts[tracklet.number] = [tracklet]
    return [fuse(group) for group in hosts.values()]


def _weight(tracklet: Tracklet) -> float:
    return float(sum(s.area for s in tracklet.sightings))


def _steadiness(tracklet: Tracklet) -> float:
    """Return 1 for a thing of constant size, towards 0 for a scrap that comes and goes."""
    areas = np.array([s.area for s in tracklet.sightings], np.float64)
    return float(np.clip(1.5 - 2 * areas.std() / areas.mean(), 0.1, 1.0))


def _stay_together(collection: Collection, host: int, part: int) -> bool:
    """Return whether a tracklet is beside another one whenever it is seen."""
    pair = min(host, part), max(host, part)
    shared, near = collection.together[pair], collection.near[pair]
    life = len(collection.tracklets[part].sightings)
    if shared < max(MIN_SHARED, LIFE_SHARE * life):
        return False
    return near >= NEAR_SHARE * shared or shared - near <= 1


def _looseness(a: Tracklet, b: Tracklet) -> float:
    """Return how much two tracklets move against each other, in sizes of the larger one."""
    rows = {s.row: s.place for s in b.sightings}
    shared = [(s.place, rows[s.row]) for s in a.sightings if s.row in rows]
    first, second = (np.array([pair[k] for pair in shared]) for k in (0, 1))
    offset = (first[:, :2] + first[:, 2:] - second[:, :2] - second[:, 2:]) / 2
    strayed = np.hypot(*(offset - np.median(offset, axis=0)).T)
    spread = float(np.percentile(strayed, 75))
    sizes = [np.median(np.hypot(*(p[:, 2:] - p[:, :2]).T)) for p in (first, second)]
    return spread / max(float(max(sizes)), 1.0)
