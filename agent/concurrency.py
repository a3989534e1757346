"""How many things there are at once, and when they are most or fewest."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from reelgraph.graph.schema import Interval

__all__ = ["SHORTEST_S", "Level", "extreme", "levels"]

SHORTEST_S = 0.25
"""Shorter levels are moments of change and do not count as a number of things."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Level(Generic[K]):
    """A stretch of time during which the same things are there."""

    span: Interval
    ids: tuple[K, ...]


def levels(stays: Iterable[tuple[K, Interval]], within: Interval) -> list[Level[K]]:
    """Return the stretches of ``within`` during which the set of things stays the same."""
    known = list(stays)
    bounds = {within.start, within.end}
    bounds |= {t for _, span in known for t in span if within.start < t < within.end}
    cuts = sorted(bounds)
    return [
        Level(
            Interval(start, end),
            tuple(dict.fromkeys(k for k, s in known if s.start <= start and end <= s.end)),
        )
        for start, end in pairwise(cuts)
    ]


def extreme(found: Sequence[Level[K]], *, most: bool) -> Level[K] | None:
    """Return the level with most or fewest things, the longest of equals.

    Levels shorter than `SHORTEST_S` are left out unless there are no others.
    """
    lasting = [level for level in found if level.span.duration >= SHORTEST_S] or list(found)
    sign = 1 if most else -1
    return max(lasting, key=lambda x: (sign * len(x.ids), x.span.duration), default=None)
