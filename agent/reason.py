"""From a typed question and facts to a finding: what is so, and what shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from reelgraph.agent.clauses import Pattern, Role
from reelgraph.agent.facts import Facts, Occurrence
from reelgraph.agent.language import TimePhrase
from reelgraph.agent.matching import (
    Span,
    Unknown,
    anchored,
    in_time,
    matching,
    pick,
    spans,
    visible,
    window,
)
from reelgraph.agent.phrases import Ref
from reelgraph.agent.question import Question
from reelgraph.agent.referents import places, referents, why_unresolved
from reelgraph.graph import intervals
from reelgraph.graph.schema import Interval

__all__ = ["Finding", "solve"]


@dataclass(frozen=True)
class Finding:
    """What the facts say about a question.

    Attributes:
        status: ``"yes"`` if they answer it, ``"no"`` if they say that it is not so,
            ``"unknown"`` if they do not say.
        reason: Why not, for ``"no"`` and ``"unknown"``.
        occurrences: What shows it, best first.
        entities: The objects that answer it, in order.
        value: The number that answers it, or None.
        result: Id of the computed figure the number comes from, or None.
        role: The role that `entities` fill in `occurrences`.
        confidence: 0 to 1.
    """

    status: Literal["yes", "no", "unknown"]
    reason: str = ""
    occurrences: tuple[Occurrence, ...] = ()
    entities: tuple[int, ...] = ()
    value: float | None = None
    result: str | None = None
    role: Role | None = None
    confidence: float = 0.9
    pool: tuple[Occurrence, ...] = field(default=(), repr=False)


DOING = {"stateful", "contact", "functional", "social"}
"""Kinds of relations that say what one does to another, for as long as it lasts."""


def solve(question: Question, facts: Facts) -> Finding:
    """Answer a question from facts; what they do not say is ``"unknown"``."""
    try:
        return _SOLVERS[question.asked](_resolved(question), facts)
    except Unknown as missing:
        return Finding("unknown", str(missing))


def _resolved(question: Question) -> Question:
    """Let ``it`` in the main clause mean what the anchor clause acts on."""
    anchor, pattern = question.anchor, question.pattern
    if anchor and anchor.pattern.object and pattern.object and pattern.object.text == "it":
        return replace(question, pattern=replace(pattern, object=anchor.pattern.object))
    return question


def _unknown(reason: str) -> Finding:
    return Finding("unknown", reason)


def _found(question: Question, facts: Facts) -> list[Occurrence]:
    """Return the occurrences of the main clause in the asked time, ordinal applied."""
    found = in_time(matching(question.pattern, facts), question.time, facts.whole)
    if question.anchor:
        found, _ = anchored(found, question.anchor, question, facts)
    ordinal = question.pattern.ordinal
    if ordinal is None:
        return found
    ordered = sorted(found, key=lambda o: o.span)
    chosen = pick([Span(o.span.start, o.span.end, (o,)) for o in ordered], ordinal)
    return [o for span in chosen for o in span.occurrences]


def _entity(question: Question, facts: Facts) -> Finding:
    pattern = question.pattern
    if pattern.unread:
        return _unknown(f"the graph does not say anything about {' '.join(pattern.unread)!r}")
    if pattern.negated:
        return _never(question, facts)
    found = _found(question, facts)
    sure = 0.9
    if not found and question.time and question.time.where == "end":
        found, sure = matching(pattern, facts)[-1:], 0.6
    if question.time and question.time.where == "end" and not visible(pattern):
        found = [o for o in found if o.span.end >= max(o.span.end for o in found) - 0.1]
    if question.anchor and question.anchor.relation != "while" and pattern.ordinal is None:
        found = found[:1]
    role = pattern.asked or "subject"
    if pattern.repeats is not None:
        often = Counter(getattr(o, role) for o in found)
        found = [o for o in found if often[getattr(o, role)] == pattern.repeats]
    entities = tuple(dict.fromkeys(getattr(o, role) for o in found))
    if not entities:
        return Finding("no", _never_said(question), role=role)
    return Finding("yes", "", tuple(found), entities, role=role, confidence=sure)


def _never(question: Question, facts: Facts) -> Finding:
    """Answer ``which X never does Y``: those for which nothing says that they do."""
    pattern = replace(question.pattern, negated=False)
    role = pattern.asked or "subject"
    asked = pattern.refs.get(role)
    pool = referents(asked, facts) if asked else frozenset(facts.objects)
    did = in_time(matching(pattern, facts), question.time, facts.whole)
    guilty = {getattr(o, role) for o in did}
    layers = places(pool, facts)
    same_place = {i for i in pool if i in layers and layers[i] in {layers.get(g) for g in guilty}}
    seen = [o for o in facts.presence() if o.subject in pool]
    here = {o.subject for o in in_time(seen, question.time, facts.whole)}
    left = tuple(sorted((pool & here) - guilty - same_place))
    if not left:
        return Finding("no", _never_said(question), tuple(did), role=role)
    return Finding("yes", "", tuple(did), left, role=role, confidence=0.7)


def _never_said(question: Question) -> str:
    return f"nothing in the graph answers {question.text.strip().rstrip('?')!r}"


def _when(question: Question, facts: Facts) -> Finding:
    found = _found(question, facts)
    if question.pattern.together:
        grouped = spans(question.pattern, facts)
        found = [o for span in grouped for o in span.occurrences]
    if not found:
        return Finding("no", _never_said(question))
    return Finding("yes", "", tuple(found), value=found[0].span.start)


def _how_long(question: Question, facts: Facts) -> Finding:
    text = question.text.lower()
    whole = any(word in text for word in ("video", "clip", "film", "recording"))
    if whole and question.pattern.subject is None:
        return Finding("yes", "", value=facts.whole.duration)
    found = _found(question, facts)
    if not found:
        return Finding("no", _never_said(question))
    total = intervals.duration(o.span for o in found)
    return Finding("yes", "", tuple(found), value=total)


def _how_often(question: Question, facts: Facts) -> Finding:
    found = _found(question, facts)
    return Finding("yes", "", tuple(found), value=len(found))


def _how_many(question: Question, facts: Facts) -> Finding:
    if question.extreme:
        return _extreme(question, facts)
    pattern = question.pattern
    if pattern.unread:
        return _unknown(f"the graph does not say anything about {' '.join(pattern.unread)!r}")
    if visible(pattern) and (question.anchor or question.time):
        return _how_many_seen(question, facts)
    found = _found(question, facts)
    role = pattern.asked or "subject"
    entities = tuple(dict.fromkeys(getattr(o, role) for o in found))
    return Finding("yes", "", tuple(found), entities, value=len(entities), role=role)


def _how_many_seen(question: Question, facts: Facts) -> Finding:
    """Count what is in view at once, at its most, in the asked time."""
    found = matching(question.pattern, facts)
    span = window(question.time, facts.whole) if question.time else None
    if question.anchor:
        hits, time = anchored(found, question.anchor, question, facts)
        found = hits
        span = Interval(time.start, time.end) if time else span
    if span is None:
        return _unknown(_never_said(question))
    best = _most_at_once(found, span)
    entities = tuple(sorted({o.subject for o in best}))
    return Finding("yes", "", tuple(best), entities, value=len(entities), role="subject")


def _most_at_once(found: Sequence[Occurrence], span: Interval) -> list[Occurrence]:
    """Return the largest set of occurrences that hold at one moment of ``span``."""
    moments = [span.start, *(o.span.start for o in found if span.start <= o.span.start < span.end)]
    sets = [[o for o in found if o.span.start <= t < o.span.end] for t in moments]
    return max(sets, key=len, default=[])


def _extreme(question: Question, facts: Facts) -> Finding:
    """Read the figure that the count tool computed."""
    result = next(iter(facts.results.values()), None)
    if result is None or not isinstance(result["value"], int | float):
        ref = question.pattern.subject or Ref(question.text)
        return _unknown(why_unresolved(ref, facts))
    return Finding(
        "yes", "", entities=tuple(result["objects"]), value=result["value"], result=result["id"]
    )


def _yes_no(question: Question, facts: Facts) -> Finding:
    pattern = question.pattern
    if not pattern.sense:
        return _is_so(pattern, facts)
    if pattern.unread:
        return _unknown(f"the graph does not say anything about {' '.join(pattern.unread)!r}")
    found = _found(replace(question, pattern=replace(pattern, negated=False)), facts)
    if found:
        return Finding("no" if pattern.negated else "yes", "", tuple(found))
    others = matching(Pattern(pattern.predicates, pattern.sense), facts)[:3]
    return Finding("no", "", tuple(others), _named(pattern, facts), confidence=0.6)


def _named(pattern: Pattern, facts: Facts) -> tuple[int, ...]:
    """Return the objects that a clause names, where it names few."""
    ids = [referents(ref, facts) for ref in pattern.refs.values() if not ref.anything]
    return tuple(dict.fromkeys(i for group in ids if len(group) < 4 for i in sorted(group)))


def _is_so(pattern: Pattern, facts: Facts) -> Finding:
    """Answer ``is the ball red`` from attributes."""
    ref = pattern.subject
    if ref is None or ref.unknown or not ref.attributes:
        return _unknown(why_unresolved(ref or Ref(" ".join(pattern.words)), facts))
    if hits := referents(ref, facts):
        return Finding("yes", "", entities=tuple(sorted(hits)))
    bare = referents(replace(ref, attributes=()), facts)
    if not bare:
        return _unknown(why_unresolved(ref, facts))
    return Finding("no", "", entities=tuple(sorted(bare)), confidence=0.6)


def _event(question: Question, facts: Facts) -> Finding:
    """Answer ``what happens`` and ``what does X do``: events before states, nearest first."""
    subject = question.pattern.subject or question.pattern.object
    everything = [o for o in facts.occurrences() if o.kind != "spatial"]
    if subject is not None and not subject.anything:
        ids = referents(subject, facts)
        if not ids:
            return _unknown(why_unresolved(subject, facts))
        acting = [o for o in everything if o.subject in ids]
        everything = acting or [o for o in everything if ids & set(o.participants)]
    found = in_time(everything, _around(question.time), facts.whole)
    if question.anchor:
        found, _ = anchored(found, question.anchor, question, facts)
    if not found:
        return Finding("no", _never_said(question))
    telling = _telling(found, question.time)
    ordinal = question.pattern.ordinal
    if ordinal is not None:
        telling = sorted(telling, key=lambda o: o.span)
        telling = [telling[-1]] if ordinal < 0 else telling[ordinal - 1 :][:1]
    few = 1 if question.anchor and question.anchor.relation != "while" else 3
    return Finding("yes", "", tuple(telling[:few]), pool=tuple(found))


def _telling(found: list[Occurrence], time: TimePhrase | None) -> list[Occurrence]:
    """Return what tells most: events, and for a moment what is in contact then as well."""
    events = [o for o in found if o.kind == "event"]
    if time is None or time.where != "at":
        return events or found
    moment = time.start_s
    held = [o for o in found if o.kind in DOING and o.span.start <= moment < o.span.end]
    return [*held, *events] or found


def _around(phrase: TimePhrase | None) -> TimePhrase | None:
    """Widen a moment: what happens at 5 s may begin a little later."""
    if phrase is None or phrase.where != "at":
        return phrase
    return TimePhrase("between", phrase.start_s - 0.5, phrase.start_s + 0.5)


def _where(question: Question, facts: Facts) -> Finding:
    subject = question.pattern.subject or question.pattern.object
    ids = referents(subject, facts) if subject and not subject.anything else frozenset()
    if not ids:
        return _unknown(why_unresolved(subject or Ref(question.text), facts))
    placing = [o for o in facts.occurrences() if o.kind in {"spatial", "contact"}]
    found = [o for o in placing if ids & {o.subject, o.object}]
    found = in_time(found, question.time, facts.whole)
    if question.anchor:
        found, _ = anchored(found, question.anchor, question, facts)
    if not found:
        return Finding("no", f"the graph does not say where {subject.text if subject else ''} is")
    found.sort(key=lambda o: (o.kind != "contact", -o.span.duration))
    return Finding("yes", "", tuple(found[:3]), pool=tuple(found), confidence=0.7)


def _attribute(question: Question, facts: Facts) -> Finding:
    subject = question.pattern.subject or question.pattern.object
    ids = referents(subject, facts) if subject else frozenset()
    told = [i for i in sorted(ids) if facts.objects[i]["attributes"]]
    if not told:
        return _unknown(why_unresolved(subject or Ref(question.text), facts))
    return Finding("yes", "", entities=tuple(told))


def _why(question: Question, facts: Facts) -> Finding:  # noqa: ARG001
    return _unknown("the graph says what happens and when, not why or in what manner")


def _describe(question: Question, facts: Facts) -> Finding:
    text = question.text.lower()
    asks = any(word in text for word in ("what", "describe", "summar"))
    pattern = question.pattern
    if not asks or not facts.objects or pattern.unread:
        return _unknown("the question could not be understood in terms of this graph")
    events = [o for o in facts.occurrences() if o.kind == "event"][:3]
    return Finding("yes", "", tuple(events), tuple(sorted(facts.objects)[:8]), role="subject")


_SOLVERS = {
    "entity": _entity,
    "event": _event,
    "when": _when,
    "where": _where,
    "how long": _how_long,
    "how many": _how_many,
    "how often": _how_often,
    "yes or no": _yes_no,
    "attribute": _attribute,
    "why": _why,
    "how": _why,
    "describe": _describe,
}
