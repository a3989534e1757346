"""Focus: the relations that matter for a question come first, and the rest is accounted for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import QueryError
from reelgraph.graph.focus import Focus, focus, ranking
from reelgraph.graph.schema import CAMERA, Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.serialize import to_text
from reelgraph.graph.temporal import TemporalGraph

VIDEO = VideoInfo(
    path="clip.mp4", sha256="00", duration_s=60, fps=25, frame_count=1500, resolution_wh=(640, 360)
)
KINDS = {"hands": "event", "enters": "event", "left of": "spatial", "near": "spatial"}


def graph_of(
    *rows: tuple[int, str, int, float, float], score: float | None = None
) -> TemporalGraph:
    """Return a graph of rows (subject, predicate, object, start, end), named r1, r2, ..."""
    labels = [
        ("man", ("red shirt", "tall")),
        ("man", ("blue shirt",)),
        ("dog", ()),
        ("sofa", ()),
        ("ball", ()),
        ("woman", ()),
    ]
    relations = tuple(
        Relation(
            id=f"r{i}",
            subject=subject,
            predicate=predicate,
            object=other,
            intervals=((start, end),),
            kind=KINDS.get(predicate, "contact"),  # type: ignore[arg-type]
            score=score,
            source="people",
        )
        for i, (subject, predicate, other, start, end) in enumerate(rows, start=1)
    )
    objects = tuple(
        SceneObject(id=i, label=label, attributes=traits)
        for i, (label, traits) in enumerate(labels, start=1)
    )
    return TemporalGraph(SceneGraph(video=VIDEO, objects=objects, relations=relations))


def first(graph: TemporalGraph, question: str) -> str:
    return ranking(graph, question)[0].relation_id


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("what does the dog do?", "r3"),
        ("what do the puppies do?", "r3"),  # a synonym
        ("where is the animal?", "r3"),  # a wider kind
        ("what happens to the couch?", "r4"),
        ("what does the man in red hold?", "r1"),
        ("what does the man in the blue shirt hold?", "r2"),
        ("what does the lady do?", "r4"),
        ("what does person #2 do?", "r2"),
        ("what does man2 do?", "r2"),
    ],
)
def test_what_the_question_names_comes_first(question: str, expected: str) -> None:
    graph = graph_of(
        (1, "holds", 5, 20, 30),
        (2, "holds", 5, 20, 30),
        (3, "bites", 5, 20, 30),
        (6, "touches", 4, 20, 30),
    )
    assert first(graph, question) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("who holds the ball?", "r1"),
        ("who is carrying the ball?", "r1"),  # a synonym
        ("who threw the ball?", "r2"),
        ("who is near the ball?", "r3"),
    ],
)
def test_what_the_question_says_comes_first(question: str, expected: str) -> None:
    graph = graph_of((1, "holds", 5, 20, 30), (1, "throws", 5, 20, 30), (1, "near", 5, 20, 30))
    assert first(graph, question) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("what does the man hold at the beginning?", "r1"),
        ("what does the man hold first?", "r1"),
        ("what does the man hold in the middle of the video?", "r3"),
        ("what does the man hold at the end of the clip?", "r5"),
        ("what does the man hold last?", "r5"),
        ("what does the man hold at 3 s?", "r1"),
        ("what does the man hold between 40 and 44 seconds?", "r4"),
        ("what does the man hold at 0:29?", "r3"),
        ("what does the man hold after 50 s?", "r5"),
        ("what does the man hold before 6 seconds?", "r1"),
        ("what does the man hold in the last 5 seconds?", "r5"),
    ],
)
def test_words_and_numbers_of_time_decide(question: str, expected: str) -> None:
    spans = [(2, 6), (14, 18), (28, 32), (40, 44), (54, 58)]
    graph = graph_of(*((1, "holds", 5, start, end) for start, end in spans))
    assert first(graph, question) == expected


def test_a_brief_event_that_is_asked_about_comes_before_what_lasts() -> None:
    graph = graph_of((5, "left of", 2, 0, 60), (5, "near", 6, 0, 60), (1, "hands", 5, 20, 21))
    assert first(graph, "Who hands the ball?") == "r3"


def test_what_is_near_in_time_to_a_hit_comes_before_what_is_far() -> None:
    graph = graph_of((2, "touches", 4, 2, 4), (3, "bites", 5, 20, 22), (2, "touches", 4, 23, 25))
    order = [item.relation_id for item in ranking(graph, "why does the dog bite the ball?")]
    assert order == ["r2", "r3", "r1"]


@pytest.mark.parametrize(("word", "expected"), [("after", "r3"), ("before", "r1")])
def test_before_and_after_look_to_one_side_of_the_hit(word: str, expected: str) -> None:
    graph = graph_of((1, "touches", 4, 22, 24), (3, "bites", 5, 29, 31), (1, "touches", 4, 36, 38))
    ranked = [i.relation_id for i in ranking(graph, f"what happens {word} the dog bites the ball?")]
    ranked.remove("r2")
    assert ranked[0] == expected


def test_neighbours_of_what_is_named_come_before_strangers() -> None:
    graph = graph_of((3, "bites", 5, 2, 50), (5, "touches", 4, 20, 22), (1, "touches", 6, 20, 22))
    order = [item.relation_id for item in ranking(graph, "what about the dog?")]
    assert order == ["r1", "r2", "r3"]


def test_an_event_comes_before_a_position_and_the_certain_before_the_unsure() -> None:
    graph = graph_of((1, "left of", 5, 10, 14), (1, "hands", 5, 10, 14))
    assert first(graph, "what happens?") == "r2"
    unsure = graph.document.relations[1].model_copy(update={"id": "r3", "score": 0.1})
    sure = graph.document.relations[1].model_copy(update={"id": "r4", "score": 0.9})
    both = TemporalGraph(graph.document.model_copy(update={"relations": (unsure, sure)}))
    assert first(both, "what happens?") == "r4"


def busy() -> TemporalGraph:
    return graph_of(
        *((1, "left of", 6, start, start + 4) for start in range(0, 56, 4)),
        (3, "bites", 5, 30, 32),
        (2, "holds", 5, 33, 36),
        (6, "enters", CAMERA, 1, 1),
    )


def test_a_focus_is_a_graph_and_says_what_it_left_out() -> None:
    found = focus(busy(), "why does the dog bite the ball?")
    assert found.kept[:2] == ("r15", "r16")
    assert {r.id for r in found.graph.relations()} == set(found.kept)
    assert {3, 5} <= {item.id for item in found.graph.objects()}
    left = 17 - len(found.kept)
    assert found.left_out.startswith(f"Left out as less relevant: {left} of 17 relations (")
    assert "'left of'" in found.left_out
    assert found.left_out.endswith("objects.")
    assert found.left_out.count(".") == 1
    assert any(found.left_out in note for note in found.graph.diagnostics())
    assert [item.score for item in found.ranked] == sorted(
        (item.score for item in found.ranked), reverse=True
    )
    assert found.ranked[0].score == 1


def test_nothing_is_left_out_where_everything_matters() -> None:
    objects = (SceneObject(id=3, label="dog"), SceneObject(id=5, label="ball"))
    whole = graph_of((3, "bites", 5, 30, 32)).document
    graph = TemporalGraph(whole.model_copy(update={"objects": objects}))
    assert focus(graph, "what does the dog bite?").left_out == "Nothing was left out."


@given(st.integers(40, 500), st.sampled_from(["who holds the ball?", "", "when does it end?"]))
def test_a_budget_keeps_what_a_log_of_that_size_tells(budget: int, question: str) -> None:
    found = focus(busy(), question, budget=budget)
    text = to_text(busy(), budget=budget, focus=question)
    assert set(found.kept) == set(re.findall(r" (r\d+)\b", text))
    assert found.ranked == tuple(ranking(busy(), question))


def test_a_text_can_be_focused_by_question_or_by_what_was_found() -> None:
    question = "why does the dog bite the ball?"
    found = focus(busy(), question)
    assert to_text(busy(), focus=question) == to_text(busy(), focus=found)
    assert set(re.findall(r" (r\d+)$", to_text(busy(), focus=found), re.MULTILINE)) == set(
        found.kept
    )
    assert to_text(busy(), budget=60, focus=question).splitlines()[-1].startswith("left out: ")


def test_only_the_objects_of_the_focus_are_described() -> None:
    rows = [(2, "left of", 6, start, start + 1) for start in range(20)]
    graph = graph_of(*rows, (1, "holds", 3, 40, 50))
    found = focus(graph, "who holds the dog?")
    assert "man1: red shirt, tall" in to_text(graph, focus=found)
    part = focus(graph, "who holds the dog?", budget=30)
    assert part.kept == ("r21",)
    assert "man1: red shirt, tall" in to_text(graph, focus=part)
    assert "man2" not in to_text(graph, focus=part)


@pytest.mark.parametrize("length", [0.2, 1, 20])
def test_what_says_just_what_is_asked_comes_first_however_short(length: float) -> None:
    rows = [(1, "holds", 5, 0, 60), (1, "touches", 6, 0, 60), (1, "pats", 3, 30, 30 + length)]
    assert first(graph_of(*rows), "when does the man pat the dog?") == "r3"


def test_a_focus_on_another_graph_is_refused() -> None:
    found: Focus = focus(busy(), "who holds the ball?")
    with pytest.raises(QueryError, match="No relation has id 'r1"):
        to_text(graph_of((1, "holds", 5, 1, 2)), focus=found)


def test_a_graph_without_relations_has_an_empty_focus() -> None:
    found = focus(graph_of(), "who holds the ball?")
    assert found.kept == ()
    assert [item.label for item in found.graph.objects()] == ["ball"]
