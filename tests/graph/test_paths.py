"""Time-respecting paths, reachability, co-presence and the state at a time."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.errors import QueryError
from reelgraph.graph.intervals import overlap
from reelgraph.graph.paths import path, reachable, state, together
from reelgraph.graph.schema import (
    CAMERA,
    Interval,
    Kind,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)
from reelgraph.graph.temporal import TemporalGraph

VIDEO = VideoInfo(
    path="clip.mp4", sha256="00", duration_s=10, fps=25, frame_count=250, resolution_wh=(64, 36)
)
LABELS = {1: "man", 2: "woman", 3: "ball", 4: "dog", 5: "cup", 6: "cup"}


def made(facts: list[tuple[Any, ...]], presence: dict[int, Any] | None = None) -> TemporalGraph:
    """Return a graph of facts (subject, predicate, object, intervals[, recipient[, kind]])."""
    relations = []
    for n, (subject, predicate, other, intervals, *rest) in enumerate(facts, 1):
        recipient, kind = (*rest, None, "contact")[:2] if len(rest) < 2 else rest
        relations.append(
            Relation(
                id=f"r{n}",
                subject=subject,
                predicate=predicate,
                object=other,
                intervals=intervals,
                kind=kind,
                source="made",
                recipient=recipient,
            )
        )
    objects = tuple(
        SceneObject(id=i, label=label, presence=(presence or {}).get(i, ()))
        for i, label in LABELS.items()
    )
    return TemporalGraph(SceneGraph(video=VIDEO, objects=objects, relations=tuple(relations)))


STORY = made(
    [
        (1, "holds", 3, [(1, 3)]),
        (2, "holds", 3, [(2, 5), (8, 9)]),
        (4, "sniffs", 2, [(0, 1), (6, 7)]),
        (1, "near", 4, [(9, 10)], None, "spatial"),
        (5, "enters", CAMERA, [(0, 0)], None, "event"),
        (6, "enters", CAMERA, [(1, 1)], None, "event"),
        (2, "hands", 5, [(7, 7.5)], 1, "event"),
    ],
    {1: ((0, 4), (6, 10)), 2: ((3, 7),)},
)


def hops(*args: Any, **options: Any) -> list[tuple[str, int, int, float]] | None:
    found = path(STORY, *args, **options)
    if found is None:
        return None
    return [(hop.relation.id, hop.source, hop.target, hop.time_s) for hop in found]


@pytest.mark.parametrize(
    ("ends", "options", "expected"),
    [
        ((1, 2), {}, [("r1", 1, 3, 1.0), ("r2", 3, 2, 2.0)]),
        ((1, 4), {}, [("r1", 1, 3, 1.0), ("r2", 3, 2, 2.0), ("r3", 2, 4, 6.0)]),
        ((1, 4), {"during": (7.5, 10)}, [("r4", 1, 4, 9.0)]),
        ((1, 4), {"during": (7.5, 10), "kinds": {"contact"}}, None),
        ((1, 4), {"during": (0, 6)}, None),
        (("dog", "man"), {}, [("r3", 4, 2, 0.0), ("r2", 2, 3, 2.0), ("r1", 3, 1, 2.0)]),
        ((4, 1), {"directed": True}, [("r3", 4, 2, 0.0), ("r7", 2, 1, 7.0)]),
        ((1, 2), {"directed": True}, None),
        ((3, 1), {"directed": True, "predicate": "held by"}, [("r1", 3, 1, 1.0)]),
        ((4, 1), {"directed": True, "predicate": "near"}, [("r4", 4, 1, 9.0)]),
        ((4, 1), {"directed": True, "during": (8, 10)}, [("r4", 4, 1, 9.0)]),
        ((5, 6), {}, None),
        ((1, "man"), {}, []),
        (("cup", 1), {}, [("r7", 5, 1, 7.0)]),
        ((CAMERA, 5), {}, None),
        ((1, 2), {"predicate": "hold"}, [("r1", 1, 3, 1.0), ("r2", 3, 2, 2.0)]),
        (
            (1, 2),
            {"predicate": "carry", "match": "synonym"},
            [("r1", 1, 3, 1.0), ("r2", 3, 2, 2.0)],
        ),
    ],
)
def test_paths_on_a_story(ends: tuple[Any, Any], options: dict[str, Any], expected: Any) -> None:
    assert hops(*ends, **options) == expected


def test_what_can_be_reached() -> None:
    found = reachable(STORY, 1)
    assert [(a.id, a.time_s, a.hop.relation.id) for a in found] == [
        (3, 1.0, "r1"),
        (2, 2.0, "r2"),
        (4, 6.0, "r3"),
        (5, 7.0, "r7"),
    ]
    assert [a.id for a in reachable(STORY, 1, after=4, until=7.2)] == [2, 5]
    assert [a.id for a in reachable(STORY, 1, after=8)] == [4]


def test_together() -> None:
    both = together(STORY, 1, "woman")
    assert both.visible == (Interval(3, 4), Interval(6, 7))
    assert both.active == (Interval(2, 3), Interval(7, 7.5))
    assert both.related == (Interval(7, 7.5),)
    assert both.relations == ("r7",)
    assert together(STORY, 1, 1).relations == ()


def test_the_state_at_a_time() -> None:
    now = state(STORY, "woman", 4.5)
    assert (now.object.id, now.time_s, now.visible) == (2, 4.5, True)
    assert [(f.relation.id, f.interval) for f in now.facts] == [("r2", Interval(2, 5))]
    assert state(STORY, 2, 5).facts == ()
    assert not state(STORY, 2, 7).visible
    assert [f.relation.id for f in state(STORY, 1, 10).facts] == ["r4"]


@pytest.mark.parametrize(
    ("ask", "problem"),
    [
        (lambda: together(STORY, "cup", 1), "2 objects: cup #5, cup #6"),
        (lambda: state(STORY, 1, 11), "not in the video"),
        (lambda: path(STORY, 1, "ghost"), "ghost"),
        (lambda: path(STORY, 1, 2, predicate="juggles"), "juggles"),
        (lambda: reachable(STORY, 1, after=5, until=4), "start <= end"),
    ],
)
def test_bad_questions_are_refused(ask: Any, problem: str) -> None:
    with pytest.raises(QueryError, match=problem):
        ask()


# -- against brute force -----------------------------------------------------------------

TIMES = st.integers(0, 20).map(lambda n: n / 2)


@st.composite
def graphs(draw: st.DrawFn) -> TemporalGraph:
    facts: list[tuple[Any, ...]] = []
    for _ in range(draw(st.integers(1, 8))):
        ends = sorted(draw(st.lists(TIMES, min_size=2, max_size=4)))
        spans = sorted(set(zip(ends[::2], ends[1::2], strict=False)))
        who = [draw(st.sampled_from([*LABELS, CAMERA])) for _ in range(2)]
        recipient = draw(st.sampled_from([None, None, *LABELS]))
        kind: Kind = draw(st.sampled_from(["contact", "spatial"]))
        facts.append(
            (who[0], draw(st.sampled_from(["holds", "near"])), who[1], spans, recipient, kind)
        )
    return made(facts)


def earliest(
    graph: TemporalGraph, source: int, window: Interval, directed: bool
) -> dict[int, float]:
    """Relax every relation until nothing changes."""
    best = {source: window.start}
    changed = True
    while changed:
        changed = False
        for r in graph.relations():
            people = [r.subject, r.object] + ([] if r.recipient is None else [r.recipient])
            for a, b in itertools.permutations(range(len(people)), 2):
                here, there = people[a], people[b]
                forward = a == 0 or (b == 0 and r.predicate == "near")
                if CAMERA in (here, there) or here not in best or (directed and not forward):
                    continue
                times = [
                    max(best[here], i.start)
                    for i in r.intervals
                    if overlap(i, Interval(best[here], max(best[here], window.end)))
                ]
                if times and min(times) < best.get(there, math.inf):
                    best[there] = min(times)
                    changed = True
    return best


@settings(max_examples=200, deadline=None)
@given(graphs(), st.sampled_from([*LABELS]), TIMES, TIMES, st.booleans())
def test_arrivals_are_those_of_brute_force(
    graph: TemporalGraph, source: int, one: float, other: float, directed: bool
) -> None:
    window = graph._clock.window((min(one, other), max(one, other)))
    expected = earliest(graph, source, window, directed)
    found = reachable(
        graph, source, after=min(one, other), until=max(one, other), directed=directed
    )
    assert {a.id: a.time_s for a in found} == {i: t for i, t in expected.items() if i != source}
    assert [(a.time_s, a.id) for a in found] == sorted((a.time_s, a.id) for a in found)
    for arrival in found:
        way = path(
            graph, source, arrival.id, during=(min(one, other), max(one, other)), directed=directed
        )
        assert way is not None
        assert way[-1].time_s == arrival.time_s
        assert [way[0].source, *(hop.target for hop in way)] == [
            *(hop.source for hop in way),
            arrival.id,
        ]
        times = [window.start, *(hop.time_s for hop in way)]
        assert times == sorted(times)
        for hop in way:
            ends = {hop.relation.subject, hop.relation.object, hop.relation.recipient}
            assert {hop.source, hop.target} <= ends
            moment = Interval(hop.time_s, hop.time_s)
            assert any(overlap(i, moment) for i in hop.relation.intervals)
