"""Answers against the ground truth: which tracked object is which, and what was right."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reelgraph.agent.answer import Answer
from reelgraph.demo.script import BALL, GIVER, GRASP_S, RECEIVER, RELEASE_S
from reelgraph.demo.truth import Truth
from reelgraph.graph.schema import Interval, Relation
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.tracks import Tracks

__all__ = ["TOLERANCE_S", "Check", "check_answers", "match_objects"]

TOLERANCE_S = 0.5
"""How far an answered time may lie from the true one and still be right."""

_FRAME_STEP = 5
_SAME = 0.4
"""Intersection over union, over the frames of the tracked object, that makes two the same."""

_NAMES = {
    GIVER: "the person in red",
    RECEIVER: "the person in blue",
    BALL: "the ball",
    None: "none of the painted objects",
}


@dataclass(frozen=True)
class Check:
    """One answer against the truth.

    Attributes:
        question: What was asked.
        expected: What is true, in words.
        found: What the answer's evidence shows, in words.
        right: Whether they agree.
    """

    question: str
    expected: str
    found: str
    right: bool


def match_objects(tracks: Tracks, truth: Tracks) -> dict[int, int]:
    """Return the painted object behind each tracked one, by mask; unmatched are left out."""
    matched: dict[int, int] = {}
    for track in tracks.objects:
        overlaps = {real.id: _overlap(tracks, track.id, truth, real.id) for real in truth.objects}
        best = max(overlaps, key=lambda real: overlaps[real], default=None)
        if best is not None and overlaps[best] >= _SAME:
            matched[track.id] = best
    return matched


def check_answers(
    answers: tuple[tuple[str, Answer], ...], graph: TemporalGraph, tracks: Tracks, truth: Truth
) -> tuple[Check, ...]:
    """Compare who, when and who at the end, in this order, with the ground truth.

    Only the evidence counts, not the wording: an answer that cites nothing is wrong.
    """
    real = match_objects(tracks, truth.tracks)
    (who, giving), (when, timed), (last, holding) = answers
    holder = _check_subject(last, holding, "holds", RECEIVER, graph, real)
    until_s = max((item.interval.end for item in holding.evidence), default=0.0)
    lasts = until_s >= truth.tracks.end_s - TOLERANCE_S
    return (
        _check_subject(who, giving, "hands", GIVER, graph, real),
        _check_time(when, timed, graph, real),
        replace(
            holder,
            expected=f"{holder.expected} until {truth.tracks.end_s:.2f} s",
            found=f"{holder.found} until {until_s:.2f} s",
            right=holder.right and lasts,
        ),
    )


def _overlap(tracks: Tracks, tracked: int, truth: Tracks, real: int) -> float:
    both = either = 0
    for position in map(int, tracks.track(tracked).positions[::_FRAME_STEP]):
        mask = tracks.mask(tracked, position)
        painted = truth.mask(real, truth.position_at(float(tracks.times_s[position])))
        if mask is not None:
            shared = int((mask & painted).sum()) if painted is not None else 0
            both += shared
            either += int(mask.sum()) + (int(painted.sum()) if painted is not None else 0) - shared
    return both / max(either, 1)


def _cited(answer: Answer, predicate: str, graph: TemporalGraph) -> list[Relation]:
    """Return the relations that an answer rests on and that say ``predicate``."""
    cited = [graph.relation(item.relation) for item in answer.evidence if item.relation]
    return [relation for relation in cited if relation.predicate == predicate]


def _check_subject(
    question: str,
    answer: Answer,
    predicate: str,
    expected: int,
    graph: TemporalGraph,
    real: dict[int, int],
) -> Check:
    found = {
        (real.get(relation.subject), real.get(relation.object))
        for relation in _cited(answer, predicate, graph)
    }
    said = [f"{_NAMES.get(a, 'the passer-by')} {predicate} {_NAMES.get(b)}" for a, b in found]
    return Check(
        question=question,
        expected=f"{_NAMES[expected]} {predicate} {_NAMES[BALL]}",
        found="; ".join(sorted(said)) or "nothing",
        right=not answer.abstained and found == {(expected, BALL)},
    )


def _check_time(question: str, answer: Answer, graph: TemporalGraph, real: dict[int, int]) -> Check:
    given = {r.id for r in _cited(answer, "hands", graph) if real.get(r.object) == BALL}
    spans = sorted({item.interval for item in answer.evidence if item.relation in given})
    true = Interval(GRASP_S, RELEASE_S)
    return Check(
        question=question,
        expected=_span(true),
        found=", ".join(_span(span) for span in spans) or "nothing",
        right=not answer.abstained and len(spans) == 1 and _gap(spans[0], true) <= TOLERANCE_S,
    )


def _gap(a: Interval, b: Interval) -> float:
    """Return how far the middles of two intervals are apart in seconds."""
    return abs((a.start + a.end) - (b.start + b.end)) / 2


def _span(interval: Interval) -> str:
    return f"{interval.start:.2f} - {interval.end:.2f} s"
