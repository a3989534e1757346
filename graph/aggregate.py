"""Aggregates: how often, how long, first, last, longest, shortest, with what proves it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from reelgraph.errors import QueryError
from reelgraph.graph import lexicon
from reelgraph.graph.clock import Window
from reelgraph.graph.intervals import duration
from reelgraph.graph.names import Match
from reelgraph.graph.occurrences import Occurrence, occurrences
from reelgraph.graph.schema import CAMERA

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Grouping", "Totals", "aggregate", "totals"]

Grouping: TypeAlias = Literal["predicate", "object", "pair"]
"""What each row of an `aggregate` is about."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers over a set of relations.

    An occurrence is one interval of one relation: a state that holds twice occurs twice.
    Of occurrences that tie, the earliest counts, then the order of the relations.

    Attributes:
        subject: The object id that all relations have as subject, if asked by pair; the
            object that takes part in all of them, if asked by object; else None.
        predicate: What all of them say, if asked by predicate: its most common form.
        object: The other object id, if asked by pair; else None.
        count: Number of occurrences.
        duration_s: Seconds in which at least one of them holds.
        pair_duration_s: The same for each pair of subject and object, added up: two
            persons who hold something for the same second give two seconds.
        first: The occurrence that starts first; None if there is none.
        last: The one that ends last.
        longest: The longest one.
        shortest: The shortest one.
        relations: Ids of the relations that were counted, in order.
    """

    subject: int | None
    predicate: str | None
    object: int | None
    count: int
    duration_s: float
    pair_duration_s: float
    first: Occurrence | None
    last: Occurrence | None
    longest: Occurrence | None
    shortest: Occurrence | None
    relations: tuple[str, ...]


def totals(
    graph: TemporalGraph,
    subject: int | str | None = None,
    predicate: str | None = None,
    object: int | str | None = None,  # noqa: A002
    *,
    during: Window | None = None,
    min_score: float | None = None,
    match: Match = "lemma",
) -> Totals:
    """Return numbers over the relations that fit, as `TemporalGraph.relations` finds them.

    Args:
        graph: Where to look.
        subject: Id or label of the one who acts or is described.
        predicate: What is said of the two.
        object: Id or label of the other one, or of the recipient.
        during: Count only what happens in this window, in seconds; intervals are cut to it.
        min_score: Only relations at least this certain; those without score stay.
        match: How far a predicate may be from the stored one.

    Raises:
        QueryError: If the graph has no such object or predicate, or the time makes no
            sense.
    """
    found = _occurrences(graph, subject, predicate, object, during, min_score, match)
    return _summed(found, (None, None, None))


def aggregate(
    graph: TemporalGraph,
    by: Grouping,
    subject: int | str | None = None,
    predicate: str | None = None,
    object: int | str | None = None,  # noqa: A002
    *,
    during: Window | None = None,
    min_score: float | None = None,
    match: Match = "lemma",
) -> list[Totals]:
    """Return one row of numbers for each predicate, object, or pair of objects.

    Args:
        graph: Where to look.
        by: ``"predicate"`` puts the forms of a verb together; ``"object"`` counts a
            relation for everyone who takes part, the camera excepted; ``"pair"`` counts
            it for its subject and object as stored.
        subject: Id or label of the one who acts or is described.
        predicate: What is said of the two.
        object: Id or label of the other one, or of the recipient.
        during: Count only what happens in this window; intervals are cut to it.
        min_score: Only relations at least this certain; those without score stay.
        match: How far a predicate may be from the stored one.

    Returns:
        Rows with the highest count first, then the longest duration, then by name.

    Raises:
        QueryError: If the grouping is unknown, the graph has no such object or predicate,
            or the time makes no sense.
    """
    if by not in get_args(Grouping):
        raise QueryError(
            f"by must be one of {', '.join(get_args(Grouping))}, got {by!r}.",
            choices=get_args(Grouping),
        )
    groups: dict[Hashable, list[Occurrence]] = defaultdict(list)
    for item in _occurrences(graph, subject, predicate, object, during, min_score, match):
        for key in _keys(item, by):
            groups[key].append(item)
    rows = [_summed(items, _named(key, items, by)) for key, items in groups.items()]
    return sorted(rows, key=_rank)


_Name: TypeAlias = tuple[int | None, str | None, int | None]


def _occurrences(
    graph: TemporalGraph,
    subject: int | str | None,
    predicate: str | None,
    other: int | str | None,
    during: Window | None,
    min_score: float | None,
    match: Match,
) -> tuple[Occurrence, ...]:
    relations = graph.relations(
        subject, predicate, other, during=during, min_score=min_score, match=match
    )
    return occurrences(relations, graph._clock.when(during, None))


def _keys(item: Occurrence, by: Grouping) -> Iterable[Hashable]:
    r = item.relation
    if by == "predicate":
        return (lexicon.predicate_key(r.predicate),)
    if by == "pair":
        return ((r.subject, r.object),)
    return {r.subject, r.object, r.recipient} - {CAMERA, None}


def _named(key: Hashable, items: Iterable[Occurrence], by: Grouping) -> _Name:
    """Return subject, predicate and object of a row."""
    if by == "predicate":
        forms = Counter(item.relation.predicate for item in items)
        return None, min(forms, key=lambda form: (-forms[form], form)), None
    if isinstance(key, tuple):
        return key[0], None, key[1]
    return (key if isinstance(key, int) else None), None, None


def _summed(items: Iterable[Occurrence], name: _Name) -> Totals:
    found = tuple(items)
    pairs: dict[tuple[int, int], list[Occurrence]] = defaultdict(list)
    for item in found:
        pairs[item.relation.subject, item.relation.object].append(item)
    return Totals(
        *name,
        count=len(found),
        duration_s=_covered(found),
        pair_duration_s=math.fsum(map(_covered, pairs.values())),
        first=min(found, key=lambda item: item.interval.start, default=None),
        last=max(found, key=lambda item: item.interval.end, default=None),
        longest=max(found, key=lambda item: item.interval.duration, default=None),
        shortest=min(found, key=lambda item: item.interval.duration, default=None),
        relations=tuple(dict.fromkeys(item.relation.id for item in found)),
    )


def _covered(items: Sequence[Occurrence]) -> float:
    if len(items) == 1:
        return items[0].interval.duration
    return duration(item.interval for item in items)


def _rank(row: Totals) -> tuple[object, ...]:
    name = (row.predicate or "", row.subject or 0, row.object or 0)
    return -row.count, -row.duration_s, *name
