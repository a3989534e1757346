"""Pattern matching: find sequences of relations with variables in a graph."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reelgraph.errors import QueryError
from reelgraph.graph.intervals import hull
from reelgraph.graph.names import Match
from reelgraph.graph.occurrences import Occurrence
from reelgraph.graph.pattern_language import Pattern, parse_pattern
from reelgraph.graph.pattern_search import Binding, PatternSearch, Run
from reelgraph.graph.schema import Interval

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["PatternMatch", "match_pattern"]


@dataclass(frozen=True, slots=True)
class PatternMatch:
    """One way in which a graph fits a pattern.

    Attributes:
        objects: The object id that each variable stands for.
        steps: For each step of the pattern the occurrences that show it, as many as the
            step repeats.
    """

    objects: dict[str, int]
    steps: tuple[tuple[Occurrence, ...], ...]

    @property
    def interval(self) -> Interval:
        """From the first start to the last end."""
        return hull([o.interval for run in self.steps for o in run])

    @property
    def relations(self) -> tuple[str, ...]:
        """Ids of the relations that prove it, in the order of the steps."""
        return tuple(dict.fromkeys(o.relation.id for run in self.steps for o in run))


def match_pattern(
    graph: TemporalGraph,
    pattern: Pattern | str,
    *,
    tolerance: float = 0.0,
    limit: int = 100,
    match: Match = "lemma",
) -> list[PatternMatch]:
    """Return the ways in which a graph fits a pattern, in order of time.

    A match gives every variable an object and every step one occurrence, that is, one
    interval of one relation (a step that repeats gets several), so that

    - the relation says the step's predicate of its participants; inverses, passives and
      symmetric predicates are read as `TemporalGraph.relations` reads them;
    - different variables are different objects, and no occurrence serves twice;
    - ``then``: the step starts at least ``gap_s[0]`` and at most ``gap_s[1]`` seconds
      after the end of the step before it. ``while``: both share a moment;
    - Allen conditions hold; and nothing that must be absent happens between.

    Labels and numbers in a step are not variables: ``person hold cup; then person hold
    cup`` may be about two persons.

    Args:
        graph: Where to look.
        pattern: A `Pattern`, or text that `parse_pattern` reads, such as
            ``"?a hold ?x; then within 2 s ?b hold ?x"``.
        tolerance: Seconds by which ends may miss each other in ``then`` and in Allen
            conditions.
        limit: Most matches. The search begins at the rarest step and takes its
            occurrences in order of time, so these are the earliest by that step.
        match: How far a predicate may be from the stored one.

    Returns:
        Matches by the start, end and position of their occurrences, step by step.

    Raises:
        QueryError: If the text is not a pattern, or the graph has no such object or
            predicate at all.
    """
    if limit < 1 or not 0 <= tolerance < math.inf:
        raise QueryError(
            "match needs limit >= 1 and a finite tolerance >= 0, "
            f"got limit={limit!r}, tolerance={tolerance!r}."
        )
    read = parse_pattern(pattern) if isinstance(pattern, str) else pattern
    search = PatternSearch(graph, read, tolerance, match)
    found = sorted(itertools.islice(search.matches(), limit), key=_in_time)
    relations = graph._index.relations
    return [
        PatternMatch(
            dict(binding),
            tuple(tuple(Occurrence(relations[row], i) for i, row in run) for run in runs),
        )
        for runs, binding in found
    ]


def _in_time(found: tuple[tuple[Run, ...], Binding]) -> tuple[object, ...]:
    runs, binding = found
    return runs, sorted(binding.items())
