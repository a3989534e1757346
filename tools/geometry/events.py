"""What happens: things are picked up, put down and handed on; objects come and go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reelgraph.graph.schema import CAMERA, Interval
from reelgraph.graph.tracks import Tracks
from reelgraph.tools.geometry.config import GeometryConfig
from reelgraph.tools.geometry.holding import Hold
from reelgraph.tools.geometry.kinematics import Body
from reelgraph.tools.geometry.states import Run, persistent

__all__ = ["Event", "coming_and_going", "handling"]

EVENT_MAX_S = 1.0
"""Longest event: the change itself, not the state before or after it."""

ABSENCE_S = 1.0
"""Shortest absence that counts as having gone."""


@dataclass(frozen=True)
class Event:
    """Something that happens at a time."""

    subject: int
    predicate: str
    object: int
    interval: Interval
    score: float | None = None
    recipient: int | None = None


def handling(held: Sequence[Hold], tracks: Tracks, config: GeometryConfig) -> Iterator[Event]:
    """Yield who picks up, puts down and hands on what."""
    by_thing: dict[int, list[Hold]] = defaultdict(list)
    for hold in held:
        by_thing[hold.held.id].append(hold)
    for _, sequence in sorted(by_thing.items()):
        longest_first = sorted(sequence, key=lambda hold: hold.run[0] - hold.run[1])
        taken = [e for hold in longest_first for e in _pick_up(hold, tracks, config)]
        laid = [e for hold in longest_first for e in _put_down(hold, tracks, config)]
        yield from [*_once(taken), *_once(laid)]
        for giver, taker in pairwise(sequence):
            yield from _hand_over(giver, taker, tracks, config)


def _once(events: Sequence[Event]) -> list[Event]:
    """Return the events without later ones at the same time.

    A thing is picked up, or put down, once at a time, by the one who held it longest.
    """
    kept: list[Event] = []
    for event in events:
        if not any(_same_time(event, other) for other in kept):
            kept.append(event)
    return kept


def _same_time(a: Event, b: Event) -> bool:
    return (
        a.interval.start <= b.interval.end + EVENT_MAX_S
        and b.interval.start <= a.interval.end + EVENT_MAX_S
    )


def _pick_up(hold: Hold, tracks: Tracks, config: GeometryConfig) -> Iterator[Event]:
    """A thing that rested at the first touch moves, or is gone, while it is held."""
    first, last = hold.run
    start_s, end_s = float(tracks.times_s[first]), tracks.shown_until(last)
    if not _rests(hold.held, tracks, start_s - config.rest_s, start_s):
        return
    moved = np.flatnonzero(hold.held.moving[first : last + 1])
    lifted_s = tracks.shown_until(first + int(moved[0])) if len(moved) else end_s
    if len(moved) or not hold.held.visible[min(last + 1, len(hold.held.visible) - 1)]:
        begin_s = max(start_s, lifted_s - EVENT_MAX_S)
        yield _event(hold, "picks up", begin_s, max(lifted_s, begin_s))


def _put_down(hold: Hold, tracks: Tracks, config: GeometryConfig) -> Iterator[Event]:
    """A thing that moved, or came into view, while it was held rests when it is let go."""
    first, last = hold.run
    end_s = tracks.shown_until(last)
    if not _rests(hold.held, tracks, end_s, end_s + config.rest_s):
        return
    moved = np.flatnonzero(hold.held.moving[first : last + 1])
    if len(moved):
        laid_s = float(tracks.times_s[first + int(moved[-1])])
    elif first > 0 and not hold.held.visible[first - 1]:
        laid_s = float(tracks.times_s[first])
    else:
        return
    yield _event(hold, "puts down", laid_s, min(end_s, laid_s + EVENT_MAX_S))


def _hand_over(giver: Hold, taker: Hold, tracks: Tracks, config: GeometryConfig) -> Iterator[Event]:
    """One holder ends where another begins, and the thing does not rest in between."""
    if giver.holder.id == taker.holder.id or giver.run[1] > taker.run[1]:
        return
    let_go_s, taken_s = tracks.shown_until(giver.run[1]), float(tracks.times_s[taker.run[0]])
    if taken_s - let_go_s > config.handover_gap_s:
        return
    if taken_s > let_go_s and _rests(giver.held, tracks, let_go_s, taken_s):
        return
    begin_s, end_s = sorted((let_go_s, taken_s))
    yield Event(
        giver.holder.id,
        "hands",
        giver.held.id,
        Interval(max(begin_s, end_s - EVENT_MAX_S), end_s),
        score=min(giver.score, taker.score),
        recipient=taker.holder.id,
    )


def _event(hold: Hold, predicate: str, start_s: float, end_s: float) -> Event:
    return Event(
        hold.holder.id, predicate, hold.held.id, Interval(start_s, end_s), score=hold.score
    )


def _rests(body: Body, tracks: Tracks, start_s: float, end_s: float) -> bool:
    """Whether a thing is seen and does not move for most of a span of time."""
    inside = (tracks.times_s >= start_s - 1e-6) & (tracks.times_s < max(end_s, start_s + 1e-6))
    return bool(inside.any() and body.resting[inside].mean() > 0.6)


def coming_and_going(body: Body, others: Sequence[Body], tracks: Tracks) -> Iterator[Event]:
    """Yield entries into and exits from the picture, leaving out mere occlusion."""
    stays = persistent(body.visible, tracks, min_s=0.0, max_gap_s=ABSENCE_S)
    for first, last in stays:
        if first > 0 and not _hidden_behind(body, others, first, step=-1):
            yield _arrival(body, (first, last), tracks)
        if last < len(tracks.times_s) - 1 and not _hidden_behind(body, others, last, step=1):
            yield _departure(body, (first, last), tracks)


def _arrival(body: Body, stay: Run, tracks: Tracks) -> Event:
    first, last = stay
    start_s = float(tracks.times_s[first])
    end_s = min(start_s + EVENT_MAX_S / 2, tracks.shown_until(last))
    predicate = "enters" if body.cut_off[first] else "appears"
    return Event(body.id, predicate, CAMERA, Interval(start_s, end_s))


def _departure(body: Body, stay: Run, tracks: Tracks) -> Event:
    first, last = stay
    end_s = tracks.shown_until(last)
    start_s = max(end_s - EVENT_MAX_S / 2, float(tracks.times_s[first]))
    predicate = "leaves" if body.cut_off[last] else "disappears"
    return Event(body.id, predicate, CAMERA, Interval(start_s, end_s))


def _hidden_behind(body: Body, others: Sequence[Body], position: int, *, step: int) -> bool:
    """Whether another object covers the place where this one was last (or first) seen."""
    if body.cut_off[position]:
        return False
    beyond = position + step
    center = body.centers_xy[position]
    return any(
        other.visible[beyond] and _contains(other.boxes_xyxy[beyond], center)
        for other in others
        if other.id != body.id and 0 <= beyond < len(other.visible) and other.size > body.size / 2
    )


def _contains(box: np.ndarray, point: np.ndarray) -> bool:
    return bool(box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3])
