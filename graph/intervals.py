"""Sets of time intervals: set algebra, Allen's relations, and an index over many.

Intervals are half-open, ``[start, end)``. An interval of zero length is an instant; it
counts as the shortest span that begins there, so that it lies in ``[t, u)`` if it
happens at ``t`` and does not if it happens at ``u``.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias, get_args

import numpy as np

from reelgraph._types import Floats, Ints
from reelgraph.graph.schema import Interval

__all__ = [
    "ALLEN_INVERSE",
    "ALLEN_NAMES",
    "AllenName",
    "IntervalIndex",
    "Quantifier",
    "allen",
    "allen_holds",
    "allen_names",
    "difference",
    "duration",
    "gaps",
    "hull",
    "intersection",
    "iou",
    "overlap",
    "union",
]

AllenName: TypeAlias = Literal[
    "before",
    "meets",
    "overlaps",
    "starts",
    "during",
    "finishes",
    "equals",
    "after",
    "met by",
    "overlapped by",
    "started by",
    "contains",
    "finished by",
]
"""The thirteen ways in which one interval can lie to another (Allen 1983)."""

ALLEN_NAMES: Final[tuple[AllenName, ...]] = get_args(AllenName)

ALLEN_INVERSE: Final[dict[AllenName, AllenName]] = {
    name: ALLEN_NAMES[(i + 7) % 14] if name != "equals" else "equals"
    for i, name in enumerate(ALLEN_NAMES)
}
"""The relation of b to a, given that of a to b."""


def _open_end(interval: Interval) -> float:
    """Return the end, moved by the smallest step for an instant."""
    start, end = interval
    return end if end > start else math.nextafter(start, math.inf)


def _bounds(interval: Interval) -> tuple[float, float]:
    return interval.start, interval.end


def overlap(a: Interval, b: Interval) -> bool:
    """Return whether two intervals share a moment.

    Example:
        >>> overlap(Interval(0, 1), Interval(1, 2)), overlap(Interval(1, 1), Interval(1, 2))
        (False, True)
    """
    return a.start < _open_end(b) and b.start < _open_end(a)


def union(*sets: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the time covered by any of the sets, sorted, touching intervals merged.

    Example:
        >>> union([Interval(2, 3), Interval(0, 1)], [Interval(1, 1.5)])
        (Interval(start=0, end=1.5), Interval(start=2, end=3))
    """
    # Comparing tuples is several times faster than comparing intervals.
    given = sorted({item for intervals in sets for item in intervals}, key=_bounds)
    merged: list[Interval] = []
    for item in given:
        if not item.duration:
            continue
        if merged and item.start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, item.end))
        else:
            merged.append(item)
    instants = [item for item in given if not item.duration and not _covers(merged, item.start)]
    return tuple(sorted([*merged, *instants]))


def _covers(merged: Sequence[Interval], time_s: float) -> bool:
    """Return whether sorted, disjoint intervals cover a time."""
    row = bisect.bisect_right(merged, time_s, key=lambda item: item.start) - 1
    return row >= 0 and time_s < merged[row].end


