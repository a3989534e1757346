"""Sequences with variables, absences, repeats and conditions on time."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.errors import QueryError
from reelgraph.graph import pattern_search
from reelgraph.graph.intervals import ALLEN_NAMES, allen, hull, overlap
from reelgraph.graph.pattern_language import (
    Absence,
    AllenLink,
    Pattern,
    Step,
    Variable,
    parse_pattern,
)
from reelgraph.graph.patterns import PatternMatch, match_pattern
from reelgraph.graph.schema import (
    CAMERA,
    Interval,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)
from reelgraph.graph.temporal import TemporalGraph


def made(
    labels: dict[int, str], facts: list[tuple[Any, ...]], duration_s: float = 12.0
) -> TemporalGraph:
    """Return a graph of facts (subject, predicate, object, intervals[, recipient])."""
    video = VideoInfo(
        path="clip.mp4",
        sha256="00",
        duration_s=duration_s,
        fps=25,
        frame_count=300,
        resolution_wh=(64, 36),
    )
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
    objects = tuple(SceneObject(id=i, label=label) for i, label in labels.items())
    return TemporalGraph(SceneGraph(video=video, objects=objects, relations=relations))


LABELS = {1: "man", 2: "woman", 3: "ball", 4: "dog", 5: "cup"}
STORY = made(
    LABELS,
    [
        (1, "holds", 3, [(0, 3)]),
        (1, "hands", 3, [(3, 3.5)], 2),
        (2, "holds", 3, [(3.5, 6), (7, 9)]),
        (4, "sniffs", 3, [(6.2, 6.5)]),
        (4, "follows", 2, [(5, 9)]),
        (4, "enters", CAMERA, [(4.5, 4.5)]),
        (1, "hits", 5, [(1, 1.2), (2, 2.2), (4, 4.1), (10, 10.5)]),
        (1, "left of", 2, [(0, 12)]),
        (3, "near", 5, [(0, 2)]),
    ],
)


def found(text: str, **options: Any) -> list[str]:
    return [" ".join(m.relations) for m in match_pattern(STORY, text, **options)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("?a hold ?x; then within 2 s ?b hold ?x", ["r1 r3"]),
        ("?a hold ?x; then within 0.2 s ?b hold ?x", []),
        ("?a hold ?x; then after 2 s ?b hold ?x", ["r1 r3"]),
        ("?a hold ?x; then after 0.2 s within 2s ?b hold ?x", ["r1 r3"]),
        ("?a hold ?x; ?b hold ?x; where ?a may be ?b", ["r1 r3", "r1 r3", "r3"]),
        ('?a hands "ball" to ?b; then ?b hold _', ["r2 r3", "r2 r3"]),
        ("?a hands ?x to ?a", []),
        ("?b:woman held", ["r3", "r3"]),
        ("?x:ball held by man", ["r1"]),
        ("?p:person hold ?x\nwhile ?d:dog follow ?p", ["r3 r5", "r3 r5"]),
        ("?d enters", ["r6"]),
        ("_ enters camera", ["r6"]),
        ("?d enters ?where", []),
        ("#1 hit cup {3}", ["r7", "r7"]),
        ("#1 hit cup {3,}", ["r7", "r7", "r7"]),
        ('?a hit ?x {2,2}; then within 1 s ?a hands "ball" to ?b', ["r7 r2"]),
        ("?a hold ?x; ?b hold ?x; without _ sniff ?x", ["r1 r3"]),
        ("woman hold ball; without dog sniff ball; then woman hold ball", []),
        ("woman hold ball; without within 0.1 s dog sniff ball; then woman hold ball", ["r3"]),
        ("man hold ball; without ?c sniff ?x; then woman hold ?x", ["r1 r3"]),
        ("without dog sniff ball; woman hold ball", ["r3"]),
        ("woman hold ball; without dog sniff ball", ["r3"]),
        ("without within 1 s ?d enters; ?d follow woman", []),
        ("without within 0.2 s ?d enters; ?d follow woman", ["r5"]),
        ("woman hold ball; without _ hit _", []),
        ("?b right of ?a; while ?a hold ?x", ["r8 r1"]),
        ("ball near ?c; while ?c near ball", []),
        ("?c near ?d", ["r9", "r9"]),
        ("?a hold ?x; and ?d follow ?a; where 1 overlaps or starts 2", ["r3 r5"]),
        ("?a hold ?x; and ?d follow ?a; where 2 overlapped by 1", ["r3 r5"]),
        ("?a _ cup {4}", ["r7"]),
        ("person hold _", ["r1", "r3", "r3"]),
    ],
)
def test_patterns_on_a_story(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_a_match_names_objects_and_times() -> None:
    (match,) = match_pattern(STORY, "?a hands ?x to ?b; then ?d follow ?b; then within 1s ?a hit _")
    assert match.objects == {"a": 1, "x": 3, "b": 2, "d": 4}
    assert match.interval == Interval(3, 10.5)
    assert [run[0].interval for run in match.steps] == [
        Interval(3, 3.5),
        Interval(5, 9),
        Interval(10, 10.5),
    ]


def test_ends_may_miss_each_other_by_the_tolerance() -> None:
    graph = made(LABELS, [(1, "holds", 3, [(0, 3.04)]), (2, "holds", 3, [(3, 5)])])
    text = "?a hold ?x; then ?b hold ?x"
    assert match_pattern(graph, text) == []
    assert len(match_pattern(graph, text, tolerance=0.05)) == 1
    meets = "?a hold ?x; and ?b hold ?x; where 1 meets 2"
    assert match_pattern(graph, meets) == []
    assert len(match_pattern(graph, meets, tolerance=0.05)) == 1


def test_words_may_be_wider_when_asked() -> None:
    assert found("?a carry ball", match="synonym") == ["r1", "r3", "r3"]
    with pytest.raises(QueryError, match="'carry'"):
        found("?a carry ball")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("?a hold ?x", Pattern((Step(Variable("a"), "hold", Variable("x")),))),
        (
            '?p:person pick up "red cup" ; while #3 is next to _',
            Pattern(
                (
                    Step(Variable("p", "person"), "pick up", "red cup"),
                    Step(3, "is next to", None, link="while"),
                )
            ),
        ),
        (
            '\n?c:"tea cup" moves\n\nthen after 1.5 sec within 4 seconds man walk to ?c{2,}',
            Pattern(
                (
                    Step(Variable("c", "tea cup"), "moves"),
                    Step("man", "walk to", Variable("c"), gap_s=(1.5, 4), repeat=(2, None)),
                )
            ),
        ),
        (
            "man give #3 to ?b; without within 5s ?c hold #3; and _ _ _; where 1 before or meets 2"
            " and ?b may be ?c",
            Pattern(
                (Step("man", "give", 3, Variable("b")), Step(None, None, None, link="and")),
                (Absence(Step(Variable("c"), "hold", 3), 1, 5.0),),
                (AllenLink(1, ("before", "meets"), 2),),
                (("b", "c"),),
            ),
        ),
    ],
)
def test_text_becomes_a_pattern(text: str, pattern: Pattern) -> None:
    assert parse_pattern(text) == pattern


@pytest.mark.parametrize(
    ("text", "problem", "place"),
    [
        ("", "at least one step", 1),
        ("where 1 before 1", "at least one step", 17),
        ("?a hold ?x; ?b", "SUBJECT predicate OBJECT", 15),
        ("?a hold ?x; then", "SUBJECT predicate OBJECT", 17),
        ("then ?a hold ?x", "needs a step before", 1),
        ("?a hold ?x; then within two s ?b hold ?x", "Expected seconds", 25),
        ("?a hold ?x; then after 3 s within 2 s ?b hold ?x", "at least 3 s", 28),
        ("?a hold ? x", "Cannot read '?'", 9),
        ("?a hold ?x {0,}", "at least 1", 12),
        ("?a hold ?x {3,2}", "at least 1", 12),
        ("?a hold ?x {x}", "Repeats read", 12),
        ("?a {2} hold ?x", "word of the predicate", 4),
        ("{2} hold ?x", "end of a step", 1),
        ("?a hold ?x ?y", "word of the predicate", 9),
        ('?a hold "cup', "Cannot read '\"'", 9),
        ("?a hold ?x; where 1 sometimes 1", "sometimes", 21),
        ("?a hold ?x; where 1", "Expected 'where", 19),
        ("?a hold ?x; where ?a may be b", "Expected a variable", 29),
        ("?a hold ?x; without ?b hold ?x {2}", "no repeats", 32),
    ],
)
def test_an_error_in_text_shows_the_place(text: str, problem: str, place: int) -> None:
    with pytest.raises(QueryError) as error:
        parse_pattern(text)
    message = str(error.value)
    assert problem in message
    assert f"at character {place} of the pattern" in message
    assert message.rsplit("\n", 1)[1].index("^") == place + 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("?a hold ?x; where 1 before 2", "no step 2"),
        ("?a hold ?x; where ?a may be ?z", "no variable"),
        ("?a:ghost hold ?x", "'ghost'"),
        ("?a juggle ?x", "'juggle'"),
        ("#77 hold ?x", "77"),
    ],
)
def test_what_is_not_there_is_named(text: str, problem: str) -> None:
    with pytest.raises(QueryError, match=problem):
        found(text)


@pytest.mark.parametrize(
    "fields",
    [
        {"link": "later"},
        {"gap_s": (2, 1)},
        {"gap_s": (-1, 1)},
        {"repeat": (0, 1)},
        {"repeat": (3, 2)},
    ],
)
def test_a_step_is_checked(fields: dict[str, Any]) -> None:
    with pytest.raises(QueryError):
        Step(None, None, **fields)


@pytest.mark.parametrize("options", [{"limit": 0}, {"tolerance": -1}, {"tolerance": math.nan}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="limit"):
        found("?a hold ?x", **options)


def test_the_limit_keeps_the_earliest() -> None:
    everything = match_pattern(STORY, "?a _ ?b")
    assert match_pattern(STORY, "?a _ ?b", limit=3) == everything[:3]


def test_a_rare_step_makes_a_large_graph_quick() -> None:
    """Joined in the order told, this pattern would try 80,000 occurrences."""
    near = [(n % 40 + 1, "near", n % 39 + 2, [(n / 100, n / 100 + 1)]) for n in range(80_000)]
    labels = dict.fromkeys(range(1, 42), "person")
    graph = made(labels, [*near, (3, "hugs", 4, [(400, 401)])], duration_s=1000)
    match_pattern(graph, "?a hugs ?b")
    began = time.perf_counter()
    found = match_pattern(graph, "?c near ?a; then within 0.5 s ?a hugs ?b; while ?b near ?d")
    assert time.perf_counter() - began < 0.5
    assert found
    assert {(m.objects["a"], m.objects["b"]) for m in found} == {(3, 4)}


def test_an_instant_meets_what_begins_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the rows are sorted by participant and cut to the time."""
    graph = made(LABELS, [(4, "enters", CAMERA, [(5, 5)]), *[(4, "follows", 2, [(5, 9)])] * 3])
    for often in (200, 0):
        monkeypatch.setattr(pattern_search, "_OFTEN", often)
        assert len(match_pattern(graph, "?d enters; while ?d follow ?x")) == 3


