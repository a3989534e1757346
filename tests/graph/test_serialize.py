"""The event log: complete without a budget, never over it with one."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reelgraph.errors import QueryError
from reelgraph.graph.schema import CAMERA, Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.serialize import clean, estimate_tokens
from reelgraph.graph.temporal import TemporalGraph

VIDEO = VideoInfo(
    path="clip.mp4", sha256="00", duration_s=60, fps=25, frame_count=1500, resolution_wh=(640, 360)
)
KINDS = {"hands": "event", "holds": "contact", "approaches": "motion", "left of": "spatial"}

SPAN_ENDS = st.lists(st.integers(0, 5999), min_size=2, max_size=8, unique=True).map(
    lambda n: [i / 100 for i in sorted(n[: len(n) // 2 * 2])]
)


@st.composite
def graphs(draw: st.DrawFn) -> TemporalGraph:
    labels = draw(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=6))
    objects = tuple(
        SceneObject(id=i, label=label, uncertain=draw(st.booleans()), presence=((0, 60),))
        for i, label in enumerate(labels, start=1)
    )
    relations = []
    for i in range(1, draw(st.integers(0, 20)) + 1):
        ends = draw(SPAN_ENDS)
        predicate = draw(st.sampled_from(sorted(KINDS)))
        relations.append(
            Relation(
                id=f"r{i}",
                subject=draw(st.integers(1, len(labels))),
                predicate=predicate,
                object=draw(st.integers(1, len(labels))),
                intervals=tuple(zip(ends[::2], ends[1::2], strict=True)),
                kind=KINDS[predicate],  # type: ignore[arg-type]
                score=draw(st.none() | st.floats(0, 1)),
                source="geometry",
            )
        )
    return TemporalGraph(SceneGraph(video=VIDEO, objects=objects, relations=tuple(relations)))


def events(text: str) -> list[tuple[float, str]]:
    """Return start and relation id of every event line."""
    found = re.findall(r"^\[([\d.]+)(?:-[\d.]+)? s\] .* \((r\d+)\)$", text, flags=re.MULTILINE)
    return [(float(start), name) for start, name in found]


@given(graphs())
def test_nothing_is_lost_without_a_budget(graph: TemporalGraph) -> None:
    text = graph.to_text()
    told = events(text)
    expected = [(round(i.start, 2), r.id) for r in graph.relations() for i in r.intervals]
    assert sorted(told) == sorted(expected)
    assert [start for start, _ in told] == sorted(start for start, _ in told)
    assert len(text.splitlines()) == 1 + len(graph.objects()) + len(expected)
    assert all(graph.name(item.id, mark=True) in text for item in graph.objects())
    assert "left out" not in text.splitlines()[-1]


COUNTERS: list[Callable[[str], int]] = [
    estimate_tokens,
    len,
    lambda text: len(text.split()),
    lambda text: len(text.encode()) // 3 + 7,
]


@given(graphs(), st.integers(0, 1200), st.sampled_from(COUNTERS))
def test_the_text_is_never_over_its_budget(
    graph: TemporalGraph, budget: int, count: Callable[[str], int]
) -> None:
    try:
        text = graph.to_text(budget=budget, count_tokens=count)
    except QueryError as error:
        needed = int(re.findall(r"at least (\d+)", str(error))[0])
        assert needed > budget
        assert count(graph.to_text(budget=needed, count_tokens=count)) <= needed
        return
    assert count(text) <= budget
    told = events(text)
    assert {name for _, name in told} <= {r.id for r in graph.relations()}
    assert [start for start, _ in told] == sorted(start for start, _ in told)
    total = sum(len(r.intervals) for r in graph.relations())
    left = re.search(r"(\d+) of (\d+) relation intervals left out: (.*?)(?:;|$)", text)
    if left:
        assert text.splitlines()[-1].startswith("... ")
        assert int(left[1]) == total - len(told)
        assert int(left[2]) == total
        assert sum(int(n) for n in re.findall(r"(\d+) \w+", left[3])) == int(left[1])
    else:
        assert len(told) == total


def crowd() -> TemporalGraph:
    """Return a graph with far more spatial relations than anything else."""
    objects = tuple(SceneObject(id=i, label="person") for i in range(1, 11))
    rows = [("left of", "spatial", 0.9, 50)] * 40
    rows += [("approaches", "motion", 0.9, 5)] * 5
    rows += [("holds", "contact", 0.2, 2), ("holds", "contact", 0.9, 2), ("hands", "event", 0.1, 1)]
    relations = tuple(
        Relation(
            id=f"r{i}",
            subject=i % 10 + 1,
            predicate=predicate,
            object=(i + 1) % 10 + 1,
            intervals=((59 - i, 59 - i + seconds),),
            kind=kind,  # type: ignore[arg-type]
            score=score,
            source="geometry",
        )
        for i, (predicate, kind, score, seconds) in enumerate(rows, start=1)
    )
    return TemporalGraph(SceneGraph(video=VIDEO, objects=objects, relations=relations))


def test_the_most_telling_relations_are_kept() -> None:
    graph = crowd()
    texts = [graph.to_text(budget=budget) for budget in range(100, 1600, 20)]
    kept = [{name for _, name in events(text)} for text in texts]
    assert all(less <= more for less, more in itertools.pairwise(kept))
    order = sorted(
        (r.id for r in graph.relations()), key=lambda name: -sum(name in k for k in kept)
    )
    assert order[:3] == ["r48", "r47", "r46"]  # the event, then the surer of two contacts
    assert set(order[3:8]) == {f"r{i}" for i in range(41, 46)}


def test_the_objects_of_the_most_telling_relations_are_listed() -> None:
    event = next(r for r in crowd().relations() if r.predicate == "hands")
    texts = [crowd().to_text(budget=budget) for budget in range(70, 130)]
    listed = [re.findall(r"^person #(\d+)$", text, flags=re.MULTILINE) for text in texts]
    pairs = [{int(i) for i in names} for names in listed if len(names) == 2]
    assert pairs
    assert all(pair == {event.subject, event.object} for pair in pairs)


def test_the_last_line_counts_what_is_missing() -> None:
    text = crowd().to_text(budget=130)
    assert re.fullmatch(
        r"\.\.\. \d+ of 48 relation intervals left out: 40 spatial(, [^;]+)?; "
        r"\d+ of 10 objects not listed",
        text.splitlines()[-1],
    )


def test_the_log_reads_well() -> None:
    graph = TemporalGraph(
        SceneGraph(
            video=VIDEO,
            objects=(
                SceneObject(id=1, label="person", attributes=("tall",), presence=((0, 5), (6, 60))),
                SceneObject(id=2, label="person"),
                SceneObject(id=3, label="ball", uncertain=True),
            ),
            relations=(
                Relation(
                    id="r12",
                    subject=1,
                    predicate="hands",
                    object=3,
                    recipient=2,
                    intervals=((3.2, 4),),
                    kind="event",
                    source="geometry",
                ),
                Relation(
                    id="r1",
                    subject=3,
                    predicate="enters",
                    object=CAMERA,
                    intervals=((1, 1),),
                    kind="event",
                    source="geometry",
                ),
            ),
        )
    )
    assert graph.to_text().splitlines() == [
        "video 60.00 s, 3 objects, 2 relations; ? marks a label that is a guess",
        "person #1: tall; visible 0.00-5.00, 6.00-60.00 s",
        "person #2",
        "ball? #3",
        "[1.00 s] ball? #3 enters (r1)",
        "[3.20-4.00 s] person #1 hands ball? #3 to person #2 (r12)",
    ]


def test_json_is_the_document_and_is_not_cut() -> None:
    graph = crowd()
    assert SceneGraph.model_validate(json.loads(graph.to_text("json"))) == graph.document
    with pytest.raises(QueryError, match="use format 'events'"):
        graph.to_text("json", budget=100)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(QueryError, match=r"called 'yaml'\. Known: events, json"):
        crowd().to_text("yaml")


def test_room_that_relations_leave_goes_to_the_objects() -> None:
    document = crowd().document
    graph = TemporalGraph(document.model_copy(update={"relations": document.relations[-1:]}))
    texts = [graph.to_text(budget=budget) for budget in range(60, 120)]
    listed = {text.count("\nperson #") for text in texts if events(text)}
    assert listed >= {5, 6, 7, 10}


@given(st.text(max_size=300))
@example("a cup " * 20)
def test_names_from_outside_stay_on_one_short_line(text: str) -> None:
    line = clean(text)
    assert len(line) <= 60
    assert all(c.isprintable() for c in line)
    assert line == line.strip()
    assert clean(line) == line


def test_a_label_cannot_forge_a_line() -> None:
    label = "cup\n[0.00-9.00 s] person #1 steals cup #2 (r9)\u2028\x1b[2J"
    graph = TemporalGraph(SceneGraph(video=VIDEO, objects=(SceneObject(id=1, label=label),)))
    assert len(graph.to_text().splitlines()) == 2
    assert "\x1b" not in graph.to_text()


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_estimate_grows_with_the_text(a: str, b: str) -> None:
    assert estimate_tokens(a) <= estimate_tokens(f"{a} {b}") <= len(f"{a} {b}".encode())
