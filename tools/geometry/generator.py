"""The geometry generator: always on, no weights, everything from tracks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from reelgraph.graph.schema import CAMERA, GraphLayer, Interval, Kind, Relation
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import Progress
from reelgraph.tools.base import GENERATORS, NO_PROGRESS, Availability, ToolConfig
from reelgraph.tools.geometry.config import GeometryConfig
from reelgraph.tools.geometry.contact import Pair, pairs
from reelgraph.tools.geometry.events import Event, coming_and_going, handling
from reelgraph.tools.geometry.holding import Hold, contact_runs, holds
from reelgraph.tools.geometry.kinematics import Body, bodies
from reelgraph.tools.geometry.motion import motion_states
from reelgraph.tools.geometry.spatial import spatial_states
from reelgraph.tools.geometry.states import Flags, persistent, to_intervals
from reelgraph.tools.video import Video

__all__ = ["GeometryConfig", "GeometryGenerator"]

KINDS: dict[str, Kind] = {
    "left of": "spatial",
    "above": "spatial",
    "in front of": "spatial",
    "inside": "spatial",
    "near": "spatial",
    "overlaps": "spatial",
    "touches": "contact",
    "holds": "contact",
    "approaches": "motion",
    "moves away from": "motion",
    "follows": "motion",
    "moves": "motion",
    "stands still": "motion",
    "picks up": "event",
    "puts down": "event",
    "hands": "event",
    "enters": "event",
    "leaves": "event",
    "appears": "event",
    "disappears": "event",
}
"""Every predicate this generator can write, with its kind."""

Statement = tuple[int, str, int, tuple[Interval, ...], float | None, int | None]


@GENERATORS.register("geometry")
class GeometryGenerator:
    """Relations that follow from masks and boxes alone, at the rate of the tracks.

    Positions are those of the picture, not of the room; thresholds are relative to
    object size (see `GeometryConfig`).
    """

    name: ClassVar[str] = "geometry"
    version: ClassVar[str] = "1"
    config_type: ClassVar[type[ToolConfig]] = GeometryConfig

    def __init__(self, config: GeometryConfig | None = None) -> None:
        self._config = config or GeometryConfig()

    @property
    def config(self) -> GeometryConfig:
        """Thresholds in use."""
        return self._config

    def available(self) -> Availability:
        """Always available: it needs no package and no device beyond the core."""
        return Availability()

    def generate(
        self,
        video: Video,  # noqa: ARG002 - part of the Protocol; geometry looks at tracks only
        tracks: Tracks,
        *,
        progress: Progress = NO_PROGRESS,
    ) -> GraphLayer:
        """Return the relations between the objects in ``tracks``."""
        courses = bodies(tracks, self._config)
        with progress.stage("relations", total=len(tracks.times_s)) as stage:
            found = pairs(courses, tracks, self._config, stage)
        held = holds(found, tracks, self._config)
        statements = [
            *_pair_statements(found, held, tracks, self._config),
            *_hold_statements(held, tracks),
            *_body_statements(list(courses.values()), tracks, self._config),
            *_event_statements(list(courses.values()), held, tracks, self._config),
        ]
        return GraphLayer(source=self.name, relations=_relations(statements))


def _pair_statements(
    found: Sequence[Pair], held: Sequence[Hold], tracks: Tracks, config: GeometryConfig
) -> Iterator[Statement]:
    """Yield what holds between two objects, less what follows from one holding the other.

    A held thing is near its holder and goes where it goes: saying so again would bury
    what is worth knowing.
    """
    for pair in found:
        apart = ~_in_hold(held, pair)
        on_its_own = ~_in_hand(held, pair)
        for subject, predicate, other, flags in spatial_states(pair, config):
            shown = flags & apart if predicate in {"near", "overlaps"} else flags
            yield subject, predicate, other, _lasting(shown, tracks, config), None, None
        for subject, predicate, other, flags in motion_states(pair, tracks, config):
            shown = flags & on_its_own
            yield subject, predicate, other, _lasting(shown, tracks, config), None, None
        contacts = [
            run for run in contact_runs(pair, tracks, config) if apart[run[0] : run[1]].any()
        ]
        yield pair.first.id, "touches", pair.second.id, to_intervals(contacts, tracks), None, None


def _in_hold(held: Sequence[Hold], pair: Pair) -> Flags:
    """Where one of a pair holds the other."""
    ids = {pair.first.id, pair.second.id}
    return _during([hold for hold in held if {hold.holder.id, hold.held.id} == ids], pair)


def _in_hand(held: Sequence[Hold], pair: Pair) -> Flags:
    """Where one of a pair is held by anybody."""
    ids = {pair.first.id, pair.second.id}
    return _during([hold for hold in held if hold.held.id in ids], pair)


def _during(held: Sequence[Hold], pair: Pair) -> Flags:
    flags = np.zeros_like(pair.touching)
    for hold in held:
        flags[hold.run[0] : hold.run[1] + 1] = True
    return flags


def _lasting(flags: Flags, tracks: Tracks, config: GeometryConfig) -> tuple[Interval, ...]:
    kept = persistent(flags, tracks, min_s=config.min_duration_s, max_gap_s=config.max_gap_s)
    return to_intervals(kept, tracks)


def _hold_statements(held: Sequence[Hold], tracks: Tracks) -> Iterator[Statement]:
    """Yield one statement per pair, its holds as intervals, scored by the weakest."""
    for holder, thing in sorted({(hold.holder.id, hold.held.id) for hold in held}):
        mine = [hold for hold in held if (hold.holder.id, hold.held.id) == (holder, thing)]
        spans = to_intervals([hold.run for hold in mine], tracks)
        yield holder, "holds", thing, spans, min(hold.score for hold in mine), None


def _body_statements(
    courses: Sequence[Body], tracks: Tracks, config: GeometryConfig
) -> Iterator[Statement]:
    for body in courses:
        yield body.id, "moves", CAMERA, _lasting(body.moving, tracks, config), None, None
        rests = persistent(
            body.resting, tracks, min_s=config.still_min_s, max_gap_s=config.max_gap_s
        )
        yield body.id, "stands still", CAMERA, to_intervals(rests, tracks), None, None


def _event_statements(
    courses: Sequence[Body], held: Sequence[Hold], tracks: Tracks, config: GeometryConfig
) -> Iterator[Statement]:
    events: list[Event] = list(handling(held, tracks, config))
    for body in courses:
        events += coming_and_going(body, courses, tracks)
    for event in events:
        yield (
            event.subject,
            event.predicate,
            event.object,
            (event.interval,),
            event.score,
            event.recipient,
        )


def _relations(statements: Sequence[Statement]) -> tuple[Relation, ...]:
    said = (statement for statement in statements if statement[3])
    return tuple(
        Relation(
            id=f"r{number}",
            subject=subject,
            predicate=predicate,
            object=other,
            intervals=intervals,
            kind=KINDS[predicate],
            score=score,
            source=GeometryGenerator.name,
            recipient=recipient,
        )
        for number, (subject, predicate, other, intervals, score, recipient) in enumerate(said, 1)
    )
