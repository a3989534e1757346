"""The bottle clip's seven five-way questions, on graphs made from its annotation.

Two ways to number: one id per place, as annotated, and a new id for each stay of each
bottle and each visit of each hand, as a tracker without re-identification gives them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from made_graphs import Row, make_graph

from reelgraph.graph.temporal import TemporalGraph

Events = list[tuple[float, float, str, list[int]]]

TWO_HANDS = (15.92, 17.73)
"""The visit in which the annotation says that there are two hands."""


def _hands(truth: dict[str, Any]) -> list[tuple[int, float, float]]:
    """Return (id, start, end) of every visit of a hand."""
    visits = [tuple(span) for span in truth["presence_s"]["4"]]
    rows = [(10 + n, *visit) for n, visit in enumerate(visits)]
    return [*rows, (30, *TWO_HANDS)]


def _bottles(truth: dict[str, Any], *, by_stay: bool) -> list[tuple[int, int, float, float]]:
    """Return (place, id, start, end) of every stay of a bottle."""
    rows = []
    for place in (1, 2, 3):
        for n, (start, end) in enumerate(truth["presence_s"][str(place)]):
            rows.append((place, 100 * place + n if by_stay else place, start, end))
    return rows


def bottle_graph(truth: dict[str, Any], *, by_stay: bool) -> TemporalGraph:
    """Build the graph that the annotation describes, in the words of the geometry layer."""
    hands, stays = _hands(truth), _bottles(truth, by_stay=by_stay)
    relations: list[Row] = []
    for place, _, spans in [(r[2], r[1], r[3]) for r in truth["relations"] if r[1] == "holding"]:
        for start, end in spans:
            relations += _held(place, start, end, hands, stays)
    relations += _left_of(stays)
    seen: dict[int, list[tuple[float, float]]] = {}
    for _, i, start, end in stays:
        seen.setdefault(i, []).append((start, end))
    objects: list[Row] = [(i, "bottle", [], spans) for i, spans in sorted(seen.items())]
    objects += [(i, "hand", [], [(start, end)]) for i, start, end in hands]
    return make_graph(truth["duration_s"], objects, relations)


def _held(
    place: int,
    start: float,
    end: float,
    hands: list[tuple[int, float, float]],
    stays: list[tuple[int, int, float, float]],
) -> list[Row]:
    """Return ``holds`` and the event at the end of it at which the bottle rests."""
    here = [h for h in hands if h[1] - 0.1 <= start and end <= h[2] + 0.1]
    hand = here[1][0] if len(here) > 1 and place == 2 else here[0][0]
    bottle = next(i for p, i, s, e in stays if p == place and s - 0.6 <= start and end <= e + 0.6)
    returns = any(p == place and s > 0 and abs(s - start) < 0.7 for p, _, s, _ in stays)
    at = (end - 0.2, end) if returns else (start, start + 0.2)
    event = "puts down" if returns else "picks up"
    return [(hand, "holds", bottle, [(start, end)]), (hand, event, bottle, [at])]


def _left_of(stays: list[tuple[int, int, float, float]]) -> list[Row]:
    together: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for place_a, a, start_a, end_a in stays:
        for place_b, b, start_b, end_b in stays:
            start, end = max(start_a, start_b), min(end_a, end_b)
            if place_a < place_b and start < end:
                together.setdefault((a, b), []).append((start, end))
    return [(a, "left of", b, sorted(spans)) for (a, b), spans in sorted(together.items())]


@pytest.mark.parametrize("by_stay", [False, True], ids=["id-per-place", "id-per-stay"])
def test_answers_every_question(
    by_stay: bool, bottles: dict[str, Any], agent_for: Callable[..., Any]
) -> None:
    agent = agent_for(bottle_graph(bottles, by_stay=by_stay))
    wrong = {}
    for item in bottles["questions"]:
        answer = agent.ask(item["question"], "clip.mp4", choices=item["options"])
        if answer.choice is None or answer.choice.index != item["answer"]:
            wrong[item["qid"]] = answer.text
    assert wrong == {}


@pytest.mark.parametrize("by_stay", [False, True], ids=["id-per-place", "id-per-stay"])
def test_evidence_covers_the_annotated_time(
    by_stay: bool, bottles: dict[str, Any], agent_for: Callable[..., Any]
) -> None:
    agent = agent_for(bottle_graph(bottles, by_stay=by_stay))
    item = next(q for q in bottles["questions"] if q["qid"] == "b5")
    answer = agent.ask(item["question"], "clip.mp4", choices=item["options"])
    shown = [e.interval for e in answer.evidence if e.relation]
    for start, end in item["spans_s"]:
        assert any(start <= span.start and span.end <= end + 0.01 for span in shown)
