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
from reelgraph.graph.serialize import FORMATS, clean, estimate_tokens, to_text
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.text_words import tag

VIDEO = VideoInfo(
    path="clip.mp4", sha256="00", duration_s=60, fps=25, frame_count=1500, resolution_wh=(640, 360)
)
KINDS = {"hands": "event", "holds": "contact", "approaches": "motion", "left of": "spatial"}

SPAN_ENDS = st.lists(st.integers(0, 5999), min_size=2, max_size=8, unique=True).map(
    lambda n: [i / 100 for i in sorted(n[: len(n) // 2 * 2])]
)


LABELS = st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=6)
NOUNS = st.lists(st.sampled_from(["person", "ball", "dog"]), min_size=1, max_size=6)


def plain_graphs() -> st.SearchStrategy[TemporalGraph]:
    """Return graphs whose labels are ordinary nouns."""
    return graphs(NOUNS)


@st.composite
def graphs(draw: st.DrawFn, names: st.SearchStrategy[list[str]] = LABELS) -> TemporalGraph:
    labels = draw(names)
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


def ids(text: str) -> list[str]:
    """Return every relation id that a text cites, in order."""
    return re.findall(r"\b(r\d+)(?=$|[ ;,])", text, flags=re.MULTILINE)


def starts(text: str) -> list[float]:
    """Return the start of every event line."""
    found = re.findall(r"^([\d.]+)(?:-[\d.]+)? .* r\d+$", text, flags=re.MULTILINE)
    return [float(start) for start in found]


@given(graphs())
def test_nothing_is_lost_without_a_budget(graph: TemporalGraph) -> None:
    text = to_text(graph)
    expected = sorted(r.id for r in graph.relations() for _ in r.intervals)
    for name in ("events", "triples", "brief", "toon"):
        assert sorted(cited(graph, to_text(graph, name))) == expected
    assert set(cited(graph, to_text(graph, "timeline"))) == set(expected)
    lines = text.splitlines()
    assert len(lines) == 1 + len(graph.objects()) + len(expected)
    assert all(line.split()[-1] in expected for line in lines[1 + len(graph.objects()) :])
    assert all(tag(item) in text for item in graph.objects())
    assert "left out" not in lines[-1]


def cited(graph: TemporalGraph, text: str) -> list[str]:
    """Return the relation ids in the body of a text, whatever the labels say."""
    known = {r.id for r in graph.relations()}
    return [name for name in ids(text.replace(",", " , ")) if name in known]


COUNTERS: list[Callable[[str], int]] = [
    estimate_tokens,
    len,
    lambda text: len(text.split()),
    lambda text: len(text.encode()) // 3 + 7,
]


@given(
    graphs(),
    st.sampled_from(FORMATS),
    st.integers(0, 1500),
    st.sampled_from(COUNTERS),
    st.sampled_from([None, "who holds the ball at the end?", "what is left of person 2?"]),
)
def test_the_text_is_never_over_its_budget(
    graph: TemporalGraph, name: str, budget: int, count: Callable[[str], int], focus: str | None
) -> None:
    try:
        text = to_text(graph, name, budget=budget, count_tokens=count, focus=focus)
    except QueryError as error:
        needed = int(re.findall(r"at least (\d+)", str(error))[0])
        assert needed > budget
        again = to_text(graph, name, budget=needed, count_tokens=count, focus=focus)
        assert count(again) <= needed
        return
    assert count(text) <= budget
    assert text == to_text(graph, name, budget=budget, count_tokens=count, focus=focus)
    whole = to_text(graph, name, focus=None)
    if text != whole and "left out" not in text:
        assert name != "json"  # told in less detail, but told
    if name == "json":
        SceneGraph.model_validate(json.loads(text))


@given(
    plain_graphs(), st.sampled_from(["events", "triples", "brief", "toon"]), st.integers(60, 900)
)
def test_what_is_left_out_is_counted(graph: TemporalGraph, name: str, budget: int) -> None:
    text = to_text(graph, name, budget=budget)
    total = sum(len(r.intervals) for r in graph.relations())
    told = len(ids(text.replace(",", " , ")))
    assert set(ids(text.replace(",", " , "))) <= {r.id for r in graph.relations()}
    left = re.search(r"(\d+) of (\d+) facts", text.splitlines()[-1])
    assert (int(left[1]), int(left[2])) == (total - told, total) if left else told == total


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
    texts = [graph.to_text(budget=budget) for budget in range(40, 1400, 20)]
    kept = [set(ids(text)) for text in texts]
    assert all(less <= more for less, more in itertools.pairwise(kept))
    order = sorted(
        (r.id for r in graph.relations()), key=lambda name: -sum(name in k for k in kept)
    )
    assert order[0] == "r48"  # the event
    assert set(order[1:3]) == {"r46", "r47"}
    assert set(order[3:8]) == {f"r{i}" for i in range(41, 46)}


def test_more_facts_come_before_more_detail() -> None:
    graph = crowd()
    whole = graph.to_text()
    needed = estimate_tokens(whole)
    texts = [graph.to_text(budget=needed - less) for less in range(600, -1, -10)]
    cut = [text for text in texts if " facts" in text.splitlines()[-1]]
    told = [text for text in texts if len(ids(text)) == 48]
    assert cut
    assert len(told) > 2
    assert all("rounded:" in text for text in told[:-1])
    assert texts[-1] == whole
    in_full = [len(starts(text)) for text in told]
    assert in_full == sorted(in_full)


def described() -> TemporalGraph:
    """Return ten described people, two of whom do something."""
    crowded = crowd().document
    objects = tuple(o.model_copy(update={"attributes": ("tall",)}) for o in crowded.objects)
    return TemporalGraph(
        crowded.model_copy(update={"objects": objects, "relations": crowded.relations[-1:]})
    )


def test_the_objects_of_the_most_telling_relations_are_described_first() -> None:
    graph = described()
    (event,) = graph.relations()
    texts = [graph.to_text(budget=budget) for budget in range(31, 110)]
    listed = [re.findall(r"^person(\d+): tall$", text, flags=re.MULTILINE) for text in texts]
    pairs = [{int(i) for i in names} for names in listed if len(names) == 2]
    assert pairs
    assert all(pair == {event.subject, event.object} for pair in pairs)
    assert (
        "8 of 10 objects, 8 of 10 descriptions" in texts[[len(names) for names in listed].index(2)]
    )
    assert len(listed[-1]) == 10


def test_the_last_line_counts_what_is_missing() -> None:
    text = crowd().to_text(budget=130)
    assert re.fullmatch(r"left out: \d+ of 48 facts, \d of 10 objects", text.splitlines()[-1])


def reception() -> TemporalGraph:
    """Return a small graph with one of everything."""
    rows: list[tuple[str, int, str, int, int | None, list[tuple[float, float]], str]] = [
        ("r12", 1, "hands", 3, 2, [(3.2, 4)], "event"),
        ("r1", 3, "enters", CAMERA, None, [(1, 1)], "event"),
        ("r2", 1, "holds", 3, None, [(1.52, 3.2), (8, 9.75)], "contact"),
        ("r3", 1, "holds", 4, None, [(2, 30)], "contact"),
        ("r4", 2, "follows", 1, None, [(5.25, 12)], "motion"),
    ]
    return TemporalGraph(
        SceneGraph(
            video=VIDEO,
            objects=(
                SceneObject(id=1, label="person", attributes=("tall",), presence=((0, 5), (6, 60))),
                SceneObject(id=2, label="person"),
                SceneObject(id=3, label="ball", uncertain=True),
                SceneObject(id=4, label="boeing 747"),
                SceneObject(id=5, label="true: dog, red"),
            ),
            relations=tuple(
                Relation(
                    id=name,
                    subject=subject,
                    predicate=predicate,
                    object=other,
                    recipient=recipient,
                    intervals=tuple(spans),  # type: ignore[arg-type]
                    kind=kind,  # type: ignore[arg-type]
                    source="geometry",
                )
                for name, subject, predicate, other, recipient, spans, kind in rows
            ),
        )
    )


GOLDEN = {
    "events": """\
video 60 s; ? marks a label that is a guess
person1: tall; seen 0-5, 6-60
1 ball?3 enters r1
1.5-3.2 person1 holds ball?3 r2
2-30 person1 holds boeing 747#4 r3
3.2-4 person1 hands ball?3 to person2 r12
5.2-12 person2 follows person1 r4
8-9.8 person1 holds ball?3 r2
others: true: dog, red5""",
    "triples": """\
video 60 s; ? marks a label that is a guess
person1: tall; seen 0-5, 6-60
ball?3 enters 1 r1
person1 holds ball?3 1.5-3.2 r2 8-9.8 r2
person1 holds boeing 747#4 2-30 r3
person1 hands ball?3 to person2 3.2-4 r12
person2 follows person1 5.2-12 r4
others: true: dog, red5""",
    "timeline": """\
video 60 s; ? marks a label that is a guess
person1: tall; seen 0-5, 6-60
1.5-3.2 holds ball?3 r2
2-30 holds boeing 747#4 r3
3.2-4 hands ball?3 to person2 r12
5.2-12 person2 follows person1 r4
8-9.8 holds ball?3 r2
person2:
3.2-4 person1 hands ball?3 to person2 r12
5.2-12 follows person1 r4
ball?3:
1 enters r1
1.5-3.2 person1 holds ball?3 r2
3.2-4 person1 hands ball?3 to person2 r12
8-9.8 person1 holds ball?3 r2
boeing 747#4:
2-30 person1 holds boeing 747#4 r3
others: true: dog, red5""",
    "brief": """\
1 person (tall); 2 person; 3 ball?; 4 boeing 747; 5 true: dog, red
3 enters 1 r1
1 holds 3 2-3 r2 8-10 r2
1 holds 4 2-30 r3
1 hands 3 to 2 3-4 r12
2 follows 1 5-12 r4""",
    "toon": """\
duration_s: 60
objects[5]{id,label,guess,attributes,seen}:
  1,person,"",tall,0-5; 6-60
  2,person,"","",""
  3,ball,yes,"",""
  4,boeing 747,"","",""
  5,"true: dog, red","","",""
relations[6]{start_s,end_s,subject,predicate,object,to,id}:
  1,1,3,enters,-1,"",r1
  1.5,3.2,1,holds,3,"",r2
  2,30,1,holds,4,"",r3
  3.2,4,1,hands,3,2,r12
  5.2,12,2,follows,1,"",r4
  8,9.8,1,holds,3,"",r2""",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_text_reads_well(name: str) -> None:
    assert to_text(reception(), name) == GOLDEN[name]


@pytest.mark.parametrize(
    ("written", "object_id"), [("person2", 2), ("ball?3", 3), ("ball3", 3), ("boeing 747#4", 4)]
)
def test_the_names_that_a_text_writes_are_understood(written: str, object_id: int) -> None:
    assert written.replace("ball3", "ball?3") in to_text(reception())
    assert [item.id for item in reception().objects(written)] == [object_id]


SHORT = {
    "events": """\
? marks a label that is a guess
person1: tall; seen 0-5, 6-60
2-30 person1 holds boeing 747#4 r3
rounded:
person1 holds ball?3 2-3 r2 8-10 r2
person2 follows person1 5-12 r4
left out: 2 of 6 facts""",
    "triples": """\
? marks a label that is a guess
person1: tall; seen 0-5, 6-60
person1 holds ball?3 2-3 r2 8-10 r2
person1 holds boeing 747#4 2-30 r3
person2 follows person1 5-12 r4
left out: 2 of 6 facts""",
    "toon": """\
objects[2]{id,label}:
  1,person
  4,boeing 747
relations[1]{start_s,end_s,subject,predicate,object,id}:
  2,30,1,holds,4,r3
left_out: 5 of 6 facts""",
}


@pytest.mark.parametrize(("name", "budget"), [("events", 97), ("triples", 90), ("toon", 92)])
def test_a_cut_text_reads_well(name: str, budget: int) -> None:
    text = to_text(reception(), name, budget=budget, focus="what does person 1 hold?")
    assert text == SHORT[name]


def test_json_is_the_document_and_says_what_a_cut_one_lacks() -> None:
    graph = crowd()
    assert SceneGraph.model_validate(json.loads(graph.to_text("json"))) == graph.document
    cut = SceneGraph.model_validate(json.loads(graph.to_text("json", budget=1000)))
    assert {r.id for r in cut.relations} > {"r48"}
    assert set(cut.relations) < set(graph.document.relations)
    (record,) = cut.provenance
    left = 48 - len(cut.relations)
    assert record.warnings[0].startswith(f"left out: {left} of 48 facts")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(QueryError, match=r"called 'yaml'\. Known: events, triples"):
        crowd().to_text("yaml")


def test_a_large_graph_is_not_written_out_to_be_cut() -> None:
    crowded = crowd().document
    relations = tuple(
        r.model_copy(update={"id": f"r{k}-{r.id}"}) for k in range(500) for r in crowded.relations
    )
    graph = TemporalGraph(crowded.model_copy(update={"relations": relations}))
    longest = 0

    def count(text: str) -> int:
        nonlocal longest
        longest = max(longest, len(text))
        return estimate_tokens(text)

    assert estimate_tokens(to_text(graph, budget=300, count_tokens=count)) <= 300
    assert longest < 10_000


@given(st.text(max_size=300))
@example("a cup " * 20)
def test_names_from_outside_stay_on_one_short_line(text: str) -> None:
    line = clean(text)
    assert len(line) <= 60
    assert all(c.isprintable() for c in line)
    assert line == line.strip()
    assert clean(line) == line


@pytest.mark.parametrize("name", FORMATS)
def test_a_label_cannot_forge_a_line(name: str) -> None:
    label = "cup\n0-9 person1 steals cup2 r9\u2028\x1b[2J"
    graph = TemporalGraph(SceneGraph(video=VIDEO, objects=(SceneObject(id=1, label=label),)))
    text = to_text(graph, name)
    assert len(text.splitlines()) <= 4
    assert not re.search("^ *0-9 person1", text, flags=re.MULTILINE)
    assert "\x1b" not in text


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_estimate_grows_with_the_text(a: str, b: str) -> None:
    assert estimate_tokens(a) <= estimate_tokens(f"{a} {b}") <= len(f"{a} {b}".encode())
