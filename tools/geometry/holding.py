"""Who holds what: contact that carries, told from contact that only passes by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reelgraph._types import Floats
from reelgraph.graph.tracks import Tracks
from reelgraph.tools.geometry.config import GeometryConfig
from reelgraph.tools.geometry.contact import Pair
from reelgraph.tools.geometry.kinematics import Body
from reelgraph.tools.geometry.states import Flags, Run, persistent, runs

__all__ = ["Hold", "contact_runs", "holds"]

OCCLUSION_S = 2.0
"""Longest time for which a held thing may be hidden and still count as held."""

UNSEEN_SHARE = 0.3
"""Share of an interruption in which one of two is partly hidden that explains it away."""

RING = 0.6
"""Enclosure above which contact surrounds a thing, so that its place tells nothing."""


@dataclass(frozen=True)
class Hold:
    """One stretch of time in which ``holder`` holds ``held``.

    Attributes:
        holder: Who holds.
        held: What is held.
        run: First and last processed frame of the contact.
        score: Share of the held thing's motion in which the grip was steady.
    """

    holder: Body
    held: Body
    run: Run
    score: float


def contact_runs(pair: Pair, tracks: Tracks, config: GeometryConfig) -> list[Run]:
    """Return the lasting contacts of a pair; being hidden, even in part, ends none."""
    contact = pair.touching.copy()
    unseen = ~(pair.first.whole & pair.second.whole)
    for first, last in runs(~contact):
        between = first > 0 and last + 1 < len(contact)
        short = tracks.shown_until(last) - tracks.times_s[first] <= OCCLUSION_S
        if between and short and unseen[first : last + 1].mean() > UNSEEN_SHARE:
            contact[first : last + 1] = True
    return persistent(contact, tracks, min_s=config.min_duration_s, max_gap_s=config.max_gap_s)


def holds(found: Iterable[Pair], tracks: Tracks, config: GeometryConfig) -> list[Hold]:
    """Return every hold, sorted by time.

    Of two things in contact the one that lies still when left alone is held; where
    that does not decide, the smaller one. A contact is a hold if the held thing travels
    (or is lost or found) in it while the grip stays where it is on the thing.
    """
    found = list(found)
    activity = _activity_alone(found)
    result = [
        hold
        for pair in found
        if (roles := _roles(pair, activity)) is not None
        for run in contact_runs(pair, tracks, config)
        if (hold := _hold(pair, *roles, run, tracks, config)) is not None
    ]
    kept = [hold for hold in result if not any(_in_passing(hold, other) for other in result)]
    return sorted(kept, key=lambda h: (h.run, h.holder.id, h.held.id))


def _in_passing(hold: Hold, other: Hold) -> bool:
    """Whether somebody else holds the thing all the while and much longer."""
    if hold.held.id != other.held.id or hold.holder.id == other.holder.id:
        return False
    shared = min(hold.run[1], other.run[1]) - max(hold.run[0], other.run[0]) + 1
    length, longer = (run[1] - run[0] + 1 for run in (hold.run, other.run))
    return shared > 0.9 * length and longer > 2 * length


def _activity_alone(found: list[Pair]) -> dict[int, float]:
    """Return for each object how much of its time without contact it moves, NaN if it has none."""
    touched: dict[int, Flags] = {}
    courses: dict[int, Body] = {}
    for pair in found:
        for body in (pair.first, pair.second):
            courses[body.id] = body
            seen = touched.get(body.id, np.zeros_like(pair.touching))
            touched[body.id] = seen | pair.touching
    return {key: _share_moving(body, ~touched[key]) for key, body in courses.items()}


def _share_moving(body: Body, alone: Flags) -> float:
    free = body.visible & alone
    return float(body.moving[free].mean()) if free.any() else float("nan")


def _roles(pair: Pair, activity: dict[int, float]) -> tuple[Body, Body] | None:
    """Return (holder, held), or None if neither can be told to hold the other."""
    lead = activity[pair.first.id] - activity[pair.second.id]
    if abs(lead) > 0.3:
        return (pair.first, pair.second) if lead > 0 else (pair.second, pair.first)
    if pair.smaller.size < 0.7 * pair.larger.size:
        return pair.larger, pair.smaller
    return None


def _hold(
    pair: Pair, holder: Body, held: Body, run: Run, tracks: Tracks, config: GeometryConfig
) -> Hold | None:
    here = slice(run[0], run[1] + 1)
    moved = (held.moving & held.whole)[here]
    steady = _steady_grip(pair, holder, held, tracks, config)[here]
    carried = _travel(held, here) >= config.travel_min * held.size
    if not (carried or _lost_or_found(holder, held, run)):
        return None
    score = float(steady[moved].mean()) if moved.any() else 0.5
    return Hold(holder, held, run, score) if score >= 0.5 else None


def _travel(body: Body, here: slice) -> float:
    """Return the diagonal of the box around the whole thing's course in pixels."""
    course = body.centers_xy[here][body.whole[here]]
    return float(np.hypot(*np.ptp(course, axis=0))) if len(course) else 0.0


def _lost_or_found(holder: Body, held: Body, run: Run) -> bool:
    """Whether the thing leaves or enters the picture in the contact."""
    first, last = run
    at_border = holder.cut_off | held.cut_off
    gone = last + 1 < len(at_border) and not held.visible[last + 1 : last + 4].any()
    come = first > 0 and not held.visible[max(0, first - 3) : first].any()
    return bool((gone and at_border[last]) or (come and at_border[first]))


def _steady_grip(
    pair: Pair, holder: Body, held: Body, tracks: Tracks, config: GeometryConfig
) -> Flags:
    """Where the point of contact keeps its place on the held thing.

    Contact all around (a thing in front of a body) has no place; there the thing
    must keep its place relative to the holder instead.
    """
    offset = (pair.grip_xy - held.centers_xy) / held.size
    drift = _rate(offset, tracks)
    relative = np.hypot(*(held.velocity_xy - holder.velocity_xy).T) / holder.size
    ring = np.nan_to_num(pair.enclosure) > RING
    steady: Flags = np.where(
        ring, np.nan_to_num(relative) <= config.moving_on, np.nan_to_num(drift) <= config.grip_drift
    )
    return steady


def _rate(course: np.ndarray, tracks: Tracks) -> Floats:
    """Return the speed of a point ``(n, 2)``, in its units per second, NaN where unknown."""
    steps = np.hypot(*np.diff(course, axis=0).T) / np.diff(tracks.times_s)
    rate: Floats = np.r_[steps[:1], steps]
    return rate
