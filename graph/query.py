"""Finding relations quickly: columns, postings and an interval index."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Ints
from reelgraph.errors import QueryError
from reelgraph.graph.intervals import ALLEN_NAMES, IntervalIndex, allen_holds
from reelgraph.graph.schema import Interval, Relation

__all__ = ["RelationIndex", "chronological", "standing"]

_FEW_ROWS = 500
"""So many rows are looked at one by one rather than through an index."""

_NOBODY = 0
"""Stands in the recipient column where there is none; no object has this id."""


def _natural(relation_id: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key that puts ``r2`` before ``r10``."""
    parts = re.split(r"(\d+)", relation_id)
    return tuple((int(part) if part.isdecimal() else -1, part) for part in parts)


def chronological(relations: Iterable[Relation]) -> list[Relation]:
    """Return relations sorted by start, end and id, with ``r2`` before ``r10``."""
    items = list(relations)
    times = np.array([(r.start, r.end) for r in items], np.float64).reshape(-1, 2)
    order = np.lexsort((times[:, 1], times[:, 0]))
    ties = np.flatnonzero((np.diff(times[order], axis=0) == 0).all(axis=1))
    result = [items[i] for i in order]
    # Ids are compared only where times are equal: reading numbers out of a million is slow.
    for run in np.split(ties, np.flatnonzero(np.diff(ties) > 1) + 1):
        if len(run):
            part = slice(int(run[0]), int(run[-1]) + 2)
            result[part] = sorted(result[part], key=lambda r: _natural(r.id))
    return result


def standing(
    relations: Iterable[Relation], name: str, window: Interval, *, tolerance: float = 0.0
) -> list[Relation]:
    """Return the relations of which an interval lies in an Allen relation to a window.

    Raises:
        QueryError: If there is no Allen relation of that name.
    """
    if name not in ALLEN_NAMES:
        raise QueryError(
            f"No Allen relation is called {name!r}. Known: {', '.join(ALLEN_NAMES)}.",
            choices=tuple(difflib.get_close_matches(name, ALLEN_NAMES)) or ALLEN_NAMES,
        )
    return [r for r in relations if allen_holds(r.intervals, (window,), name, tolerance=tolerance)]


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
        self._wanted = frozenset(wanted)
        self._columns = columns

    @cached_property
    def _postings(self) -> list[Ints]:
        values = sorted(self._wanted)
        return [c.rows[value] for c in self._columns for value in values if value in c.rows]

    @cached_property
    def size(self) -> int:
        """About how many rows fit."""
        return sum(map(len, self._postings))

    def rows(self) -> Ints:
        """Return every row that fits."""
        return _merge(self._postings)

    def keep(self, rows: Ints) -> Ints:
        """Return those of ``rows`` that fit."""
        fits = [self._among_wanted(column.values[rows]) for column in self._columns]
        kept: Ints = rows[np.any(fits, axis=0)]
        return kept

    def _among_wanted(self, values: Ints) -> NDArray[np.bool_]:
        """Return which values are wanted; a million kinds of them cost a few rows nothing."""
        if len(values) <= _FEW_ROWS:
            return np.array([value in self._wanted for value in values.tolist()], np.bool_)
        return np.isin(values, np.fromiter(self._wanted, np.int64))


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
        self.end_s = float(table[:, 1].max(initial=0.0))

    def during(self, window: Interval) -> Ints:
        """Return the rows that hold at some moment of a window."""
        return np.unique(self._rows[self._times.overlapping(*window)])

    def find(
        self,
        subjects: Iterable[int] | None,
        predicates: Iterable[str] | None,
        objects: Iterable[int] | None,
        window: Interval | None = None,
        *,
        participant: int | None = None,
    ) -> Ints:
        """Return the rows that fit every condition; None stands for any.

        Args:
            subjects: Ids of which one is the subject.
            predicates: Predicates as stored, of which one is said.
            objects: Ids of which one is the object or the recipient.
            window: A span in which the relation holds at some moment.
            participant: The id of one who is subject, object or recipient.
        """
        conditions: list[_Condition] = []
        if participant is not None:
            ends = (self._subject, self._object, self._recipient)
            conditions.append(_Condition([participant], *ends))
        if subjects is not None:
            conditions.append(_Condition(subjects, self._subject))
        if predicates is not None:
            codes = [self._codes[name] for name in predicates]
            conditions.append(_Condition(codes, self._predicate))
        if objects is not None:
            conditions.append(_Condition(objects, self._object, self._recipient))
        rows, rest = self._first(conditions, window)
        for condition in rest:
            rows = condition.keep(rows)
        return rows

    def _first(
        self, conditions: list[_Condition], window: Interval | None
    ) -> tuple[Ints, list[_Condition]]:
        """Return the rows that fit the window and the rarest condition, and what is left."""
        hits = None if window is None else self.during(window)
        if hits is not None and (len(hits) <= _FEW_ROWS or not conditions):
            return hits, conditions
        if not conditions:
            return np.arange(len(self.relations)), []
        conditions = sorted(conditions, key=lambda condition: condition.size)
        if hits is None:
            return conditions[0].rows(), conditions[1:]
        if len(hits) <= conditions[0].size:
            return hits, conditions
        return _among(conditions[0].rows(), hits), conditions[1:]
