"""Text budget: which facts and objects a text tells, so that it is never over its tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from reelgraph.errors import QueryError
from reelgraph.graph.query import chronological
from reelgraph.graph.schema import CAMERA, SceneObject
from reelgraph.graph.text_order import Fact, by_focus, by_kind, foremost
from reelgraph.graph.text_words import TokenCounter

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Layout", "Material", "Selection", "fitted"]

_OBJECT_SHARE = 3
"""Where text is cut, one part in this many of what the title leaves is for the objects."""

_FIRST_TRY = 64
"""How many facts the first try has; twice as many in each further one."""


@dataclass(frozen=True)
class Selection:
    """What a text is to tell.

    Attributes:
        objects: Objects to list, by id.
        exact: Facts to tell in full, in order of time.
        brief: Facts to tell in short, to the second, in order of time.
        named: Ids of the objects that some told fact names.
        left: How much is left out, or ""; of an excerpt, how many facts.
        excerpt: Whether room was short and went to what matters for a question; an excerpt
            has no title.
    """

    objects: Sequence[SceneObject]
    exact: Sequence[Fact]
    brief: Sequence[Fact]
    named: frozenset[int]
    left: str
    excerpt: bool


Layout: TypeAlias = Callable[[Selection], str]
"""Writes a selection as text."""


class Material:
    """All that can be told of a graph, in order of time and by importance.

    Args:
        graph: What to tell.
        scores: How relevant each relation that matters is, by id; others are left out.
            None for the order by kind, certainty and length.
        most: More relations than this need not be looked at: a budget in tokens will do,
            for no relation is told in less than one.
        objects: The objects that may be listed; None for all.
    """

    def __init__(
        self,
        graph: TemporalGraph,
        scores: Mapping[str, float] | None = None,
        most: int | None = None,
        objects: Sequence[SceneObject] | None = None,
    ) -> None:
        relations = graph.document.relations
        self._everyone = graph.objects()
        self.objects = self._everyone if objects is None else objects
        self.total = sum(len(r.intervals) for r in relations)
        self._scores = scores
        told = foremost(relations, scores, most)
        facts = (Fact(span, r) for r in chronological(told) for span in r.intervals)
        self.facts = sorted(facts, key=lambda fact: (fact.span.start, fact.span.end))

    @cached_property
    def _fact_rows(self) -> list[int]:
        """Rows of `facts`, the most important first."""
        return by_kind(self.facts) if self._scores is None else by_focus(self.facts, self._scores)

    @cached_property
    def _object_rows(self) -> list[int]:
        """Rows of `objects`: those with details first, by the first fact that names them."""
        first: dict[int | None, int] = {}
        for place, row in enumerate(self._fact_rows):
            r = self.facts[row].relation
            for owner in (r.subject, r.object, r.recipient):
                first.setdefault(owner, place)

        def key(row: int) -> tuple[bool, int, int]:
            item = self.objects[row]
            return (not _detailed(item), first.get(item.id, len(self.facts)), row)

        return sorted(range(len(self.objects)), key=key)

    @cached_property
    def detailed(self) -> int:
        """How many objects have more to tell than their label."""
        return sum(map(_detailed, self.objects))

    def select(self, objects: int, told: int, exact: int) -> Selection:
        """Return the most important pieces.

        Args:
            objects: How many objects to list.
            told: How many facts to tell.
            exact: How many of them to tell in full.
        """
        rows = self._fact_rows
        listed = [self.objects[i] for i in sorted(self._object_rows[:objects])]
        full = [self.facts[i] for i in sorted(rows[:exact])]
        short = [self.facts[i] for i in sorted(rows[exact:told])]
        told_of = (fact.relation for fact in (*full, *short))
        named = frozenset(i for r in told_of for i in (r.subject, r.object, r.recipient or CAMERA))
        known = named.union(item.id for item in listed)
        unnamed = sum(item.id not in known for item in self._everyone)
        missing = [self.objects[i] for i in self._object_rows[objects:]]
        notes = [
            _of(self.total - told, self.total, "facts"),
            _of(unnamed, len(self._everyone), "objects"),
            _of(sum(map(_detailed, missing)), self.detailed, "descriptions"),
        ]
        excerpt = self._scores is not None and told < len(self.facts)
        left = notes[0] if excerpt else ", ".join(note for note in notes if note)
        return Selection(listed, full, short, named, left, excerpt)


def _detailed(item: SceneObject) -> bool:
    return bool(item.attributes or item.presence)


def _of(count: int, total: int, noun: str) -> str:
    return f"{count} of {total} {noun}" if count else ""


def fitted(
    material: Material, layout: Layout, budget: int | None, count: TokenCounter
) -> Selection:
    """Return as much of the material as a text of at most ``budget`` tokens holds.

    More facts come before more detail: where not all can be told in full, as many as
    possible are told in short, and what room is left goes to telling the first in full.

    Raises:
        QueryError: If not even a headline fits.
    """
    return _Fitting(material, layout, budget, count).selection()


@dataclass(frozen=True)
class _Fitting:
    material: Material
    layout: Layout
    budget: int | None
    count: TokenCounter

    def selection(self) -> Selection:
        objects, facts = len(self.material.objects), len(self.material.facts)
        if self.budget is None or self._all_fits(objects, facts, self.budget):
            return self.material.select(objects, facts, facts)
        return self.material.select(*self._best(objects, facts, self.budget))

    def _best(self, objects: int, facts: int, budget: int) -> tuple[int, int, int]:
        """Return how many objects, facts and facts in full to tell."""
        bare = self._tokens(0, 0, 0)
        if bare > budget:
            raise QueryError(
                f"A budget of {budget} tokens holds no part of the graph; give at least {bare}."
            )
        share = bare + (budget - bare) / _OBJECT_SHARE
        listed = _most(self.material.detailed, lambda n: self._tokens(n, 0, 0) <= share)
        short = _most(facts, lambda n: self._tokens(listed, n, 0) <= budget)
        full = _most(facts, lambda n: self._tokens(listed, n, n) <= budget)
        told = max(short, full)
        exact = full if full >= short else 0
        if exact < told:
            exact = _most(told, lambda n: self._tokens(listed, told, n) <= budget)
        if told == facts:
            listed = _most(objects, lambda n: self._tokens(n, told, exact) <= budget)
        return listed, told, exact

    def _all_fits(self, objects: int, facts: int, budget: int) -> bool:
        """Return whether everything fits, without writing much more than does."""
        size = _FIRST_TRY
        while size < max(objects, facts):
            part = min(size, facts)
            if self._tokens(min(size, objects), part, part) > 2 * budget:
                return False
            size *= 2
        return self._tokens(objects, facts, facts) <= budget

    def _tokens(self, objects: int, told: int, exact: int) -> int:
        return self.count(self.layout(self.material.select(objects, told, exact)))


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """Return a number up to ``limit`` that fits, the largest if more never fits better.

    Tries grow from small ones, so that the cost hangs on the answer, not on the limit.
    """
    low, high = 0, min(_FIRST_TRY, limit)
    while high < limit and fits(high):
        low, high = high, min(2 * high, limit)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
