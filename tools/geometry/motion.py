"""How objects move: by themselves, towards and away from each other, one after another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import gaussian_filter1d

from reelgraph._types import Floats
from reelgraph.graph.tracks import Tracks
from reelgraph.tools.geometry.config import GeometryConfig
from reelgraph.tools.geometry.contact import Pair
from reelgraph.tools.geometry.kinematics import Body
from reelgraph.tools.geometry.spatial import State
from reelgraph.tools.geometry.states import Flags, hysteresis, runs

__all__ = ["motion_states"]


def motion_states(pair: Pair, tracks: Tracks, config: GeometryConfig) -> Iterator[State]:
    """Yield how the two objects of a pair move relative to each other."""
    rate = _closing_rate(pair, tracks, config)
    for sign, predicate in ((1.0, "approaches"), (-1.0, "moves away from")):
        changing = hysteresis(sign * rate, on=config.approach_on, off=config.approach_on / 2)
        for first, last in runs(changing):
            change = abs(pair.distance[last] - pair.distance[first]) / _scale(pair)
            if change < config.approach_min_change:
                changing[first : last + 1] = False
        yield from _by_mover(pair, predicate, changing)
    yield from _following(pair)


def _scale(pair: Pair) -> float:
    return (pair.first.size + pair.second.size) / 2


def _closing_rate(pair: Pair, tracks: Tracks, config: GeometryConfig) -> Floats:
    """Return how fast the distance shrinks, in mean sizes per second, NaN when apart in time."""
    rate = np.full(len(pair.distance), np.nan)
    step_s = float(np.median(np.diff(tracks.times_s))) if len(tracks.times_s) > 1 else 1.0
    for first, last in runs(pair.together):
        if last > first:
            here = slice(first, last + 1)
            smooth = gaussian_filter1d(pair.distance[here], 2 * config.smoothing_s / step_s)
            rate[here] = -np.gradient(smooth, tracks.times_s[here]) / _scale(pair)
    return rate


def _by_mover(pair: Pair, predicate: str, changing: Flags) -> Iterator[State]:
    """Give each run to the object that moves more in it."""
    by_first, by_second = np.zeros_like(changing), np.zeros_like(changing)
    for first, last in runs(changing):
        here = slice(first, last + 1)
        faster = np.nanmean(pair.first.speed[here]) >= np.nanmean(pair.second.speed[here])
        (by_first if faster else by_second)[here] = True
    yield pair.first.id, predicate, pair.second.id, by_first
    yield pair.second.id, predicate, pair.first.id, by_second


def _following(pair: Pair) -> Iterator[State]:
    for behind, ahead in ((pair.first, pair.second), (pair.second, pair.first)):
        yield behind.id, "follows", ahead.id, _follows(behind, ahead) & ~pair.touching


def _follows(behind: Body, ahead: Body) -> Flags:
    """Both move the same way and the one ahead lies in the direction of motion."""
    way = ahead.centers_xy - behind.centers_xy
    length = np.hypot(way[:, 0], way[:, 1])
    with np.errstate(invalid="ignore", divide="ignore"):
        same = (behind.velocity_xy * ahead.velocity_xy).sum(1) / (behind.speed * ahead.speed)
        towards = (behind.velocity_xy * way).sum(1) / (behind.speed * length)
        follows: Flags = (same > 0.8) & (towards > 0.7) & behind.moving & ahead.moving
    return follows
