"""Finding relations quickly: columns, postings and an interval index."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce

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


def _postings(keys: Iterable[object]) -> dict[object, Ints]:
    rows: defaultdict[object, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        rows[key].append(row)
    return {key: np.array(found, dtype=np.int64) for key, found in rows.items()}


def _merge(arrays: Sequence[Ints]) -> Ints:
    if len(arrays) == 1:
        return arrays[0]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *arrays]))


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


class RelationIndex:
    """Relations in chronological order with an index on each way of asking.

    A row is a position in `relations`. Every answer is a sorted array of rows.

    Args:
        relations: Relations in any order.
    """

    def __init__(self, relations: Iterable[Relation]) -> None:
        self.relations = tuple(chronological(relations))
        self._by_subject = _postings(r.subject for r in self.relations)
        self._by_object = _postings(r.object for r in self.relations)
        self._by_recipient = _postings(r.recipient or _NOBODY for r in self.relations)
        self._by_predicate = _postings(r.predicate for r in self.relations)
        spans = [(*i, row) for row, r in enumerate(self.relations) for i in r.intervals]
        table = np.array(spans, dtype=np.float64).reshape(-1, 3)
        self._times = IntervalIndex(table[:, 0].copy(), table[:, 1].copy())
        self._rows: Ints = table[:, 2].astype(np.int64)

    @property
    def predicates(self) -> tuple[str, ...]:
        """The predicates as stored, sorted."""
        return tuple(sorted(map(str, self._by_predicate)))

    def with_subject(self, ids: Iterable[int]) -> Ints:
        """Return the rows whose subject is one of ``ids``."""
        return _merge([self._by_subject[i] for i in ids if i in self._by_subject])

    def with_object(self, ids: Iterable[int]) -> Ints:
        """Return the rows whose object or recipient is one of ``ids``."""
        columns = (self._by_object, self._by_recipient)
        return _merge([column[i] for i in ids for column in columns if i in column])

    def with_predicate(self, names: Iterable[str]) -> Ints:
        """Return the rows whose predicate is stored as one of ``names``."""
        return _merge([self._by_predicate[name] for name in names])

    def with_participant(self, object_id: int) -> Ints:
        """Return the rows in which an object is subject, object or recipient."""
        return np.union1d(self.with_subject([object_id]), self.with_object([object_id]))

    def triples(
        self,
        subjects: Iterable[int] | None,
        predicates: Iterable[str] | None,
        objects: Iterable[int] | None,
    ) -> Ints:
        """Return the rows with these ids and predicates; None stands for any."""
        found = [
            *([] if subjects is None else [self.with_subject(subjects)]),
            *([] if predicates is None else [self.with_predicate(predicates)]),
            *([] if objects is None else [self.with_object(objects)]),
        ]
        return self.common(found)

    def during(self, window: Interval) -> Ints:
        """Return the rows that hold at some moment of ``window``."""
        return np.unique(self._rows[self._times.overlapping(*window)])

    def all(self) -> Ints:
        """Return every row."""
        return np.arange(len(self.relations))

    def common(self, sets: Sequence[Ints]) -> Ints:
        """Return the rows that are in every set, smallest set first."""
        if not sets:
            return self.all()
        return reduce(_among, sorted(sets, key=len))


def _among(few: Ints, many: Ints) -> Ints:
    """Return those of ``few`` that are in ``many``; both sorted without repeats."""
    if not len(many):
        return many
    at = np.minimum(np.searchsorted(many, few), len(many) - 1)
    found: Ints = few[many[at] == few]
    return found
