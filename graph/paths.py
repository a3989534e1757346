"""Time-respecting paths: who can have reached whom, who was together, what held when."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reelgraph.errors import QueryError
from reelgraph.graph import lexicon
from reelgraph.graph.clock import Window
from reelgraph.graph.intervals import intersection, overlap, union
from reelgraph.graph.names import Match, stored_predicates
from reelgraph.graph.occurrences import Occurrence
from reelgraph.graph.schema import CAMERA, Interval, Kind, Relation, SceneObject

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Arrival", "Hop", "State", "Together", "path", "reachable", "state", "together"]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path.

    Attributes:
        relation: The relation that is crossed.
        source: Object id on this side.
        target: Object id on the other side.
        time_s: When it is crossed, in seconds: at once, or as soon as it holds.
    """

    relation: Relation
    source: int
    target: int
    time_s: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object that can be reached.

    Attributes:
        id: Its id.
        time_s: The earliest time at which it is reached, in seconds.
        hop: The last step that leads there.
    """

    id: int
    time_s: float
    hop: Hop


@dataclass(frozen=True, slots=True)
class Together:
    """When two objects were there at the same time; sorted, disjoint intervals.

    Attributes:
        visible: When both are visible.
        active: When each is in some relation, not always with the other.
        related: When a relation joins the two.
        relations: Ids of the relations that join them, in order.
    """

    visible: tuple[Interval, ...]
    active: tuple[Interval, ...]
    related: tuple[Interval, ...]
    relations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What holds for an object at one moment.

    Attributes:
        object: The object.
        time_s: The moment in seconds.
        visible: Whether the object is visible then.
        facts: The relations that hold, each with the whole interval around the moment.
    """

    object: SceneObject
    time_s: float
    visible: bool
    facts: tuple[Occurrence, ...]


def path(
    graph: TemporalGraph,
    a: int | str,
    b: int | str,
    *,
    during: Window | None = None,
    predicate: str | None = None,
    kinds: Collection[Kind] | None = None,
    directed: bool = False,
    match: Match = "lemma",
) -> tuple[Hop, ...] | None:
    """Return the path of earliest arrival from one object to another.

    A path crosses relations at times that never decrease, each while it holds; waiting
    at an object is free. The camera is no stop on the way.

    Args:
        graph: Where to look.
        a: Id or label to start from; with a label, any object of that kind.
        b: Id or label to reach.
        during: The path begins and ends in this window; None for the whole video.
        predicate: Only relations that say this.
        kinds: Only relations of these kinds, e.g. ``{"contact", "event"}``; spatial ones
            hold between almost everything.
        directed: Cross relations only from subject to object or recipient.
        match: How far a predicate may be from the stored one.

    Returns:
        The steps; empty if ``a`` is ``b``; None if there is no path.

    Raises:
        QueryError: If the graph has no such object or predicate.
    """
    contacts = _Contacts(graph, predicate, kinds, directed, match)
    sources, targets = graph._names.ids(a), graph._names.ids(b) - {CAMERA}
    if sources & targets:
        return ()
    for arrival, hops in _arrivals(contacts, sources, _window(graph, during)):
        if arrival.id in targets:
            return _back(arrival, hops)
    return None


def reachable(
    graph: TemporalGraph,
    a: int | str,
    *,
    after: float = 0.0,
    until: float | None = None,
    predicate: str | None = None,
    kinds: Collection[Kind] | None = None,
    directed: bool = False,
    match: Match = "lemma",
) -> list[Arrival]:
    """Return what can be reached from an object, by earliest arrival and then by id.

    Args:
        graph: Where to look.
        a: Id or label to start from.
        after: When to start, in seconds.
        until: When to stop; None for the end of the video.
        predicate: Only relations that say this.
        kinds: Only relations of these kinds.
        directed: Cross relations only from subject to object or recipient.
        match: How far a predicate may be from the stored one.

    Raises:
        QueryError: If the graph has no such object or predicate, or the time makes no
            sense.
    """
    contacts = _Contacts(graph, predicate, kinds, directed, match)
    end = graph._clock.end_s if until is None else until
    window = graph._clock.window((after, end))
    return [arrival for arrival, _ in _arrivals(contacts, graph._names.ids(a), window)]


def together(graph: TemporalGraph, a: int | str, b: int | str) -> Together:
    """Return when two objects were there at the same time.

    Raises:
        QueryError: If a name is unknown or stands for several objects.
    """
    one, other = _only(graph, a), _only(graph, b)
    mine, theirs = graph.timeline(one.id), graph.timeline(other.id)
    ids = {r.id for r in theirs}
    shared = [r for r in mine if r.id in ids] if one.id != other.id else []
    return Together(
        visible=intersection(one.presence, other.presence),
        active=intersection(_times(mine), _times(theirs)),
        related=union(_times(shared)),
        relations=tuple(r.id for r in shared),
    )


