"""The times of a query, checked against the video they ask about."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from reelgraph.errors import QueryError
from reelgraph.graph.schema import Interval

__all__ = ["Clock", "Window"]

Window: TypeAlias = Interval | tuple[float, float]
"""A span of time in seconds, ``(start, end)``."""


@dataclass(frozen=True)
class Clock:
    """Reads the times of queries.

    Attributes:
        end_s: The last time that anything is known of.
    """

    end_s: float

    def moment(self, time_s: float) -> Interval:
        """Return a time as an instant; the end of the video counts as its last moment.

        Raises:
            QueryError: If the time is not in the video.
        """
        if not 0 <= time_s <= self.end_s:
            raise QueryError(
                f"Time {time_s!r} s is not in the video, which runs from 0 to {self.end_s:.2f} s."
            )
        inside = max(0.0, min(time_s, math.nextafter(self.end_s, -math.inf)))
        return Interval(inside, inside)

    def window(self, during: Window) -> Interval:
        """Return a span that touches the video; one without length is a moment.

        Raises:
            QueryError: If it is reversed, not finite, or wholly outside the video.
        """
        start, end = during
        if not (-math.inf < start <= end < math.inf and end >= 0 and start <= self.end_s):
            raise QueryError(
                f"The time ({start!r}, {end!r}) must be (start, end) in seconds with "
                f"start <= end, in a video that runs from 0 to {self.end_s:.2f} s."
            )
        return self.moment(start) if start == end else Interval(start, end)

    def when(self, during: Window | None, at: float | None) -> Interval | None:
        """Return the time that ``during`` or ``at`` names, or None for all time.

        Raises:
            QueryError: If both are given, or the time makes no sense.
        """
        if during is not None and at is not None:
            raise QueryError("Give either `during` or `at`, not both.")
        if during is not None:
            return self.window(during)
        return None if at is None else self.moment(at)
