"""Spoilt graphs: as much as was asked for, of the right kind, the same every time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_benchmarks import made_graph

from reelgraph.errors import EvalError
from reelgraph.eval.corruption import CORRUPTIONS, corrupt
from reelgraph.graph.schema import CAMERA, Interval, Relation, SceneGraph, SceneObject

KINDS = sorted(CORRUPTIONS)
moments = st.floats(0, 20, allow_nan=False).map(lambda x: round(x, 2))


@st.composite
def graphs(draw: st.DrawFn) -> SceneGraph:
    base = SceneGraph.model_validate(made_graph(draw(st.sampled_from(["a", "b"]))))
    count = draw(st.integers(0, 12))
    relations = []
    for number in range(count):
        times = sorted(draw(st.lists(moments, min_size=2, max_size=4).filter(_even)))
        spans = tuple(Interval(*pair) for pair in zip(times[::2], times[1::2], strict=True))
        ends = draw(st.permutations([1, 2, 3, CAMERA]))
        relations.append(
            Relation(
                id=f"r{number + 1}",
                subject=ends[0],
                predicate=draw(st.sampled_from(["hold", "watch", "juggle"])),
                object=ends[1],
                intervals=spans,
                kind="contact",
                source="made",
            )
        )
    return base.model_copy(update={"relations": tuple(relations)})


def _even(times: list[float]) -> bool:
    return len(times) % 2 == 0


def changed(before: SceneGraph, after: SceneGraph) -> set[str]:
    """Ids of relations that are gone or different."""
    left = {r.id: r for r in after.relations}
    return {r.id for r in before.relations if left.get(r.id) != r}


@given(graph=graphs(), kind=st.sampled_from(KINDS), rate=st.floats(0, 1), seed=st.integers(0, 9))
def test_a_spoilt_graph_is_a_graph_and_the_same_every_time(
    graph: SceneGraph, kind: str, rate: float, seed: int
) -> None:
    spoilt = corrupt(graph, kind, rate, seed=seed)
    assert spoilt == corrupt(graph, kind, rate, seed=seed)
    assert SceneGraph.model_validate_json(spoilt.model_dump_json()) == spoilt
    assert spoilt.provenance[-1].config == {"kind": kind, "rate": rate, "seed": seed}


@given(graph=graphs(), kind=st.sampled_from(KINDS))
def test_a_rate_of_0_changes_nothing(graph: SceneGraph, kind: str) -> None:
    spoilt = corrupt(graph, kind, 0.0)
    assert (spoilt.objects, spoilt.relations) == (graph.objects, graph.relations)


@given(graph=graphs(), kind=st.sampled_from(KINDS))
def test_a_higher_rate_spoils_more_of_the_same(graph: SceneGraph, kind: str) -> None:
    spoilt = [changed(graph, corrupt(graph, kind, rate)) for rate in (0.2, 0.5, 0.9)]
    assert all(less <= more for less, more in pairwise(spoilt))


@given(graph=graphs())
def test_all_can_be_spoilt_each_in_its_way(graph: SceneGraph) -> None:
    assert corrupt(graph, "drop", 1.0).relations == ()
    relabelled = corrupt(graph, "relabel", 1.0)
    pairs = zip(graph.relations, relabelled.relations, strict=True)
    assert all(old.predicate != new.predicate for old, new in pairs)
    assert _labels(graph).isdisjoint(_pairs(relabelled.objects) & _pairs(graph.objects))
    swapped = corrupt(graph, "swap", 1.0)
    for old, new in zip(graph.relations, swapped.relations, strict=True):
        camera = CAMERA in {old.subject, old.object}
        ends = (old.subject, old.object) if camera else (old.object, old.subject)
        assert (new.subject, new.object) == ends
    for old, new in zip(graph.relations, corrupt(graph, "shift", 1.0).relations, strict=True):
        assert new.end - new.start == pytest.approx(old.end - old.start)
        assert new.start >= 0


def _labels(graph: SceneGraph) -> set[tuple[int, str]]:
    return _pairs(graph.objects)


def _pairs(objects: tuple[SceneObject, ...]) -> set[tuple[int, str]]:
    return {(item.id, item.label) for item in objects}


def test_about_the_asked_share_is_spoilt() -> None:
    one = SceneGraph.model_validate(made_graph("a"))
    many = tuple(one.relations[0].model_copy(update={"id": f"r{i}"}) for i in range(1, 1001))
    graph = one.model_copy(update={"relations": many})
    for kind in KINDS:
        assert 220 < len(changed(graph, corrupt(graph, kind, 0.3))) < 380, kind
    first, second = (changed(graph, corrupt(graph, "drop", 0.3, seed=s)) for s in (0, 1))
    assert first != second


@pytest.mark.parametrize(("kind", "rate"), [("melt", 0.5), ("drop", 1.5), ("drop", -0.1)])
def test_other_ways_are_refused(kind: str, rate: float) -> None:
    with pytest.raises(EvalError, match="drop, relabel, swap, shift"):
        corrupt(SceneGraph.model_validate(made_graph("a")), kind, rate)