def state(graph: TemporalGraph, object_id: int | str, time_s: float) -> State:
    """Return what holds for an object at one moment.

    Raises:
        QueryError: If the name is unknown or stands for several objects, or the time is
            not in the video.
    """
    item, moment = _only(graph, object_id), graph._clock.moment(time_s)
    facts = tuple(
        Occurrence(r, i) for r in graph.timeline(item.id) for i in r.intervals if overlap(i, moment)
    )
    return State(item, time_s, any(overlap(i, moment) for i in item.presence), facts)


def _only(graph: TemporalGraph, name: int | str) -> SceneObject:
    ids = sorted(graph._names.ids(name))
    if len(ids) > 1:
        names = tuple(graph.name(i) for i in ids)
        raise QueryError(
            f"{name!r} stands for {len(ids)} objects: {', '.join(names[:8])}. Name one of them.",
            choices=names,
        )
    return graph.object(ids[0])


def _times(relations: list[Relation]) -> list[Interval]:
    return [i for r in relations for i in r.intervals]


def _window(graph: TemporalGraph, during: Window | None) -> Interval:
    return graph._clock.window((0.0, graph._clock.end_s) if during is None else during)


class _Contacts:
    """The relations of a graph that a path may cross."""

    def __init__(
        self,
        graph: TemporalGraph,
        predicate: str | None,
        kinds: Collection[Kind] | None,
        directed: bool,
        words: Match,
    ) -> None:
        self._index = graph._index
        self._kinds = kinds
        self._directed = directed
        known = self._index.predicates
        if predicate is None:
            self._forward, self._inverse = frozenset(known), frozenset(filter(_symmetric, known))
        else:
            self._forward, self._inverse = stored_predicates(predicate, known, words)

    def of(self, object_id: int) -> Iterator[tuple[Relation, list[int]]]:
        """Yield the relations of an object, with the objects they lead to."""
        for row in self._index.find(None, None, None, participant=object_id).tolist():
            r = self._index.relations[row]
            if self._kinds is None or r.kind in self._kinds:
                yield r, self._ends(r, object_id)

    def _ends(self, r: Relation, object_id: int) -> list[int]:
        others = [r.object] if r.recipient is None else [r.object, r.recipient]
        ends: list[int] = []
        if r.predicate in self._forward or (not self._directed and r.predicate in self._inverse):
            ends += others if r.subject == object_id else []
            ends += [] if self._directed else [r.subject, *others]
        if self._directed and r.predicate in self._inverse and object_id in others:
            ends.append(r.subject)
        return [end for end in ends if end not in {object_id, CAMERA}]


def _symmetric(predicate: str) -> bool:
    key = lexicon.predicate_key(predicate)
    return key in lexicon.inverse_keys(key)


def _arrivals(
    contacts: _Contacts, sources: Collection[int], window: Interval
) -> Iterator[tuple[Arrival, dict[int, Hop]]]:
    """Yield what is reached, by (time, id), with the last hop to everything so far.

    Dijkstra's algorithm on arrival times; of two ways that arrive together, the one with
    fewer steps counts.
    """
    queue: list[tuple[float, int, int]] = [(window.start, 0, i) for i in sorted(sources)]
    best: dict[int, tuple[float, int]] = {i: (window.start, 0) for i in sources if i != CAMERA}
    hops: dict[int, Hop] = {}
    waiting: list[tuple[float, int]] = []
    done: set[int] = set()
    while queue:
        time_s, steps, here = heapq.heappop(queue)
        while waiting and waiting[0][0] < time_s:
            yield _arrived(heapq.heappop(waiting), hops)
        if here in done or here == CAMERA:
            continue
        done.add(here)
        if here in hops:
            heapq.heappush(waiting, (time_s, here))
        for r, ends in contacts.of(here):
            crossed = _crossing(r, time_s, window) if ends else None
            if crossed is None:
                continue
            for end in ends:
                arrival = (crossed, steps + 1)
                if end not in done and arrival < best.get(end, (math.inf, 0)):
                    best[end] = arrival
                    hops[end] = Hop(r, here, end, crossed)
                    heapq.heappush(queue, (*arrival, end))
    while waiting:
        yield _arrived(heapq.heappop(waiting), hops)


def _arrived(reached: tuple[float, int], hops: dict[int, Hop]) -> tuple[Arrival, dict[int, Hop]]:
    time_s, object_id = reached
    return Arrival(object_id, time_s, hops[object_id]), hops


def _crossing(r: Relation, time_s: float, window: Interval) -> float | None:
    """Return the first moment from ``time_s`` on at which a relation holds in the window."""
    rest = Interval(time_s, max(time_s, window.end))
    for interval in r.intervals:
        if overlap(interval, rest):
            return max(time_s, interval.start)
    return None


def _back(arrival: Arrival, hops: dict[int, Hop]) -> tuple[Hop, ...]:
    """Return the hops that lead to an arrival, first one first."""
    hop: Hop | None = arrival.hop
    found: list[Hop] = []
    while hop is not None:
        found.append(hop)
        hop = hops.get(hop.source)
    return tuple(reversed(found))