def intersection(a: Iterable[Interval], b: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the time covered by both sets, sorted and disjoint."""
    left, right = union(a), union(b)
    shared: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        if overlap(left[i], right[j]):
            shared.append(
                Interval(max(left[i].start, right[j].start), min(left[i].end, right[j].end))
            )
        if _open_end(left[i]) < _open_end(right[j]):
            i += 1
        else:
            j += 1
    return tuple(shared)


def difference(a: Iterable[Interval], b: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the time covered by ``a`` and not by ``b``; instants of ``b`` remove nothing."""
    rest = union(a)
    if not rest:
        return ()
    # The complement of b reaches one step further, so that an instant at the end counts.
    at, end = rest[0].start, _open_end(Interval(rest[-1].end, rest[-1].end))
    free: list[Interval] = []
    for hole in union(item for item in b if item.duration and item.start < end):
        if hole.start > at:
            free.append(Interval(at, hole.start))
        at = max(at, hole.end)
    if at < end:
        free.append(Interval(at, end))
    return intersection(rest, free)


def gaps(intervals: Iterable[Interval], within: Interval) -> tuple[Interval, ...]:
    """Return the parts of ``within`` that no interval covers."""
    return difference((within,), intervals)


def duration(intervals: Iterable[Interval]) -> float:
    """Return the seconds covered, counting shared time once."""
    return math.fsum(item.duration for item in union(intervals))


def hull(intervals: Sequence[Interval]) -> Interval:
    """Return the shortest interval around a non-empty set."""
    return Interval(min(i.start for i in intervals), max(i.end for i in intervals))


def iou(a: Iterable[Interval], b: Iterable[Interval]) -> float:
    """Return temporal intersection over union of two sets, 0 to 1.

    Sets that cover no time have no measure: they score 1 if equal, else 0.

    Example:
        >>> iou([Interval(0, 2)], [Interval(1, 3)])
        0.3333333333333333
    """
    left, right = union(a), union(b)
    whole = duration((*left, *right))
    if whole == 0:
        return float(left == right)
    return min(1.0, duration(intersection(left, right)) / whole)


def _order(a: float, b: float, tolerance: float) -> int:
    """Return -1, 0 or 1 as ``a`` is before, at or after ``b``."""
    return 0 if abs(a - b) <= tolerance else (-1 if a < b else 1)


def allen(a: Interval, b: Interval, *, tolerance: float = 0.0) -> AllenName:
    """Return how ``a`` lies to ``b``: exactly one of `ALLEN_NAMES`.

    Shared ends decide first, so an instant at the start of an interval *starts* it and
    one at its end *finishes* it.

    Args:
        a: The interval to describe.
        b: The interval it is compared with.
        tolerance: Ends at most this many seconds apart count as equal.

    Example:
        >>> allen(Interval(0, 1), Interval(1, 2))
        'meets'
    """
    starts, ends = _order(a.start, b.start, tolerance), _order(a.end, b.end, tolerance)
    if starts == 0:
        return "equals" if ends == 0 else "starts" if ends < 0 else "started by"
    if ends == 0:
        return "finishes" if starts > 0 else "finished by"
    if starts != ends:
        return "contains" if starts < 0 else "during"
    if starts > 0:
        return ALLEN_INVERSE[allen(b, a, tolerance=tolerance)]
    touch = _order(a.end, b.start, tolerance)
    return "before" if touch < 0 else "meets" if touch == 0 else "overlaps"


Quantifier: TypeAlias = Literal["any", "all"]
"""Whether some pair of intervals, or every pair, must lie as asked."""


def allen_names(
    a: Iterable[Interval], b: Iterable[Interval], *, tolerance: float = 0.0
) -> frozenset[AllenName]:
    """Return every way in which an interval of ``a`` lies to one of ``b``.

    Example:
        >>> sorted(allen_names([Interval(0, 1), Interval(4, 5)], [Interval(2, 3)]))
        ['after', 'before']
    """
    others = tuple(b)
    return frozenset(allen(i, j, tolerance=tolerance) for i in a for j in others)


def allen_holds(
    a: Iterable[Interval],
    b: Iterable[Interval],
    name: AllenName,
    *,
    quantifier: Quantifier = "any",
    tolerance: float = 0.0,
) -> bool:
    """Return whether two sets of intervals lie to each other as an Allen relation says.

    Args:
        a: The intervals to describe.
        b: The intervals that they are compared with.
        name: One of `ALLEN_NAMES`.
        quantifier: ``"any"`` if one pair of intervals is enough, ``"all"`` if every
            pair must lie so. An empty set lies to nothing: both are False.
        tolerance: Ends at most this many seconds apart count as equal.

    Example:
        >>> early, late = [Interval(0, 1), Interval(4, 5)], [Interval(2, 3)]
        >>> allen_holds(early, late, "before"), allen_holds(early, late, "before", quantifier="all")
        (True, False)
    """
    others = tuple(b)
    pairs = [allen(i, j, tolerance=tolerance) == name for i in a for j in others]
    return any(pairs) if quantifier == "any" else bool(pairs) and all(pairs)


class IntervalIndex:
    """A static index over many intervals that answers without looking at each.

    Intervals are kept sorted by start. Over them stands a tree without pointers: every
    level holds the latest end in each group of sixteen of the level below. A query cuts
    by start with a binary search and walks down only into groups that end late enough,
    so its cost grows with the hits and the logarithm of the size.

    Args:
        starts: Starts in seconds, shape ``(n,)``.
        ends: Ends in seconds, not before the starts, shape ``(n,)``.

    Every answer is an array of positions in the arrays given, by (start, end, position).
    """

    _FAN_OUT = 16

    def __init__(self, starts: Floats, ends: Floats) -> None:
        if starts.shape != ends.shape or np.any(ends < starts):
            raise ValueError(
                "starts and ends must have one shape (n,), and no end before its start"
            )
        self._order: Ints = np.lexsort((ends, starts))
        self._starts: Floats = starts[self._order]
        self._ends: Floats = ends[self._order]
        self._by_end: Ints = np.argsort(self._ends, kind="stable")
        self._last: Floats = self._ends[self._by_end]
        # An instant ends one step after it starts: see the module's first lines.
        self._levels = [np.maximum(self._ends, np.nextafter(self._starts, np.inf))]
        while len(self._levels[-1]) > self._FAN_OUT:
            self._levels.append(self._group_maxima(self._levels[-1]))

    def __len__(self) -> int:
        return len(self._order)

    def _group_maxima(self, level: Floats) -> Floats:
        groups = -(-len(level) // self._FAN_OUT)
        padded = np.full(groups * self._FAN_OUT, -np.inf)
        padded[: len(level)] = level
        maxima: Floats = padded.reshape(groups, self._FAN_OUT).max(axis=1)
        return maxima

    def _ending_after(self, time_s: float, first: int) -> Ints:
        """Return which of the ``first`` rows by start end after ``time_s``."""
        nodes: Ints = np.arange(len(self._levels[-1]))
        for depth in range(len(self._levels) - 1, -1, -1):
            level, size = self._levels[depth], self._FAN_OUT**depth
            nodes = nodes[: np.searchsorted(nodes, -(-first // size))]
            nodes = nodes[level[nodes] > time_s]
            if depth:
                nodes = (nodes[:, None] * self._FAN_OUT + np.arange(self._FAN_OUT)).ravel()
        return nodes

    def overlapping(self, start: float, end: float) -> Ints:
        """Return the intervals that share a moment with ``[start, end)``."""
        first = int(np.searchsorted(self._starts, _open_end(Interval(start, end)), side="left"))
        return self._order[self._ending_after(start, first)]

    def containing(self, start: float, end: float) -> Ints:
        """Return the intervals that cover all of ``[start, end)``."""
        first = int(np.searchsorted(self._starts, start, side="right"))
        stop = _open_end(Interval(start, end))
        return self._order[self._ending_after(math.nextafter(stop, -math.inf), first)]

    def within(self, start: float, end: float) -> Ints:
        """Return the intervals that lie in ``[start, end)``."""
        stop = _open_end(Interval(start, end))
        low, high = np.searchsorted(self._starts, [start, stop], side="left")
        inside = self._levels[0][low:high] <= stop
        return self._order[low:high][inside]

    def nearest(self, time_s: float) -> Ints:
        """Return the intervals at a moment, or else those least far from it; ties included."""
        hits = self.overlapping(time_s, time_s)
        if len(hits) or not len(self):
            return hits
        after = int(np.searchsorted(self._starts, time_s, side="left"))
        before = int(np.searchsorted(self._last, time_s, side="right"))
        wait = self._starts[after] - time_s if after < len(self) else math.inf
        since = time_s - self._last[before - 1] if before else math.inf
        rows: list[int] = []
        if since <= wait:
            low = int(np.searchsorted(self._last, self._last[before - 1], side="left"))
            rows.extend(self._by_end[low:before])
        if wait <= since:
            rows.extend(
                range(after, int(np.searchsorted(self._starts, self._starts[after], "right")))
            )
        return self._order[np.sort(np.array(rows, dtype=np.int64))]
