"""From a measure over time to intervals: hysteresis, bridged gaps, minimum duration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Floats, Ints
from reelgraph.graph.schema import Interval
from reelgraph.graph.tracks import Tracks

__all__ = ["Run", "hysteresis", "persistent", "runs", "to_intervals"]

Flags = NDArray[np.bool_]
Run = tuple[int, int]
"""First and last processed frame of a state, both included."""


def runs(flags: Flags) -> list[Run]:
    """Return first and last index of each run of True.

    >>> import numpy as np
    >>> runs(np.array([True, True, False, True]))
    [(0, 1), (3, 3)]
    """
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def hysteresis(measure: Floats, *, on: float, off: float) -> Flags:
    """Return where ``measure`` is high: it must exceed ``on`` once, and stay above ``off``.

    NaN counts as low, so a state ends where an object is hidden.
    """
    high = np.nan_to_num(measure, nan=-np.inf) > off
    strong = np.nan_to_num(measure, nan=-np.inf) > on
    kept = np.zeros_like(high)
    for first, last in runs(high):
        kept[first : last + 1] = strong[first : last + 1].any()
    return kept


def persistent(flags: Flags, tracks: Tracks, *, min_s: float, max_gap_s: float) -> list[Run]:
    """Return the runs of True that last, after short interruptions are bridged.

    Args:
        flags: One flag per processed frame.
        tracks: Whose processed frames these are.
        min_s: Shortest run to keep, in seconds.
        max_gap_s: Longest interruption to bridge, in seconds.
    """
    joined: list[Run] = []
    for first, last in runs(flags):
        if joined and tracks.times_s[first] - tracks.shown_until(joined[-1][1]) <= max_gap_s:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return [run for run in joined if _duration(run, tracks) >= min_s - 1e-9]


def to_intervals(found: list[Run], tracks: Tracks) -> tuple[Interval, ...]:
    """Return the time that runs of processed frames cover."""
    return tuple(
        Interval(float(tracks.times_s[first]), tracks.shown_until(last)) for first, last in found
    )


def _duration(run: Run, tracks: Tracks) -> float:
    return tracks.shown_until(run[1]) - float(tracks.times_s[run[0]])


def positions_between(tracks: Tracks, start_s: float, end_s: float) -> Ints:
    """Return the processed frames shown from ``start_s`` up to, not including, ``end_s``."""
    chosen: Ints = np.flatnonzero((tracks.times_s >= start_s - 1e-9) & (tracks.times_s < end_s))
    return chosen
