"""Ordering: which of several things comes first, lies how far apart, or lasts longest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from reelgraph.agent.alternatives import Measure
from reelgraph.agent.clauses import Pattern
from reelgraph.agent.facts import Facts, Occurrence
from reelgraph.agent.finding import Finding, unknown
from reelgraph.agent.matching import Unknown, matching
from reelgraph.agent.question import Question
from reelgraph.agent.referents import referents
from reelgraph.graph import intervals

__all__ = ["either", "gap", "longer_than", "order", "stand_out"]

SAME_S = 0.05
"""What starts less than this apart starts at the same time."""


def order(question: Question, facts: Facts) -> Finding:
    """Answer ``what happens first, A or B``; unknown if the graph lacks one of them."""
    found = [_happens(pattern, facts) for pattern in question.among]
    if question.order in {"longest", "shortest"}:
        return _lasting(found, longest=question.order == "longest")
    late = question.order == "last"
    one = sorted((each[-1 if late else 0] for each in found), key=lambda o: o.span, reverse=late)
    if abs(one[0].span.start - one[1].span.start) < SAME_S:
        return unknown("the graph says that both start at the same time")
    return Finding("yes", "", (one[0],), beside=tuple(one[1:]), pool=(one[0],))


def _lasting(found: Sequence[Sequence[Occurrence]], *, longest: bool) -> Finding:
    """Answer which of several things takes the most, or the least, time in all."""
    ranked = sorted(found, key=lambda group: _size(group, "longest"), reverse=longest)
    if abs(_size(ranked[0], "longest") - _size(ranked[1], "longest")) < SAME_S:
        return unknown("the graph says that both take the same time")
    return Finding("yes", "", tuple(ranked[0]), beside=(ranked[1][0],), pool=tuple(ranked[0]))


def gap(question: Question, facts: Facts) -> Finding:
    """Answer how far two events lie apart: their times, nearest pair first."""
    first, last = (_happens(pattern, facts) for pattern in question.among)
    pairs = [(a, b) for a in first for b in last if a.cite != b.cite]
    if not pairs:
        return unknown("the graph says only one of the two")
    a, b = min(pairs, key=lambda pair: (abs(_apart(*pair)), pair[0].span))
    return Finding("yes", "", (a, b), value=abs(_apart(a, b)))


def _apart(a: Occurrence, b: Occurrence) -> float:
    early, late = sorted((a.span, b.span))
    return late.start - early.end if late.start >= early.end else late.start - early.start


def _happens(pattern: Pattern, facts: Facts) -> list[Occurrence]:
    """Return when a clause is true.

    Raises:
        Unknown: If it cannot be read, or the graph never says so.
    """
    what = " ".join(pattern.words)
    if pattern.unread or not pattern.sense:
        raise Unknown(f"the graph has no relation that means {what!r}")
    found = matching(pattern, facts)
    if not found:
        raise Unknown(f"the graph never says {what!r}")
    return found


def stand_out(
    question: Question, found: Sequence[Occurrence], facts: Facts, measure: Measure
) -> Finding:
    """Answer who does something longest or most often, and name all that are even.

    Args:
        question: The question.
        found: All occurrences of its main clause in the asked time.
        facts: What tools returned.
        measure: By what the answer stands out.
    """
    role = question.pattern.asked or "subject"
    groups: dict[int, list[Occurrence]] = defaultdict(list)
    allowed = _allowed(question.among, facts)
    for occurrence in found:
        if allowed is None or getattr(occurrence, role) in allowed:
            groups[getattr(occurrence, role)].append(occurrence)
    if not groups or (allowed is not None and len(groups) < len(question.among)):
        return unknown("the graph does not say it of all that are compared")
    sizes = {i: _size(group, measure) for i, group in groups.items()}
    best = (max if measure in {"longest", "most often"} else min)(sizes.values())
    entities = tuple(i for i, size in sizes.items() if abs(size - best) < SAME_S)
    shown = tuple(o for i in entities for o in groups[i])
    return Finding("yes", "", shown, entities, value=best, role=role)


def _allowed(among: Sequence[Pattern], facts: Facts) -> frozenset[int] | None:
    """Return the objects that a question compares, None for all."""
    refs = [pattern.subject for pattern in among if pattern.subject]
    if not refs:
        return None
    return frozenset(i for ref in refs for i in referents(ref, facts))


def _size(group: Sequence[Occurrence], measure: Measure) -> float:
    if measure in {"longest", "shortest"}:
        return float(intervals.duration(o.span for o in group))
    return float(len(group))


def longer_than(question: Question, facts: Facts, measure: Measure) -> Finding:
    """Answer ``does A do it longer than B``."""
    first, other = (_happens(pattern, facts) for pattern in question.among)
    a, b = _size(first, measure), _size(other, measure)
    more = a > b if measure in {"longest", "most often"} else a < b
    return Finding("yes" if more else "no", "", tuple(first), beside=tuple(other))


def either(question: Question, facts: Facts) -> Finding:
    """Answer ``does A do B or C`` with those of the two that the graph says."""
    found: list[Occurrence] = []
    entities: list[int] = []
    for pattern in question.among:
        if not pattern.sense:
            entities += _described(pattern, facts)
        elif not pattern.unread:
            found += matching(replace(pattern, negated=False), facts)
    if not found and not entities:
        return unknown("the graph says neither of the two")
    return Finding("yes", "", tuple(found), tuple(dict.fromkeys(entities)))


def _described(pattern: Pattern, facts: Facts) -> tuple[int, ...]:
    """Return the objects that have the attributes that a clause without a verb names."""
    ref = pattern.subject
    if ref is None or ref.unknown or not ref.attributes:
        return ()
    return tuple(sorted(referents(ref, facts)))
