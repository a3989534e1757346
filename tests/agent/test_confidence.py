"""Confidence from what the evidence scores and who agrees; traces by the caller's callbacks."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from made_graphs import hand_over, make_graph

from reelgraph.agent import VideoAgent
from reelgraph.agent.confidence import GUESSED_LABEL, UNSCORED, evidence_confidence
from reelgraph.agent.references import Reference
from reelgraph.agent.testing import ScriptedChatModel, draft
from reelgraph.graph.temporal import TemporalGraph


def scored(*rows: tuple[str, str, float | None], uncertain: bool = False) -> TemporalGraph:
    """Return a graph of `1 predicate 2` from 1 to 2 s, by (source, predicate, score)."""
    graph = make_graph(
        10.0,
        [(1, "person", [], [(0, 10)]), (2, "cup", [], [(0, 10)])],
        [(1, predicate, 2, [(1.0, 2.0)]) for _, predicate, _ in rows],
    )
    document = graph.document
    relations = tuple(
        relation.model_copy(update={"source": source, "score": score})
        for relation, (source, _, score) in zip(document.relations, rows, strict=True)
    )
    objects = tuple(
        item.model_copy(update={"uncertain": uncertain and item.id == 2})
        for item in document.objects
    )
    return TemporalGraph(document.model_copy(update={"relations": relations, "objects": objects}))


@pytest.mark.parametrize(
    ("rows", "cited", "expected"),
    [
        ([("a", "holds", 0.6)], ["r1"], 0.6),
        ([("a", "holds", None)], ["r1"], UNSCORED),
        ([("a", "holds", 0.6), ("b", "holds", 0.5)], ["r1"], 0.8),
        ([("a", "holds", 0.6), ("b", "holding", 0.5)], ["r1"], 0.8),
        ([("a", "holds", 0.6), ("a", "holds", 0.5)], ["r1"], 0.6),
        ([("a", "holds", 0.6), ("b", "touches", 0.5)], ["r1"], 0.6),
        ([("a", "holds", 0.9), ("a", "touches", 0.4)], ["r1", "r2"], 0.4),
        ([("a", "holds", 0.9)], ["video"], 1.0),
        ([("a", "holds", 0.9)], ["c12345"], 1.0),
        ([("a", "holds", 0.9)], ["o2"], UNSCORED),
        ([("a", "holds", 0.9)], [], 1.0),
    ],
)
def test_the_weakest_link_and_independent_witnesses(
    rows: list[Any], cited: list[str], expected: float
) -> None:
    references = [Reference(key) for key in cited]
    found = evidence_confidence(references, scored(*rows), {"c12345"})
    assert found == pytest.approx(expected)


def test_a_guessed_label_lowers_it_once() -> None:
    graph = scored(("a", "holds", 0.5), uncertain=True)
    both = [Reference("r1"), Reference("o2")]
    assert evidence_confidence(both, graph) == pytest.approx(0.5 * GUESSED_LABEL)
    assert evidence_confidence([Reference("o1")], graph) == pytest.approx(UNSCORED)


@pytest.mark.parametrize(("said", "expected"), [(0.2, 0.2), (0.95, 0.6)])
def test_an_answer_is_no_surer_than_model_and_evidence(said: float, expected: float) -> None:
    graph = scored(("a", "holds", 0.6))
    model = ScriptedChatModel([draft("[o1] holds [o2] [r1].", ["r1"], confidence=said)])
    assert VideoAgent(model).ask("Who?", graph).confidence == pytest.approx(expected)


class Trace(BaseCallbackHandler):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append("model")

    def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append("tool")


def test_callbacks_of_the_caller_trace_a_question() -> None:
    trace = Trace()
    VideoAgent().ask("Who hands the ball?", hand_over(), callbacks=[trace])
    assert trace.seen == ["model", "tool", "model", "tool", "model"]
    VideoAgent().ask("Who hands the ball?", hand_over())
    assert len(trace.seen) == 5
