"""What two graphs say differently."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.errors import QueryError
from reelgraph.graph.compare import compare
from reelgraph.graph.intervals import iou
from reelgraph.graph.schema import (
    CAMERA,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)
from reelgraph.graph.temporal import TemporalGraph

VIDEO = VideoInfo(
    path="clip.mp4", sha256="00", duration_s=20, fps=25, frame_count=500, resolution_wh=(64, 36)
)


def made(objects: list[dict[str, Any]], facts: list[dict[str, Any]]) -> TemporalGraph:
    relations = tuple(
        Relation(**({"id": f"r{n}", "kind": "contact", "source": "made"} | fact))
        for n, fact in enumerate(facts, 1)
    )
    items = tuple(SceneObject(**item) for item in objects)
    return TemporalGraph(SceneGraph(video=VIDEO, objects=items, relations=relations))


def fact(subject: int, predicate: str, other: int, *spans: Any, **fields: Any) -> dict[str, Any]:
    return {
        "subject": subject,
        "predicate": predicate,
        "object": other,
        "intervals": spans,
        **fields,
    }


BEFORE = made(
    [
        {"id": 1, "label": "person", "uncertain": True, "presence": ((0, 10),)},
        {"id": 2, "label": "cup", "attributes": ("red", "small")},
        {"id": 3, "label": "dog"},
    ],
    [
        fact(1, "holds", 2, (0, 2), score=0.5),
        fact(1, "hits", 2, (1, 2)),
        fact(1, "hits", 2, (5, 6)),
        fact(3, "near", 1, (0, 9)),
        fact(1, "enters", CAMERA, (0, 0)),
        fact(1, "touches", 2, (3, 4)),
        fact(1, "left of", 2, (3, 4)),
    ],
)
AFTER = made(
    [
        {"id": 1, "label": "man", "presence": ((0, 5),)},
        {"id": 2, "label": "cup", "attributes": ("red", "full")},
        {"id": 4, "label": "cat"},
    ],
    [
        fact(1, "hits", 2, (5, 6)),
        fact(1, "hits", 2, (8, 9)),
        fact(1, "holding", 2, (0, 4), score=0.75),
        fact(1, "enters", CAMERA, (0, 0), source="other"),
        fact(4, "near", 1, (0, 9)),
        fact(2, "touches", 1, (3, 4)),
        fact(2, "right of", 1, (3, 4)),
    ],
)


def test_the_difference_as_text() -> None:
    difference = compare(BEFORE, AFTER)
    assert str(difference).splitlines() == [
        "- dog #3",
        "+ cat #4",
        "~ person? #1: now man #1; visible 0.00-10.00 -> 0.00-5.00 s (IoU 0.50)",
        "~ cup #2: no longer small; also full",
        "- dog #3 near person #1 0.00-9.00 s [r4]",
        "- person #1 hits cup #2 1.00-2.00 s [r2]",
        "+ cat #4 near man #1 0.00-9.00 s [r5]",
        "+ man #1 hits cup #2 8.00-9.00 s [r2]",
        "~ man #1 holding cup #2: 0.00-2.00 -> 0.00-4.00 s (IoU 0.50); "
        "score 0.5 -> 0.75 [r1 -> r3]",
    ]
    assert difference.same == 4
    assert difference


def test_a_mapping_says_who_is_who() -> None:
    difference = compare(BEFORE, AFTER, {1: 1, 2: 2, 3: 4})
    assert difference.added_objects == difference.removed_objects == ()
    assert [(c.before.id, c.after.id) for c in difference.changed_objects] == [
        (1, 1),
        (2, 2),
        (3, 4),
    ]
    assert "r5" not in {r.id for r in difference.added}
    assert "~ dog #3: now cat #4" in difference.lines
    nobody = compare(BEFORE, BEFORE, {})
    assert len(nobody.removed) == len(nobody.added) == 7


@pytest.mark.parametrize("mapping", [{9: 1}, {1: 9}, {1: 2, 3: 2}])
def test_a_wrong_mapping_is_refused(mapping: dict[int, int]) -> None:
    with pytest.raises(QueryError):
        compare(BEFORE, AFTER, mapping)


def test_what_shares_most_time_goes_together() -> None:
    objects = [{"id": 1, "label": "man"}, {"id": 2, "label": "cup"}]
    two = [fact(1, "hits", 2, (0, 2)), fact(1, "hits", 2, (1, 9))]
    difference = compare(made(objects, two), made(objects, [fact(1, "hits", 2, (0, 8))]))
    assert [r.id for r in difference.removed] == ["r1"]
    assert [(c.before.id, c.after.id, c.iou) for c in difference.changed] == [("r2", "r1", 7 / 9)]


def test_many_intervals_are_cut_short() -> None:
    objects = [{"id": 1, "label": "man"}, {"id": 2, "label": "cup"}]
    many = [(n, n + 0.5) for n in range(9)]
    text = str(compare(made(objects, []), made(objects, [fact(1, "holds", 2, *many)])))
    assert text == "+ man #1 holds cup #2 0.00-0.50, 1.00-1.50, 2.00-2.50 and 6 more s [r1]"


SPANS = st.tuples(st.integers(0, 15), st.integers(1, 5)).map(lambda p: (p[0], p[0] + p[1]))
FACTS = st.lists(
    st.builds(
        fact,
        st.integers(1, 3),
        st.sampled_from(["holds", "held", "near", "held by", "over", "under"]),
        st.integers(1, 3),
        SPANS,
        recipient=st.sampled_from([None, 3]),
    ),
    max_size=8,
)
THREE = [{"id": i, "label": "thing"} for i in (1, 2, 3)]


@settings(deadline=None)
@given(FACTS, FACTS)
def test_every_relation_is_in_one_list(one: list[Any], other: list[Any]) -> None:
    before, after = made(THREE, one), made(THREE, other)
    there, back = compare(before, after), compare(after, before)
    assert len(there.removed) + len(there.changed) + there.same == len(one)
    assert len(there.added) + len(there.changed) + there.same == len(other)
    assert (there.added, there.removed, there.same) == (back.removed, back.added, back.same)
    for change in there.changed:
        assert change.iou == iou(change.before.intervals, change.after.intervals) > 0
    assert not compare(before, before)
    assert str(compare(before, before)) == f"no difference; {len(one)} relations are the same"