# -- against brute force -----------------------------------------------------------------

IDS = [1, 2, 3, 4]
VERBS = ["hold", "near", "left of"]
TIMES = st.integers(0, 12).map(lambda n: n / 2)


@st.composite
def graphs(draw: st.DrawFn) -> TemporalGraph:
    facts: list[tuple[Any, ...]] = []
    for _ in range(draw(st.integers(1, 7))):
        ends = sorted(draw(st.lists(TIMES, min_size=2, max_size=4)))
        spans = sorted(set(zip(ends[::2], ends[1::2], strict=False)))
        who = draw(st.sampled_from(IDS)), draw(st.sampled_from([*IDS, CAMERA]))
        recipient = draw(st.sampled_from([None, None, *IDS]))
        facts.append((who[0], draw(st.sampled_from(VERBS)), who[1], spans, recipient))
    # One relation of each predicate at least: an unknown word is an error, tested above.
    facts += [(1, verb, 2, [(7, 7.5)]) for verb in VERBS]
    return made({1: "man", 2: "woman", 3: "ball", 4: "ball"}, facts)


TERMS = st.sampled_from(
    [Variable("a"), Variable("b"), Variable("c"), Variable("p", "person"), "ball", 2, None]
)
GAPS = st.sampled_from([(0.0, math.inf), (0.0, 1.0), (0.5, 2.0)])


