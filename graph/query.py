"""Finding relations quickly: columns, postings and an interval index."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

import numpy as np

from reelgraph._types import Ints
from reelgraph.errors import QueryError
from reelgraph.graph.intervals import ALLEN_NAMES, IntervalIndex, allen
from reelgraph.graph.schema import Interval, Relation

__all__ = ["RelationIndex", "chronological", "standing"]

_NOBODY = 0
"""Stands in the recipient column where there is none; no object has this id."""


def _natural(relation_id: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key that puts ``r2`` before ``r10``."""
    parts = re.split(r"(\d+)", relation_id)
    return tuple((int(part) if part.isdecimal() else -1, part) for part in parts)


def chronological(relations: Iterable[Relation]) -> list[Relation]:
    """Return relations sorted by start, end and id, with ``r2`` before ``r10``."""
    return sorted(relations, key=lambda r: (r.start, r.end, _natural(r.id)))


def standing(relations: Iterable[Relation], name: str, window: Interval) -> list[Relation]:
    """Return the relations of which an interval lies in an Allen relation to a window.

    Raises:
        QueryError: If there is no Allen relation of that name.
    """
    if name not in ALLEN_NAMES:
        raise QueryError(
            f"No Allen relation is called {name!r}. Known: {', '.join(ALLEN_NAMES)}.",
            choices=tuple(difflib.get_close_matches(name, ALLEN_NAMES)) or ALLEN_NAMES,
        )
    return [r for r in relations if any(allen(i, window) == name for i in r.intervals)]


def _postings(column: Ints) -> dict[int, Ints]:
    """Return for each value of a column the rows that have it, sorted."""
    order = np.argsort(column, kind="stable")
    values, first = np.unique(column[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, first[1:]), strict=False))


def _merge(arrays: Sequence[Ints]) -> Ints:
    """Return the union of sorted arrays."""
    if len(arrays) == 1:
        return arrays[0]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *arrays]))


def _among(few: Ints, many: Ints) -> Ints:
    """Return those of ``few`` that are in ``many``; both sorted without repeats."""
    if not len(many):
        return many
    at = np.minimum(np.searchsorted(many, few), len(many) - 1)
    found: Ints = few[many[at] == few]
    return found


class _Column:
    """One number for each row, with the rows of each value."""

    def __init__(self, values: Iterable[int]) -> None:
        self.values: Ints = np.fromiter(values, dtype=np.int64)
        self.rows = _postings(self.values)


class _Condition:
    """A set of wanted values of which a row must have one in one of some columns."""

    def __init__(self, wanted: Iterable[int], *columns: _Column) -> None:
        values = list(wanted)
        self._wanted: Ints = np.array(values, dtype=np.int64)
        self._columns = columns
        self._postings = [c.rows[value] for c in columns for value in values if value in c.rows]
        self.size = sum(map(len, self._postings))

    def rows(self) -> Ints:
        """Return every row that fits."""
        return _merge(self._postings)

    def keep(self, rows: Ints) -> Ints:
        """Return those of ``rows`` that fit."""
        fits = [np.isin(column.values[rows], self._wanted) for column in self._columns]
        kept: Ints = rows[np.any(fits, axis=0)]
        return kept


class RelationIndex:
    """Relations in chronological order with an index on each way of asking.

    A row is a position in `relations`. Every answer is a sorted array of rows, found from
    the rarest of the conditions, so that the cost of a query hangs on what it finds.

    Args:
        relations: Relations in any order.
    """

    def __init__(self, relations: Iterable[Relation]) -> None:
        self.relations = tuple(chronological(relations))
        self.predicates = tuple(sorted({r.predicate for r in self.relations}))
        self._codes = {name: code for code, name in enumerate(self.predicates)}
        self._subject = _Column(r.subject for r in self.relations)
        self._object = _Column(r.object for r in self.relations)
        self._recipient = _Column(r.recipient or _NOBODY for r in self.relations)
        self._predicate = _Column(self._codes[r.predicate] for r in self.relations)
        spans = [(*i, row) for row, r in enumerate(self.relations) for i in r.intervals]
        table = np.array(spans, dtype=np.float64).reshape(-1, 3)
        self._times = IntervalIndex(table[:, 0].copy(), table[:, 1].copy())
        self._rows: Ints = table[:, 2].astype(np.int64)

    def during(self, window: Interval) -> Ints:
        """Return the rows that hold at some moment of a window."""
        return np.unique(self._rows[self._times.overlapping(*window)])

    def with_participant(self, object_id: int) -> Ints:
        """Return the rows in which an object is subject, object or recipient."""
        return _Condition([object_id], self._subject, self._object, self._recipient).rows()

    def find(
        self,
        subjects: Iterable[int] | None,
        predicates: Iterable[str] | None,
        objects: Iterable[int] | None,
        window: Interval | None = None,
    ) -> Ints:
        """Return the rows that fit every condition; None stands for any.

        Args:
            subjects: Ids of which one is the subject.
            predicates: Predicates as stored, of which one is said.
            objects: Ids of which one is the object or the recipient.
            window: A span in which the relation holds at some moment.
        """
        conditions: list[_Condition] = []
        if subjects is not None:
            conditions.append(_Condition(subjects, self._subject))
        if predicates is not None:
            codes = [self._codes[name] for name in predicates]
            conditions.append(_Condition(codes, self._predicate))
        if objects is not None:
            conditions.append(_Condition(objects, self._object, self._recipient))
        conditions.sort(key=lambda condition: condition.size)
        rows, rest = self._first(conditions, window)
        for condition in rest:
            rows = condition.keep(rows)
        return rows

    def _first(
        self, conditions: list[_Condition], window: Interval | None
    ) -> tuple[Ints, list[_Condition]]:
        """Return the rows that fit the window and the rarest condition, and what is left."""
        if window is None:
            if not conditions:
                return np.arange(len(self.relations)), []
            return conditions[0].rows(), conditions[1:]
        hits = self.during(window)
        if not conditions or len(hits) <= conditions[0].size:
            return hits, conditions
        return _among(conditions[0].rows(), hits), conditions[1:]
