"""Pattern search: the join that finds the occurrences of a pattern's steps."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from reelgraph._types import Floats, Ints
from reelgraph.graph.intervals import allen, hull, overlap
from reelgraph.graph.names import Match, stored_predicates
from reelgraph.graph.pattern_language import Pattern, Step, Term, Variable
from reelgraph.graph.query import RelationIndex
from reelgraph.graph.schema import CAMERA, Interval, Relation

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Binding", "PatternSearch", "Run"]

_FEW = 64
"""Up to so many ids are worth looking up at every step of the search."""
_MANY = 2000
"""From so many rows on, an object's relations are first cut to the time in question."""
_OFTEN = 200
"""After so many look-ups in a step of ten thousand rows it pays to sort them by participant."""
_NOBODY = 0
"""Stands for a recipient that is not there; no object has this id."""

Binding: TypeAlias = Mapping[str, int]
"""The object id that each variable stands for."""
Run: TypeAlias = tuple[tuple[Interval, int], ...]
"""The occurrences of one step: intervals with the rows of their relations."""
_Ids: TypeAlias = frozenset[int] | None


@dataclass(frozen=True, slots=True)
class _End:
    """A participant of a step: a variable, or ids of which it is one."""

    variable: str | None
    ids: _Ids

    def sought(self, binding: Binding) -> _Ids:
        """Return the ids to look up, None where looking at each row is cheaper."""
        if self.variable is not None and self.variable in binding:
            return frozenset({binding[self.variable]})
        if self.ids is None or (binding and len(self.ids) > _FEW):
            return None
        return self.ids


