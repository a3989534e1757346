"""Counts, durations, first and last, longest and shortest, each with its proof."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import QueryError
from reelgraph.graph.aggregate import Totals, aggregate, totals
from reelgraph.graph.occurrences import Occurrence
from reelgraph.graph.schema import (
    CAMERA,
    Interval,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)
from reelgraph.graph.temporal import TemporalGraph

VIDEO = VideoInfo(
    path="clip.mp4", sha256="00", duration_s=20, fps=25, frame_count=500, resolution_wh=(64, 36)
)


def made(facts: list[tuple[Any, ...]]) -> TemporalGraph:
    relations = tuple(
        Relation(
            id=f"r{n}",
            subject=subject,
            predicate=predicate,
            object=other,
            intervals=intervals,
            kind="contact",
            source="made",
            recipient=rest[0] if rest else None,
        )
        for n, (subject, predicate, other, intervals, *rest) in enumerate(facts, 1)
    )
    objects = tuple(
        SceneObject(id=i, label=label) for i, label in enumerate(("man", "woman", "cup", "cup"), 1)
    )
    return TemporalGraph(SceneGraph(video=VIDEO, objects=objects, relations=relations))


STORY = made(
    [
        (1, "holds", 3, [(0, 2), (5, 6)]),
        (2, "holding", 3, [(1, 4)]),
        (2, "holds", 4, [(10, 10.5)]),
        (1, "hands", 4, [(9, 10)], 2),
        (1, "enters", CAMERA, [(0, 0)]),
    ]
)


def test_totals_over_a_predicate() -> None:
    row = totals(STORY, predicate="hold")
    assert (row.count, row.duration_s, row.pair_duration_s) == (4, 5.5, 6.5)
    assert row.relations == ("r1", "r2", "r3")
    assert row.first == Occurrence(STORY.relation("r1"), Interval(0, 2))
    assert row.last == Occurrence(STORY.relation("r3"), Interval(10, 10.5))
    assert row.longest == Occurrence(STORY.relation("r2"), Interval(1, 4))
    assert row.shortest == Occurrence(STORY.relation("r3"), Interval(10, 10.5))
    assert (row.subject, row.predicate, row.object) == (None, None, None)


def test_a_window_cuts_what_is_counted() -> None:
    row = totals(STORY, predicate="hold", during=(1.5, 5.5))
    assert (row.count, row.duration_s, row.pair_duration_s) == (3, 3.0, 3.5)
    assert row.longest == Occurrence(STORY.relation("r2"), Interval(1.5, 4))
    assert row.relations == ("r1", "r2")


def test_nothing_sums_to_nothing() -> None:
    row = totals(STORY, "man", "hold", "woman")
    assert row == Totals(None, None, None, 0, 0, 0, None, None, None, None, ())


@pytest.mark.parametrize(
    ("by", "options", "expected"),
    [
        (
            "predicate",
            {},
            [("holds", 4, 5.5), ("hands", 1, 1.0), ("enters", 1, 0.0)],
        ),
        ("object", {}, [(2, 3, 4.5), (3, 3, 5.0), (1, 4, 4.0), (4, 2, 1.5)]),
        (
            "pair",
            {"predicate": "hold"},
            [((1, 3), 2, 3.0), ((2, 3), 1, 3.0), ((2, 4), 1, 0.5)],
        ),
        ("pair", {"subject": "woman", "during": (0, 5)}, [((2, 3), 1, 3.0)]),
        ("object", {"predicate": "hand"}, [(1, 1, 1.0), (2, 1, 1.0), (4, 1, 1.0)]),
    ],
)
def test_rows(by: Any, options: dict[str, Any], expected: list[tuple[Any, int, float]]) -> None:
    def name(row: Totals) -> Any:
        if by == "pair":
            return row.subject, row.object
        return row.predicate if by == "predicate" else row.subject

    rows = [(name(r), r.count, r.duration_s) for r in aggregate(STORY, by, **options)]
    assert rows == sorted(expected, key=lambda row: (-row[1], -row[2], row[0]))


def test_an_unknown_grouping_is_refused() -> None:
    with pytest.raises(QueryError, match="'colour'"):
        aggregate(STORY, "colour")  # type: ignore[arg-type]


TIMES = st.integers(0, 19)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 4),
            st.sampled_from(["holds", "held", "near"]),
            st.integers(1, 4),
            st.tuples(TIMES, st.integers(0, 9)).map(lambda p: [(p[0], p[0] + p[1])]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.one_of(st.none(), st.tuples(TIMES, st.integers(1, 6)).map(lambda p: (p[0], p[0] + p[1]))),
)
def test_rows_add_up(facts: list[tuple[Any, ...]], during: tuple[float, float] | None) -> None:
    """Whole seconds make every number countable."""
    graph = made(facts)
    low, high = during or (0, 40)
    row = totals(graph, during=during)

    def seconds(which: list[tuple[Any, ...]]) -> set[int]:
        return {t for f in which for t in range(*f[3][0]) if low <= t < high}

    pairs = {(f[0], f[2]) for f in facts}
    assert row.duration_s == len(seconds(facts))
    assert row.pair_duration_s == sum(
        len(seconds([f for f in facts if (f[0], f[2]) == pair])) for pair in pairs
    )
    for by in ("predicate", "pair"):
        rows = aggregate(graph, by, during=during)
        assert sum(r.count for r in rows) == row.count
        assert {i for r in rows for i in r.relations} == set(row.relations)
        assert sum(r.duration_s for r in rows) >= row.duration_s
    assert sum(r.duration_s for r in aggregate(graph, "pair", during=during)) == row.pair_duration_s
