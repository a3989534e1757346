"""Why and how: only what a relation of the graph states, never what is likely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from reelgraph.agent.facts import Facts, Occurrence
from reelgraph.agent.finding import Finding, unknown
from reelgraph.agent.matching import SLACK_S, Unknown, anchored, in_time, matching
from reelgraph.agent.question import Question
from reelgraph.agent.referents import referents
from reelgraph.graph.lexicon import predicate_key, synonym_keys
from reelgraph.graph.lexicon_data import KINDS_OF_PREDICATES, NARROWER_PREDICATES

__all__ = ["how", "why"]

CAUSE_S = 5.0
"""A cause ends at most this long before what it causes starts."""

_CAUSES: Final = frozenset(
    map(predicate_key, ("scare", "frighten", "startle", "cause", "make", "force", "trigger"))
)
"""Predicates whose subject is the reason for what their object does next."""

_REASONS: Final = frozenset(
    map(predicate_key, ("because of", "due to", "scared by", "frightened by", "forced by"))
)
"""Predicates whose object is the reason for what their subject does next."""

_TOOLS: Final = frozenset(map(predicate_key, ("use", "work with", "operate")))
_NOT_WHY: Final = "the graph says what happens and when, not why"
_NOT_HOW: Final = "the graph says what happens and when, not in what manner"


def why(question: Question, facts: Facts) -> Finding:
    """Answer with a relation that states a cause of the event, shortly before it."""
    stated = _stated(_CAUSES | _REASONS, facts)
    for effect in _asked(question, facts) if stated else ():
        if causes := [o for o in stated if _causes(o, effect)]:
            return Finding("yes", "", tuple(causes), beside=(effect,), confidence=0.6)
    return unknown(_NOT_WHY)


def _stated(keys: frozenset[str], facts: Facts) -> list[Occurrence]:
    """Return the occurrences of all predicates with these keys."""
    stored = [p for p in facts.predicates if predicate_key(p) in keys]
    return facts.occurrences(stored) if stored else []


def _causes(cause: Occurrence, effect: Occurrence) -> bool:
    key = predicate_key(cause.predicate)
    moved = cause.object if key in _CAUSES else cause.subject if key in _REASONS else None
    near = cause.span.end >= effect.span.start - CAUSE_S
    return moved == effect.subject and near and cause.span.start <= effect.span.start


def how(question: Question, facts: Facts) -> Finding:
    """Answer with a narrower relation of the same things, or the tool used meanwhile."""
    told = _narrower(question, facts)
    if not told:
        used = _stated(_TOOLS, facts)
        told = [
            o
            for event in (_asked(question, facts) if used else ())
            for o in used
            if o.subject == event.subject
            and o.object not in event.participants
            and o.span.start < event.span.end + SLACK_S
            and event.span.start < o.span.end + SLACK_S
        ]
    if not told:
        return unknown(_NOT_HOW)
    unique = tuple({o.cite: o for o in told}.values())
    return Finding("yes", "", unique, pool=unique, confidence=0.6)


def _narrower(question: Question, facts: Facts) -> list[Occurrence]:
    """Return relations of the asked things that are kinds of the asked relation."""
    key = predicate_key(question.pattern.sense)
    kinds = _kinds().get(key, frozenset())
    stored = tuple(p for p in facts.predicates if predicate_key(p) in kinds)
    subject = question.pattern.subject
    if not stored or subject is None or subject.anything or not referents(subject, facts):
        return []
    pattern = replace(question.pattern, predicates=stored, sense=stored[0], unread=())
    try:
        found = in_time(matching(pattern, facts), question.time, facts.whole)
        return anchored(found, question, facts)[0] if question.anchors else found
    except Unknown:
        return []


@cache
def _kinds() -> Mapping[str, frozenset[str]]:
    """Return for the key of each wider predicate the keys of its kinds."""
    found: dict[str, frozenset[str]] = {}
    for table in (NARROWER_PREDICATES, KINDS_OF_PREDICATES):
        for wider, kinds in table.items():
            key = predicate_key(wider)
            keys = frozenset(k for kind in kinds for k in synonym_keys(predicate_key(kind)))
            found[key] = found.get(key, frozenset()) | keys - {key}
    return found


def _asked(question: Question, facts: Facts) -> list[Occurrence]:
    """Return the events that a question asks the reason or the manner of."""
    pattern = question.pattern
    if pattern.unread or not pattern.sense or pattern.negated:
        return []
    try:
        found = in_time(matching(pattern, facts), question.time, facts.whole)
        return anchored(found, question, facts)[0] if question.anchors else found
    except Unknown:
        return []
