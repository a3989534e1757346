"""Occurrences: one interval of one relation, the unit that is counted and put in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reelgraph.graph.intervals import overlap
from reelgraph.graph.schema import Interval, Relation

__all__ = ["Occurrence", "occurrences"]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a relation holds.

    Attributes:
        relation: The relation.
        interval: One of its intervals, or the part of it in the time asked about.
    """

    relation: Relation
    interval: Interval


def occurrences(
    relations: Iterable[Relation], window: Interval | None = None
) -> tuple[Occurrence, ...]:
    """Return every interval of the relations, sorted by (start, end) and then as given.

    Args:
        relations: Relations in order.
        window: Only intervals that share a moment with it, cut to it; None for all.
    """
    found = [
        Occurrence(r, i if window is None else _cut(i, window))
        for r in relations
        for i in r.intervals
        if window is None or overlap(i, window)
    ]
    return tuple(sorted(found, key=lambda item: (item.interval.start, item.interval.end)))


def _cut(interval: Interval, window: Interval) -> Interval:
    return Interval(max(interval.start, window.start), min(interval.end, window.end))
