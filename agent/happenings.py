"""What happens, what someone does, and where something is."""

from __future__ import annotations

from collections import Counter

from reelgraph.agent.facts import Facts, Occurrence
from reelgraph.agent.finding import Finding, unknown
from reelgraph.agent.language import TimePhrase
from reelgraph.agent.matching import Unknown, anchored, in_time
from reelgraph.agent.phrases import Ref
from reelgraph.agent.question import Question
from reelgraph.agent.referents import referents, why_unresolved

__all__ = ["event", "where"]

DOING = {"stateful", "contact", "functional", "social"}
"""Kinds of relations that say what one does to another, for as long as it lasts."""


def event(question: Question, facts: Facts) -> Finding:
    """Answer ``what happens`` and ``what does X do``: events before states, nearest first."""
    if question.pattern.negated:
        return unknown("the graph says what happens, not all that does not")
    if {"and", "both"} <= set(question.pattern.words):
        return unknown("the question asks for what several do together")
    found = in_time(_involving(question, facts), _around(question.time), facts.whole)
    found, _ = anchored(found, question, facts)
    if not found:
        return Finding("no", f"nothing in the graph answers {question.text.strip().rstrip('?')!r}")
    shown = _shown(found, question)
    if not shown:
        return unknown("the graph does not say so of anything")
    return Finding("yes", "", tuple(shown), pool=tuple(found))


def _involving(question: Question, facts: Facts) -> list[Occurrence]:
    """Return what the objects of a question take part in, first of all what they do.

    Raises:
        Unknown: If the graph has no such object.
    """
    subject = question.pattern.subject or question.pattern.object
    found = [o for o in facts.occurrences() if o.kind != "spatial"]
    if subject is not None and not subject.anything:
        ids = _meant(subject, facts)
        acting = [o for o in found if o.subject in ids]
        found = acting or [o for o in found if ids & set(o.participants)]
    other = question.pattern.object
    if other is not None and other is not subject and not other.anything:
        ids = _meant(other, facts)
        found = [o for o in found if ids & set(o.participants)]
    return found


def _meant(ref: Ref, facts: Facts) -> frozenset[int]:
    if ids := referents(ref, facts):
        return ids
    raise Unknown(why_unresolved(ref, facts))


def _shown(found: list[Occurrence], question: Question) -> list[Occurrence]:
    """Return what answers best: so often, so long, the n-th, or the nearest few."""
    pattern = question.pattern
    if pattern.repeats is not None:
        often = Counter((o.subject, o.predicate) for o in found)
        return [o for o in found if often[o.subject, o.predicate] == pattern.repeats]
    if question.measure in {"longest", "shortest"}:
        most = max if question.measure == "longest" else min
        return [most(found, key=lambda o: o.span.duration)]
    telling = _telling(found, question.time)
    if pattern.ordinal is not None:
        telling = sorted(telling, key=lambda o: o.span)
        at = pattern.ordinal
        telling = telling[-1:] if at < 0 else telling[at - 1 :][:1]
    nearest = len(question.anchors) == 1 and question.anchors[0].relation != "while"
    return telling[: 1 if nearest else 3]


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


def where(question: Question, facts: Facts) -> Finding:
    """Answer where something is: what it rests in or touches before what it is near."""
    subject = question.pattern.subject or question.pattern.object
    ids = referents(subject, facts) if subject and not subject.anything else frozenset()
    if not ids:
        return unknown(why_unresolved(subject or Ref(question.text), facts))
    placing = [o for o in facts.occurrences() if o.kind in {"spatial", "contact"}]
    found = [o for o in placing if ids & {o.subject, o.object}]
    found = in_time(found, question.time, facts.whole)
    found, _ = anchored(found, question, facts)
    if not found:
        return Finding("no", f"the graph does not say where {subject.text if subject else ''} is")
    found.sort(key=lambda o: (o.kind != "contact", -o.span.duration))
    return Finding("yes", "", tuple(found[:3]), pool=tuple(found), confidence=0.7)
