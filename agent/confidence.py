"""How sure an answer is: what its evidence scores, and who else says the same."""

from __future__ import annotations

from collections.abc import Container, Iterable
from math import prod

from reelgraph.agent.references import Reference
from reelgraph.graph.intervals import overlap
from reelgraph.graph.lexicon import predicate_key
from reelgraph.graph.schema import CAMERA, Relation
from reelgraph.graph.temporal import TemporalGraph

__all__ = ["GUESSED_LABEL", "UNSCORED", "evidence_confidence"]

UNSCORED = 0.9
"""Confidence in a relation or object that its generator gave no score."""

GUESSED_LABEL = 0.8
"""Factor for each object whose label is a guess, once for an answer."""


def evidence_confidence(
    references: Iterable[Reference], graph: TemporalGraph, results: Container[str] = ()
) -> float:
    r"""Return how sure the cited evidence is, 0 to 1.

    An answer is no surer than the weakest thing it cites. A relation counts its score;
    where other generators say the same of the same objects at the same time, it counts
    :math:`1 - \prod (1 - s_i)` over all who say so, as of independent witnesses. If a
    label among the objects is a guess, the result is lowered by `GUESSED_LABEL` once.

    Args:
        references: What is cited; all of it exists.
        graph: The graph that was asked.
        results: Ids of figures that tools computed, which count as sure.
    """
    sure, involved = [1.0], set[int]()
    for reference in references:
        if reference.object_id is not None:
            sure.append(_score(graph.object(reference.object_id).score))
            involved.add(reference.object_id)
        elif reference.key != "video" and reference.key not in results:
            relation = graph.relation(reference.key)
            sure.append(_agreed(relation, graph))
            involved.update(_ends(relation))
    guessed = any(graph.object(i).uncertain for i in involved)
    return min(sure) * (GUESSED_LABEL if guessed else 1.0)


def _agreed(relation: Relation, graph: TemporalGraph) -> float:
    """Return the score of a relation together with those of other sources who say it."""
    best = {relation.source: _score(relation.score)}
    for other in graph.relations(relation.subject, None, relation.object):
        if other.source != relation.source and _same(other, relation):
            best[other.source] = max(best.get(other.source, 0.0), _score(other.score))
    return 1.0 - prod(1.0 - score for score in best.values())


def _same(a: Relation, b: Relation) -> bool:
    return predicate_key(a.predicate) == predicate_key(b.predicate) and any(
        overlap(x, y) for x in a.intervals for y in b.intervals
    )


def _score(score: float | None) -> float:
    return UNSCORED if score is None else score


def _ends(relation: Relation) -> set[int]:
    ends = (relation.subject, relation.object, relation.recipient)
    return {i for i in ends if i is not None and i != CAMERA}