_ANYTHING = _End(None, None)


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Rows by participant, with the time that each relation spans."""

    participants: Ints
    rows: Ints
    starts: Floats
    ends: Floats

    @classmethod
    def of(
        cls, index: RelationIndex, acting: frozenset[str] | None, others: frozenset[str] | None
    ) -> _Sorted:
        """Sort rows by the subjects of some predicates and by the objects of others."""
        relations, size = index.relations, max(1, len(index.relations))
        first, second = (index.find(None, names, None) for names in (acting, others))
        people = [relations[row].subject for row in first.tolist()]
        people += [relations[row].object for row in second.tolist()]
        people += [relations[row].recipient or _NOBODY for row in second.tolist()]
        # One number for each pair of participant and row: numbers sort faster than pairs.
        pairs = (np.array(people, dtype=np.int64) + 1) * size
        pairs = np.unique((pairs + np.concatenate([first, second, second]))[pairs != size])
        found = [relations[row] for row in (pairs % size).tolist()]
        return cls(
            pairs // size - 1,
            pairs % size,
            np.array([r.start for r in found], dtype=np.float64),
            np.array([r.end for r in found], dtype=np.float64),
        )

    def slice(self, participant: int) -> tuple[int, int, _Sorted]:
        """Return from where to where the rows of an object stand, and in which table."""
        low, high = np.searchsorted(self.participants, [participant, participant + 1]).tolist()
        return low, high, self


class _Source:
    """The rows that say what one step says, by who takes part.

    Args:
        index: Where to look.
        forward: Stored predicates that mean the step's; None for all.
        inverse: Stored predicates that mean it with the participants exchanged.
    """

    def __init__(
        self, index: RelationIndex, forward: frozenset[str] | None, inverse: frozenset[str]
    ) -> None:
        self._index = index
        self.forward = forward
        self.inverse = inverse
        self._known: dict[tuple[_Ids, _Ids], Ints] = {}

    def rows(self, subjects: _Ids, objects: _Ids, window: Interval | None) -> Ints:
        """Return a superset of the rows with these participants at some moment of a window."""
        if subjects is None and objects is None and window is not None:
            return self._find(None, None, window)
        single = any(ids and len(ids) == 1 for ids in (subjects, objects))
        if single and len(self._known) >= self._often:
            return self._looked_up(subjects, objects, window)
        key = (subjects, objects)
        if key not in self._known:
            self._known[key] = self._find(subjects, objects, None)
        found = self._known[key]
        if window is None or len(found) < _MANY:
            return found
        return self._find(subjects, objects, window)

    @cached_property
    def _often(self) -> float:
        """After how many look-ups sorting has cost no more than they did."""
        return _OFTEN * max(1.0, len(self.rows(None, None, None)) / 10_000)

    def _looked_up(self, subjects: _Ids, objects: _Ids, window: Interval | None) -> Ints:
        """Look one object up in the sorted rows: the rarer one, if there are two."""
        slices: list[tuple[int, int, _Sorted]] = []
        if subjects and len(subjects) == 1:
            slices.append(self._by_subject.slice(*subjects))
        if objects and len(objects) == 1:
            slices.append(self._by_object.slice(*objects))
        low, high, table = min(slices, key=lambda item: item[1] - item[0])
        rows = table.rows[low:high]
        if window is None:
            return rows
        touches = (table.starts[low:high] <= window.end) & (table.ends[low:high] >= window.start)
        kept: Ints = rows[touches]
        return kept

    @cached_property
    def _by_subject(self) -> _Sorted:
        return _Sorted.of(self._index, self.forward, self.inverse)

    @cached_property
    def _by_object(self) -> _Sorted:
        return _Sorted.of(self._index, self.inverse, self.forward)

    def _find(self, subjects: _Ids, objects: _Ids, window: Interval | None) -> Ints:
        if subjects is None and objects is None and self.forward is not None:
            return self._index.find(None, self.forward | self.inverse, None, window)
        rows = self._index.find(subjects, self.forward, objects, window)
        if not self.inverse:
            return rows
        return np.union1d(rows, self._index.find(objects, self.inverse, subjects, window))


@dataclass(frozen=True, slots=True)
class _Atom:
    """A step in terms of one graph."""

    subject: _End
    object: _End
    recipient: _End | None
    source: _Source

    def readings(self, r: Relation) -> Iterator[tuple[tuple[_End, int], ...]]:
        """Return who stands where, for each way to read a relation as this step."""
        others = [r.object] if r.recipient is None else [r.object, r.recipient]
        forward = self.source.forward
        if forward is None or r.predicate in forward:
            if self.recipient is None:
                yield from (((self.subject, r.subject), (self.object, i)) for i in others)
            elif r.recipient is not None:
                ends = (self.subject, self.object, self.recipient)
                yield tuple(zip(ends, (r.subject, r.object, r.recipient), strict=True))
        if r.predicate in self.source.inverse:
            yield from (((self.subject, i), (self.object, r.subject)) for i in others)


class PatternSearch:
    """Finds the matches of one pattern by joining from its rarest step."""

    def __init__(
        self, graph: TemporalGraph, pattern: Pattern, tolerance: float, words: Match
    ) -> None:
        self._index = graph._index
        self._names = graph._names
        self._pattern = pattern
        self._tolerance = tolerance
        self._words = words
        self._labels = self._variable_ids()
        self._may_be = {frozenset(pair) for pair in pattern.may_be}
        self._atoms = [self._atom(step) for step in pattern.steps]
        self._absent = [self._atom(absence.step) for absence in pattern.absences]
        self._end_s = math.nextafter(graph._clock.end_s, math.inf)

    # -- from words to ids ---------------------------------------------------------------

    def _variable_ids(self) -> dict[str, _Ids]:
        found: dict[str, _Ids] = {}
        steps = (*self._pattern.steps, *(a.step for a in self._pattern.absences))
        for variable in (v for step in steps for v in step.variables):
            ids = found.get(variable.name)
            if variable.label is not None:
                named = self._names.ids(variable.label)
                ids = named if ids is None else ids & named
            found[variable.name] = ids
        return found

    def _atom(self, step: Step) -> _Atom:
        forward, inverse = None, frozenset[str]()
        if step.predicate is not None:
            known = self._index.predicates
            forward, inverse = stored_predicates(step.predicate, known, self._words)
        recipient = None if step.recipient is None else self._end(step.recipient)
        if recipient is not None:
            inverse = frozenset()
        source = _Source(self._index, forward, inverse)
        return _Atom(self._end(step.subject), self._end(step.object), recipient, source)

    def _end(self, term: Term) -> _End:
        if isinstance(term, Variable):
            return _End(term.name, self._labels[term.name])
        return _ANYTHING if term is None else _End(None, self._names.ids(term))

    # -- the join ------------------------------------------------------------------------

    def matches(self) -> Iterator[tuple[tuple[Run, ...], Binding]]:
        """Yield runs by step and the binding, in the order in which they are found."""
        for chosen, binding in self._extended(self._plan(), {}, {}):
            if not any(self._happens(n, chosen, binding) for n in range(len(self._absent))):
                yield tuple(chosen[number] for number in range(len(self._atoms))), binding

    def _plan(self) -> list[int]:
        """Return the steps, rarest first, each with something in common with those before."""
        sizes = [len(self._rows(atom, {}, None)) for atom in self._atoms]
        order: list[int] = []
        bound: set[str] = set()
        rest = set(range(len(sizes)))
        while rest:
            number = min(rest, key=lambda n: (*self._strangeness(n, order, bound), sizes[n], n))
            order.append(number)
            bound.update(v.name for v in self._pattern.steps[number].variables)
            rest.remove(number)
        return order

    def _strangeness(self, number: int, order: list[int], bound: set[str]) -> tuple[bool, bool]:
        """Return whether a step shares no variable, and no time, with the steps placed."""
        if not order:
            return False, False
        shares = any(v.name in bound for v in self._pattern.steps[number].variables)
        return not shares, not {number - 1, number + 1} & {*order}

    def _extended(
        self, order: list[int], chosen: dict[int, Run], binding: Binding
    ) -> Iterator[tuple[dict[int, Run], Binding]]:
        if len(chosen) == len(order):
            yield chosen, binding
            return
        number = order[len(chosen)]
        for run, wider in self._candidates(number, chosen, binding):
            longer = {**chosen, number: run}
            if self._agrees(number, longer):
                yield from self._extended(order, longer, wider)

    def _candidates(
        self, number: int, chosen: Mapping[int, Run], binding: Binding
    ) -> Iterator[tuple[Run, Binding]]:
        """Yield what may stand for a step, given the steps already chosen."""
        atom, step = self._atoms[number], self._pattern.steps[number]
        if step.repeat == (1, 1):
            window = self._window(number, chosen)
            for interval, row, wider in self._fitting(atom, binding, window):
                yield ((interval, row),), wider
            return
        groups: dict[tuple[tuple[str, int], ...], list[tuple[Interval, int]]] = {}
        for interval, row, wider in self._fitting(atom, binding, None):
            groups.setdefault(tuple(wider.items()), []).append((interval, row))
        for items, times in groups.items():
            for run in _runs(sorted(times), step.repeat):
                yield run, dict(items)

    def _fitting(
        self, atom: _Atom, binding: Binding, window: Interval | None
    ) -> Iterator[tuple[Interval, int, Binding]]:
        """Yield every occurrence that fits a step, with the binding that it gives."""
        relations = self._index.relations
        for row in self._rows(atom, binding, window).tolist():
            r = relations[row]
            times = [i for i in r.intervals if window is None or overlap(i, window)]
            bindings = (
                [self._bound(reading, binding) for reading in atom.readings(r)] if times else []
            )
            for number, wider in enumerate(bindings):
                if wider is not None and wider not in bindings[:number]:
                    yield from ((interval, row, wider) for interval in times)

    def _bound(self, reading: tuple[tuple[_End, int], ...], binding: Binding) -> Binding | None:
        """Return a binding made wider by a reading, None if they do not go together."""
        wider = dict(binding)
        for end, object_id in reading:
            if end.ids is not None and object_id not in end.ids:
                return None
            name = end.variable
            if name is None or wider.get(name) == object_id:
                continue
            if name in wider or object_id == CAMERA or self._taken(name, object_id, wider):
                return None
            wider[name] = object_id
        return wider

    def _taken(self, name: str, object_id: int, binding: Binding) -> bool:
        return any(
            value == object_id and frozenset({name, other}) not in self._may_be
            for other, value in binding.items()
        )

    def _rows(self, atom: _Atom, binding: Binding, window: Interval | None) -> Ints:
        """Return the rows to look at: all that fit, and maybe some that do not."""
        subjects, objects = atom.subject.sought(binding), atom.object.sought(binding)
        if objects is None and atom.recipient is not None:
            objects = atom.recipient.sought(binding)
        return atom.source.rows(subjects, objects, window)

    # -- time ------------------------------------------------------------------------------

    def _window(self, number: int, chosen: Mapping[int, Run]) -> Interval | None:
        """Return a window that each fitting occurrence touches, None if there is no bound."""
        slack = self._tolerance
        if number - 1 in chosen:
            step, end = self._pattern.steps[number], _hull(chosen[number - 1]).end
            least, most = step.gap_s
            if step.link == "while":
                return _hull(chosen[number - 1])
            if step.link == "then" and most < math.inf:
                return _padded(end + least - slack, end + most + slack)
        if number + 1 in chosen:
            step, start = self._pattern.steps[number + 1], _hull(chosen[number + 1]).start
            least, most = step.gap_s
            if step.link == "while":
                return _hull(chosen[number + 1])
            if step.link == "then" and most < math.inf:
                return _padded(start - most - slack, start - least + slack)
        return None

    def _agrees(self, number: int, chosen: Mapping[int, Run]) -> bool:
        """Return whether a step just chosen goes with the steps chosen before it."""
        others = {item for n, run in chosen.items() if n != number for item in run}
        if others.intersection(chosen[number]):
            return False
        for later in (number, number + 1):
            if later - 1 in chosen and later in chosen and not self._linked(later, chosen):
                return False
        return all(
            allen(_hull(chosen[a]), _hull(chosen[b]), tolerance=self._tolerance) in link.names
            for link in self._pattern.allen
            if number in (a := link.first - 1, b := link.second - 1) and a in chosen and b in chosen
        )

    def _linked(self, number: int, chosen: Mapping[int, Run]) -> bool:
        """Return whether a step lies to the step before it as its link says."""
        step = self._pattern.steps[number]
        before, after = _hull(chosen[number - 1]), _hull(chosen[number])
        if step.link != "then":
            return step.link == "and" or overlap(before, after)
        least, most = step.gap_s
        return least - self._tolerance <= after.start - before.end <= most + self._tolerance

    def _happens(self, number: int, chosen: Mapping[int, Run], binding: Binding) -> bool:
        """Return whether what must be absent is there."""
        absence = self._pattern.absences[number]
        at = absence.position
        start = _hull(chosen[at - 1]).end if at else 0.0
        end = _hull(chosen[at]).start if at in chosen else self._end_s
        if at:
            end = min(end, start + absence.within_s)
        else:
            start = max(start, end - absence.within_s)
        if end <= start:
            return False
        return any(self._fitting(self._absent[number], binding, Interval(start, end)))


def _hull(run: Run) -> Interval:
    return run[0][0] if len(run) == 1 else hull([interval for interval, _ in run])


def _padded(start: float, end: float) -> Interval:
    """Return a window that also touches what begins or ends exactly at its bounds."""
    return Interval(math.nextafter(start, -math.inf), math.nextafter(end, math.inf))


def _runs(times: list[tuple[Interval, int]], repeat: tuple[int, int | None]) -> Iterator[Run]:
    """Yield every run of occurrences in a row, shorter ones first."""
    least, most = repeat[0], repeat[1] or len(times)
    for first in range(len(times)):
        run: list[tuple[Interval, int]] = []
        at = first
        while at < len(times) and len(run) < most:
            run.append(times[at])
            if len(run) >= least:
                yield tuple(run)
            end = times[at][0].end
            at = bisect.bisect_left(times, end, lo=at + 1, key=lambda item: item[0].start)