@st.composite
def steps(draw: st.DrawFn) -> Step:
    return Step(
        draw(TERMS),
        draw(st.sampled_from([*VERBS, "right of", None])),
        draw(TERMS),
        draw(st.sampled_from([None, None, None, Variable("b"), "woman"])),
        link=draw(st.sampled_from(["then", "then", "while", "and"])),
        gap_s=draw(GAPS),
        repeat=draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 2), (1, None), (2, 3)])),
    )


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    happening = draw(st.lists(steps(), min_size=1, max_size=3))
    count = len(happening)
    absences = draw(
        st.lists(
            st.builds(Absence, steps(), st.integers(0, count), st.sampled_from([1.0, math.inf])),
            max_size=1,
        )
    )
    numbers = st.integers(1, count)
    names = st.lists(st.sampled_from(ALLEN_NAMES), min_size=4, max_size=9).map(tuple)
    links = draw(st.lists(st.builds(AllenLink, numbers, names, numbers), max_size=1))
    known = {v.name for s in happening for v in s.variables}
    may_be = (("a", "b"),) if {"a", "b"} <= known and draw(st.booleans()) else ()
    return Pattern(tuple(happening), tuple(absences), tuple(links), may_be)


class Oracle:
    """Tries every choice of objects and occurrences."""

    def __init__(self, graph: TemporalGraph, pattern: Pattern, tolerance: float) -> None:
        self.graph, self.pattern, self.tolerance = graph, pattern, tolerance
        self.times = [(r, i) for r in graph.relations() for i in r.intervals]

    def matches(self) -> set[tuple[Any, ...]]:
        names = sorted({v.name for s in self.pattern.steps for v in s.variables})
        answers = set()
        for ids in itertools.product(IDS, repeat=len(names)):
            binding = dict(zip(names, ids, strict=True))
            if self.distinct(binding):
                answers |= {
                    (tuple(binding.items()), runs)
                    for runs in itertools.product(
                        *(list(self.runs(step, binding)) for step in self.pattern.steps)
                    )
                    if self.holds(runs, binding)
                }
        return answers

    def distinct(self, binding: dict[str, int]) -> bool:
        return all(
            binding[a] != binding[b] or (a, b) in self.pattern.may_be
            for a, b in itertools.combinations(sorted(binding), 2)
        )

    def fits(self, step: Step, r: Relation, binding: dict[str, int]) -> bool:
        def stands(term: Any, object_id: int) -> bool:
            if term is None:
                return True
            if isinstance(term, Variable):
                if term.label == "person" and object_id not in (1, 2):
                    return False
                return binding[term.name] == object_id
            return object_id in {"ball": (3, 4), "woman": (2,), 2: (2,)}[term]

        others = [i for i in (r.object, r.recipient) if i is not None]
        if step.recipient is not None:
            return (
                r.recipient is not None
                and step.predicate in (None, r.predicate)
                and stands(step.subject, r.subject)
                and stands(step.object, r.object)
                and stands(step.recipient, r.recipient)
            )
        direct = step.predicate in (None, r.predicate)
        turned = (step.predicate, r.predicate) in {
            ("near", "near"),
            ("left of", "right of"),
            ("right of", "left of"),
        }
        return any(
            (direct and stands(step.subject, r.subject) and stands(step.object, i))
            or (turned and stands(step.subject, i) and stands(step.object, r.subject))
            for i in others
        )

    def runs(self, step: Step, binding: dict[str, int]) -> Iterator[tuple[Any, ...]]:
        fitting = [(i, r.id) for r, i in self.times if self.fits(step, r, binding)]
        fitting.sort(key=lambda item: item[0])  # ties stay in the order of the relations
        least, most = step.repeat
        for first in range(len(fitting)):
            run = [fitting[first]]
            rest = fitting[first + 1 :]
            while len(run) <= (most or len(fitting)):
                if len(run) >= least:
                    yield tuple(run)
                rest = [item for item in rest if item[0].start >= run[-1][0].end]
                if not rest:
                    break
                run.append(rest.pop(0))

    def holds(self, runs: tuple[Any, ...], binding: dict[str, int]) -> bool:
        flat = [item for run in runs for item in run]
        spans = [hull([i for i, _ in run]) for run in runs]
        return (
            len(set(flat)) == len(flat)
            and all(self.linked(n, spans) for n in range(1, len(spans)))
            and all(
                allen(spans[x.first - 1], spans[x.second - 1], tolerance=self.tolerance) in x.names
                for x in self.pattern.allen
            )
            and not any(self.happens(a, spans, binding) for a in self.pattern.absences)
        )

    def linked(self, n: int, spans: list[Interval]) -> bool:
        step, gap = self.pattern.steps[n], spans[n].start - spans[n - 1].end
        if step.link == "while":
            return overlap(spans[n - 1], spans[n])
        low, high = step.gap_s
        return step.link == "and" or low - self.tolerance <= gap <= high + self.tolerance

    def happens(self, absence: Absence, spans: list[Interval], binding: dict[str, int]) -> bool:
        at = absence.position
        start = spans[at - 1].end if at else 0.0
        end = spans[at].start if at < len(spans) else 100.0
        if at:
            end = min(end, start + absence.within_s)
        else:
            start = max(start, end - absence.within_s)
        if end <= start:
            return False
        window = Interval(start, end)
        free = sorted({v.name for v in absence.step.variables} - set(binding))
        return any(
            overlap(i, window) and self.fits(absence.step, r, wider)
            for ids in itertools.product(IDS, repeat=len(free))
            if self.distinct(wider := binding | dict(zip(free, ids, strict=True)))
            for r, i in self.times
        )


def answer(match: PatternMatch) -> tuple[Any, ...]:
    runs = tuple(tuple((o.interval, o.relation.id) for o in run) for run in match.steps)
    return tuple(sorted(match.objects.items())), runs


@settings(max_examples=300, deadline=None)
@given(graphs(), patterns(), st.sampled_from([0.0, 0.5]), st.booleans())
def test_matches_are_those_of_brute_force(
    graph: TemporalGraph, pattern: Pattern, tolerance: float, eager: bool
) -> None:
    """Whether the search looks up, sorts or cuts to the time, the answers are the same."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_OFTEN", "_MANY", "_FEW") if eager else ():
            patch.setattr(pattern_search, name, 0)
        matches = match_pattern(graph, pattern, tolerance=tolerance, limit=100_000)
    answers = [answer(m) for m in matches]
    assert len(set(answers)) == len(answers)
    assert set(answers) == Oracle(graph, pattern, tolerance).matches()
    backwards = graph.document.model_copy(update={"relations": graph.document.relations[::-1]})
    again = match_pattern(TemporalGraph(backwards), pattern, tolerance=tolerance, limit=100_000)
    assert [answer(m) for m in again] == answers
