"""Text order: which facts of a graph are told first where not all of them fit."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reelgraph.graph.schema import Interval, Kind, Relation

__all__ = ["KIND_RANK", "Fact", "by_focus", "by_kind", "foremost"]

KIND_RANK: Final[dict[Kind, int]] = {
    "event": 0,
    "contact": 1,
    "functional": 1,
    "social": 1,
    "attentional": 2,
    "stateful": 2,
    "motion": 3,
    "spatial": 4,
}
"""How much a kind of relation tells: the lowest are kept longest."""

_COSTS: Final = (16, 13, 11, 8)
"""Rough tokens of a fact in short, as it shares nothing with the facts already told, or
the subject, or the predicate too, or the object as well."""

_WEIGHED = 2048
"""How many facts, the most relevant, are weighed against what it costs to tell them."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One relation during one of its intervals."""

    span: Interval
    relation: Relation

    @property
    def rank(self) -> tuple[float, ...]:
        """Sorts the most informative, most certain and longest first."""
        return _rank(self.relation, self.span.duration)

    @property
    def shared(self) -> tuple[tuple[object, ...], ...]:
        """What facts may have in common: subject, predicate and object, one after another."""
        r = self.relation
        whole = (r.subject, r.predicate, r.object, r.recipient)
        return whole[:1], whole[:2], whole


def _rank(relation: Relation, duration: float) -> tuple[float, ...]:
    score = 0.5 if relation.score is None else relation.score
    return (KIND_RANK[relation.kind], -round(score, 1), -duration)


def foremost(
    relations: Sequence[Relation], scores: Mapping[str, float] | None, most: int | None
) -> list[Relation]:
    """Return the relations that may be told, in the order given.

    Args:
        relations: All relations.
        scores: How relevant each relation is, by id; others may not be told. None where
            all may.
        most: Not more than so many, the first by relevance or else by `Fact.rank`.
    """
    told = relations if scores is None else [r for r in relations if r.id in scores]
    if most is None or len(told) <= most:
        return list(told)

    def key(row: int) -> tuple[float, ...]:
        r = told[row]
        relevance = 0.0 if scores is None else -scores[r.id]
        return (relevance, *_rank(r, max(span.duration for span in r.intervals)))

    return [told[row] for row in sorted(heapq.nsmallest(most, range(len(told)), key=key))]


def by_kind(facts: Sequence[Fact]) -> list[int]:
    """Return rows of facts by what they tell, how sure they are and how long they last."""
    return sorted(range(len(facts)), key=lambda row: (*facts[row].rank, row))


def by_focus(facts: Sequence[Fact], scores: Mapping[str, float]) -> list[int]:
    """Return rows of facts by relevance for the room that they take.

    A fact about a subject and predicate already told takes less room than a new one, so
    that it may come before a slightly more relevant one.

    Args:
        facts: The facts.
        scores: How relevant each relation is, by id.
    """

    def key(row: int) -> tuple[float, ...]:
        return (-scores[facts[row].relation.id], *facts[row].rank, row)

    rows = sorted(range(len(facts)), key=key)
    near = rows[:_WEIGHED]
    weighed = _weighed([facts[row] for row in near], scores)
    return [*(near[i] for i in weighed), *rows[_WEIGHED:]]


def _weighed(facts: Sequence[Fact], scores: Mapping[str, float]) -> list[int]:
    """Return rows of facts, each time the one with most relevance per token."""
    members: dict[tuple[object, ...], list[int]] = {}
    for row, fact in enumerate(facts):
        for part in fact.shared:
            members.setdefault(part, []).append(row)
    heap: list[tuple[float, int]] = []

    def offer(row: int, told: int) -> None:
        heapq.heappush(heap, (-scores[facts[row].relation.id] / _COSTS[told], row))

    for row in range(len(facts)):
        offer(row, 0)
    order: dict[int, None] = {}
    while heap:
        _, row = heapq.heappop(heap)
        if row in order:
            continue
        order[row] = None
        for told, part in enumerate(facts[row].shared, start=1):
            for other in members.pop(part, ()):
                offer(other, told)
    return list(order)
