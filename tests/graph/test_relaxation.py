"""The ladder from a query as asked to the nearest thing that the graph has."""

from __future__ import annotations

from typing import Any

import pytest

from reelgraph.errors import QueryError
from reelgraph.graph.relaxation import relax
from reelgraph.graph.schema import Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.temporal import TemporalGraph

VIDEO = VideoInfo(
    path="clip.mp4", sha256="00", duration_s=30, fps=25, frame_count=750, resolution_wh=(64, 36)
)


def fact(name: str, subject: int, predicate: str, other: int, *spans: Any) -> Relation:
    return Relation(
        id=name,
        subject=subject,
        predicate=predicate,
        object=other,
        intervals=spans,
        kind="contact",
        source="made",
        score=0.5,
    )


GRAPH = TemporalGraph(
    SceneGraph(
        video=VIDEO,
        objects=(
            SceneObject(id=1, label="person"),
            SceneObject(id=2, label="cup"),
            SceneObject(id=3, label="ball"),
        ),
        relations=(
            fact("r1", 1, "holds", 2, (3, 5)),
            fact("r2", 1, "looks at", 3, (10, 11), (20, 21)),
            fact("r3", 1, "picks up", 2, (2, 3)),
            fact("r4", 1, "kicks", 3, (25, 26)),
        ),
    )
)


@pytest.mark.parametrize(
    ("asked", "options", "expected", "steps"),
    [
        (("person", "holds", "cup"), {"during": (3, 5)}, ["r1"], ""),
        (
            ("person", "holding", "cup"),
            {},
            ["r1"],
            "no 'holding' by person of cup; took 'holds' (another form of the verb)",
        ),
        (
            ("person", "carry", None),
            {"at": 4},
            ["r1"],
            "no 'carry' by person at 4 s; not with another form of the verb; "
            "took 'holds' (a synonym)",
        ),
        (
            (None, "grab", None),
            {"during": (3, 5)},
            ["r1"],
            "no 'grab' at 3-5 s; not with another form of the verb; not with a synonym; "
            "took 'holds' (a wider or narrower predicate)",
        ),
        (
            ("man", "holds", "cup"),
            {},
            ["r1"],
            "no 'holds' by man of cup; not with another form of the verb; not with a synonym; "
            "not with a wider or narrower predicate; took 'holds' (person for man)",
        ),
        (
            (1, None, 2),
            {"during": (5.5, 6)},
            ["r1"],
            "no relation by 1 of 2 at 5.5-6 s; "
            "took 'holds' (1 s more on both sides, 0.5 s earlier)",
        ),
        (
            (1, "watch", 3),
            {"during": (14, 15.25)},
            ["r2"],
            "no 'watch' by 1 of 3 at 14-15.25 s; not with another form of the verb; "
            "not with a synonym; not with a wider or narrower predicate; "
            "not with 1.25 s more on both sides; "
            "took 'looks at' (another time, a synonym, 3 s earlier)",
        ),
        (
            (None, None, "ball"),
            {"at": 15.6},
            ["r2"],
            "no relation of ball at 15.6 s; not with 1 s more on both sides; "
            "took 'looks at' (another time, 4.4 s later)",
        ),
        (
            ("person", "kicks", "cup"),
            {},
            ["r4"],
            "no 'kicks' by person of cup; not with another form of the verb; not with a synonym; "
            "not with a wider or narrower predicate; took 'kicks' (any object)",
        ),
        (
            ("person", "kicks", "ghost"),
            {"at": 25},
            ["r4"],
            "no 'kicks' by person of ghost at 25 s; not with another form of the verb; "
            "not with a synonym; not with a wider or narrower predicate; "
            "not with 1 s more on both sides; not with another time; took 'kicks' (any object)",
        ),
        (
            ("ghost", "sings to", "ball"),
            {},
            [],
            "no 'sings to' by ghost of ball; not with another form of the verb; "
            "not with a synonym; not with a wider or narrower predicate; not with any object; "
            "not with any subject",
        ),
    ],
)
def test_the_ladder(
    asked: tuple[Any, Any, Any], options: dict[str, Any], expected: list[str], steps: str
) -> None:
    answer = relax(GRAPH, *asked, **options)
    assert str(answer) == steps
    assert [r.id for r in answer.relations] == expected


def test_certainty_is_never_given_up() -> None:
    assert relax(GRAPH, 1, "holds", min_score=0.9).relations == ()


def test_a_time_outside_the_video_is_an_error() -> None:
    with pytest.raises(QueryError, match="not in the video"):
        relax(GRAPH, 1, at=99)
