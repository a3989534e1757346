"""Queries by name, predicate and time on a small story.

Person 1 (a man) holds the ball and hands it to person 2 (a woman) at 3 s; a dog follows.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import GraphFormatError, QueryError
from reelgraph.graph.intervals import ALLEN_NAMES, allen, overlap
from reelgraph.graph.schema import (
    CAMERA,
    Interval,
    LayerRecord,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)
from reelgraph.graph.temporal import TemporalGraph

VIDEO = VideoInfo(
    path="clip.mp4",
    sha256="00",
    duration_s=12.0,
    fps=25.0,
    frame_count=300,
    resolution_wh=(640, 360),
)


def relation(name: str, subject: int, predicate: str, other: int, **fields: Any) -> Relation:
    given = {"kind": "contact", "source": "geometry", "intervals": ((0.0, 12.0),)}
    return Relation(id=name, subject=subject, predicate=predicate, object=other, **(given | fields))


def story() -> SceneGraph:
    return SceneGraph(
        video=VIDEO,
        objects=(
            SceneObject(id=4, label="dog", uncertain=True, presence=((6, 12),)),
            SceneObject(id=1, label="man", attributes=("tall",), presence=((0, 12),)),
            SceneObject(id=2, label="woman", presence=((0, 12),)),
            SceneObject(id=3, label="ball", attributes=("red", "small"), presence=((0, 9),)),
            SceneObject(id=5, label="tea cup", attributes=("red",), presence=((1, 2),)),
        ),
        relations=(
            relation("r10", 2, "left of", 1, kind="spatial", score=0.9),
            relation("r2", 1, "holds", 3, intervals=((0, 3),), score=0.8),
            relation("r3", 1, "hands", 3, intervals=((3, 3.5),), kind="event", recipient=2),
            relation("r4", 2, "holding", 3, intervals=((3.5, 6), (7, 9)), score=0.4),
            relation("r5", 4, "enters", CAMERA, intervals=((6, 6),), kind="event"),
            relation("r6", 4, "follows", 1, intervals=((6, 12),), kind="motion"),
            relation("r7", 3, "near", 2, kind="spatial", score=0.5),
        ),
        provenance=(
            LayerRecord(
                stage="layer", tool="geometry", version="1", warnings=("2 objects left out",)
            ),
        ),
    )


@pytest.fixture
def graph() -> TemporalGraph:
    return TemporalGraph(story())


def ids(found: list[Relation]) -> list[str]:
    return [r.id for r in found]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["r2", "r7", "r10", "r3", "r4", "r5", "r6"]),
        ({"subject": 1}, ["r2", "r3"]),
        ({"subject": "man"}, ["r2", "r3"]),
        ({"subject": "Men"}, ["r2", "r3"]),
        ({"subject": "man #1"}, ["r2", "r3"]),
        ({"subject": "the tall man"}, ["r2", "r3"]),
        ({"subject": "people", "predicate": "hold"}, ["r2", "r4"]),
        ({"predicate": "held"}, ["r2", "r4"]),
        ({"predicate": "holds", "match": "exact"}, ["r2"]),
        ({"predicate": "grabs hold of", "match": "lemma"}, QueryError),
        ({"predicate": "carrying", "match": "synonym"}, ["r2", "r4"]),
        ({"predicate": "give", "match": "synonym"}, ["r3"]),
        ({"predicate": "carrying"}, QueryError),
        ({"object": "woman"}, ["r7", "r3"]),
        ({"object": "camera"}, ["r5"]),
        ({"object": CAMERA}, ["r5"]),
        ({"subject": "anything", "object": "red ball"}, ["r2", "r3", "r4"]),
        ({"subject": "cup"}, []),
        ({"subject": "dog", "predicate": "hold"}, []),
        # Inverse and symmetric predicates
        ({"predicate": "right of"}, ["r10"]),
        ({"subject": 1, "predicate": "right of", "object": 2}, ["r10"]),
        ({"subject": 2, "predicate": "right of", "object": 1}, []),
        ({"subject": "ball", "predicate": "is held by"}, ["r2", "r4"]),
        ({"subject": "ball", "predicate": "held by", "object": "woman"}, ["r4"]),
        ({"subject": "man", "predicate": "followed by", "object": "dog"}, ["r6"]),
        ({"subject": 2, "predicate": "near", "object": 3}, ["r7"]),
        ({"subject": 2, "predicate": "beside", "object": 3, "match": "synonym"}, ["r7"]),
        # Time
        ({"predicate": "hold", "during": (3, 5)}, ["r4"]),
        ({"predicate": "hold", "during": (6, 7)}, []),
        ({"predicate": "hold", "during": Interval(5.9, 6.5)}, ["r4"]),
        ({"predicate": "hold", "at": 0}, ["r2"]),
        ({"predicate": "hold", "at": 3}, []),
        ({"predicate": "hold", "at": 7.0}, ["r4"]),
        ({"predicate": "enter", "at": 6}, ["r5"]),
        ({"predicate": "enter", "at": 6.01}, []),
        ({"predicate": "enter", "during": (5, 6)}, []),
        ({"predicate": "enter", "during": (6, 7)}, ["r5"]),
        ({"subject": 4, "at": 12.0}, ["r6"]),
        ({"allen": ("before", (7, 9))}, ["r2", "r3", "r4", "r5"]),
        ({"predicate": "holds", "allen": ("met by", (3, 3.5))}, ["r4"]),
        ({"allen": ("contains", (8, 9))}, ["r7", "r10", "r6"]),
        # Score: relations without one stay
        ({"min_score": 0.5}, ["r2", "r7", "r10", "r3", "r5", "r6"]),
    ],
)
def test_relations(graph: TemporalGraph, query: dict[str, Any], expected: Any) -> None:
    if expected is QueryError:
        with pytest.raises(QueryError):
            graph.relations(**query)
    else:
        assert ids(graph.relations(**query)) == expected


@pytest.mark.parametrize(
    ("query", "message", "first_choice"),
    [
        ({"subject": "bal"}, "No object is called 'bal'. Did you mean 'ball'?", "ball"),
        ({"object": "boy"}, "No object is called 'boy'.", "ball"),
        ({"subject": 9}, "No object has id 9. The graph has: man #1, woman #2", "man #1"),
        ({"subject": "man #9"}, "No object has id 9.", "man #1"),
        ({"predicate": "folows"}, "No relation says 'folows'. Did you mean 'follows'?", "follows"),
        ({"predicate": "grips"}, "match='synonym' finds it as 'holding', 'holds'", "holding"),
        ({"predicate": "eats"}, "predicates: enters, follows, hands, holding, holds", "enters"),
        ({"predicate": "hold", "match": "fuzzy"}, "got 'fuzzy'", "exact"),
        ({"allen": ("befor", (1, 2))}, "No Allen relation is called 'befor'", "before"),
        ({"at": 13}, "Time 13 s is not in the video, which runs from 0 to 12.00 s", None),
        ({"at": -1}, "Time -1 s", None),
        ({"at": float("nan")}, "Time nan s", None),
        ({"during": (5, 3)}, "start <= end", None),
        ({"during": (20, 30)}, "runs from 0 to 12.00 s", None),
        ({"during": (0, float("inf"))}, "inf", None),
        ({"allen": ("before", (5, 3))}, "start <= end", None),
        ({"during": (1, 2), "at": 1}, "not both", None),
    ],
)
def test_what_the_graph_does_not_have_is_an_error_with_choices(
    graph: TemporalGraph, query: dict[str, Any], message: str, first_choice: str | None
) -> None:
    with pytest.raises(QueryError) as caught:
        graph.relations(**query)
    assert message in str(caught.value)
    assert (caught.value.choices or (None,))[0] == first_choice


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"label": "person"}, [1, 2]),
        ({"label": "things"}, [1, 2, 3, 4, 5]),
        ({"label": "camera"}, []),
        ({"attribute": "Red"}, [3, 5]),
        ({"label": "red cup"}, [5]),
        ({"label": "animal", "during": (0, 6)}, []),
        ({"during": (1, 2)}, [1, 2, 3, 5]),
        ({"at": 9.5}, [1, 2, 3, 4]),  # the ball is out of sight but still in a relation
    ],
)
def test_objects(graph: TemporalGraph, query: dict[str, Any], expected: list[int]) -> None:
    assert [item.id for item in graph.objects(**query)] == expected


def test_a_wider_kind_is_offered_for_a_narrower_one(graph: TemporalGraph) -> None:
    people = graph.relabel({1: "person", 2: "person"})
    with pytest.raises(QueryError, match="Did you mean 'person'"):
        people.objects("boy")


def test_one_object_and_one_relation_by_id(graph: TemporalGraph) -> None:
    assert graph.object(3).label == "ball"
    assert graph.relation("r3").recipient == 2
    with pytest.raises(QueryError, match="No object has id 7"):
        graph.object(7)
    with pytest.raises(QueryError, match=r"No relation has id 'r11'; .* 7 relations, e.g. r10"):
        graph.relation("r11")


def test_neighbors_see_both_directions_and_the_recipient(graph: TemporalGraph) -> None:
    around = [(n.id, n.label, n.relation.id, n.direction) for n in graph.neighbors(2)]
    assert around == [
        (3, "ball", "r7", "in"),
        (1, "man", "r10", "out"),
        (1, "man", "r3", "in"),
        (3, "ball", "r4", "out"),
    ]
    assert [n.id for n in graph.neighbors(1, direction="out")] == [3, 3, 2]
    assert [n.id for n in graph.neighbors(1, predicate="hold", during=(0, 1))] == [3]
    assert graph.neighbors(4, direction="out")[0].label == "camera"
    assert graph.neighbors(5) == []
    with pytest.raises(QueryError):
        graph.neighbors(99)


def test_timeline_holds_everything_an_object_takes_part_in(graph: TemporalGraph) -> None:
    assert ids(graph.timeline(2)) == ["r7", "r10", "r3", "r4"]
    assert ids(graph.timeline(CAMERA)) == ["r5"]
    with pytest.raises(QueryError):
        graph.timeline(99)


def test_a_snapshot_keeps_whole_intervals(graph: TemporalGraph) -> None:
    moment = graph.at(7.5)
    assert ids(moment.relations()) == ["r7", "r10", "r6", "r4"]
    assert moment.relation("r4").intervals == (Interval(7, 9),)
    assert [item.id for item in moment.objects()] == [1, 2, 3, 4]
    assert ids(graph.at(12).relations()) == ["r7", "r10", "r6"]


def test_a_clip_cuts_intervals_and_keeps_ids(graph: TemporalGraph) -> None:
    clip = graph.between(2, 6)
    assert clip.relation("r2").intervals == (Interval(2, 3),)
    assert clip.relation("r4").intervals == (Interval(3.5, 6),)
    assert "r5" not in ids(clip.relations())
    assert [item.id for item in clip.objects()] == [1, 2, 3]
    assert clip.object(1).presence == (Interval(2, 6),)
    SceneGraph.model_validate(clip.document.model_dump())


def test_relabel_gives_a_new_graph_with_certain_labels(graph: TemporalGraph) -> None:
    other = graph.relabel({4: " Guide  Dog", 3: "football"})
    assert other.object(4).label == "guide dog"
    assert not other.object(4).uncertain
    assert graph.object(4).label == "dog"
    assert graph.object(4).uncertain
    assert ids(other.relations(object="football")) == ["r2", "r3", "r4"]
    with pytest.raises(QueryError, match="No object has id 8"):
        graph.relabel({8: "x"})
    with pytest.raises(QueryError, match="empty"):
        graph.relabel({4: "  "})


def test_names_and_descriptions(graph: TemporalGraph) -> None:
    assert graph.name(1) == "man #1"
    assert graph.name(CAMERA) == "camera"
    assert graph.describe(graph.relation("r3")) == "man #1 hands ball #3 to woman #2"
    assert graph.describe(graph.relation("r5")) == "dog #4 enters"
    assert graph.describe(graph.relation("r6"), mark=True) == "dog? #4 follows man #1"


def test_stats_and_diagnostics(graph: TemporalGraph) -> None:
    stats = graph.stats()
    assert (stats.objects, stats.relations, stats.uncertain) == (5, 7, 1)
    assert stats.covered_s == 12.0
    assert list(stats.kinds.items()) == [
        ("contact", 2),
        ("event", 2),
        ("spatial", 2),
        ("motion", 1),
    ]
    assert stats.labels["tea cup"] == 1
    assert graph.diagnostics() == [
        "geometry: 2 objects left out",
        "In no relation: tea cup #5.",
        "The label is a guess for: dog #4.",
    ]


def test_an_empty_graph_answers(tmp_path: Path) -> None:
    graph = TemporalGraph(SceneGraph(video=VIDEO))
    assert graph.objects() == graph.relations() == graph.relations(at=3) == []
    assert graph.at(3).objects() == []
    assert graph.stats().covered_s == 0
    assert graph.diagnostics() == ["The graph has no objects."]
    with pytest.raises(QueryError, match="The graph has no objects"):
        graph.objects("dog")
    with pytest.raises(QueryError, match="predicates: none"):
        graph.relations(predicate="holds")


def test_the_networkx_graph_has_every_relation_and_is_frozen(graph: TemporalGraph) -> None:
    assert isinstance(graph.nx, nx.MultiDiGraph)
    assert set(graph.nx) == {1, 2, 3, 4, 5, CAMERA}
    edges = {
        key: (a, b, data["predicate"]) for a, b, key, data in graph.nx.edges(keys=True, data=True)
    }
    assert edges == {r.id: (r.subject, r.object, r.predicate) for r in graph.document.relations}
    with pytest.raises(nx.NetworkXError):
        graph.nx.add_node(9)


def test_returned_lists_are_the_callers_own(graph: TemporalGraph) -> None:
    before = ids(graph.relations())
    graph.relations().clear()
    graph.objects().clear()
    graph.timeline(1).clear()
    assert ids(graph.relations()) == before
    assert len(graph.objects()) == 5


def test_a_graph_survives_a_file(graph: TemporalGraph, tmp_path: Path) -> None:
    path = tmp_path / "Graph é.json"
    graph.save(path)
    assert TemporalGraph.load(path).document == graph.document
    assert json.loads(path.read_text(encoding="utf-8"))["relations"][1]["intervals"] == [[0.0, 3.0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "Cannot read"),
        ("", "is not a scene graph"),
        ("[1, 2]", "is not a scene graph"),
        ('{"objects": []}', "video"),
        ('{"schema_version": 99, "video": {}}', "schema version 99"),
    ],
)
def test_a_file_that_is_no_graph_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "graph.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(GraphFormatError, match=message) as caught:
        TemporalGraph.load(path)
    assert "graph.json" in str(caught.value)


def test_saving_where_nothing_can_be_written_is_refused(
    graph: TemporalGraph, tmp_path: Path
) -> None:
    with pytest.raises(GraphFormatError, match="Cannot write"):
        graph.save(tmp_path / "missing" / "graph.json")


def test_networkx_is_imported_only_when_used(tmp_path: Path) -> None:
    code = "import sys, reelgraph.graph.temporal; print('networkx' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"


QUARTERS = st.integers(0, 48).map(lambda n: n / 4)
SPANS = st.tuples(QUARTERS, QUARTERS).map(lambda pair: Interval(min(pair), max(pair)))
RELATIONS = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from(["holds", "holding", "near", "left of", "hands"]),
        st.integers(1, 5),
        SPANS,
        st.none() | st.integers(1, 5),
    ),
    max_size=30,
)


@given(
    RELATIONS,
    st.none() | st.integers(1, 5),
    st.none() | st.sampled_from(["hold", "near", "right of"]),
    st.none() | st.integers(1, 5),
    st.none() | SPANS.filter(lambda i: i.end < 12),
    st.none() | st.sampled_from(ALLEN_NAMES),
)
def test_relations_equal_a_scan(
    rows: list[tuple[int, str, int, Interval, int | None]],
    subject: int | None,
    predicate: str | None,
    other: int | None,
    during: Interval | None,
    name: str | None,
) -> None:
    stored = tuple(
        relation(f"r{n}", a, p, b, intervals=(span,), recipient=recipient)
        for n, (a, p, b, span, recipient) in enumerate(rows, start=1)
    )
    graph = TemporalGraph(story().model_copy(update={"relations": stored}))

    def fits(r: Relation, turned: bool) -> bool:
        first, second = (other, subject) if turned else (subject, other)
        names = {"hold": ({"holds", "holding"}, set()), "near": ({"near"}, {"near"})}
        said = names.get(predicate or "", (set(), {"left of"}))[turned]
        return (
            (predicate is None or r.predicate in said)
            and first in {None, r.subject}
            and second in {None, r.object, r.recipient}
            and (during is None or overlap(r.intervals[0], during))
            and (name is None or allen(r.intervals[0], Interval(2, 5)) == name)
        )

    expected = [r for r in stored if fits(r, False) or (predicate and fits(r, True))]
    expected.sort(key=lambda r: (r.start, r.end, int(r.id[1:])))
    try:
        found = graph.relations(
            subject, predicate, other, during=during, allen=None if name is None else (name, (2, 5))
        )
    except QueryError:
        assert not expected
    else:
        assert found == expected


def test_ends_a_little_apart_count_as_equal_where_a_tolerance_is_given() -> None:
    graph = TemporalGraph(story())
    window = (3.05, 4.0)
    assert "r2" not in {r.id for r in graph.relations(allen=("meets", window))}
    assert "r2" in {r.id for r in graph.relations(allen=("meets", window), tolerance=0.1)}
